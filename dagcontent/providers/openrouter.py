"""Calls to OpenRouter into requests of OpenAI's package, through the gate. Knows no budget, key, graph or store.

Answers are read by `openrouter_answers`, messages are made by `chat`. Files go inline, as data URLs: there is no upload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers import openrouter_answers as answers
from dagcontent.providers.answers import words
from dagcontent.providers.chat import MESSAGE_PARAMS, Asked, asked, chat_format, chat_messages
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.inline import data_url
from dagcontent.providers.once import Gates
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
)
from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["DEFAULT_BASE", "OPERATIONS", "adapter"]

DEFAULT_BASE: Final = "https://openrouter.ai/api/v1"
_COST: Final = "usage.cost of the answer, in dollars, exact"
_LOST: Final = (
    "the answer is lost: OpenRouter tells what a request cost, by an id that came with it, and never what it said; "
    "a person decides whether it is paid for again"
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        Operation("chat", Recovery.ASK, False, "", _COST, _LOST),
        Operation("chat.image", Recovery.ASK, False, "", _COST, _LOST),
        Operation(
            "videos", Recovery.ASK, True, "", _COST,
            "there is no list of jobs: a job whose id was lost is looked up by a person, who decides",
            Bounds(poll_s=3.0, poll_most_s=30.0),
        ),
    )
}  # fmt: skip

_FRAMES: Final = {
    "start_image": "first_frame", "first_frame": "first_frame", "end_image": "last_frame", "last_frame": "last_frame",
}  # fmt: skip
_SHAPE: Final = ("aspect_ratio", "image_size")


def adapter(config: ProviderConfig, gates: Gates) -> OpenRouter:
    """Return the adapter of one build. Raises ImportError if the package is not installed."""
    return OpenRouter(config, gates)


class OpenRouter:
    """See `port.Adapter`."""

    name = "openrouter"
    operations = OPERATIONS
    result_hosts: Sequence[str] = ()

    def __init__(self, config: ProviderConfig, gates: Gates) -> None:
        import httpx2  # noqa: PLC0415 - heavy, and only for those who use this provider
        from openai import AsyncOpenAI  # noqa: PLC0415 - heavier still

        timeout = httpx2.Timeout(config.bounded(Bounds()).answer_s, connect=30.0, pool=None)
        self._poll_timeout = httpx2.Timeout(60.0, connect=30.0, pool=None)
        self._http = httpx2.AsyncClient(transport=gates.httpx2, timeout=timeout, follow_redirects=False)
        self._client: AsyncOpenAI = AsyncOpenAI(
            base_url=config.base(DEFAULT_BASE),
            # Never empty: the package would look into the environment.
            api_key=config.secret(DEFAULT_BASE) or "none",
            timeout=timeout,
            max_retries=0,
            http_client=self._http,
        )
        # The package takes these from the environment, where they are meant for OpenAI and perhaps hold its keys.
        self._client.organization = self._client.project = None
        headers = {"X-Title": "dagcontent", "Accept-Encoding": "identity", **config.headers}
        self._client._custom_headers = headers  # noqa: SLF001 - an argument is merged with the environment's

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return the request's body, files inline."""
        if call.operation == "videos":
            return _video(call, files)
        if call.operation == "chat.image":
            return _image(call, files)
        if call.operation != "chat":
            hint = f"there are {', '.join(OPERATIONS)}"
            raise NodeError(f"OpenRouter has no operation {call.operation!r}", hint=hint)
        body = {
            "model": call.model,
            "messages": chat_messages(asked(call, files)),
            **_inline({n: v for n, v in call.fields.items() if n not in MESSAGE_PARAMS and v is not None}, files),
        }
        form = chat_format(call)
        if form is not None:
            # Without it a host that knows no schema leaves the schema out, silently.
            body["response_format"] = form
            body["provider"] = {**dict(body.get("provider") or {}), "require_parameters": True}
        return body

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Send one POST and read its answer to the end. Raises the package's and the HTTP library's errors."""
        path = "/videos" if call.operation == "videos" else "/chat/completions"
        await self._client.post(path, body=dict(payload), cast_to=object)

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Say what an answer means."""
        return answers.read(call, answer)

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask once how a video stands."""
        del call
        import openai  # noqa: PLC0415 - loaded with the adapter

        try:
            data = await self._got(f"/videos/{answers.identifier(handle.ids.get('video'))}")
        except openai.NotFoundError as error:
            failure = self.fault(error)
            message = failure.message if failure is not None else "the job is not known"
            return Failure(ErrorClass.GONE, message, None)
        return answers.read_video(data)

    async def cost_later(self, call: Call, ids: Mapping[str, str], at_ms: int) -> Cost:
        """Return what a generation, or a video, has cost by now."""
        del at_ms
        video = call.operation == "videos"
        id_ = ids.get("video" if video else "x-generation-id")
        if id_ is None:
            return Cost()
        path = f"/videos/{answers.identifier(id_)}" if video else f"/generation?id={answers.identifier(id_)}"
        return answers.spent_later(await self._got(path)) or Cost()

    async def _got(self, path: str) -> Any:
        """Return the JSON of a GET. Raises the package's errors, ProviderError for what cannot be read."""
        try:
            return await self._client.get(path, cast_to=object, options={"timeout": self._poll_timeout})
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                raise
            text = f"OpenRouter answered with what cannot be read: {type(error).__name__}: {words(error, 200)}"
            raise ProviderError(text) from error

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return nothing: there are no lists."""
        del call, payload_digest, since_ms, until_ms
        return []

    def fault(self, error: BaseException) -> Failure | None:
        """Say what an exception of a GET or of `prepare` means; None if it is not one of this vendor's."""
        import httpx2  # noqa: PLC0415 - loaded with the adapter
        import openai  # noqa: PLC0415 - loaded with the adapter

        if isinstance(error, openai.APIStatusError):
            body = error.body
            # The package unwraps {"error": ...}.
            whole = json.dumps({"error": body} if isinstance(body, dict) else body, default=str).encode()
            return answers.refusal(Answer(error.status_code, dict(error.response.headers), whole))
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
            cause = error.__cause__ or error
            return Failure(ErrorClass.TRANSIENT, words(f"OpenRouter: {type(cause).__name__}: {cause}"), None)
        if isinstance(error, openai.APIResponseValidationError | json.JSONDecodeError):
            return Failure(ErrorClass.TRANSIENT, "OpenRouter answered with what is no JSON", None)
        return None

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()


