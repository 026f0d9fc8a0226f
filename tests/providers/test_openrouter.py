"""OpenRouter's adapter, OpenAI's package and the real gate, against the fake program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from providers.loopback import Inputs, call, sent

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates, Sending, sending
from dagcontent.providers.openrouter import OPERATIONS, adapter
from dagcontent.providers.openrouter_answers import read, read_video, spent
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Recovery, Result, Waiting
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Handle

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}, "count": {"type": "integer"}}}
TEXT = call(
    "chat", "text.generate", "openai/gpt-6-luna", "text", {"temperature": 0.4, "max_tokens": 400},
    {"prompt": "Write about a kettle.", "system": "Be brief.", "temperature": 0.4, "max_tokens": 400},
)  # fmt: skip
DATA = call("chat", "text.generate", "openai/gpt-6-luna", "json", {}, {"prompt": "Three.", "schema": SCHEMA})
PICTURE = call(
    "chat.image", "image.generate", "google/gemini-3-pro-image", "image",
    {"prompt": "a hare", "aspect_ratio": "16:9", "image_size": "512"},
)  # fmt: skip
VIDEO = call(
    "videos", "video.generate", "google/veo-3.1", "video",
    {"prompt": "a hare runs", "duration": 2.0, "resolution": "360p", "generate_audio": False},
)  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    program.reset()
    yield program
    assert program.errors() == []


def run(vendors: FakeVendors, body: Callable[[Any], Awaitable[Any]], key: str = "") -> Any:
    """Run `body(adapter)`, with an adapter and gates of its own."""

    async def inside() -> Any:
        base = vendors.base_urls["openrouter"]
        secret = Secret(key or vendors.key("openrouter"), "FAKE_KEY", [urlsplit(base).netloc])
        gates = Gates()
        one = adapter(ProviderConfig(name="openrouter", base_url=base, key=secret, bounds={"answer_s": 5.0}), gates)
        try:
            return await body(one)
        finally:
            await one.close()
            await gates.aclose()

    return asyncio.run(inside())


def made(vendors: FakeVendors, one: Call, files: Any = None, key: str = "") -> Any:
    """Return what an answer to a send is read as."""

    async def body(it: Any) -> Any:
        return it.read(one, (await sent(it, one, files or Inputs())).answer)

    return run(vendors, body, key)


def followed(vendors: FakeVendors, one: Call, files: Any = None) -> tuple[Handle, Any]:
    """Send with one adapter, and poll with another: only the handle's ids go from one to the other."""
    handle = made(vendors, one, files)
    assert isinstance(handle, Handle), handle

    async def body(it: Any) -> Any:
        for _ in range(2000):
            if not isinstance(found := await it.poll(one, Handle(dict(handle.ids))), Waiting):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("the job has no end")

    return handle, run(vendors, body)


def posted(vendors: FakeVendors, operation: str = "chat") -> Any:
    (post,) = vendors.requests(operation=operation)
    return post


def test_a_text_costs_what_the_answer_says(vendors: FakeVendors) -> None:
    """Messages and fields go out as they are; the cost of the answer is what the ledger has, to the micro-dollar."""
    result = made(vendors, TEXT)
    assert isinstance(result, Result)
    assert result.value.startswith("The ")
    (charge,) = vendors.charges()
    assert result.cost == Cost(microusd=charge.microusd)
    assert result.extras["id"] == charge.job
    post = posted(vendors)
    assert post["json"] == {
        "model": "openai/gpt-6-luna", "temperature": 0.4, "max_tokens": 400,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Write about a kettle."}],
    }  # fmt: skip
    assert post["headers"]["x-title"] == "dagcontent"


def test_a_schema_is_asked_of_hosts_that_know_it(vendors: FakeVendors) -> None:
    """The answer conforms; a host without schemas is not chosen, so that none leaves the schema out silently."""
    result = made(vendors, DATA)
    assert set(result.value) <= {"title", "count"}
    body = posted(vendors)["json"]
    assert body["provider"] == {"require_parameters": True}
    assert body["response_format"]["type"] == "json_schema"


def test_what_the_user_says_of_hosts_is_kept(vendors: FakeVendors) -> None:
    """An option `provider` goes beside what we ask of hosts."""
    one = call("chat", "text.generate", "a/b", "json", {"provider": {"sort": "price"}}, dict(DATA.params))
    made(vendors, one)
    assert posted(vendors)["json"]["provider"] == {"sort": "price", "require_parameters": True}


