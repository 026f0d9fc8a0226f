"""The suite that adapters of others run: it passes our five, and finds each fault it is for."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import httpx
import msgspec
import pytest

from dagcontent.errors import ProviderError
from dagcontent.providers import fal, openai
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates, free_requests
from dagcontent.providers.port import Call, ErrorClass, Failure, Listed, Operation, Recovery, Result, Waiting
from dagcontent.testing import check_provider
from dagcontent.testing.provider_conformance import Case
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob, Digest

PICTURE, SOUND = media.picture(64, 64, "png", "in"), media.recording(1.0, "wav", "in")
P = Blob(Digest("1" * 64), "image", "image/png", len(PICTURE))
S = Blob(Digest("2" * 64), "audio", "audio/wav", len(SOUND))


def case(operation: str, kind: str, model: str, output: str, fields: Any, params: Any = None) -> Case:
    call = Call(
        attempt="a1", marker="0123456789abcdef0123456789abcdef", provider="x", operation=operation, kind=kind, model=model,
        output=output, fields=fields, params=fields if params is None else params,
    )  # fmt: skip
    return Case(call, {P.digest: PICTURE, S.digest: SOUND})


HARE = {"prompt": "a hare"}
FLUX = case("queue", "image.generate", "fal-ai/flux/dev", "image", HARE)
CHAT = case("chat", "text.generate", "gpt-6-sol", "text", {"max_completion_tokens": 50}, HARE)
DRAWN = {"prompt": "a hare", "size": "1024x1024", "quality": "low"}
SPOKEN = {"text": "Good day.", "voice": "Rachel", "output_format": "mp3_44100_128"}
CASES = [
    ("fal", FLUX),
    ("fal", case("queue", "image.edit", "fal-ai/flux-pro/kontext", "image", {**HARE, "image_url": P})),
    ("openai", CHAT),
    ("openai", case("images.edit", "image.edit", "gpt-image-2.6-flare", "image", {**DRAWN, "image": P})),
    (
        "openai",
        case("responses.image", "image.generate", "gpt-image-2", "image", {**DRAWN, "responses_model": "gpt-6-sol"}),
    ),
    ("elevenlabs", case("speech", "speech.generate", "eleven_v3", "audio", SPOKEN)),
    (
        "elevenlabs",
        case(
            "sound", "sound.generate", "eleven_text_to_sound_v2", "audio", {"text": "a door", "duration_seconds": 1.0}
        ),
    ),
    ("elevenlabs", case("flows.image", "image.generate", "bytedance-seedream-5-lite", "image", HARE)),
    ("elevenlabs", case("dubbing", "speech.dub", "dubbing_v1", "audio", {"file": S, "target_lang": "de"})),
    ("google", case("generate", "text.generate", "gemini-3.8-flash", "text", {}, HARE)),
    ("google", case("interactions.video", "video.generate", "gemini-omni-1.2-flash", "video", {}, HARE)),
    ("openrouter", case("chat", "text.generate", "openai/gpt-6-sol", "text", {}, HARE)),
    ("openrouter", case("videos", "video.generate", "google/veo-3.1", "video", HARE)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "one"), CASES, ids=[f"{name}-{one.call.operation}" for name, one in CASES])
def test_our_own_adapters_pass(vendors: FakeVendors, name: str, one: Case) -> None:
    """What we ask of others holds for us: of every sort of operation, with uploads and forms."""
    module = import_module(f"dagcontent.providers.{name}")
    check_provider(
        name, module.adapter, module.OPERATIONS, [one], base_url=vendors.base_urls[name], key=vendors.key(name)
    )
    assert {request["method"] for request in vendors.requests(name)} <= {"GET", "POST"}


class Planted:
    """An adapter of ours with a fault of its own."""

    def __init__(self, inner: Any, config: ProviderConfig, gates: Gates) -> None:
        self.inner, self.config, self.gates = inner, config, gates
        self.key = config.secret("")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Resends(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        try:
            await self.inner.send(call, payload)
            raise LookupError
        except LookupError:
            await self.inner.send(call, payload)


class ResendsOnDrop(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        try:
            await self.inner.send(call, payload)
        except httpx.HTTPError:
            await self.inner.send(call, payload)


class GoesAround(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            await client.post(f"{self.config.base('')}/{call.model}", json=payload)


class SendsForFree(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        with free_requests():
            await self.inner.send(call, payload)


class SendsNothing(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        return


class LeavesTheBody(Planted):
    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        url = f"{self.config.base('')}/{call.model}"
        headers = {"Authorization": f"Key {self.key}"}
        client = httpx.AsyncClient(transport=self.gates.httpx)
        self.response = await client.send(client.build_request("POST", url, json=payload, headers=headers), stream=True)

    async def close(self) -> None:
        await self.inner.close()


class PollsByPost(Planted):
    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        async with httpx.AsyncClient(transport=self.gates.httpx) as client:
            await client.post(f"{self.config.base('')}/{call.model}", json={})
        found: Waiting | Result | Failure = await self.inner.poll(call, handle)
        return found


class PollsByFreePost(PollsByPost):
    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        with free_requests():
            return await super().poll(call, handle)


class PollsAround(Planted):
    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        async with httpx.AsyncClient() as client:
            await client.get(f"{self.config.base('')}/{call.model}")
        found: Waiting | Result | Failure = await self.inner.poll(call, handle)
        return found


class RemembersJobs(Planted):
    """Reads and polls in one process only."""

    jobs: Mapping[str, Handle] = {}

    def read(self, call: Call, answer: Any) -> Any:
        found = self.inner.read(call, answer)
        return Handle({"n": str(id(self))}) if isinstance(found, Handle) else found


class LeaksInThePayload(Planted):
    async def prepare(self, call: Call, files: Any) -> Mapping[str, Any]:
        return {**await self.inner.prepare(call, files), "auth": f"Key {self.key}"}


class LeaksInTheAddress(Planted):
    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        async with httpx.AsyncClient(transport=self.gates.httpx) as client:
            await client.get(f"{self.config.base('')}/requests", params={"key": self.key})
        found: Waiting | Result | Failure = await self.inner.poll(call, handle)
        return found


class LeaksInTheHandle(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        found = self.inner.read(call, answer)
        return msgspec.structs.replace(found, ids={**found.ids, "by": self.key}) if isinstance(found, Handle) else found


class LeaksInAnError(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        if answer.status == 503:
            raise ProviderError(f"not understood; the request had Authorization: Key {self.key}")
        return self.inner.read(call, answer)


class LeaksInTheResult(Planted):
    async def poll(self, call: Call, handle: Handle) -> Any:
        found = await self.inner.poll(call, handle)
        return Result(found.value, extras={"sent": {"k": self.key}}) if isinstance(found, Result) else found


class PreparesByChance(Planted):
    async def prepare(self, call: Call, files: Any) -> Mapping[str, Any]:
        return {**await self.inner.prepare(call, files), "nonce": random.random()}


class PreparesObjects(Planted):
    async def prepare(self, call: Call, files: Any) -> Mapping[str, Any]:
        return {**await self.inner.prepare(call, files), "when": Waiting("x")}


class ReadsByLuck(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        return Handle({"request_id": msgspec.json.decode(answer.body)["request_id"]})


class ReadsDifferently(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        found = self.inner.read(call, answer)
        return Handle({"n": str(random.random())}) if isinstance(found, Handle) else found


class BelievesProxies(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        if answer.status == 503:
            return Failure(ErrorClass.TRANSIENT, "busy", False)
        return self.inner.read(call, answer)


class BelievesHalves(Planted):
    def read(self, call: Call, answer: Any) -> Any:
        if answer.status == 401 and b'"detail"' in answer.body and len(answer.body) > 15:
            return Failure(ErrorClass.AUTH, "no", False)
        return self.inner.read(call, answer)


class FindsAnything(Planted):
    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> list[Listed]:
        return [Listed(Handle({"request_id": "x"}), 0, False)]


class FindsNothing(Planted):
    async def find(self, call: Call, payload_digest: str, since_ms: int, until_ms: int) -> list[Listed]:
        return []


class KnowsEveryFault(Planted):
    def fault(self, error: BaseException) -> Failure | None:
        return Failure(ErrorClass.TRANSIENT, "something", False)


class KnowsNoFault(Planted):
    def fault(self, error: BaseException) -> Failure | None:
        return None


class IsAnother(Planted):
    name = "acme"


class DeclaresAnother(Planted):
    operations: Mapping[str, Operation] = {
        "queue": msgspec.structs.replace(fal.OPERATIONS["queue"], recovery=Recovery.EXACT, marker="m")
    }


FAULTS: list[tuple[type[Planted], str]] = [
    (Resends, "a send tried to send again"),
    (ResendsOnDrop, "a send that met drop tried to send again"),
    (GoesAround, "a send went past the gate"),
    (SendsForFree, "went as a free request"),
    (SendsNothing, "a send sent nothing"),
    (LeavesTheBody, "before the answer was read to its end"),
    (PollsByPost, "`poll` tried what costs money"),
    (PollsByFreePost, "`poll` sends POST"),
    (PollsAround, "`poll` went past the gate"),
    (RemembersJobs, "another thing in a fresh adapter"),
    (LeaksInThePayload, "the key is in the payload"),
    (LeaksInTheAddress, "the key is in the address of GET"),
    (LeaksInTheHandle, "the key is in what `read` gave"),
    (LeaksInAnError, "the key is in an error of `read`"),
    (LeaksInTheResult, "the key is in the result"),
    (PreparesByChance, "another payload for the same call"),
    (PreparesObjects, "holds a Waiting"),
    (ReadsByLuck, "`read` raised"),
    (ReadsDifferently, "another thing the second time"),
    (BelievesProxies, "for refused and unbilled"),
    (BelievesHalves, "a part of a refusal for a whole one"),
    (FindsAnything, "`find` gives what is not ours"),
    (FindsNothing, "`find` does not find what was just sent"),
    (KnowsEveryFault, "`fault` takes any error"),
    (KnowsNoFault, "`fault` does not know"),
    (IsAnother, "calls itself 'acme'"),
    (DeclaresAnother, "declares 'queue' in another way"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("planted", "words"), FAULTS, ids=[planted.__name__ for planted, _ in FAULTS])
def test_each_fault_is_found(vendors: FakeVendors, planted: type[Planted], words: str) -> None:
    """An adapter that is ours but for one fault does not pass, and is told which."""
    with pytest.raises(AssertionError, match=words):
        checked(vendors, lambda config, gates: planted(fal.adapter(config, gates), config, gates))


def checked(vendors: FakeVendors, factory: Callable[[ProviderConfig, Gates], Any]) -> None:
    check_provider("fal", factory, fal.OPERATIONS, [FLUX], base_url=vendors.base_urls["fal"], key=vendors.key("fal"))


@pytest.mark.slow
def test_an_sdk_that_repeats_is_found(vendors: FakeVendors) -> None:
    """OpenAI's own client repeats requests by itself: an adapter that leaves that on does not pass."""

    def repeating(config: ProviderConfig, gates: Gates) -> Any:
        made: Any = openai.adapter(config, gates)
        made._client = made._client.with_options(max_retries=1)
        return made

    with pytest.raises(AssertionError, match="a send that met 408 tried to send again"):
        check_provider(
            "openai",
            repeating,
            openai.OPERATIONS,
            [CHAT],
            base_url=vendors.base_urls["openai"],
            key=vendors.key("openai"),
        )


