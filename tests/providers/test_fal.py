"""fal's adapter over the real gate: what goes out, what answers mean, what is found again."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any

import fal_client
import httpx
import msgspec
import pytest
from fal_client.client import AppId
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from providers.loopback import DATE_MS, Asked, Inputs, Loopback, Said, call, mutated, sent

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.answers import ListInDoubt
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fal import adapter, job_path
from dagcontent.providers.fal_answers import Done, read_result, read_status, read_submit, refusal
from dagcontent.providers.once import Gates
from dagcontent.providers.port import Answer, ErrorClass, Failure, Part, Result, Waiting, payload_digest
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.ledger import Charge
from dagcontent.values.attempt import Handle

KEY = "fal-key-0123456789"
SAID = {"request_id": "r-1", "status_url": "https://evil.example/status", "response_url": "https://evil.example/r"}
IMAGE = call("queue", "image.generate", "fal-ai/flux/dev", "image", {"prompt": "a hare", "guidance_scale": 3.0})


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


def fal(vendor: Loopback, gates: Gates) -> Any:
    key = Secret(KEY, "FAL_KEY", [vendor.host])
    return adapter(ProviderConfig(name="fal", base_url=vendor.base_url, key=key, headers={"X-Team": "seven"}), gates)


def run(vendor: Loopback, body: Any) -> Any:
    """Run `body(adapter)`; the gates are the real ones."""

    async def inside() -> Any:
        gates = Gates(allow=lambda host: host == vendor.host)
        one = fal(vendor, gates)
        try:
            return await body(one)
        finally:
            await one.close()
            await gates.aclose()

    return asyncio.run(inside())


def test_a_submit_is_one_post_with_what_keeps_the_result(vendor: Loopback) -> None:
    """The input is the body, the key goes in its header, and fal is asked to keep input and result."""
    vendor.on("POST", "/fal-ai/flux/dev", Said(SAID))
    out = run(vendor, lambda one: sent(one, IMAGE, Inputs()))
    (post,) = vendor.posts()
    assert post.json == {"prompt": "a hare", "guidance_scale": 3}
    assert post.headers["Authorization"] == f"Key {KEY}"
    assert post.headers["X-Fal-Store-IO"] == "1"
    assert json.loads(post.headers["X-Fal-Object-Lifecycle-Preference"]) == {"expiration_duration_seconds": 2_592_000}
    assert post.headers["X-Team"] == "seven"
    assert post.headers["X-Fal-No-Retry"] is None
    assert out.sending.committed


def test_a_handle_holds_ids_only(vendor: Loopback) -> None:
    """Addresses of an answer are not kept; how long the result is, by fal's own clock, is."""
    vendor.on("POST", "/fal-ai/flux/dev", Said(SAID))

    async def body(one: Any) -> Any:
        return one.read(IMAGE, (await sent(one, IMAGE, Inputs())).answer)

    assert run(vendor, body) == Handle({"request_id": "r-1", "app": "fal-ai/flux/dev"}, DATE_MS + 30 * 86_400_000)


@pytest.mark.parametrize(
    "said",
    [
        Said(b"<html>busy</html>", 503),
        Said({"detail": "slow down"}, 429),
        Said(b"", 307, {"Location": "/fal/x"}),
        Said(b"{", 200),
    ],
)
def test_nothing_is_sent_twice(vendor: Loopback, said: Said) -> None:
    """Whatever is answered, there is one POST."""
    vendor.on("POST", ".*", said)
    run(vendor, lambda one: sent(one, IMAGE, Inputs()))
    assert [asked.method for asked in vendor.asked] == ["POST"]


def test_a_fresh_adapter_goes_on_with_a_handle(vendor: Loopback) -> None:
    """A job is polled under the configured address, by name and id; then its result is read with its units."""
    states = iter(
        [{"status": "IN_QUEUE", "queue_position": 4}, {"status": "IN_PROGRESS", "logs": None}, {"status": "COMPLETED"}]
    )
    where = "/fal-ai/flux/requests/r-1"
    vendor.on("GET", f"{where}/status", lambda _: Said(next(states), 202))
    body = {"images": [{"url": "https://v3.fal.media/files/a/b.png", "content_type": "image/png"}], "seed": 7}
    vendor.on("GET", where, Said(body, 200, {"x-fal-billable-units": "1.05"}))
    handle = Handle({"request_id": "r-1", "app": "fal-ai/flux/dev"})

    async def polled(one: Any) -> Any:
        return [await one.poll(IMAGE, handle) for _ in range(3)]

    queued, running, made = run(vendor, polled)
    assert queued == Waiting("in queue", 4)
    assert running == Waiting("generating")
    assert made.value == Part(url="https://v3.fal.media/files/a/b.png", media_type="image/png")
    assert (made.cost.units, made.cost.microusd) == (1.05, None)
    assert made.extras == {"seed": 7, "request_id": "r-1"}
    assert {asked.method for asked in vendor.asked} == {"GET"}
    assert {asked.headers["Authorization"] for asked in vendor.asked} == {f"Key {KEY}"}