def test_a_picture_is_looked_at(vendors: FakeVendors) -> None:
    """Pictures go inline; there is nothing to upload."""
    files = Inputs(hare=media.picture(32, 32, "png", "hare"))
    params = {"image": files.blob("hare", "image", "image/png"), "prompt": "What is it?"}
    assert made(vendors, call("chat", "image.describe", "qwen/qwen3-vl", "text", {}, params), files).value
    (part,) = [p for p in posted(vendors)["json"]["messages"][0]["content"] if p["type"] == "image_url"]
    assert part["image_url"]["url"].startswith("data:image/png;base64,")
    assert files.uploads == []


def test_a_picture_is_made_within_a_chat(vendors: FakeVendors) -> None:
    """Size and shape go in `image_config`; the picture is in the answer."""
    files = Inputs(hare=media.picture(32, 32, "png", "hare"))
    fields = {**PICTURE.fields, "images": [files.blob("hare", "image", "image/png")]}
    result = made(vendors, call("chat.image", "image.generate", PICTURE.model, "image", fields), files)
    assert result.value.media_type == "image/png"
    assert media.picture_size(result.value.data) == (512, 288)
    body = posted(vendors)["json"]
    assert body["modalities"] == ["image", "text"]
    assert body["image_config"] == {"aspect_ratio": "16:9", "image_size": "512"}
    assert set(body) == {"model", "messages", "modalities", "image_config"}
    assert result.cost.microusd == vendors.charges()[0].microusd


def test_a_picture_without_words_is_refused_here(vendors: FakeVendors) -> None:
    """There is nothing to send."""
    with pytest.raises(NodeError, match="needs words"):
        made(vendors, call("chat.image", "image.generate", "a/b", "image", {}))
    assert vendors.requests() == []


