"""OpenAI's answers into results, handles and failures: tables and pure functions. Knows no client.

A refusal counts as unbilled only if it is OpenAI's own, {"error": {message, type, param, code}}, with a status of the
table. A request that moderation stopped may have been charged: it is never sent again by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import json_of, json_or_none, kept, number, retry_after_s, table, words
from dagcontent.providers.chat import read_completion, tokens, valued
from dagcontent.providers.inline import decoded
from dagcontent.providers.port import Answer, Call, ErrorClass, Failure, Outcome, Part, Result, Waiting
from dagcontent.providers.transcript import span, transcript
from dagcontent.providers.usage import metered, token_cost
from dagcontent.values.attempt import Handle

__all__ = ["ID", "VENDOR", "read", "read_response", "refusal"]

VENDOR: Final = "OpenAI"
ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}")

_E = ErrorClass
_REFUSED: Final[Mapping[int, ErrorClass]] = {
    400: _E.INVALID, 401: _E.AUTH, 402: _E.QUOTA, 403: _E.AUTH, 404: _E.NOT_FOUND, 413: _E.INVALID, 415: _E.INVALID,
    422: _E.INVALID, 429: _E.RATE_LIMIT,
}  # fmt: skip
"""Statuses that refuse a request before anything is made, in OpenAI's own form only."""

_QUOTA: Final = frozenset(
    "insufficient_quota billing_hard_limit_reached billing_not_active account_deactivated".split()
)
_BLOCKED: Final = frozenset(
    "moderation_blocked content_policy_violation content_filter image_content_policy_violation".split()
)
_JOBS: Final = {"server_error": _E.TRANSIENT, "rate_limit_exceeded": _E.RATE_LIMIT, "invalid_prompt": _E.INVALID}

_IMAGES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}
_SOUNDS: Final = {
    "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
}  # fmt: skip


def read(call: Call, answer: Answer) -> Outcome:
    """Say what an answer to a send means. Raises ProviderError for a success that cannot be read."""
    if not 200 <= answer.status < 300:
        return refusal(answer)
    if call.operation == "speech":
        return _speech(call, answer)
    data = _object(answer)
    if call.operation.startswith("images."):
        return _images(call, data)
    if call.operation == "transcriptions":
        return _transcription(data)
    if call.operation.startswith("responses"):
        response_id = data.get("id")
        if not isinstance(response_id, str) or not ID.fullmatch(response_id):
            raise ProviderError("OpenAI took a request and answered without its id", facts=[("model", call.model)])
        return Handle({"response": response_id})
    return read_completion(call, data, VENDOR)


def refusal(answer: Answer) -> Failure:
    """Say what an answer means that is no success."""
    error = table(json_or_none(answer.body)).get("error")
    error_class = _REFUSED.get(answer.status)
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or error_class is None:
        said = table(error).get("message") or answer.body[:600].decode("utf-8", "replace")
        error_class = _E.TRANSIENT if answer.status in {408, 425} or answer.status >= 500 else _E.UNKNOWN
        return Failure(error_class, words(f"{answer.status} {said}"), None, retry_after_s(answer.headers), kept(answer))
    names = {str(error.get("code")), str(error.get("type"))}
    billed = False
    if names & _BLOCKED:
        error_class, billed = _E.BLOCKED, True
    elif names & _QUOTA:
        error_class = _E.QUOTA
    elif answer.status == 429 and any("concurren" in name for name in names):
        error_class = _E.CONCURRENCY
    return Failure(error_class, words(error["message"]), billed, retry_after_s(answer.headers), kept(answer))


def read_response(call: Call, answer: Answer) -> Waiting | Result | Failure:
    """Say how a background response stands, and what it brought. Raises ProviderError for what cannot be read."""
    data = _object(answer)
    status = data.get("status")
    if status == "queued":
        return Waiting("in queue")
    if status == "in_progress":
        return Waiting("generating")
    # Status and error are kept; the output may hold whole pictures.
    said = {
        "status": words(status, 40),
        "error": data.get("error"),
        "incomplete_details": data.get("incomplete_details"),
    }
    extras = {**tokens(data), "model": words(data.get("model") or "", 120), "id": words(data.get("id") or "", 120)}
    if status == "failed":
        error = table(data.get("error"))
        code = str(error.get("code"))
        error_class = _E.BLOCKED if code in _BLOCKED else _JOBS.get(code, _E.UNKNOWN)
        # What it read and wrote before it failed may be charged; only OpenAI's own count of nothing says that it is not.
        cost = token_cost(data)
        billed = None if cost.units or cost.doubt else False if tokens(data) else None
        message = words(error.get("message") or "no reason given")
        return Failure(error_class, message, billed, answer=said | extras, cost=cost)
    if status == "incomplete":
        reason = words(table(data.get("incomplete_details")).get("reason") or "no reason given")
        error_class = _E.BLOCKED if reason == "content_filter" else _E.UNKNOWN
        text = f"OpenAI did not finish: {reason}"
        return Failure(error_class, text, billed=True, answer=said | extras, cost=token_cost(data))
    if status != "completed":
        if status == "cancelled":
            return Failure(_E.UNKNOWN, "the response was cancelled", None, answer=said | extras)
        raise ProviderError("OpenAI answered with a status that is not known", facts=[("status", words(status, 40))])
    return _completed(call, data, extras, said)


