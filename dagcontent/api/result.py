"""What callers get back of a build and of `why`. Knows no store and no graph."""

from __future__ import annotations

from typing import Any

import msgspec

from dagcontent.plan.model import FieldDiff, Plan, Served
from dagcontent.values.attempt import Attempt
from dagcontent.values.money import Refused, usd_decimal

__all__ = ["BuildResult", "Job", "NodeResult", "WhyResult"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One paid request as the journal has it. `state` is an `AttemptState`'s value, `ids` are those the vendor knows it by.

    `bound_microusd` is what it may cost at most, None where nobody knows; `cost_microusd` what it did, once that is settled.
    `held`: a build or a command that runs now goes on with it.
    """

    attempt: str
    state: str
    graph: str
    node: str
    kind: str
    provider: str
    model: str
    operation: str
    recovery: str
    sent_ms: int
    changed_ms: int
    bound_microusd: int | None
    cost_microusd: int | None
    cost_source: str
    message: str
    ids: dict[str, str]
    until_ms: int | None
    key: str
    run: str
    held: bool = False

    @classmethod
    def of(cls, attempt: Attempt, *, held: bool = False) -> Job:
        """Return what people and programs are told of an attempt."""
        intent, handle = attempt.intent, attempt.handle
        return cls(
            attempt=attempt.id, state=attempt.state.value, graph=intent.graph, node=intent.instance, kind=intent.kind,
            provider=intent.provider, model=f"{intent.provider}/{intent.model}", operation=intent.operation,
            recovery=intent.recovery, sent_ms=intent.at_ms, changed_ms=attempt.changed_ms,
            bound_microusd=intent.reserved_microusd, cost_microusd=attempt.cost_microusd,
            cost_source=attempt.cost_source, message=attempt.message, ids={} if handle is None else dict(handle.ids),
            until_ms=None if handle is None else handle.until_ms, key=intent.key, run=intent.run, held=held,
        )  # fmt: skip


class Shown(msgspec.Struct, frozen=True):
    """A part of what a gate shows: the instance that made it (empty for what is written), the digest of its content, a few words on it,
    and where it was placed beside the graph, if it was.
    """

    instance: str
    digest: str
    words: str
    path: str | None = None

    def document(self) -> dict[str, str | None]:
        """Return it as documents have it."""
        return {"node": self.instance or None, "digest": f"sha256:{self.digest}", "path": self.path}


class NodeResult(msgspec.Struct, frozen=True):
    """What became of one instance. `status`: hit, pinned, cutoff, ran, skipped, failed, blocked, unresolved, waiting, passed_over (it
    failed, or was blocked by what did, and a fallback went on to another).

    `cost_microusd` is what its result cost, whenever that was; `paid` says that it was in this build. `refused` is the
    cap that kept it from being sent, if one did. `job` is the paid request that keeps it from being made, if that is why.
    `stale` says of a pinned one whether its inputs have moved, None where that is not known. `asks` is what a person is to do:
    "pick" or "approve", `title` how a gate puts it, `shows` what it shows.
    """

    node: str
    status: str
    digest: str | None = None
    cost_microusd: int = 0
    paid: bool = False
    over_budget: bool = False
    refused: Refused | None = None
    seconds: float | None = None
    error: str | None = None
    hint: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    by: str | None = None
    job: Job | None = None
    stale: bool | None = None
    asks: str = ""
    title: str = ""
    shows: tuple[Shown, ...] = ()


class BuildResult(msgspec.Struct, frozen=True):
    """What came of a build. `status`: ok, failed, interrupted, unresolved, budget, waiting. `outputs`: instance -> path; a list gives several rows.

    `served` says by which alternative fallbacks are served. `facts` are those of the outputs by path, as they were measured (`duration_ms`, `width`, `size_bytes`, ...).
    """

    graph: str
    status: str
    run: str
    counts: dict[str, int]
    nodes: tuple[NodeResult, ...]
    outputs: tuple[tuple[str, str], ...]
    seconds: float
    warnings: tuple[str, ...] = ()
    facts: dict[str, dict[str, Any]] = {}
    spent_microusd: int = 0
    reserved_microusd: int = 0
    saved_microusd: int = 0
    profile: str | None = None
    served: tuple[Served, ...] = ()

    @property
    def waiting(self) -> list[str]:
        """The instances that wait for a person."""
        return [n.node for n in self.nodes if n.status == "waiting"]

    @property
    def failed(self) -> list[NodeResult]:
        """The instances that failed."""
        return [n for n in self.nodes if n.status == "failed"]

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `build --json`."""
        outputs: dict[str, Any] = {}
        for node, path in self.outputs:
            known = outputs.get(node)
            outputs[node] = path if known is None else [*(known if isinstance(known, list) else [known]), path]
        return {
            "graph": self.graph,
            "profile": self.profile,
            "status": self.status,
            "run": self.run,
            "counts": self.counts,
            "cost_usd": {
                "spent": usd_decimal(self.spent_microusd), "reserved": usd_decimal(self.reserved_microusd), "saved": usd_decimal(self.saved_microusd)
            },
            "nodes": [
                {
                    "node": n.node, "status": n.status, "digest": n.digest, "cost_usd": usd_decimal(n.cost_microusd if n.paid else 0),
                    "seconds": n.seconds, "error": n.error, **({} if n.job is None else {"attempt": n.job.attempt}),
                    **({"stale": n.stale} if n.status == "pinned" else {}),
                    **({"asks": n.asks, "title": n.title, "shows": [one.document() for one in n.shows]} if n.asks else {}),
                }
                for n in self.nodes
            ],
            "outputs": outputs,
            **({"served": [{"node": s.node, "by": s.by or None, "position": s.position} for s in self.served]} if self.served else {}),
            "warnings": list(self.warnings),
        }  # fmt: skip


class WhyResult(msgspec.Struct, frozen=True):
    """Why an instance would run, or would not. `compared_with`: last, nearest or nothing. `notes`: what was changed in its
    parameters to fit the model.
    """

    node: str
    status: str
    cause: str | None
    compared_with: str
    at_ms: int | None
    run: str | None
    diffs: tuple[FieldDiff, ...]
    plan: Plan
    error: str | None = None
    notes: tuple[str, ...] = ()
