"""The fake OpenRouter by itself: what it refuses, what it charges, and what it tells of a request afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from dagcontent.testing.vendors.client import FakeVendors


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    program.reset()
    yield program
    assert program.errors() == []


@pytest.fixture
def http(vendors: FakeVendors) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {vendors.key('openrouter')}"}
    with httpx2.Client(base_url=vendors.base_urls["openrouter"], headers=headers, trust_env=False) as client:
        yield client


def test_what_a_request_cost_can_be_asked_and_what_it_said_cannot(vendors: FakeVendors, http: httpx2.Client) -> None:
    """The id of an answer leads to its cost, which is the ledger's, and not to its content."""
    body = {"model": "a/b", "messages": [{"role": "user", "content": "Hm."}]}
    answer = http.post("/chat/completions", json=body)
    said = answer.json()
    assert answer.headers["x-generation-id"] == said["id"]
    found = http.get("/generation", params={"id": said["id"]}).json()["data"]
    assert round(found["total_cost"] * 1_000_000) == vendors.charges()[0].microusd
    assert said["choices"][0]["message"]["content"] not in str(found)
    assert http.get("/generation", params={"id": "gen-none"}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 2.5}, {"duration": 99}, {"resolution": "8K"}, {"aspect_ratio": "5:4"}, {"mood": "calm"},
        {"frame_images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"model": "no-vendor"},
    ],
)  # fmt: skip
def test_videos_that_a_model_does_not_make_are_refused(
    vendors: FakeVendors, http: httpx2.Client, fields: dict[str, Any]
) -> None:
    """Seconds that are not whole, sizes out of the list, unknown fields, a frame that is no picture: 400, no charge."""
    answer = http.post("/videos", json={"model": "google/veo-3.1", "prompt": "x", **fields})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400
    assert vendors.charges() == []


def test_what_is_overcharged_is_reported_so(vendors: FakeVendors, http: httpx2.Client) -> None:
    """The answer's cost and the ledger agree, also where both are too high."""
    body = {"model": "a/b", "messages": [{"role": "user", "content": "Hm."}]}
    usual = http.post("/chat/completions", json=body).json()["usage"]["cost"]
    vendors.set_faults([{"fault": "overcharge", "factor": 4.0}])
    cost = http.post("/chat/completions", json=body).json()["usage"]["cost"]
    assert cost == pytest.approx(usual * 4)
    assert [charge.microusd for charge in vendors.charges()] == [round(c * 1_000_000) for c in (usual, cost)]


def test_only_fake_keys_are_let_in(http: httpx2.Client, vendors: FakeVendors) -> None:
    """A real key that strays here is answered like a wrong one."""
    body = {"model": "a/b", "messages": [{"role": "user", "content": "Hm."}]}
    answer = http.post("/chat/completions", json=body, headers={"Authorization": "Bearer sk-other"})
    assert answer.status_code == 401
    assert vendors.charges() == []
