"""ElevenLabs' lists and ids into what a call became: GETs only. Knows no send.

A handle's ids say what it names: `history_item_id` a recording of the history, `id` a generation of Flows, `project_id`
(with `language_id`) a dubbing project, `dubbing_id` a dub of the older kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.answers import table, words
from dagcontent.providers.elevenlabs_answers import CREDIT, directed, identifier, media_type_of, playable
from dagcontent.providers.elevenlabs_words import aligned
from dagcontent.providers.port import Call, Cost, ErrorClass, Failure, Listed, Part, Result, Waiting
from dagcontent.providers.usage import metered
from dagcontent.values.attempt import Handle

__all__ = ["NoHistory", "find", "lines_of", "poll", "told"]

_NO_RETRY: Final[Any] = {"max_retries": 0, "timeout_in_seconds": 60}
_PAGES_MAX: Final = 20
_ABOUT_MS: Final = 3_600_000
"""How far a call's entry may be from when it was sent, by this clock."""
_SOURCES: Final = {"speech": "TTS", "dialogue": "TTS", "convert": "STS"}

_E = ErrorClass
_FLOW_FAILURES: Final = {
    "timeout": _E.TRANSIENT, "model_error": _E.TRANSIENT, "moderated": _E.BLOCKED, "invalid_parameters": _E.INVALID,
    "dependency_failed": _E.TRANSIENT, "charging_failed": _E.QUOTA, "internal_error": _E.TRANSIENT,
}  # fmt: skip


class NoHistory(Exception):  # noqa: N818 - a state of the account, and no fault of the request
    """The account keeps no history, so that its silence proves nothing."""


def lines_of(call: Call) -> list[dict[str, Any]]:
    """Return a dialogue as [{text, voice}], out of the vendor's `inputs` or of lines and voices. Raises NodeError."""
    inputs = call.fields.get("inputs")
    if inputs is None:
        given = {**call.params, **call.fields}
        voices = table(given.get("voices"))
        inputs = [
            {**line, "voice": voices.get(str(line.get("speaker")), line.get("voice"))}
            if isinstance(line, Mapping)
            else line
            for line in given.get("lines") or []
        ]
    good = isinstance(inputs, list) and all(isinstance(x, Mapping) and isinstance(x.get("text"), str) for x in inputs)
    if not good or not inputs:
        hint = "give `lines` as [{ speaker, text }] and `voices` as { speaker = voice }"
        raise NodeError("the dialogue has no lines that can be spoken", hint=hint)
    silent = next((line for line in inputs if not (line.get("voice_id") or line.get("voice"))), None)
    if silent is not None:
        who = words(silent.get("speaker"), 80)
        raise NodeError(f"the speaker {who!r} has no voice", hint="name a voice for every speaker in `voices`")
    return [dict(line) for line in inputs]


async def poll(client: Any, call: Call, handle: Handle) -> Waiting | Result | Failure:
    """Ask once how a job stands. Raises the SDK's errors."""
    ids = {name: identifier(value) for name, value in handle.ids.items()}
    if "history_item_id" in ids:
        return await _history_item(client, call, ids["history_item_id"])
    if "project_id" in ids:
        return await _project(client, ids)
    if "dubbing_id" in ids:
        return await _dub(client, call, ids["dubbing_id"])
    flow = client.flows.image if call.operation == "flows.image" else client.flows.video
    return _generated(await flow.get(ids["id"], request_options=_NO_RETRY))


async def find(client: Any, call: Call, voice_ids: Sequence[str], since_ms: int, until_ms: int) -> list[Listed]:
    """Return the jobs of a time that could be this call. `voice_ids`: of the call's voices, in their order."""
    if call.operation in _SOURCES:
        return await _in_history(client, call, voice_ids, since_ms, until_ms)
    if call.operation == "dubbing":
        return await _marked(client, call, since_ms)
    return []


async def _history_item(client: Any, call: Call, item_id: str) -> Result:
    item = await client.history.get(item_id, request_options=_NO_RETRY)
    form = str(item.output_format or call.fields.get("output_format") or "mp3_44100_128")
    # Recordings are small; as bytes they go the same way as those of an answer, header of a WAV file included.
    data = b"".join([chunk async for chunk in client.history.get_audio(item_id, request_options=_NO_RETRY)])
    if not data:
        raise ProviderError("ElevenLabs keeps a recording of no bytes", facts=[("history item", item_id)])
    alignment: list[dict[str, Any]] = []
    if item.alignments is not None:
        alignment = aligned(_plain(item.alignments.alignment), directed=directed(call.model))
    cost = cost_of(item)
    part = Part(
        data=playable(data, form),
        media_type=media_type_of(form) or str(item.content_type or ""),
        facts={"alignment": alignment} if alignment else {},
    )
    return Result(part, cost, {"request_id": item.request_id} if item.request_id else {})


