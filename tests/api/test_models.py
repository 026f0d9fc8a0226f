"""Whether the catalog is still true, asked of fake vendors and of answers that a test wrote."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import pytest
from providers.loopback import Asked, Loopback, Said

from dagcontent.api.models import check, sheet, sheets
from dagcontent.catalog.load import VENDORS
from dagcontent.errors import ConfigError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.listing import Believed, Finding, Heard, ask
from dagcontent.providers.once import Gates
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors.client import FakeVendors

TODAY = datetime.date(2026, 11, 22)
KEY = "a-key-of-a-test"
HARE = Believed("acme/hare", ("queue",), frozenset({"prompt", "audio_url|video_url"}))
SCHEMA = "/api/openapi/queue/openapi.json"


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback("") as server:
        yield server


def asked(vendor: Loopback, provider: str, *believed: Believed, whole: bool = False, key: str | None = KEY) -> Heard:
    secret = None if key is None else Secret(key, "TEST_KEY", [vendor.host])
    config = ProviderConfig(name=provider, base_url=vendor.base_url, key=secret, headers={"X-Team": "seven"})

    async def inside() -> Heard:
        gates = Gates()
        try:
            return await ask(config, gates, believed, whole=whole)
        finally:
            await gates.aclose()

    return anyio.run(inside)


def schema(properties: Mapping[str, Any], required: list[str], *, wrapped: bool = False) -> Said:
    given: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    schemas = {"In": {"allOf": [{"$ref": "#/components/schemas/Base"}]}, "Base": given} if wrapped else {"In": given}
    post = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}
    return Said(
        {"paths": {"/requests/{id}": {"get": {}}, "/acme/hare": {"post": post}}, "components": {"schemas": schemas}}
    )


def whats(heard: Heard) -> list[tuple[str, str]]:
    return [(finding.model, finding.what) for finding in heard.findings]


@pytest.mark.slow
def test_the_fake_vendors_are_as_catalogued() -> None:
    """Every vendor is asked, by GETs alone; what is in none of its lists is counted, and nothing is charged."""
    with FakeVendors() as vendors:
        configs = {
            name: ProviderConfig(
                name=name,
                base_url=url,
                key=Secret(vendors.key(name), "FAKE_KEY", [url.split("/")[2]]),
            )
            for name, url in vendors.base_urls.items()
        }
        heard = {one.provider: one for one in check(sheets(today=TODAY), configs, whole=True)}
        assert list(heard) == list(VENDORS)
        for name, one in heard.items():
            there = [model for model in sheets(name, today=TODAY) if not model.gone]
            assert one.failure == ""
            assert not any(finding.wrong for finding in one.findings)
            assert one.confirmed + one.unlisted == len(there), name
        assert {request["method"] for request in vendors.requests()} == {"GET"}
        assert vendors.charges() == []
        assert vendors.errors() == []


# -- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_schema_that_takes_what_is_sent_is_fine(vendor: Loopback, wrapped: bool) -> None:
    """One of two fields is enough, optional fields of a newer schema do no harm, and no key is shown to the schemas' host."""
    vendor.on("GET", SCHEMA, schema({"prompt": {}, "video_url": {}, "new": {}}, ["prompt"], wrapped=wrapped))
    heard = asked(vendor, "fal", HARE)
    assert (heard.confirmed, heard.failure) == (1, "")
    assert heard.findings == (Finding("acme/hare", "new", "takes more than is catalogued: new"),)
    assert not heard.findings[0].wrong
    (request,) = vendor.asked
    assert request.query == {"endpoint_id": ["acme/hare"]}
    assert KEY not in str(request.headers)
    assert request.headers["X-Team"] == "seven"


