"""Four vendors' SDKs, their retries left on, over real sockets: one POST, after its intent, and the phase tells the truth."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest

from dagcontent.providers.once import GateRefused, Gates, Phase, Sending, sending

WAYS = ["whole", "slow", "silent", "drop", "429", "500", "307", "302", "cut"]
TLS_WAYS = ["whole", "silent", "429", "307", "cut"]
SILENT_S = 0.5
PATIENT_S = 30.0


class Seen(msgspec.Struct, frozen=True):
    """What one call came to: at our side and at the vendor's."""

    phase: Phase
    status: int | None
    complete: bool
    error: BaseException | None
    raised: BaseException | None
    body: bytes
    commits: int
    posts: int
    gets: int
    early: int
    connections: int
    head: bytes


Send = Callable[[str, Gates, float], Awaitable[object]]

_IMAGE = {"created": 1, "data": [{"b64_json": base64.b64encode(b"picture").decode()}]}
_CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
}  # fmt: skip
_RESPONSE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "output": [], "status": "completed",
    "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
}  # fmt: skip
_ALIGNED = {"audio_base64": base64.b64encode(b"sound").decode(), "alignment": None, "normalized_alignment": None}
_CONTENT = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}
_INTERACTION = {"id": "i", "status": "completed", "model": "m", "object": "interaction", "outputs": []}
_SUBMITTED = {"request_id": "q-1", "status": "COMPLETED", "logs": [], "metrics": {}}


def _openai(url: str, gates: Gates, timeout_s: float) -> Any:
    import httpx2
    import openai

    http = httpx2.AsyncClient(transport=gates.httpx2, follow_redirects=True, timeout=timeout_s)
    return openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1", http_client=http, timeout=timeout_s)


async def _images(url: str, gates: Gates, timeout_s: float) -> None:
    async with _openai(url, gates, timeout_s) as client:
        await client.images.generate(model="m", prompt="a fox")


async def _chat(url: str, gates: Gates, timeout_s: float) -> None:
    async with _openai(url, gates, timeout_s) as client:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])


async def _responses(url: str, gates: Gates, timeout_s: float) -> None:
    async with _openai(url, gates, timeout_s) as client:
        await client.responses.create(model="m", input="hello")


async def _speech(url: str, gates: Gates, timeout_s: float) -> None:
    async with (
        _openai(url, gates, timeout_s) as client,
        client.audio.speech.with_streaming_response.create(model="m", voice="alloy", input="hello") as answer,
    ):
        async for _ in answer.iter_bytes():
            pass


async def _transcription(url: str, gates: Gates, timeout_s: float) -> None:
    async with _openai(url, gates, timeout_s) as client:
        file = io.BytesIO(b"\0" * 200_000)
        await client.audio.transcriptions.create(model="m", file=("speech.wav", file))


@contextlib.asynccontextmanager
async def _elevenlabs(url: str, gates: Gates, timeout_s: float) -> Any:
    import elevenlabs
    import httpx

    async with httpx.AsyncClient(transport=gates.httpx, follow_redirects=True, timeout=timeout_s) as http:
        yield elevenlabs.AsyncElevenLabs(api_key="none", base_url=url, httpx_client=http, timeout=timeout_s)


async def _convert(url: str, gates: Gates, timeout_s: float) -> None:
    async with _elevenlabs(url, gates, timeout_s) as client:
        async for _ in client.text_to_speech.convert("v", text="hello"):
            pass


async def _effect(url: str, gates: Gates, timeout_s: float) -> None:
    async with _elevenlabs(url, gates, timeout_s) as client:
        async for _ in client.text_to_sound_effects.convert(text="rain"):
            pass


async def _timestamps(url: str, gates: Gates, timeout_s: float) -> None:
    async with _elevenlabs(url, gates, timeout_s) as client:
        await client.text_to_speech.convert_with_timestamps("v", text="hello")


@contextlib.asynccontextmanager
async def _google(url: str, gates: Gates, timeout_s: float) -> Any:
    import httpx2
    from google import genai
    from google.genai import types

    async with httpx2.AsyncClient(transport=gates.httpx2, follow_redirects=True, timeout=timeout_s) as http:
        retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.02)
        options = types.HttpOptions(
            base_url=url, httpx_async_client=http, timeout=int(timeout_s * 1000), retry_options=retry
        )
        client = genai.Client(api_key="none", vertexai=False, http_options=options)
        try:
            yield client.aio
        finally:
            client.close()


async def _generate(url: str, gates: Gates, timeout_s: float) -> None:
    async with _google(url, gates, timeout_s) as client:
        await client.models.generate_content(model="m", contents="hello")


async def _interaction(url: str, gates: Gates, timeout_s: float) -> None:
    async with _google(url, gates, timeout_s) as client:
        await client.interactions.create(model="m", input="hello")


async def _fal(url: str, gates: Gates, timeout_s: float) -> None:
    """Submit by hand, with a path before the app, and follow by the SDK's own handle."""
    import fal_client
    import httpx

    async with httpx.AsyncClient(transport=gates.httpx, follow_redirects=True, timeout=timeout_s) as http:
        answer = await http.post(f"{url}/fal/owner/app", json={"prompt": "a fox"}, headers={"X-Fal-Store-IO": "1"})
        answer.raise_for_status()
        at = f"{url}/fal/owner/app/requests/{answer.json()['request_id']}"
        handle = fal_client.AsyncRequestHandle(
            request_id="q-1", response_url=at, status_url=f"{at}/status", cancel_url=f"{at}/cancel", client=http
        )
        await handle.status()
        await handle.get()


