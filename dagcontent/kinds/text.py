"""Kinds of text and JSON: declarations, and the pure functions of those that are values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.schema import type_of_answer
from dagcontent.values.types import ANY, AUDIO, IMAGE, INTEGER, JSON, NUMBER, TEXT, VIDEO, list_of
from dagcontent.values.value import ABSENT, UNKNOWN, Value

__all__ = ["KINDS"]


def _template(params: Mapping[str, Value]) -> Value:
    return params["text"]


# Closing quotes and brackets belong to the sentence that they close.
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？][”’」』）]*")


def _split(params: Mapping[str, Value]) -> Value:
    text = str(params["text"])
    by = params["by"]
    if by == "line":
        parts = text.splitlines()
    elif by == "paragraph":
        parts = re.split(r"\n\s*\n", text)
    else:
        ends = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
        parts = [text[start:end] for start, end in pairwise(ends)]
    whole: list[Value] = [part.strip() for part in parts if part.strip()]
    limit = params.get("max_characters")
    if not isinstance(limit, int):
        return whole
    return [piece for part in whole for piece in _wrap(str(part), limit)]


def _wrap(text: str, limit: int) -> list[str]:
    """Break text at spaces into pieces of at most `limit` characters; a longer word is cut."""
    pieces: list[str] = []
    line = ""
    for word in text.split():
        while len(word) > limit:
            if line:
                pieces.append(line)
                line = ""
            pieces.append(word[:limit])
            word = word[limit:]  # noqa: PLW2901 - the rest of the word is what is left to place
        if not word:
            continue
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= limit:
            line = f"{line} {word}"
        else:
            pieces.append(line)
            line = word
    return [*pieces, line] if line else pieces


_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\['([^']*)'\]|\[(\*)\]")


def _json_get(params: Mapping[str, Value]) -> Value:
    path = str(params["path"])
    value = params["json"]
    position = 0
    steps: list[str | int | None] = []
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            message = f"`{path}` is not a path: it cannot be read from `{path[position:]}` on"
            raise NodeError(message, hint="a path is written as in references: scenes[0].title, ['Shot type'], [*]")
        name, number, key, _star = found.groups()
        steps.append(int(number) if number is not None else name if name is not None else key)
        position = found.end()
    return _walk(value, steps, path)


def _walk(value: Value, steps: list[str | int | None], path: str) -> Value:
    for position, step in enumerate(steps):
        if value is UNKNOWN:
            return UNKNOWN
        if step is None and isinstance(value, list):
            return [_walk(item, steps[position + 1 :], path) for item in value]
        if isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict) and step in value:
            value = value[step]
        else:
            there = ", ".join(value) if isinstance(value, dict) else type(value).__name__
            message = f"there is no `{'[*]' if step is None else step}` on the way of `{path}`"
            raise NodeError(message, facts=[("there is", there)], hint="correct `path`")
    return None if value is ABSENT else value


KINDS: Final = (
    Kind(
        "text.template",
        "Text put together from other values.",
        (Param("text", TEXT, "the text, with references", required=True),),
        TEXT,
        Effect.VALUE,
        facts=("characters", "words"),
        evaluate=_template,
    ),
    Kind(
        "text.split",
        "Text cut into a list of texts.",
        (
            Param("text", TEXT, "what to cut", required=True),
            Param("by", TEXT, "where to cut", required=True, choices=("sentence", "paragraph", "line")),
            Param("max_characters", INTEGER, "cut further at spaces to at most this length", minimum=1),
        ),
        list_of(TEXT),
        Effect.VALUE,
        evaluate=_split,
    ),
    Kind(
        "json.get",
        "A part of a JSON value.",
        (
            Param("json", JSON, "the value", required=True),
            Param("path", TEXT, "the way into it, as in references", required=True),
        ),
        ANY,
        Effect.VALUE,
        evaluate=_json_get,
    ),
    Kind(
        "text.generate",
        "Text, or JSON of a given form, written by a language model.",
        (
            Param("prompt", TEXT, "what to write", required=True),
            Param("system", TEXT, "how to behave"),
            Param("schema", JSON, "JSON Schema of the answer: the output is JSON"),
            Param("returns", JSON, 'short form of a schema: { title = "text", scenes = ["text"] }'),
            Param("images", list_of(IMAGE), "pictures to look at"),
            Param("audio", list_of(AUDIO), "recordings to listen to"),
            Param("video", list_of(VIDEO), "clips to watch"),
            Param("temperature", NUMBER, "randomness", minimum=0, maximum=2),
            Param("max_tokens", INTEGER, "upper bound of the answer's length", minimum=1),
        ),
        TEXT,
        Effect.PAID,
        facts=("characters", "words"),
        by_model=True,
        stand_ins=("outline", "smollm"),
        priced_by="token",
        output_of=type_of_answer,
        gives="by `returns`",
    ),
    Kind(
        "text.translate",
        "A text in another language.",
        (
            Param("text", TEXT, "what to translate", required=True),
            Param("language", TEXT, "the language it is to be in, as de or German", required=True),
            Param("glossary", JSON, 'words with their translations: { lantern = "Laterne" }'),
            Param("tone", TEXT, "manner of the translation"),
            Param("context", TEXT, "what it is a part of: read, not translated"),
            Param("max_seconds", NUMBER, "time in which it can be said", minimum=0.5, maximum=3600, unit="s"),
        ),
        TEXT,
        Effect.PAID,
        facts=("characters", "words"),
        by_model=True,
        stand_ins=("outline",),
        priced_by="token",
    ),
)
