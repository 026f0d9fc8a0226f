"""ElevenLabs' answers into results, handles and refusals: bytes only, no requests. Knows no client.

Refused and unbilled are only complete answers of the vendor's own shape, {"detail": ...}, whose status is in the table.
Whatever else is not a 2xx leaves open whether it was charged.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import json_or_none, kept, number, retry_after_s, table, words
from dagcontent.providers.elevenlabs_words import aligned
from dagcontent.providers.inline import decoded
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Outcome, Part, Result
from dagcontent.providers.transcript import span, transcript
from dagcontent.providers.usage import metered
from dagcontent.values.attempt import Handle
from dagcontent.values.value import MALFORMED

__all__ = ["CREDIT", "directed", "identifier", "json_of", "media_type_of", "playable", "read", "refusal"]

CREDIT: Final = "credit"

_E = ErrorClass
_REFUSED: Final[Mapping[int, ErrorClass]] = {
    400: _E.INVALID, 401: _E.AUTH, 402: _E.QUOTA, 403: _E.AUTH, 404: _E.NOT_FOUND, 405: _E.INVALID,
    413: _E.INVALID, 415: _E.INVALID, 422: _E.INVALID,
}  # fmt: skip
"""Statuses that refuse a request before anything is made."""

_CODES: Final[Mapping[str, tuple[frozenset[int], ErrorClass]]] = {
    code: (frozenset(statuses), what)
    for codes, statuses, what in (
        ("rate_limit_exceeded system_busy", (429,), _E.RATE_LIMIT),
        ("concurrent_limit_exceeded too_many_concurrent_requests", (429,), _E.CONCURRENCY),
        ("quota_exceeded insufficient_credits payment_required", (400, 401, 402, 403), _E.QUOTA),
        ("voice_not_found model_not_found", (400, 404, 422), _E.NOT_FOUND),
        (
            "content_against_policy content_policy_violation moderated flagged_by_moderation bad_prompt bad_composition_plan",
            (400, 403, 422), _E.BLOCKED,
        ),
    )
    for code in codes.split()
}  # fmt: skip
"""Codes that say more than their status. The two kinds of 429 are told apart here: one waits, one lowers the slots."""

_KEPT_HEADERS: Final = ("character-cost", "current-concurrent-requests", "maximum-concurrent-requests")
"""Beside those that every vendor's refusal keeps: what the account's limits are read from."""
_MEDIA_TYPES: Final = {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav"}
_BARE: Final = {"pcm": (1, 16), "ulaw": (7, 8), "alaw": (6, 8)}
"""Formats without a header of their own: WAVE format tag, bits a sample."""
_NO_MEDIA: Final = frozenset({"application/json", "text/html", "text/plain"})


class _Spoken(msgspec.Struct, frozen=True):
    audio_base64: str
    # Read leniently on its own: a paid recording is not lost for odd times.
    alignment: Any = None
    voice_segments: Any = None


class _Word(msgspec.Struct, frozen=True):
    text: str
    type: str = "word"
    start: float | None = None
    end: float | None = None
    speaker_id: str | None = None


class _Transcribed(msgspec.Struct, frozen=True):
    text: str
    language_code: str | None = None
    words: list[_Word] = []
    transcription_id: str | None = None


class _Channels(msgspec.Struct, frozen=True):
    transcripts: list[_Transcribed]


class _Created(msgspec.Struct, frozen=True):
    id: str


class _Project(msgspec.Struct, frozen=True):
    project_id: str
    language_ids: list[str] | None = None


class _Dub(msgspec.Struct, frozen=True):
    dubbing_id: str


def read(call: Call, answer: Answer) -> Outcome:
    """Say what an answer to a send means. Raises ProviderError for a 2xx that cannot be understood."""
    if not 200 <= answer.status < 300:
        return refusal(answer)
    operation = call.operation
    if operation in ("speech", "dialogue"):
        return _spoken(call, answer)
    if operation in ("sound", "music", "convert"):
        return _audio(call, answer)
    if operation == "transcribe":
        return _transcribed(call, answer)
    if operation == "dubbing":
        return _dubbed(call, answer.body)
    return Handle({"id": identifier(json_of(answer.body, _Created).id)})


def refusal(answer: Answer) -> Failure:
    """Return what an answer other than 2xx means."""
    detail = table(json_or_none(answer.body)).get("detail")
    shaped = isinstance(detail, str | dict | list) and bool(detail)
    codes, message = _codes(detail)
    what, billed = ErrorClass.TRANSIENT if answer.status >= 500 else ErrorClass.UNKNOWN, None
    named = next((_CODES[code][1] for code in codes if code in _CODES and answer.status in _CODES[code][0]), None)
    if shaped and named is not None:
        what, billed = named, False
    elif shaped and answer.status in _REFUSED:
        what, billed = _REFUSED[answer.status], False
    elif answer.status == 429:
        what = ErrorClass.RATE_LIMIT
    if number(answer.headers.get("character-cost")):
        billed = None  # refused, and charged all the same: nobody can tell
    record = kept(answer)
    record["headers"] |= {name: answer.headers[name][:80] for name in _KEPT_HEADERS if name in answer.headers}
    text = message or f"status {answer.status}, in no form that is known"
    return Failure(what, f"ElevenLabs: {text}", billed, retry_after_s(answer.headers), record)


def json_of(body: bytes, type_: type[Any]) -> Any:
    """Return typed JSON. Raises ProviderError for anything else."""
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, *MALFORMED) as error:
        raise ProviderError(f"ElevenLabs answered with what cannot be read: {words(error, 300)}") from error


def identifier(text: str) -> str:
    """Return an id that may stand in a path. Raises ProviderError for one that may not."""
    if not 0 < len(text) <= 200 or not text.isascii() or not text.replace("-", "").replace("_", "").isalnum():
        raise ProviderError("ElevenLabs answered with an id that is none", facts=[("id", words(text, 80))])
    return text


def media_type_of(output_format: str) -> str:
    """Return the media type of an output format, as mp3_44100_128; empty where it is not known."""
    family = output_format.partition("_")[0]
    return "audio/wav" if family in _BARE else _MEDIA_TYPES.get(family, "")


def directed(model: str) -> bool:
    """Tell whether a model takes [brackets] for directions, which it does not say."""
    return model.startswith(("eleven_v3", "eleven_v4"))


def playable(data: bytes, output_format: str) -> bytes:
    """Return a recording in a form that can be played: bare samples get the header of a WAV file."""
    family, _, rest = output_format.partition("_")
    if family not in _BARE or data[:4] == b"RIFF":
        return data
    rate = rest.partition("_")[0]
    if not rate.isdecimal() or len(rate) > 6:
        raise ProviderError(f"there is no sample rate in the format {output_format!r}")
    tag, bits = _BARE[family]
    width, hertz = bits // 8, int(rate)
    form = struct.pack("<HHIIHH", tag, 1, hertz, hertz * width, width, bits)
    data = data[: len(data) - len(data) % width]
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _spoken(call: Call, answer: Answer) -> Result:
    spoken = json_of(answer.body, _Spoken)
    data = decoded(spoken.audio_base64, "ElevenLabs")
    alignment = aligned(spoken.alignment, _line_starts(spoken.voice_segments), directed=directed(call.model))
    return _recording(call, answer, data, {"alignment": alignment} if alignment else {})


def _line_starts(segments: Any) -> list[int]:
    rows = segments if isinstance(segments, list) else []
    starts = [row.get("character_start_index") for row in rows if isinstance(row, dict)]
    return [start for start in starts if isinstance(start, int)]


def _audio(call: Call, answer: Answer) -> Result:
    said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said in _NO_MEDIA:
        raise ProviderError(f"ElevenLabs answered with {said} where a recording belongs")
    return _recording(call, answer, answer.body, {})


def _recording(call: Call, answer: Answer, data: bytes, facts: Mapping[str, Any]) -> Result:
    if not data:
        raise ProviderError("ElevenLabs answered with a recording of no bytes")
    form = str(call.fields.get("output_format") or "mp3_44100_128")
    media_type = media_type_of(form) or answer.headers.get("content-type", "")
    part = Part(data=playable(data, form), media_type=media_type, facts=facts)
    return Result(part, _cost(answer.headers), _extras(answer.headers))


def _transcribed(call: Call, answer: Answer) -> Result:
    try:
        heard = [json_of(answer.body, _Transcribed)]
    except ProviderError:
        heard = json_of(answer.body, _Channels).transcripts
    if not heard:
        raise ProviderError("ElevenLabs answered with no transcript")
    spoken = [word for channel in heard for word in channel.words if word.type == "word"]
    timed = [span(word.text, word.start, word.end, word.speaker_id) for word in spoken]
    spans = sorted((found for found in timed if found is not None), key=lambda found: found.start)
    text = "\n".join(channel.text for channel in heard)
    extras = {"transcription_id": heard[0].transcription_id} if heard[0].transcription_id else {}
    language = heard[0].language_code or str(call.fields.get("language_code") or "")
    value = transcript(text, language, [], spans)
    return Result(value, _cost(answer.headers), {**_extras(answer.headers), **extras})


def _dubbed(call: Call, body: bytes) -> Handle:
    if call.model.startswith("dubbing_v"):
        project = json_of(body, _Project)
        ids = {"project_id": identifier(project.project_id)}
        if project.language_ids:
            ids["language_id"] = identifier(project.language_ids[0])
        return Handle(ids)
    return Handle({"dubbing_id": identifier(json_of(body, _Dub).dubbing_id)})


def _cost(headers: Mapping[str, str]) -> Cost:
    return metered(headers.get("character-cost"), CREDIT)


def _extras(headers: Mapping[str, str]) -> dict[str, Any]:
    return {"request_id": words(headers["request-id"], 200)} if "request-id" in headers else {}


def _codes(detail: Any) -> tuple[list[str], str]:
    """Return the codes of a refusal, the most telling first, and its words."""
    if isinstance(detail, dict):
        codes = [detail[name] for name in ("code", "status", "type") if isinstance(detail.get(name), str)]
        message = detail.get("message")
        return codes, words(message) if isinstance(message, str) else ", ".join(codes)
    if isinstance(detail, list):
        rows = [table(row) for row in detail[:5]]
        return [], words("; ".join(f"{_place(row.get('loc'))}: {_scalar(row.get('msg'))}" for row in rows))
    return [], words(detail) if isinstance(detail, str) else ""


def _place(loc: Any) -> str:
    return ".".join(_scalar(step) for step in loc) if isinstance(loc, list) else ""


def _scalar(value: Any) -> str:
    # What nests is not worded: it could nest beyond what can be.
    return str(value) if isinstance(value, str | int | float) else type(value).__name__
