"""A value into the form a parameter takes: numbers coerced, lists flattened, text joined. Knows no instances."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Param
from dagcontent.values.types import Type
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, Value

__all__ = ["as_text", "coerce"]


def coerce(value: Value, param: Param) -> Value:
    """Return the value as the parameter's type. Raises NodeError where it does not fit or is out of bounds.

    UNKNOWN parts stay as they are. ABSENT is for the caller to treat.
    """
    made = _to(value, param.type, param)
    if isinstance(made, str) and param.choices:
        made = unicodedata.normalize("NFC", made)
        if made not in param.choices:
            raise NodeError(f"`{param.name}` is `{made}`", hint=f"it is one of: {', '.join(param.choices)}")
    if isinstance(made, int | float) and not isinstance(made, bool):
        low, high = param.minimum, param.maximum
        if (low is not None and made < low) or (high is not None and made > high):
            bounds = " ".join(
                x
                for x in (
                    f"at least {low:g}" if low is not None else "",
                    f"at most {high:g}" if high is not None else "",
                )
                if x
            )
            raise NodeError(
                f"`{param.name}` is {made:g}{' ' + param.unit if param.unit else ''}", hint=f"it is {bounds}"
            )
    return made


def as_text(value: Value) -> Value:
    """Return the text form that joining uses: a list of texts becomes lines, other JSON its JSON text."""
    if isinstance(value, str) or value is UNKNOWN:
        return value
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, Blob):
        raise NodeError(f"{value.type} cannot be joined into text", hint="use one of its facts, or leave it out")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, list):
        if any(item is UNKNOWN for item in value):
            return UNKNOWN
        if all(isinstance(item, str) for item in value):
            return "\n".join(str(item) for item in value)
    return _json_text(value)


_EXACT = 1e15  # beyond it a float shows more digits than it has


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < _EXACT else str(value)


def _json_text(value: Any) -> Value:
    if _has_unknown(value):
        return UNKNOWN
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise NodeError("a value with media in it has no text form", hint="take its text parts one by one") from None


def _has_unknown(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_unknown(v) for v in value)
    if isinstance(value, dict):
        return any(_has_unknown(v) for v in value.values())
    return value is UNKNOWN


def _to(value: Value, want: Type, param: Param) -> Value:
    if want.name == "list" and param.fields:
        return [_table(item, param, place) for place, item in enumerate(_flat(value)) if item is not ABSENT]
    if value is UNKNOWN or value is ABSENT or want.name in {"json", "any", "record"}:
        return value
    if want.name == "text":
        return value if isinstance(value, str) else as_text(value)
    if want.name == "list" and want.item is None:
        if isinstance(value, list):
            return value
        raise NodeError(f"`{param.name}` takes a list, and this is {_named(value)}", hint="look at where it comes from")
    if want.name == "list":
        assert want.item is not None
        return [_to(item, want.item, param) for item in _flat(value) if item is not ABSENT]
    if isinstance(value, list) and want.artifact and any(t.name == "list" for t in param.also):
        return [_to(item, want, param) for item in _flat(value) if item is not ABSENT]
    if isinstance(value, Blob):
        if value.type in _accepted(want, param):
            return value
    elif isinstance(value, str) and any(t.name == "text" for t in param.also):
        return value
    elif isinstance(value, int | float | bool):
        number = _number(value, want)
        if number is not None:
            return number
    text = f"`{param.name}` takes {want}, and this is {_named(value)}"
    raise NodeError(text, hint="look at where the value comes from")


def _table(value: Value, param: Param, position: int) -> Value:
    """Return a table with every field in the form that it takes; one at its default is left out."""
    if value is UNKNOWN:
        return value
    fields = {field.name: field for field in param.fields}
    if not isinstance(value, dict):
        text = f"`{param.name}[{position}]` is a table, and this is {_named(value)}"
        raise NodeError(text, hint=f"a table has: {', '.join(fields)}")
    made: dict[str, Value] = {}
    for name, item in value.items():
        if name not in fields:
            raise NodeError(f"`{param.name}[{position}]` has no `{name}`", hint=f"a table has: {', '.join(fields)}")
        try:
            found = coerce(item, fields[name])
        except NodeError as error:
            text = f"`{param.name}[{position}]`: {error.message}"
            raise NodeError(text, facts=error.facts, hint=error.hint) from error
        if found is not ABSENT and (found is UNKNOWN or found != fields[name].default):
            made[name] = found
    lacking = [field.name for field in param.fields if field.required and field.name not in made]
    if lacking:
        raise NodeError(f"`{param.name}[{position}]` needs `{lacking[0]}`", hint="give it")
    return made


def _number(value: float, want: Type) -> float | None:
    """Return a number or boolean as the type wanted; None where that would lose something."""
    if isinstance(value, bool) or want.name == "boolean":
        return value if isinstance(value, bool) and want.name == "boolean" else None
    if want.name == "number":
        return float(value)
    if want.name == "integer" and float(value).is_integer():
        return int(value)
    return None


def _accepted(want: Type, param: Param) -> set[str]:
    names = {want.name, *(t.item.name if t.item is not None else t.name for t in param.also)}
    return names | {"video"} if "audio" in names else names


def _flat(value: Value) -> list[Value]:
    if not isinstance(value, list):
        return [value]
    if not any(isinstance(item, list) for item in value):
        return value
    return [leaf for item in value for leaf in _flat(item)]


def _named(value: Value) -> str:
    if isinstance(value, Blob):
        return value.type
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else f"{type(value).__name__} {value!r:.40}"
