from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import InternalError, StoreError, StoreFull
from dagcontent.store import Store, new_attempt_id, open_store, spool
from dagcontent.store.spool import BALLAST_BYTES, Ballast, attempt_of
from dagcontent.values.attempt import AttemptState, Handle, Intent
from dagcontent.values.record import Record

NOW = 1_763_800_000_000
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]


def test_a_body_is_written_as_it_arrives_and_kept_until_it_is_removed(store: Store) -> None:
    """Private, never over another one, and found by attempt and name in another process's store."""
    one, two = new_attempt_id(NOW), new_attempt_id(NOW)
    with store.spool.open(one, "body") as file:
        file.write(b"pic")
        file.write(b"ture")
        assert file.size == 7
        file.sync()
    assert stat.S_IMODE(store.spool.path(one, "body").stat().st_mode) == 0o600
    with pytest.raises(StoreError):
        store.spool.open(one, "body")
    store.spool.open(one, "part-1.png").close()
    store.spool.open(two, "body").close()
    with open_store(store.root, write=False) as other:
        assert other.spool.read(one, "body") == b"picture"
        assert other.spool.names(one) == ["body", "part-1.png"]
        assert other.spool.exists(one, "body")
        assert not other.spool.exists(one, "body2")
        with pytest.raises(InternalError):
            other.spool.open(one, "more")
    with pytest.raises(StoreError):
        store.spool.read(one, "body2")
    store.spool.discard(one, "part-1.png")
    store.spool.discard(one, "part-1.png")
    store.spool.remove(one)
    store.spool.remove(one)
    assert [path.name for path in store.layout.spool.iterdir()] == [f"{two}.body"]


def test_a_sealed_body_is_provably_whole(store: Store) -> None:
    """Its bytes, and what came with them, are found by another process; a body that nobody sealed proves nothing."""
    one, two = new_attempt_id(NOW), new_attempt_id(NOW)
    said = {"status": 200, "headers": {"content-type": "image/png"}}
    for attempt in (one, two):
        with store.spool.open(attempt, "answer") as body:
            body.write(b"pic")
            body.write(b"ture")
            if attempt == one:
                store.spool.seal(one, "answer", body, said, hashlib.sha256(b"picture").hexdigest())
    with open_store(store.root, write=False) as other:
        assert other.spool.sealed(one, "answer") == (said, b"picture")
        assert other.spool.sealed(two, "answer") is None
        assert other.spool.names(one) == ["answer"]
    store.spool.remove(one)
    assert store.spool.sealed(one, "answer") is None
    assert [path.name for path in store.layout.spool.iterdir()] == [f"{two}.answer"]


@given(st.data())
def test_no_damage_to_a_seal_or_its_body_proves_anything(data: st.DataObject) -> None:
    """Whatever became of either: what they prove is what was sealed, of that attempt, or nothing."""
    attempt, body, said = new_attempt_id(NOW), data.draw(st.binary(max_size=40)), {"status": 200, "headers": {}}
    seal = spool.sealing(attempt, "answer", len(body), said, hashlib.sha256(body).hexdigest())
    assert spool.proven(attempt, "answer", seal, body) == said
    assert spool.proven(new_attempt_id(NOW), "answer", seal, body) is None
    assert spool.proven(attempt, "part-0", seal, body) is None
    at = data.draw(st.integers(0, len(seal) - 1))
    flipped = seal[:at] + bytes([seal[at] ^ data.draw(st.integers(1, 255))]) + seal[at + 1 :]
    other = data.draw(st.binary(max_size=40).filter(lambda one: one != body))
    for left, bytes_left in ((seal[:at], body), (flipped, body), (seal, other), (seal, body[:-1] + b"?"), (b"", b"")):
        if (left, bytes_left) != (seal, body):
            assert spool.proven(attempt, "answer", left, bytes_left) is None


def test_without_room_for_its_seal_a_body_is_kept_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is worth less than what it proves: the journal can still say what the body is."""
    attempt = new_attempt_id(NOW)
    with store.spool.open(attempt, "answer") as body:
        body.write(b"picture")
        with monkeypatch.context() as patch:
            patch.setattr(store.spool, "open", raising(StoreFull("no space")))
            store.spool.seal(attempt, "answer", body, {}, "")
    assert store.spool.read(attempt, "answer") == b"picture"
    assert store.spool.sealed(attempt, "answer") is None


def raising(error: Exception) -> Callable[..., None]:
    """Return a function that can only refuse."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


def test_a_download_goes_on_where_it_was(store: Store) -> None:
    """After a crash, if the vendor still says that it is the same file."""
    name = new_attempt_id(NOW)
    with store.spool.open(name, "part-0.mp4", resume=True) as file:
        assert file.size == 0
        file.write(b"first ")
    with store.spool.open(name, "part-0.mp4", resume=True) as file:
        assert file.size == 6
        file.write(b"second")
    assert store.spool.read(name, "part-0.mp4") == b"first second"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "x" * 60, "a.b.c", "a\0", "-a", "é"])
def test_a_name_is_never_a_path(store: Store, name: str) -> None:
    """What a vendor calls its file must not choose where it lies."""
    with pytest.raises(InternalError):
        store.spool.path(new_attempt_id(NOW), name)
    for attempt in ("..", "", "x" * 26 + "/", "../" + "0" * 23):
        with pytest.raises(InternalError):
            store.spool.path(attempt, "body")
        with pytest.raises(InternalError):
            store.spool.remove(attempt)
    assert attempt_of(f"{new_attempt_id(NOW)}.{name}") is None


