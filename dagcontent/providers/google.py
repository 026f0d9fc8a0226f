"""Calls to Google into requests of its own package, through the gate. Knows no budget, key, graph or store.

What is sent is made by `google_requests`, answers are read by `google_answers`, jobs by `google_jobs`, and who may ask
Vertex is known to `google_login`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers import google_requests as requests
from dagcontent.providers.answers import instant_ms, json_of, words
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.google_answers import identifier, operation_name, read, refusal
from dagcontent.providers.google_jobs import interaction, operation
from dagcontent.providers.google_login import Login
from dagcontent.providers.once import Gates, free_requests
from dagcontent.providers.port import (
    Answer,
    Bounds,
    Call,
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
    from google.auth.credentials import Credentials

__all__ = ["DEFAULT_BASE", "OPERATIONS", "adapter"]

DEFAULT_BASE: Final = "https://generativelanguage.googleapis.com"
_VERSION: Final = "v1"
_VERTEX_VERSION: Final = "v1"
_LOCATION: Final = "us-central1"
_INLINE_BYTES_MAX: Final = 14 << 20
"""Of all files of a request together; base64 makes a third more of them, and Google takes 20 MB."""
_UPLOAD_BYTES_MAX: Final = 2 << 30
_EARLY_MS: Final = 3_600_000
"""A file is not used in the last hour that it is kept."""
_READY_TRIES: Final = 120
_INTERACTION: Final = frozenset({
    "model", "input", "response_format", "generation_config", "background", "store", "system_instruction", "service_tier",
})  # fmt: skip
"""What is given to the package by name; all else goes along as it is, for Google to refuse."""

_TOKENS: Final = "usage of the answer, in tokens"
_LOST: Final = "the answer is lost and nothing at Google names it; a person decides whether it is paid for again"
_UNLISTED: Final = "until its id is here nothing can find it, because Google lists none: a person decides; with its id it is asked for by it"
_JOB: Final = Bounds(poll_s=2.0, poll_most_s=20.0)

OPERATIONS: Final[Mapping[str, Operation]] = {
    operation_.name: operation_
    for operation_ in (
        Operation("generate", Recovery.ASK, False, "", _TOKENS, _LOST),
        Operation("generate.image", Recovery.ASK, False, "", _TOKENS, _LOST),
        Operation("generate.speech", Recovery.ASK, False, "", _TOKENS, _LOST),
        Operation("generate.transcribe", Recovery.ASK, False, "", _TOKENS, _LOST),
        Operation("interactions.video", Recovery.ASK, True, "", "usage of the interaction, in tokens", _UNLISTED, _JOB),
        Operation("vertex.video", Recovery.ASK, True, "", "not reported: seconds times price", _UNLISTED, _JOB),
    )
}


def adapter(config: ProviderConfig, gates: Gates) -> Google:
    """Return the adapter of one build. Raises ImportError if the package is not installed."""
    return Google(config, gates)


class Google:
    """See `port.Adapter`. `credentials` are for Vertex; None: those of this machine, looked for when first needed."""

    name = "google"
    result_hosts: Sequence[str] = ("storage.googleapis.com",)

    def __init__(self, config: ProviderConfig, gates: Gates, credentials: Credentials | None = None) -> None:
        import httpx2  # noqa: PLC0415 - heavy, and only for those who use this provider
        from google import genai  # noqa: PLC0415 - heavier still

        self._genai: Any = genai
        self._config = config
        self._version = config.api_version or _VERSION
        self.operations: Mapping[str, Operation] = {
            name: msgspec.structs.replace(one, bounds=config.bounded(one.bounds)) for name, one in OPERATIONS.items()
        }
        self._bounds = config.bounded(Bounds())
        timeout = httpx2.Timeout(self._bounds.answer_s, connect=30.0, pool=None)
        self._http = httpx2.AsyncClient(transport=gates.httpx2, timeout=timeout)
        # With both clients given the package makes none of its own, which would look into the environment and at the disk.
        self._sync = httpx2.Client(transport=_no_sync_road(httpx2))
        # A key is given even where there is none: the package would look into the environment.
        self._client = self._made(
            config.base(DEFAULT_BASE), self._version, vertexai=False, api_key=config.secret(DEFAULT_BASE) or "none"
        )
        self._login = Login(config, self._http, credentials)
        self._vertex: Any = None
        self._vertex_base = ""

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return what is sent: model and parts, or an interaction's body, or a film's source; files within it, or uploaded."""
        if call.operation not in OPERATIONS:
            raise NodeError(f"Google has no operation {call.operation!r}", hint=f"there are {', '.join(OPERATIONS)}")
        blobs = requests.blobs_of([dict(call.params), dict(call.fields)])
        if call.operation == "vertex.video":
            await self._vertex_client()  # a login that fails must fail before the intent
            return requests.film(call, {blob.digest: _inline(blob, files) for blob in blobs})
        together = sum(blob.size_bytes for blob in blobs)
        given = {
            blob.digest: _inline(blob, files) if together <= _INLINE_BYTES_MAX else await self._uploaded(blob, files)
            for blob in blobs
        }
        if call.operation == "interactions.video":
            return requests.interaction(call, given)
        return requests.generated(call, given)

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Send one POST and read its answer to the end. Raises the package's and the HTTP library's errors.

        Raises NodeError for what the package will not send; after the POST, for what it cannot parse.
        """
        try:
            await self._sent(call, payload)
        except (ValueError, TypeError) as error:
            text = f"Google's package does not take this: {words(error, 300)}"
            raise NodeError(text, hint="correct `options`") from error

    async def _sent(self, call: Call, payload: Mapping[str, Any]) -> None:
        types = self._genai.types
        if call.operation == "interactions.video":
            known = {name: value for name, value in payload.items() if name in _INTERACTION}
            further = {name: value for name, value in payload.items() if name not in _INTERACTION}
            await self._client.interactions.create(**known, extra_body=further or None)
        elif call.operation == "vertex.video":
            client = await self._vertex_client()
            await client.models.generate_videos(
                model=payload["model"],
                source=types.GenerateVideosSource(**payload["source"]),
                config=self._configured(types.GenerateVideosConfig, payload["config"], "parameters"),
            )
        else:
            # One request is one POST: no tool is called here, and no answer is gone on with.
            once = {"automatic_function_calling": {"disable": True}, "automatic_continuation": False}
            await self._client.models.generate_content(
                model=payload["model"],
                contents=[{"role": "user", "parts": list(payload["parts"])}],
                config=self._configured(types.GenerateContentConfig, payload["config"], "generationConfig", **once),
            )

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Say what an answer means."""
        return read(call, answer)

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask once how a job stands. Vertex is asked by a POST, which costs nothing."""
        try:
            if call.operation == "vertex.video":
                return await self._poll_vertex(handle)
            name = identifier(handle.ids.get("interaction"))
            raw = await self._client.interactions.with_raw_response.get(id=name)
            answer = _answer(raw.http_response)
            return interaction(json_of(answer, "Google"), self._version)
        except Exception as error:
            failure = self.fault(error)
            if failure is not None and failure.error_class is ErrorClass.NOT_FOUND:
                return Failure(ErrorClass.GONE, failure.message, None, None, failure.answer)
            raise _understood(error) from error

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return nothing: Google lists neither contents nor interactions nor operations of models."""
        del call, payload_digest, since_ms, until_ms
        return []

    def fault(self, error: BaseException) -> Failure | None:
        """Say what an exception of a poll or of `prepare` means; None if it is not one of this vendor's."""
        import httpx2  # noqa: PLC0415 - loaded with the adapter
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - loaded with the package

        response = getattr(error, "response", None)
        if isinstance(response, httpx2.Response) and not response.is_success:
            return refusal(_answer(response))
        if isinstance(error, httpx2.RequestError) or _unreached(error):
            return Failure(ErrorClass.TRANSIENT, words(f"Google: {type(error).__name__}: {error}"), None)
        if isinstance(error, GoogleAuthError):
            return Failure(ErrorClass.AUTH, words(f"Google: {error}"), False)
        return None

    async def close(self) -> None:
        """Close connections."""
        self._sync.close()
        await self._http.aclose()

    def _made(self, base: str, version: str, **who: Any) -> Any:
        from google.genai.client import DebugConfig  # noqa: PLC0415 - loaded with the package

        types = self._genai.types
        options = types.HttpOptions(
            base_url=base,
            api_version=version,
            headers=dict(self._config.headers),
            timeout=round(self._bounds.answer_s * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_client=self._sync,
            httpx_async_client=self._http,
        )
        # By default this, too, comes from the environment, and answers from files in the place of Google.
        debug = DebugConfig(client_mode=None, replays_directory=None, replay_id=None)
        return self._genai.Client(http_options=options, debug_config=debug, **who).aio

    def _configured(self, kind: Any, config: Mapping[str, Any], place: str, **own: Any) -> Any:
        """Return the package's configuration. What it does not know is Google's to refuse: it may be newer than the package."""
        known = {name: value for name, value in config.items() if name in kind.model_fields}
        further = {name: value for name, value in config.items() if name not in kind.model_fields}
        if further:
            own["http_options"] = self._genai.types.HttpOptions(extra_body={place: further})
        return kind(**{**known, **own})

    async def _vertex_client(self) -> Any:
        """Return the client for Vertex, logged in for the next minutes."""
        credentials = await self._login.fresh()
        if self._vertex is None:
            config = self._config
            project, location = config.project or self._login.project, config.location or _LOCATION
            if not project:
                raise NodeError("Vertex needs a project", hint='set project = "..." under [provider.google]')
            self._vertex_base = config.base(f"https://{_vertex_host(location)}")
            self._vertex = self._made(
                self._vertex_base, _VERTEX_VERSION,
                vertexai=True, credentials=credentials, project=project, location=location,
            )  # fmt: skip
        return self._vertex

    async def _poll_vertex(self, handle: Handle) -> Waiting | Result | Failure:
        name = operation_name(handle.ids.get("operation"))
        await self._vertex_client()
        resource = name.partition("/operations/")[0]
        with free_requests():
            # Asked by hand with the package's login and address: its own parser makes another, larger copy of the film.
            response = await self._http.post(
                f"{self._vertex_base}/{_VERTEX_VERSION}/{resource}:fetchPredictOperation",
                json={"operationName": name},
                headers={**self._config.headers, **await self._login.headers()},
            )
        response.raise_for_status()
        return operation(json_of(_answer(response), "Google"))

    async def _uploaded(self, blob: Blob, files: Files) -> requests.Given:
        if blob.size_bytes > _UPLOAD_BYTES_MAX:
            raise NodeError(
                f"a file of {blob.size_bytes} bytes is too large for Google", hint="make it smaller than 2 GiB"
            )
        return requests.Given(blob.media_type, uri=await files.uploaded(blob, self._upload))

    async def _upload(self, data: bytes, media_type: str) -> tuple[str, int]:
        """Keep a file at Google for two days, and wait until it can be used."""
        types = self._genai.types
        # The address of the second request comes with the first one's answer; the package puts our own host into it.
        options = types.HttpOptions(base_url=self._config.base(DEFAULT_BASE))
        with free_requests():
            file = await self._client.files.upload(
                file=io.BytesIO(data), config=types.UploadFileConfig(mime_type=media_type, http_options=options)
            )
        pause = self._bounds.poll_s
        for _ in range(_READY_TRIES):
            if file.state is None or file.state.name != "PROCESSING":
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._bounds.poll_most_s)
            file = await self._client.files.get(name=file.name)
        if not file.uri or (file.state is not None and file.state.name != "ACTIVE"):
            state = file.state.name if file.state is not None else "nowhere"
            raise ProviderError("Google took a file that it cannot use", facts=[("state", words(state, 40))])
        until = instant_ms(file.expiration_time.isoformat()) if file.expiration_time is not None else None
        return str(file.uri), 0 if until is None else until - _EARLY_MS


def _inline(blob: Blob, files: Files) -> requests.Given:
    return requests.Given(blob.media_type, files.read(blob))


def _vertex_host(location: str) -> str:
    if location in ("us", "eu"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"


def _no_sync_road(lib: Any) -> Any:
    def refuse(request: Any) -> Any:
        raise RuntimeError(f"{request.method} to {request.url.host}: nothing is sent past the gate")

    return lib.MockTransport(refuse)


def _answer(response: Any) -> Answer:
    return Answer(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )


def _unreached(error: BaseException) -> bool:
    """Tell whether it is the interactions' own word for a connection that failed."""
    return type(error).__name__ in ("APIConnectionError", "APITimeoutError") and type(error).__module__.startswith(
        "google.genai"
    )


def _understood(error: Exception) -> Exception:
    """Return an error as it is, or as the answer that no code of ours expected."""
    if isinstance(error, AttributeError | TypeError | ValueError | KeyError | RecursionError):
        return ProviderError(f"Google answered with what cannot be read: {type(error).__name__}: {words(error, 200)}")
    return error
