"""Google's long jobs into how they stand: interactions in the background, Veo's operations at Vertex. JSON only, no requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dagcontent.errors import ProviderError
from dagcontent.providers.answers import number, table, words
from dagcontent.providers.google_answers import bytes_of, usage_of
from dagcontent.providers.port import Cost, ErrorClass, Failure, Part, Result, Waiting

__all__ = ["interaction", "operation"]

_E = ErrorClass
_WAITING: Final = {"queued": "in queue", "in_progress": "generating"}
_ENDED: Final = {
    "failed": _E.UNKNOWN, "cancelled": _E.UNKNOWN, "incomplete": _E.UNKNOWN, "budget_exceeded": _E.QUOTA,
    "requires_action": _E.UNKNOWN, "requires_continuation": _E.UNKNOWN,
}  # fmt: skip
_FILE: Final = re.compile(r"(?:https?://[^?#]*?/)??(?:(v1(?:alpha|beta)?)/)?files/([A-Za-z0-9_-]{1,128})(?:[:?/].*)?")
_CONTENT: Final = re.compile(r"safety|prohibited|blocked|policy|moderat|recitation|filtered", re.IGNORECASE)
_CODES: Final[Mapping[int, ErrorClass]] = {
    3: _E.INVALID, 5: _E.NOT_FOUND, 7: _E.AUTH, 8: _E.QUOTA, 13: _E.TRANSIENT, 14: _E.TRANSIENT, 16: _E.AUTH,
}  # fmt: skip
"""google.rpc.Code, as a failed operation gives it."""


def interaction(data: Mapping[str, Any], version: str) -> Waiting | Result | Failure:
    """Return how an interaction stands. `version` is that of paths that name none. Raises ProviderError."""
    status = data.get("status")
    if isinstance(status, str) and status in _WAITING:
        return Waiting(_WAITING[status])
    cost, usage = usage_of(data.get("usage"), "video")
    if status == "completed":
        part = next(_videos(data, version), None)
        if part is None:
            said = _said(data)
            what = _E.BLOCKED if _CONTENT.search(said) else _E.UNKNOWN
            text = f"Google: the interaction is complete and holds no film{': ' + said if said else ''}"
            return Failure(what, text, True, None, {"status": status, "usage": usage})
        return Result(part, cost, {"usage": usage} if usage else {})
    if isinstance(status, str) and status in _ENDED:
        said = _said(data)
        what = _E.BLOCKED if _CONTENT.search(said) else _ENDED[status]
        # Tokens on the answer are tokens that were used; without any nobody says.
        billed = True if what is _E.BLOCKED or cost.units else None
        return Failure(
            what, f"Google: {status}: {said or 'no reason given'}", billed, None, {"status": status, "usage": usage}
        )
    raise ProviderError("Google answered with a state that is not known", facts=[("status", words(status, 80))])


def operation(data: Mapping[str, Any]) -> Waiting | Result | Failure:
    """Return how an operation of Veo stands. Raises ProviderError."""
    if data.get("done") is not True:
        return Waiting("generating")
    error = table(data.get("error"))
    if error:
        said = words(error.get("message") or "no reason given")
        code = number(error.get("code"))
        what = _CODES.get(int(code) if code is not None else 0, _E.UNKNOWN)
        return Failure(
            _E.BLOCKED if _CONTENT.search(said) else what,
            f"Google: {said}",
            None,
            None,
            {"code": code, "message": said},
        )
    response = table(data.get("response"))
    videos = response.get("videos")
    for row in videos if isinstance(videos, list) else []:
        media_type = table(row).get("mimeType")
        if table(row).get("bytesBase64Encoded"):
            film = bytes_of(table(row)["bytesBase64Encoded"])
            return Result(Part(data=film, media_type=media_type if isinstance(media_type, str) else ""), Cost())
    reasons = response.get("raiMediaFilteredReasons")
    if number(response.get("raiMediaFilteredCount")) or reasons:
        said = words("; ".join(str(one) for one in reasons[:5]) if isinstance(reasons, list) else "filtered")
        # Filtered films are not charged, says the vendor; until a bill was seen, nobody can say.
        return Failure(_E.BLOCKED, f"Google: {said}", None, None, {"raiMediaFilteredReasons": said})
    return Failure(_E.UNKNOWN, "Google: the operation is done and holds no film", True, None, None)


def _videos(data: Mapping[str, Any], version: str) -> Iterator[Part]:
    steps = data.get("steps")
    for step in reversed(steps) if isinstance(steps, list) else ():
        if table(step).get("type") != "model_output":
            continue
        content = table(step).get("content")
        for row in content if isinstance(content, list) else []:
            if table(row).get("type") == "video":
                yield from _video(table(row), version)
    yield from _video(table(data.get("output_video")), version)


def _video(row: Mapping[str, Any], version: str) -> Iterator[Part]:
    media_type = row.get("mime_type") if isinstance(row.get("mime_type"), str) else "video/mp4"
    uri = row.get("uri")
    if row.get("data"):
        yield Part(data=bytes_of(row["data"]), media_type=str(media_type))
    elif isinstance(uri, str) and uri:
        found = _FILE.fullmatch(uri)
        if found is not None:
            # The file by its name below our own address, whatever host the answer names: the key goes with it.
            yield Part(path=f"{found[1] or version}/files/{found[2]}:download?alt=media", media_type=str(media_type))
        else:
            yield Part(url=uri, media_type=str(media_type))


def _said(data: Mapping[str, Any]) -> str:
    """Return all that an interaction says of why."""
    told: list[str] = []
    errors = data.get("errors")
    for row in errors if isinstance(errors, list) else []:
        told += [text for text in (table(row).get("code"), table(row).get("message")) if isinstance(text, str)]
    steps = data.get("steps")
    for step in steps if isinstance(steps, list) else []:
        error = table(step).get("error")
        if isinstance(table(error).get("message"), str):
            told.append(table(error)["message"])
        content = table(step).get("content")
        if table(step).get("type") == "model_output":
            rows = content if isinstance(content, list) else []
            told += [row["text"] for row in rows if isinstance(row, dict) and isinstance(row.get("text"), str)]
    return words("; ".join(told), 400) if told else ""
