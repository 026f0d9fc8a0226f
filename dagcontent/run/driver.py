"""Effects of the machine into tasks, threads and waiting: the thin part that touches time. Knows no policy."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections import deque
from collections.abc import Callable

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from dagcontent.errors import (
    AttemptDetached,
    AttemptUnresolved,
    DagcontentError,
    InternalError,
    NodeError,
    OverBudget,
    StoreError,
)
from dagcontent.plan.action import Action
from dagcontent.run.effects import (
    Await,
    Claim,
    Claimed,
    Completed,
    Effect,
    Failed,
    Finish,
    ForeignEnded,
    Lost,
    MachineEvent,
    PassOver,
    Release,
    Start,
    Stop,
    Tick,
    Wake,
)
from dagcontent.run.events import (
    BuildStopping,
    Event,
    Listener,
    NodeFinished,
    NodeProgress,
    NodeStage,
    NodeStarted,
    NodeWaiting,
)
from dagcontent.run.machine import Machine, Task
from dagcontent.run.ports import Commits, Executor, LostBlob, Payer
from dagcontent.values.record import Record
from dagcontent.values.value import ActionKey

__all__ = ["Driver"]

_GRACE_S = 1.0
_FOREIGN_POLL_S = 0.05
_FOREIGN_POLL_MOST_S = 1.0


def _unforeseen(error: Exception, name: str) -> DagcontentError:
    """Return what nobody caught as an error that stops a build in order."""
    from dagcontent.providers.secret import redact  # noqa: PLC0415 - a fault is rare

    text = f"{name}: {type(error).__name__}: {redact(str(error))}"
    if isinstance(error, OSError):
        return StoreError(text, hint="look at the disk that the store is on; what was sent is on the journal")
    return InternalError(text, hint="what was sent is on the journal: build again goes on with it")


class Driver:
    """Runs one machine to its end. `run` may be called once.

    `stop` may be called from any task: free work that runs is cancelled, what is finished stays.
    Raises the first error that is nobody's node's: StoreError, InternalError.
    """

    def __init__(
        self, machine: Machine, commits: Commits, executor: Executor, listeners: list[Listener], *,
        payer: Payer | None = None, crashpoint: Callable[[str], None] = lambda _point: None,
    ) -> None:  # fmt: skip
        self._machine = machine
        self._payer = payer
        self._commits = commits
        self._executor = executor
        self._listeners = listeners
        self._crashpoint = crashpoint
        self._events: deque[MachineEvent] = deque()
        self._wakeup = anyio.Event()
        self._started = 0.0
        self._running: dict[ActionKey, Task] = {}
        self._scopes: dict[ActionKey, anyio.CancelScope] = {}
        self._limiter = anyio.CapacityLimiter(math.inf)
        self._fault: DagcontentError | None = None
        self.interrupted = False

    async def run(self, effects: list[Effect], *, signals: bool = False) -> None:
        """Carry out effects (the machine's first), and what follows from them, until it finishes. With `signals`, the first Ctrl-C or SIGTERM stops."""
        self._started = anyio.current_time()
        async with anyio.create_task_group() as group:
            if signals and threading.current_thread() is threading.main_thread():
                group.start_soon(self._watch_signals)
            finished = self._apply(effects, group)
            while not finished:
                while not self._events:
                    self._wakeup = anyio.Event()
                    await self._wakeup.wait()
                due: list[Effect] = []
                while self._events:
                    due.extend(self._machine.on(self._events.popleft()))
                if self._machine.stopped and self._payer is not None:
                    self._payer.stop()  # also after a failure that ends the build: what stands in line is not sent
                finished = self._apply(due, group)
            group.cancel_scope.cancel()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Stop: nothing new starts, free work that runs is given up."""
        if not self.interrupted:
            self._emit(BuildStopping(anyio.current_time() - self._started))
        self.interrupted = True
        self._post(Stop())
        if self._payer is not None:
            self._payer.stop()
        for task in self._running.values():
            if not task.pool:
                self._executor.cancel(task.action)
        # A thread cannot be killed: what does not end by itself is left behind, and its result with it.
        for scope in self._scopes.values():
            scope.deadline = min(scope.deadline, anyio.current_time() + _GRACE_S)

    # -- effects ------------------------------------------------------------------------------------------------

    def _apply(self, effects: list[Effect], group: TaskGroup) -> bool:
        finished = False
        claims: list[ActionKey] = []  # of all events at once: a claim is a transaction
        for effect in effects:
            if isinstance(effect, Start):
                self._running[effect.task.action.key] = effect.task
                group.start_soon(self._attempt, effect.task)
            elif isinstance(effect, Claim):
                claims.extend(effect.keys)
            elif isinstance(effect, Await):
                group.start_soon(self._wait_foreign, effect)
            elif isinstance(effect, Release):
                self._commits.release(effect.keys)
            elif isinstance(effect, PassOver):
                self._commits.pass_over(self._machine.resolver.fanout.name(effect.unit), effect.passed)
                self._crashpoint("run.passed-over")
            elif isinstance(effect, Wake):
                group.start_soon(self._wake, effect.at)
            elif isinstance(effect, Finish):
                finished = True
        if claims:
            self._claim(claims)
        return finished

    def _claim(self, keys: list[ActionKey]) -> None:
        results = self._commits.claim(keys)
        self._crashpoint("run.claimed")
        for result in results:
            key = ActionKey(result.key)
            # Looked up again after the claim: another run may have committed between our look-up and our claim.
            record = None if result.won or result.holder else self._commits.find(key)
            self._post(Claimed(key, result.won, result.holder, record))

    async def _attempt(self, task: Task) -> None:
        action = task.action
        name = self._name(task)
        began = anyio.current_time()
        self._crashpoint("run.started")
        self._emit(NodeStarted(name, action.node.kind.name, action.model, task.attempt, began - self._started))
        report = self._progress(name)
        event: MachineEvent
        status, error, cost = "ran", None, 0
        try:
            record = await (self._paid(action, name) if task.pool else self._local(action, report))
            event = Completed(action.key, record)
            cost = record.cost_microusd
        except LostBlob as lost:
            status = "lost"
            event = Lost(action.key, lost.digest)
        except NodeError as failed:
            status, error = self._word(task, failed), failed.message
            event = Failed(action.key, failed)
        except DagcontentError as fault:
            self._fault = self._fault or fault
            status, error = "failed", fault.message
            event = Failed(action.key, NodeError(fault.message, hint=fault.hint))
            self.stop()
        finally:
            self._running.pop(action.key, None)
            self._scopes.pop(action.key, None)
        now = anyio.current_time()
        self._emit(NodeFinished(name, status, now - began, now - self._started, error, cost))
        self._post(Tick(now))
        self._post(event)

    def _word(self, task: Task, failed: NodeError) -> str:
        """Return what to call the end of a task that was not made."""
        if isinstance(failed, AttemptUnresolved):
            return "unresolved"
        if isinstance(failed, AttemptDetached) and failed.facts:
            return "detached"
        if self._machine.stopped and self.interrupted:
            return "cancelled"
        if isinstance(failed, OverBudget):
            return "parked"
        return "refused" if self._machine.gives_way(task, failed) else "failed"

    async def _local(self, action: Action, report: Callable[[float], None]) -> Record:
        limit = action.node.spec.timeout_s
        with anyio.move_on_after(limit) as scope:
            self._scopes[action.key] = scope
            if self.interrupted:  # between its start and now
                raise self._overdue(limit)
            return await anyio.to_thread.run_sync(
                self._made, action, report, abandon_on_cancel=True, limiter=self._limiter
            )
        self._executor.cancel(action)
        raise self._overdue(limit)

    async def _paid(self, action: Action, name: str) -> Record:
        """Have a paid action executed: it ends by itself when told to stop, for what was sent is not to be cut off."""
        if self._payer is None:
            raise NodeError(
                f"{action.model} costs money, and this build has nobody who pays", hint="build with providers"
            )
        try:
            return await self._payer.execute(action, name)
        except (DagcontentError, LostBlob):
            raise
        except Exception as error:
            # Left to the task group it would cut off all others, and with them answers that were paid for.
            raise _unforeseen(error, name) from error

    def stage(self, name: str, stage: str, position: int | None) -> None:
        """Tell how a paid instance stands. Call it from the event loop."""
        self._emit(NodeStage(name, stage, position, anyio.current_time() - self._started))

    def _overdue(self, limit: float | None) -> NodeError:
        if self.interrupted or limit is None:
            return NodeError("it was left behind: the build was stopped", hint="build again", retry=True)
        text = f"it took longer than its timeout of {limit:g} s"
        return NodeError(text, hint="raise `timeout`, or make the work smaller")

    def _made(self, action: Action, report: Callable[[float], None]) -> Record:
        """Make a result and queue its commit, in a worker thread: a large record is a file first."""
        record = self._executor.execute(action, report)
        self._commits.commit(record)
        self._crashpoint("run.commit-queued")
        return record

    def _progress(self, name: str) -> Callable[[float], None]:
        last = -1.0

        def report(fraction: float) -> None:
            nonlocal last
            # The end is told by NodeFinished: an instant node needs no word from its thread to the loop.
            if fraction < 1 and fraction - last >= 0.01:
                last = fraction
                anyio.from_thread.run_sync(self._emit_progress, name, fraction)

        return report

    def _emit_progress(self, name: str, fraction: float) -> None:
        self._emit(NodeProgress(name, fraction, anyio.current_time() - self._started))

    async def _wait_foreign(self, effect: Await) -> None:
        task_name = effect.key[:12]
        self._emit(NodeWaiting(task_name, "run", effect.holder, anyio.current_time() - self._started))
        pause = _FOREIGN_POLL_S
        while True:
            record = self._commits.find(effect.key)
            if record is not None:
                break
            if not self._commits.alive(effect.holder) or not self._held(effect.key, effect.holder):
                record = self._commits.find(effect.key)
                break
            await anyio.sleep(pause)
            pause = min(pause * 1.5, _FOREIGN_POLL_MOST_S)
        self._post(ForeignEnded(effect.key, record))

    def _held(self, key: ActionKey, holder: str) -> bool:
        return self._commits.holder(key) == holder

    async def _wake(self, at: float) -> None:
        await anyio.sleep_until(at)
        self._post(Tick(anyio.current_time()))

    async def _watch_signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            async for _ in received:
                if self.interrupted:
                    os._exit(130)  # the second one means now; everything durable is durable
                self.stop()

    # -- events -------------------------------------------------------------------------------------------------

    def _post(self, event: MachineEvent) -> None:
        self._events.append(event)
        self._wakeup.set()

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            with contextlib.suppress(BrokenPipeError):
                listener(event)

    def _name(self, task: Task) -> str:
        fanout = self._machine.resolver.fanout
        first = fanout.name(task.units[0])
        return first if len(task.units) == 1 else f"{first} and {len(task.units) - 1} more"
