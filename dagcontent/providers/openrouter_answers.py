"""OpenRouter's answers into results, handles and failures: tables and pure functions. Knows no client.

A refusal counts as unbilled only if it is OpenRouter's own, {"error": {code, message}}, with a status of the table. What
a request cost stands in its answer, in dollars, and is exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import json_of, json_or_none, kept, number, retry_after_s, table, words
from dagcontent.providers.chat import read_completion, tokens
from dagcontent.providers.inline import from_data_url
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Outcome, Part, Result, Waiting
from dagcontent.providers.usage import doubtful
from dagcontent.values.attempt import Handle

__all__ = ["VENDOR", "identifier", "read", "read_video", "refusal", "spent", "spent_later"]

VENDOR: Final = "OpenRouter"
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_DOLLARS_MOST: Final = 1e6
"""A cost above it is no cost: the record would not hold it."""

_E = ErrorClass
_REFUSED: Final[Mapping[int, ErrorClass]] = {
    400: _E.INVALID, 401: _E.AUTH, 402: _E.QUOTA, 403: _E.AUTH, 404: _E.NOT_FOUND, 413: _E.INVALID, 415: _E.INVALID,
    422: _E.INVALID, 429: _E.RATE_LIMIT,
    503: _E.TRANSIENT,  # no host of the model was there to be asked
}  # fmt: skip
"""Statuses that refuse a request before any host of a model has it, in OpenRouter's own form only."""


def read(call: Call, answer: Answer) -> Outcome:
    """Say what an answer to a send means. Raises ProviderError for a success that cannot be read."""
    if not 200 <= answer.status < 300:
        return refusal(answer)
    data = json_of(answer, VENDOR)
    if call.operation == "videos":
        return Handle({"video": identifier(data.get("id"))})
    failed = _failed_midway(answer, data)
    if failed is not None:
        return failed
    if call.operation == "chat.image":
        return _pictures(call, data)
    outcome = read_completion(call, data, VENDOR)
    # Not the tokens' list price: what it cost is told, here or later.
    return msgspec.structs.replace(outcome, cost=spent(data) or Cost())


def read_video(data: Any) -> Waiting | Result | Failure:
    """Say how a video stands. `data`: the JSON of `GET /videos/ID`. Raises ProviderError for what is none."""
    found = table(data)
    status = found.get("status")
    if status in ("pending", "queued"):
        return Waiting("in queue")
    if status == "in_progress":
        return Waiting("generating")
    cost = spent(found)
    extras = {"generation_id": words(found["generation_id"], 200)} if found.get("generation_id") else {}
    if status == "completed":
        path = f"videos/{identifier(found.get('id'))}/content?index=0"
        return Result(Part(path=path, media_type="video/mp4"), cost or Cost(), extras)
    if status == "expired":
        text = "OpenRouter keeps this video no longer"
        return Failure(_E.GONE, text, _billed(cost), answer={"status": "expired"}, cost=cost or Cost())
    if status in ("failed", "cancelled"):
        said = found.get("error")
        message = table(said).get("message") if isinstance(said, dict) else said
        text = words(f"OpenRouter: {message}") if isinstance(message, str) and message else f"the video was {status}"
        record = {"status": status, "error": words(message or "", 500), **extras}
        return Failure(_E.UNKNOWN, text, _billed(cost), answer=record, cost=cost or Cost())
    raise ProviderError("OpenRouter answered with a status that is not known", facts=[("status", words(status, 40))])


def refusal(answer: Answer) -> Failure:
    """Say what an answer means that is no success."""
    error = table(json_or_none(answer.body)).get("error")
    wait = retry_after_s(answer.headers)
    error_class = _REFUSED.get(answer.status)
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or error_class is None:
        said = table(error).get("message") or answer.body[:600].decode("utf-8", "replace")
        # 408 came after a host had the request; 502 is a host's own answer that could not be used.
        known = {429: _E.RATE_LIMIT, 408: _E.TRANSIENT}
        error_class = known.get(answer.status, _E.TRANSIENT if answer.status >= 500 else _E.UNKNOWN)
        return Failure(error_class, words(f"OpenRouter: {answer.status} {said}"), None, wait, kept(answer))
    about = table(error.get("metadata"))
    if answer.status == 403 and ("reasons" in about or "flagged_input" in about):
        error_class = _E.BLOCKED
    return Failure(error_class, words(f"OpenRouter: {error['message']}"), False, wait, kept(answer))


