"""Turn `returns` into a JSON Schema, and a JSON Schema into a type. Knows no model and no file.

`returns` is the short form: `"text"`, `"a | b"`, `["text"]`, `{ title = "text", note = "text?" }`, closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagcontent.values.types import ANY, BOOLEAN, INTEGER, NUMBER, TEXT, Field, Type, list_of, record_of

__all__ = ["ReturnsError", "schema_at", "schema_of_returns", "type_of_answer", "type_of_schema"]

_WORDS = {"text": "string", "number": "number", "integer": "integer", "boolean": "boolean"}
_TYPES = {"string": TEXT, "number": NUMBER, "integer": INTEGER, "boolean": BOOLEAN}


class ReturnsError(ValueError):
    """`returns` is not of the short form; `path` leads to the part that is not."""

    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.path = path


def schema_of_returns(returns: Any, path: tuple[str | int, ...] = ()) -> dict[str, Any]:
    """Return the JSON Schema that a short form stands for. Raises ReturnsError."""
    if isinstance(returns, str):
        return _word(returns.removesuffix("?").strip(), path)
    if isinstance(returns, list):
        if len(returns) != 1:
            text = "a list in `returns` has exactly one element: the form of its items"
            raise ReturnsError(text, path)
        return {"type": "array", "items": schema_of_returns(returns[0], (*path, 0))}
    if isinstance(returns, Mapping):
        fields = {str(k).removesuffix("?"): schema_of_returns(v, (*path, k)) for k, v in returns.items()}
        required = [str(k) for k, v in returns.items() if not (str(k).endswith("?") or _may_miss(v))]
        return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
    text = f"`returns` is made of text, lists and tables, not {returns!r}"
    raise ReturnsError(text, path)


def type_of_schema(schema: Any) -> Type:
    """Return the type that references can be checked against; ANY where the schema does not say."""
    if not isinstance(schema, Mapping):
        return ANY
    if isinstance(schema.get("enum"), list) and all(isinstance(v, str) for v in schema["enum"]):
        return Type("text", choices=tuple(schema["enum"]))
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return _TYPES[kind]
    if kind == "array":
        return list_of(type_of_schema(schema.get("items")))
    if (
        kind == "object"
        and isinstance(schema.get("properties"), Mapping)
        and schema.get("additionalProperties") is False
    ):
        required = schema.get("required") or []
        return record_of(*(Field(k, type_of_schema(v), k not in required) for k, v in schema["properties"].items()))
    return ANY


def type_of_answer(params: Mapping[str, Any]) -> Type:
    """Return what a language model's answer is: JSON of the form that `schema` or `returns` asks for, else text."""
    if params.get("schema") is not None:
        return type_of_schema(params["schema"])
    if params.get("returns") is not None:
        return type_of_schema(schema_of_returns(params["returns"]))
    return TEXT


def schema_at(params: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the part of an answer's JSON Schema at a path of names ("*": into a list); None where it says nothing."""
    at: Any = params.get("schema")
    if at is None and params.get("returns") is not None:
        try:
            at = schema_of_returns(params["returns"])
        except ReturnsError:
            return None
    for name in path:
        if isinstance(at, Mapping) and at.get("type") == "array" and name != "*":
            at = at.get("items")
        inner = at if isinstance(at, Mapping) else {}
        properties = inner.get("properties")
        at = inner.get("items") if name == "*" else properties.get(name) if isinstance(properties, Mapping) else None
    return at if isinstance(at, Mapping) else None


def _may_miss(form: Any) -> bool:
    return isinstance(form, str) and form.strip().endswith("?")


def _word(word: str, path: tuple[str | int, ...]) -> dict[str, Any]:
    if word in _WORDS:
        return {"type": _WORDS[word]}
    if "|" in word:
        choices = [part.strip() for part in word.split("|")]
        if all(choices):
            return {"type": "string", "enum": choices}
    text = f"`{word}` is not a form of `returns`: text, number, integer, boolean, or choices like `wide | close`"
    raise ReturnsError(text, path)
