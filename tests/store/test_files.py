from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dagcontent.store import Store, files
from dagcontent.store.files import FileDigest, digest_files
from dagcontent.store.side import SideCache

LATER = 2**62  # so late that every file has settled


@pytest.fixture(autouse=True)
def ask_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are hashed without asking; here they are asked for."""
    monkeypatch.setattr(files, "_SMALL_BYTES", 0)


def digest(path: Path, side: SideCache, now_ns: int = LATER) -> FileDigest | OSError:
    """Ask for one file."""
    return digest_files([str(path)], side, now_ns=now_ns)[str(path)]


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with every file that is really read."""
    calls: list[int] = []
    original = files.hash_file
    monkeypatch.setattr(files, "hash_file", lambda fd: calls.append(fd) or original(fd))
    return calls


def test_a_file_is_hashed_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of footage must not be read again by every plan."""
    calls = hashed(monkeypatch)
    path = tmp_path / "clip"
    path.write_bytes(b"data")
    expected = FileDigest(hashlib.sha256(b"data").hexdigest(), 4)
    assert [digest(path, store.side) for _ in range(3)] == [expected] * 3
    assert len(calls) == 1


def test_every_change_is_seen(store: Store, tmp_path: Path) -> None:
    """Size, time, or another file under the name; also when the time of change is set back."""
    path = tmp_path / "clip"
    path.write_bytes(b"one")
    before = path.stat()
    digest(path, store.side)
    for data in (b"two", b"three"):
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert digest(path, store.side) == FileDigest(hashlib.sha256(data).hexdigest(), len(data))
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "new").rename(path)
    assert digest(path, store.side) == FileDigest(hashlib.sha256(b"new").hexdigest(), 3)


def test_a_file_that_was_just_written_is_not_remembered(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may change again within the same tick of the file system's clock."""
    calls = hashed(monkeypatch)
    path = tmp_path / "clip"
    path.write_bytes(b"data")
    now_ns = path.stat().st_mtime_ns + 1
    digest(path, store.side, now_ns)
    digest(path, store.side, now_ns)
    assert len(calls) == 2


def test_what_cannot_be_read_is_told_for_itself(store: Store, tmp_path: Path) -> None:
    """One missing picture must not hide the digests of the others."""
    (tmp_path / "good").write_bytes(b"data")
    os.mkfifo(tmp_path / "pipe")
    names = [str(tmp_path / name) for name in ("none", "good", "pipe", ".")]
    found = digest_files(names, store.side, now_ns=LATER)
    assert [isinstance(found[name], OSError) for name in names] == [True, False, True, True]


def test_without_a_cache_files_are_hashed(tmp_path: Path) -> None:
    """It is a convenience; and what it says is only believed in its own form."""
    path = tmp_path / "clip"
    path.write_bytes(b"data")
    expected = FileDigest(hashlib.sha256(b"data").hexdigest(), 4)
    assert digest(path, SideCache(None)) == expected
    (tmp_path / "side").mkdir(mode=0o700)
    side = SideCache(tmp_path / "side")
    side.set_many({f"file:{path}": b"nonsense"})
    assert digest(path, side) == expected
    side.close()


def test_small_files_do_not_open_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing them is sooner done than asking."""
    monkeypatch.undo()
    (tmp_path / "side").mkdir(mode=0o700)
    (tmp_path / "clip").write_bytes(b"data")
    side = SideCache(tmp_path / "side")
    assert isinstance(digest(tmp_path / "clip", side), FileDigest)
    assert list((tmp_path / "side").iterdir()) == []
