"""Turn `[params]` and `-p` into ParamSpecs. Knows no node."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import SUFFIXES, Literals, Spot
from dagcontent.spec.model import AssetPath, FileText, ParamSpec, Place
from dagcontent.spec.profiles import Profiles
from dagcontent.spec.tables import Entry, Tables
from dagcontent.spec.words import a_value, listed
from dagcontent.values.types import ARTIFACTS, NAMES, Type, list_of

__all__ = ["TYPES", "declared_type", "read_params"]

_SOURCES: Final = ("value", "file", "template", "asset", "assets")
_KEYS: Final = frozenset({*_SOURCES, "required", "type", "choices", "help"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPES: Final = tuple(name for name in NAMES if name not in {"list", "record", "any"})
_LIST: Final = re.compile(r"list<([a-z]+)>")


def declared_type(written: str) -> Type | None:
    """Return the type that `text` or `list<image>` names."""
    if written in TYPES:
        return Type(written)
    found = _LIST.fullmatch(written)
    return list_of(Type(found[1])) if found and found[1] in TYPES else None


def read_params(
    tables: Tables, overrides: Mapping[str, str] | None, literals: Literals, findings: Findings, profiles: Profiles
) -> dict[str, ParamSpec]:
    """Return every parameter of the graph, `-p` laid over the profile, and that over what the graph says.

    Without `overrides` it stands for a node of another graph, which gives what is required.
    """
    reader = _Params(literals, findings)
    params = {name: reader.read(name, entry) for name, entry in tables.named("params", first_wins=True)}
    for layer in profiles.layers:
        for name, entry in layer.entries("params"):
            if name in params:
                params[name] = reader.read(name, entry, params[name])
    if overrides is None:
        return params
    for name, written in overrides.items():
        if name in params:
            params[name] = reader.override(params[name], written)
        else:
            caret = findings.suggestion(name, params)
            known = f"the graph has: {listed(list(params))}" if params else "the graph has no parameters"
            findings.add(0, ("params",) if params else (), f"-p {name}: there is no such parameter", at="header",
                         caret=caret, note=known)  # fmt: skip
    for spec in params.values():
        if spec.kind == "required" and spec.place is not None and spec.name not in overrides:
            note = f"it is {spec.help}" if spec.help else ""
            findings.at_key(spec.place, f"`{spec.name}` must be given", f"write -p {spec.name}=...", note)
    return params


class _Params:
    def __init__(self, literals: Literals, findings: Findings) -> None:
        self._literals = literals
        self._findings = findings

    def read(self, name: str, entry: Entry, below: ParamSpec | None = None) -> ParamSpec:
        """Return a parameter; of a profile's, type, choices and help come from what lies `below` unless it says its own."""
        document = entry.document
        spot = Spot(document.file, document.folder, entry.path)
        place = Place(document.file, entry.path)
        if below is not None:
            return self._laid(name, entry, spot, place, below)
        if not _NAME.fullmatch(name):
            self._findings.at_key(place, f"`{name}` is not a name", "names are letters, digits and _")
        value = entry.value
        if isinstance(value, dict) and value and _KEYS.issuperset(value):
            return self._declaration(name, value, spot, place)
        return ParamSpec(name, "value", self._literals.data(value, spot), place=place)

    def _laid(self, name: str, entry: Entry, spot: Spot, place: Place, below: ParamSpec) -> ParamSpec:
        value = entry.value
        if isinstance(value, dict) and value and _KEYS.issuperset(value):
            return self._declaration(name, value, spot, place, below)
        type_ = declared_type(below.type) if below.type and below.kind not in {"asset", "assets"} else None
        if type_ is None:
            return ParamSpec(
                name, "value", self._literals.data(value, spot), below.type, below.choices, below.help, place
            )
        found = self._literals.typed(value, (type_,), name, spot)
        if below.choices and isinstance(found, str) and found not in below.choices:
            self._literals.wrong(spot, f"`{name}` cannot be `{found}`", f"allowed: {listed(below.choices)}")
        kind = "asset" if isinstance(found, AssetPath) else "value"
        return ParamSpec(name, kind, found, below.type, below.choices, below.help, place)

    def _declaration(
        self, name: str, table: dict[str, Any], spot: Spot, place: Place, below: ParamSpec | None = None
    ) -> ParamSpec:
        type_ = self._type(table, spot)
        choices = self._choices(table, spot)
        help_ = table.get("help", "")
        if below is not None:
            type_ = type_ or (declared_type(below.type) if below.type else None)
            choices, help_ = choices or below.choices, help_ or below.help
        if not isinstance(help_, str):
            self._literals.wrong(spot.step("help"), f"`help` takes text, not {a_value(help_)}")
            help_ = ""
        required = table.get("required", False)
        if not isinstance(required, bool):
            self._literals.wrong(spot.step("required"), f"`required` is true or false, not {a_value(required)}")
        sources = [key for key in _SOURCES if key in table]
        word = str(type_) if type_ is not None else None
        if len(sources) != 1 or (sources and required is True):
            if sources or required is not True:
                caret = "write { value = { ... } } if this table is the value" if not sources else "keep one of them"
                message = f"`{name}` needs exactly one of value, file, template, asset, assets, or required = true"
                self._findings.at_key(place, message, caret)
            kind = "required" if required is True else "value"
            return ParamSpec(name, kind, None, word, choices, help_, place)
        kind, value, guessed = self._source(name, sources[0], table, type_, spot)
        if choices and isinstance(value, str) and value not in choices:
            self._literals.wrong(spot.step(sources[0]), f"`{name}` cannot be `{value}`", f"allowed: {listed(choices)}")
        return ParamSpec(name, kind, value, word or guessed, choices, help_, place)

    def _source(
        self, name: str, source: str, table: dict[str, Any], type_: Type | None, spot: Spot
    ) -> tuple[str, Any, str | None]:
        value = table[source]
        inner = spot.step(source)
        if source == "value":
            if type_ is None:
                return "value", self._literals.data(value, inner), None
            found = self._literals.typed(value, (type_,), name, inner)
            return ("asset" if isinstance(found, AssetPath) else "value"), found, None
        if source in {"file", "template"}:
            return "file", self._literals.file_text({source: value}, spot), "text" if source == "template" else None
        if source == "asset":
            asset = self._asset(value, type_, inner)
            return "asset", asset, asset.type if isinstance(asset, AssetPath) else None
        if not isinstance(value, list):
            caret = "a pattern is the work of asset.glob" if isinstance(value, str) and "*" in value else ""
            self._literals.wrong(inner, f"`assets` takes a list of paths, not {a_value(value)}", caret)
            return "assets", [], None
        assets = [self._asset(item, type_, inner.step(i)) for i, item in enumerate(value)]
        types = {asset.type for asset in assets if isinstance(asset, AssetPath)}
        return "assets", assets, f"list<{types.pop()}>" if len(types) == 1 else None

    def _asset(self, value: Any, type_: Type | None, spot: Spot) -> Any:
        if not isinstance(value, str):
            self._literals.wrong(spot, f"a path is meant, not {a_value(value)}")
            return None
        path = self._literals.path(value, spot)
        if path is None:
            return None
        item = type_.item if type_ is not None and type_.item is not None else type_
        guess = SUFFIXES.get(os.path.splitext(path)[1].lower())
        if item is None and guess is None:
            caret = 'say type = "image", "audio", "video", ..., or use { file = ... } for text'
            self._literals.wrong(spot, f"`{value}` has no suffix that says what it is", caret)
            return None
        if item is not None and not item.artifact:
            self._literals.wrong(
                spot, f"an asset is a file of media, and the type here is {item}", "use { file = ... }"
            )
            return None
        return AssetPath(path, item.name if item is not None else str(guess))

    def _type(self, table: dict[str, Any], spot: Spot) -> Type | None:
        written = table.get("type")
        if written is None:
            return None
        found = declared_type(written) if isinstance(written, str) else None
        if found is None:
            hint = self._findings.suggestion(written, TYPES) if isinstance(written, str) else ""
            self._literals.wrong(spot.step("type"), f"`{written}` is not a type", hint or f"types: {listed(TYPES)}")
        return found

    def _choices(self, table: dict[str, Any], spot: Spot) -> tuple[str, ...]:
        written = table.get("choices", [])
        if isinstance(written, list) and all(isinstance(item, str) for item in written):
            return tuple(written)
        self._literals.wrong(spot.step("choices"), "`choices` takes a list of texts")
        return ()

    def override(self, spec: ParamSpec, written: str) -> ParamSpec:
        """Return the parameter as `-p name=written` gives it."""
        type_ = declared_type(spec.type) if spec.type else None
        try:
            kind, value = _given(spec, type_, written)
        except ValueError as error:
            place = spec.place or Place(0, ())
            self._findings.at_key(place, f"-p {spec.name}={written[:60]}: {error}")
            return msgspec.structs.replace(spec, kind="value")
        if spec.choices and isinstance(value, str) and value not in spec.choices:
            place = spec.place or Place(0, ())
            hint = self._findings.suggestion(value, spec.choices)
            self._findings.at_key(place, f"-p {spec.name}={written[:60]}: allowed are {listed(spec.choices)}", hint)
        return ParamSpec(spec.name, kind, value, spec.type, spec.choices, spec.help, None)


