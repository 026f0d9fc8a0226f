"""fal's answers into handles, results and failures: tables and pure functions. Knows no connection.

A refusal counts as unbilled only if it is fal's own: a JSON object with `detail`. A job that failed says so in `detail`
as a list of {loc, msg, type} (the model) or as text with `error_type` (the platform); fal bills no 5xx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import date_ms, json_of, json_or_none, kept, retry_after_s, table, words
from dagcontent.providers.inline import from_data_url
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Part, Result, Waiting
from dagcontent.providers.transcript import span, transcript
from dagcontent.providers.usage import metered
from dagcontent.values.attempt import Handle

__all__ = ["KEPT_S", "Done", "failed_status", "read_result", "read_status", "read_submit", "refusal"]

KEPT_S: Final = 30 * 86_400
"""How long fal is asked to keep what it made."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

_REFUSED: Final[Mapping[int, ErrorClass]] = {
    400: ErrorClass.INVALID,
    401: ErrorClass.AUTH,
    402: ErrorClass.QUOTA,
    403: ErrorClass.AUTH,
    404: ErrorClass.NOT_FOUND,
    413: ErrorClass.INVALID,
    415: ErrorClass.INVALID,
    422: ErrorClass.INVALID,
    429: ErrorClass.RATE_LIMIT,
}
"""Answers to a submit after which there is no job: refused and unbilled, in fal's own form only."""

_LOCKED: Final = re.compile(
    r"\bexhausted balance\b|\binsufficient (?:balance|funds|credits?)\b|\btop up\b", re.IGNORECASE
)
"""No code tells an empty account from a wrong key: both are 403. Either way nothing was billed."""

_PLATFORM: Final = frozenset(
    "request_timeout startup_timeout runner_scheduling_failure runner_connection_timeout runner_disconnected "
    "runner_connection_refused runner_connection_error runner_incomplete_response runner_server_error internal_error".split()
)
"""`error_type`s of fal's own machines: not billed, and another attempt may do."""

_UNSURE: Final = frozenset("downstream_service_error downstream_service_unavailable no_media_generated".split())
"""Types of a model's failure after which somebody else's service may have been paid."""

_TEXTS: Final = ("text", "output", "generated_text", "caption", "response", "transcription")
_MEDIA: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("images", "image"),
    "video": ("video", "videos"),
    "audio": ("audio", "audio_file", "audios", "audio_url"),
}
"""Where the file is, by the type that must come of it: endpoints differ, some in this only."""

_TYPES: Final = {"image": "image/", "video": "video/", "audio": "audio/"}


class Done(msgspec.Struct, frozen=True):
    """A job's end, as its status says it. A failed job is done too, and may say why."""

    error: str = ""
    error_type: str = ""


def read_submit(call: Call, answer: Answer) -> Handle | Failure:
    """Say what came of a submit. Raises ProviderError for a success without an id."""
    if 200 <= answer.status < 300:
        request_id = json_of(answer, "fal").get("request_id")
        if not isinstance(request_id, str) or not _REQUEST_ID.fullmatch(request_id):
            raise ProviderError("fal took a request and answered without its id", facts=[("model", call.model)])
        since = date_ms(answer.headers)
        return Handle({"request_id": request_id, "app": call.model}, None if since is None else since + KEPT_S * 1000)
    return refusal(answer)


def refusal(answer: Answer) -> Failure:
    """Say what an answer to a submit means that is no success."""
    said = _said(answer)
    error_class = _REFUSED.get(answer.status)
    if said is None or error_class is None:
        error_class = (
            ErrorClass.TRANSIENT if answer.status in {408, 425} or answer.status >= 500 else ErrorClass.UNKNOWN
        )
        message = said.message if said else words(answer.body[:600].decode("utf-8", "replace"))
        return Failure(error_class, f"fal answered {answer.status}: {message}".rstrip(": "), None, None, kept(answer))
    billed = False
    if said.blocked:
        # Moderation may be billed: it is never sent again by itself.
        error_class, billed = ErrorClass.BLOCKED, True
    elif answer.status in {402, 403} and _LOCKED.search(said.message):
        error_class = ErrorClass.QUOTA
    return Failure(error_class, said.message, billed, retry_after_s(answer.headers), kept(answer))


