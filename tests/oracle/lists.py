"""Lists of models and what each vendor answers, into who serves and who is asked: a recursion, and a machine with a memory.

The recursion is right by inspection. Knows no store and no clock.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oracle.builds import new_folder
from oracle.driver import NoSide

from dagcontent.api.files import BesideFiles
from dagcontent.api.loading import load_graph
from dagcontent.errors import AttemptUnresolved, NodeError
from dagcontent.graph.model import Graph
from dagcontent.plan.asking import Terms
from dagcontent.plan.model import PlanRow
from dagcontent.plan.planner import make_plan, resolve_dry
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Unit
from dagcontent.run import effects as m
from dagcontent.run.machine import Machine
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.refusal import RECORDED, Refusal

ANSWERS = ("ok", "blocked", "blocked, charged", "invalid", "failed, charged", "down", "auth", "unresolved")
"""What a vendor says of one request."""
CHARGED = {"blocked, charged": "blocked", "failed, charged": "transient"}


class Asked(NamedTuple):
    """One request: a model, and which sample of it."""

    model: str
    sample: int


@dataclasses.dataclass(frozen=True)
class Build:
    """One build of one node: its list, what follows a moderation refusal, and whether refusals are forgotten."""

    models: tuple[str, ...]
    reroll: int = 0
    then: str = "fallback"
    retry: bool = False
    retries: int = 0

    def graph(self) -> str:
        """Return the graph."""
        listed = ", ".join(f'"openrouter/x/{model}"' for model in self.models)
        return (
            f'[node.it]\nkind = "text.generate"\nmodel = [{listed}]\nprompt = "a hare"\nretries = {self.retries}\n'
            f'on_block = {{ reroll = {self.reroll}, then = "{self.then}" }}\n'
        )

    def after(self, one: Asked, why: str) -> Asked | None:
        """Return what is asked after a refusal: the next sample, the next model, or nothing."""
        if why == "blocked" and one.sample < self.reroll:
            return Asked(one.model, one.sample + 1)
        if why == "blocked" and self.then != "fallback":
            return None
        at = self.models.index(one.model) + 1
        return Asked(self.models[at], 0) if at < len(self.models) else None


@dataclasses.dataclass
class Said:
    """What is known after some builds, to whoever goes by the rules."""

    done: set[Asked] = dataclasses.field(default_factory=set)
    charged: dict[Asked, str] = dataclasses.field(default_factory=dict)
    refused: dict[Asked, str] = dataclasses.field(default_factory=dict)
    open: set[Asked] = dataclasses.field(default_factory=set)

    def build(self, build: Build, answers: Mapping[Asked, str]) -> tuple[str, list[Asked]]:
        """Return what becomes of the node ("ok a 0", "failed", "skipped"), and who is asked, in order."""
        calls: list[Asked] = []
        now: dict[Asked, str] = {}
        end = self._walk(build, answers, now, calls, forget=build.retry)
        if end == "again":
            end = self._walk(build, answers, now, calls, forget=True)
        return end, calls

    def _walk(
        self, build: Build, answers: Mapping[Asked, str], now: dict[Asked, str], calls: list[Asked], *, forget: bool
    ) -> str:
        unsaid: dict[Asked, str] = {}  # refusals that are written down only if that is not the end
        one, why, old = Asked(build.models[0], 0), "", False
        while True:
            if one in self.done:
                self.refused |= unsaid
                return f"ok {one.model} {one.sample}"
            known = self.charged.get(one) or now.get(one)
            if known is None and one in self.refused and one not in self.open and not forget:
                known, old = self.refused[one], True
            if known is None:
                self.refused |= unsaid
                unsaid = {}
                end, known = self._ask(one, answers, calls)
                if known is None:
                    return end
                now[one] = known
                if known == "unavailable":
                    unsaid[one] = known
                elif one not in self.charged:
                    self.refused[one] = known
            why = known
            following = build.after(one, why)
            if following is None:
                break
            one = following
        if why == "blocked" and build.then == "skip":
            self.refused |= unsaid
            return "skipped"
        return "again" if old and not calls and not forget else "failed"

    def _ask(self, one: Asked, answers: Mapping[Asked, str], calls: list[Asked]) -> tuple[str, str | None]:
        """Return how it ends, or why it was refused."""
        if one in self.open:
            return "failed", None
        calls.append(one)
        answer = answers[one]
        if answer == "ok":
            self.done.add(one)
            return f"ok {one.model} {one.sample}", None
        if answer == "unresolved":
            self.open.add(one)
        if answer in {"auth", "unresolved"}:
            return "failed", None
        if answer in CHARGED:
            self.charged[one] = CHARGED[answer]
        return "", CHARGED.get(answer, "unavailable" if answer == "down" else answer)


@functools.cache
def _graph(text: str) -> Graph:
    folder = new_folder()
    try:
        path = folder / "graph.toml"
        path.write_text('[graph]\nname = "lists"\n' + text, encoding="utf-8")
        return load_graph(path).graph
    finally:
        shutil.rmtree(folder)


class Memory:
    """What a store keeps of keys."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.refusals: dict[str, Refusal] = {}
        self.open: set[str] = set()

    def find(self, key: str) -> Record | None:
        return self.records.get(key)

    def results(self, instance: str, limit: int) -> Sequence[Record]:
        return []

    def family(self, kind: str, model: str, limit: int) -> Sequence[Record]:
        found = [r for r in self.records.values() if (r.manifest.kind, r.manifest.model) == (kind, model)]
        return found[::-1][:limit]

    def refusal(self, key: str) -> Refusal | None:
        return None if key in self.open else self.refusals.get(key)

    def standing(self, key: str) -> Any:
        return None


