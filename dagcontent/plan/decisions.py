"""Entries of a choices file into what was decided about units. Knows no keys and no text positions but places.

An entry fits the instance of its name if it was made `for` what the instance stands for today: the elements it goes over,
without the fields that are their labels. One that fits nothing goes along with the one other instance that stands for
that (its label was changed); else it is a stray, and is not applied. What was picked is about the candidates, what was approved
about what is shown: it fits the instance of its name while they are the same, which is seen when they are known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from dagcontent.graph.model import Graph, Node
from dagcontent.plan.action import FIRST, Sample
from dagcontent.plan.approval import Word, rejection, word_on
from dagcontent.plan.fanout import Fanout
from dagcontent.plan.selection import HUMAN, position_of_pick
from dagcontent.plan.unit import Closed, Status, Unit
from dagcontent.spec.model import Choice
from dagcontent.values.canonical import Encoder
from dagcontent.values.value import UNKNOWN, Value, contains_unknown

__all__ = ["Decisions", "Stray", "stands_for"]


class Stray(msgspec.Struct, frozen=True):
    """An entry that does not fit the instance of its name. `now` is the instance it went along with, if there is one;
    `there` says whether an instance of its name exists.
    """

    choice: Choice
    now: str | None
    there: bool


class Decisions:
    """What was decided about the units of one resolution."""

    def __init__(self, graph: Graph, fanout: Fanout) -> None:
        self.strays: list[Stray] = []
        self._drafts = graph.pipeline.drafts
        self._fanout = fanout
        self._of_node: dict[int, list[Choice]] = {}
        self._of: dict[Unit, Choice] = {}
        for choice in graph.pipeline.choices:
            node = graph.by_name.get(choice.node)
            if node is not None:
                self._of_node.setdefault(node.index, []).append(choice)

    def of(self, unit: Unit) -> Choice | None:
        """Return what was decided about a unit."""
        return self._of.get(unit) if self._of else None

    def sample(self, unit: Unit, node: Node) -> Sample:
        """Return which of many results of its request a unit is."""
        take = unit.coords[-1] if node.spec.takes is not None else 0
        choice = self.of(unit)
        reroll = unit.reroll + (0 if choice is None else choice.reroll)
        return Sample(take or 0, reroll) if take or reroll else FIRST

    def match(self, node: Node, units: Sequence[Unit]) -> None:
        """Match the entries of a node with its units. To be called once, when it is expanded."""
        choices = self._of_node.get(node.index)
        if choices is None:
            return
        named = {self._fanout.name(unit): unit for unit in units}
        picks = node.kind.asks
        about = {unit: None if picks else stands_for(self._fanout, unit) for unit in units}
        strays = []
        for choice in choices:
            unit = named.get(choice.instance)
            if unit is not None and (choice.about is None or about[unit] in {choice.about, None}):
                self._of[unit] = choice
            else:
                strays.append(choice)
        if any(None in unit.coords for unit in units):
            return  # some list is still to be made: where the others belong is seen then
        for choice in strays:
            alike = [unit for unit in units if choice.about is not None and about[unit] == choice.about]
            now = alike[0] if len(alike) == 1 and alike[0] not in self._of else None
            if now is not None:
                self._of[now] = choice
            name = None if now is None else self._fanout.name(now)
            self.strays.append(Stray(choice, name, choice.instance in named))

    def passed(self, unit: Unit, node: Node, params: Mapping[str, Value]) -> tuple[Value, Status]:
        """Return what a gate is, or why it is nothing yet. Raises NodeError where a person rejected it."""
        shown, choice = params[node.kind.passes], self.of(unit)
        if contains_unknown(shown):
            return _not_yet(unit, asks=not self._drafts, said=choice is not None and choice.approved is not None)
        word = word_on(choice, shown)
        if word is Word.REJECTED and choice is not None:
            raise rejection(choice.note, shown)
        if word is Word.NONE and choice is not None:
            self.strays.append(Stray(choice, None, there=True))
        if word is Word.APPROVED or self._drafts:
            return shown, Status.VALUE
        return UNKNOWN, Status.WAITING

    def unknown(self, unit: Unit, params: Mapping[str, Value]) -> tuple[Value, Status]:
        """Return what a selection is whose candidates are still to be made."""
        choice = self.of(unit)
        return _not_yet(unit, asks=self._asks(params), said=choice is not None and choice.pick is not None)

    def selected(
        self, unit: Unit, params: Mapping[str, Value], values: Sequence[Value]
    ) -> int | tuple[Value, Status] | None:
        """Return the position that a person chose, or that a person is waited for; None where nobody decides it."""
        choice = self.of(unit)
        if choice is not None and choice.pick is not None:
            position = position_of_pick(choice.pick, choice.about, values)
            if position is not None:
                return position
            self.strays.append(Stray(choice, None, there=True))
        return (UNKNOWN, Status.WAITING) if self._asks(params) else None

    def _asks(self, params: Mapping[str, Value]) -> bool:
        return params.get("by") == HUMAN and not self._drafts


def _not_yet(unit: Unit, *, asks: bool, said: bool) -> tuple[Value, Status]:
    """Return what a unit is that `asks` a person about what is still to be made: nobody can have looked at that, unless it turns out
    to be what something was `said` of.
    """
    waits = asks and not unit.held and not said
    if asks:
        unit.hold()
    return UNKNOWN, Status.WAITING if waits else Status.MAYBE


def stands_for(fanout: Fanout, unit: Unit) -> str | None:
    """Return the digest of what an instance stands for; None for a node without dimensions, and while that is not known."""
    dims = fanout.graph.nodes[unit.node].dims
    scope = fanout.scope_of(unit)
    elements: list[Value] = []
    for dim in dims:
        listed, position = fanout.list_at(dim, scope), scope[dim]
        if position is None or isinstance(listed, Closed):
            return None
        element = listed.elements[position]
        if contains_unknown(element):
            return None
        label = fanout.graph.dimensions[dim].spec.id or "id"
        elements.append({k: v for k, v in element.items() if k != label} if isinstance(element, dict) else element)
    if not elements:
        return None
    return f"sha256:{hashlib.sha256(Encoder().encode(elements)).hexdigest()}"
