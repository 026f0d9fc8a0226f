"""One call into one request of OpenAI's SDK, and ids into what became of them. Knows no price and no store.

The SDK writes requests and is not asked what it makes of their answers: those are read as bytes, now or after a crash.
Text goes through Chat Completions because only those can be stored with a mark of ours, and be found by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers import openai_payload as payloads
from dagcontent.providers.answers import ListInDoubt, json_of, json_or_none, table, words
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates
from dagcontent.providers.openai_answers import ID, VENDOR, read, read_response, refusal
from dagcontent.providers.port import (
    Adapter,
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

__all__ = ["OPERATIONS", "adapter"]

_BASE: Final = "https://api.openai.com/v1"
_MOST_BYTES: Final = 256 << 20
_MOST_PAGES: Final = 20
_PAGE: Final = 100
_SKEW_MS: Final = 60_000
"""How far apart OpenAI's clock and ours may be."""

_LOST: Final = "OpenAI keeps no list of these: if the answer is lost, a person decides"
_ID_LOST: Final = "the job is found by its id; if that is lost with the answer to the request, a person decides"
_TOKENS: Final = "tokens of the answer's usage, times their prices"
_LONG: Final = Bounds(poll_s=1.0, answer_s=600.0)

OPERATIONS: Final[Mapping[str, Operation]] = {
    name: Operation(name, recovery, handle, marker, cost, window, bounds)
    for name, recovery, handle, marker, cost, window, bounds in (
        (
            "chat", Recovery.EXACT, False, "metadata.dagcontent", _TOKENS,
            "stored completions are asked for the one with our mark; an account that stores none is left to a person",
            # A completion is stored when it is finished, however long that takes.
            Bounds(inflight_s=900.0, list_lag_s=60.0, answer_s=600.0),
        ),
        ("responses", Recovery.ASK, True, "metadata.dagcontent", _TOKENS, _ID_LOST, _LONG),
        ("responses.image", Recovery.ASK, True, "metadata.dagcontent", _TOKENS, _ID_LOST, _LONG),
        ("images.generate", Recovery.ASK, False, "", _TOKENS, _LOST, _LONG),
        ("images.edit", Recovery.ASK, False, "", _TOKENS, _LOST, _LONG),
        ("speech", Recovery.ASK, False, "", "characters, times their price", _LOST, _LONG),
        ("transcriptions", Recovery.ASK, False, "", "seconds or tokens of the answer's usage", _LOST, _LONG),
    )
}  # fmt: skip


def adapter(config: ProviderConfig, gates: Gates) -> Adapter:
    """Return OpenAI's adapter. Raises ImportError if its SDK is not there."""
    return _OpenAI(config, gates)


