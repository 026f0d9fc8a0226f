"""Selections, gates and fallbacks of a resolution into what a gallery says of them: who was chosen, by which score, who serves.

Knows no cards and no artifacts. Runs nothing: what was not asked is not said.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagcontent.api.loaded import LoadedGraph
from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import Effect
from dagcontent.plan.approval import REJECTED, Word, word_on
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.passed import served_words
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.selection import Candidate, position_of_pick
from dagcontent.plan.served import Serving
from dagcontent.plan.unit import Status, Unit
from dagcontent.report.gallery import Score
from dagcontent.values.value import contains_unknown

__all__ = ["Deliberation", "score_text"]


class Deliberation:
    """What was weighed in one resolution, and what came of it. To be asked when all is settled."""

    def __init__(self, loaded: LoadedGraph, resolver: Resolver, units: Sequence[Unit]) -> None:
        self._loaded = loaded
        self._resolver = resolver
        self.among = {unit: self._among(unit) for unit in units}
        self._serving = Serving(resolver)
        self._served = {one.node: one for one in self._serving.served}
        self.chosen: dict[str, list[str]] = {}
        self.scores: dict[str, list[Score]] = {}
        """Of an instance: the selections that took it, and what each said of it."""
        for unit, candidates in self.among.items():
            name = resolver.fanout.name(unit)
            for one in candidates if resolver.graph.nodes[unit.node].kind.chooses else ():
                if not one.instance:
                    continue
                if one.position in self.places(unit):
                    self.chosen.setdefault(one.instance, []).append(name)
                if one.score is not None or one.reasons:
                    self.scores.setdefault(one.instance, []).append(Score(name, score_text(one), one.reasons))

    def unneeded(self, unit: Unit) -> bool:
        """Whether nobody asked for an instance, since another alternative serves."""
        return unit in self._serving.unneeded

    def places(self, unit: Unit) -> tuple[int, ...]:
        """Return the positions of what a selection gives, the best first."""
        made = self._resolver.inputs.selecting.made.get(unit)
        return () if made is None else made.positions

    def question(self, unit: Unit) -> str:
        """Return what a gate asks, as far as it is known."""
        node = self._resolver.graph.nodes[unit.node]
        if node.kind.effect is not Effect.PERSON or None in unit.coords:
            return ""
        try:
            title = self._resolver.inputs.params(unit, node).get("title")
        except (Missing, NodeError):
            return ""
        return title if isinstance(title, str) else ""

    def rejected(self, unit: Unit) -> bool:
        """Whether a person rejected what a gate shows."""
        return unit.status is Status.FAILED and unit.error is not None and REJECTED in dict(unit.error.facts)

    def word(self, unit: Unit) -> str:
        """Return what a person said of an instance that asks for it; empty where nobody was asked, or nothing was said."""
        node, choice = self._resolver.graph.nodes[unit.node], self._resolver.decisions.of(unit)
        if self.rejected(unit):
            return "rejected by a person"
        if unit.status is not Status.VALUE:
            return ""
        if node.kind.effect is Effect.PERSON:
            approved = word_on(choice, unit.value) is Word.APPROVED
            return "approved by a person" if approved else "let through: a draft asks nobody"
        if node.kind.chooses and choice is not None and choice.pick is not None:
            at = position_of_pick(choice.pick, choice.about, [one.value for one in self.among.get(unit, ())])
            return "picked by a person" if at is not None and (at,) == self.places(unit) else ""
        return ""

    def served_by(self, unit: Unit) -> str:
        """Return the instance that a fallback is, if it is one's."""
        found = self._served.get(self._resolver.fanout.name(unit))
        return "" if found is None else found.by

    def passed(self, unit: Unit, inputs: Sequence[str]) -> tuple[str, ...]:
        """Return those of a fallback's inputs that came to nothing before the one that serves."""
        if self._resolver.fanout.name(unit) not in self._served:
            return ()
        name = self._resolver.fanout.name
        gone = {name(one) for one in self._serving.passed}
        return tuple(one for one in inputs if one in gone)

    def instead(self, unit: Unit) -> str:
        """Say which model made a result in whose place, where it was not the first of its list."""
        if not unit.passed or unit.record is None:
            return ""
        return served_words(unit.record.manifest.model, unit.passed)

    def _among(self, unit: Unit) -> Sequence[Candidate]:
        node = self._resolver.graph.nodes[unit.node]
        if None in unit.coords or not self._weighs(unit, node):
            return ()
        try:
            params = self._resolver.inputs.params(unit, node)
        except (Missing, NodeError):
            return ()
        values = params.get(node.kind.chooses or node.kind.passes)
        if contains_unknown(values) or (node.kind.chooses and not isinstance(values, list)):
            return ()
        return self._resolver.inputs.selecting.candidates(unit, node, params)

    def _weighs(self, unit: Unit, node: Node) -> bool:
        """Whether an instance has something to be looked at beside what it gives."""
        if node.kind.effect is Effect.PERSON:
            return unit.status is Status.WAITING or self.rejected(unit)
        return bool(node.kind.chooses)


def score_text(one: Candidate) -> str:
    """Return a score as it is written; empty where there is none."""
    return "" if one.score is None else f"{one.score:g}"