def test_a_video_is_followed_and_fetched_below_the_own_address(vendors: FakeVendors) -> None:
    """Seconds are whole numbers, frames are in the vendor's form, the content is named by a path and not by a URL."""
    files = Inputs(first=media.picture(32, 32, "png", "first"))
    fields = {**VIDEO.fields, "start_image": files.blob("first", "image", "image/png")}
    handle, result = followed(vendors, call("videos", "video.generate", VIDEO.model, "video", fields), files)
    assert result.value.url is None
    assert result.value.path == f"videos/{handle.ids['video']}/content?index=0"
    (charge,) = vendors.charges()
    assert result.cost == Cost(microusd=charge.microusd) == Cost(microusd=200_000)
    body = posted(vendors, "videos")["json"]
    assert body["duration"] == 2
    (frame,) = body["frame_images"]
    assert frame["frame_type"] == "first_frame"
    assert "start_image" not in body
    request = urllib.request.Request(  # noqa: S310 - a URL of the fake program
        f"{vendors.base_urls['openrouter']}/{result.value.path}",
        headers={"Authorization": f"Bearer {vendors.key('openrouter')}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        assert media.sound_length_s(answer.read()) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("when", "billed"), [("before", False), ("after", True)])
def test_a_video_that_fails_says_whether_it_cost(vendors: FakeVendors, when: str, billed: bool) -> None:
    """The job's own cost decides: nothing is guessed."""
    vendors.set_faults([{"fault": "job_error", "vendor": "openrouter", "operation": "videos", "when": when}])
    _, failure = followed(vendors, VIDEO)
    assert isinstance(failure, Failure)
    assert failure.billed is billed
    assert len(vendors.charges()) == billed


def test_a_video_that_is_kept_no_longer_is_gone(vendors: FakeVendors) -> None:
    """Both forms of it: a job that has expired, and one that nobody knows."""
    vendors.set(kept_s=0.0)
    _, failure = followed(vendors, VIDEO)
    assert failure.error_class is ErrorClass.GONE
    failure = run(vendors, lambda it: it.poll(VIDEO, Handle({"video": "vgen-none"})))
    assert failure.error_class is ErrorClass.GONE


REFUSALS = [
    (400, "", ErrorClass.INVALID, False), (401, "", ErrorClass.AUTH, False), (402, "", ErrorClass.QUOTA, False),
    (403, "", ErrorClass.AUTH, False), (403, "moderation", ErrorClass.BLOCKED, False),
    (404, "", ErrorClass.NOT_FOUND, False), (413, "", ErrorClass.INVALID, False), (422, "", ErrorClass.INVALID, False),
    (429, "", ErrorClass.RATE_LIMIT, False), (503, "", ErrorClass.TRANSIENT, False),
    (429, "html", ErrorClass.RATE_LIMIT, None), (503, "html", ErrorClass.TRANSIENT, None),
    (408, "", ErrorClass.TRANSIENT, None), (409, "", ErrorClass.UNKNOWN, None), (500, "", ErrorClass.TRANSIENT, None),
    (502, "", ErrorClass.TRANSIENT, None), (524, "", ErrorClass.TRANSIENT, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "what", "billed"), REFUSALS)
def test_refusals_are_told_apart(
    vendors: FakeVendors, status: int, code: str, what: ErrorClass, billed: bool | None
) -> None:
    """What the table names is refused and unbilled; whatever else fails may have been charged. One POST either way."""
    rule = {"fault": "status", "vendor": "openrouter", "status": status, "code": code, "retry_after": 3.0}
    vendors.set_faults([rule])
    for one in (TEXT, VIDEO):
        failure = made(vendors, one)
        assert isinstance(failure, Failure)
        assert (failure.error_class, failure.billed) == (what, billed)
        assert failure.retry_after_s == 3.0
    assert len(vendors.requests()) == 2
    assert vendors.charges() == []


def test_a_wrong_key_is_said_by_the_vendor(vendors: FakeVendors) -> None:
    """The key goes nowhere into what is kept."""
    failure = made(vendors, TEXT, key="another-key-0123456789")
    assert failure.error_class is ErrorClass.AUTH
    assert "another-key" not in repr(failure)


def test_an_answer_that_a_filter_stopped_was_paid_for(vendors: FakeVendors) -> None:
    """It is kept as a failure that cost something, and is not asked for again."""
    vendors.set_faults([{"fault": "moderation", "vendor": "openrouter"}])
    failure = made(vendors, TEXT)
    assert (failure.error_class, failure.billed) == (ErrorClass.BLOCKED, True)


def test_an_answer_that_broke_off_says_what_it_cost(vendors: FakeVendors) -> None:
    """A host's failure within a 200 is no answer; the cost beside it says whether it was charged."""
    vendors.set_faults([{"fault": "job_error", "vendor": "openrouter", "status": 429}])
    failure = made(vendors, TEXT)
    assert (failure.error_class, failure.billed) == (ErrorClass.RATE_LIMIT, True)


@pytest.mark.parametrize("fault", ["bad_json", "empty", "wrong_media"])
def test_damaged_answers_are_errors_of_the_vendor(vendors: FakeVendors, fault: str) -> None:
    """Cut JSON, no body, and text in the place of a picture: an error, or bytes that are no picture."""
    vendors.set_faults([{"fault": fault, "vendor": "openrouter"}])
    if fault == "wrong_media":
        with pytest.raises(ValueError, match="no picture"):
            media.picture_size(made(vendors, PICTURE).value.data)
        return
    with pytest.raises(ProviderError, match="OpenRouter answered"):
        made(vendors, PICTURE)


@pytest.mark.parametrize("fault", ["drop", "silent", "reset"])
def test_a_lost_answer_is_not_asked_for_again(vendors: FakeVendors, fault: str) -> None:
    """The package's own retries are off: one POST, one charge, whatever becomes of the answer."""

    async def body(it: Any) -> None:
        async def nothing(*_: Any) -> None: ...

        payload = await it.prepare(TEXT, Inputs())
        passage = Sending(commit=nothing, on_headers=nothing, sink=lambda _: None)
        with sending(passage):
            sends = asyncio.ensure_future(it.send(TEXT, payload))
            while not any(one["complete"] for one in vendors.requests(operation="chat")):
                done, _ = await asyncio.wait(
                    [sends], timeout=0.01
                )  # how long it takes to be there is the machine's affair
                if done:
                    break
            done, _ = await asyncio.wait([sends], timeout=0.3)
            if not done:
                sends.cancel()
            assert isinstance((await asyncio.gather(sends, return_exceptions=True))[0], BaseException)
        assert passage.sent
        assert not passage.complete

    vendors.set_faults([{"fault": fault, "vendor": "openrouter"}])
    run(vendors, body)
    assert len(vendors.requests(operation="chat")) == 1
    assert len(vendors.wait_charges(1)) == 1


def test_an_error_of_a_poll_is_raised_and_can_be_explained(vendors: FakeVendors) -> None:
    """A poll may fail and succeed later: `fault` says of which kind the error is. It is asked once."""

    async def body(it: Any) -> Any:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is not ours to say
            await it.poll(VIDEO, Handle({"video": "vgen-1"}))
        return it.fault(caught.value)

    for status, what in ((503, ErrorClass.TRANSIENT), (401, ErrorClass.AUTH), (429, ErrorClass.RATE_LIMIT)):
        vendors.set_faults([{"fault": "status", "operation": "videos.get", "status": status}])
        assert run(vendors, body).error_class is what
    vendors.set_faults([{"fault": "drop", "operation": "videos.get"}])
    assert run(vendors, body).error_class is ErrorClass.TRANSIENT
    assert len(vendors.requests(operation="videos.get")) == 4


def test_nothing_meant_for_openai_goes_to_another(vendors: FakeVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package reads OpenAI's names from the environment: none of them reaches OpenRouter."""
    monkeypatch.setenv("OPENAI_API_KEY", "environment-key-1")
    monkeypatch.setenv("OPENAI_ORG_ID", "environment-org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "environment-project")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: environment-header")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    made(vendors, TEXT)
    assert "environment" not in json.dumps(posted(vendors))


def test_costs_are_exact_and_rounded_up() -> None:
    """Dollars become micro-dollars through their digits: a float's error makes no micro-dollar more."""
    for dollars, microusd in ((0.0012, 1200), (0.00000001, 1), (0, 0), (1.1, 1_100_000), (1e-7, 1)):
        assert spent({"usage": {"cost": dollars}}) == Cost(microusd=microusd)
    for odd in (None, "1", True, {}, []):
        assert spent({"usage": {"cost": odd}}) is None
    for impossible in (-1, 1e999, 1e300, float("nan")):
        assert spent({"usage": {"cost": impossible}}) == Cost(doubt=f"{impossible} USD")
    byok = {"cost": 0.0001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.002}}
    assert spent({"usage": byok}) == Cost(microusd=2100)


def test_what_is_lost_is_left_to_a_person() -> None:
    """No operation can be found again, and each says what happens then."""
    assert {operation.recovery for operation in OPERATIONS.values()} == {Recovery.ASK}
    assert [name for name, operation in OPERATIONS.items() if operation.handle] == ["videos"]
    assert all(operation.window for operation in OPERATIONS.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
IMAGES = [{"image_url": {"url": "data:image/png;base64,iVBORw=="}}]
MESSAGE = {"content": "Hm.", "refusal": None, "images": IMAGES}
WHOLE = {
    "id": "gen-1", "status": "completed", "usage": {"cost": 0.1, "prompt_tokens": 3},
    "choices": [{"message": MESSAGE, "finish_reason": "stop", "error": None}], "error": None,
}  # fmt: skip
REFUSED = {"error": {"code": 429, "message": "wait", "metadata": {"reasons": []}}}


def mutated(whole: Any) -> st.SearchStrategy[Any]:
    """Return answers with some of their parts exchanged for anything."""
    if isinstance(whole, dict) and whole:
        return st.fixed_dictionaries({name: mutated(value) | JSON for name, value in whole.items()})
    if isinstance(whole, list) and whole:
        return st.lists(mutated(whole[0]) | JSON, max_size=3)
    return st.just(whole) | JSON


@given(st.data(), st.sampled_from([TEXT, DATA, PICTURE, VIDEO]), st.sampled_from([200, 202, 307, 400, 403, 429, 503]))
def test_nothing_but_an_outcome_or_a_provider_error_comes_of_any_json(data: Any, one: Call, status: int) -> None:
    """Hostile JSON fails its own node and nothing else, at every status."""
    value = data.draw(mutated(WHOLE if status < 300 else REFUSED) | JSON)
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    with contextlib.suppress(ProviderError):
        found = read(one, Answer(status, {}, body))
        assert isinstance(found, Handle | Result | Failure)
        assert status < 300 or isinstance(found, Failure)
    with contextlib.suppress(ProviderError):
        assert isinstance(read_video(value), Waiting | Result | Failure)


@given(st.sampled_from([TEXT, PICTURE, VIDEO]), st.sampled_from([200, 429]), st.binary(max_size=64))
def test_nothing_but_an_outcome_or_a_provider_error_comes_of_any_bytes(one: Call, status: int, body: bytes) -> None:
    """Neither do bytes that are no JSON at all, nor nesting without end."""
    for whole in (body, b"[" * 100_000 + body, b'{"error":' * 50_000):
        with contextlib.suppress(ProviderError):
            assert isinstance(read(one, Answer(status, {}, whole)), Handle | Result | Failure)


@pytest.mark.parametrize("odd", ["", "a/b", "..", "a b", "x" * 201, 7, None, "a?b", "é"])
def test_an_id_that_would_change_a_path_is_refused(odd: Any) -> None:
    """Ids are put into addresses."""
    with pytest.raises(ProviderError, match="an id that is none"):
        read(VIDEO, Answer(202, {}, json.dumps({"id": odd}).encode()))
