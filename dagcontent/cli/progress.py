"""Turn the events of a build into its state now: what runs, what waits for what, how much is done. Knows no screen.

A plan says beforehand what there is to do. What a plan calls `maybe` may turn out to be there already, and no event says
so; it is seen when something starts that waited for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from dagcontent.cli.names import labels_of, node_of
from dagcontent.cli.words import counted, listed
from dagcontent.graph.model import AtLabel, Graph, Node, Output, SameAs, outputs_in
from dagcontent.plan.model import PlanRow
from dagcontent.run.events import (
    AWAITS,
    BuildSpent,
    BuildStopping,
    Event,
    NodeFinished,
    NodeProgress,
    NodeStage,
    NodeStarted,
    NodeWaiting,
)

__all__ = ["Failed", "Progress", "Running", "Waits", "ends_words", "stopping_words"]

_MORE: Final = re.compile(r"(.*) and (\d+) more")
_PENDING: Final = frozenset({"run", "maybe", "resume"})
_ENDS: Final = {"ran": "made", "hit": "found", "detached": "at work", "parked": "waits"}
_FAILED: Final = frozenset({"failed", "unresolved"})
_MOST_NAMED: Final = 3


def ends_words(status: str) -> str:
    """Return what is said of how a node ended."""
    return _ENDS.get(status, status)


def stopping_words(awaited: Sequence[str]) -> str:
    """Return what a build that was told to stop waits for: calls whose answers nobody could ask for again."""
    if not awaited:
        return "nothing new is sent; jobs go on at their vendors and are found again"
    it = counted(len(awaited), "call")
    return f"awaits {it} that would be lost: {listed(awaited, _MOST_NAMED)}; Ctrl-C again: unresolved"


class Running(msgspec.Struct):
    """A node that is being made. `fraction` is None until it tells how far it is; `stage` and `position` are a paid one's."""

    node: str
    made_by: str
    since_s: float
    attempt: int = 1
    fraction: float | None = None
    stage: str = ""
    position: int | None = None


class Failed(msgspec.Struct, frozen=True):
    """A node that failed."""

    node: str
    error: str
    status: str = "failed"


class Waits:
    """What an instance waits for, found when it is asked: of a large graph only a few are ever shown."""

    def __init__(self, graph: Graph, rows: Sequence[PlanRow]) -> None:
        self._graph = graph
        self._rows: dict[str, list[str]] = {}
        for row in rows:
            if row.status in _PENDING:
                self._rows.setdefault(node_of(row.node), []).append(row.node)
        self._rowed = {node_of(row.node) for row in rows}

    def of(self, name: str) -> list[str]:
        """Return the pending instances that an instance uses, directly or through values."""
        node = self._graph.by_name.get(node_of(name))
        if node is None:
            return []
        labels = labels_of(name)
        scope = dict(zip(node.dims, labels, strict=False))
        return list(dict.fromkeys(self._above(node, scope, 0)))

    def _above(self, node: Node, scope: Mapping[int, str], depth: int) -> Iterator[str]:
        outputs = [*node.sources]
        for dim in node.all_dims:
            outputs += outputs_in(self._graph.dimensions[dim].of)
        for output in outputs:
            producer = self._graph.nodes[output.node]
            wanted = self._wanted(producer, output, scope)
            if producer.name in self._rowed:
                yield from (n for n in self._rows.get(producer.name, ()) if _fits(producer, labels_of(n), wanted))
            elif depth < len(self._graph.nodes):
                yield from self._above(producer, wanted, depth + 1)

    @staticmethod
    def _wanted(producer: Node, output: Output, scope: Mapping[int, str]) -> dict[int, str]:
        wanted: dict[int, str] = {}
        for dim, pick in zip(producer.dims, output.picks, strict=False):
            if isinstance(pick, SameAs) and pick.offset == 0 and pick.dim in scope:
                wanted[dim] = scope[pick.dim]
            elif isinstance(pick, AtLabel):
                wanted[dim] = pick.label
        return wanted