def cost_of(item: Any) -> Cost:
    """Return what an entry of the history cost: by how much the account's count rose."""
    return metered(item.character_count_change_to - item.character_count_change_from, CREDIT)


async def told(client: Any, call: Call, ids: Mapping[str, str], at_ms: int) -> Cost:
    """Return what the history says that a call cost; nothing of what is in no history. Raises the SDK's errors."""
    if "history_item_id" in ids:
        return cost_of(await client.history.get(identifier(ids["history_item_id"]), request_options=_NO_RETRY))
    source, request_id = _SOURCES.get(call.operation), ids.get("request-id")
    after: str | None = None
    for _ in range(_PAGES_MAX if source and request_id else 0):
        page = await client.history.list(
            page_size=1000, start_after_history_item_id=after, date_after_unix=(at_ms - _ABOUT_MS) // 1000,
            date_before_unix=(at_ms + _ABOUT_MS) // 1000, source=source, request_options=_NO_RETRY,
        )  # fmt: skip
        found = next((item for item in page.history if item.request_id == request_id), None)
        if found is not None:
            return cost_of(found)
        after = page.last_history_item_id
        if not page.has_more or not after:
            break
    return Cost()


def _plain(model: Any) -> Any:
    return {name: getattr(model, name, None) for name in (
        "characters", "character_start_times_seconds", "character_end_times_seconds",
    )}  # fmt: skip


def _generated(answer: Any) -> Waiting | Result | Failure:
    status = answer.status
    if status == "completed":
        return Result(Part(url=str(answer.content_url), media_type=str(answer.content_mime_type or "")))
    if status == "failed":
        reason = str(answer.failure_reason)
        what = _FLOW_FAILURES.get(reason, ErrorClass.UNKNOWN)
        # Failed generations are not charged; a reason that nobody has described might be.
        billed = False if reason in _FLOW_FAILURES else None
        text = words(f"ElevenLabs: {reason}: {answer.error_message}")
        return Failure(what, text, billed, None, {"failure_reason": words(reason, 80)})
    if status in ("pending", "generating"):
        return Waiting("in queue" if status == "pending" else "generating")
    raise ProviderError("ElevenLabs answered with a state that is not known", facts=[("status", words(status, 80))])


async def _project(client: Any, ids: Mapping[str, str]) -> Waiting | Result | Failure:
    language_id = ids.get("language_id")
    if language_id is None:
        project = await client.dubbing.project.get(ids["project_id"], request_options=_NO_RETRY)
        if project.status == "failed":
            return _dub_failure(project.error)
        if not project.language_ids:
            return Waiting("preparing")
        language_id = identifier(project.language_ids[0])
    target = await client.dubbing.project.language.get(ids["project_id"], language_id, request_options=_NO_RETRY)
    if target.status == "failed":
        return _dub_failure(target.error)
    url = target.outputs.lossless_audio if target.outputs else None
    if target.status in ("completed", "stale") and url:
        return Result(Part(url=str(url), media_type="audio/flac"))
    return Waiting("in queue" if target.status == "queued" else "dubbing")


def _dub_failure(error: Any) -> Failure:
    code = str(getattr(error, "code", None) or "failed")
    text = words(f"ElevenLabs: {code}: {getattr(error, 'message', None) or 'the dub failed'}")
    what = ErrorClass.TRANSIENT if getattr(error, "retryable", False) else ErrorClass.INVALID
    # Creating a project charges at least one language, and no page says that a failed one is given back.
    return Failure(what, text, None, None, {"code": words(code, 80)})


async def _dub(client: Any, call: Call, dubbing_id: str) -> Waiting | Result | Failure:
    dub = await client.dubbing.get(dubbing_id, request_options=_NO_RETRY)
    if dub.status == "dubbed":
        language = str(call.fields.get("target_lang") or next(iter(dub.target_languages), ""))
        media_type = str(getattr(dub.media_metadata, "content_type", "") or "")
        path = f"v1/dubbing/{dubbing_id}/audio/{identifier(language)}"
        return Result(Part(path=path, media_type=media_type))
    if dub.status == "failed":
        return Failure(ErrorClass.UNKNOWN, words(f"ElevenLabs: {dub.error or 'the dub failed'}"), None)
    return Waiting("dubbing")


