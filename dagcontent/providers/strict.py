"""A JSON Schema into the strict form that chat models are held to, and what they answer back into the first. Knows no model.

Strict: the root is an object; every property is required, and what may be missing may be null instead; nothing else is
allowed. A schema that cannot be said so is sent as it is, and the model follows it as well as it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.kinds.schema import schema_of_returns

__all__ = ["Form", "form_of"]

_KEPT: Final = frozenset(
    "type description title enum const pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
    "minItems maxItems".split()
)
_DROPPED: Final = frozenset("$schema $id $comment default examples deprecated readOnly writeOnly".split())
_FORMATS: Final = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid".split())
_DEPTH: Final = 10
_LOCAL: Final = "#/$defs/"


class Form(msgspec.Struct, frozen=True):
    """What is asked of an answer. `wrapped`: the value is in a field "value", because the root must be an object."""

    schema: dict[str, Any]
    strict: bool
    wrapped: bool
    of: Any

    def value(self, answer: Any) -> Any:
        """Return an answer as the first schema wants it: unwrapped, and without the nulls that stand for what is missing."""
        if self.wrapped and isinstance(answer, dict) and set(answer) == {"value"}:
            answer = answer["value"]
        return _without_nulls(answer, self.of, self.of, 0) if self.strict else answer


def form_of(params: Mapping[str, Any]) -> Form | None:
    """Return the form that `schema` or `returns` asks for; None where the answer is to be text."""
    if params.get("schema") is not None:
        schema = params["schema"]
    elif params.get("returns") is not None:
        schema = schema_of_returns(params["returns"])
    else:
        return None
    wrapped = not (isinstance(schema, Mapping) and schema.get("type") == "object")
    try:
        strict = _strict(schema, 0)
    except _CannotError:
        if not isinstance(schema, Mapping):
            return Form({"type": "object"}, strict=False, wrapped=False, of=schema)
        return Form(_wrapped(dict(schema)) if wrapped else dict(schema), strict=False, wrapped=wrapped, of=schema)
    return Form(_wrapped(strict) if wrapped else strict, strict=True, wrapped=wrapped, of=schema)


class _CannotError(Exception):
    """A schema has no strict form."""


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    """Put a schema into an object's only field. Definitions stay at the root, where references look for them."""
    named: dict[str, Any] = {key: schema.pop(key) for key in ("$defs", "definitions") if key in schema}
    return {
        "type": "object", "properties": {"value": schema}, "required": ["value"], "additionalProperties": False, **named,
    }  # fmt: skip


def _strict(schema: Any, depth: int) -> dict[str, Any]:
    if (
        not isinstance(schema, Mapping)
        or depth > _DEPTH
        or ("format" in schema and str(schema["format"]) not in _FORMATS)
    ):
        raise _CannotError
    if "$ref" in schema:
        if not str(schema["$ref"]).startswith(_LOCAL):
            raise _CannotError
        return {"$ref": schema["$ref"]}
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _KEPT:
            made[key] = value
        elif key == "items":
            made[key] = _strict(value, depth + 1)
        elif key == "anyOf" and isinstance(value, list) and value:
            made[key] = [_strict(one, depth) for one in value]
        elif key == "$defs" and isinstance(value, Mapping):
            made[key] = {str(name): _strict(one, depth) for name, one in value.items()}
        elif key not in _DROPPED and key not in {"properties", "required", "additionalProperties"}:
            raise _CannotError
    if made.get("type") == "object" or "properties" in schema:
        made |= _object(schema, depth)
    elif made.get("type") == "array" and "items" not in made:
        raise _CannotError
    elif not made:
        raise _CannotError
    return made


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    given = schema.get("properties")
    if not isinstance(given, Mapping) or not given or isinstance(schema.get("additionalProperties"), Mapping):
        raise _CannotError
    required = _required(schema)
    properties = {}
    for name, one in given.items():
        inner = _strict(one, depth + 1)
        properties[str(name)] = inner if name in required else _nullable(inner)
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _required(schema: Mapping[str, Any]) -> list[Any]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if _takes_null(schema):
        return schema
    kind = schema.get("type")
    if kind is None or kind == "object" or "const" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    made = {**schema, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    if "enum" in schema:
        made["enum"] = [*(schema["enum"] if isinstance(schema["enum"], list) else []), None]
    return made


def _takes_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return "enum" not in schema or (isinstance(schema["enum"], list) and None in schema["enum"])
    return isinstance(schema.get("anyOf"), list) and any(_takes_null(one) for one in schema["anyOf"])


def _without_nulls(value: Any, schema: Any, root: Any, depth: int) -> Any:
    schema = _followed(schema, root)
    if depth > 64 or not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_without_nulls(item, schema.get("items"), root, depth + 1) for item in value]
    if isinstance(value, dict):
        given, required = schema.get("properties"), _required(schema)
        if not isinstance(given, Mapping):
            return value
        return {
            name: _without_nulls(item, given.get(name), root, depth + 1)
            for name, item in value.items()
            if item is not None or name in required or name not in given or _takes_null(_followed(given[name], root))
        }
    return value


def _followed(schema: Any, root: Any) -> Any:
    """Return what a reference into the root's definitions stands for."""
    for _ in range(8):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return schema
        named = root.get("$defs") if isinstance(root, Mapping) else None
        schema = named.get(schema["$ref"].removeprefix(_LOCAL)) if isinstance(named, Mapping) else None
    return schema
