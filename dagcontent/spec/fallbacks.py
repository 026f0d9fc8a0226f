"""Turn a list of models into a node for each: the node as it is written, with what its entry says in its place. Knows no kind's rules.

An entry is a model, or a table with `id` and what is different for that model. An alias that is a list stands for its entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from dagcontent.kinds.declaration import Kind
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import NodeSpec, Place, Template
from dagcontent.spec.words import a_value, listed

__all__ = ["Alternative", "apart", "given_by_any", "nodes_of", "read_entry"]

Read = Callable[[dict[str, Any], dict[str, Any], str, Any, Spot], None]

_ID: Final = "id"
_COMMON: Final = ("options", "seed", "snap")
"""Keys of every node that can differ by the model."""


class Alternative(msgspec.Struct, frozen=True):
    """One entry of a list of models. `keys` are what it says beside the model, with the spot of each."""

    model: str | Template
    spot: Spot
    keys: Mapping[str, tuple[Any, Spot]] = {}

    def within(self, outer: Mapping[str, tuple[Any, Spot]]) -> Alternative:
        """Return it as an entry of the list that names its list: what is said there is nearer."""
        return msgspec.structs.replace(self, keys={**self.keys, **outer}) if outer else self


def read_entry(value: Any, spot: Spot, literals: Literals) -> tuple[str, Spot, dict[str, tuple[Any, Spot]]] | None:
    """Return the name that an entry gives, its spot, and its other keys; None where it gives none, which is noted."""
    if isinstance(value, str):
        return value, spot, {}
    if not isinstance(value, dict):
        literals.wrong(spot, f'a model is text, as "local/card", or a table with `id`, not {a_value(value)}')
        return None
    name = value.get(_ID)
    if not isinstance(name, str):
        what = "this entry names no model" if name is None else f"`id` is the name of a model, not {a_value(name)}"
        literals.wrong(spot if name is None else spot.step(_ID), what, 'write { id = "provider/name", ... }')
        return None
    return name, spot.step(_ID), {key: (item, spot.step(key)) for key, item in value.items() if key != _ID}


def apart(found: Sequence[Alternative], literals: Literals) -> bool:
    """Tell whether no two entries are the same request; those that are get noted."""
    for number, one in enumerate(found):
        said = {key: value for key, (value, _) in one.keys.items()}
        for other in found[:number]:
            if one.model == other.model and said == {key: value for key, (value, _) in other.keys.items()}:
                literals.wrong(one.spot, f"`{one.model}` stands twice in this list", "leave one of them out")
                return False
    return True


def given_by_any(found: Sequence[Alternative]) -> dict[str, Any]:
    """Return the keys that some entry gives: whether one lacks them is seen where the others are read."""
    return {key: value for one in found for key, (value, _) in one.keys.items()}


def nodes_of(
    found: Sequence[Alternative], kind: Kind, node: NodeSpec, fields: Mapping[str, Any], read: Read, findings: Findings
) -> NodeSpec | None:
    """Return a node as the first of its models is asked, with the others in their order; None if one could not be made.

    `node` has its parameters and `origin`, `fields` are its common keys; `read` converts one key into both.
    """
    differ = given_by_any(found).keys()
    made = [_as_asked(one, kind, node, fields, read, findings, differ) for one in found]
    good = [one for one in made if one is not None]
    if len(good) < len(made):
        return None
    return msgspec.structs.replace(good[0], fallbacks=tuple(good[1:]))


def _as_asked(
    one: Alternative, kind: Kind, node: NodeSpec, fields: Mapping[str, Any], read: Read, findings: Findings,
    differ: AbstractSet[str],
) -> NodeSpec | None:  # fmt: skip
    before = findings.count
    params, common, origin = dict(node.params), {**fields, "model": one.model}, dict(node.origin)
    origin["model"] = Place(one.spot.file, one.spot.path)
    names = [param.name for param in kind.params]
    for key, (value, spot) in one.keys.items():
        place = origin[key] = Place(spot.file, spot.path)
        if key in names or key in _COMMON:
            read(params, common, key, value, spot)
        else:
            caret = findings.suggestion(key, [*names, *_COMMON])
            note = f"an entry takes `id` and: {listed([*names, *_COMMON], 40)}"
            findings.at_key(place, f"`{key}` cannot differ by the model", caret, note)
    if findings.count > before:
        return None
    needed = [(param.name,) for param in kind.params if param.required] + list(kind.one_of)
    for group in needed:
        if differ & set(group) and not any(key in params for key in group):
            what = f"`{one.model}` has no {' or '.join(f'`{key}`' for key in group)}, which {kind.name} needs"
            caret = f"write {{ id = ..., {group[0]} = ... }}, or `{group[0]}` in the node itself"
            findings.at_value(origin["model"], what, caret)
    return msgspec.structs.replace(node, params=params, origin=origin, **common)