async def _in_history(client: Any, call: Call, voice_ids: Sequence[str], since_ms: int, until_ms: int) -> list[Listed]:
    listed: list[Listed] = []
    after: str | None = None
    for _ in range(_PAGES_MAX):
        page = await client.history.list(
            page_size=1000,
            start_after_history_item_id=after,
            date_after_unix=since_ms // 1000,
            date_before_unix=until_ms // 1000 + 1,
            source=_SOURCES[call.operation],
            request_options=_NO_RETRY,
        )
        listed += [
            Listed(Handle(_entry_ids(item)), item.date_unix * 1000, exact=False)
            for item in page.history
            if since_ms // 1000 <= item.date_unix <= until_ms // 1000 and _could_be(call, voice_ids, item)
        ]
        after = page.last_history_item_id
        if not page.has_more or not after:
            return listed or await _none_but_kept(client, call)
    raise ProviderError("ElevenLabs' history of that time has no end: the call cannot be told apart")


def _entry_ids(item: Any) -> dict[str, str]:
    """Return an entry's id, and that of its request: an answer's header `request-id` tells whose entry it is already."""
    ids = {"history_item_id": identifier(item.history_item_id)}
    return ids | ({"request_id": identifier(item.request_id)} if item.request_id else {})


async def _none_but_kept(client: Any, call: Call) -> list[Listed]:
    """Return that there is no entry, where an entry would have been made. Raises NoHistory."""
    if call.fields.get("enable_logging") is False:
        raise NoHistory("ElevenLabs keeps no history of a call with enable_logging = false")
    page = await client.history.list(page_size=1, request_options=_NO_RETRY)
    if not page.history:
        raise NoHistory("ElevenLabs shows no history of this account: it may keep none")
    return []


def _could_be(call: Call, voice_ids: Sequence[str], item: Any) -> bool:
    """Tell whether an entry agrees with the call in all that both of them say."""
    if item.model_id is not None and item.model_id != call.model:
        return False
    form = call.fields.get("output_format")
    if form and item.output_format and form != item.output_format:
        return False
    if call.operation == "dialogue":
        lines = [(line.voice_id, _said(line.text)) for line in item.dialogue or []]
        texts = [_said(line["text"]) for line in lines_of(call)]
        return lines == list(zip(voice_ids, texts, strict=False))
    if item.voice_id != voice_ids[0]:
        return False
    return call.operation == "convert" or (
        _said(item.text) == _said(call.fields.get("text")) and _settings_agree(call, item)
    )


def _said(text: Any) -> str:
    return " ".join(str(text or "").split())


def _settings_agree(call: Call, item: Any) -> bool:
    kept = item.settings if isinstance(item.settings, Mapping) else {}
    for name, value in dict(call.fields.get("voice_settings") or {}).items():
        other = kept.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isinstance(other, (int, float)):
            continue
        if abs(value - other) > 1e-3:
            return False
    return True


async def _marked(client: Any, call: Call, since_ms: int) -> list[Listed]:
    """Return the dubs that carry our marker: a project's `reference`, an older dub's `name`."""
    project = call.model.startswith("dubbing_v")
    listed: list[Listed] = []
    cursor: str | None = None
    for _ in range(_PAGES_MAX):
        if project:
            page = await client.dubbing.project.list(cursor=cursor, page_size=100, request_options=_NO_RETRY)
            rows = [(row.reference, {"project_id": row.project_id}, row.created_at) for row in page.projects]
        else:
            page = await client.dubbing.list(cursor=cursor, page_size=100, request_options=_NO_RETRY)
            rows = [(row.name, {"dubbing_id": row.dubbing_id}, row.created_at) for row in page.dubs]
        for mark, ids, created in rows:
            if mark == call.marker:
                at_ms = _ms(created)
                listed.append(Listed(Handle({k: identifier(v) for k, v in ids.items()}), at_ms, exact=True))
        cursor = page.next_cursor
        more = getattr(page, "has_more", None)
        # Newest first: what is older than the call need not be looked through.
        if listed or more is False or not cursor or (rows and _ms(rows[-1][2]) < since_ms):
            return listed
    return listed


def _ms(when: datetime | Any) -> int:
    if not isinstance(when, datetime):
        raise ProviderError("ElevenLabs lists a dub without a time")
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
