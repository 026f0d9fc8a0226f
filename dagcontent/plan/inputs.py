"""A unit whose inputs are settled into parameters, a value, a record or an action. Knows no waiting and no transitions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import Effect
from dagcontent.plan.action import OPTIONS, SEED, Action, Keys, seed_of
from dagcontent.plan.coerce import coerce
from dagcontent.plan.decisions import Decisions
from dagcontent.plan.evaluate import Evaluator, Missing
from dagcontent.plan.fanout import Fanout, leaves
from dagcontent.plan.paid import ALWAYS, check_offered, fitted, is_paid, snapped
from dagcontent.plan.ports import Files, Lookup
from dagcontent.plan.replaced import replaced_manifest
from dagcontent.plan.selecting import Selecting
from dagcontent.plan.unit import Status, Unit
from dagcontent.spec.model import Choice
from dagcontent.values.record import Done, Manifest, Record
from dagcontent.values.value import ABSENT, UNKNOWN, ActionKey, Value, contains_unknown

__all__ = ["Inputs"]

_MODEL = "model"


class Inputs:
    """Reads the inputs of units of one resolution."""

    def __init__(
        self, fanout: Fanout, evaluator: Evaluator, keys: Keys, lookup: Lookup, files: Files, decisions: Decisions
    ) -> None:
        self._fanout = fanout
        self._evaluator = evaluator
        self._keys = keys
        self._lookup = lookup
        self._files = files
        self._decisions = decisions
        self.selecting = Selecting(fanout, evaluator, decisions)

    def params(self, unit: Unit, node: Node) -> dict[str, Any]:
        """Return coerced parameters, with `model`, `seed` and `options` among them where the node has them.

        Raises Missing for an input that was skipped or failed, NodeError for one that does not fit.
        """
        scope = self._fanout.scope_of(unit) if node.dims else {}
        optional = node.spec.optional
        made: dict[str, Any] = {} if node.asking is None else self.selecting.question(unit, node)
        for name, expr in node.params if node.asking is None else ():
            param = node.kind.param(name)
            assert param is not None
            try:
                value = coerce(self._evaluator.value(expr, scope, lenient=name in optional), param)
            except Missing:
                if name not in optional:
                    raise
                value = ABSENT
            if value is ABSENT:
                if param.required:
                    text = f"`{name}` is required, and there is none here"
                    raise NodeError(text, hint="give it, or skip this instance by `when`")
                continue
            made[name] = value
        for name, extra in ((_MODEL, node.model), (OPTIONS, node.options), (SEED, node.seed)):
            if extra is not None:
                made[name] = self._evaluator.value(extra, scope)
        if isinstance(made.get(_MODEL), str):
            made[_MODEL] = node.models.get(made[_MODEL], made[_MODEL])
        return made

    def check_needs(self, unit: Unit, node: Node, *, strictly: bool = True) -> bool:
        """Raise Missing for what a unit needs first and will not have; return whether it has all.

        With `strictly`, what waits for a person will not be there either.
        """
        free = True
        for output in node.ordering:
            chosen = self._fanout.choose(output, self._fanout.scope_of(unit), lambda _: UNKNOWN)
            for producer in leaves(chosen):
                if producer.status in {Status.FAILED, Status.BLOCKED}:
                    raise Missing(Status.BLOCKED, producer)
                if producer.held and strictly:
                    raise Missing(Status.MAYBE, producer)
                free = free and not producer.held
        return free

    def evaluated(self, node: Node, params: Mapping[str, Any]) -> Value:
        """Return the value of a VALUE or FILES kind. Raises NodeError."""
        evaluate = node.kind.evaluate
        assert evaluate is not None
        full = _with_defaults(node, params)
        value: Value = evaluate(full, self._files) if node.kind.effect is Effect.FILES else evaluate(full)
        return value

    def look_up(self, unit: Unit, node: Node, params: dict[str, Any]) -> Record | None:
        """Give a unit its manifest and key; return a record of it, or of an older version that the kind accepts. `node` is as
        the model is asked.

        Takes `model` out of the parameters: it is a field of the manifest. What a paid model snaps a value to takes the
        value's place. Raises NodeError for what the model cannot do.
        """
        manifests = self._manifests(unit, node, params)
        unit.manifest = next(manifests)
        unit.key = action_key = self._keys.key(unit.manifest)
        model = unit.manifest.model
        found = self._lookup.find(unit.key)
        if found is not None:
            unit.manifest = found.manifest  # the same, since the keys are: kept once, not twice a unit
        else:
            older = (self._lookup.find(self._keys.key(manifest)) for manifest in manifests)
            found = next((record for record in older if record is not None), None)
        if found is None and is_paid(model):
            check_offered(node, model, self._keys.today, lambda: self._lookup.standing(action_key) is not None)
        return found

    def _manifests(self, unit: Unit, node: Node, params: dict[str, Any]) -> Iterator[Manifest]:
        """Yield a unit's manifest, then those of the older versions that its kind accepts."""
        model = str(params.pop(_MODEL, ""))
        if is_paid(model):
            try:
                fit = fitted(node, model, params, ALWAYS)  # what it made stays, though it has ended
            except NodeError:
                check_offered(node, model, self._keys.today, lambda: False)  # that it has ended says more
                raise
            made = snapped(fit, params)
            params.clear()
            params.update(made)
            unit.notes = tuple(fit.notes)
        sample = self._decisions.sample(unit, node)
        for version in (node.kind.version, *node.kind.accepts):
            yield self._keys.manifest(node, params, model, version, sample)

    def kept(self, node: Node, decided: Choice) -> Record:
        """Return the result that a unit has whatever its inputs are. Raises NodeError where it is not at hand, or of another kind."""
        if decided.replaced is not None:
            return self._replaced(node, decided.instance, decided.replaced, decided.instead_of)
        assert decided.pin is not None
        return self._pinned(node, decided.pin)

    def _replaced(self, node: Node, instance: str, content: str, instead_of: str | None) -> Record:
        found = self._lookup.find(self._keys.key(replaced_manifest(node.kind.name, content, instead_of)))
        if found is None or not isinstance(found.outcome, Done):
            raise NodeError(
                "the file that a person put in its place is not in this store",
                facts=[("sha256 of the file", content)],
                hint=f"dagcontent replace GRAPH {shlex.quote(instance)} FILE brings it here; replace --undo does without it",
            )
        return found

    def moved(self, unit: Unit) -> bool | None:
        """Tell whether the inputs of a unit that stays have moved; None where that is not known."""
        decided = self._decisions.of(unit)
        stands_for = unit.key if decided is None or decided.replaced is None else decided.instead_of
        today = self.today(unit)
        return all(self._keys.key(manifest) != stands_for for manifest in today) if today and stands_for else None

    def _pinned(self, node: Node, key: str) -> Record:
        found = self._lookup.find(ActionKey(key))
        if found is None or not isinstance(found.outcome, Done):
            what = "the result that it is pinned to is not in this store"
            raise NodeError(
                what, facts=[("pinned", key[:16])], hint="dagcontent unpin frees it; or use the store that has it"
            )
        if found.manifest.kind != node.kind.name:
            raise NodeError(
                f"it is pinned to what {found.manifest.kind} made, and is {node.kind.name} now",
                hint="dagcontent unpin frees it",
            )
        return found

    def today(self, unit: Unit) -> tuple[Manifest, ...]:
        """Return what a pinned unit would be today, in the versions that its kind accepts; nothing while that is not known."""
        written = self._fanout.graph.nodes[unit.node]
        found: list[Manifest] = []
        for node in (written, *written.fallbacks):
            try:
                params = self.params(unit, node)
                if not any(contains_unknown(value) for value in params.values()):
                    found += self._manifests(unit, node, params)
            except (Missing, NodeError):
                continue
        return tuple(found)

    def action(self, unit: Unit) -> Action:
        """Return the action of a unit that has a key; a hit that was lost reads its parameters again."""
        node = self._fanout.node_of(unit)
        assert unit.key is not None
        assert unit.manifest is not None
        if unit.params is None:
            read = {k: v for k, v in self.params(unit, node).items() if k != _MODEL}
            model = unit.manifest.model
            unit.params = snapped(fitted(node, model, read, ALWAYS), read) if is_paid(model) else read
        full = _with_defaults(node, unit.params)
        if "schema" in unit.manifest.params:
            full["schema"] = unit.manifest.params["schema"]
        full.pop("returns", None)
        seed = seed_of(full.pop(SEED, None), self._decisions.sample(unit, node))
        return Action(unit, node, unit.key, unit.manifest, full, unit.manifest.model, seed)


def _with_defaults(node: Node, params: Mapping[str, Any]) -> dict[str, Any]:
    return {p.name: p.default for p in node.kind.params if p.default is not None} | dict(params)