def test_the_sdk_reads_the_same_jobs(vendor: Loopback) -> None:
    """The SDK's own handle, over the same gate and the addresses that are made here, reads the same status and result."""
    app = "fal-ai/veo3.1/fast/image-to-video"
    path = job_path(app, "r-9")
    vendor.on("GET", f"/{path}/status", Said({"status": "COMPLETED", "logs": None, "metrics": {}}))
    vendor.on("GET", f"/{path}", Said({"video": {"url": "https://v3.fal.media/v.mp4"}}))
    clip = call("queue", "video.generate", app, "video", {})

    async def both() -> Any:
        gates = Gates()
        one = fal(vendor, gates)
        ours = await one.poll(clip, Handle({"request_id": "r-9"}))
        async with httpx.AsyncClient(transport=gates.httpx) as client:
            where = f"{vendor.base_url}/{path}"
            theirs = await fal_client.AsyncRequestHandle(
                "r-9", where, f"{where}/status", f"{where}/cancel", client
            ).get()
        await one.close()
        await gates.aclose()
        return ours, theirs

    ours, theirs = asyncio.run(both())
    assert ours.value.url == theirs["video"]["url"]


@pytest.mark.parametrize(
    "app",
    ["fal-ai/flux/dev", "fal-ai/veo3.1/fast/x", "wan/v2.6/image-to-video", "workflows/me/film/a", "comfy/me/x", "a/b"],
)
def test_the_path_of_a_job_is_the_sdks(app: str) -> None:
    """Only owner and name are kept, and a namespace before them, as in fal's own client."""
    known = AppId.from_endpoint_id(app)
    above = f"{known.namespace}/" if known.namespace else ""
    assert job_path(app, "id") == f"{above}{known.owner}/{known.alias}/requests/id"


@pytest.mark.parametrize(
    ("app", "request_id"), [("a/b", "../x"), ("a/b", ""), ("../b", "1"), ("a", "1"), ("a/b", "1/cancel")]
)
def test_no_other_path_is_asked_for(app: str, request_id: str) -> None:
    """What is no name or no id never becomes an address."""
    with pytest.raises(ProviderError):
        job_path(app, request_id)


def test_a_file_is_uploaded_and_named_by_its_address(vendor: Loopback) -> None:
    """An input goes up once, with a token, outside of the attempt; the payload holds its address."""
    vendor.on(
        "POST",
        "/storage/auth/token",
        Said({"token": "t0", "token_type": "Bearer", "base_url": "https://x", "expires_at": ""}),
    )
    vendor.on("POST", "/files/upload", Said({"access_url": "https://v3.fal.media/files/in.png"}))
    vendor.on("POST", "/fal-ai/kontext", Said(SAID))
    files = Inputs(d1=b"\x89PNG")
    fields = {
        "prompt": "p",
        "image_urls": [files.blob("d1", "image", "image/png")],
        "elements": [{"video_url": "https://x/y"}],
    }
    out = run(vendor, lambda one: sent(one, call("queue", "image.edit", "fal-ai/kontext", "image", fields), files))
    token, upload, submit = vendor.posts()
    assert token.query == {"storage_type": ["fal-cdn-v3"]}
    assert (upload.headers["Authorization"], upload.headers["Content-Type"], upload.body) == (
        "Bearer t0",
        "image/png",
        b"\x89PNG",
    )
    assert upload.headers["X-Fal-File-Name"] == "input.png"
    assert submit.json["image_urls"] == ["https://v3.fal.media/files/in.png"]
    assert files.uploads == [("https://v3.fal.media/files/in.png", DATE_MS + 29 * 86_400_000)]
    assert out.payload == submit.json


