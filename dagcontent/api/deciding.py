"""What a person wants of instances into entries of the choices file. Runs nothing and spends nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from dagcontent.api.choices_file import Edit, write_choices
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.picking import chosen_of
from dagcontent.api.planning import check_targets, dry_resolver
from dagcontent.api.targets import chosen_by, parse_target
from dagcontent.errors import ConfigError, NodeError, UsageError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import WORKED_OUT, Effect
from dagcontent.plan.action import Sample
from dagcontent.plan.decisions import stands_for
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.replaced import behind, is_replaced
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.selection import Candidate, among
from dagcontent.plan.unit import Status, Unit
from dagcontent.spec.choices import choices_path, table_of
from dagcontent.spec.model import Choice
from dagcontent.store.store import Store
from dagcontent.values.instances import instance_name
from dagcontent.values.record import Done, Manifest, Record
from dagcontent.values.value import ActionKey, contains_unknown

__all__ = ["Choosing", "Decided", "Picked", "Pinned", "Rerolled"]

_MOST_SAMPLES = 10_000
T = TypeVar("T")


class Rerolled(msgspec.Struct, frozen=True):
    """An instance whose sample was changed. `made`: its result is in the store, going there is free; None: nobody knows yet."""

    node: str
    was: int
    now: int
    made: bool | None


class Pinned(msgspec.Struct, frozen=True):
    """An instance that keeps a result (`key`), or (None) does not keep one any more. `old`: the result is not today's."""

    node: str
    key: str | None
    at_ms: int | None = None
    old: bool = False


class Picked(msgspec.Struct, frozen=True):
    """A selection that a person made: the candidate's digest, its place, and the instance that made it, where one did.
    `was` is what was picked before.
    """

    node: str
    digest: str
    position: int
    instance: str
    was: str | None = None


class Decided(msgspec.Struct, frozen=True):
    """What was decided, and the file that says so now; `changed` is false if it said so before."""

    graph: str
    path: str
    changed: bool
    nodes: tuple[Any, ...]


