from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracle.power import Recorder, State, states

from dagcontent.store import cas, copy, disk, open_store, spool
from dagcontent.store.journal import new_attempt_id

IN_GATE = 20_000


@pytest.fixture(autouse=True)
def written_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are copied, not shared between files: sharing is one step of the file system, and cannot tear."""
    monkeypatch.setattr(copy, "_clone", lambda *_: False)


def work(folder: Path, seed: int) -> Recorder:
    """Spool, put and forget a few results, as a paid attempt does; note each promise when it is given."""
    chance = random.Random(seed)
    with open_store(folder / f"store-{seed}") as store:
        recorder = Recorder(store.root)
        with recorder.recording():
            for number in range(chance.randrange(1, 4)):
                data = chance.randbytes(chance.choice([10, 700, 5_000]))
                attempt = new_attempt_id(1_700_000_000_000 + number)
                file = store.spool.open(attempt, "answer")
                for at in range(0, len(data), 2_000):
                    file.write(data[at : at + 2_000])
                digest, path = hashlib.sha256(data).hexdigest(), store.spool.path(attempt, "answer")
                if chance.random() < 0.5:
                    file.sync()
                else:
                    recorder.mark(f"sealing {path} {digest}")
                    store.spool.seal(attempt, "answer", file, {"status": 200}, digest)
                    recorder.mark(f"sealed {path} {digest}")
                file.close()
                recorder.mark(f"file {path} {digest}")
                blob, _ = store.cas.put_file(path) if chance.random() < 0.7 else store.cas.put_bytes(data)
                recorder.mark(f"blob {blob}")
                if chance.random() < 0.5:
                    recorder.mark(f"free {path}")
                    store.spool.remove(attempt)
    return recorder


def broken(state: State) -> list[str]:
    """Return the promises that a state does not keep."""
    wrong = []
    freed = {promise.split()[1] for promise in state.promises if promise.startswith("free")}
    by_name = {
        name.rpartition("/cas/")[2].replace("/", ""): data for name, data in state.files.items() if "/cas/" in name
    }
    for name, data in by_name.items():
        if hashlib.sha256(data).hexdigest() != name:
            wrong.append(f"a name in the CAS has other bytes: {name[:12]}")
    for promise in state.promises:
        what, *rest = promise.split()
        if what == "blob" and rest[0] not in by_name:
            wrong.append(f"a blob that was promised is gone: {rest[0][:12]}")
        if what == "file" and rest[0] not in freed:
            data = state.files.get(rest[0])
            if data is None or hashlib.sha256(data).hexdigest() != rest[1]:
                wrong.append("what was spooled is gone")
        if what == "sealing" and proves(state, rest[0]) not in {None, rest[1]}:
            wrong.append("what is not whole passes for an answer")
        if what == "sealed" and rest[0] not in freed and proves(state, rest[0]) is None:
            wrong.append("an answer that was whole cannot be told from one that was cut")
    return wrong


def proves(state: State, path: str) -> str | None:
    """Return the digest of a body that passes for whole."""
    attempt, _, name = Path(path).name.partition(".")
    body, seal = state.files.get(path), state.files.get(f"{path}.seal")
    if body is None or seal is None or spool.proven(attempt, name, seal, body) is None:
        return None
    return hashlib.sha256(body).hexdigest()


def look(folder: Path, count: int, *, each: int = 200, start: int = 0) -> list[str]:
    """Return what is wrong in some state of `count`; empty if nothing is."""
    for seed in range(start, start + count // each):
        recorder = work(folder, seed)
        for state in states(recorder.ops, random.Random(seed), each):
            wrong = broken(state)
            if wrong:
                return wrong
    return []


@pytest.mark.slow
def test_no_loss_of_power_takes_what_was_promised(tmp_path: Path) -> None:
    """Whatever part of the unsynced reached the disk: spooled bytes, blobs and their names are as promised."""
    assert look(tmp_path, IN_GATE) == []


@pytest.mark.sweep
def test_no_loss_of_power_takes_what_was_promised_a_million_times(tmp_path: Path) -> None:
    """The same, for as long as there is patience."""
    assert look(tmp_path, 1_000_000, start=10_000) == []


def without_file_sync_in_the_cas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob gets its name before its bytes are durable."""
    monkeypatch.setattr(cas, "fsync_file", lambda _descriptor: None)


def without_folder_sync_in_the_cas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob's name is promised before it is durable."""
    monkeypatch.setattr(cas, "fsync_dir", lambda _path: None)


def without_file_sync_in_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is promised before it is durable."""
    monkeypatch.setattr(spool, "fsync_file", lambda _descriptor: None)


def without_folder_sync_in_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body's name is promised before it is durable."""
    monkeypatch.setattr(spool, "fsync_dir", lambda _path: None)


def without_a_digest_in_the_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body counts as whole that has the length it was sealed with."""

    def believed(_attempt: str, _name: str, seal: bytes, body: bytes) -> Any:
        found = re.search(rb'"size":(\d+)', seal)
        return (found and int(found[1]) == len(body)) or None

    monkeypatch.setattr(spool, "proven", believed)


MUTANTS = [
    without_file_sync_in_the_cas, without_folder_sync_in_the_cas, without_file_sync_in_the_spool,
    without_folder_sync_in_the_spool, without_a_digest_in_the_seal,
]  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_without_any_one_sync_something_is_lost(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each sync is there because some state needs it."""
    mutant(monkeypatch)
    assert look(tmp_path, 4_000) != []


@pytest.mark.parametrize("synced", [True, False])
def test_the_states_are_those_of_a_plain_rename(tmp_path: Path, synced: bool) -> None:
    """The model itself: with both syncs the name has its bytes or is not there; without, it may have none, or some."""
    data = bytes(range(1, 201)) * 6
    recorder = Recorder(tmp_path)
    with recorder.recording():
        descriptor = os.open(tmp_path / "part", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, data)
        if synced:
            disk.fsync_file(descriptor)
        os.close(descriptor)
        (tmp_path / "part").rename(tmp_path / "a")
        if synced:
            disk.fsync_dir(tmp_path)
        recorder.mark("written")
    found = list(states(recorder.ops, random.Random(0), 2_000))
    seen = {state.files.get(str(tmp_path / "a")) for state in found}
    if synced:
        assert seen == {None, data}
        assert all(str(tmp_path / "a") in state.files for state in found if state.promises)
    else:
        assert {None, b"", data} < seen
