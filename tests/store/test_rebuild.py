from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.errors import StoreBusy
from dagcontent.store import Run, Store, new_attempt_id, open_store
from dagcontent.store.paid import Purchase, append, line_of, read_lines
from dagcontent.store.rebuild import Rebuilt, rebuild
from dagcontent.values.attempt import AttemptState, Handle, Intent
from dagcontent.values.money import Cap
from dagcontent.values.record import Record
from dagcontent.values.value import Blob

S = AttemptState
NOW = 1_763_800_000_000
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None,
    max_examples=min(60, settings().max_examples),
)  # fmt: skip


def again(root: Path) -> Rebuilt:
    return rebuild(root, crashpoint=lambda _point: None)


def buy(store: Store, run: Run, record: Record, intent: Intent) -> str:
    """Pay for a record; its cost is what the record says."""
    store.claim_many([record.key], run).result()
    attempt = store.attempts.intend(intent).result()
    store.attempts.spooled(attempt.id, {}, now_ms=NOW).result()
    cost = record.cost_microusd
    store.attempts.commit(attempt.id, record, cost_microusd=cost, cost_source="reported", now_ms=NOW).result()
    return attempt.id


@pytest.fixture
def bought(store: Store, make_record: MakeRecord, make_intent: MakeIntent) -> list[Record]:
    """Eight paid records (a picture, one that cost nothing, a long one), a free one, and an attempt under way."""
    run = store.start_run("g", now_ms=NOW)
    digest, size = store.cas.put_bytes(b"picture")
    values = [Blob(digest, "image", "image/png", size), "free of charge", "long " * 4000, *("text",) * 5]
    records = [make_record(n, value, cost_microusd=0 if n == 1 else 10 + n) for n, value in enumerate(values)]
    for record in records:
        buy(store, run, record, make_intent(record, run))
    store.put(make_record(50)).result()
    waiting = make_record(60)
    store.claim_many([waiting.key], run).result()
    attempt = store.attempts.intend(make_intent(waiting, run)).result()
    store.attempts.submitted(attempt.id, Handle({"id": "1"}), now_ms=NOW).result()
    store.set_last_build("g", "", {"a": records[0].key}).result()
    store.finish_run(run, "ok", {}, now_ms=NOW)
    return records


def test_a_purchase_is_a_line_that_people_can_read(store: Store, bought: list[Record]) -> None:
    """And that programs can read exactly; a torn line swallows nothing."""
    whole = store.layout.paid.read_bytes().splitlines(keepends=True)
    lines = [line for line in whole if b'"outcome":"committed"' in line]
    assert (len(whole), len(lines)) == (18, 8)  # each has a line before it is sent; one has a handle
    assert b'"cost_microusd":10,' in lines[0]
    assert b'"node":"still"' in lines[0]
    purchases = [one for one in read_lines(store.layout.paid) if isinstance(one, Purchase) and one.record]
    assert [one.record for one in purchases] == bought
    assert [line_of(one) for one in purchases] == lines
    torn = lines[0] + lines[1][:100]
    store.layout.paid.write_bytes(torn)
    append(store.layout.paid, lines[2:])
    found = list(read_lines(store.layout.paid))
    assert found[1] == 2
    assert [one.record for one in found if isinstance(one, Purchase)] == [bought[0], *bought[2:]]
    for flip in range(0, len(lines[0]), 7):
        data = bytearray(lines[0])
        data[flip] ^= 1
        store.layout.paid.write_bytes(bytes(data))
        for one in read_lines(store.layout.paid):
            assert isinstance(one, int) or one.record == bought[0]


def test_a_lost_database_is_made_again(store: Store, bought: list[Record], make_record: MakeRecord) -> None:
    """Everything that was paid for is a hit, and counts; what was free is made again."""
    store.close()
    for path in store.root.glob("store.db*"):
        path.unlink()
    with open_store(store.root) as empty:
        problems = empty.verify().problems
        assert {one.what for one in problems} == {"paid.jsonl"}
        assert len(problems) == 9
        assert "--rebuild" in problems[0].detail
        assert not empty.verify(repair=True).ok
    done = again(store.root)
    assert (done.restored_records, done.restored_attempts, done.kept_records) == (8, 9, 0)
    with open_store(store.root) as opened:
        assert [opened.find(record.key) for record in bought] == bought
        assert opened.get(make_record(50).key) is None
        total = sum(record.cost_microusd for record in bought)
        assert opened.attempts.spent(Cap("graph", "g", 0)) == (total, 1000)
        under_way = opened.attempts.blocking(make_record(60).key)
        assert under_way is not None
        assert (under_way.state, under_way.handle) == (S.SUBMITTED, Handle({"id": "1"}))
        assert opened.verify().ok
        opened.start_run("g", now_ms=NOW)
    assert len(list(read_lines(store.root / "paid.jsonl"))) == 18
    assert again(store.root).kept_records == 8


def test_a_whole_database_survives_being_made_again(
    store: Store, bought: list[Record], make_record: MakeRecord
) -> None:
    """Free results, attempts under way, last builds and runs are carried over; the old file is kept."""
    store.close()
    done = again(store.root)
    assert (done.kept_records, done.kept_attempts, done.restored_records, done.restored_attempts) == (9, 9, 0, 0)
    assert Path(done.old_database).exists()
    with open_store(store.root) as opened:
        assert opened.find(make_record(50).key) == make_record(50)
        attempt = opened.attempts.blocking(make_record(60).key)
        assert attempt is not None
        assert (attempt.state, attempt.handle) == (S.SUBMITTED, Handle({"id": "1"}))
        assert opened.last_build("g") == {"a": bought[0].key}
        assert opened.stats().runs == 1
        assert opened.verify().ok
        with pytest.raises(StoreBusy):
            again(store.root)


