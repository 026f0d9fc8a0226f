"""Kinds of text and JSON: declarations, and the pure functions of those that are values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.json_text import misfit, parsed
from dagcontent.kinds.path import Way
from dagcontent.kinds.schema import ReturnsError, type_of_answer
from dagcontent.values.types import ANY, AUDIO, IMAGE, INTEGER, JSON, NUMBER, TEXT, VIDEO, Type, list_of
from dagcontent.values.value import Value

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


def _json_get(params: Mapping[str, Value]) -> Value:
    return Way(str(params["path"]), "path").walk(params["json"])


def _parsed_type(params: Mapping[str, Any]) -> Type:
    form = type_of_answer(params)
    return JSON if params.get("schema") is None and params.get("returns") is None else form


def _json_parse(params: Mapping[str, Value]) -> Value:
    value = parsed(str(params["text"]))
    try:
        wrong = misfit(value, _parsed_type(params))
    except ReturnsError as error:
        text = f"`returns` cannot be read: {error}"
        raise NodeError(text, hint="see the short form in `dagcontent kinds json.parse`") from None
    if wrong:
        text = f"this JSON is not of the form that was asked for: {wrong}"
        raise NodeError(text, hint="correct what made it, or the form")
    return value


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
        "json.parse",
        "The value of text that holds JSON, also between code fences.",
        (
            Param("text", TEXT, "the text", required=True),
            Param("schema", JSON, "JSON Schema of the value; its types are checked, and references against them"),
            Param("returns", JSON, 'short form of a schema: { title = "text", scenes = ["text"] }'),
        ),
        JSON,
        Effect.VALUE,
        output_of=_parsed_type,
        gives="by `returns`",
        evaluate=_json_parse,
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
