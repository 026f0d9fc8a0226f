"""A graph file that was read, checked and linked. Knows no store."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dagcontent.api.files import SeenFile
from dagcontent.graph.model import Graph, Node
from dagcontent.kinds.declaration import Effect
from dagcontent.plan.decisions import Decisions
from dagcontent.plan.model import FieldDiff
from dagcontent.spec.model import Pipeline, Place
from dagcontent.spec.source import Located, Source, line_of

if TYPE_CHECKING:
    from networkx import DiGraph

__all__ = ["LoadedGraph"]


class LoadedGraph:
    """A graph file that was read, checked and linked. `seen` are all files that were read for it.

    `ended` are the nodes whose model is no more, each with the mistake that says so.
    """

    def __init__(
        self,
        path: Path,
        graph: Graph,
        sources: Sequence[Source],
        seen: Sequence[SeenFile],
        warnings: Sequence[str],
        ended: Mapping[str, Located],
    ) -> None:
        self.path = path
        self.graph = graph
        self.warnings = tuple(warnings)
        self.seen = tuple(seen)
        self.ended = dict(ended)
        self._sources = tuple(sources)

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    @property
    def profile(self) -> str | None:
        """The profile that was laid over it."""
        return self.graph.pipeline.profile

    @property
    def paid(self) -> bool:
        """Whether any of its nodes may cost money."""
        return any(_may_cost(node) for node in self.graph.nodes)

    @property
    def pipeline(self) -> Pipeline:
        """The file as it was typed."""
        return self.graph.pipeline

    def strays(self, decisions: Decisions) -> list[str]:
        """Say which entries of the choices file fit no instance, or another one than they name."""
        said = []
        for stray in decisions.strays:
            file, line = self.line_of(stray.choice.place) or ("", 0)
            name = stray.choice.instance
            if stray.now is not None:
                words = f"{name} is {stray.now} now: what was decided about it went along"
            elif stray.there and stray.choice.pick is not None:
                words = f"{name} chooses among others now: what was picked is not applied"
            elif stray.there and (stray.choice.approved or stray.choice.rejected):
                word = "approved" if stray.choice.approved else "rejected"
                words = f"{name} shows something else now: what was {word} is not applied"
            elif stray.there:
                words = f"what was decided about {name} was about something else: it is not applied"
            else:
                words = f"there is no {name} any more: what was decided about it is not applied"
            said.append(f"{os.path.basename(file)}:{line}: {words}")
        return said

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


def _may_cost(node: Node) -> bool:
    model = node.spec.model
    return node.kind.effect is Effect.PAID and not (isinstance(model, str) and model.startswith("local/"))
