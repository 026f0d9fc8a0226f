"""A person's file for an instance into an entry of the choices file, and back. Runs nothing and spends nothing.

What is a file of a node's type, and how it is kept, it does not know.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from dagcontent.api.deciding import Choosing, Decided
from dagcontent.api.given import keep, read_given
from dagcontent.errors import ConfigError
from dagcontent.plan.replaced import file_of, is_replaced
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.record import Done
from dagcontent.values.value import ActionKey

__all__ = ["Replaced", "Replacing"]


class Replaced(msgspec.Struct, frozen=True):
    """An instance that a person's file stands for (`value`, from `file`), or (None) does not any more. `instead_of` is the key of
    what it takes the place of; `was` is the name of a file that stood there before.
    """

    node: str
    file: str | None
    digest: str | None = None
    value: Any = None
    instead_of: str | None = None
    was: str | None = None


class Replacing:
    """Decides about the files that stand for the instances that were named."""

    def __init__(self, choosing: Choosing) -> None:
        self._choosing = choosing
        self._resolver = choosing.resolver

    def replace(self, path: str | os.PathLike[str], now_ms: int) -> Decided:
        """Have a file stand for an instance. Raises UsageError for a file that is none of its type."""
        unit = self._one()
        self._choosing.check_can_stay()
        store = self._choosing.store
        node, name = self._choosing.loaded.graph.nodes[unit.node], self._resolver.fanout.name(unit)
        given = read_given(path, node, store)
        decided = self._resolver.decisions.of(unit)
        again = decided is not None and decided.replaced == given.digest
        instead_of = decided.instead_of if again and decided is not None else self._stood_for(unit, name)
        record = keep(store, node, given, instead_of, now_ms)
        assert isinstance(record.outcome, Done)
        was = None if again else file_of(unit.record)
        made = Replaced(name, given.name, given.digest, record.outcome.value, instead_of, was)
        entry = {"replaced": f"sha256:{given.digest}"}
        if instead_of is not None:
            entry["instead_of"] = f"sha256:{instead_of}"
        return self._choosing.write([made], lambda old, _: {**_without(old), **entry})

    def undo(self) -> Decided:
        """Have instances be what they were before a file stood for them."""
        units = self._choosing.units
        made = [Replaced(self._resolver.fanout.name(unit), None, was=file_of(unit.record)) for unit in units]
        return self._choosing.write(made, lambda old, _: _without(old))

    def _one(self) -> Unit:
        """Return the one instance that is meant. Raises ConfigError for several."""
        units = self._choosing.units
        if len(units) > 1:
            known = ", ".join(self._resolver.fanout.name(one) for one in units[:12])
            raise ConfigError(f"one file stands for one instance, not for {len(units)}", hint=f"name one: {known}")
        return units[0]

    def _is_made(self, key: str) -> bool:
        record = self._choosing.store.get(key)
        return record is not None and isinstance(record.outcome, Done)

    def _stood_for(self, unit: Unit, name: str) -> str | None:
        """Return the key of what an instance would be today, else of what its last build made; None where neither is known."""
        if unit.status is not Status.PINNED:
            today = unit.key if unit.record is None else unit.record.key
        else:
            keys = [self._resolver.keys.key(manifest) for manifest in self._resolver.inputs.today(unit)]
            today = next((ActionKey(key) for key in keys if self._is_made(key)), keys[0] if keys else None)
        if today is not None or name not in self._choosing.last:
            return today
        last = self._resolver.lookup.find(ActionKey(self._choosing.last[name]))
        return None if last is None else last.manifest.params.get("instead_of") if is_replaced(last) else last.key


def _without(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in {"replaced", "instead_of"}}
