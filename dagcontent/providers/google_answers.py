"""Google's answers into results, handles and refusals: bytes and JSON only, no requests. Knows no client.

Refused and unbilled are only complete answers of Google's own shape, {"error": {...}}, whose status is in the table. A
complete 200 without a result was worked on: it counts as charged.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import json_of, json_or_none, kept, number, retry_after_s, table, words
from dagcontent.providers.inline import decoded
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Outcome, Part, Result
from dagcontent.providers.transcript import span, transcript
from dagcontent.providers.usage import doubtful, modal_tokens
from dagcontent.values.attempt import Handle

__all__ = ["bytes_of", "identifier", "operation_name", "read", "refusal", "usage_of"]

_E = ErrorClass
_REFUSED: Final[Mapping[int, ErrorClass]] = {
    400: _E.INVALID, 401: _E.AUTH, 402: _E.QUOTA, 403: _E.AUTH, 404: _E.NOT_FOUND, 405: _E.INVALID, 413: _E.INVALID,
    415: _E.INVALID, 422: _E.INVALID, 429: _E.RATE_LIMIT,
}  # fmt: skip
"""Statuses that refuse a request before anything is made."""

_REASONS: Final[Mapping[str, ErrorClass]] = {
    "API_KEY_INVALID": _E.AUTH, "API_KEY_SERVICE_BLOCKED": _E.AUTH, "ACCESS_TOKEN_EXPIRED": _E.AUTH,
    "SERVICE_DISABLED": _E.AUTH, "CONSUMER_SUSPENDED": _E.AUTH, "BILLING_DISABLED": _E.QUOTA,
    "FAILED_PRECONDITION": _E.QUOTA,
}  # fmt: skip
"""Reasons, and the one status, that say more than the number. FAILED_PRECONDITION: no free tier there, enable billing."""

_BLOCKED: Final = frozenset({
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "NO_IMAGE", "MODEL_ARMOR", "JAILBREAK",
})  # fmt: skip
"""Reasons to end, or not to begin, that mean the content."""

_WHOLE: Final = frozenset({"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED", ""})
_MADE: Final = {"generate.image": "image", "generate.speech": "audio"}
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,511}")
_OPERATION: Final = re.compile(
    r"projects/[A-Za-z0-9:._-]{1,120}/locations/[a-z0-9-]{1,60}/publishers/google/models/[A-Za-z0-9._-]{1,120}/operations/[A-Za-z0-9_-]{1,120}"
)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_PARAMETER: Final = re.compile(r";\s*(rate|channels)=(\d{1,6})\b")


def read(call: Call, answer: Answer) -> Outcome:
    """Say what an answer to a send means. Raises ProviderError for a 2xx that cannot be understood."""
    if not 200 <= answer.status < 300:
        return refusal(answer)
    data = json_of(answer, "Google")
    if call.operation == "interactions.video":
        return Handle({"interaction": identifier(data.get("id"))})
    if call.operation == "vertex.video":
        return Handle({"operation": operation_name(data.get("name"))})
    return _generated(call, data, answer)


def identifier(value: Any) -> str:
    """Return an id that may stand in a path. Raises ProviderError for one that may not."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ProviderError("Google answered with an id that is none", facts=[("id", words(value, 80))])
    return value


def bytes_of(text: Any) -> bytes:
    """Return what base64 stands for, in either of its alphabets. Raises ProviderError for anything else, and for nothing."""
    if isinstance(text, str):
        text = text.replace("-", "+").replace("_", "/")
        text += "=" * (-len(text) % 4)
    return decoded(text, "Google")


def operation_name(value: Any) -> str:
    """Return the name of a Vertex operation on a model. Raises ProviderError for anything else."""
    if not isinstance(value, str) or not _OPERATION.fullmatch(value):
        raise ProviderError("Google answered with an operation whose name is none", facts=[("name", words(value, 120))])
    return value


def refusal(answer: Answer) -> Failure:
    """Return what an answer other than 2xx means."""
    data = json_or_none(answer.body)
    error = table(table(data[0] if isinstance(data, list) and data else data).get("error"))
    details = [table(row) for row in error.get("details", ())] if isinstance(error.get("details"), list) else []
    what, billed = _E.TRANSIENT if answer.status >= 500 or answer.status == 408 else _E.UNKNOWN, None
    if error and answer.status in _REFUSED:
        told = [_text(row.get("reason")) for row in details] + [_text(error.get("status"))]
        what, billed = next((_REASONS[t] for t in told if t in _REASONS), _REFUSED[answer.status]), False
        if answer.status == 429:
            what = _E.QUOTA if any(_daily(row) for row in details) else _E.RATE_LIMIT
    elif answer.status == 429:
        what = _E.RATE_LIMIT
    message = words(error["message"]) if isinstance(error.get("message"), str) else ""
    pause = next((s for s in (_seconds(row.get("retryDelay")) for row in details) if s is not None), None)
    return Failure(
        what,
        f"Google: {message or f'status {answer.status}, in no form that is known'}",
        billed,
        pause if pause is not None else retry_after_s(answer.headers),
        kept(answer),
    )


