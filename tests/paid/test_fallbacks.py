"""Lists of models at real SDKs: who is asked, who serves, what is charged. The judge is the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import QUICK, Bench, only, spending
from oracle.paid_crashes import Lane

from dagcontent import api

GRAPH = """
[graph]
name = "lists"
[node.still]
kind = "image.generate"
model = ["fal/fal-ai/flux/dev", { id = "openai/gpt-image-2", size = "1024x1024" }]
prompt = "a hare"
size = "64x64"
output = "still"
retries = 0
"""
SUBMIT = {"vendor": "fal", "operation": "submit"}


def asked(one: Bench) -> list[str]:
    """Return the vendors that were sent something that could cost money, in order."""
    return [request["vendor"] for request in one.posts()]


def charged(one: Bench) -> list[str]:
    """Return the vendors that charged, in order."""
    return [line.vendor for line in one.charges()]


@pytest.mark.slow
def test_a_refusal_leads_to_the_next_model_and_is_remembered(bench: Callable[[str], Bench]) -> None:
    """What fal refuses OpenAI makes, once; whoever builds again is told who served, and nobody is asked. A better model put
    first is really tried, and so is the first again, if that is asked for.
    """
    one = bench(GRAPH)
    one.vendors.set_faults([{"fault": "status", "status": 422, **SUBMIT}])
    result = one.build()
    assert (result.status, only(result).status) == ("ok", "ran")
    assert (asked(one), charged(one)) == (["fal", "openai"], ["openai"])
    assert "served by openai/gpt-image-2: fal/fal-ai/flux/dev refused the request" in result.warnings[0]
    one.vendors.set_faults([])
    again = one.build()
    assert (only(again).status, again.warnings[:1]) == ("hit", result.warnings[:1])
    one.write(GRAPH.replace(" }]", ' }, "fal/fal-ai/flux/schnell"]'))
    assert (only(one.build()).status, asked(one)) == ("hit", ["fal", "openai"])
    one.write(GRAPH)
    assert one.build(retry_primary=True).status == "ok"
    assert (asked(one), charged(one)) == (["fal", "openai", "fal"], ["openai", "fal"])
    assert (only(one.build()).status, len(asked(one))) == ("hit", 3)
    for blob in (one.store / "cas").rglob("*"):
        if blob.is_file():
            blob.unlink()
    realms = spending(one.vendors).realms
    (row,) = api.plan(api.load(one.graph), store=one.store, realms=realms).rows
    assert (row.status, row.model) == ("repay", "fal/fal-ai/flux/dev"), "what is lost is not bought from another"


@pytest.mark.slow
def test_another_is_asked_only_after_a_refusal_that_is_certain(bench: Callable[[str], Bench]) -> None:
    """An answer that is lost may have been charged: the list goes no further, in this build and the next."""
    one = bench(
        GRAPH.replace('["fal/fal-ai/flux/dev", { id = "openai/gpt-image-2", size = "1024x1024" }]',
                      '["openai/gpt-image-2", "fal/fal-ai/flux/dev"]').replace("64x64", "1024x1024")
    )  # fmt: skip
    one.vendors.set_faults([{"fault": "drop", "vendor": "openai"}])
    for _ in range(2):
        result = one.build(QUICK)
        assert (result.status, asked(one), charged(one)) == ("unresolved", ["openai"], ["openai"])


@pytest.mark.slow
def test_a_vendor_that_cannot_be_reached_is_passed_over_for_good(bench: Callable[[str], Bench]) -> None:
    """Nobody listens at fal: OpenAI makes it. That fal is back later buys nothing twice. A key that is refused is a mistake
    to mend: it never makes a build dearer.
    """
    one = bench(GRAPH)
    urls = {**one.vendors.base_urls, "fal": "http://127.0.0.1:9/fal"}
    result = one.build(base_urls=urls)
    assert (result.status, asked(one)) == ("ok", ["openai"])
    realm = api.plan(one.graph, store=one.store)
    assert realm.rows
    assert "could not be asked" in result.warnings[0]
    assert (only(one.build(base_urls=urls)).status, asked(one)) == ("hit", ["openai"])
    other = bench(GRAPH)
    other.vendors.set_faults([{"fault": "status", "status": 401, **SUBMIT}])
    assert (other.build().status, asked(other)[1:]) == ("failed", ["fal"])


@pytest.mark.slow
def test_moderation_asks_for_other_samples_first(bench: Callable[[str], Bench]) -> None:
    """Two samples more of the same model, each paid for; then the next. The most of the plan held all of it, and what served
    is found again.
    """
    one = bench(GRAPH + 'on_block = { reroll = 2, then = "fallback" }\n')
    row = api.plan(one.graph, store=one.store).rows[0]
    assert row.price is not None
    assert row.fallbacks == ("openai/gpt-image-2",)
    one.vendors.set_faults([{"fault": "moderation", **SUBMIT, "times": 3}])
    result = one.build()
    assert (result.status, asked(one)) == ("ok", ["fal", "fal", "fal", "openai", "openai"][:4])
    assert len(charged(one)) == 4
    assert "refused (content policy) 3 times, charged" in result.warnings[0]
    assert row.price.quote.high is not None
    assert result.spent_microusd <= row.price.quote.high
    assert (only(one.build()).status, len(asked(one))) == ("hit", 4)
    two = bench(GRAPH + 'on_block = { reroll = 1, then = "skip" }\n')
    two.vendors.set_faults([{"fault": "moderation", **SUBMIT, "times": 2}])
    for _ in range(2):
        result = two.build()
        assert (only(result).status, len(asked(two))) == ("skipped", 6)


@pytest.mark.slow
def test_one_instance_costs_no_more_than_its_ceiling(bench: Callable[[str], Bench]) -> None:
    """A first model that is too dear is not sent; a fallback is passed over, and stays so when the ceiling is raised."""
    one = bench(GRAPH + "max_cost_usd = 0.001\n")
    result = one.build()
    assert (result.status, asked(one)) == ("failed", [])
    assert "it may cost up to $0.032, and max_cost_usd is $0.001" in str(only(result).error)
    text = GRAPH.replace(" }]", ' }, "elevenlabs/gemini-3.1-flash-image"]').replace('size = "64x64"\n', "")
    one.write(text + "max_cost_usd = 0.05\n")
    one.vendors.set_faults([{"fault": "status", "status": 422, **SUBMIT}])
    dear = one.build()
    assert asked(one) == ["fal"], dear


@pytest.mark.slow
def test_a_kill_between_a_refusal_and_the_next_model_buys_nothing_twice() -> None:
    """Killed after the refusal is on the journal, after it is known that the next is asked, or just before that one is sent:
    the build that follows asks the next alone, once.
    """
    points = [("attempt.released", 1), ("run.passed-over", 1), ("paid.before-intent", 2), ("paid.answer-on-disk", 2)]
    with Lane(GRAPH) as lane:
        for point in points:
            lane.begin()
            before = len(lane.vendors.requests())
            lane.vendors.set_faults([{"fault": "status", "status": 422, **SUBMIT}])
            assert "signal" in lane.build(point), point
            said = lane.build()
            assert said["made"]["status"] == "ok", (point, said)
            posts = [r["vendor"] for r in lane.vendors.requests()[before:] if r["method"] == "POST"]
            assert posts == ["fal", "openai"], point
            assert said["made"]["problems"] == []
