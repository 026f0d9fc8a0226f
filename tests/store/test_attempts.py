from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import apsw
import msgspec
import pytest

from dagcontent.errors import InternalError, NodeError, OverBudget, StoreDamaged
from dagcontent.store import ClaimLost, Run, Store, new_attempt_id, open_store
from dagcontent.store.journal import is_attempt_id
from dagcontent.store.paid import Purchase, read_lines
from dagcontent.values.attempt import ATTEMPT_TRANSITIONS, BLOCKING, Attempt, AttemptState, Handle, Intent
from dagcontent.values.money import Cap
from dagcontent.values.record import FailedCharged, Record
from dagcontent.values.refusal import Refusal
from dagcontent.values.value import Blob

S = AttemptState
NOW = 1_763_800_000_000
DAY = "2025-11-22"
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]

# The shortest lawful way to each state.
WAYS: dict[S, list[S]] = {
    S.INTENT: [],
    S.SUBMITTED: [S.SUBMITTED],
    S.SPOOLED: [S.SPOOLED],
    S.COMMITTED: [S.SPOOLED, S.COMMITTED],
    S.RELEASED: [S.RELEASED],
    S.CHARGED: [S.CHARGED],
    S.EXPIRED: [S.SUBMITTED, S.EXPIRED],
    S.UNRESOLVED: [S.UNRESOLVED],
    S.ABANDONED: [S.UNRESOLVED, S.ABANDONED],
    S.SUPERSEDED: [S.UNRESOLVED, S.SUPERSEDED],
}


def step(store: Store, attempt_id: str, to: S, record: Record, *, cost: int | None = 700) -> None:
    """Take an attempt one step, by the method that is for it."""
    journal = store.attempts
    failed = msgspec.structs.replace(record, outcome=FailedCharged("blocked", "moderated", {"x": 1}))
    steps: dict[S, Callable[[], Any]] = {
        S.SUBMITTED: lambda: journal.submitted(attempt_id, Handle({"request_id": "r1"}), now_ms=NOW + 1),
        S.SPOOLED: lambda: journal.spooled(attempt_id, {"body": {"size": 3}}, now_ms=NOW + 2),
        S.COMMITTED: lambda: journal.commit(
            attempt_id, record, cost_microusd=cost, cost_source="reported", now_ms=NOW + 3
        ),
        S.RELEASED: lambda: journal.release(attempt_id, "rate-limit", "429", now_ms=NOW + 3),
        S.CHARGED: lambda: journal.charge(
            attempt_id, failed, cost_microusd=cost, cost_source="computed", now_ms=NOW + 3
        ),
        S.EXPIRED: lambda: journal.expire(attempt_id, "gone", now_ms=NOW + 3),
        S.UNRESOLVED: lambda: journal.unresolve(attempt_id, "no answer", now_ms=NOW + 3),
        S.ABANDONED: lambda: journal.abandon(attempt_id, now_ms=NOW + 4),
        S.SUPERSEDED: lambda: journal.supersede(attempt_id, now_ms=NOW + 4),
    }
    steps[to]().result()


def begin(store: Store, run: Run, intent: Intent, *caps: Cap, repay: bool = False) -> Attempt:
    """Claim the key and intend."""
    store.claim_many([intent.key], run).result()
    return store.attempts.intend(intent, caps, repay=repay).result()


@pytest.fixture
def run(store: Store) -> Run:
    return store.start_run("g", now_ms=NOW)