def usage_of(data: Any, made: str = "text") -> tuple[Cost, dict[str, Any]]:
    """Return the tokens of an answer, and how they are made up: input_tokens, output_tokens, input_by, ....

    `made` is what the tokens that went out are of, where the answer does not say: text, image, audio, video.
    """
    usage = table(data)
    counts = {
        "input_tokens": _count(usage, "promptTokenCount", "total_input_tokens"),
        "output_tokens": _count(usage, "candidatesTokenCount", "total_output_tokens"),
        "thought_tokens": _count(usage, "thoughtsTokenCount", "total_thought_tokens"),
        "cached_tokens": _count(usage, "cachedContentTokenCount", "total_cached_tokens"),
        "tool_tokens": _count(usage, "toolUsePromptTokenCount", "total_tool_use_tokens"),
    }
    told: dict[str, Any] = {name: count for name, count in counts.items() if count is not None}
    for name, rows in (
        ("input_by", usage.get("promptTokensDetails") or usage.get("input_tokens_by_modality")),
        ("output_by", usage.get("candidatesTokensDetails") or usage.get("output_tokens_by_modality")),
    ):
        by = _by_modality(rows)
        if by:
            told[name] = by
    total = _count(usage, "totalTokenCount", "total_tokens")
    if total is None and told:
        total = sum(told.get(f"{name}_tokens", 0) for name in ("input", "output", "thought", "tool"))
    odd = next((words(one, 40) for one in usage.values() if doubtful(one)), None)
    if odd is not None:
        return Cost(doubt=f"{odd} tokens"), told
    return Cost() if total is None else Cost(units=float(total), unit="token", used=_used(told, made)), told


def _used(told: Mapping[str, Any], made: str) -> tuple[tuple[str, float], ...]:
    """Return tokens as they are priced: what was read from a cache apart from what was read; what was thought, as written."""
    read, wrote = told.get("input_tokens", 0), told.get("output_tokens", 0)
    cached = min(told.get("cached_tokens", 0), read)
    (plain, words_in), *media_in = modal_tokens("input", read, told.get("input_by", {}))
    by_out = told.get("output_by") or {made: wrote}
    rows = (
        (plain, max(0.0, words_in - cached) + told.get("tool_tokens", 0)), ("cached token", cached), *media_in,
        *modal_tokens("output", wrote, by_out), ("thought token", told.get("thought_tokens", 0)),
    )  # fmt: skip
    return tuple((unit, float(count)) for unit, count in rows if count) or ((plain, 0.0),)


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    found = next((amount for amount in (number(usage.get(name)) for name in names) if amount is not None), None)
    return None if found is None else int(found)


def _by_modality(rows: Any) -> dict[str, int]:
    by: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else []:
        name, count = table(row).get("modality"), _count(table(row), "tokenCount", "tokens")
        if isinstance(name, str) and count is not None:
            by[words(name.lower(), 40)] = by.get(words(name.lower(), 40), 0) + count
    return by


def _generated(call: Call, data: dict[str, Any], answer: Answer) -> Result | Failure:
    feedback = table(data.get("promptFeedback"))
    candidates = data.get("candidates")
    candidate = table(candidates[0]) if isinstance(candidates, list) and candidates else {}
    parts = [row for row in _parts(candidate) if row.get("thought") is not True]
    reason = _text(candidate.get("finishReason"))
    stopped = _stopped(call, _text(feedback.get("blockReason")) if not candidate else "", reason, parts)
    cost, usage = usage_of(data.get("usageMetadata"), _MADE.get(call.operation, "text"))
    if stopped:
        said = feedback.get("blockReasonMessage") or candidate.get("finishMessage") or ""
        return _unusable(stopped, words(said) if isinstance(said, str) else "", answer, cost)
    extras: dict[str, Any] = {"usage": usage} if usage else {}
    for name, value in (("id", data.get("responseId")), ("model", data.get("modelVersion"))):
        if isinstance(value, str) and value:
            extras[name] = words(value, 120)
    if reason == "MAX_TOKENS":
        extras["cut"] = True
    value = _value(call, parts)
    if value is None:
        cut = "; it was cut at its longest length" if reason == "MAX_TOKENS" else ""
        return _unusable("", f"the answer holds no {_wanted(call)}{cut}", answer, cost)
    return Result(value, cost, extras)


def _stopped(call: Call, block: str, reason: str, parts: list[dict[str, Any]]) -> str:
    """Return the reason for which an answer is no whole result; empty if it may be one."""
    if block or reason in _BLOCKED:
        return block or reason
    if call.operation == "generate.image":
        # A picture is whole or it is not there, whatever word stands at its end.
        return "" if reason in _WHOLE or any("inlineData" in row for row in parts) else reason
    if reason == "MAX_TOKENS" and call.operation in ("generate.speech", "generate.transcribe"):
        return reason  # half of what was to be said, or heard, is not what was asked for
    return "" if reason in _WHOLE else reason


