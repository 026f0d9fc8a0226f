"""Messages and an asked-for form into what a model says, and into tokens. Knows no vendor's paths or prices.

The forms are those of chat completions, which several vendors speak.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.schema import SchemaError, conforming
from dagcontent.testing.vendors.words import pick, sentences

__all__ = ["BadInput", "data_of_url", "prompt_of", "said", "strict_mistake", "tokens"]

PICTURE_TOKENS, SOUND_TOKENS = 258, 100
_CHARACTERS_A_TOKEN = 4


class BadInput(ValueError):  # noqa: N818 - an answer to a client, not a fault of this program
    """What a vendor answers with 400; `param` is where it is wrong, `code` the vendor's word."""

    def __init__(self, message: str, param: str = "messages", code: str = "invalid_value") -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def prompt_of(messages: Any) -> tuple[str, int]:
    """Return (all text, how many tokens it and its pictures and recordings are). Raises BadInput."""
    if not isinstance(messages, list) or not messages:
        raise BadInput("Expected a list of messages with at least one element.")
    texts, extra = [], 0
    for part in _parts(messages):
        kind = part.get("type", "text")
        if kind in ("text", "input_text", "output_text"):
            texts.append(str(part.get("text", "")))
        elif kind in ("image_url", "input_image"):
            given = part.get("image_url")
            url = given.get("url") if isinstance(given, Mapping) else given
            _check_picture(url)
            texts.append(str(url)[-64:])
            extra += PICTURE_TOKENS
        elif kind == "input_audio":
            about = part.get("input_audio")
            if not isinstance(about, Mapping) or about.get("format") not in ("wav", "mp3"):
                raise BadInput("input_audio needs `data` and a `format` of wav or mp3.")
            data = _decoded(str(about.get("data", "")))
            texts.append(f"{media.sound_length_s(data):.2f} s {len(data)}")
            extra += SOUND_TOKENS
        elif kind in ("file", "input_file", "video_url"):
            texts.append(str(part)[-64:])
            extra += PICTURE_TOKENS
        else:
            text = f"Invalid value: '{kind}'."
            raise BadInput(text)
    whole = "\n".join(texts)
    return whole, tokens(whole) + extra


def said(prompt: str, form: Mapping[str, Any] | None) -> str:
    """Return what a model says, as `form` (a `response_format`) wants it. Raises BadInput for a schema it cannot take."""
    kind = (form or {}).get("type", "text")
    if kind == "text" or form is None:
        return sentences(prompt, 2 + pick(prompt, 3))
    if kind == "json_object":
        if "json" not in prompt.lower():
            raise BadInput("'messages' must contain the word 'json' in some form.")
        return json.dumps({"answer": sentences(prompt, 1)})
    if kind != "json_schema":
        text = f"Invalid value: '{kind}'."
        raise BadInput(text, "response_format")
    about = form.get("json_schema", form)
    schema = about.get("schema")
    if not isinstance(schema, Mapping) or not about.get("name"):
        raise BadInput("Missing required parameter: 'response_format.json_schema.schema'.", "response_format")
    if about.get("strict") and (mistake := strict_mistake(schema)):
        text = f"Invalid schema for response_format '{about['name']}': {mistake}"
        raise BadInput(text, "response_format", "invalid_json_schema")
    try:
        return json.dumps(conforming(schema, prompt), ensure_ascii=False)
    except SchemaError as error:
        text = f"Invalid schema for response_format '{about['name']}': {error}"
        raise BadInput(text, "response_format", "invalid_json_schema") from error


def strict_mistake(schema: Mapping[str, Any]) -> str:
    """Return what strict structured output refuses in a schema, or ""."""
    if schema.get("type") != "object" or "anyOf" in schema:
        return "schema must be a JSON Schema of 'type: \"object\"' at its root."
    return next(_strict_mistakes(schema, ()), "")


def tokens(text: str) -> int:
    """Return about how many tokens a text is; at least one."""
    return max(1, math.ceil(len(text) / _CHARACTERS_A_TOKEN))


def data_of_url(url: str) -> bytes:
    """Return the bytes of a data URL. Raises BadInput."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise BadInput("Expected a base64-encoded data URL.")
    return _decoded(data)


def _parts(messages: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if not isinstance(message, Mapping):
            raise BadInput("Each message is an object.")
        content = message.get("content")
        if isinstance(content, str):
            yield {"type": "text", "text": content}
        elif isinstance(content, list):
            yield from (part for part in content if isinstance(part, Mapping))
        elif message.get("role") != "assistant" and message.get("type", "message") == "message":
            raise BadInput("Invalid value for 'content': expected a string or a list.")


def _check_picture(url: Any) -> None:
    if not isinstance(url, str) or not url.startswith(("http://", "https://", "data:")):
        raise BadInput("Invalid image URL.")
    if url.startswith("data:"):
        try:
            media.picture_size(data_of_url(url))
        except ValueError as error:
            raise BadInput("You uploaded an unsupported image.", code="invalid_image_format") from error


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise BadInput("The data is not base64.") from error


def _strict_mistakes(schema: Any, context: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") == "object" or "properties" in schema:
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            yield f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(known):
            yield f"In context={context}, 'required' is required to be supplied and to name every key in properties."
    for word in ("properties", "$defs", "definitions"):
        for name, inner in schema.get(word, {}).items():
            yield from _strict_mistakes(inner, (*context, word, name))
    for word in ("allOf", "oneOf"):
        if word in schema:
            yield f"In context={context}, '{word}' is not permitted."
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        yield from _strict_mistakes(inner, (*context, "items"))