CALLS: Mapping[str, tuple[Send, object]] = {
    "openai images": (_images, _IMAGE),
    "openai chat": (_chat, _CHAT),
    "openai responses": (_responses, _RESPONSE),
    "openai speech": (_speech, b"sound" * 5000),
    "openai transcription": (_transcription, {"text": "hello"}),
    "elevenlabs convert": (_convert, b"sound" * 5000),
    "elevenlabs sound effect": (_effect, b"sound" * 5000),
    "elevenlabs timestamps": (_timestamps, _ALIGNED),
    "google generate": (_generate, _CONTENT),
    "google interaction": (_interaction, _INTERACTION),
    "fal submit and polls": (_fal, _SUBMITTED),
}


async def seen(raw_vendor: Any, gates: Gates, call: str, way: str, tls: Any = None) -> Seen:
    """Make one call to a vendor of its own."""
    send, said = CALLS[call]
    plain = isinstance(said, bytes)
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    commits: list[int] = []
    got = bytearray()
    vendor = raw_vendor(way, body, "audio/mpeg" if plain else "application/json")

    async def commit() -> None:
        await asyncio.to_thread(lambda: None)
        commits.append(len(vendor.posts) + vendor.partial)

    async def on_headers(status: int, headers: Mapping[str, str]) -> None:
        assert headers["x-request-id"] == "r-1"
        assert not got, "the head is journaled before the body is read"
        vendor.may_go_on.set()

    attempt = Sending(commit=commit, on_headers=on_headers, sink=got.extend)
    raised: BaseException | None = None
    vendor.allowed = lambda: bool(commits)
    async with vendor.serving(tls and tls.server()):
        try:
            with sending(attempt):
                await send(vendor.url, gates, SILENT_S if way == "silent" else PATIENT_S)
        except Exception as error:  # noqa: BLE001 - what it is differs with each SDK; that is the test
            raised = error
    assert all(count == 0 for count in commits), "the intent is there before the request"
    return Seen(
        attempt.phase, attempt.status, attempt.complete, attempt.error, raised, bytes(got), len(commits),
        len(vendor.posts), len(vendor.gets), vendor.early, vendor.connections, b"".join(vendor.heads),
    )  # fmt: skip


async def all_seen(raw_vendor: Any, ways: list[str], tls: Any = None) -> dict[tuple[str, str], Seen]:
    """Make every call to every vendor at once, through one pair of gates; the silent ones by themselves, for the clock's sake."""
    for package in ("elevenlabs.client", "fal_client", "google.genai", "openai.resources"):
        importlib.import_module(package)  # now, and not in the middle of someone's call
    gates = Gates(ca_file=tls and tls.ca_file)
    outcomes: dict[tuple[str, str], Seen] = {}
    for silent in (False, True):
        pairs = [(call, way) for call in CALLS for way in ways if (way == "silent") == silent]
        runs = (seen(raw_vendor, gates, *pair, tls=tls) for pair in pairs)
        outcomes |= dict(zip(pairs, await asyncio.gather(*runs), strict=True))
    await gates.aclose()
    return outcomes


@pytest.fixture(scope="module")
def outcomes(raw_vendor: Any) -> dict[tuple[str, str], Seen]:
    """Every call at every behaviour: the attempts run side by side and must not see each other."""
    return asyncio.run(all_seen(raw_vendor, WAYS))


@pytest.fixture(scope="module")
def outcomes_tls(raw_vendor: Any, authority: Any) -> dict[tuple[str, str], Seen]:
    """The same through TLS, a vendor of our own certificate."""
    return asyncio.run(all_seen(raw_vendor, TLS_WAYS, authority))


def check(outcome: Seen, call: str, way: str) -> None:
    """One POST whatever the SDK wants; the phase says what the vendor knows."""
    assert (outcome.commits, outcome.posts, outcome.early) == (1, 1, 0)
    assert b"accept-encoding: identity" in outcome.head.lower()
    said = CALLS[call][1]
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    if way in {"silent", "drop"}:
        assert (outcome.phase, outcome.status) == (Phase.BODY_OUT, None)
        assert outcome.error is not None
        assert not isinstance(outcome.error, GateRefused)
        assert outcome.raised is not None
    elif way == "cut":
        assert (outcome.phase, outcome.status) == (Phase.ANSWERED, 200)
        assert outcome.body == body[: len(body) // 2]
        assert outcome.error is not None
    else:
        status = int(way) if way.isdigit() else 200
        assert (outcome.phase, outcome.status, outcome.body) == (Phase.BODY_IN, status, body)
        assert outcome.error is None
        assert (outcome.raised is None) == (status == 200)
    polls = 3 if call.startswith("fal") and way in {"whole", "slow"} else 0  # status; then status and result
    assert outcome.gets == polls


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("call", CALLS)
def test_an_sdk_with_its_retries_on_sends_once(outcomes: dict[tuple[str, str], Seen], call: str, way: str) -> None:
    """One intent, then one POST, no redirect followed, and every byte of the answer in the sink."""
    check(outcomes[call, way], call, way)


@pytest.mark.slow
@pytest.mark.parametrize("way", TLS_WAYS)
@pytest.mark.parametrize("call", CALLS)
def test_an_sdk_sends_once_through_tls(outcomes_tls: dict[tuple[str, str], Seen], call: str, way: str) -> None:
    """The event that holds the request comes after the handshake, and before a byte of the request."""
    check(outcomes_tls[call, way], call, way)


@pytest.mark.parametrize("call", CALLS)
def test_an_sdk_without_an_attempt_sends_nothing(raw_vendor: Any, call: str) -> None:
    """A call that was forgotten to be put into an attempt costs nothing."""

    async def run() -> None:
        gates = Gates()
        async with raw_vendor().serving() as vendor:
            with pytest.raises(GateRefused):
                await CALLS[call][0](vendor.url, gates, PATIENT_S)
            assert vendor.connections == 0
        await gates.aclose()

    asyncio.run(run())
