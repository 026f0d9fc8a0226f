"""Turn a prompt into text, or into JSON that conforms to a schema (`local/outline`). Knows no model and no network.

A stand-in: what it writes is made of the prompt's own words, so that another prompt gives another text and everything
made of it differs too. The same prompt, system text and seed always give the same answer.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Mapping
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.kinds.schema import ReturnsError, schema_of_returns
from dagcontent.media.arguments import required_text, text_of, whole_of
from dagcontent.media.call import Call, Made

__all__ = ["Writer", "answer_schema", "generate", "salt_of", "written"]

DEPTH_MAX = 32
ITEMS_MAX = 1000
_VERSION: Final = "1"
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_COUNTED = re.compile(
    r"\b(?P<digits>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten)\s+(?:\w+\s+)?"
    r"(?:scenes?|items?|parts?|shots?|lines?|slides?|chapters?|points?|steps?|ideas?|questions?|paragraphs?|sentences?|tips?)\b",
    re.IGNORECASE,
)
_NUMBERS: Final = {w: n for n, w in enumerate("one two three four five six seven eight nine ten".split(), start=1)}
_STOP: Final = frozenset(
    "keep keeps calm exact please a about above against along among around away his her hers him he she its our ours your yours after all also an and any are as at be before below between both but by can create do does each every "
    "few film for four five from give has have how if in into is it its just like long make me minute minutes more most "
    "my no not of on one only or our out over per please scene scenes second seconds short so some story tell ten that "
    "the their them then there these they this those three to two under up us use using very video was we were what when "
    "where which who will with word words write you your about exactly narrated narration script json text title".split()
)
_OPENINGS: Final = (
    "It begins with {a}.", "Here is {a}.", "First comes {a}.", "Look at {a}.", "Everything starts with {a}.",
    "This is about {a}.", "Picture {a}.",
)  # fmt: skip
_MIDDLES: Final = (
    "Then {a} meets {b}.", "{A} leads to {b}.", "Between {a} and {b} something changes.", "{A} makes room for {b}.",
    "Slowly {a} turns towards {b}.", "Behind {a} waits {b}.", "{A} and {b} belong together.",
)  # fmt: skip
_ENDINGS: Final = (
    "What stays is {a}.", "It ends with {a}.", "And {a} remains.", "In the end there is {a}.", "So {a} comes home.",
)  # fmt: skip
_TITLES: Final = ("{A} and {B}", "The {A}", "{A}, {B}", "Of {A}", "{A} at Last", "A {A} Story", "Towards {A}")


def generate(call: Call) -> Made:
    """Write an answer to `prompt`. Raises NodeError for a schema that nothing can conform to."""
    schema = answer_schema(call)
    value = written(call, Writer(required_text(call, "prompt"), salt_of(call)), schema)
    call.progress(1.0)
    return Made(value, {"outline": _VERSION})


def answer_schema(call: Call) -> Any:
    """Return the JSON Schema of the answer, None for plain text. Raises NodeError."""
    schema = call.params.get("schema")
    if schema is None and call.params.get("returns") is not None:
        try:
            schema = schema_of_returns(call.params["returns"])
        except ReturnsError as error:
            text = f"`returns` of {call.kind} cannot be read: {error}"
            raise NodeError(text, hint="see the short form in `dagcontent kinds text.generate`") from error
    return schema


def salt_of(call: Call) -> str:
    """Return what makes another answer to the same prompt."""
    return f"{text_of(call, 'system') or ''}\x00{call.seed if call.seed is not None else ''}"


def written(call: Call, writer: Writer, schema: Any) -> Any:
    """Return what a writer answers: text, or JSON that conforms to the schema."""
    if schema is None:
        limit = whole_of(call, "max_tokens")
        return writer.paragraph(None if limit is None else limit * 3)
    return writer.conforming(schema, schema, ())


class Writer:
    """Writes about one prompt. Not for two threads at once."""

    def __init__(self, prompt: str, salt: str = "") -> None:
        digest = hashlib.sha256(f"{_VERSION}\x00{prompt}\x00{salt}".encode("utf-8", "surrogatepass")).digest()
        self._random = random.Random(digest)  # noqa: S311 - for variety, not for secrets
        self._prompt = prompt
        self._things = _things(prompt) or ["light", "silence"]
        counted = _COUNTED.search(prompt)
        word = counted["digits"].lower() if counted is not None else ""
        self._count = (_NUMBERS.get(word) or int(word)) if word else None

    def paragraph(self, characters: int | None = None) -> str:
        """Return a few sentences, of at most that many characters."""
        sentences = [
            self.sentence(_OPENINGS),
            self.sentence(_MIDDLES),
            self.sentence(_MIDDLES),
            self.sentence(_ENDINGS),
        ]
        while characters is not None and len(sentences) > 1 and len(" ".join(sentences)) > characters:
            sentences.pop(-2 if len(sentences) > 2 else -1)
        text = " ".join(sentences)
        return text if characters is None else text[: max(1, characters)]

    def conforming(self, schema: Any, root: Any, path: tuple[str, ...], at: tuple[int, int] = (0, 1)) -> Any:
        """Return a value that conforms to the schema. `at` is its position among its neighbours, and their number."""
        if len(path) > DEPTH_MAX:
            text = f"the schema is nested deeper than {DEPTH_MAX}: {'.'.join(path[:4])} ..."
            raise NodeError(text, hint="make it flatter, or end what refers to itself with an optional field")
        if not isinstance(schema, Mapping):
            return self._line(path, at)
        schema = _resolved(schema, root)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][(at[0] + self._random.randrange(len(schema["enum"]))) % len(schema["enum"])]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        if kind == "object":
            return self._object(schema, root, path, at)
        if kind == "array":
            return self._array(schema, root, path)
        if kind in ("number", "integer"):
            return self._number(schema, whole=kind == "integer")
        if kind == "boolean":
            return self._random.random() < 0.5
        return None if kind == "null" else self._string(schema, path, at)

    def _object(
        self, schema: Mapping[str, Any], root: Any, path: tuple[str, ...], at: tuple[int, int]
    ) -> dict[str, Any]:
        fields = schema.get("properties") or {}
        required = schema.get("required") or []
        # Deep down only what must be there: a form that holds itself comes to an end.
        names = [name for name in fields if name in required or len(path) < 6]
        value = {name: self.conforming(fields[name], root, (*path, name), at) for name in names}
        extra = schema.get("additionalProperties")
        for name in required:
            if name not in value:
                value[name] = self.conforming(extra if isinstance(extra, Mapping) else {}, root, (*path, name), at)
        return value

    def _array(self, schema: Mapping[str, Any], root: Any, path: tuple[str, ...]) -> list[Any]:
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", ITEMS_MAX))
        if least > most or least > ITEMS_MAX:
            text = f"{'.'.join(path) or 'the schema'} wants at least {least} and at most {most} items"
            raise NodeError(text, hint=f"correct `minItems` and `maxItems` of the schema; at most {ITEMS_MAX}")
        wanted = self._count if self._count is not None and len(path) <= 1 else 3 if len(path) < 3 else 2
        if least == 0 and len(path) > 8:
            wanted = 0
        count = max(least, min(most, wanted))
        first = schema.get("prefixItems") or []
        values: list[Any] = []
        for index in range(count):
            item = first[index] if index < len(first) else schema.get("items", {})
            value = self.conforming(item, root, (*path, "item"), (index, count))
            if schema.get("uniqueItems") and value in values:
                value = self._other(item, root, path, values, (index, count))
            values.append(value)
        return values

    def _other(self, item: Any, root: Any, path: tuple[str, ...], taken: list[Any], at: tuple[int, int]) -> Any:
        for attempt in range(64):
            value = self.conforming(item, root, (*path, "item"), (at[0] + attempt, at[1]))
            if value not in taken:
                return value
        if isinstance(taken[0], str) and not (isinstance(item, Mapping) and ("enum" in item or "maxLength" in item)):
            return f"{taken[0]} {len(taken) + 1}"
        text = f"{'.'.join(path) or 'the schema'} wants more different items than there are"
        raise NodeError(text, hint="lower `minItems`, or allow more values")

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> float | int:
        low = _bound(schema, "minimum", "exclusiveMinimum", whole=whole, step=1)
        high = _bound(schema, "maximum", "exclusiveMaximum", whole=whole, step=-1)
        low_value = low if low is not None else (min(1, high) if high is not None else 1)
        high_value = high if high is not None else low_value + 9
        if low_value > high_value:
            text = f"the schema wants a number of at least {low_value:g} and at most {high_value:g}"
            raise NodeError(text, hint="correct `minimum` and `maximum` of the schema")
        step = schema.get("multipleOf")
        if isinstance(step, int | float) and step > 0:
            first, last = math.ceil(low_value / step), math.floor(high_value / step)
            if first > last:
                text = f"no multiple of {step} lies between {low_value:g} and {high_value:g}"
                raise NodeError(text, hint="correct `multipleOf` of the schema")
            return self._random.randint(first, last) * step
        if whole:
            first, last = math.ceil(low_value), math.floor(high_value)
            if first > last:
                text = f"no whole number lies between {low_value:g} and {high_value:g}"
                raise NodeError(text, hint="correct `minimum` and `maximum` of the schema")
            return self._random.randint(first, last)
        return min(high_value, max(low_value, round(self._random.uniform(low_value, high_value), 2)))

    def _string(self, schema: Mapping[str, Any], path: tuple[str, ...], at: tuple[int, int]) -> str:
        fixed = _FORMATS.get(str(schema.get("format", "")))
        text = fixed if fixed is not None else self._line(path, at)
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        while len(text) < least:
            text = (
                f"{text} {self.sentence(_MIDDLES)}"[: max(least, len(text) + 1)]
                if least - len(text) < 40
                else f"{text} {self.sentence(_MIDDLES)}"
            )
        if most is not None and len(text) > int(most):
            shorter = text[: int(most)]
            # Cut at a word where one ends; the least length goes before looks.
            at_word = shorter.rsplit(" ", 1)[0].rstrip(",;:-") if " " in shorter else shorter
            text = at_word if len(at_word) >= max(1, least) else shorter
        return text

    def _line(self, path: tuple[str, ...], at: tuple[int, int]) -> str:
        name = next((part.lower() for part in reversed(path) if part != "item"), "")
        if any(word in name for word in ("title", "name", "heading", "headline", "label")):
            return self._random.choice(_TITLES).format(**self._pair(capital=True))
        if name in ("id", "slug", "key"):
            return f"{self._noun().lower().replace(' ', '-')}-{at[0] + 1}"
        if any(word in name for word in ("prompt", "picture", "image", "visual", "shot", "description", "setting")):
            pair = self._pair()
            light = self._random.choice(
                ("soft morning light", "a wide view", "late sun", "quiet shadows", "clear air", "night")
            )
            return f"{pair['a']} and {pair['b']}, {light}"
        if any(word in name for word in ("tag", "keyword", "topic", "word", "color", "colour", "mood")):
            return self._noun().lower()
        forms = _OPENINGS if at[0] == 0 else _ENDINGS if at[0] == at[1] - 1 and at[1] > 1 else _MIDDLES
        return self.sentence(forms)

    def sentence(self, forms: tuple[str, ...]) -> str:
        """Return one sentence; whoever tells better than this says so by another class."""
        sentence = self._random.choice(forms).format(**self._pair())
        return sentence[0].upper() + sentence[1:]

    def _pair(self, *, capital: bool = False) -> dict[str, str]:
        first = self._noun()
        second = next((w for w in (self._noun() for _ in range(8)) if w.lower() != first.lower()), first)
        if capital:
            up = [" ".join(w[0].upper() + w[1:] for w in thing.split()) for thing in (first, second)]
            return {"a": up[0], "b": up[1], "A": up[0], "B": up[1]}
        a, b = _with_article(first), _with_article(second)
        return {"a": a, "b": b, "A": a[0].upper() + a[1:], "B": b[0].upper() + b[1:]}

    def _noun(self) -> str:
        return self._random.choice(self._things)


def _things(prompt: str) -> list[str]:
    """Return what the prompt is about: runs of at most three of its words that are not mere connections."""
    things: list[str] = []
    for clause in re.split(r"[^\w\s'’-]+", prompt):
        run: list[str] = []
        for word in [*clause.split(), ""]:
            clean = word.strip("'’-_")
            if _WORD.fullmatch(clean) and clean.lower() not in _STOP and len(clean) > 1:
                run.append(clean)
                continue
            things += [" ".join(run[i : i + 3]) for i in range(0, len(run), 3)]
            run = []
    lower = [
        thing[0].lower() + thing[1:] if prompt.lstrip().startswith(thing) and thing[1:].islower() else thing
        for thing in things
    ]
    return list(dict.fromkeys(lower)) or list(dict.fromkeys(_WORD.findall(prompt)))


def _with_article(thing: str) -> str:
    """Return a thing as it stands in a sentence; names (capitals) and plurals take no article."""
    last = thing.rsplit(maxsplit=1)[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    return thing if thing[0].isupper() or plural else f"the {thing}"


_FORMATS: Final = {
    "date": "2024-05-17", "date-time": "2024-05-17T09:30:00Z", "time": "09:30:00Z", "email": "someone@example.org",
    "uri": "https://example.org/", "uuid": "5a1f3c1e-6d1b-4b55-9c8e-2f4d3b7a9e10", "ipv4": "192.0.2.1", "hostname": "example.org",
}  # fmt: skip


def _resolved(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any]:
    """Return the schema with its first alternative and everything it refers to taken in."""
    for _ in range(DEPTH_MAX):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found: Any = root
            for part in reference.removeprefix("#").strip("/").split("/") if reference not in ("#", "#/") else []:
                found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            if not isinstance(found, Mapping) or not reference.startswith("#"):
                text = f"the schema refers to {reference}, which is not in it"
                raise NodeError(text, hint="define it under `$defs` of the same schema")
            schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
            continue
        choice = next((n for n in ("anyOf", "oneOf") if isinstance(schema.get(n), list) and schema[n]), None)
        parts = schema.get("allOf") if isinstance(schema.get("allOf"), list) else None
        if choice is None and not parts:
            return schema
        rest = {k: v for k, v in schema.items() if k not in (choice, "allOf")}
        taken = [schema[choice][0]] if choice is not None else []
        schema = rest
        for part in [*(parts or []), *taken]:
            schema = _both(schema, part) if isinstance(part, Mapping) else schema
    text = "the schema refers to itself without end"
    raise NodeError(text, hint="take the circle of `$ref` out of the schema")


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    joined = {**one, **other}
    if "properties" in one and "properties" in other:
        joined["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        joined["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return joined


def _bound(schema: Mapping[str, Any], name: str, exclusive: str, *, whole: bool, step: int) -> float | None:
    found: list[float] = [schema[name]] if isinstance(schema.get(name), int | float) else []
    beyond = schema.get(exclusive)
    if isinstance(beyond, int | float) and not isinstance(beyond, bool):
        if whole:
            found.append(math.floor(beyond) + 1 if step > 0 else math.ceil(beyond) - 1)
        else:
            found.append(beyond + step * 0.01)
    return (max(found) if step > 0 else min(found)) if found else None