def test_a_failed_upload_is_no_charge(vendor: Loopback) -> None:
    """What fails before the send is worded, and cost nothing."""
    vendor.on("POST", "/storage/auth/token", Said({"detail": "no"}, 401))
    files = Inputs(d1=b"x")
    one_call = call("queue", "image.upscale", "a/b", "image", {"image_url": files.blob("d1", "image", "image/png")})

    async def body(one: Any) -> Any:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            await one.prepare(one_call, files)
        return one.fault(caught.value)

    failure = run(vendor, body)
    assert (failure.error_class, failure.billed) == (ErrorClass.AUTH, False)
    assert len(vendor.posts()) == 1


@pytest.mark.parametrize("fields", [{"num_images": 4}, {"max_images": 2}, {"sync_mode": True}])
def test_what_would_be_lost_is_not_asked_for(vendor: Loopback, fields: dict[str, Any]) -> None:
    """One node makes one artifact, kept in fal's history."""
    with pytest.raises(NodeError):
        run(vendor, lambda one: one.prepare(call("queue", "image.generate", "a/b", "image", fields), Inputs()))


# -- against the fake vendor ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fakes() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        vendors.set(queued_s=0.01, job_s=0.02)
        yield vendors
        assert vendors.errors() == []


def sold(fakes: FakeVendors) -> list[Charge]:
    """Return what was charged, given back or not."""
    return [line for line in fakes.ledger() if line.vendor == "fal" and not line.refunds]


def bought(fakes: FakeVendors, one_call: Any, files: Inputs | None = None) -> Any:
    """Send, and go on in a fresh adapter; return the end of the job. One charge, or the test fails."""
    before = len(sold(fakes))
    url = fakes.base_urls["fal"]
    host = url.split("/")[2]

    async def inside(step: Any) -> Any:
        gates = Gates()
        one = adapter(ProviderConfig(name="fal", base_url=url, key=Secret(fakes.key("fal"), "FAL_KEY", [host])), gates)
        try:
            return await step(one)
        finally:
            await one.close()
            await gates.aclose()

    async def send(one: Any) -> Any:
        out = await sent(one, one_call, files or Inputs())
        handle = one.read(one_call, out.answer)
        found = await one.find(one_call, payload_digest(out.payload), 0, 4_000_000_000_000)
        return handle, [listed.handle.ids for listed in found]

    async def follow(one: Any) -> Any:
        for _ in range(500):
            state = await one.poll(one_call, handle)
            if not isinstance(state, Waiting):
                return state
            await asyncio.sleep(0.01)
        raise AssertionError("the job does not end")

    handle, found = asyncio.run(inside(send))
    assert isinstance(handle, Handle)
    assert found == [handle.ids]
    made = asyncio.run(inside(follow))
    assert len(sold(fakes)) == before + 1
    return made


@pytest.mark.parametrize(
    ("kind", "model", "output", "fields"),
    [
        (
            "image.generate",
            "fal-ai/flux/dev",
            "image",
            {"prompt": "one", "image_size": "square", "guidance_scale": 2.0},
        ),
        ("video.generate", "fal-ai/veo3.1/fast", "video", {"prompt": "two", "duration": "4s", "resolution": "720p"}),
        ("speech.generate", "fal-ai/elevenlabs/tts/eleven-v3", "audio", {"text": "three", "voice": "Rachel"}),
    ],
)
def test_a_job_is_sent_found_and_brought_by_a_fresh_adapter(
    fakes: FakeVendors, kind: str, model: str, output: str, fields: dict[str, Any]
) -> None:
    """One charge; the list has the job by its input; another process reads its file's address and its units."""
    made = bought(fakes, call("queue", kind, model, output, fields))
    assert isinstance(made, Result)
    assert made.value.url.startswith(fakes.base_urls["fal"])
    assert made.cost.units is not None
    assert made.cost.units > 0


def test_an_upload_is_part_of_what_is_found(fakes: FakeVendors) -> None:
    """A file's address is in the input, and the input finds the job."""
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    files = Inputs(d1=out.getvalue())
    fields = {"prompt": "four", "image_url": files.blob("d1", "image", "image/png")}
    made = bought(fakes, call("queue", "image.edit", "fal-ai/flux-pro/kontext", "image", fields), files)
    assert isinstance(made, Result)
    assert len(files.uploads) == 1