def read_status(answer: Answer) -> Waiting | Done:
    """Say how a job stands. Raises ProviderError for a status that is not known."""
    data = json_of(answer, "fal")
    status = data.get("status")
    if status == "IN_QUEUE":
        position = data.get("queue_position")
        return Waiting("in queue", position if isinstance(position, int) and not isinstance(position, bool) else None)
    if status == "IN_PROGRESS":
        return Waiting("generating")
    if status == "COMPLETED":
        return Done(words(data["error"]) if data.get("error") else "", words(data.get("error_type") or "", 80))
    raise ProviderError("fal answered with a status that is not known", facts=[("status", words(status, 80))])


def read_result(call: Call, done: Done, answer: Answer) -> Result | Failure | None:
    """Say what a job's answer means; None if it is no word of the job: the request for it failed, and is made again.

    Raises ProviderError for a success that is no JSON, and for an error that is not said to be the job's.
    """
    cost = metered(answer.headers.get("x-fal-billable-units"), "unit")
    units = cost.units
    if 200 <= answer.status < 300:
        data = json_of(answer, "fal")
        if done.error or done.error_type:
            # Seen nowhere, so nobody knows what was charged; the answer is kept.
            return _failed(
                answer, _Said(done.error, frozenset({done.error_type})), units, ErrorClass.UNKNOWN, billed=None
            )
        return _result(call, data, cost, answer)
    said = _said(answer)
    if said is None:
        return failed_status(done, answer) if done.error or done.error_type else None
    if answer.status == 404 and not (done.error or done.error_type):
        return Failure(ErrorClass.GONE, f"fal keeps the result no longer: {said.message}", None, None, kept(answer))
    if answer.status in {401, 403, 429} and not (done.error or done.error_type):
        return None  # this reader is refused, not the job
    if answer.status >= 500 and not (done.error or done.error_type or said.types or units is not None):
        # It may be the asking that failed: believed to be the job's failure, the job would be bought again.
        raise ProviderError(
            f"fal answered {answer.status} to a finished job, and no reason of the job's: {said.message}"
        )
    if not (done.error or done.error_type or said.types or units is not None):
        # Neither the status nor the answer says that the job failed: fal may have failed to give its result.
        raise ProviderError(f"fal answered {answer.status} to a finished job: {said.message}", hint="build again later")
    return _judged(answer, said, units)


def failed_status(done: Done, answer: Answer) -> Failure:
    """Say what a job's failure means that only its status tells."""
    said = _Said(done.error or done.error_type, frozenset({done.error_type}))
    billed = False if done.error_type in _PLATFORM else None
    return _failed(answer, said, None, _class_of(said.types, 0), billed=True if said.blocked else billed)


class _Said(msgspec.Struct, frozen=True):
    message: str
    types: frozenset[str]

    @property
    def blocked(self) -> bool:
        return "content_policy_violation" in self.types


def _said(answer: Answer) -> _Said | None:
    """Return fal's own words of an error; None if the body is not of its form."""
    data = json_or_none(answer.body)
    if not isinstance(data, dict):
        return None
    detail = data.get("detail")
    named = (data.get("error_type"), answer.headers.get("x-fal-error-type"))
    types = {name for name in named if isinstance(name, str) and name}
    if isinstance(detail, str) and detail:
        return _Said(words(detail), frozenset(types))
    if isinstance(detail, list) and detail and all(isinstance(item, dict) for item in detail):
        types |= {str(item["type"]) for item in detail if isinstance(item.get("type"), str)}
        return _Said(words("; ".join(_sentences(detail))), frozenset(types))
    return None


def _sentences(detail: list[dict[str, Any]]) -> Iterator[str]:
    for item in detail[:5]:
        loc = item.get("loc")
        where = ".".join(str(part) for part in loc if part != "body") if isinstance(loc, list) else ""
        text = str(item.get("msg") or item.get("type") or "no reason given")
        yield f"{where}: {text}" if where else text


def _judged(answer: Answer, said: _Said, units: float | None) -> Failure:
    """Say whether a failed job was billed, by its status and its types."""
    error_class = _class_of(said.types, answer.status)
    if said.blocked:
        billed: bool | None = True
    elif said.types & _UNSURE:
        billed = None
    elif said.types & _PLATFORM or answer.status >= 500 or answer.status in {400, 422}:
        billed = False
    else:
        billed = None
    return _failed(answer, said, units, error_class, billed=billed)