class Choosing:
    """Decides about instances of one graph. Every call ends in the choices file, or raises and changes nothing.

    `asks` is what of a person is asked where that is no sample of a result: "pick", "approve", "replace".
    """

    def __init__(
        self, loaded: LoadedGraph, store: Store, texts: Sequence[str], realms: Mapping[str, str] | None = None,
        *, asks: str = "",
    ) -> None:  # fmt: skip
        targets = [parse_target(loaded.graph, text) for text in texts]
        self._table = table_of(loaded.profile)
        self._asks = asks
        self.loaded = loaded
        self.store = store
        self.resolver: Resolver = dry_resolver(loaded, store, targets, realms)
        check_targets(self.resolver, targets)
        self.last = store.last_build(str(loaded.path), loaded.profile or "")
        wanted = chosen_by(targets)
        self.units: list[Unit] = []
        for target, text in zip(targets, texts, strict=True):
            units = [
                unit
                for unit in self.resolver.fanout.units_of(target.node)
                if wanted is None or wanted(self.resolver.fanout, unit)
            ]
            self.units += self._asked(loaded.graph.nodes[target.node], units, text)

    def _asked(self, node: Node, units: list[Unit], text: str) -> list[Unit]:
        """Return the instances a text means. Raises UsageError where nothing can be decided about them."""
        fanout = self.resolver.fanout
        verdict = None if node.verdict is None else self.loaded.graph.nodes[node.verdict.node].name
        _check_asked(node, self._asks, verdict)
        if len(units) > 1 and "[" not in text:
            names = ", ".join(fanout.name(unit) for unit in units[:8])
            whole = instance_name(node.name, ["*"] * len(node.dims), node.levels)
            all_ = whole if node.levels else f"{text}[*]"
            hint = "name one" if self._asks in {"pick", "replace"} else f"name some, or all as '{all_}'"
            raise ConfigError(f"`{text}` has {len(units)} instances: {names}", hint=hint)
        known = [unit for unit in units if None not in unit.coords]
        if not known:
            raise UsageError(f"`{text}` goes over a list that is not made yet", hint="build what makes the list first")
        return known

    # -- what can be decided ------------------------------------------------------------------------------------

    def reroll(self, to: int | None = None) -> Decided:
        """Make instances another sample: number `to`, or the next that was never made. Raises UsageError for one that is pinned."""
        changed = []
        for unit in self.units:
            name, kind = self.resolver.fanout.name(unit), self.loaded.graph.nodes[unit.node].kind
            if kind.effect is Effect.LOCAL and not kind.by_model:
                text = f"{kind.name} makes the same of the same: another sample of {name} would be no other"
                raise UsageError(text, hint="reroll what it is made of")
            if unit.status is Status.PINNED:
                given = is_replaced(unit.record)
                word, hint = ("replaced", "dagcontent replace --undo first") if given else ("pinned", "unpin it first")
                raise UsageError(f"{name} is {word}: it stays what it is", hint=hint)
            was = self._sample(unit).reroll
            now = self._next(unit) if to is None else to
            changed.append(Rerolled(name, was, now, self._is_made(unit, now)))
        numbers = {one.node: one.now for one in changed}
        return self.write(changed, lambda entry, name: {**entry, "reroll": numbers[name]})

    def pin(self) -> Decided:
        """Have instances keep what they are: today's result, else that of the last build. Raises UsageError if there is none."""
        self.check_can_stay()
        made = [self._pinned(unit) for unit in self.units]
        keys = {one.node: one.key for one in made}
        return self.write(made, lambda entry, name: {**entry, "pin": f"sha256:{keys[name]}"})

    def check_can_stay(self) -> None:
        """Raise UsageError where one of the units is no result that may stay when its inputs move."""
        for unit in self.units:
            asking = self.loaded.graph.nodes[unit.node].asking
            if asking is not None:
                text = f"{self.resolver.fanout.name(unit)} is what `{asking.of}` asks: an answer about other candidates cannot stay"
                raise UsageError(text, hint=f"dagcontent pick decides what {asking.of} gives")

    def unpin(self) -> Decided:
        """Have instances be what their inputs make them."""
        made = [Pinned(self.resolver.fanout.name(unit), None) for unit in self.units]
        return self.write(made, lambda entry, _: {key: value for key, value in entry.items() if key != "pin"})

    def pick(self, wanted: str) -> Decided:
        """Have a selection give one of its candidates. Raises ConfigError for a name that is none, UsageError where nothing can
        be chosen yet.
        """
        unit = self.units[0]
        resolver, node = self.resolver, self.loaded.graph.nodes[unit.node]
        name = resolver.fanout.name(unit)
        if len(self.units) > 1:
            known = ", ".join(resolver.fanout.name(one) for one in self.units[:12])
            raise ConfigError(f"`{node.name}` names {len(self.units)} instances", hint=f"name one: {known}")
        candidates = self._candidates(unit, node, name)
        one = chosen_of(candidates, wanted, name)
        about = among([candidate.digest for candidate in candidates])
        before = resolver.decisions.of(unit)
        made = Picked(name, one.digest, one.position, one.instance, None if before is None else before.pick)
        entry = {"for": about, "pick": f"sha256:{one.digest}"}
        path = choices_path(self.loaded.path)
        edits: list[Edit] = [((*self._table, name), lambda _: entry)]
        changed = write_choices(path, os.path.basename(self.loaded.path), edits)
        return Decided(self.loaded.name, path, changed, (made,))

    def _candidates(self, unit: Unit, node: Node, name: str) -> list[Candidate]:
        resolver = self.resolver
        try:
            params = resolver.inputs.params(unit, node) if None not in unit.coords else {}
        except Missing as missing:
            by = f": {resolver.fanout.name(missing.by)} failed or is skipped" if missing.by is not None else ""
            raise UsageError(f"{name} has nothing to choose from{by}", hint="build it first") from None
        except NodeError as error:
            raise UsageError(f"{name}: {error.message}", hint=error.hint) from None
        found = params.get(node.kind.chooses)
        if not isinstance(found, list) or contains_unknown(found):
            raise UsageError(f"what {name} chooses from is not made yet", hint="build it first")
        return resolver.inputs.selecting.candidates(unit, node, params)

    # -- samples ------------------------------------------------------------------------------------------------

    def _sample(self, unit: Unit) -> Sample:
        return self.resolver.decisions.sample(unit, self.loaded.graph.nodes[unit.node])

    def _next(self, unit: Unit) -> int:
        """Return the number of the next sample that there is no result of, not even a failed one."""
        now = self._sample(unit).reroll + 1
        while self._is_made(unit, now) and now < _MOST_SAMPLES:
            now += 1
        return now

    def _is_made(self, unit: Unit, number: int) -> bool | None:
        manifest: Manifest | None = unit.manifest
        if manifest is None or unit.status is Status.PINNED:
            return None
        key = self.resolver.keys.key(msgspec.structs.replace(manifest, reroll=number))
        return self.store.get(key) is not None

    # -- pins ---------------------------------------------------------------------------------------------------

    def _pinned(self, unit: Unit) -> Pinned:
        name = self.resolver.fanout.name(unit)
        if is_replaced(unit.record):
            text = f"{name} is replaced by a person's file, which stays already"
            raise UsageError(text, hint="dagcontent replace --undo first")
        record: Record | None = unit.record
        old = record is None
        if record is None and name in self.last:
            find = self.resolver.lookup.find
            record = behind(find(ActionKey(self.last[name])), find)
        if record is None or not isinstance(record.outcome, Done):
            raise UsageError(f"{name} has no result yet: there is nothing to keep", hint="build it first")
        return Pinned(name, record.key, record.at_ms, old)

    # -- writing ------------------------------------------------------------------------------------------------

    def write(
        self, nodes: Sequence[T], change: Callable[[Mapping[str, Any], str], Mapping[str, Any]], *, about: bool = True
    ) -> Decided:
        """Write what `change` makes of the entries of these units; with `about`, what they were about stands there too."""
        edits = [*self._followed(), *(self._edit(unit, change, about=about) for unit in self.units)]
        path = choices_path(self.loaded.path)
        changed = write_choices(path, os.path.basename(self.loaded.path), edits)
        return Decided(self.loaded.name, path, changed, tuple(nodes))

    def _followed(self) -> list[Edit]:
        """Return what gives entries that went along with another instance the name it has today: all leave, then all come."""
        gone = [stray for stray in self.resolver.decisions.strays if stray.now is not None]
        left: list[Edit] = [((*self._table, stray.choice.instance), lambda _: {}) for stray in gone]
        return left + [((*self._table, str(stray.now)), lambda _, c=stray.choice: entry_of(c)) for stray in gone]

    def _edit(self, unit: Unit, change: Callable[[Mapping[str, Any], str], Mapping[str, Any]], *, about: bool) -> Edit:
        """Return what is written for one unit. What stands there and was about something else is no part of it."""
        name = self.resolver.fanout.name(unit)
        for_ = stands_for(self.resolver.fanout, unit) if about else None

        def renewed(entry: Mapping[str, Any]) -> Mapping[str, str | int]:
            fits = for_ is None or entry.get("for") in {for_, None}
            made = change(entry if fits else {}, name)
            kept = {key: value for key, value in made.items() if key != "for" and (key, value) != ("reroll", 0)}
            return ({} if for_ is None else {"for": for_}) | kept if kept else {}

        return (*self._table, name), renewed