@pytest.mark.parametrize(
    ("fault", "error_class", "billed"),
    [
        ({"fault": "moderation"}, ErrorClass.BLOCKED, True),
        ({"fault": "job_error", "status": 503, "code": "runner_disconnected"}, ErrorClass.TRANSIENT, False),
        ({"fault": "job_error", "status": 504, "code": "request_timeout"}, ErrorClass.TRANSIENT, False),
        ({"fault": "job_error", "status": 422, "code": "value_error"}, ErrorClass.INVALID, False),
    ],
)
def test_a_job_that_fails_is_read(fakes: FakeVendors, fault: Any, error_class: ErrorClass, billed: bool | None) -> None:
    """A failed job is completed, and its result says why."""
    fakes.set_faults([{"vendor": "fal", "operation": "submit", **fault}])
    try:
        failure = bought(fakes, call("queue", "image.generate", "fal-ai/flux/dev", "image", {"prompt": str(fault)}))
    finally:
        fakes.set_faults([])
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, billed)


# -- a lost answer ------------------------------------------------------------------------------------------------


def listed(
    request_id: str, given: Any, at: str = "2026-11-22T12:00:05Z", app: str = "fal-ai/flux/dev"
) -> dict[str, Any]:
    return {"request_id": request_id, "endpoint_id": app, "sent_at": at, "started_at": at, "json_input": given}


def found(vendor: Loopback, *pages: Any, digest: str | None = None) -> Any:
    rest = iter(pages)
    vendor.on("GET", "/v1/models/requests/by-endpoint", lambda _: Said(next(rest)))

    async def body(one: Any) -> Any:
        key = digest or payload_digest(await one.prepare(IMAGE, Inputs()))
        return await one.find(IMAGE, key, DATE_MS, DATE_MS + 60_000)

    return run(vendor, body)


def page(*items: Any, cursor: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "has_more": cursor is not None, "next_cursor": cursor}


def test_a_lost_request_is_found_by_its_input(vendor: Loopback) -> None:
    """The list is read to its end; what has the same input at that time is returned, order of keys and 3 for 3.0 aside."""
    same = {"guidance_scale": 3, "prompt": "a hare"}
    hits = found(vendor, page(listed("other", {"prompt": "a fox"}), cursor="c1"), page(listed("mine", same)))
    assert [(hit.handle.ids, hit.exact) for hit in hits] == [({"request_id": "mine", "app": "fal-ai/flux/dev"}, False)]
    first, second = (asked.query for asked in vendor.asked)
    assert first["endpoint_id"] == ["fal-ai/flux/dev"]
    assert first["expand"] == ["payloads"]
    assert first["start"] == ["2026-11-22T11:59:00.000Z"]
    assert second["cursor"] == ["c1"]


def test_two_with_the_same_input_are_both_told(vendor: Loopback) -> None:
    """Nobody picks one: both are returned, and one listed twice is one."""
    same = {"prompt": "a hare", "guidance_scale": 3.0}
    hits = found(vendor, page(listed("a", same), listed("a", same), listed("b", same)))
    assert sorted(hit.handle.ids["request_id"] for hit in hits) == ["a", "b"]


def test_others_are_not_mine(vendor: Loopback) -> None:
    """Another time, another endpoint, another input: nothing is found, and nothing is in doubt."""
    same = {"prompt": "a hare", "guidance_scale": 3}
    rows = [
        listed("t", same, at="2026-11-22T10:00:00Z"),
        listed("e", same, app="fal-ai/flux/schnell"),
        listed("i", {**same, "seed": 1}),
    ]
    assert found(vendor, page(*rows)) == []


@pytest.mark.parametrize(
    "pages",
    [
        ["nothing"],
        [{"items": {}}],
        [{"items": [], "has_more": True, "next_cursor": None}],
        [page(cursor="c"), page(cursor="c")],
    ],
)
def test_a_list_that_cannot_be_read_is_no_empty_list(vendor: Loopback, pages: list[Any]) -> None:
    """An empty list means that a request never was; what cannot be read must not."""
    with pytest.raises(ProviderError):
        found(vendor, *pages)


@pytest.mark.parametrize(
    "pages",
    [
        [page(listed("a", None))],
        [page(listed("a", {}, at="soon"))],
        [page(listed("../a", {}))],
        [page(cursor=f"c{n}") for n in range(60)],
    ],
)
def test_a_list_in_doubt_is_left_to_a_person(vendor: Loopback, pages: list[Any]) -> None:
    """A request of that time that does not show its input could be the one: nobody can tell."""
    with pytest.raises(ListInDoubt) as caught:
        found(vendor, *pages)
    doubt = run(vendor, lambda one: asyncio.sleep(0, one.fault(caught.value)))
    assert (doubt.error_class, doubt.billed) == (ErrorClass.GONE, None)