class _OpenAI:
    name = "openai"
    result_hosts: Sequence[str] = ()  # every artifact comes within an answer

    def __init__(self, config: ProviderConfig, gates: Gates) -> None:
        import httpx2  # noqa: PLC0415 - heavy, and only for graphs that use OpenAI
        import openai  # noqa: PLC0415 - as above

        self._lib = httpx2
        self._sdk = openai
        self.operations: Mapping[str, Operation] = {
            name: msgspec.structs.replace(one, bounds=config.bounded(one.bounds)) for name, one in OPERATIONS.items()
        }
        longest = max(one.bounds.answer_s for one in self.operations.values())
        timeout = httpx2.Timeout(longest, connect=30.0)
        http = httpx2.AsyncClient(transport=gates.httpx2, follow_redirects=False, timeout=timeout)
        headers = {"Accept-Encoding": "identity", **config.headers}
        # Typed loosely: requests are made of tables, and the SDK's types name every field.
        self._client: Any = openai.AsyncOpenAI(
            api_key=config.secret(_BASE) or "none",
            base_url=config.base(_BASE),
            max_retries=0,
            timeout=timeout,
            default_headers=headers,
            http_client=http,
        )
        # The SDK takes these from the environment; here they are headers of the configuration, or nothing.
        self._client.organization = None
        self._client.project = None
        self._client._custom_headers = headers  # noqa: SLF001 - no argument keeps OPENAI_CUSTOM_HEADERS out

    async def prepare(self, call: Call, files: Files) -> Mapping[str, Any]:
        """Return the request; files are within it, as bytes or as data URLs."""
        if call.operation not in self.operations:
            raise NodeError(f"OpenAI has no operation {call.operation}", hint="dagcontent models --provider openai")
        return payloads.payload(call, files)

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        """Send one request, and read its answer to the end without looking at it."""
        client, fields = self._client, dict(payload)
        named: tuple[str, ...]
        match call.operation:
            case "chat":
                method, named = client.chat.completions, ("model", "messages")
            case "responses" | "responses.image":
                method, named = client.responses, ("model", "input")
            case "images.generate" | "images.edit":
                method, named = client.images, ("model", "prompt", "image", "mask")
            case "speech":
                method, named = client.audio.speech, ("model", "input", "voice")
            case _:
                method, named = client.audio.transcriptions, ("model", "file")
        method = method.with_streaming_response
        create = {"images.generate": "generate", "images.edit": "edit"}.get(call.operation, "create")
        known = {name: payloads.as_file(fields.pop(name)) for name in named if name in fields}
        async with getattr(method, create)(**known, extra_body=fields or None) as response:
            async for _ in response.iter_bytes():
                pass

    def read(self, call: Call, answer: Answer) -> Outcome:
        """Say what an answer means."""
        return read(call, answer)

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        """Ask how a background response stands, or for a stored completion."""
        name = "completion" if "completion" in handle.ids else "response"
        wanted = handle.ids.get(name, "")
        if not ID.fullmatch(wanted):
            raise ProviderError("a job of OpenAI's cannot be asked for", facts=[("id", words(wanted, 80))])
        resource = self._client.chat.completions if name == "completion" else self._client.responses
        try:
            answer = await self._got(resource.with_streaming_response.retrieve(wanted))
        except self._sdk.NotFoundError as error:
            if isinstance(table(json_or_none(error.response.content)).get("error"), dict):
                return Failure(ErrorClass.GONE, f"OpenAI does not know {wanted} any more", None)
            raise
        return _finished(read(call, answer)) if name == "completion" else read_response(call, answer)

    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        """Return the stored completion with our mark. Raises ProviderError, ListInDoubt, the SDK's errors."""
        del payload_digest, until_ms  # the mark is exact
        if call.operation != "chat":
            return []
        rows = await self._stored({"dagcontent": call.marker}, since_ms - _SKEW_MS)
        found = [row for row in rows if table(row.get("metadata")).get("dagcontent") == call.marker]
        if found:
            return [_listed(row) for row in found]  # the mark is exact, whatever the clocks say
        # Silence proves something only where something of ours is stored: accounts may be set to store nothing.
        others = await self._stored(None, None)
        if not any("dagcontent" in table(row.get("metadata")) for row in others):
            raise ListInDoubt("OpenAI lists no completion of ours at all: the account may store none")
        return []

    def fault(self, error: BaseException) -> Failure | None:
        """Say what went wrong with a GET: nothing of it is billed."""
        if isinstance(error, ListInDoubt):
            return Failure(ErrorClass.GONE, str(error), None)
        if isinstance(error, self._sdk.APIStatusError):
            response = error.response
            said = refusal(Answer(response.status_code, _lower(response.headers), response.content))
            return msgspec.structs.replace(said, billed=False)
        if isinstance(error, self._sdk.APIConnectionError | self._lib.HTTPError):
            text = words(f"{type(error).__name__}: {error.__cause__ or error}")
            return Failure(ErrorClass.TRANSIENT, f"OpenAI could not be reached: {text}", False)
        return None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _stored(self, metadata: Mapping[str, str] | None, since_ms: int | None) -> list[dict[str, Any]]:
        """Return stored completions, newest first, down to a moment; without one, the newest."""
        query: dict[str, Any] = {"limit": _PAGE, "order": "desc"}
        if metadata is not None:
            query["metadata"] = dict(metadata)
        rows: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            completions = self._client.chat.completions.with_streaming_response
            data = json_of(await self._got(completions.list(**query)), VENDOR)
            page = data.get("data")
            if not isinstance(page, list):
                raise ProviderError("OpenAI's list of completions cannot be read")
            for row in map(table, page):
                if (
                    not ID.fullmatch(str(row.get("id", "")))
                    or not isinstance(row.get("created"), int)
                    or "metadata" not in row
                ):
                    raise ListInDoubt("OpenAI lists a completion without its id, its time or its marks")
                rows.append(row)
            if since_ms is None or not data.get("has_more") or (rows and _created_ms(rows[-1]) < since_ms):
                return rows
            if not page or rows[-1]["id"] == query.get("after"):
                raise ProviderError("OpenAI's list of completions does not come to its end")
            query["after"] = rows[-1]["id"]
        raise ListInDoubt(f"OpenAI's list of completions has more than {_MOST_PAGES} pages")

    async def _got(self, request: Any) -> Answer:
        """Return a GET's whole answer. Raises ProviderError for one that is too large."""
        body = bytearray()
        async with request as response:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ProviderError(f"OpenAI's answer is larger than {_MOST_BYTES >> 20} MiB")
            return Answer(response.status_code, _lower(response.headers), bytes(body))


def _finished(outcome: Outcome) -> Result | Failure:
    if isinstance(outcome, Handle):
        raise ProviderError("OpenAI answered with a job where a completion belongs")
    return outcome


def _created_ms(row: Mapping[str, Any]) -> int:
    return int(row["created"]) * 1000


def _listed(row: Mapping[str, Any]) -> Listed:
    return Listed(Handle({"completion": str(row["id"])}), _created_ms(row), exact=True)


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}