def _class_of(types: frozenset[str], status: int) -> ErrorClass:
    if "content_policy_violation" in types:
        return ErrorClass.BLOCKED
    if types & _UNSURE:
        return ErrorClass.UNKNOWN
    if types & _PLATFORM or status >= 500:
        return ErrorClass.TRANSIENT
    if status in {400, 422} or "bad_request" in types:
        return ErrorClass.INVALID
    return ErrorClass.UNKNOWN


def _failed(
    answer: Answer, said: _Said, units: float | None, error_class: ErrorClass, *, billed: bool | None
) -> Failure:
    """Word a job's failure. Units on the answer outweigh every table: they are what is charged."""
    if units is not None:
        billed = units > 0
    return Failure(
        error_class, said.message or "fal gives no reason", billed, retry_after_s(answer.headers), kept(answer),
        Cost() if units is None else Cost(units=units, unit="unit"),
    )  # fmt: skip


def _result(call: Call, data: dict[str, Any], cost: Cost, answer: Answer) -> Result | Failure:
    extras = {
        k: words(v) if isinstance(v, str) else v for k, v in data.items() if isinstance(v, str | int | float | bool)
    }
    if call.output == "json":
        value = _transcript(call, data) if call.kind == "audio.transcribe" else _parsed(data)
        return Result(value, cost, {} if call.kind == "audio.transcribe" else extras)
    if call.output == "text":
        text = next((data[name] for name in _TEXTS if isinstance(data.get(name), str)), None)
        return Result(text, cost) if text is not None else _unusable(call, answer, cost)
    flags = data.get("has_nsfw_concepts")
    if call.fields.get("enable_safety_checker") is not False and isinstance(flags, list) and True in flags:
        black = "fal's safety checker blackened the picture"
        return Failure(ErrorClass.BLOCKED, black, True, None, kept(answer), cost)
    part = _part(call.output, data)
    return _unusable(call, answer, cost) if part is None else Result(part, cost, extras)


def _unusable(call: Call, answer: Answer, cost: Cost) -> Failure:
    message = f"fal's answer holds no {call.output} where {call.model} should have put it"
    return Failure(ErrorClass.UNKNOWN, message, True, None, kept(answer), cost)


def _part(output: str, data: dict[str, Any]) -> Part | None:
    for name in _MEDIA.get(output, ()):
        found = data.get(name)
        item = found[0] if isinstance(found, list) and found else found
        url = item if isinstance(item, str) else table(item).get("url")
        if not isinstance(url, str) or not url:
            continue
        said = table(item).get("content_type")
        media_type = said if isinstance(said, str) and said.startswith(_TYPES[output]) else ""
        if url.startswith("data:"):
            content, inline_type = from_data_url(url, "fal")
            return Part(data=content, media_type=media_type or inline_type)
        return Part(url=url, media_type=media_type)
    return None


def _parsed(data: dict[str, Any]) -> Any:
    """Return the JSON that a language model wrote as text, or fal's own object."""
    text = next((data[name] for name in _TEXTS if isinstance(data.get(name), str)), None)
    if text is None:
        return data
    found = json_or_none(text.encode("utf-8", "replace"))
    return text if found is None else found


def _transcript(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Read `text` with `chunks` of {text, timestamp: [start, end]}, or with `words` of {text, start, end, type, speaker_id}."""
    languages = data.get("inferred_languages") or data.get("languages")
    language = (
        data.get("language_code") or data.get("language") or (languages[0] if isinstance(languages, list) else None)
    )
    rows = []
    for chunk in data["chunks"] if isinstance(data.get("chunks"), list) else []:
        times = table(chunk).get("timestamp")
        start, end = times if isinstance(times, list) and len(times) == 2 else (None, None)
        rows.append(span(table(chunk).get("text"), start, end, table(chunk).get("speaker")))
    timed = [
        span(table(word).get("text"), table(word).get("start"), table(word).get("end"), table(word).get("speaker_id"))
        for word in (data["words"] if isinstance(data.get("words"), list) else [])
        if table(word).get("type", "word") == "word"
    ]
    if call.fields.get("chunk_level") == "word":
        rows, timed = [], rows
    text = data.get("text")
    return transcript(
        text if isinstance(text, str) else "", language if isinstance(language, str) else None, rows, timed
    )