def _completed(call: Call, data: dict[str, Any], extras: dict[str, Any], said: dict[str, Any]) -> Result | Failure:
    rows = data.get("output")
    items = [table(item) for item in rows] if isinstance(rows, list) else []
    if call.operation == "responses.image":
        made = next(
            (item for item in items if item.get("type") == "image_generation_call" and item.get("result")), None
        )
        if made is None:
            return Failure(_E.UNKNOWN, "OpenAI's answer holds no picture", billed=True, answer=said | extras)
        media_type = _IMAGES.get(str(made.get("output_format")), "")
        if made.get("revised_prompt"):
            extras["revised_prompt"] = words(made["revised_prompt"])
        # Two models worked on it, and its usage is not one price's: the list price counts.
        both = msgspec.structs.replace(token_cost(data), used=())
        return Result(Part(data=decoded(made["result"], VENDOR), media_type=media_type), both, extras)
    text = []
    for item in items:
        content = item.get("content")
        for part in map(table, content if isinstance(content, list) else []):
            if part.get("type") == "refusal":
                refused = words(part.get("refusal") or "no reason given")
                answer, cost = said | extras, token_cost(data)
                return Failure(_E.BLOCKED, f"OpenAI: {refused}", billed=True, answer=answer, cost=cost)
            if part.get("type") == "output_text" and isinstance(part.get("text"), str):
                text.append(part["text"])
    return valued(call, "".join(text), token_cost(data), extras, VENDOR)


def _images(call: Call, data: dict[str, Any]) -> Result | Failure:
    rows = data.get("data")
    first = table(rows[0]) if isinstance(rows, list) and rows else {}
    extras, cost = tokens(data), token_cost(data, made="output image token")
    said = data.get("output_format") or call.fields.get("output_format") or "png"
    media_type = _IMAGES.get(str(said), "")
    if isinstance(first.get("b64_json"), str) and first["b64_json"]:
        if first.get("revised_prompt"):
            extras["revised_prompt"] = words(first["revised_prompt"])
        return Result(Part(data=decoded(first["b64_json"], VENDOR), media_type=media_type), cost, extras)
    if not isinstance(rows, list):
        raise ProviderError("OpenAI answered with no list of pictures", facts=[("has", words(", ".join(data), 200))])
    return Failure(_E.UNKNOWN, "OpenAI's answer holds no picture", billed=True, answer=extras, cost=cost)


def _speech(call: Call, answer: Answer) -> Result:
    said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.body or said.startswith("text/") or said == "application/json":
        raise ProviderError("OpenAI answered with no recording", facts=[("content type", words(said, 80) or "none")])
    media_type = _SOUNDS.get(str(call.fields.get("response_format") or call.params.get("format") or "mp3"), "")
    # It says nothing of its cost: the list price of what was to be said counts.
    return Result(Part(data=answer.body, media_type=media_type))


def _transcription(data: dict[str, Any]) -> Result:
    text = data.get("text")
    if not isinstance(text, str):
        raise ProviderError("OpenAI answered with no transcript", facts=[("has", words(", ".join(data), 200))])
    languages = data.get("languages")
    language = data.get("language")
    if language is None and isinstance(languages, list) and languages:
        language = table(languages[0]).get("code")
    segments = [
        span(row.get("text"), row.get("start"), row.get("end"), row.get("speaker"))
        for row in map(table, data["segments"] if isinstance(data.get("segments"), list) else [])
    ]
    timed = [
        span(row.get("word"), row.get("start"), row.get("end"))
        for row in map(table, data["words"] if isinstance(data.get("words"), list) else [])
    ]
    value = transcript(text, language if isinstance(language, str) else None, segments, timed)
    told = table(data.get("usage")).get("seconds")
    if told is None and not tokens(data):
        told = data.get("duration")
    if told is not None:
        seconds = number(told)
        return Result(value, metered(told, "second"), {"usage": {"seconds": seconds}} if seconds is not None else {})
    return Result(value, token_cost(data), tokens(data))


def _object(answer: Answer) -> dict[str, Any]:
    return json_of(answer, VENDOR)