def _check_asked(node: Node, asks: str, verdict: str | None) -> None:
    """Raise UsageError where what is asked is nothing that can be decided about a node."""
    kind, name = node.kind, node.name
    gate = kind.effect is Effect.PERSON
    if asks == "pick" and not kind.chooses:
        raise UsageError(
            f"`{name}` is {kind.name}: it does not choose among others", hint="pick is for nodes of kind select"
        )
    if asks == "pick" and "top" in dict(node.params):
        raise UsageError(
            f"`{name}` gives its best few: a pick is for one",
            hint="take `top` out of it, or let another selection choose from it",
        )
    if asks == "approve" and not gate:
        text = f"`{name}` is {kind.name}: nobody is asked to approve it"
        raise UsageError(text, hint="approve and reject are for nodes of kind gate")
    if asks in {"pick", "approve"}:
        return
    if kind.chooses:
        text = f"`{name}` makes nothing of its own: it is one of what it chooses from"
        asked = "" if verdict is None or asks == "replace" else f" or whom it asks, `{verdict}`"
        raise UsageError(text, hint=f"dagcontent pick says which one; or name what it chooses from{asked}")
    if gate:
        text = f"`{name}` makes nothing of its own: it gives on what it shows"
        raise UsageError(text, hint="dagcontent approve or reject decides about it; or name what it shows")
    if kind.lazy:
        text = f"`{name}` makes nothing of its own: it is one of its alternatives"
        raise UsageError(text, hint="name the alternative")
    if kind.effect in WORKED_OUT:
        text = f"{kind.name} gives the same every time: there is nothing to decide about `{name}`"
        raise UsageError(text, hint="name a node that something is made by")


def entry_of(choice: Choice) -> dict[str, str | int]:
    """Return an entry as it is written."""
    made: dict[str, str | int] = {} if choice.about is None else {"for": choice.about}
    if choice.reroll:
        made["reroll"] = choice.reroll
    for name in ("pick", "pin", "replaced", "instead_of", "approved", "rejected"):
        digest = getattr(choice, name)
        if digest is not None:
            made[name] = f"sha256:{digest}"
    return made | {"note": choice.note} if choice.note else made