def _fits(node: Node, labels: Sequence[str], wanted: Mapping[int, str]) -> bool:
    return all(dim not in wanted or label in {wanted[dim], "*"} for dim, label in zip(node.dims, labels, strict=False))


class Progress:
    """The state of one build. Without `waits` nothing is said of what waits for what."""

    def __init__(self, rows: Sequence[PlanRow] = (), waits: Waits | None = None) -> None:
        self._waits = waits
        self._pending = dict.fromkeys(row.node for row in rows if row.status in _PENDING)
        self._keys: dict[str, list[str]] = {}
        for row in rows:
            if row.key is not None and row.status in _PENDING:
                self._keys.setdefault(row.key, []).append(row.node)
        self._key_of = {name: key for key, names in self._keys.items() for name in names}
        self.total = len(self._pending)
        self.done = 0
        self.running: dict[str, Running] = {}
        self.failed: list[Failed] = []
        self.elsewhere: dict[str, str] = {}
        self.spent: BuildSpent | None = None
        self.stopping = False

    @property
    def awaited(self) -> list[str]:
        """The running nodes whose call was sent and could not be found again."""
        return [one.node for one in self.running.values() if one.stage == AWAITS]

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._pending)

    def take(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, NodeStarted):
            self._started(event)
        elif isinstance(event, NodeProgress):
            running = self.running.get(event.node)
            if running is not None:
                running.fraction = event.fraction
        elif isinstance(event, NodeStage):
            if (paid := self.running.get(event.node)) is not None:
                paid.stage, paid.position = event.stage, event.position
        elif isinstance(event, NodeFinished):
            self._finished(event)
        elif isinstance(event, BuildSpent):
            self.spent = event
        elif isinstance(event, BuildStopping):
            self.stopping = True
        elif isinstance(event, NodeWaiting) and event.reason == "run":
            self.elsewhere[event.node] = event.on

    def waiting_for(self, most: int) -> list[tuple[str, list[str]]]:
        """Return up to so many that wait, each with the unfinished ones it waits for; first those that wait for least."""
        if self._waits is None:
            return []
        found = []
        for name in self._pending:
            above = [w for w in self._waits.of(name) if self._open(w)]
            if above:
                found.append((name, above))
            if len(found) >= most:
                break
        return found

    def _open(self, name: str) -> bool:
        return name in self._pending or any(name in _names(r.node, self._same(r.node)) for r in self.running.values())

    def _started(self, event: NodeStarted) -> None:
        for name in _names(event.node, self._same(event.node)):
            self._forget(name)
            for above in self._waits.of(name) if self._waits is not None else ():
                if above in self._pending:  # it was there already
                    self._forget(above)
                    self.done += 1
        self.running[event.node] = Running(event.node, event.model or event.kind, event.at_s, event.attempt)

    def _finished(self, event: NodeFinished) -> None:
        self.running.pop(event.node, None)
        if event.status == "parked":
            self._pending.update(dict.fromkeys(_names(event.node, self._same(event.node))))
            return
        if event.status in _FAILED:
            self.failed.append(Failed(event.node, event.error or "", event.status))
        self.done += len(_names(event.node, self._same(event.node)))
        self.total = max(self.total, self.done)

    def _forget(self, name: str) -> None:
        self._pending.pop(name, None)

    def _same(self, name: str) -> list[str]:
        """Return the instances that share a key with the one named first."""
        first = _first(name)
        return self._keys.get(self._key_of.get(first, ""), [first])


def _first(name: str) -> str:
    found = _MORE.fullmatch(name)
    return found[1] if found else name


def _names(name: str, same: Sequence[str]) -> list[str]:
    """Return all instances of an event's name: `still[a] and 2 more` are three."""
    found = _MORE.fullmatch(name)
    return list(same) if found else [name]
