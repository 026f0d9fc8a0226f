"""What callers get back of a build and of `why`. Knows no store and no graph."""

from __future__ import annotations

from typing import Any

import msgspec

from dagcontent.plan.model import FieldDiff, Plan

__all__ = ["BuildResult", "NodeResult", "WhyResult"]


class NodeResult(msgspec.Struct, frozen=True):
    """What became of one instance. `status`: hit, cutoff, ran, skipped, failed, blocked."""

    node: str
    status: str
    digest: str | None = None
    cost_usd: str = "0"
    seconds: float | None = None
    error: str | None = None
    hint: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    by: str | None = None


class BuildResult(msgspec.Struct, frozen=True):
    """What came of a build. `status`: ok, failed, interrupted. `outputs`: instance -> path; a list gives several rows.

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
            "cost_usd": {"spent": "0", "reserved": "0", "saved": "0"},
            "nodes": [
                {
                    "node": n.node, "status": n.status, "digest": n.digest, "cost_usd": n.cost_usd,
                    "seconds": n.seconds, "error": n.error,
                }
                for n in self.nodes
            ],
            "outputs": outputs,
            "warnings": list(self.warnings),
        }  # fmt: skip


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
