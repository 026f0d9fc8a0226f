"""A vendor's bytes into JSON, numbers and words that may be shown. Knows no vendor."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.port import Answer
from dagcontent.providers.secret import redact, redact_data

__all__ = [
    "MOST_WORDS", "ListInDoubt", "date_ms", "instant_ms", "json_of", "json_or_none", "kept", "number", "plain_numbers", "retry_after_s",
    "table", "words",
]  # fmt: skip


class ListInDoubt(Exception):  # noqa: N818 - a state of the list, and no fault of a request
    """A vendor's list cannot tell whether a request came: its silence proves nothing, and a person decides."""


MOST_WORDS: Final = 600
"""Characters of a vendor's message that are shown."""

_MOST_KEPT: Final = 8_000
_MOST_NESTED: Final = 64
"""Of all that vendors answer; what reads it afterwards goes down by calling itself."""
_WIDE: Final = 1 << 63
_MOST_PAUSE_S: Final = 86_400.0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_KEPT_HEADERS: Final = re.compile(r"retry-after.*|.*request-id|x-fal-.*|x-ratelimit-.*|date|content-type|openai-.*")


def json_or_none(body: bytes) -> Any:
    """Return the JSON that a body is, None for `null`, for all that is no JSON, and for what is nested without reason."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    level, wide = [data], False
    for _ in range(_MOST_NESTED):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, int) and not -_WIDE <= item < _WIDE:
                wide = True
        if not below:
            return _narrowed(data) if wide else data
        level = below
    return None


def _narrowed(data: Any) -> Any:
    """Return JSON with floats in the place of integers that no record can hold."""
    if isinstance(data, dict):
        return {key: _narrowed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_narrowed(value) for value in data]
    if isinstance(data, int) and not -_WIDE <= data < _WIDE:
        return float(data) if abs(data) < 10**300 else None
    return data


def json_of(answer: Answer, vendor: str) -> dict[str, Any]:
    """Return the JSON object that an answer is. Raises ProviderError for anything else."""
    data = json_or_none(answer.body)
    if not isinstance(data, dict):
        shown = words(answer.body[:200].decode("utf-8", "replace")) or "nothing"
        text = f"{vendor} answered {answer.status} with a body that is no JSON object"
        raise ProviderError(text, facts=[("body", shown), ("bytes", str(len(answer.body)))])
    return data


def table(value: Any) -> dict[str, Any]:
    """Return a JSON object as it is, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float | None:
    """Return a finite amount that is not negative, out of a JSON number or a header; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def words(text: Any, most: int = MOST_WORDS) -> str:
    """Return a vendor's words for people: one line, no secrets, no control characters, at most `most` of them."""
    line = _CONTROL.sub(" ", redact(str(text)))
    line = " ".join(line.encode("utf-8", "replace").decode().split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def kept(answer: Answer) -> dict[str, Any]:
    """Return what is kept of a refusal: its status, the headers that say something, its body. Without secrets."""
    headers = {name: words(value, 200) for name, value in answer.headers.items() if _KEPT_HEADERS.fullmatch(name)}
    data = json_or_none(answer.body) if len(answer.body) <= _MOST_KEPT else None
    body = words(answer.body[:_MOST_KEPT].decode("utf-8", "replace"), 2_000) if data is None else redact_data(data)
    return {"status": answer.status, "headers": headers, "body": body}


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a vendor asks to wait, at most a day."""
    ms = number(headers.get("retry-after-ms"))
    seconds = ms / 1000 if ms is not None else number(headers.get("retry-after"))
    return None if seconds is None else min(seconds, _MOST_PAUSE_S)


def date_ms(headers: Mapping[str, str]) -> int | None:
    """Return when a vendor answered, by its own clock."""
    try:
        return int(parsedate_to_datetime(headers["date"]).timestamp() * 1000)
    except (KeyError, ValueError, OverflowError, TypeError, IndexError):
        return None


def instant_ms(text: Any) -> int | None:
    """Return an ISO 8601 moment in ms since 1970; one without a zone is UTC. None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def plain_numbers(value: Any) -> Any:
    """Return JSON data with 1 in the place of 1.0: whoever reads JSON and writes it again may make one of the other."""
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
