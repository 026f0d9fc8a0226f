from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from oracle.paid import QUICK, ROWS, TABLE, Bench, graph_of

from dagcontent.providers.registry import VENDORS
from dagcontent.values.attempt import AttemptState

FOUND = {vendor: [row for row in ROWS if row.vendor == vendor and row.found] for vendor in VENDORS}
LOST = {vendor: [row for row in ROWS if row.vendor == vendor and not row.found] for vendor in VENDORS}
LISTING = [vendor for vendor, rows in FOUND.items() if rows]
BLIND = [vendor for vendor, rows in LOST.items() if rows]


@pytest.mark.slow
@pytest.mark.parametrize("vendor", BLIND)
def test_where_nobody_can_tell_a_person_is_asked(bench: Callable[[str], Bench], vendor: str) -> None:
    """A vendor that takes each request and never says a word is asked once in two builds: both end unresolved, with the
    attempt named, and the budget still holds what it may have cost.
    """
    rows = LOST[vendor]
    one = bench(graph_of(*rows))
    one.vendors.set_faults([row.fault("silent") for row in rows])
    for held in (True, False):  # by the run that sent it
        result = one.build(QUICK)
        assert result.status == "unresolved"
        reserved = sum(attempt.intent.reserved_microusd or 0 for attempt in one.attempts())
        assert result.reserved_microusd == (reserved if held else 0)
        attempts = {attempt.intent.instance: attempt for attempt in one.attempts()}
        assert len(attempts) == len(one.attempts()) == len(rows)
        for node in result.nodes:
            attempt = attempts[node.node]
            assert (node.status, attempt.state) == ("unresolved", AttemptState.UNRESOLVED)
            assert ("attempt", attempt.id) in node.facts
            assert attempt.id in (node.hint or "")
    assert len(one.posts()) == len(rows)
    assert [len(row.of(one.charges())) for row in rows] == [1] * len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", LISTING)
def test_what_a_vendor_lists_is_found(bench: Callable[[str], Bench], vendor: str) -> None:
    """The same silence, and the results are there: found by what the vendor lists, paid once, never sent again."""
    rows = FOUND[vendor]
    one = bench(graph_of(*rows))
    one.vendors.set_faults([row.fault("silent") for row in rows])
    results = [one.build(QUICK), one.build(QUICK)]
    assert [result.status for result in results] == ["ok", "ok"], results
    assert len(one.posts()) == len(rows)
    assert [len(row.of(one.charges())) for row in rows] == [1] * len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", LISTING)
def test_what_never_arrived_is_sent_again(bench: Callable[[str], Bench], vendor: str) -> None:
    """Silence of a vendor that took nothing: its list shows others and not these when it must, and only then each is sent
    once more.
    """
    rows = FOUND[vendor]
    one = bench(graph_of(*rows, edited=True))
    assert one.build().status == "ok"
    before = len(one.posts())
    one.write(graph_of(*rows))
    one.vendors.set_faults([row.fault("silent", when="before", nth=1) for row in rows])
    result = one.build(QUICK)
    assert result.status == "ok", result
    classes = Counter(attempt.error_class for attempt in one.attempts())
    assert classes["never-happened"] == len(rows)
    sent = one.posts()[before:]
    assert len(sent) == 2 * len(rows)
    settled_ms = 1000 * (QUICK["inflight_s"] + QUICK["list_lag_s"])
    assert sent[len(rows)]["at"] - sent[0]["at"] > settled_ms
    assert [len(row.of(one.charges())) for row in rows] == [2] * len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openai-chat", "elevenlabs-speech"])
def test_a_list_that_shows_nothing_at_all_proves_nothing(bench: Callable[[str], Bench], name: str) -> None:
    """An account that keeps no history lists nothing, taken or not: nothing is sent again, and a person is asked."""
    row = TABLE[name]
    one = bench(graph_of(row))
    one.vendors.set_faults([row.fault("silent", when="before", nth=1)])
    assert [one.build(QUICK).status for _ in range(2)] == ["unresolved"] * 2
    assert len(one.posts()) == 1