def _image(call: Call, files: Files) -> dict[str, Any]:
    """Return the request for a picture: a chat whose model may answer with one."""
    params = call.params
    prompt = str(params.get("prompt") or "")
    if not prompt.strip():
        raise NodeError("a picture needs words", hint="give `prompt`")
    blobs = [value for name in ("image", "images") for value in _blobs(params.get(name))]
    given = Asked("", prompt, tuple((files.read(blob), blob.media_type) for blob in blobs))
    fields = {n: v for n, v in call.fields.items() if n not in MESSAGE_PARAMS and v is not None}
    shape = {name: fields.pop(name) for name in _SHAPE if name in fields} | dict(fields.pop("image_config", None) or {})
    body = {
        "model": call.model, "messages": chat_messages(given), "modalities": ["image", "text"], **_inline(fields, files),
    }  # fmt: skip
    return body | ({"image_config": shape} if shape else {})


def _video(call: Call, files: Files) -> dict[str, Any]:
    """Return the request for a video: frames and references in the vendor's form, whatever they are called here."""
    fields = {name: value for name, value in call.fields.items() if value is not None}
    frames = [
        {**_picture(blob, files), "frame_type": frame}
        for name, frame in _FRAMES.items()
        for blob in _blobs(fields.pop(name, None))
    ]
    references = [_picture(blob, files) for blob in _blobs(fields.pop("images", None))]
    body = {"model": call.model, **_inline(fields, files)}
    if isinstance(body.get("duration"), float):
        body["duration"] = round(body["duration"])
    if frames:
        body["frame_images"] = [*body.get("frame_images", []), *frames]
    if references:
        body["input_references"] = [*body.get("input_references", []), *references]
    return body


def _picture(blob: Blob, files: Files) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(files.read(blob), blob.media_type)}}


def _inline(value: Any, files: Files) -> Any:
    """Return a value with every file in it as a data URL."""
    if isinstance(value, Blob):
        return data_url(files.read(value), value.media_type)
    if isinstance(value, Mapping):
        return {name: _inline(item, files) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_inline(item, files) for item in value]
    return value


def _blobs(value: Any) -> list[Blob]:
    return [item for item in (value if isinstance(value, list | tuple) else [value]) if isinstance(item, Blob)]