def test_a_match_settles_a_doubt(vendor: Loopback) -> None:
    """What was sent from here is kept with its input, so one that has it is the one."""
    same = {"prompt": "a hare", "guidance_scale": 3}
    assert len(found(vendor, page(listed("blind", None), listed("mine", same)))) == 1


def test_a_list_that_is_refused_says_so(vendor: Loopback) -> None:
    """An account that may not list is told apart from a list without the job."""
    vendor.on("GET", "/v1/.*", Said({"detail": "admin only"}, 403))

    async def body(one: Any) -> Any:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            await one.find(IMAGE, "d", 0, 1)
        return one.fault(caught.value)

    assert run(vendor, body).error_class is ErrorClass.AUTH


# -- what answers mean ----------------------------------------------------------------------------------------------


def answer(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


POLICY = {"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]}
WRONG = {"detail": [{"loc": ["body", "seed"], "msg": "not an integer", "type": "int_parsing"}]}
E = ErrorClass


@pytest.mark.parametrize(
    ("status", "body", "error_class", "billed"),
    [
        (400, {"detail": "bad"}, E.INVALID, False),
        (401, {"detail": "No user found for Key ID and Secret"}, E.AUTH, False),
        (402, {"detail": "pay"}, E.QUOTA, False),
        (403, {"detail": "forbidden"}, E.AUTH, False),
        (403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}, E.QUOTA, False),
        (404, {"detail": "Application not found"}, E.NOT_FOUND, False),
        (413, {"detail": "large"}, E.INVALID, False),
        (422, WRONG, E.INVALID, False),
        (422, POLICY, E.BLOCKED, True),
        (429, {"detail": "slow down"}, E.RATE_LIMIT, False),
        (408, {"detail": "late"}, E.TRANSIENT, None),
        (409, {"detail": "conflict"}, E.UNKNOWN, None),
        (425, {"detail": "early"}, E.TRANSIENT, None),
        (500, {"detail": "oh", "error_type": "internal_error"}, E.TRANSIENT, None),
        (503, {"detail": "oh", "error_type": "runner_scheduling_failure"}, E.TRANSIENT, None),
        (502, b"<html>nginx</html>", E.TRANSIENT, None),
        (429, b"<html>proxy</html>", E.UNKNOWN, None),
        (401, b"", E.UNKNOWN, None),
        (422, {"error": "not fal's form"}, E.UNKNOWN, None),
        (404, {"detail": []}, E.UNKNOWN, None),
        (307, b"", E.UNKNOWN, None),
    ],
)
def test_a_refusal_is_unbilled_only_if_it_is_fals_own(
    status: int, body: Any, error_class: ErrorClass, billed: bool | None
) -> None:
    """The table of answers to a submit: what is not in it, or not in fal's form, leaves open whether it was charged."""
    failure = refusal(answer(status, body))
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert failure.message
    assert failure.answer["status"] == status


def test_a_pause_is_read_and_bounded() -> None:
    """Retry-After is seconds, at most a day; nonsense is none."""
    pauses = [
        refusal(answer(429, {"detail": "x"}, retry_after=v)).retry_after_s for v in ("2.5", "1e12", "-1", "nan", "soon")
    ]
    assert pauses == [2.5, 86_400.0, None, None, None]


@pytest.mark.parametrize(
    ("done", "status", "body", "units", "error_class", "billed"),
    [
        (Done(), 422, POLICY, None, E.BLOCKED, True),
        (Done(), 422, POLICY, "0", E.BLOCKED, False),
        (Done(), 422, WRONG, None, E.INVALID, False),
        (Done(), 422, WRONG, "2", E.INVALID, True),
        (Done(), 400, {"detail": "x", "error_type": "bad_request"}, None, E.INVALID, False),
        (Done(), 422, {"detail": [{"type": "no_media_generated", "msg": "none"}]}, None, E.UNKNOWN, None),
        (Done(), 500, {"detail": "x", "error_type": "runner_server_error"}, None, E.TRANSIENT, False),
        (Done(), 504, {"detail": "x", "error_type": "request_timeout"}, None, E.TRANSIENT, False),
        (Done("x", "runner_disconnected"), 503, {"detail": "x", "error_type": "runner_disconnected"}, None, E.TRANSIENT, False),
        (Done("x", "runner_disconnected"), 502, b"<html>", None, E.TRANSIENT, False),
        (Done("x", "content_policy_violation"), 502, b"<html>", None, E.BLOCKED, True),
        (Done("x", ""), 200, {"images": []}, None, E.UNKNOWN, None),
        (Done("x", ""), 404, {"detail": "x"}, None, E.UNKNOWN, None),
        (Done(), 404, {"detail": "Request not found"}, None, E.GONE, None),
        (Done(), 499, {"detail": "x", "error_type": "client_cancelled"}, None, E.UNKNOWN, None),
    ],
)  # fmt: skip
def test_a_failed_job_says_whether_it_was_billed(
    done: Done, status: int, body: Any, units: str | None, error_class: ErrorClass, billed: bool | None
) -> None:
    """The table of answers to a finished job; units on the answer outweigh it."""
    headers = {} if units is None else {"x_fal_billable_units": units}
    failure = read_result(IMAGE, done, answer(status, body, **headers))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, billed)


