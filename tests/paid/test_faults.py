from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest
from oracle.paid import ROWS, TABLE, Bench, Row, graph_of, only
from oracle.paid_faults import LOUD, QUIET, Case, broken, built_twice, fitted, graph_of_cases, loud, polled, quiet

FEW = (0, 1, 2, 5, 10, 20, 40, 80)
MANY = (*range(48), *range(48, 112, 4))
WHOLE = [TABLE["fal-queue-image"], TABLE["openai-images.generate"]]
DOZEN = [
    TABLE[name] for name in (
        "openai-chat", "openai-speech", "elevenlabs-speech", "elevenlabs-sound", "elevenlabs-flows.image",
        "google-generate", "google-interactions.video", "openrouter-chat", "openrouter-videos",
    )
]  # fmt: skip
ASKED = [
    ("fal-queue-image", "status", 1), ("fal-queue-image", "result", 1), ("elevenlabs-flows.image", "flows.image.get", 1),
    ("google-interactions.video", "interactions.get", 5), ("openrouter-videos", "videos.get", 5),
]  # fmt: skip


def check(one: Bench, row: Row, table: Iterable[Case], bounds: Mapping[str, float]) -> None:
    """Build twice, and hold every case against what it may end as."""
    chosen = fitted(row, table)
    seen = built_twice(one, row, chosen, bounds)
    wrong = {one.case.name: (found, one) for one in seen if (found := broken(one, row))}
    assert not wrong
    assert sum(one.vendors.fired().values()) >= len(chosen)
    if row.output == "image":  # what was found again is everybody's own
        digests = [one.second.digest for one in seen if one.second.digest is not None]
        assert len(set(digests)) == len(digests)


@pytest.mark.slow
@pytest.mark.parametrize("row", WHOLE, ids=lambda row: row.name)
def test_whatever_happens_to_an_answer_it_is_paid_once(bench: Callable[[str], Bench], row: Row) -> None:
    """Seventy-nine faults of an answer, each of its own node, then a build without: the ledger counts one for each that was
    taken, results that can be found are found, and what a vendor refused is sent again.
    """
    check(bench(""), row, loud(FEW), LOUD)


@pytest.mark.slow
@pytest.mark.parametrize("row", WHOLE, ids=lambda row: row.name)
def test_whatever_does_not_come_is_paid_once(bench: Callable[[str], Bench], row: Row) -> None:
    """The same for answers that stop half-way, come too late, or never."""
    check(bench(""), row, quiet(FEW), QUIET)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "first"), [(row, n % 6) for n, row in enumerate(DOZEN)], ids=lambda v: getattr(v, "name", "")
)
def test_a_dozen_faults_at_every_other_vendor(bench: Callable[[str], Bench], row: Row, first: int) -> None:
    """Every sixth fault, another first one for each: together they are all of them."""
    check(bench(""), row, list(loud(FEW))[first::6], LOUD)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "operation", "every"), ASKED)
def test_asking_after_a_job_may_fail(bench: Callable[[str], Bench], name: str, operation: str, every: int) -> None:
    """A poll that fails is made again, a job is never sent again for it."""
    check(bench(""), TABLE[name], list(polled(operation))[::every], LOUD)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fal-queue-image", "openai-images.generate"])
def test_a_request_that_breaks_off_is_not_charged(bench: Callable[[str], Bench], name: str) -> None:
    """The vendor resets the connection at eight bytes of head and body: it took nothing. Where its list says so each is sent
    once more; where there is none, a person is asked, and nothing is ever charged.
    """
    row = TABLE[name]
    one = bench(graph_of_cases(row, 8))
    rules = [
        {"fault": "reset", "vendor": row.vendor, "operation": row.asked, "part": "request", "byte": byte, "nth": n + 1}
        for n, byte in enumerate((0, 20, 40, 120, 200, 280, 340, 360))
    ]
    one.vendors.set_faults(rules)
    results = [one.build(LOUD), one.build(LOUD)]
    assert sum(not request["complete"] for request in one.posts()) >= 4
    assert [result.status for result in results] == (["ok"] * 2 if row.found else ["unresolved"] * 2)
    assert len(one.charges()) == (8 if row.found else 0)
    assert len(one.posts()) == (16 if row.found else 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["fal-queue-image", "openai-chat", "elevenlabs-sound", "google-generate", "openrouter-chat"]
)
def test_where_nobody_listens_nothing_is_sent(bench: Callable[[str], Bench], name: str) -> None:
    """A port that is closed costs nothing and leaves nothing open: the next build buys."""
    one = bench(graph_of(TABLE[name]))
    free = dict.fromkeys(one.vendors.base_urls, "http://127.0.0.1:9/x")
    result = one.build(LOUD, base_urls=free)
    assert (result.status, only(result).status) == ("failed", "failed")
    assert "Traceback" not in str(only(result).error)
    assert not any(attempt.blocks for attempt in one.attempts())
    assert one.build().status == "ok"
    assert len(one.charges()) == len(one.posts()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fal-queue-image", "openai-images.generate"])
def test_connections_that_are_reset_as_they_stand_are_not_charged_twice(
    bench: Callable[[str], Bench], name: str
) -> None:
    """The first two connections end as they are accepted. One that ends while it is made has carried nothing and is made again;
    of one that ends later a list that can be read says so, and where there is none, a person is asked. Which of the two a
    client sees is the kernel's choice; never is anything charged twice.
    """
    row = TABLE[name]
    one = bench(graph_of(row))
    one.vendors.set_faults([{"fault": "hang_up", "nth": [1, 2]}])
    results = [one.build(LOUD), one.build(LOUD)]
    statuses = {result.status for result in results}
    assert statuses == {"ok"} or (statuses == {"unresolved"} and not row.found)
    assert len(one.charges()) == (1 if statuses == {"ok"} else 0)


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize(
    "name", ["fal-queue-image", "openai-chat", "elevenlabs-sound", "google-generate", "openrouter-chat"]
)
def test_a_refused_account_is_asked_for_nothing_more(bench: Callable[[str], Bench], name: str, status: int) -> None:
    """One refusal of the key or the credit stops a vendor for the rest of the build; the next build buys all, once."""
    row = TABLE[name]
    one = bench(graph_of_cases(row, 6))
    one.vendors.set_faults([row.fault("status", status=status)])
    result = one.build(LOUD, concurrency=1)
    assert {node.status for node in result.nodes} == {"failed"}
    assert len(one.posts()) == 1
    assert one.charges() == []
    one.vendors.set_faults([])
    assert one.build(LOUD).status == "ok"
    assert len(one.charges()) == 6


@pytest.mark.sweep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", [row for row in ROWS if "WORD" in row.lines], ids=lambda row: row.name)
def test_every_fault_at_every_operation(bench: Callable[[str], Bench], row: Row) -> None:
    """All of them, and answers broken off at sixty-four offsets."""
    check(bench(""), row, loud(MANY), {**LOUD, "send_s": 8.0})
    one = bench("")
    one.vendors.reset()
    check(one, row, quiet(MANY[::4]), QUIET)
