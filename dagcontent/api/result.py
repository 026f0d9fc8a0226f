"""What callers get back: the loaded graph, and what came of a build. Knows no store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dagcontent.graph.model import Graph
from dagcontent.plan.model import FieldDiff, Plan
from dagcontent.spec.model import Pipeline, Place
from dagcontent.spec.source import Source, line_of

if TYPE_CHECKING:
    from networkx import DiGraph

__all__ = ["BuildResult", "LoadedGraph", "NodeResult", "WhyResult"]


class LoadedGraph:
    """A graph file that was read, checked and linked, with the digests of all files that were read for it."""

    def __init__(
        self,
        path: Path,
        graph: Graph,
        sources: Sequence[Source],
        files: Sequence[tuple[str, str]],
        warnings: Sequence[str],
    ) -> None:
        self.path = path
        self.graph = graph
        self.warnings = tuple(warnings)
        self.files = tuple(files)
        self._sources = tuple(sources)

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    @property
    def pipeline(self) -> Pipeline:
        """The file as it was typed."""
        return self.graph.pipeline

    def to_networkx(self) -> DiGraph[str]:
        """Return the nodes and edges as a networkx DiGraph."""
        return self.graph.to_networkx()

    def line_of(self, place: Place) -> tuple[str, int] | None:
        """Return the file and line at which something is written."""
        line = line_of(self._sources, place)
        return None if line is None else (self.pipeline.files[place.file], line)

    def lines_of(self, diff: FieldDiff) -> list[tuple[str, int]]:
        """Return the files and lines at which a changed field is written, without repeats."""
        found = (self.line_of(place) for place in diff.places)
        return list(dict.fromkeys(line for line in found if line is not None))


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
    """What came of a build. `status`: ok, failed, interrupted. `outputs`: instance -> path; a list gives several rows."""

    graph: str
    status: str
    run: str
    counts: dict[str, int]
    nodes: tuple[NodeResult, ...]
    outputs: tuple[tuple[str, str], ...]
    seconds: float
    warnings: tuple[str, ...] = ()

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