@pytest.mark.parametrize("status", [400, 408, 409, 422, 425, 500, 503])
def test_an_error_that_nobody_says_is_the_jobs_ends_no_job(status: int) -> None:
    """The status said that it is done, and the result cannot be had: if it were taken for the job's failure, what was made
    and paid for would be sent again.
    """
    with pytest.raises(ProviderError, match="finished job"):
        read_result(IMAGE, Done(), answer(status, {"detail": "Internal server error"}))
    typed = {"x_fal_error_type": "runner_server_error"}
    assert isinstance(read_result(IMAGE, Done(), answer(status, {"detail": "It failed."}, **typed)), Failure)


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, {"detail": "x"}), (403, {"detail": "x"}), (429, {"detail": "x"}), (502, b"x"), (404, b"x")],
)
def test_a_reader_that_is_refused_is_no_failed_job(vendor: Loopback, status: int, body: Any) -> None:
    """When the request for a result fails, the job is asked again later: nothing is concluded about it."""
    assert read_result(IMAGE, Done(), answer(status, body)) is None
    vendor.on("GET", ".*/status", Said({"status": "COMPLETED", "logs": None}))
    vendor.on("GET", ".*/r-1", Said(body, status))
    with pytest.raises(httpx.HTTPStatusError):
        run(vendor, lambda one: one.poll(IMAGE, Handle({"request_id": "r-1"})))


def test_a_job_that_fal_forgot_is_gone(vendor: Loopback) -> None:
    """A status that is not found in fal's words is gone; anybody else's 404 is not."""
    vendor.on("GET", ".*/status", Said({"detail": "Request not found"}, 404))
    failure = run(vendor, lambda one: one.poll(IMAGE, Handle({"request_id": "r-1"})))
    assert failure.error_class is E.GONE
    vendor.on("GET", ".*/status", Said(b"<html>", 404))
    with pytest.raises(httpx.HTTPStatusError):
        run(vendor, lambda one: one.poll(IMAGE, Handle({"request_id": "r-1"})))


INLINE = "data:image/webp;base64," + base64.b64encode(b"RIFF").decode()


@pytest.mark.parametrize(
    ("output", "body", "part"),
    [
        ("image", {"images": [{"url": "u1", "content_type": "image/png"}, {"url": "u2"}]}, Part(url="u1", media_type="image/png")),
        ("image", {"image": {"url": "u", "content_type": "application/octet-stream"}}, Part(url="u")),
        ("image", {"images": [{"url": INLINE}]}, Part(data=b"RIFF", media_type="image/webp")),
        ("image", {"images": [{"url": "u"}], "has_nsfw_concepts": [False]}, Part(url="u")),
        ("video", {"video": {"url": "u", "content_type": "video/mp4"}, "seed": 1}, Part(url="u", media_type="video/mp4")),
        ("video", {"video": [{"url": "u"}]}, Part(url="u")),
        ("audio", {"audio": {"url": "u"}}, Part(url="u")),
        ("audio", {"audio_file": {"url": "u"}}, Part(url="u")),
        ("audio", {"audio": "u"}, Part(url="u")),
    ],
)  # fmt: skip
def test_the_file_is_where_the_endpoint_puts_it(output: str, body: Any, part: Part) -> None:
    """Endpoints differ in where their file is; each known shape is read."""
    result = read_result(call("queue", "k", "a/b", output, {}), Done(), answer(200, body))
    assert isinstance(result, Result)
    assert result.value == part


@pytest.mark.parametrize("body", [{}, {"images": []}, {"images": [{}]}, {"image": None}, {"video": {"url": 5}}])
def test_a_result_without_its_file_was_charged(body: Any) -> None:
    """A finished job that brings nothing usable is not sent again by itself."""
    failure = read_result(IMAGE, Done(), answer(200, body))
    assert isinstance(failure, Failure)
    assert failure.billed is True


