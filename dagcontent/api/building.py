"""A loaded graph and a store into a finished build: the wiring of resolver, machine, driver and outputs. Knows no screen.

    prepare (sync) -> drive (only if there is work) -> place outputs -> remember

A stored artifact that turns out damaged when it is placed sends the build round once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dagcontent.api.files import BesideFiles
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.memo import Question, write_memo
from dagcontent.api.outcome import counts_of, known_rows, node_results, served_in, status_of, unlike
from dagcontent.api.planning import check_outputs, check_targets, new_resolver
from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.api.seams import Seams
from dagcontent.api.spending import Spending
from dagcontent.api.targets import Target, parse_targets
from dagcontent.api.wiring import StoreArtifacts, StoreCommits
from dagcontent.errors import InternalError, NodeError
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status
from dagcontent.run.events import BuildFinished, BuildStarted, Event, Listener, OutputPlaced
from dagcontent.run.machine import PAID_SLOTS, Effect, Finish, Machine
from dagcontent.run.outputs import OutputFile, Seen, output_files, place
from dagcontent.run.ports import LostBlob
from dagcontent.run.remaining import RemainingTime
from dagcontent.store.history import Output
from dagcontent.store.runs import Run
from dagcontent.store.store import Store
from dagcontent.values.money import Cap
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from dagcontent.api.paying import Till
    from dagcontent.run.order import Order
    from dagcontent.run.paid import PaidExecutor

__all__ = ["Build", "BuildOptions"]

_ROUNDS_MOST = 3


class BuildOptions:
    """How to build. `jobs`: local actions at once; `seed`: order among equals."""

    def __init__(
        self,
        *,
        jobs: int,
        overwrite_outputs: bool = False,
        fail_fast: bool = False,
        seed: int = 0,
        signals: bool = False,
        listeners: Sequence[Listener] = (),
        seams: Seams | None = None,
        spending: Spending | None = None,
    ) -> None:
        self.spending = spending or Spending()
        self.jobs = jobs
        self.overwrite_outputs = overwrite_outputs
        self.fail_fast = fail_fast
        self.seed = seed
        self.signals = signals
        self.listeners = list(listeners)
        seams = seams or Seams()
        self.registry = seams.registry
        self.crashpoint = seams.crashpoint
        self.now_ms = seams.now_ms
        self.clock = seams.clock


class Build:
    """One build. Call `prepare`; while `work` is there, await `drive`; then `conclude`; again while it returns None."""

    def __init__(
        self,
        loaded: LoadedGraph,
        store: Store,
        targets: Sequence[str],
        options: BuildOptions,
        question: Question | None = None,
    ) -> None:
        self._loaded = loaded
        self._store = store
        self._question = question
        self._texts = tuple(targets)
        self._targets: tuple[Target, ...] = parse_targets(loaded.graph, targets)
        self._options = options
        self._graph_id = str(loaded.path)
        self._profile = loaded.profile or ""
        self._began = options.clock()
        self._placed: dict[str, str] = {}
        self._at: dict[str, str] = {}  # by digest
        self._facts: dict[str, dict[str, Any]] = {}
        self._said: list[str] = []
        self._rounds = 0
        self._interrupted = False
        self._run: Run | None = None
        self.files = BesideFiles(Path(loaded.pipeline.folder), store.side)
        self.generation = store.generation()
        self.resolver: Resolver
        self.machine: Machine
        self.work: list[Effect] = []

    def prepare(self) -> None:
        """Resolve as far as the store's records reach; afterwards `work` holds the first effects, or nothing."""
        self._rounds += 1
        epoch = self._store.open_epoch(self._graph_id, self._profile)
        with self._store.snapshot():  # what others commit meanwhile is found when our keys are claimed
            self.resolver = new_resolver(
                self._loaded, self._store, self.files, self._targets, epoch=epoch, realms=self._options.spending.realms
            )
        check_targets(self.resolver, self._targets)
        check_outputs(self.resolver)
        self.machine = Machine(
            self.resolver, slots=self._options.jobs, remaining_s=RemainingTime(self.resolver), seed=self._options.seed,
            fail_fast=self._options.fail_fast, paid_slots=self._paid_slots,
        )  # fmt: skip
        effects = self.machine.begin()
        self.work = [] if all(isinstance(e, Finish) for e in effects) else effects
        if self.work and self._run is None:
            if self._loaded.paid:
                self._check_spending()
            now_ms = self._options.now_ms()
            self._run = self._store.start_run(self._graph_id, now_ms=now_ms, profile=self._profile, epoch=epoch)
            self._options.crashpoint("build.run-started")
        if self._rounds == 1:
            instances = sum(1 for _ in self.resolver.fanout.all_units()) if self.work else 0
            self._emit(BuildStarted(self._loaded.name, self._run_id, instances))

    def _paid_slots(self, provider: str) -> int:
        config = self._options.spending.configs.get(provider)
        return PAID_SLOTS if config is None or config.concurrency is None else config.concurrency

    def _check_spending(self) -> None:
        """Say what keeps this build from being paid for, before anything is sent. Raises GraphError, ConfigError,
        BudgetExceeded.
        """
        from dagcontent.api.planning import check_offered, plan_graph  # noqa: PLC0415 - a free graph is not planned twice
        from dagcontent.api.spending import check_consent, check_means  # noqa: PLC0415 - as above

        agreed = self._options.spending
        plan = plan_graph(
            self._loaded, self._store, self._texts, realms=agreed.realms, market=agreed.market,
            binding=agreed.promise is not None,
        )  # fmt: skip
        check_offered(self._loaded, plan)
        budget = self._loaded.pipeline.budget_microusd
        spending = self._options.spending = check_consent(agreed, plan, budget)
        check_means(spending, plan)
        self._said += spending.conflicts(budget) if plan.paid else []

    async def drive(self) -> None:
        """Make what is missing. Raises StoreError, InternalError."""
        import anyio  # noqa: PLC0415 - as below

        from dagcontent.media.process import ProcessRunner  # noqa: PLC0415 - only where something is made
        from dagcontent.media.registry import local_registry  # noqa: PLC0415
        from dagcontent.run.driver import Driver  # noqa: PLC0415
        from dagcontent.run.local import LocalExecutor  # noqa: PLC0415

        assert self._run is not None
        executor = LocalExecutor(
            self._options.registry or local_registry(),
            StoreArtifacts(self._store, self.files),
            ProcessRunner,
            run=self._run.id,
            now_ms=self._options.now_ms,
            crashpoint=self._options.crashpoint,
        )
        till, payer = self._payer(lambda order, stage, position: driver.stage(order.instance, stage, position))
        driver = Driver(
            self.machine, StoreCommits(self._store, self._run), executor, self._listeners(), payer=payer,
            crashpoint=self._options.crashpoint,
        )  # fmt: skip
        try:
            await driver.run(self.work, signals=self._options.signals)
            self._interrupted = driver.interrupted
            await self._finish_leftovers(till, payer)
            self._said += payer.overcharged if payer is not None else []
        finally:
            self._interrupted = driver.interrupted
            executor.close()
            if till is not None:
                with anyio.CancelScope(shield=True):
                    await till.close()

    async def _finish_leftovers(self, till: Till | None, payer: PaidExecutor | None) -> None:
        """Fetch what was sent for what this graph does not ask for any more, if it is there already."""
        if till is None or payer is None or self._interrupted:
            return
        from dagcontent.api.resuming import finish_leftovers  # noqa: PLC0415 - a free graph needs no provider

        assert self._run is not None
        payer.stop()
        keys = {unit.key for unit in self.resolver.fanout.all_units() if unit.key is not None}
        self._said += await finish_leftovers(self._store, self._run, self._graph_id, keys, till, self._options.spending)

    def _listeners(self) -> list[Listener]:
        """Return who hears of what is made; money is told of where there is some."""
        if not self._loaded.paid:
            return self._options.listeners
        from dagcontent.api.purse import Purse  # noqa: PLC0415 - a free graph spends nothing

        limit = self._options.spending.most_microusd(self._loaded.pipeline.budget_microusd)
        return [*self._options.listeners, Purse(self._store, self._run_id, limit, self._emit)]

    def _payer(self, stage: Callable[[Order, str, int | None], None]) -> tuple[Till | None, PaidExecutor | None]:
        """Return what paid nodes are executed with; nothing for a graph that has none."""
        if not self._loaded.paid:
            return None, None
        from dagcontent.api.paying import Till  # noqa: PLC0415 - a free graph needs no provider
        from dagcontent.run.paid import BuildClock, Consent, PaidExecutor  # noqa: PLC0415 - as above

        assert self._run is not None
        options, spending = self._options, self._options.spending
        budget = self._loaded.pipeline.budget_microusd
        clock = BuildClock(options.now_ms)
        till = Till(
            self._store, self._run, spending.configs, StoreArtifacts(self._store, self.files), clock,
            caps=lambda intent: spending.caps(intent, budget), stage=stage, crashpoint=options.crashpoint,
            proxies=spending.proxies, market=spending.market,
        )  # fmt: skip
        payer = PaidExecutor(
            till.desk, spending.configs, clock, run=self._run.id, graph=self._graph_id, standing=self._store.standing,
            market=spending.market, consent=Consent(spending.repay, spending.unpriced, spending.agreed),
        )  # fmt: skip
        return till, payer

    def conclude(self) -> BuildResult | None:
        """Place outputs and remember the build; None if a damaged artifact means another round."""
        failures = self._place()
        if failures is None:
            if self._rounds >= _ROUNDS_MOST:
                text = "stored artifacts are damaged again as soon as they are made"
                raise InternalError(text, hint="look at the disk: dagcontent store verify")
            self.prepare()
            return None
        unplaced = {failure.node for failure in failures}
        nodes = [
            *(n for n in node_results(self.resolver, self._store, self._run_id, self._at) if n.node not in unplaced),
            *failures,
        ]
        counts = counts_of(nodes, self.resolver)
        status = status_of(nodes, counts, interrupted=self._interrupted)
        run = self._run_id
        spent, reserved = self._store.attempts.spent(Cap("run", run, 0)) if run and self._loaded.paid else (0, 0)
        self._remember(status, counts)
        self._emit(BuildFinished(status, counts, self._options.clock() - self._began))
        result = BuildResult(
            graph=self._loaded.name,
            status=status,
            run=run,
            counts=counts,
            nodes=tuple(nodes),
            outputs=tuple((instance, path) for path, instance in self._placed.items()),
            seconds=self._options.clock() - self._began,
            warnings=(
                *self._loaded.warnings,
                *self._loaded.strays(self.resolver.decisions),
                *self.resolver.warnings,
                *unlike(self.resolver),
            ),
            facts=self._facts,
            spent_microusd=spent,
            reserved_microusd=reserved,
            saved_microusd=sum(node.cost_microusd for node in nodes if not node.paid),
            profile=self._loaded.profile,
            served=served_in(self.resolver),
        )
        self._keep_memo(result)
        return msgspec.structs.replace(result, warnings=(*result.warnings, *self._said)) if self._said else result

    @property
    def _run_id(self) -> str:
        return self._run.id if self._run else ""

    def abandon(self) -> None:
        """End the run after an error that stopped the build; what was committed stays."""
        if self._run is not None:
            run, self._run = self._run, None
            self._store.finish_run(run, "failed", {}, now_ms=self._options.now_ms())

    # -- outputs ------------------------------------------------------------------------------------------------

    def _place(self) -> list[NodeResult] | None:
        folder = Path(self._loaded.pipeline.output_dir)
        last = {p: Seen(o.digest, o.size, o.mtime_ns) for p, o in self._store.outputs(self._graph_id).items()}
        artifacts = StoreArtifacts(self._store, self.files)
        failures: list[NodeResult] = []
        written: dict[str, Output] = {}
        owners: dict[str, str] = {}

        def refused(instance: str, error: NodeError) -> None:
            failures.append(NodeResult(instance, "failed", error=error.message, hint=error.hint))

        for file in output_files(self.resolver, refused):
            owner = owners.setdefault(file.path.casefold(), file.instance)
            if owner != file.instance:  # known this late only where a list or an ending was not known before
                text = f"{owner} wrote {file.path} already"
                refused(
                    file.instance,
                    NodeError(text, hint="give each its own `output`; upper and lower case count as equal"),
                )
                continue
            try:
                seen, changed = place(file, folder, artifacts, last, overwrite=self._options.overwrite_outputs)
            except LostBlob:
                if self._interrupted:
                    continue
                return None
            except NodeError as error:
                refused(file.instance, error)
                continue
            if last.get(file.path) != seen:
                written[file.path] = Output(seen.digest, seen.size, seen.mtime_ns)
            self._note(file, folder, changed=changed)
            self._options.crashpoint("outputs.placed")
        if written:
            self._store.record_outputs(self._graph_id, written)
            self._options.crashpoint("outputs.recorded")
        return failures

    def _note(self, file: OutputFile, folder: Path, *, changed: bool) -> None:
        path = str(folder / file.path)
        self._placed[path] = file.instance
        if isinstance(file.value, Blob):
            self._at[file.value.digest] = path
            self._facts[path] = {**file.value.facts, "size_bytes": file.value.size_bytes}
        else:
            self._facts[path] = {"size_bytes": len(file.value)}
        self._emit(OutputPlaced(file.instance, path, changed, self._options.clock() - self._began))

    def _remember(self, status: str, counts: dict[str, int]) -> None:
        fanout = self.resolver.fanout
        rows: dict[str, str] = {}
        evaluated = set()
        for unit in fanout.all_units():
            name = fanout.name(unit)
            if unit.record is not None and unit.key is not None:
                rows[name] = unit.record.key
                evaluated.add(name)
            elif unit.status in {Status.SKIPPED, Status.VALUE}:
                evaluated.add(name)
        last = self._store.last_build(self._graph_id, self._profile)
        if self._targets or status != "ok":
            rows = {name: key for name, key in last.items() if name not in evaluated} | rows
        if rows != last:
            self._store.set_last_build(self._graph_id, self._profile, rows)
            self._options.crashpoint("build.remembered")
        if self._run is not None:
            run, self._run = self._run, None
            self._store.finish_run(run, status, counts, now_ms=self._options.now_ms())
            self._options.crashpoint("build.finished")

    def _keep_memo(self, result: BuildResult) -> None:
        """Keep the answer for the next who asks, if asking again gives the same."""
        fresh_each_run = any(node.spec.cache == "run" for node in self._loaded.graph.nodes)
        passed_over = result.counts["passed_over"]  # what failed is tried again, if nothing keeps a record of it
        if self._question is None or result.status != "ok" or fresh_each_run or passed_over:
            return
        write_memo(
            self._store,
            self._question,
            result,
            known_rows(self.resolver),
            [*self._loaded.seen, *self.files.seen.values()],
            self.files.globs,
            generation=self.generation,
            now_ns=self._options.now_ms() * 1_000_000,
        )

    def _emit(self, event: Event) -> None:
        for listener in self._options.listeners:
            listener(event)