def spent(data: Mapping[str, Any]) -> Cost | None:
    """Return what `usage` says it cost, rounded up to a micro-dollar; None if it does not say.

    With a key of one's own at the model's host, that host's bill comes on top of OpenRouter's fee.
    """
    usage = table(data.get("usage"))
    dollars = number(usage.get("cost"))
    if doubtful(usage.get("cost")) or (dollars or 0.0) > _DOLLARS_MOST:
        return Cost(doubt=f"{words(usage['cost'], 40)} USD")
    if dollars is None or isinstance(usage["cost"], str):
        return None
    if usage.get("is_byok") is True:
        upstream = number(table(usage.get("cost_details")).get("upstream_inference_cost")) or 0.0
        if upstream <= _DOLLARS_MOST:
            return Cost(microusd=_microusd(dollars) + _microusd(upstream))
    return Cost(microusd=_microusd(dollars))


def spent_later(data: Any) -> Cost | None:
    """Return what `GET /generation` or `GET /videos/ID` says of a cost; None if it does not say."""
    told = table(table(data).get("data"))
    if "total_cost" in told:
        return spent({"usage": {**told, "cost": told["total_cost"]}})
    return spent(table(data))


def identifier(value: Any) -> str:
    """Return an id that may stand in a path. Raises ProviderError for one that may not."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or set(value) == {"."}:
        raise ProviderError("OpenRouter answered with an id that is none", facts=[("id", words(value, 80))])
    return value


def _microusd(dollars: float) -> int:
    # Through the text of the number: 0.0012 is 1200 micro-dollars, and its nearest float a little more.
    return int((Decimal(repr(dollars)) * 1_000_000).to_integral_value(ROUND_CEILING))


def _billed(cost: Cost | None) -> bool | None:
    return None if cost is None or cost.doubt else bool(cost.microusd)


def _failed_midway(answer: Answer, data: Mapping[str, Any]) -> Failure | None:
    """Return the failure of an answer that was begun with 200 and not finished; None if it was."""
    choices = data.get("choices")
    choice = table(choices[0]) if isinstance(choices, list) and choices else {}
    error = data.get("error") or choice.get("error")
    if not error and choice.get("finish_reason") != "error":
        return None
    found = table(error)
    code = found.get("code")
    kinds = {429: _E.RATE_LIMIT, 402: _E.QUOTA, 403: _E.BLOCKED, 400: _E.INVALID}
    error_class = kinds.get(code, _E.TRANSIENT) if isinstance(code, int) else _E.UNKNOWN
    text = words(f"OpenRouter: {found.get('message') or 'the answer broke off'}")
    cost = spent(data)
    return Failure(error_class, text, _billed(cost), None, kept(answer), cost or Cost())


def _pictures(call: Call, data: Mapping[str, Any]) -> Result | Failure:
    choices = data.get("choices")
    choice = table(choices[0]) if isinstance(choices, list) and choices else {}
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ProviderError("OpenRouter answered with no completion", facts=[("model", call.model)])
    extras = {**tokens(data), "id": words(data.get("id") or "", 120)}
    rows = message.get("images")
    urls = [table(table(row).get("image_url")).get("url") for row in (rows if isinstance(rows, list) else [])]
    parts = []
    for url in urls:
        if isinstance(url, str):
            # Anything but a data URL is not fetched: no page says that there are others.
            made, media_type = from_data_url(url, VENDOR)
            parts.append(Part(data=made, media_type=media_type))
    cost = spent(data)
    if parts:
        return Result(parts if call.output.startswith("list") else parts[0], cost or Cost(), extras)
    said = message.get("refusal") or message.get("content")
    reason = words(choice.get("finish_reason") or "", 40)
    blocked = bool(message.get("refusal")) or reason == "content_filter"
    text = (
        words(f"OpenRouter: no picture was made: {said}") if isinstance(said, str) and said else "no picture was made"
    )
    answer = {"finish_reason": reason, **extras}
    error_class = _E.BLOCKED if blocked else _E.UNKNOWN
    return Failure(error_class, text, billed=_billed(cost), answer=answer, cost=cost or Cost())