class Bench:
    """One node over one memory; every build is another version of it."""

    def __init__(self) -> None:
        self.memory = Memory()

    def resolver(self, build: Build) -> Resolver:
        """Return a resolver of one build."""
        return self._resolver(build.graph(), Terms(retry=build.retry))

    def plan(self, build: Build) -> PlanRow:
        """Return the one row of the dry run."""
        (row,) = self._rows(self.resolver(build))
        return row

    def plan_of(self, text: str) -> Sequence[PlanRow]:
        """Return the rows of the dry run of any graph."""
        return self._rows(self._resolver(text, Terms()))

    def _resolver(self, text: str, terms: Terms) -> Resolver:
        return Resolver(_graph(text), self.memory, BesideFiles(Path("/nowhere"), NoSide()), terms=terms)

    @staticmethod
    def _rows(resolver: Resolver) -> Sequence[PlanRow]:
        resolve_dry(resolver)
        return make_plan(resolver, {}).rows

    def build(self, build: Build, answers: Mapping[Asked, str]) -> tuple[Unit, list[Asked]]:
        """Build once through the machine; return the unit, and who was asked."""
        resolver = self.resolver(build)
        machine = Machine(resolver, slots=1, remaining_s=lambda _: 0.0)
        calls: list[Asked] = []
        todo = machine.begin()
        while todo:
            effect = todo.pop(0)
            if isinstance(effect, m.Claim):
                for key in effect.keys:
                    todo += machine.on(m.Claimed(key, won=True))
            elif isinstance(effect, m.Start):
                todo += machine.on(self._answer(effect.task, answers, calls))
            elif isinstance(effect, m.PassOver):
                for one in effect.passed:
                    if one.key is not None:
                        self.memory.refusals[one.key] = one.refusal
        (unit,) = resolver.fanout.all_units()
        return unit, calls

    def _answer(self, task: Any, answers: Mapping[Asked, str], calls: list[Asked]) -> Any:
        action = task.action
        key, one = action.key, Asked(action.model.rpartition("/")[2], action.manifest.reroll)
        if key in self.memory.open:
            return m.Failed(key, AttemptUnresolved("nobody can tell"))
        calls.append(one)
        answer = answers[one]
        if answer == "ok":
            record = Record(key, action.manifest, Done(f"by {one.model}"), {}, "run", 1)
            self.memory.records[key] = record
            return m.Completed(key, record)
        if answer == "unresolved":
            self.memory.open.add(key)
            return m.Failed(key, AttemptUnresolved("nobody can tell"))
        if answer in CHARGED:
            self.memory.records[key] = Record(
                key, action.manifest, FailedCharged(CHARGED[answer], "no"), {}, "run", 1, cost_microusd=5
            )
            return m.Failed(key, NodeError("no", error_class=CHARGED[answer], facts=[("charged", "$0.000005")]))
        error_class = "transient" if answer == "down" else answer
        if error_class in RECORDED:  # the vendor's answer is on the journal before anybody hears of it
            self.memory.refusals[key] = Refusal(error_class, "no")
        return m.Failed(key, NodeError("no", error_class=error_class, retry=answer == "down"))