def test_a_blackened_picture_is_no_picture() -> None:
    """A safety checker that strikes is a refusal that was paid for, unless it was switched off."""
    body = {"images": [{"url": "u"}], "has_nsfw_concepts": [True]}
    failure = read_result(IMAGE, Done(), answer(200, body))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (E.BLOCKED, True)
    off = call("queue", "image.generate", "a/b", "image", {"enable_safety_checker": False})
    assert isinstance(read_result(off, Done(), answer(200, body)), Result)


def test_a_transcript_has_one_form() -> None:
    """Chunks become segments; timed words become words, and segments where there are none."""
    listen = call("queue", "audio.transcribe", "fal-ai/whisper", "json", {})
    chunks = {
        "text": " Hi. Bye.",
        "chunks": [{"text": " Hi.", "timestamp": [0, 1.5]}, {"text": "Bye.", "timestamp": [2, None], "speaker": "A"}],
        "inferred_languages": ["en"],
    }
    made = read_result(listen, Done(), answer(200, chunks))
    assert isinstance(made, Result)
    assert made.value == {
        "text": " Hi. Bye.", "language": "en", "words": [],
        "segments": [
            {"id": 0, "start": 0, "end": 1.5, "seconds": 1.5, "speaker": None, "text": "Hi."},
            {"id": 1, "start": 2, "end": 2, "seconds": 0, "speaker": "A", "text": "Bye."},
        ],
    }  # fmt: skip
    rows = [
        ("Hi", 0, 0.4, "word", "s1"),
        (" ", 0.4, 0.5, "spacing", "s1"),
        ("there.", 0.5, 1, "word", "s1"),
        ("Bye", 1.1, 1.5, "word", "s2"),
    ]
    scribe = {
        "text": "Hi there. Bye",
        "language_code": "eng",
        "words": [dict(zip(("text", "start", "end", "type", "speaker_id"), row, strict=True)) for row in rows],
    }
    made = read_result(listen, Done(), answer(200, scribe))
    assert isinstance(made, Result)
    assert [(s["text"], s["speaker"]) for s in made.value["segments"]] == [("Hi there.", "s1"), ("Bye", "s2")]
    assert [w["text"] for w in made.value["words"]] == ["Hi", "there.", "Bye"]


def test_text_and_json_are_read() -> None:
    """A language model's words are text; where JSON was asked for, they are read as such."""
    body = {"output": '{"title": "x"}'}
    text = read_result(call("queue", "image.describe", "a/b", "text", {}), Done(), answer(200, body))
    data = read_result(call("queue", "image.describe", "a/b", "json", {}), Done(), answer(200, body))
    assert isinstance(text, Result)
    assert isinstance(data, Result)
    assert (text.value, data.value) == ('{"title": "x"}', {"title": "x"})


def test_a_key_never_comes_back() -> None:
    """A vendor that repeats the key has it hidden in what is kept."""
    Secret(KEY, "FAL_KEY", [])
    failure = refusal(answer(401, {"detail": f"wrong key {KEY}"}, x_fal_key=KEY))
    assert KEY not in repr(failure)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["COMPLETED", "content_policy_violation", "data:x"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from("request_id detail error_type images image url status chunks words text timestamp output audio".split()), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
bodies = st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(["x-fal-billable-units", "retry-after", "date", "retry-after-ms"]), st.text(max_size=12)
)
calls = st.sampled_from([
    IMAGE, call("queue", "audio.transcribe", "a/b", "json", {"chunk_level": "word"}), call("queue", "x", "a/b", "text", {}),
    call("queue", "x", "a/b", "audio", {}), call("queue", "x", "a/b", "json", {}),
])  # fmt: skip


@given(calls, st.sampled_from([200, 202, 204, 301, 400, 401, 404, 422, 429, 500, 503]), headers, bodies)
def test_no_answer_makes_it_stumble(one: Any, status: int, given_headers: dict[str, str], body: bytes) -> None:
    """Whatever a vendor says becomes an outcome, or a ProviderError; what it becomes can be written down."""
    said = Answer(status, given_headers, body)
    readers = (
        lambda: read_status(said),
        lambda: read_result(one, Done(), said),
        lambda: read_result(one, Done("e", "runner_disconnected"), said),
        lambda: refusal(said) if status >= 300 else None,
    )
    for reader in readers:
        with contextlib.suppress(ProviderError):
            msgspec.msgpack.encode(reader())


