"""Turn `[node.NAME]` tables into NodeSpecs, defaults laid beneath them. Knows no other node.

The way of a plain text parameter is short on purpose: a graph of a hundred thousand nodes is mostly those.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final

from dagcontent.kinds.declaration import Kind, Param
from dagcontent.kinds.registry import COMMON_KEYS, KINDS, LATER_KINDS, RESERVED_NAMES
from dagcontent.kinds.schema import ReturnsError, schema_of_returns
from dagcontent.spec.aliases import Aliases, makers, stand_in
from dagcontent.spec.defaults import Default, Defaults
from dagcontent.spec.dimensions import NAME, Dimensions, wrong_name
from dagcontent.spec.fallbacks import given_by_any, nodes_of
from dagcontent.spec.fields import check_fields, out_of_range
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import NodeSpec, Place, TomlPath
from dagcontent.spec.node_keys import NodeKeys
from dagcontent.spec.profiles import Profiles
from dagcontent.spec.swallowed import swallowed
from dagcontent.spec.tables import Document, Entry, Tables
from dagcontent.spec.words import a_value, listed
from dagcontent.values.types import Type

__all__ = ["Nodes"]

_EMPTY: Final[dict[str, Any]] = {}
_COMMON: Final = frozenset(COMMON_KEYS)
_BAD: Final = object()


class _Kind:
    """A kind as nodes need it: its parameters by name, and its defaults, converted once."""

    __slots__ = ("fields", "kind", "maker", "origin", "params", "plain", "required", "schemas", "types", "values")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.maker = kind if kind.by_model else KINDS.get(kind.questions)  # whose models a `model` of it is one of
        self.params: dict[str, Param] = {param.name: param for param in kind.params}
        # Text without further conditions: nothing to look at but references. The value is the interned name.
        self.plain = {
            param.name: param.name
            for param in kind.params
            if param.type.name == "text" and not param.choices and not param.type.choices
        }
        self.types: dict[str, tuple[Type, ...]] = {param.name: _types(param) for param in kind.params}
        self.required = tuple(param.name for param in kind.params if param.required)
        self.schemas = frozenset({"schema", "returns"} & self.params.keys())
        self.values: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.origin: dict[str, Place] = {}

    def complete(self, params: dict[str, Any], fields: dict[str, Any]) -> bool:
        """Tell whether all that the kind needs was given."""
        for key in self.required:
            if key not in params:
                return False
        for group in self.kind.one_of:
            if not any(key in params for key in group):
                return False
        return not self.kind.by_model or "model" in fields


def _types(param: Param) -> tuple[Type, ...]:
    types = (param.type, *param.also)
    return tuple(Type("text", choices=param.choices) if param.choices and t.name == "text" else t for t in types)


class Nodes:
    """Reads nodes, one by one."""

    def __init__(
        self,
        tables: Tables,
        literals: Literals,
        findings: Findings,
        aliases: Aliases,
        dimensions: Dimensions,
        profiles: Profiles,
    ) -> None:
        self._tables = tables
        self._literals = literals
        self._findings = findings
        self._aliases = aliases
        self._profiles = profiles
        self._defaults = Defaults(tables, findings, profiles)
        self._dimensions = dimensions.good
        self._keys = NodeKeys(literals, findings, dimensions)
        self._kinds: dict[str, _Kind] = {}
        self._default_mistakes: set[tuple[int, TomlPath]] = set()
        self.broken: list[str] = []

    def read(self) -> dict[str, NodeSpec]:
        """Return every node that can be read; the names of the others are in `broken`."""
        nodes: dict[str, NodeSpec] = {}
        for name, entry in self._tables.named("node"):
            if NAME.fullmatch(name) is None or name in RESERVED_NAMES or name in self._dimensions:
                self._wrong_name(name, entry.document)
            if not isinstance(entry.value, dict):
                self._no_table(name, entry)
                continue
            node = self._node(name, entry.value, entry.document)
            if node is None:
                self.broken.append(name)
            else:
                nodes[name] = node
        self._unused_defaults()
        return nodes

    def _unused_defaults(self) -> None:
        """Look at the defaults of kinds that no node has: they are as wrong there."""
        for name in KINDS:
            if name not in self._kinds and self._defaults.of(KINDS[name]):
                self._kind(name)

    def _kind(self, name: str) -> _Kind | None:
        info = self._kinds.get(name)
        if info is None and name in KINDS:
            info = self._kinds[name] = _Kind(KINDS[name])
            for key, default in self._defaults.of(info.kind).items():
                self._default(info, key, default)
        return info

    def _default(self, info: _Kind, key: str, default: Default) -> None:
        where = (default.place.file, default.place.path)
        if where in self._default_mistakes:
            return  # noted already, seen from another kind
        before = self._findings.count
        spot = Spot(default.place.file, default.document.folder, default.place.path)
        self._read(info, info.values, info.fields, key, default.value, spot)
        info.origin[key] = default.place
        if self._findings.count > before:
            self._default_mistakes.add(where)

    def _node(self, name: str, table: dict[str, Any], document: Document) -> NodeSpec | None:
        written = table.get("kind")
        info = self._kind(written) if isinstance(written, str) else None
        path = ("node", name)
        if info is None:
            self._no_kind(name, table, document)
            return None
        params: dict[str, Any] = dict(info.values)
        fields = info.fields
        unknown: list[str] = []
        before = self._findings.count
        nested = False
        for key, value in table.items():
            plain = info.plain.get(key)
            if plain is not None and type(value) is str:
                if "$" in value:
                    value = self._literals.string(value, Spot(document.file, document.folder, (*path, plain)))  # noqa: PLW2901
                params[plain] = value
                continue
            nested = nested or isinstance(value, dict | list)
            if key in info.params:
                key = info.params[key].name  # noqa: PLW2901 - the interned one
                self._param(info, params, key, value, Spot(document.file, document.folder, (*path, key)))
            elif key not in _COMMON:
                unknown.append(key)
            elif key != "kind":
                if fields is info.fields:
                    fields = dict(fields)
                self._field(info, fields, key, value, Spot(document.file, document.folder, (*path, key)))
        over: dict[str, Place] = {}
        if name in self._profiles.nodes or (self._profiles.drafts and info.maker is not None):
            fields, over = self._lay(info, name, params, fields, info.origin.keys() - table.keys())
        models = fields.get("model")
        given = {**given_by_any(models), **params} if isinstance(models, tuple) else params
        if unknown or nested or not info.complete(given, fields):
            self._whole(info, name, table, document, unknown, (given, fields))
        place = Place(document.file, path)
        broken: tuple[str, ...] = ()
        if self._findings.count > before or self._default_mistakes:
            broken = tuple(key for key, value in (params | fields).items() if value is _BAD)
            params = {key: value for key, value in params.items() if value is not _BAD}
            fields = {key: value for key, value in fields.items() if value is not _BAD}
        if not fields and not info.origin and not over and not broken:
            return NodeSpec(name, info.kind.name, place, params, options=_EMPTY, tags=_EMPTY, origin=_EMPTY)
        origin = {key: there for key, there in info.origin.items() if key not in table} | over
        fields = {"options": _EMPTY, "tags": _EMPTY, "broken": broken, **fields}
        if isinstance(models, tuple):
            node = NodeSpec(name, info.kind.name, place, params, origin=origin)
            return nodes_of(models, info.kind, node, fields, partial(self._read, info), self._findings)
        return NodeSpec(name, info.kind.name, place, params, origin=origin, **fields)

    def _lay(
        self, info: _Kind, name: str, params: dict[str, Any], fields: dict[str, Any], by_default: AbstractSet[str]
    ) -> tuple[dict[str, Any], dict[str, Place]]:
        """Lay a node's tables of the profile over it: returns its fields, and where what was laid stands.

        In a draft a node has the stand-in of its kind where it has no model; what a model that gave way was sent in
        `options` goes with it. `by_default` are the keys that the node itself does not give.
        """
        fields = dict(fields)
        places: dict[str, Place] = {}
        for layer, table in self._profiles.of_node(name):
            for key, value in table.items():
                spot = Spot(layer.document.file, layer.document.folder, layer.path("node", name, key))
                self._read(info, params, fields, key, value, spot)
                places[key] = Place(spot.file, spot.path)
        if self._profiles.drafts and info.maker is not None and info.maker.stand_ins:
            found = {key: info.origin[key].path for key in by_default} | {k: p.path for k, p in places.items()}
            gone = found.get("model", ("node", name, "model")) in self._aliases.replaced
            if gone and not self._profiles.keeps(found.get("options", ())):
                fields.pop("options", None)
            if info.kind.by_model:
                fields.setdefault("model", stand_in(info.kind))
        return fields, places

    def _read(
        self, info: _Kind, params: dict[str, Any], fields: dict[str, Any], key: str, value: Any, spot: Spot
    ) -> None:
        """Convert a parameter or a common key."""
        if key in info.params:
            self._param(info, params, key, value, spot)
        else:
            self._field(info, fields, key, value, spot)

    def _param(self, info: _Kind, into: dict[str, Any], key: str, value: Any, spot: Spot) -> None:
        """Convert a parameter; one that is wrong stands as `_BAD`: it was given, and has no value."""
        before = self._findings.count
        if key in info.schemas:
            found = self._schema(key, value, info, spot)
        else:
            found = self._literals.typed(value, info.types[key], key, spot)
            wrong = out_of_range(info.params[key], found)
            if wrong and self._findings.count == before:
                self._literals.wrong(spot, f"`{key}` cannot be {found}", wrong)
            if info.params[key].fields:
                check_fields(info.params[key], found, spot, self._literals, {*info.params, *_COMMON})
        into[key] = found if self._findings.count == before else _BAD

    def _field(self, info: _Kind, into: dict[str, Any], key: str, value: Any, spot: Spot) -> None:
        """Convert a common key."""
        if not info.kind.takes_key(key):
            caret = "write it in the file that `path` names"
            self._findings.at_key(Place(spot.file, spot.path), f"`{key}` is not for kind {info.kind.name}", caret)
            return
        if key == "model":
            if info.maker is not None:
                model = self._aliases.of_node(value, info.maker, spot)
                into["model"] = _BAD if model is None else model
            else:
                caret = "leave it out"
                place = Place(spot.file, spot.path)
                self._findings.at_key(place, f"{info.kind.name} is not made by a model: it takes no `model`", caret)
            return
        read = self._keys.read(key, value, spot, info.kind)
        if read is not None:
            into[read[0]] = read[1]

    def _schema(self, key: str, value: Any, info: _Kind, spot: Spot) -> Any:
        if isinstance(value, dict) and list(value) == ["file"] and isinstance(value["file"], str):
            if key == "schema" or not _is_form(value["file"]):
                value = self._literals.json_file(value, spot)
                return value if key == "schema" or value is None else self._returns(value, spot)
        elif key == "returns":
            return self._returns(value, spot)
        return (
            self._literals.typed(value, info.types[key], key, spot) if key == "schema" else self._returns(value, spot)
        )

    def _returns(self, value: Any, spot: Spot) -> Any:
        try:
            schema_of_returns(value)
        except ReturnsError as error:
            place = Spot(spot.file, spot.folder, (*spot.path, *error.path))
            self._literals.wrong(place, str(error))
        return value

    def _whole(
        self,
        info: _Kind,
        name: str,
        table: dict[str, Any],
        document: Document,
        unknown: list[str],
        given: tuple[dict[str, Any], dict[str, Any]],
    ) -> None:
        """Note what is missing, and what is not a key of this kind. `given` are parameters and common keys."""
        kind = info.kind
        params, fields = given
        missing = [key for key in info.required if key not in params]
        groups = [group for group in kind.one_of if not any(key in params for key in group)]
        no_model = kind.by_model and "model" not in table and "model" not in fields
        meant = swallowed(table, {*info.params, *_COMMON}, missing, ("node", name), document.file, self._literals)
        for key in unknown:
            caret = self._unknown(kind, name, key, document)
            meant.add(caret)
        file, path = document.file, ("node", name)
        for key in missing:
            if key not in meant:
                message = f"node `{name}` has no `{key}`, which {kind.name} needs"
                self._findings.add(file, path, message, at="header", note=_takes(kind))
        for group in groups:
            if not meant.intersection(group):
                names = " or ".join(f"`{key}`" for key in group)
                message = f"node `{name}` has no {names}: {kind.name} needs one of them"
                self._findings.add(file, path, message, at="header", note=_takes(kind))
        if no_model and "model" not in meant:
            message = f"node `{name}` has no `model`, which {kind.name} needs"
            self._findings.add(file, path, message, at="header", caret=makers(kind, 'model = "{}"'))

    def _unknown(self, kind: Kind, name: str, key: str, document: Document) -> str:
        """Note an unknown key; return the one that was probably meant."""
        place = Place(document.file, ("node", name, key))
        near = self._findings.near(key, [*_names_of(kind), *_COMMON])
        caret = f"did you mean `{near}`?" if near else ""
        self._findings.at_key(place, f"unknown parameter `{key}` of {kind.name}", caret, _takes(kind))
        return near or ""

    def _no_kind(self, name: str, table: dict[str, Any], document: Document) -> None:
        written = table.get("kind")
        path = ("node", name)
        place = Place(document.file, (*path, "kind"))
        meant = swallowed(table, set(_COMMON), ["kind"], path, document.file, self._literals)
        if written is None:
            if "kind" not in meant:
                near = self._findings.near("kind", [key for key, value in table.items() if isinstance(value, str)])
                caret = f"did you write `{near}` for `kind`?" if near else 'write kind = "medium.verb"'
                self._findings.add(document.file, path, f"node `{name}` has no `kind`", at="header", caret=caret)
        elif not isinstance(written, str):
            self._findings.at_value(place, f"`kind` is text, not {a_value(written)}")
        elif written in LATER_KINDS:
            self._findings.later(place, f"kind `{written}` is", at="value")
        else:
            caret = self._findings.suggestion(written, [*KINDS, *LATER_KINDS])
            note = "" if caret else f"kinds: {listed(list(KINDS), 40)}"
            self._findings.at_value(place, f"there is no kind `{written}`", caret, note)

    def _wrong_name(self, name: str, document: Document) -> None:
        file, path = document.file, ("node", name)
        wrong = wrong_name(name)
        if wrong is not None:
            self._findings.add(file, path, wrong[0], at="header", caret=wrong[1])
            return
        place = self._dimensions[name].place
        self._findings.add(
            file, path, f"`{name}` is a dimension: a node may not have its name", at="header", caret="rename one of them",
            also=((place.file, place.path, "the dimension"),),
        )  # fmt: skip

    def _no_table(self, name: str, entry: Entry) -> None:
        self.broken.append(name)
        value, file = entry.value, entry.document.file
        if isinstance(value, list):
            message = f"`{name}` is written as a list of nodes"
            self._findings.add(
                file, ("node", name), message, at="key", caret=f"write [node.{name}], in single brackets"
            )
            return
        key = f"`{name}` stands in [node] itself"
        caret = "a node is a table of its own: [node.NAME]"
        self._findings.add(file, ("node", name), key, at="key", caret=caret)


def _is_form(word: str) -> bool:
    try:
        schema_of_returns(word)
    except ReturnsError:
        return False
    return True


def _names_of(kind: Kind) -> list[str]:
    """Return the names of a kind's parameters, in the order of its declaration."""
    return [param.name for param in kind.params]


def _takes(kind: Kind) -> str:
    return f"{kind.name} takes: {listed(_names_of(kind), 40)} (dagcontent kinds {kind.name})"