@pytest.mark.parametrize(
    ("said", "findings"),
    [
        (Said({"detail": "not found"}, 404), [("gone", "there is no such endpoint any more")]),
        (schema({"video_url": {}}, []), [("field", "takes no `prompt`")]),
        (schema({"prompt": {}}, []), [("field", "takes no `audio_url|video_url`")]),
        (schema({"prompt": {}, "audio_url": {}, "voice": {}}, ["voice"]), [("required", "needs `voice`, which is never sent")]),
        (Said(b"<html>"), [("unclear", "its schema cannot be read")]),
        (Said({"paths": {"/": {"post": 5}}}), [("unclear", "its schema cannot be read")]),
        (Said({"paths": []}), [("unclear", "its schema cannot be read")]),
    ],
)  # fmt: skip
def test_a_schema_that_differs_is_told(vendor: Loopback, said: Said, findings: list[tuple[str, str]]) -> None:
    """What is gone, what is no longer taken and what is newly required is wrong; what cannot be read is only unclear."""
    vendor.on("GET", SCHEMA, said)
    heard = asked(vendor, "fal", HARE)
    assert [(one.what, one.text) for one in heard.findings] == findings
    assert heard.confirmed == 0
    assert all(one.wrong == (one.what != "unclear") for one in heard.findings)


def test_a_schema_in_circles_is_left(vendor: Loopback) -> None:
    """A schema that refers to itself ends as one that cannot be read."""
    said = schema({}, [])
    said.body["components"]["schemas"]["In"] = {"$ref": "#/components/schemas/In", "allOf": [{"$ref": "x/In"}] * 2}
    vendor.on("GET", SCHEMA, said)
    assert whats(asked(vendor, "fal", HARE)) == [("acme/hare", "unclear")]


def test_retired_models_are_not_asked_for(vendor: Loopback) -> None:
    """What is known to be gone is nobody's question."""
    heard = asked(vendor, "fal", Believed("acme/old", ("queue",), retired=True))
    assert (heard, vendor.asked) == (Heard("fal"), [])


def test_few_are_asked_at_once_and_a_pause_is_kept(vendor: Loopback) -> None:
    """Four requests at most are under way; one that is told to wait waits, and is asked again."""
    lock, state = threading.Lock(), {"now": 0, "most": 0, "told": 0}
    gate = threading.Barrier(4, timeout=20)

    def answer(request: Asked) -> Said:
        with lock:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
            first = state["told"] == 0 and request.query["endpoint_id"] == ["acme/0"]
            state["told"] += first
        if not first and request.query["endpoint_id"][0] in {"acme/1", "acme/2", "acme/3", "acme/4"}:
            gate.wait()
        with lock:
            state["now"] -= 1
        return Said(b"slow down", 429, {"Retry-After": "0.01"}) if first else schema({"prompt": {}}, [])

    vendor.on("GET", SCHEMA, answer)
    many = [Believed(f"acme/{n}", ("queue",), frozenset({"prompt"})) for n in range(12)]
    assert asked(vendor, "fal", *many) == Heard("fal", confirmed=12)
    assert state["most"] == 4
    assert len(vendor.asked) == 13


# -- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_compared_both_ways(vendor: Loopback) -> None:
    """What is missing is wrong; what is there still, or not catalogued, is told and is no fault."""
    vendor.on("GET", "/models", Said({"data": [{"id": "a"}, {"id": "old"}, {"id": "new"}, {"name": "odd"}, 5]}))
    believed = [Believed("b", ("chat",)), Believed("a", ("chat",)), Believed("old", ("chat",), retired=True)]
    heard = asked(vendor, "openai", *believed, whole=True)
    assert whats(heard) == [("b", "gone"), ("old", "alive"), ("new", "unknown")]
    assert [one.wrong for one in heard.findings] == [True, False, False]
    assert heard.confirmed == 1
    assert vendor.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert whats(asked(vendor, "openai", *believed)) == [("b", "gone"), ("old", "alive")]


def test_what_no_list_holds_is_not_missed(vendor: Loopback) -> None:
    """ElevenLabs lists its voices' models alone: music is neither there nor gone."""
    vendor.on("GET", "/v1/models", Said([{"model_id": "eleven_v3"}]))
    heard = asked(vendor, "elevenlabs", Believed("eleven_v3", ("speech",)), Believed("music_v1", ("music",)))
    assert heard == Heard("elevenlabs", confirmed=1, unlisted=1)
    assert vendor.asked[0].headers["xi-api-key"] == KEY