def test_ids_sort_by_time_and_are_found_by_their_beginning(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A person types the first few letters; two at once differ; a name can be part of a path."""
    ids = [new_attempt_id(NOW + n) for n in (0, 1, 999, 10**6, 10**12)]
    assert ids == sorted(ids)
    assert all(is_attempt_id(one) for one in ids)
    assert new_attempt_id(NOW) != new_attempt_id(NOW)
    assert not any(is_attempt_id(bad) for bad in ("", "../" + ids[0], ids[0].upper(), ids[0] + "0", None))
    made = [begin(store, run, make_intent(make_record(n), run)).id for n in range(3)]
    assert sorted(store.attempts.find_id(made[0][:8].upper())) == sorted(made)
    assert store.attempts.find_id(made[1]) == [made[1]]
    for nobody in ("", "%", "zz", made[0] + "x", "'; DROP TABLE attempt"):
        assert store.attempts.find_id(nobody) == []


def test_an_intent_is_kept_whole(store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent) -> None:
    """What is read back is enough to go on without the graph, whatever process reads it."""
    blob = Blob(store.cas.put_bytes(b"x")[0], "image", "image/png", 1)
    intent = make_intent(make_record(1), run, request={"image": blob, "n": [1, 2.5, "é", None, True]})
    attempt = begin(store, run, intent)
    assert attempt.state is S.INTENT
    assert attempt.intent.request == intent.request
    assert attempt.intent.manifest["kind"] == "text.generate"
    assert msgspec.structs.replace(attempt.intent, manifest=intent.manifest) == intent
    for other in (store, open_store(store.root, write=False)):
        assert other.attempts.get(attempt.id) == attempt
        assert other.attempts.blocking(intent.key) == attempt
        assert other.attempts.list() == [attempt]
        assert other.attempts.list(states=[S.COMMITTED]) == []
        assert other.attempts.list(states=[]) == []
        assert other.attempts.list(states=BLOCKING, graph="g", provider="fal", key=intent.key) == [attempt]
        assert other.attempts.list(graph="other") == other.attempts.list(provider="openai") == []
        assert other.attempts.get("nobody") is None
    other.close()


@pytest.mark.parametrize(("first", "then"), list(itertools.product(S, [one for one in S if one is not S.INTENT])))
def test_only_the_ways_that_are_drawn_can_be_gone(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, first: S, then: S
) -> None:
    """All pairs: a step that the table does not have raises, and leaves the attempt, the record and the money as they were."""
    record = make_record(1, cost_microusd=700)
    attempt = begin(store, run, make_intent(record, run))
    for one in WAYS[first]:
        step(store, attempt.id, one, record)
    before = store.attempts.get(attempt.id), store.attempts.spent(Cap("run", run.id, 0)), store.get(record.key)
    if then in ATTEMPT_TRANSITIONS[first]:
        step(store, attempt.id, then, record)
        after = store.attempts.get(attempt.id)
        assert after is not None
        assert after.state is then
        assert (store.attempts.blocking(record.key) is not None) is (then in BLOCKING)
    else:
        with pytest.raises(InternalError, match="cannot become"):
            step(store, attempt.id, then, record)
        assert before == (
            store.attempts.get(attempt.id), store.attempts.spent(Cap("run", run.id, 0)), store.get(record.key)
        )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "cost", "expected"),
    [
        (S.INTENT, None, (0, 1000)),
        (S.SUBMITTED, None, (0, 1000)),
        (S.SPOOLED, None, (0, 1000)),
        (S.UNRESOLVED, None, (0, 1000)),
        (S.RELEASED, None, (0, 0)),
        (S.COMMITTED, 700, (700, 0)),
        (S.COMMITTED, None, (1000, 0)),
        (S.COMMITTED, 0, (0, 0)),
        (S.CHARGED, 2500, (2500, 0)),
        (S.CHARGED, None, (1000, 0)),
        (S.EXPIRED, None, (1000, 0)),
        (S.ABANDONED, None, (1000, 0)),
        (S.SUPERSEDED, None, (1000, 0)),
    ],
)
def test_money_is_given_back_only_when_it_is_certain_that_it_was_not_spent(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, state: S, cost: int | None,
    expected: tuple[int, int],
) -> None:  # fmt: skip
    """Under every scope alike; a cost that nobody told counts as its upper bound, one above the bound as what it is."""
    record = make_record(1)
    attempt = begin(store, run, make_intent(record, run))
    for one in WAYS[state]:
        step(store, attempt.id, one, record, cost=cost)
    for scope, name in (("run", run.id), ("graph", "g"), ("day", DAY), ("provider", "fal")):
        assert store.attempts.spent(Cap(scope, name, 0)) == expected  # type: ignore[arg-type]
        assert store.attempts.spent(Cap(scope, "other", 0)) == (0, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", sorted(BLOCKING, key=lambda one: one.value))
def test_a_key_has_one_attempt_that_blocks(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, state: S
) -> None:
    """Refused by us, and by the database itself if we forgot."""
    record = make_record(1)
    attempt = begin(store, run, make_intent(record, run))
    for one in WAYS[state]:
        step(store, attempt.id, one, record)
    with pytest.raises(ClaimLost) as caught:
        begin(store, run, make_intent(record, run))
    assert caught.value.retry
    assert caught.value.attempt is not None
    assert caught.value.attempt.id == attempt.id
    from dagcontent.store import journal

    second = Attempt(intent=make_intent(record, run), state=state, changed_ms=NOW)
    with pytest.raises(InternalError, match="UNIQUE"):
        store.write(lambda connection: journal.add(connection, second)).result()
    assert len(store.attempts.list()) == 1


@pytest.mark.parametrize("state", sorted(set(S) - BLOCKING - {S.COMMITTED, S.CHARGED}, key=lambda one: one.value))
def test_a_key_that_is_free_again_can_be_sent_again(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, state: S
) -> None:
    """Released or superseded: the next attempt is another one, and both stay in the journal."""
    record = make_record(1)
    attempt = begin(store, run, make_intent(record, run))
    for one in WAYS[state]:
        step(store, attempt.id, one, record)
    second = begin(store, run, make_intent(record, run, at_ms=NOW + 10))
    assert [one.id for one in store.attempts.list(key=record.key)] == [attempt.id, second.id]


def test_nothing_is_intended_without_the_claim_or_for_what_is_made(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """The last look before the money goes: another build may have been faster."""
    record = make_record(1)
    with pytest.raises(ClaimLost):
        store.attempts.intend(make_intent(record, run)).result()
    with open_store(store.root) as other:
        theirs = other.start_run("g", now_ms=NOW)
        other.claim_many([record.key], theirs).result()
        with pytest.raises(ClaimLost, match="took over"):
            store.attempts.intend(make_intent(record, run)).result()
        store.put(record).result()
        store.write(
            lambda one: one.execute("INSERT INTO claim VALUES (?, ?)", (bytes.fromhex(record.key), run.id))
        ).result()
        with pytest.raises(ClaimLost, match="is made already"):
            store.attempts.intend(make_intent(record, run)).result()
    assert store.attempts.list() == []
    assert store.attempts.spent(Cap("run", run.id, 0)) == (0, 0)


def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """An error of the node, not of the store; and faults of ours are called that."""
    record = make_record(1)
    with pytest.raises(NodeError, match="cannot be kept"):
        begin(store, run, make_intent(record, run, request={"n": 2**70}))
    for wrong in ({"attempt": "../x"}, {"reserved_microusd": -1}):
        with pytest.raises(InternalError):
            begin(store, run, make_intent(record, run, **wrong))
    with pytest.raises(InternalError, match="was given for"):
        begin(store, run, make_intent(record, run), Cap("run", "another run", 10**9))
    attempt = begin(store, run, make_intent(record, run))
    with pytest.raises(InternalError, match="cannot have cost"):
        step(store, attempt.id, S.CHARGED, record, cost=-1)
    with pytest.raises(InternalError, match="another key"):
        store.attempts.commit(attempt.id, make_record(2), cost_microusd=1, cost_source="reported", now_ms=NOW).result()
    with pytest.raises(InternalError, match="no failure"):
        store.attempts.charge(attempt.id, record, cost_microusd=1, cost_source="reported", now_ms=NOW)
    with pytest.raises(InternalError, match="there is no paid attempt"):
        store.attempts.abandon("nobody", now_ms=NOW).result()
    assert store.attempts.list() == [attempt]


@pytest.mark.parametrize("scope", ["run", "graph", "day", "provider"])
def test_a_cap_holds_to_the_last_millionth(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, scope: Any
) -> None:
    """What is settled and what is reserved count together; the refusal says the numbers."""
    name = {"run": run.id, "graph": "g", "day": DAY, "provider": "fal"}[scope]
    cap = Cap(scope, name, 2500, "--budget")
    first = make_record(1)
    attempt = begin(store, run, make_intent(first, run), cap)
    step(store, attempt.id, S.SPOOLED, first)
    step(store, attempt.id, S.COMMITTED, first)
    begin(store, run, make_intent(make_record(2), run), cap)
    with pytest.raises(OverBudget) as caught:
        begin(store, run, make_intent(make_record(3), run, reserved_microusd=801), cap)
    assert "--budget" in caught.value.message
    assert dict(caught.value.facts) == {
        "cap": f"{scope} {name}", "limit": "$0.0025", "spent": "$0.0007", "reserved": "$0.001", "this call": "$0.000801",
    }  # fmt: skip
    begin(store, run, make_intent(make_record(3), run, reserved_microusd=800), cap)
    assert store.attempts.spent(cap) == (700, 1800)
    with pytest.raises(OverBudget):
        begin(store, run, make_intent(make_record(4), run, reserved_microusd=1), cap)
    begin(store, run, make_intent(make_record(4), run, reserved_microusd=None), cap)  # its caller's matter


def test_caps_are_on_the_day_of_the_intent_and_on_their_own_provider(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A build that runs past midnight has the new day's money; another vendor's cap is not asked."""
    day = Cap("day", DAY, 1000)
    begin(store, run, make_intent(make_record(1), run), day, Cap("provider", "openai", 0))
    with pytest.raises(OverBudget):
        begin(store, run, make_intent(make_record(2), run), day)
    tomorrow = NOW + 86_400_000
    begin(store, run, make_intent(make_record(2), run, at_ms=tomorrow), day)
    with pytest.raises(OverBudget, match=r"leaves \$0\.000"):
        begin(store, run, make_intent(make_record(3), run, at_ms=tomorrow), day)


def test_a_commit_is_one_fact(store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent) -> None:
    """Record, cost and the end of the claim; a second result of the key is paid for, and the first one holds."""
    record = make_record(1, "first", cost_microusd=700)
    attempt = begin(store, run, make_intent(record, run))
    store.attempts.answered(attempt.id, {"status": 200, "headers": {"x-request-id": "r"}}, now_ms=NOW + 1).result()
    step(store, attempt.id, S.SPOOLED, record)
    winner = store.attempts.commit(attempt.id, record, cost_microusd=700, cost_source="reported", now_ms=NOW + 2)
    assert winner.result() == record == store.find(record.key)
    assert store.claim_holder(record.key) is None
    done = store.attempts.get(attempt.id)
    assert done is not None
    assert (done.state, done.cost_microusd, done.cost_source, done.answer["status"]) == (
        S.COMMITTED, 700, "reported", 200,
    )  # fmt: skip
    with pytest.raises(InternalError, match="awaits no answer"):
        store.attempts.answered(attempt.id, {}, now_ms=NOW).result()

    late = make_record(2, "late")
    attempt = begin(store, run, make_intent(late, run))
    step(store, attempt.id, S.SPOOLED, late)
    early = msgspec.structs.replace(late, run="other")
    store.put(early).result()
    won = store.attempts.commit(attempt.id, late, cost_microusd=300, cost_source="reported", now_ms=NOW + 2).result()
    assert won == early == store.get(late.key)
    assert store.attempts.spent(Cap("run", run.id, 0)) == (1000, 0)


def test_a_row_that_is_damaged_blocks_its_key(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A journal that cannot be read is not an empty one: nothing is bought on its word."""
    damages = [
        "UPDATE attempt SET body = x'00'",
        "UPDATE attempt SET checksum = x'00'",
        "UPDATE attempt SET held = 0",
        "UPDATE attempt SET state = 'submitted'",
    ]
    for number, damage in enumerate(damages):
        record = make_record(number)
        attempt = begin(store, run, make_intent(record, run))
        connection = apsw.Connection(str(store.layout.db))
        connection.execute(f"{damage} WHERE id = ?", (attempt.id,))
        connection.close()
        with pytest.raises(StoreDamaged, match="damaged in the journal"):
            store.attempts.blocking(record.key)
        with pytest.raises(StoreDamaged):
            begin(store, run, make_intent(record, run))
        with pytest.raises(StoreDamaged):
            step(store, attempt.id, S.RELEASED, record)
        standing = store.standing(record.key)
        assert standing is not None
        assert (standing.state, standing.attempt) == ("unresolved", None)


def test_a_job_is_adopted_by_one_attempt_alone(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """Two lost answers to requests that are the same to the letter, and one job in the vendor's list."""
    first, second = (begin(store, run, make_intent(make_record(number), run)) for number in (1, 2))
    job = Handle({"request_id": "r1"})
    assert store.attempts.adopt(first.id, job, now_ms=NOW).result()
    assert not store.attempts.adopt(second.id, job, now_ms=NOW).result()
    left = store.attempts.get(second.id)
    assert left is not None
    assert left.state is S.INTENT
    assert store.attempts.adopt(second.id, Handle({"request_id": "r2"}), now_ms=NOW).result()


def test_a_refusal_is_what_the_journal_says_last_of_a_key(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A vendor's own no is one; too many requests, and what was never sent, are none; and while a request of the key stands
    open nobody is asked in its place. What is noted without a request is there once, costs nothing, and outlives the database.
    """
    journal = store.attempts
    intent = make_intent(make_record(1), run)
    key = intent.key
    assert journal.refused(key) is None
    for error_class in ("rate-limit", "not-sent", "never-happened", "transient"):
        one = begin(store, run, msgspec.structs.replace(intent, attempt=new_attempt_id(NOW)))
        journal.release(one.id, error_class, "no", now_ms=NOW).result()
        assert journal.refused(key) is None
    one = begin(store, run, msgspec.structs.replace(intent, attempt=new_attempt_id(NOW)))
    assert journal.refused(key) is None
    journal.release(one.id, "blocked", "moderated", now_ms=NOW).result()
    assert journal.refused(key) == Refusal("blocked", "moderated")
    for _ in range(2):
        noted = msgspec.structs.replace(intent, attempt=new_attempt_id(NOW), reserved_microusd=0)
        journal.pass_over(
            Attempt(intent=noted, state=S.RELEASED, changed_ms=NOW, error_class="unavailable", message="down")
        ).result()
    assert journal.refused(key) == Refusal("unavailable", "down")
    assert len(journal.list(key=key)) == 6
    assert journal.spent(Cap("run", run.id, 0)) == (0, 0)
    layout = store.layout
    one = begin(store, run, msgspec.structs.replace(intent, attempt=new_attempt_id(NOW)))
    journal.spooled(one.id, {}, now_ms=NOW).result()
    journal.commit(one.id, make_record(1), cost_microusd=5, cost_source="reported", now_ms=NOW).result()
    assert journal.refused(key) is None, "it was made since: if that is lost, it is not bought from another"
    store.close()
    known = [one.attempt for one in read_lines(layout.paid) if isinstance(one, Purchase)]
    assert {one.error_class for one in known if one.state is S.RELEASED} >= {"blocked", "unavailable"}
