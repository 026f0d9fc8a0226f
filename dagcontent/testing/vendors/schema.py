"""A JSON Schema and a seed into JSON that conforms to it. Knows no vendor.

The part of the language that structured output uses: types, enum, const, properties, items, prefixItems, $ref into the
schema itself, anyOf, oneOf, allOf, the bounds of numbers, strings and lists, common formats. Lists get 2 to 4 elements
where their bounds allow it, every property is there, and recursion ends where it may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dagcontent.testing.vendors.words import pick, sentences, words

__all__ = ["SchemaError", "conforming"]

_DEPTH_MAX = 12
_DEEP = 5
_FORMATS = {
    "date": "2026-04-{:02d}", "date-time": "2026-04-{:02d}T09:30:00Z", "time": "09:30:{:02d}Z", "duration": "PT{}S",
    "email": "reader{}@example.org", "uri": "https://example.org/{}", "url": "https://example.org/{}",
    "hostname": "host{}.example.org", "ipv4": "192.0.2.{}", "uuid": "00000000-0000-4000-8000-0000000000{:02x}",
}  # fmt: skip
_LONG = ("description", "text", "body", "narration", "summary", "prompt", "paragraph", "script", "caption")


class SchemaError(ValueError):
    """A schema that nothing here conforms to."""


def conforming(schema: Any, seed: str) -> Any:
    """Return a value that conforms, the same for the same seed. Raises SchemaError."""
    return _Maker(schema).make(schema, seed, "", 0)


class _Maker:
    def __init__(self, root: Any) -> None:
        self._root = root

    def make(self, schema: Any, seed: str, name: str, depth: int) -> Any:
        """Return a value for a schema, found under a property's name."""
        if schema is True or schema == {}:
            return words(seed)
        if not isinstance(schema, Mapping):
            raise SchemaError("nothing conforms to a schema that is false")
        if depth > _DEPTH_MAX:
            raise SchemaError("the schema has no end")
        schema = self._flat(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][pick(seed, len(schema["enum"]))]
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._one_of(schema, word, seed, name, depth)
        makers = {
            "object": self._object, "array": self._array, "string": self._string, "integer": self._number,
            "number": self._number,
        }  # fmt: skip
        kind = self._kind(schema, depth)
        if kind in ("null", "boolean"):
            return None if kind == "null" else pick(seed, 2) == 0
        return makers[kind](schema, seed, name, depth)

    def _flat(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Follow $ref and melt allOf in."""
        flat = dict(schema)
        for _ in range(_DEPTH_MAX):
            parts = []
            if "$ref" in flat:
                parts.append(self._found(flat.pop("$ref")))
            parts += flat.pop("allOf", [])
            if not parts:
                return flat
            for part in parts:
                flat = _melted(flat, part)
        raise SchemaError("$ref leads in a circle")

    def _found(self, reference: str) -> Mapping[str, Any]:
        at: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            step_named = step.replace("~1", "/").replace("~0", "~")
            if step_named and (not isinstance(at, Mapping) or step_named not in at):
                text = f"$ref {reference} leads nowhere"
                raise SchemaError(text)
            at = at[step_named] if step_named else at
        if not isinstance(at, Mapping):
            text = f"$ref {reference} is no schema"
            raise SchemaError(text)
        return at

    def _one_of(self, schema: dict[str, Any], word: str, seed: str, name: str, depth: int) -> Any:
        choices = list(schema.pop(word))
        if depth >= _DEEP:
            plain = [
                c
                for c in choices
                if isinstance(c, Mapping) and c.get("type") in ("null", "string", "integer", "number")
            ]
            choices = plain or choices
        else:
            choices = [c for c in choices if not (isinstance(c, Mapping) and c.get("type") == "null")] or choices
        return self.make(_melted(schema, choices[pick(seed, len(choices))]), seed, name, depth + 1)

    def _kind(self, schema: Mapping[str, Any], depth: int) -> str:
        kinds = schema.get("type")
        if isinstance(kinds, list):
            others = [kind for kind in kinds if kind != "null"]
            kinds = "null" if (depth >= _DEEP and "null" in kinds) or not others else others[0]
        if kinds is None:
            hints = (("properties", "object"), ("items", "array"), ("prefixItems", "array"), ("minimum", "number"))
            kinds = next((kind for word, kind in hints if word in schema), "string")
        if kinds not in ("object", "array", "string", "integer", "number", "boolean", "null"):
            text = f"no such type: {kinds}"
            raise SchemaError(text)
        return str(kinds)

    def _object(self, schema: Mapping[str, Any], seed: str, _name: str, depth: int) -> dict[str, Any]:
        needed = schema.get("required", [])
        known = schema.get("properties", {})
        chosen = [name for name in known if depth < _DEEP or name in needed]
        made = {name: self.make(known[name], f"{seed}/{name}", name, depth + 1) for name in chosen}
        extra = schema.get("additionalProperties", True)
        missing = [name for name in needed if name not in known]
        missing += [words(f"{seed}/{n}").replace(" ", "_") for n in range(schema.get("minProperties", 0) - len(made))]
        if isinstance(extra, Mapping) and not known:
            missing += [words(f"{seed}/{n}").replace(" ", "_") for n in (7, 8)]
        for name in missing:
            made[name] = self.make(extra, f"{seed}/{name}", name, depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], seed: str, name: str, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        least = schema.get("minItems", 0)
        most = schema.get("maxItems", max(least, 4))
        count = max(least, min(most, 2 + pick(seed, 3) if depth < _DEEP else 0))
        if first:
            count = max(least, len(first))
        made: list[Any] = []
        for at in range(max(count, 0)):
            inner = first[at] if at < len(first) else rest
            for turn in range(50):
                one = self.make(inner, f"{seed}/{at}.{turn}", name, depth + 1)
                if not schema.get("uniqueItems") or one not in made:
                    made.append(one)
                    break
        if len(made) < least:
            raise SchemaError("a list of different elements has too few to choose from")
        return made

    @staticmethod
    def _string(schema: Mapping[str, Any], seed: str, name: str, _depth: int) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]].format(1 + pick(seed, 28))
        least, most = schema.get("minLength", 0), schema.get("maxLength", 100_000)
        text = sentences(seed, 2) if name in _LONG and most >= 120 else words(seed)
        while len(text) < least:
            text += " " + words(f"{seed}/{len(text)}")
        return text[:most]

    @staticmethod
    def _number(schema: Mapping[str, Any], seed: str, _name: str, _depth: int) -> int | float:
        whole = schema.get("type") == "integer" or (
            isinstance(schema.get("type"), list) and "integer" in schema["type"]
        )
        step = schema.get("multipleOf", 1 if whole else 0.5)
        low, high = schema.get("minimum"), schema.get("maximum")
        if "exclusiveMinimum" in schema:
            low = schema["exclusiveMinimum"] + step / 2
        if "exclusiveMaximum" in schema:
            high = schema["exclusiveMaximum"] - step / 2
        low = (high - 9 * step if high is not None else 0) if low is None else low
        high = low + 9 * step if high is None else high
        first, last = math.ceil(low / step), math.floor(high / step)
        if last < first:
            if whole or "multipleOf" in schema or high < low:
                raise SchemaError("no number lies between the bounds")
            return float((low + high) / 2)
        number = (first + pick(seed, last - first + 1)) * step
        return int(number) if whole else float(number)


def _melted(one: Mapping[str, Any], other: Any) -> dict[str, Any]:
    if not isinstance(other, Mapping):
        return dict(one)
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = [*one["required"], *(n for n in other["required"] if n not in one["required"])]
    return both
