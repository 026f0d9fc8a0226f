"""Calls to ElevenLabs into requests of its own package, through the gate. Knows no budget, key, graph or store.

Answers are read by `elevenlabs_answers`, jobs and lists by `elevenlabs_jobs`, voices' names by `elevenlabs_voices`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers import elevenlabs_answers as answers
from dagcontent.providers import elevenlabs_jobs as jobs
from dagcontent.providers.answers import words
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.elevenlabs_jobs import NoHistory, lines_of
from dagcontent.providers.elevenlabs_voices import Voices
from dagcontent.providers.inline import file_name
from dagcontent.providers.once import Gates, free_requests
from dagcontent.providers.port import (
    Answer,
    Bounds,
    Call,
    Cost,
    ErrorClass,
    Failure,
    Files,
    Listed,
    Operation,
    Outcome,
    Recovery,
    Result,
    Waiting,
)  # fmt: skip
from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob

__all__ = ["DEFAULT_BASE", "OPERATIONS", "adapter"]

DEFAULT_BASE: Final = "https://api.elevenlabs.io"
_FOREVER_MS: Final = 253_402_300_799_000  # assets stay until they are deleted
_HEADER: Final = "header character-cost, in credits"
_HISTORY: Final = (
    "the history is searched by text, voice, model and time; with none or several entries a person decides. "
    "Accounts that keep no history lose the answer"
)
_LOST: Final = "the answer is lost and nothing at ElevenLabs names it; a person decides whether it is paid for again"
_FLOW_LOST: Final = "the list of generations tells neither inputs nor times, so a person looks it up and decides"
_SPOKEN: Final = Bounds(inflight_s=600.0, list_lag_s=120.0)  # an entry is made when all of it is spoken
_JOB: Final = Bounds(poll_s=2.0, poll_most_s=20.0)

OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        Operation("speech", Recovery.BY_MATCH, False, "", _HEADER, _HISTORY, _SPOKEN),
        Operation("dialogue", Recovery.BY_MATCH, False, "", _HEADER, _HISTORY, _SPOKEN),
        Operation("convert", Recovery.BY_MATCH, False, "", _HEADER, _HISTORY.replace("text, voice", "voice"), _SPOKEN),
        Operation("sound", Recovery.ASK, False, "", _HEADER, _LOST),
        Operation("music", Recovery.ASK, False, "", _HEADER, _LOST),
        Operation("transcribe", Recovery.ASK, False, "", _HEADER, _LOST),
        Operation(
            "dubbing", Recovery.EXACT, True, "reference", "not reported",
            "the dub is found by its reference, or by its name where it is of the older kind", _JOB,
        ),
        Operation("flows.image", Recovery.ASK, True, "", "not reported", _FLOW_LOST, _JOB),
        Operation("flows.video", Recovery.ASK, True, "", "not reported", _FLOW_LOST, _JOB),
    )
}  # fmt: skip

_METHODS: Final = {
    "speech": "text_to_speech.convert_with_timestamps", "dialogue": "text_to_dialogue.convert_with_timestamps",
    "convert": "speech_to_speech.convert", "sound": "text_to_sound_effects.convert", "music": "music.compose",
    "transcribe": "speech_to_text.convert", "flows.image": "flows.image.create", "flows.video": "flows.video.create",
}  # fmt: skip
_STREAMED: Final = frozenset({"convert", "sound", "music"})
_VOICED: Final = frozenset({"speech", "convert"})
_FILES: Final = {"convert": "audio", "transcribe": "file", "dubbing": "file"}
"""What the operation calls its one file, sent in the request itself."""


def adapter(config: ProviderConfig, gates: Gates) -> ElevenLabs:
    """Return the adapter of one build. Raises ImportError if the package is not installed."""
    return ElevenLabs(config, gates)


class ElevenLabs:
    """See `port.Adapter`."""

    name = "elevenlabs"
    operations = OPERATIONS
    result_hosts: Sequence[str] = (".elevenlabs.io", "storage.googleapis.com")

    def __init__(self, config: ProviderConfig, gates: Gates) -> None:
        import httpx  # noqa: PLC0415 - heavy, and only for those who use this provider
        from elevenlabs.client import AsyncElevenLabs  # noqa: PLC0415 - heavier still

        base = config.base(DEFAULT_BASE)
        # One connection may take long to give its answer, none may take long to be made.
        timeout = httpx.Timeout(config.bounded(Bounds()).answer_s, connect=30.0, pool=None)
        self._http = httpx.AsyncClient(transport=gates.httpx, timeout=timeout, headers=dict(config.headers))
        # The key is given even where there is none: the package would look into the environment.
        self._client: Any = AsyncElevenLabs(base_url=base, api_key=config.secret(DEFAULT_BASE), httpx_client=self._http)
        self._options: dict[str, Any] = {"max_retries": 0, "timeout_in_seconds": timeout}
        self._voices = Voices(self._client)

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return the payload: the request's fields by the vendor's names; a file as {name, media_type, data}."""
        if call.operation not in OPERATIONS:
            raise NodeError(
                f"ElevenLabs has no operation {call.operation!r}", hint=f"there are {', '.join(OPERATIONS)}"
            )
        fields = {name: value for name, value in call.fields.items() if value is not None}
        if call.operation.startswith("flows."):
            return {"model_id": call.model, **await self._referenced(fields, files)}
        if call.operation in _VOICED:
            fields["voice_id"] = await self._voices.id_of(_voice_of(fields))
            fields.pop("voice", None)
        if call.operation == "dialogue":
            fields = {name: value for name, value in fields.items() if name not in ("lines", "voices", "gap")}
            fields["inputs"] = [
                {"text": line["text"], "voice_id": await self._voices.id_of(_voice_of(line))} for line in lines_of(call)
            ]
        if call.operation in _FILES:
            fields = _attached(fields, _FILES[call.operation], files)
        if call.operation == "convert" and isinstance(fields.get("voice_settings"), Mapping):
            fields["voice_settings"] = json.dumps(dict(fields["voice_settings"]), sort_keys=True)
        if call.operation == "dubbing":
            return _dub(call, fields)
        return {"model_id": call.model, **fields}

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Send one POST and read its answer to the end. Raises the package's and the HTTP library's errors."""
        if call.operation.startswith("flows."):
            await self._method(call).create(request=dict(payload), request_options=self._options)
            return
        method = self._method(call)
        known = inspect.signature(method).parameters
        given = {name: _form_file(value) for name, value in payload.items() if name in known}
        # What the package does not know is the vendor's to refuse: it may be newer than the package.
        options = {**self._options, "additional_body_parameters": {n: v for n, v in payload.items() if n not in known}}
        if call.operation in _STREAMED:
            async for _ in method(**given, request_options=options):
                pass
        else:
            await method(**given, request_options=options)

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Say what an answer means."""
        return answers.read(call, answer)

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask once how a job stands."""
        try:
            return await jobs.poll(self._client, call, handle)
        except Exception as error:
            failure = self.fault(error)
            if failure is not None and failure.error_class is ErrorClass.NOT_FOUND:
                return _gone(failure)
            raise _understood(error) from error

    async def cost_later(self, call: Call, ids: Mapping[str, str], at_ms: int) -> Cost:
        """Return what the history says that a call cost."""
        try:
            return await jobs.told(self._client, call, ids, at_ms)
        except Exception as error:
            raise _understood(error) from error

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return what the history, or the list of dubs, has of that time that could be this call."""
        del payload_digest  # lists show parts of what was sent, and those are compared one by one
        try:
            voices: list[str] = []
            if call.operation in _VOICED:
                voices = [await self._voices.id_of(_voice_of(call.fields))]
            elif call.operation == "dialogue":
                voices = [await self._voices.id_of(_voice_of(line)) for line in lines_of(call)]
            return await jobs.find(self._client, call, voices, since_ms, until_ms)
        except Exception as error:
            raise _understood(error) from error

    def fault(self, error: BaseException) -> Failure | None:
        """Say what an exception of a GET or of `prepare` means; None if it is not one of this vendor's."""
        import httpx  # noqa: PLC0415 - loaded with the adapter
        from elevenlabs.core.api_error import ApiError  # noqa: PLC0415 - loaded with the adapter

        if isinstance(error, ApiError) and error.status_code is not None:
            body = error.body if isinstance(error.body, str) else json.dumps(error.body, default=str)
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            return answers.refusal(Answer(error.status_code, headers, body.encode("utf-8", "replace")))
        if isinstance(error, NoHistory):
            return Failure(ErrorClass.GONE, str(error), None)
        if isinstance(error, httpx.RequestError):  # a body that is not in the form it says is one, too
            return Failure(ErrorClass.TRANSIENT, words(f"ElevenLabs: {type(error).__name__}: {error}"), None)
        return None

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    def _method(self, call: Call) -> Any:
        if call.operation == "dubbing":
            return self._client.dubbing.project.create if _is_project(call) else self._client.dubbing.create
        found: Any = self._client
        for step in _METHODS[call.operation].removesuffix(".create").split("."):
            found = getattr(found, step)
        return found

    async def _referenced(self, value: Any, files: Files) -> Any:
        """Return a value with every file in it uploaded, and put as a reference to it."""
        if isinstance(value, Blob):
            return {"type": "asset", "asset_id": await files.uploaded(value, self._upload)}
        if isinstance(value, Mapping):
            return {name: await self._referenced(item, files) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [await self._referenced(item, files) for item in value]
        return value

    async def _upload(self, data: bytes, media_type: str) -> tuple[str, int]:
        name = file_name("input", media_type)
        with free_requests():
            asset = await self._client.assets.create(
                asset=(name, data, media_type), name=name, request_options=self._options
            )
        return answers.identifier(str(asset.asset_id)), _FOREVER_MS


def _is_project(call: Call) -> bool:
    """Tell the two kinds of dubbing apart: projects give sound only, the older one gives a film back for a film."""
    return call.model.startswith("dubbing_v")


def _dub(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    if _is_project(call):
        if call.output == "video":
            raise NodeError(
                f"{call.model} gives the sound only, and a film was asked for",
                hint="give its sound as `media` and put them together with video.mux, or take a model that gives films",
            )
        language = fields.pop("target_lang", None)
        fields.setdefault("target_language", language)
        return {"model_id": call.model, **fields, "reference": call.marker}
    return {**fields, "name": call.marker}


def _voice_of(fields: Mapping[str, Any]) -> str:
    voice = fields.get("voice_id") or fields.get("voice")
    if not isinstance(voice, str) or not voice:
        raise NodeError("no voice was given", hint="give `voice`: a name as ElevenLabs shows it, or an id")
    return voice


def _attached(fields: dict[str, Any], name: str, files: Files) -> dict[str, Any]:
    """Return the fields with the one file that is among them under its name, bytes and all."""
    found = [(field, value) for field, value in fields.items() if isinstance(value, Blob)]
    if len(found) != 1:
        raise NodeError(f"the call has {len(found)} files where it takes one", hint="give one recording or film")
    field, blob = found[0]
    rest = {other: value for other, value in fields.items() if other != field}
    file = {"name": file_name("input", blob.media_type), "media_type": blob.media_type, "data": files.read(blob)}
    return {**rest, name: file}


def _form_file(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("data"), bytes):
        return (value["name"], value["data"], value["media_type"])
    return value


def _gone(failure: Failure) -> Failure:
    return Failure(ErrorClass.GONE, failure.message, None, None, failure.answer)


def _understood(error: Exception) -> Exception:
    """Return an error as it is, or as the answer that no code of ours expected: the package does not check what it parses."""
    if isinstance(error, AttributeError | TypeError | ValueError | KeyError | RecursionError):
        return ProviderError(
            f"ElevenLabs answered with what cannot be read: {type(error).__name__}: {words(error, 200)}"
        )
    return error
