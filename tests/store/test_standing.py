from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest

from dagcontent.errors import StoreDamaged
from dagcontent.store import BlobDamaged, ClaimLost, Run, Store, open_store
from dagcontent.values.attempt import AttemptState, Handle, Intent
from dagcontent.values.record import FailedCharged, Record
from dagcontent.values.value import Blob

S = AttemptState
NOW = 1_763_800_000_000
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]


@pytest.fixture
def run(store: Store) -> Run:
    return store.start_run("g", now_ms=NOW)


def picture(store: Store, make_record: MakeRecord, cost: int, data: bytes = b"picture") -> Record:
    """A record with a blob."""
    digest, size = store.cas.put_bytes(data)
    return make_record(1, Blob(digest, "image", "image/png", size), cost_microusd=cost)


def intend(store: Store, run: Run, intent: Intent, *, repay: bool = False) -> str:
    """Claim the key and intend; return the attempt."""
    store.claim_many([intent.key], run).result()
    return store.attempts.intend(intent, repay=repay).result().id


def pay(store: Store, run: Run, record: Record, intent: Intent, *, repay: bool = False) -> Record:
    """Buy a record whose bytes are in the CAS."""
    name = intend(store, run, intent, repay=repay)
    store.attempts.spooled(name, {}, now_ms=NOW).result()
    return store.attempts.commit(
        name, record, cost_microusd=record.cost_microusd, cost_source="reported", now_ms=NOW, replace_lost=repay
    ).result()


def lose(store: Store) -> None:
    """Remove every blob."""
    for path in store.layout.cas.glob("*/*"):
        path.unlink()