@SHARED
@given(at=st.integers(0, 2**20), many=st.integers(1, 4096), kind=st.sampled_from(["flip", "zero", "cut", "gone"]))
def test_no_damage_to_the_database_makes_anything_be_bought_again(
    tmp_path_factory: pytest.TempPathFactory, make_record: MakeRecord, make_intent: MakeIntent, at: int, many: int,
    kind: str,
) -> None:  # fmt: skip
    """Whatever happens to it between two builds: made again, all that was paid for is there, and there once."""
    root = tmp_path_factory.mktemp("damage") / "store"
    with open_store(root) as store:
        run = store.start_run("g", now_ms=NOW)
        records = [make_record(n, "x" * 500, cost_microusd=n) for n in range(10)]
        for record in records:
            buy(store, run, record, make_intent(record, run))
        store.finish_run(run, "ok", {}, now_ms=NOW)
    path = root / "store.db"
    data = bytearray(path.read_bytes())
    at %= len(data)
    if kind == "cut":
        del data[at:]
    else:
        for n in range(at, min(at + many, len(data))):
            data[n] = data[n] ^ 0x55 if kind == "flip" else 0
    path.write_bytes(data)
    if kind == "gone":
        path.unlink()
    again(root)
    with open_store(root) as store:
        assert [store.find(record.key) for record in records] == records
        assert all(store.standing(record.key) is None for record in records)
        assert store.attempts.spent(Cap("graph", "g", 0)) == (45, 0)
        assert store.verify().ok
    shutil.rmtree(root)


def test_every_fault_of_the_journal_is_found_and_only_what_is_safe_is_mended(
    store: Store, bought: list[Record]
) -> None:
    """Recall is all of it; repair writes lost lines again and removes nothing that may have been paid for."""
    assert store.verify().ok
    ids = [one.attempt.id for one in read_lines(store.layout.paid) if isinstance(one, Purchase) and one.record]
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("UPDATE attempt SET graph = 'other' WHERE id = ?", (ids[0],))
    connection.execute("UPDATE attempt SET body = x'00' WHERE id = ?", (ids[1],))
    connection.close()
    lines = store.layout.paid.read_bytes().splitlines(keepends=True)
    lines = [line for line in lines if b'"outcome":"committed"' in line or b'"outcome":"submitted"' in line]
    store.layout.paid.write_bytes(b"".join([*lines[:2], lines[2][:40], b"\n", *lines[4:]]))
    stranger = new_attempt_id(NOW)
    for name in (f"{ids[4]}.body", f"{stranger}.body", "note.txt"):
        (store.layout.spool / name).write_bytes(b"x")
    report = store.verify()
    assert report.leftovers == [f"{ids[4]}.body"]
    found = {(one.what, Path(one.subject).name) for one in report.problems}
    assert found == {
        ("attempt", ids[0]), ("attempt", ids[1]), ("paid.jsonl", ids[1]), ("paid.jsonl", ids[2]), ("paid.jsonl", ids[3]),
        ("spool", f"{stranger}.body"), ("spool", "note.txt"),
    }  # fmt: skip
    report = store.verify(repair=True)
    assert set(report.repaired) == {ids[2], ids[3]}
    assert not report.ok
    assert sorted(path.name for path in store.layout.spool.iterdir()) == sorted([f"{stranger}.body", "note.txt"])
    written = [one.attempt.id for one in read_lines(store.layout.paid) if isinstance(one, Purchase)]
    assert set(ids) <= set(written)
    assert list(read_lines(store.layout.paid))[2] == 3  # what cannot be read stays where it is
    assert [store.find(record.key) for record in bought] == bought


def test_a_paid_record_whose_cost_was_nothing_is_still_not_dropped(store: Store, bought: list[Record]) -> None:
    """A free tier's result cannot be bought twice for nothing the second time."""
    record = bought[1]
    assert record.cost_microusd == 0
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("UPDATE record SET body = x'00' WHERE key = ?", (bytes.fromhex(record.key),))
    connection.close()
    (problem,) = store.verify().problems
    assert (problem.what, problem.paid) == ("record", True)
    assert not store.verify(repair=True).ok
    standing = store.standing(record.key)
    assert standing is not None
    assert standing.state == "repay"
    store.close()
    assert again(store.root).restored_records == 1
    with open_store(store.root) as opened:
        assert opened.find(record.key) == record


CHILD = """
import os, signal, sys
from pathlib import Path
from dagcontent.store.rebuild import rebuild
def crashpoint(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
rebuild(Path(sys.argv[1]), crashpoint=crashpoint)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    ["filled", "made", "named", "aside-wal", "aside-shm", "aside", "exchanged"],
)
def test_a_kill_while_the_database_is_made_again_loses_nothing(
    store: Store, bought: list[Record], make_record: MakeRecord, point: str
) -> None:
    """The old one or the new one is in place, and the next opening finishes the exchange."""
    store.close()
    argv = [sys.executable, "-c", CHILD, str(store.root), f"rebuild.{point}"]
    done = subprocess.run(argv, env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == -signal.SIGKILL
    with open_store(store.root) as one, open_store(store.root) as other:
        for opened in (one, other):
            assert [opened.find(record.key) for record in bought] == bought
            assert opened.attempts.blocking(make_record(60).key) is not None
            assert opened.find(make_record(50).key) == make_record(50)
            assert opened.verify().ok
    assert not (store.root / "store.db-new").exists()