def _parts(candidate: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rows = table(candidate.get("content")).get("parts")
    yield from (table(row) for row in rows) if isinstance(rows, list) else ()


def _value(call: Call, parts: list[dict[str, Any]]) -> Any:
    """Return what was asked for; None if it is not there."""
    if call.operation == "generate.image":
        return _media(parts, "image/")
    if call.operation == "generate.speech":
        return _speech(parts)
    if call.operation == "generate.transcribe":
        return _transcribed(call, parts)
    text = "".join(row["text"] for row in parts if isinstance(row.get("text"), str))
    if _wants_json(call):
        return json_or_none(text.encode("utf-8", "replace")) if text.strip() else None
    return text or None


def _wants_json(call: Call) -> bool:
    return call.output != "text" or any(call.params.get(name) is not None for name in ("schema", "returns"))


def _wanted(call: Call) -> str:
    named = {"generate.image": "picture", "generate.speech": "recording", "generate.transcribe": "transcript"}
    return named.get(call.operation, "JSON" if _wants_json(call) else "text")


def _inline(parts: list[dict[str, Any]], family: str) -> Iterator[tuple[bytes, str]]:
    for row in parts:
        inline = table(row.get("inlineData"))
        media_type = inline.get("mimeType")
        if isinstance(media_type, str) and media_type.lower().startswith(family):
            yield bytes_of(inline.get("data")), media_type


def _media(parts: list[dict[str, Any]], family: str) -> Part | None:
    # The last picture is the finished one, where a model shows drafts.
    found = list(_inline(parts, family))
    return Part(data=found[-1][0], media_type=words(found[-1][1], 120)) if found else None


def _speech(parts: list[dict[str, Any]]) -> Part | None:
    found = list(_inline(parts, "audio/"))
    if not found:
        return None
    data, media_type = b"".join(data for data, _ in found), found[0][1]
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in ("audio/l16", "audio/pcm", "audio/raw") or data[:4] == b"RIFF":
        return Part(data=data, media_type=words(media_type, 120))
    about = {name: int(value) for name, value in _PARAMETER.findall(media_type.lower())}
    if not about.get("rate"):
        raise ProviderError("Google answered with samples and no sample rate", facts=[("type", words(media_type, 80))])
    return Part(data=_wav(data, about["rate"], about.get("channels") or 1), media_type="audio/wav")


def _wav(data: bytes, rate: int, channels: int) -> bytes:
    """Return 16-bit samples, little endian, as a WAV file."""
    width = channels * 2
    if width > 0xFFFF:
        raise ProviderError("Google answered with samples of too many channels")
    data = data[: len(data) - len(data) % width]
    if not data:
        raise ProviderError("Google answered with a recording of no samples")
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * width) & 0xFFFFFFFF, width, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _transcribed(call: Call, parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    heard = [table(row.get("audioTranscription")) for row in parts]
    text = "".join(row["text"] for row in parts if isinstance(row.get("text"), str))
    told = " ".join(row["text"].strip() for row in heard if isinstance(row.get("text"), str))
    if not (text or told).strip():
        return None
    segments: list[Any] = []
    timed: list[Any] = []
    language = ""
    for row in heard:
        speaker = row.get("speakerLabel") if isinstance(row.get("speakerLabel"), str) else None
        language = language or _text(row.get("languageCode"))
        segments.append(_span(row, speaker))
        spoken = row["words"] if isinstance(row.get("words"), list) else []
        timed += [_span(table(word), speaker) for word in spoken]
    if not any(segments) or any(timed):
        segments = []
    asked = call.params.get("language")
    return transcript(text or told, language or (asked if isinstance(asked, str) else None), segments, timed)


def _span(row: Mapping[str, Any], speaker: str | None) -> Any:
    text = row.get("text") or row.get("word")
    own = row.get("speaker") or row.get("speakerLabel")
    return span(
        text, _seconds(row.get("startOffset")), _seconds(row.get("endOffset")), own if isinstance(own, str) else speaker
    )


def _unusable(reason: str, said: str, answer: Answer, cost: Cost) -> Failure:
    """Word a complete answer that holds no result: it was worked on, so it counts as charged."""
    what = _E.BLOCKED if reason in _BLOCKED else _E.UNKNOWN
    text = ": ".join(part for part in (words(reason, 60), said) if part)
    return Failure(what, f"Google: {text}", True, None, kept(answer), cost)


def _daily(detail: Mapping[str, Any]) -> bool:
    rows = detail.get("violations")
    return any("PerDay" in _text(table(row).get("quotaId")) for row in rows) if isinstance(rows, list) else False


def _seconds(value: Any) -> float | None:
    """Return a duration as Google writes it, "1.5s"."""
    found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    return min(float(found[1]), 86_400.0) if found else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