@pytest.mark.slow
def test_a_connection_to_elsewhere_is_found(vendors: FakeVendors) -> None:
    """Whatever an adapter connects to besides the configured address, it is named."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        class CallsHome(Planted):
            async def prepare(self, call: Call, files: Any) -> Mapping[str, Any]:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                found: Mapping[str, Any] = await self.inner.prepare(call, files)
                return found

        with pytest.raises(AssertionError, match=f"past the configured address: 127.0.0.1:{port}"):
            checked(vendors, lambda config, gates: CallsHome(fal.adapter(config, gates), config, gates))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "has no name"),
        ({"recovery": "exact"}, "recovery is exact, by-match or ask"),
        ({"recovery": Recovery.EXACT}, "exact by no marker"),
        ({"window": "lost"}, "a sentence on what is lost"),
        ({"cost": ""}, "how the actual cost is known"),
    ],
)
def test_a_table_that_says_too_little_is_found(change: dict[str, Any], words: str) -> None:
    """Operations are declared for people too: what they say of a lost answer is what a person decides by."""
    operation = msgspec.structs.replace(fal.OPERATIONS["queue"], **change)
    with pytest.raises(AssertionError, match=words):
        check_provider("fal", fal.adapter, {"queue": operation}, [FLUX], base_url="http://127.0.0.1:1", key="k" * 8)
