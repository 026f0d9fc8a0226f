"""Alternatives and gates that stand before money: what is begun when, by the vendors' own ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.cli.money import total

TAKES = """
[graph]
name = "takes"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
takes = 4
prompt = "a hare"
size = "64x64"
[node.check]
kind = "assert"
each = "still.take"
value = { take = "${index.still.take}", width = "${still[take].width}" }
equals = { take = 1, width = 64 }
[node.kept]
kind = "select"
each = "still.take"
from = ["${still[take]}"]
by = "first"
needs = "check[take]"
[node.best]
kind = "fallback"
of = "${kept}"
output = "best"
"""
TWO = """
[graph]
name = "two"
[node.a]
kind = "image.generate"
model = "openai/gpt-image-2"
prompt = "a hare"
size = "1024x1024"
[node.b]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "a hare"
size = "64x64"
[node.best]
kind = "fallback"
of = ["${a}", "${b}"]
output = "best"
"""
GATED = TWO.replace('of = ["${a}"', 'of = ["${ok}"') + '[node.ok]\nkind = "gate"\nshow = "${a}"\n'


def sent(one: Bench) -> list[str]:
    """Return which instance each request was for, in the order of the journal."""
    return [attempt.intent.instance for attempt in one.attempts()]


@pytest.mark.slow
def test_a_take_is_bought_only_when_the_check_of_the_one_before_failed(bench: Callable[[str], Bench]) -> None:
    """A bounded reroll: of four takes two are bought, since the second is good; building again buys nothing."""
    one = bench(TAKES)
    plan = api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms)
    rows = {row.node: row for row in plan.rows}
    assert [rows[f"still[take={n}]"].status for n in range(4)] == ["run", "maybe", "maybe", "maybe"]
    cost, _ = total(plan.rows)
    each, _ = total([rows["still[take=0]"]])
    assert (cost.low, cost.expected, cost.high) == (each.low, each.expected, (each.high or 0) * 4)
    built = one.build()
    assert (built.status, sent(one)) == ("ok", ["still[take=0]", "still[take=1]"])
    assert len(one.charges()) == len(one.posts()) == 2
    assert [(row.node, row.by, row.position) for row in built.served] == [("best", "kept[take=1]", 1)]
    assert {n.node for n in built.nodes if n.status == "passed_over"} == {"check[take=0]", "kept[take=0]"}
    assert one.build().status == "ok"
    assert len(one.posts()) == 2
    plan = api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms)
    status = {row.node: row.status for row in plan.rows}
    assert [status[f"still[take={n}]"] for n in range(4)] == ["hit", "hit", "unneeded", "unneeded"]
    assert not total(plan.rows)[0].high


@pytest.mark.slow
def test_the_next_vendor_is_asked_only_after_the_first_refused(bench: Callable[[str], Bench]) -> None:
    """The dearer one serves as long as it can; its refusal comes before the other's request, and the other's result is kept."""
    one = bench(TWO)
    assert one.build().served[0].by == "a"
    assert sent(one) == ["a"]
    one.write(TWO.replace("a hare", "an owl"))
    one.vendors.set_faults([{"fault": "moderation", "vendor": "openai"}])
    built = one.build()
    assert (built.status, built.served[0].by, built.counts["passed_over"]) == ("ok", "b", 1)
    asked = [r["vendor"] for r in one.posts()]
    assert asked.index("fal") > max(n for n, vendor in enumerate(asked) if vendor == "openai")
    fal = len(one.vendors.charges("fal"))
    assert (one.build().status, len(one.vendors.charges("fal"))) == ("ok", fal)


@pytest.mark.slow
def test_what_may_have_been_paid_is_no_failure(bench: Callable[[str], Bench]) -> None:
    """The answer is lost, and this vendor has no list: whether it was paid nobody knows, so nothing is bought in its place."""
    one = bench(TWO)
    one.vendors.set_faults([{"fault": "drop", "vendor": "openai"}])
    built = one.build()
    assert (built.status, sent(one)) == ("unresolved", ["a"])
    assert {n.node: n.status for n in built.nodes} == {"a": "unresolved", "best": "blocked"}
    assert one.vendors.charges("fal") == []


@pytest.mark.slow
def test_what_money_was_short_for_is_no_failure(bench: Callable[[str], Bench]) -> None:
    """A budget that the first does not fit under is no reason to take the cheaper one without a word."""
    one = bench(TWO)
    built = one.build(budget_microusd=30_000)
    assert (built.status, sent(one)) == ("budget", [])
    assert {n.node: n.status for n in built.nodes} == {"a": "failed", "best": "blocked"}


@pytest.mark.slow
def test_an_alternative_that_waits_for_a_person_does_not_start_the_next(bench: Callable[[str], Bench]) -> None:
    """Nobody said no: the next is bought when somebody does, and what was bought stays when they change their mind."""
    one = bench(GATED)
    realms = spending(one.vendors).realms
    built = one.build()
    assert (built.status, sent(one)) == ("waiting", ["a"])
    assert {n.node: n.status for n in built.nodes} == {"a": "ran", "ok": "waiting", "best": "blocked"}
    assert one.build().status == "waiting"
    api.reject(one.graph, ["ok"], note="too dark", store=one.store, realms=realms)
    built = one.build()
    assert (built.status, built.served[0].by, sent(one)) == ("ok", "b", ["a", "b"])
    api.approve(one.graph, ["ok"], store=one.store, realms=realms)
    built = one.build()
    assert (built.status, built.served[0].by, built.counts["ran"]) == ("ok", "ok", 0)
    assert len(one.charges()) == len(one.posts()) == 2


@pytest.mark.slow
def test_nothing_behind_a_gate_is_bought_before_it_is_approved(bench: Callable[[str], Bench]) -> None:
    """By its content, by `needs`, or by a list: a person looks first. Once approved each is bought once."""
    one = bench(
        TWO.partition("[node.best]")[0].replace("[node.b]", '[node.b]\nneeds = "ok"')
        + '[node.ok]\nkind = "gate"\nshow = ["${a}"]\ntitle = "A hare?"\n'
        + '[node.c]\nkind = "image.edit"\nmodel = "openai/gpt-image-2"\nprompt = "at night"\nimage = "${ok[0]}"\n'
    )
    realms = spending(one.vendors).realms
    for _ in range(2):
        built = one.build()
        assert (built.status, sent(one)) == ("waiting", ["a"])
    assert [(n.title, [s.instance for s in n.shows]) for n in built.nodes if n.status == "waiting"] == [
        ("A hare?", ["a"])
    ]
    api.reject(one.graph, ["ok"], store=one.store, realms=realms)
    built = one.build()
    assert (built.status, sent(one)) == ("failed", ["a"])
    assert {n.node: n.status for n in built.nodes} == {"a": "hit", "b": "blocked", "ok": "failed", "c": "blocked"}
    api.approve(one.graph, ["ok"], store=one.store, realms=realms)
    assert one.build().status == "ok"
    assert sorted(sent(one)) == ["a", "b", "c"]
    assert len(one.charges()) == len(one.posts()) == 3