def test_a_huge_answer_is_not_read_to_its_end(vendor: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer to a poll has a largest size."""
    monkeypatch.setattr("dagcontent.providers.fal._MOST_BYTES", 1000)
    vendor.on("GET", ".*", Said(b"x" * 5000))
    with pytest.raises(ProviderError):
        run(vendor, lambda one: one.poll(IMAGE, Handle({"request_id": "r"})))


def test_the_key_goes_to_its_own_host_only() -> None:
    """An address that the key is not bound to gets nothing."""

    async def body() -> None:
        gates = Gates()
        one = adapter(
            ProviderConfig(
                name="fal", base_url="https://elsewhere.example", key=Secret(KEY, "FAL_KEY", ["queue.fal.run"])
            ),
            gates,
        )
        with pytest.raises(Exception, match="was about to be sent to"):
            await one.poll(IMAGE, Handle({"request_id": "r"}))
        await one.close()
        await gates.aclose()

    asyncio.run(body())


def test_asked_is_what_came(vendor: Loopback) -> None:
    """The little vendor of these tests notes what it is asked."""
    seen: list[Asked] = vendor.asked
    vendor.on("GET", ".*/status", Said({"status": "IN_QUEUE"}))
    assert run(vendor, lambda one: one.poll(IMAGE, Handle({"request_id": "r"}))) == Waiting("in queue")
    assert seen[0].path == "/fal-ai/flux/requests/r/status"


@pytest.mark.parametrize("depth", [60, 900, 100_000])
def test_nesting_without_end_is_no_answer(depth: int) -> None:
    """A body that is nested to make its reader fall over is a body that cannot be read."""
    nested = b"[" * depth + b"]" * depth
    said = answer(400, b'{"detail": "x", "error": {"message": "x"}, "more": ' + nested + b"}")
    assert refusal(said).billed in {None, False}
    msgspec.msgpack.encode(refusal(said).message)


WHOLE = [
    json.dumps(body).encode()
    for body in (
        SAID, POLICY, WRONG, {"status": "IN_QUEUE", "queue_position": 4}, {"status": "COMPLETED", "error": "x", "error_type": "y"},
        {"images": [{"url": INLINE, "content_type": "image/png"}], "has_nsfw_concepts": [False], "seed": 1},
        {"text": "a b", "chunks": [{"text": "a", "timestamp": [0, 1]}], "words": [{"text": "a", "start": 0, "end": 1, "type": "word"}]},
    )
]  # fmt: skip


@given(calls, st.sampled_from([200, 400, 404, 422, 503]), mutated(st.sampled_from(WHOLE)))
def test_a_damaged_answer_is_an_answer_or_none(one: Any, status: int, body: bytes) -> None:
    """Answers that were right once, changed anywhere: an outcome that can be written down, or a ProviderError."""
    said = Answer(status, {}, body)
    readers = (lambda: read_submit(one, said), lambda: read_status(said), lambda: read_result(one, Done(), said))
    for reader in readers:
        with contextlib.suppress(ProviderError):
            msgspec.msgpack.encode(reader())


def test_a_vendor_that_is_not_there_is_a_moments_failure(vendor: Loopback) -> None:
    """A refused connection is worded, and cost nothing; an error of another kind is none of fal's."""

    async def body(one: Any) -> Any:
        error = httpx.ConnectError("refused")
        return one.fault(error), one.fault(KeyError("x"))

    failure, foreign = run(vendor, body)
    assert (failure.error_class, failure.billed, foreign) == (ErrorClass.TRANSIENT, False, None)


@pytest.mark.parametrize(
    ("token", "upload"),
    [({"token": 5}, {}), ({"token": "t", "token_type": "Bearer"}, {"access_url": "file:///etc/passwd"}), ([], {})],
)
def test_an_upload_that_says_nothing_of_use_is_no_upload(vendor: Loopback, token: Any, upload: Any) -> None:
    """A store that gives no token, or no address, fails before anything is paid."""
    vendor.on("POST", "/storage/auth/token", Said(token))
    vendor.on("POST", "/files/upload", Said(upload))
    files = Inputs(d1=b"x")
    one_call = call("queue", "image.upscale", "a/b", "image", {"image_url": files.blob("d1", "image", "image/png")})
    with pytest.raises(ProviderError):
        run(vendor, lambda one: one.prepare(one_call, files))
    assert all(asked.path != "/a/b" for asked in vendor.asked)