def test_what_is_not_known_or_can_be_used_stands_in_no_way(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A miss is made, a hit is a hit; a free result that is lost is made again."""
    record = picture(store, make_record, 5)
    assert store.standing(record.key) is None
    pay(store, run, record, make_intent(record, run))
    assert store.standing(record.key) is None
    free = make_record(2, record.outcome.value)  # type: ignore[union-attr]
    store.put(free).result()
    lose(store)
    assert store.standing(free.key) is None
    assert store.find(free.key) is None
    intend(store, run, make_intent(free, run))


@pytest.mark.parametrize("cost", [0, 5])
def test_a_paid_result_whose_bytes_are_gone_is_bought_again_only_on_a_persons_word(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent, cost: int
) -> None:
    """Whatever it cost; and the new one takes its place."""
    record = picture(store, make_record, cost)
    pay(store, run, record, make_intent(record, run))
    lose(store)
    standing = store.standing(record.key)
    assert standing is not None
    assert (standing.state, standing.record, standing.attempt) == ("repay", record, None)
    assert "missing" in standing.detail
    with pytest.raises(BlobDamaged):
        store.find(record.key)
    assert store.put(msgspec.structs.replace(record, run="free", cost_microusd=0)).result() == record
    with pytest.raises(ClaimLost, match="is lost"):
        intend(store, run, make_intent(record, run))
    name = intend(store, run, make_intent(record, run), repay=True)
    under_way = store.standing(record.key)
    assert under_way is not None
    assert (under_way.state, under_way.attempt and under_way.attempt.id) == ("resume", name)
    digest, size = store.cas.put_bytes(b"another picture")
    again = make_record(1, Blob(digest, "image", "image/png", size), cost_microusd=cost)
    generation = store.generation()
    store.attempts.spooled(name, {}, now_ms=NOW).result()
    won = store.attempts.commit(
        name, again, cost_microusd=cost, cost_source="reported", now_ms=NOW, replace_lost=True
    ).result()
    assert won == again == store.find(record.key)
    assert store.generation() != generation
    assert store.standing(record.key) is None


def test_without_the_word_a_late_result_does_not_replace_a_lost_one(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """The first record of a key wins, lost or not; the late one is settled all the same."""
    record = picture(store, make_record, 5)
    pay(store, run, record, make_intent(record, run))
    lose(store)
    name = intend(store, run, make_intent(record, run), repay=True)
    store.attempts.spooled(name, {}, now_ms=NOW).result()
    late = make_record(1, "late", cost_microusd=5)
    assert store.attempts.commit(name, late, cost_microusd=5, cost_source="reported", now_ms=NOW).result() == record
    attempt = store.attempts.get(name)
    assert attempt is not None
    assert attempt.state is S.COMMITTED


def test_a_paid_row_that_cannot_be_read_is_repay_too(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """There is no record to show then, but it is never a miss."""
    record = picture(store, make_record, 0)
    pay(store, run, record, make_intent(record, run))
    store.flush()
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("UPDATE record SET checksum = x'00'")
    connection.close()
    standing = store.standing(record.key)
    assert standing is not None
    assert (standing.state, standing.record) == ("repay", None)
    with pytest.raises(StoreDamaged):
        store.find(record.key)
    with pytest.raises(StoreDamaged):
        store.put(record).result()
    pay(store, run, record, make_intent(record, run), repay=True)
    assert store.find(record.key) == record


def test_each_state_of_an_attempt_has_its_standing(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """From a handle to a person's word, in a store opened for reading too."""
    journal = store.attempts
    record = make_record(1)

    def state() -> str | None:
        with open_store(store.root, write=False) as reader:
            seen = reader.standing(record.key)
        mine = store.standing(record.key)
        assert seen == mine
        return None if mine is None else mine.state

    name = intend(store, run, make_intent(record, run))
    assert state() == "resume"
    journal.unresolve(name, "no answer", now_ms=NOW).result()
    assert state() == "unresolved"
    journal.submitted(name, Handle({"id": "1"}), now_ms=NOW).result()
    assert state() == "resume"
    journal.expire(name, "kept for an hour only", now_ms=NOW).result()
    assert state() == "repay"
    standing = store.standing(record.key)
    assert standing is not None
    assert standing.detail == "kept for an hour only"
    with pytest.raises(ClaimLost) as caught:
        intend(store, run, make_intent(record, run))
    assert caught.value.attempt is not None
    second = intend(store, run, make_intent(record, run), repay=True)
    first = journal.get(name)
    assert first is not None
    assert first.state is S.SUPERSEDED
    journal.unresolve(second, "no answer", now_ms=NOW).result()
    journal.abandon(second, now_ms=NOW).result()
    assert state() == "abandoned"
    with pytest.raises(ClaimLost):
        intend(store, run, make_intent(record, run), repay=True)
    journal.supersede(second, now_ms=NOW).result()
    assert state() is None
    third = intend(store, run, make_intent(record, run))
    failed = msgspec.structs.replace(record, outcome=FailedCharged("blocked", "moderated"))
    journal.charge(third, failed, cost_microusd=1, cost_source="reported", now_ms=NOW).result()
    assert state() == "failed"


def test_what_a_dead_run_left_is_taken_over_once(
    store: Store, run: Run, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """Not from a living run, not twice; the money counts where it was reserved."""
    records = [make_record(n) for n in range(3)]
    names = [intend(store, run, make_intent(record, run)) for record in records]
    store.attempts.release(names[2], "rate-limit", "429", now_ms=NOW).result()
    with open_store(store.root) as other, open_store(store.root) as third:
        heir, late = other.start_run("g", now_ms=NOW), third.start_run("g", now_ms=NOW)
        assert other.attempts.take_over(names, heir, now_ms=NOW).result() == []
        store.close()
        taken = other.attempts.take_over(names, heir, now_ms=NOW + 1).result()
        assert [(one.id, one.owner, one.intent.run) for one in taken] == [(name, heir.id, run.id) for name in names[:2]]
        assert other.claim_holder(records[0].key) == heir.id
        assert third.attempts.take_over(names, late, now_ms=NOW).result() == []
        assert len(other.attempts.take_over(names, heir, now_ms=NOW).result()) == 2
        from dagcontent.values.money import Cap

        assert other.attempts.spent(Cap("run", run.id, 0)) == (0, 2000)
        assert other.attempts.spent(Cap("run", heir.id, 0)) == (0, 0)


def test_a_store_that_is_not_there_knows_no_attempts(tmp_path: Path) -> None:
    """`plan` before the first build."""
    with open_store(tmp_path / "none", write=False) as store:
        assert store.standing("ab" * 32) is None
        assert store.attempts.blocking("ab" * 32) is None
        assert store.spool.names("0" * 26) == []