def _given(spec: ParamSpec, type_: Type | None, written: str) -> tuple[str, Any]:
    """Return (kind, value) of a text from the command line. Raises ValueError with what would be right."""
    item = type_.item if type_ is not None and type_.item is not None else type_
    if written.startswith("@") or (item is not None and item.artifact):
        return _given_file(spec, item, written.removeprefix("@"))
    name = type_.name if type_ is not None else _type_of(spec.value)
    if name == "text":
        return "value", written
    if name == "boolean":
        if written in {"true", "false"}:
            return "value", written == "true"
        message = "true or false is meant"
        raise ValueError(message)
    if name in {"integer", "number"}:
        return "value", _number(written, whole=name == "integer")
    try:
        value = msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"JSON is meant: {error}"
        raise ValueError(message) from None
    if name == "list" and not isinstance(value, list):
        message = "a JSON list is meant"
        raise ValueError(message)
    return "value", value


def _given_file(spec: ParamSpec, item: Type | None, written: str) -> tuple[str, Any]:
    path = os.path.abspath(written)
    if "\0" in path or not os.path.isfile(path):
        message = f"there is no file {written}"
        raise ValueError(message)
    if item is not None and item.artifact:
        asset = AssetPath(path, item.name)
        return ("assets", [asset]) if spec.type and spec.type.startswith("list") else ("asset", asset)
    guess = SUFFIXES.get(os.path.splitext(path)[1].lower())
    if spec.kind in {"asset", "assets"} and guess in ARTIFACTS:
        asset = AssetPath(path, str(guess))
        return (spec.kind, [asset] if spec.kind == "assets" else asset)
    return "file", FileText(path)


def _number(written: str, *, whole: bool) -> int | float:
    message = "a whole number is meant" if whole else "a number is meant"
    try:
        value = msgspec.json.decode(written, type=int if whole else int | float)
    except msgspec.DecodeError:
        raise ValueError(message) from None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(message)
    return value


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number" if isinstance(value, float) else "integer"
    if isinstance(value, list | dict):
        return "list" if isinstance(value, list) else "json"
    return "text"