def test_a_list_of_pages_is_read_to_its_end(vendor: Loopback) -> None:
    """Google's list comes in pages, and its names with a folder."""

    def page(request: Asked) -> Said:
        if "pageToken" in request.query:
            return Said({"models": [{"name": "models/b"}]})
        return Said({"models": [{"name": "models/a"}], "nextPageToken": "2"})

    vendor.on("GET", "/v1beta/models", page)
    both = Believed("a", ("generate",)), Believed("b", ("generate",)), Believed("veo", ("vertex.video",))
    assert asked(vendor, "google", *both) == Heard("google", confirmed=2, unlisted=1)
    vendor.on("GET", "/v1beta/models", Said({"models": [{"name": "models/a"}], "nextPageToken": "2"}))
    assert asked(vendor, "google", *both).failure == "has a list without an end"


def test_a_price_above_the_bound_is_wrong(vendor: Loopback) -> None:
    """OpenRouter tells prices of tokens: a bound that is no bound any more is found before a build meets it."""
    rows = [
        {"id": "a", "pricing": {"prompt": "0.000003", "completion": "0.00001"}},
        {"id": "b", "pricing": {"prompt": "x"}},
    ]
    vendor.on("GET", "/models", Said({"data": rows}))
    vendor.on("GET", "/videos/models", Said({"data": [{"id": "v"}]}))
    most = {"input token": 2_500, "output token": 10_000}
    heard = asked(
        vendor, "openrouter", Believed("a", ("chat",), most=most), Believed("b", ("chat",), most=most), Believed("v", ("videos",)),
        key=None,
    )  # fmt: skip
    assert heard.findings == (Finding("a", "dearer", "$3 a million input tokens, and at most $2.5 is believed"),)
    assert (heard.findings[0].wrong, heard.confirmed) == (True, 2)


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (Said({"error": {}}, 401), "refused the key (401)"),
        (Said(b"", 403), "refused to answer (403)"),
        (Said(b"", 302, {"Location": "/models"}), "answered 302"),
        (Said({"data": []}), "answered with an empty list"),
        (Said({"data": {}}), "answered with no list of models"),
        (Said(b"<html>"), "answered with no list of models"),
        (Said({"detail": "no"}, 404), "answered with no list of models"),
        (Said(b"", 503, {"Retry-After": "600"}), "answered 503"),
    ],
)
def test_what_is_no_answer_is_said(vendor: Loopback, said: Said, failure: str) -> None:
    """A vendor that does not answer says nothing of its models: none is taken for gone."""
    vendor.on("GET", "/models", said)
    heard = asked(vendor, "openai", Believed("a", ("chat",)))
    assert heard.failure.startswith(failure)
    assert (heard.findings, heard.confirmed) == ((), 0)
    assert len(vendor.asked) == 1


def test_without_a_key_nothing_is_asked(vendor: Loopback) -> None:
    """A list that needs a key is not tried without one, and the variable is named."""
    heard = asked(vendor, "openai", Believed("a", ("chat",)), key=None)
    assert (heard.unkeyed, heard.hint, vendor.asked) == (True, "export OPENAI_API_KEY=...", [])


def test_a_vendor_that_is_not_there_is_said(vendor: Loopback) -> None:
    """No network is one line, and no traceback."""
    config = ProviderConfig(name="fal", base_url="http://127.0.0.1:1")
    (heard,) = check([sheet("fal/fal-ai/flux/dev", today=TODAY)], {"fal": config}, whole=False)
    assert heard.failure.startswith("could not be reached: ConnectError")


def test_unknown_names_are_met_with_the_nearest() -> None:
    """The catalog is asked by the names that it has."""
    with pytest.raises(ConfigError, match="no models of `fall`"):
        sheets("fall", today=TODAY)
    with pytest.raises(ConfigError, match="is not in the catalog"):
        sheet("fal/fal-ai/flux/dve", today=TODAY)
    assert {one.model.provider for one in sheets("fal", "video.lipsync", today=TODAY)} == {"fal"}
