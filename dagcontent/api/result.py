"""What callers get back of a build and of `why`. Knows no store and no graph."""

from __future__ import annotations

from typing import Any

import msgspec

from dagcontent.plan.model import FieldDiff, Plan
from dagcontent.values.money import MICRO

__all__ = ["BuildResult", "NodeResult", "WhyResult"]


class NodeResult(msgspec.Struct, frozen=True):
    """What became of one instance. `status`: hit, cutoff, ran, skipped, failed, blocked, unresolved.

    `cost_microusd` is what its result cost, whenever that was; `paid` says that it was in this build.
    """

    node: str
    status: str
    digest: str | None = None
    cost_microusd: int = 0
    paid: bool = False
    over_budget: bool = False
    seconds: float | None = None
    error: str | None = None
    hint: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    by: str | None = None


class BuildResult(msgspec.Struct, frozen=True):
    """What came of a build. `status`: ok, failed, interrupted, unresolved, budget. `outputs`: instance -> path; a list gives several rows.

    `facts` are those of the outputs by path, as they were measured (`duration_ms`, `width`, `size_bytes`, ...).
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
            "status": self.status,
            "run": self.run,
            "counts": self.counts,
            "cost_usd": {
                "spent": _usd(self.spent_microusd), "reserved": _usd(self.reserved_microusd), "saved": _usd(self.saved_microusd)
            },
            "nodes": [
                {
                    "node": n.node, "status": n.status, "digest": n.digest, "cost_usd": _usd(n.cost_microusd if n.paid else 0),
                    "seconds": n.seconds, "error": n.error,
                }
                for n in self.nodes
            ],
            "outputs": outputs,
            "warnings": list(self.warnings),
        }  # fmt: skip


def _usd(microusd: int) -> str:
    """Return an amount as the decimal text of JSON documents."""
    text = f"{microusd // MICRO}.{microusd % MICRO:06d}".rstrip("0")
    return text.rstrip(".")


class WhyResult(msgspec.Struct, frozen=True):
    """Why an instance would run, or would not. `compared_with`: last, nearest or nothing."""

    node: str
    status: str
    cause: str | None
    compared_with: str
    at_ms: int | None
    run: str | None
    diffs: tuple[FieldDiff, ...]
    plan: Plan
    error: str | None = None