@pytest.mark.parametrize("resume", [True, False])
def test_a_link_in_the_spool_is_not_followed(store: Store, tmp_path: Path, resume: bool) -> None:
    """Nor is anything else than a file written to."""
    name = new_attempt_id(NOW)
    (tmp_path / "target").write_bytes(b"mine")
    store.spool.path(name, "body").symlink_to(tmp_path / "target")
    with pytest.raises(StoreError):
        store.spool.open(name, "body", resume=resume)
    with pytest.raises(StoreError):
        store.spool.read(name, "body")
    assert (tmp_path / "target").read_bytes() == b"mine"


def test_ballast_is_real_room_that_all_processes_share(tmp_path: Path) -> None:
    """The last one that ends takes it away; the first that needs it gives it back for all."""
    one, two = Ballast(tmp_path / "ballast"), Ballast(tmp_path / "ballast")
    one.hold()
    one.hold()
    two.hold()
    info = (tmp_path / "ballast").stat()
    assert (info.st_size, info.st_blocks * 512 >= BALLAST_BYTES) == (BALLAST_BYTES, True)
    one.close()
    one.close()
    assert two.release()
    assert two.release()  # the room is there still, whoever gave it back
    assert (tmp_path / "ballast").stat().st_size == 0
    two.hold()
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
    two.close()
    assert not (tmp_path / "ballast").exists()
    assert not two.release()
    one.hold()
    one.close()
    assert not (tmp_path / "ballast").exists()


def test_a_store_takes_ballast_when_it_begins_to_pay_and_clears_a_killed_ones(
    tmp_path: Path, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """Free builds hold no room; nor does one that was killed, for longer than until the next."""
    with open_store(tmp_path / "store") as store:
        run = store.start_run("g", now_ms=NOW)
        record = make_record(1)
        store.claim_many([record.key], run).result()
        assert not store.layout.ballast.exists()
        store.attempts.intend(make_intent(record, run)).result()
        assert store.layout.ballast.stat().st_size == BALLAST_BYTES
    assert not (tmp_path / "store" / "ballast").exists()
    (tmp_path / "store" / "ballast").write_bytes(b"left")
    with open_store(tmp_path / "store", write=False):
        pass
    assert (tmp_path / "store" / "ballast").exists()
    open_store(tmp_path / "store").close()
    assert not (tmp_path / "store" / "ballast").exists()


def test_a_full_disk_takes_the_ballast_before_it_is_an_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the room is back the same write succeeds; when there is none left the error says so."""
    store.ballast.hold()
    real, full = os.write, [True]

    def write(descriptor: int, data: bytes) -> int:
        if full[0] and (store.layout.ballast.stat().st_size or len(full) > 1):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    with store.spool.open(new_attempt_id(NOW), "body") as file:
        file.write(b"picture")
        assert file.size == 7
        assert store.layout.ballast.stat().st_size == 0
        full.append(True)
        with pytest.raises(StoreFull):
            file.write(b"more")
        assert file.size == 7


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MiB; skipped where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=700", "tmpfs", str(place)]
    try:
        done = subprocess.run(argv, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no program that mounts")
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room, to the last page."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.slow
def test_what_was_paid_for_is_written_down_on_a_disk_that_is_full(
    small_disk: Path, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """With a real full disk: the handle, the body and the record arrive; a new paid intent is refused."""
    with open_store(small_disk / "store") as store:
        run = store.start_run("g", now_ms=NOW)
        record, other = make_record(1, cost_microusd=5), make_record(2)
        store.claim_many([record.key, other.key], run).result()
        attempt = store.attempts.intend(make_intent(record, run)).result()
        fill(small_disk / "filler")
        request = ["x" * 100_000]
        answered = store.attempts.answered(attempt.id, request, now_ms=NOW).result()
        assert answered.answer == request
        assert store.layout.ballast.stat().st_size == 0
        with store.spool.open(attempt.id, "body") as body:
            body.write(bytes(1 << 20))
            body.sync()
        store.attempts.submitted(attempt.id, Handle({"id": "1"}), now_ms=NOW).result()
        store.attempts.spooled(attempt.id, {}, now_ms=NOW).result()
        store.attempts.commit(attempt.id, record, cost_microusd=5, cost_source="reported", now_ms=NOW).result()
        assert store.find(record.key) == record
        with pytest.raises(StoreFull) as caught:
            store.attempts.intend(make_intent(other, run)).result()
        assert caught.value.hint
        assert [one.state for one in store.attempts.list()] == [AttemptState.COMMITTED]
        (small_disk / "filler").unlink()
        store.attempts.intend(make_intent(other, run)).result()


HOLDER = """
import sys
from pathlib import Path
from dagcontent.store.spool import Ballast
Ballast(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_a_killed_process_holds_no_ballast(tmp_path: Path) -> None:
    """Its lock is the kernel's: it ends with it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "ballast")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={"PYTHONPATH": ":".join(sys.path)},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        mine = Ballast(tmp_path / "ballast")
        mine.hold()
        mine.close()
        assert (tmp_path / "ballast").exists()
        child.send_signal(signal.SIGKILL)
        child.wait()
    mine.close()
    assert not (tmp_path / "ballast").exists()
