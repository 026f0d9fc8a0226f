from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.errors import InternalError, StoreDamaged, StoreError, StoreFull
from dagcontent.store import BlobDamaged, Store, copy, open_store
from dagcontent.store.cas import is_digest
from dagcontent.store.disk import there

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)


def write_into(path: Path, data: bytes) -> None:
    """Change a blob as a bad disk would."""
    path.chmod(0o600)
    path.write_bytes(data)


@SHARED
@given(data=st.binary(max_size=5000), move=st.booleans(), durable=st.booleans())
def test_what_goes_in_comes_out(store: Store, tmp_path: Path, data: bytes, move: bool, durable: bool) -> None:
    """By every way in and every way out, the bytes are the same and their name is their digest."""
    source = tmp_path / "source"
    source.write_bytes(data)
    digest, size = store.cas.put_file(source, move=move, durable=durable)
    assert (digest, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert source.exists() is not move
    assert store.cas.put_bytes(data) == (digest, size)
    assert store.cas.has(digest, size)
    assert not store.cas.has(digest, size + 1)
    assert store.cas.read_bytes(digest) == data
    path = store.cas.verified_path(digest)
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    placed = store.cas.materialise(digest, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert (placed.size, placed.mtime_ns) == (size, (tmp_path / "target").stat().st_mtime_ns)
    assert not list(store.layout.tmp.iterdir())


@SHARED
@given(data=st.binary(min_size=1, max_size=3000), choice=st.data())
def test_no_changed_byte_is_ever_served(store: Store, tmp_path: Path, data: bytes, choice: st.DataObject) -> None:
    """Bit rot is found before use, by whatever way the blob would have left; and what was wrong can be put again."""
    digest, size = store.cas.put_bytes(data)
    path = store.cas.path_of(digest)
    damage = choice.draw(st.sampled_from(["flip", "truncate", "extend", "zero", "swap"]))
    at = choice.draw(st.integers(0, len(data) - 1))
    changed = {
        "flip": data[:at] + bytes([data[at] ^ (1 << choice.draw(st.integers(0, 7)))]) + data[at + 1 :],
        "truncate": data[:at],
        "extend": data + b"\0",
        "zero": bytes(len(data)),
        "swap": hashlib.sha256(data).digest(),
    }[damage]
    if changed == data:
        return
    write_into(path, changed)
    generation = store.generation()
    use = choice.draw(st.sampled_from(["path", "read", "materialise"]))
    uses: dict[str, Callable[[], object]] = {
        "path": lambda: store.cas.verified_path(digest),
        "read": lambda: store.cas.read_bytes(digest),
        "materialise": lambda: store.cas.materialise(digest, tmp_path / "never"),
    }
    with pytest.raises(BlobDamaged) as caught:
        uses[use]()
    assert not caught.value.missing
    assert caught.value.digest == digest
    assert not (tmp_path / "never").exists()
    assert not path.exists()
    assert store.generation() != generation
    assert any(one.name.startswith(digest) for one in store.layout.quarantine.iterdir())
    store.cas.put_bytes(data)
    assert store.cas.verified_path(digest).read_bytes() == data
    assert store.cas.has(digest, size)


def test_a_put_heals_a_damaged_blob(store: Store) -> None:
    """A rebuilt result must not be thrown away in favour of the wrong bytes under its name."""
    digest, _ = store.cas.put_bytes(b"right")
    write_into(store.cas.path_of(digest), b"wrong")
    store.cas.put_bytes(b"right")
    assert store.cas.verified_path(digest).read_bytes() == b"right"


def test_a_change_that_hides_its_time_is_found(store: Store) -> None:
    """The memory of what was hashed goes by a clock that a program cannot set."""
    digest, _ = store.cas.put_bytes(b"right")
    path = store.cas.verified_path(digest)
    before = path.stat()
    write_into(path, b"wrong")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(0o444)
    with pytest.raises(BlobDamaged):
        store.cas.verified_path(digest)


def test_a_blob_is_hashed_once_while_nothing_touches_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that ten clips use is read once by us, not eleven times."""
    digest, _ = store.cas.put_bytes(b"picture")
    store.cas.distrust(digest)
    calls: list[int] = []
    original = copy.hash_file
    monkeypatch.setattr("dagcontent.store.cas.hash_file", lambda fd: calls.append(fd) or original(fd))
    for _ in range(10):
        store.cas.verified_path(digest)
    assert len(calls) == 1


def test_a_missing_blob_says_so(store: Store, tmp_path: Path) -> None:
    """Missing is made again or fetched again; damaged is also set aside."""
    for use in (store.cas.verified_path, store.cas.read_bytes, lambda d: store.cas.materialise(d, tmp_path / "x")):
        with pytest.raises(BlobDamaged) as caught:
            use("ab" * 32)
        assert caught.value.missing
    assert not store.cas.has("ab" * 32, 0)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "a" * 63, "a" * 65, "g" * 64, "ab" * 31 + "a\n"])
def test_only_digests_become_paths(store: Store, tmp_path: Path, name: str) -> None:
    """A record's digest is data that someone may have written; it must not name a file elsewhere."""
    assert not is_digest(name)
    for use in (store.cas.path_of, store.cas.verified_path, lambda d: store.cas.materialise(d, tmp_path / "x")):
        with pytest.raises(StoreDamaged):
            use(name)
    with pytest.raises(StoreDamaged):
        store.cas.has(name, 1)


def test_a_link_or_a_pipe_in_place_of_a_blob_is_not_followed(store: Store, tmp_path: Path) -> None:
    """It would serve what is outside the store, or wait for ever."""
    digest, size = store.cas.put_bytes(b"right")
    path = store.cas.path_of(digest)
    path.unlink()
    (tmp_path / "copy").write_bytes(b"right")
    path.symlink_to(tmp_path / "copy")
    assert not store.cas.has(digest, size)
    with pytest.raises(StoreError):
        store.cas.verified_path(digest)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BlobDamaged):
        store.cas.verified_path(digest)
    path.unlink()
    store.cas.put_bytes(b"right")
    assert store.cas.verified_path(digest).read_bytes() == b"right"


def test_a_file_with_another_name_is_copied_not_moved(store: Store, tmp_path: Path) -> None:
    """Through its other name the blob could be changed later."""
    (tmp_path / "one").write_bytes(b"data")
    os.link(tmp_path / "one", tmp_path / "two")
    digest, _ = store.cas.put_file(tmp_path / "one", move=True)
    (tmp_path / "two").write_bytes(b"DATA")
    assert store.cas.read_bytes(digest) == b"data"


def test_what_is_no_file_is_refused(store: Store, tmp_path: Path) -> None:
    """One clear error each, and nothing left behind."""
    (tmp_path / "link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "empty")
    with pytest.raises(StoreError):
        store.cas.put_file(tmp_path / "none")
    with pytest.raises(StoreError):
        store.cas.put_file(tmp_path / "link", move=True)
    with pytest.raises(StoreError):
        store.cas.put_file(tmp_path)
    assert not list(store.layout.tmp.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "fchmod"])
@pytest.mark.parametrize("nth", [0, 1])
def test_a_write_that_fails_leaves_nothing_and_can_be_repeated(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str, nth: int
) -> None:
    """A full disk is an error with a hint; no half blob gets a name, and the next attempt starts afresh."""
    data = os.urandom(3_000_000)
    digest = hashlib.sha256(data).hexdigest()
    source = tmp_path / "source"
    source.write_bytes(data)
    original = getattr(os, call)
    count = 0

    def fail(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count > nth:
            raise OSError(number, os.strerror(number))
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        if call != "fchmod" or nth == 0:
            with pytest.raises(StoreFull if number != errno.EIO else StoreError) as caught:
                store.cas.put_file(source)
            assert caught.value.hint
    assert not list(store.layout.tmp.iterdir())
    if call != "fsync":
        assert not store.cas.path_of(digest).exists()
    assert store.cas.put_file(source) == (digest, len(data))
    assert store.cas.verified_path(digest)


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_an_output_that_does_not_fit_leaves_the_old_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """What was there before the build is there after it failed."""
    digest, _ = store.cas.put_bytes(b"new")
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "film.mp4"
    target.write_bytes(b"old")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StoreFull):
        store.cas.materialise(digest, target)
    assert target.read_bytes() == b"old"
    assert len(list(target.parent.iterdir())) == 1


def test_a_move_that_fails_gives_the_file_back(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that could not be kept is still the caller's."""
    source = tmp_path / "source"
    source.write_bytes(b"data")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull):
        store.cas.put_file(source, move=True)
    assert source.read_bytes() == b"data"
    assert not list(store.layout.tmp.iterdir())


def test_an_output_replaces_a_link_and_not_what_it_leads_to(store: Store, tmp_path: Path) -> None:
    """A link in the output folder must not let a build write elsewhere."""
    digest, _ = store.cas.put_bytes(b"new")
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "film").symlink_to(tmp_path / "precious")
    store.cas.materialise(digest, tmp_path / "film")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "film").is_symlink()


def test_an_output_is_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    """Whoever edits an output must not edit the store."""
    digest, _ = store.cas.put_bytes(b"data")
    store.cas.materialise(digest, tmp_path / "film")
    with (tmp_path / "film").open("ab") as file:
        file.write(b"edit")
    store.cas.distrust(digest)
    assert store.cas.verified_path(digest).read_bytes() == b"data"


def test_leftovers_of_a_killed_copy_are_used_up(store: Store, tmp_path: Path) -> None:
    """A part that was left behind neither stays nor stands in the way, nor is it written through if it is a link."""
    digest, _ = store.cas.put_bytes(b"data")
    (tmp_path / "out").mkdir()
    part = tmp_path / "out" / f".{hashlib.sha256(b'film').hexdigest()[:16]}.dagcontent-part"
    part.write_bytes(b"left" * 100)
    store.cas.materialise(digest, tmp_path / "out" / "film")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["film"]
    part.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        store.cas.materialise(digest, tmp_path / "out" / "film")
    assert not (tmp_path / "elsewhere").exists()


def test_a_target_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    """Place, what, hint."""
    digest, _ = store.cas.put_bytes(b"data")
    with pytest.raises(StoreError, match="none/film"):
        store.cas.materialise(digest, tmp_path / "none" / "film")


def test_a_store_opened_for_looking_keeps_no_blob_and_moves_none(tmp_path: Path) -> None:
    """Damage is told, not touched."""
    with open_store(tmp_path / "store") as store:
        digest, _ = store.cas.put_bytes(b"data")
        write_into(store.cas.path_of(digest), b"wrong")
    with open_store(tmp_path / "store", write=False) as store:
        with pytest.raises(InternalError):
            store.cas.put_bytes(b"x")
        with pytest.raises(BlobDamaged):
            store.cas.verified_path(digest)
        assert store.cas.path_of(digest).exists()


def test_a_folder_of_the_cas_that_was_removed_comes_back(store: Store) -> None:
    """Tidying by hand is forgiven."""
    digest = hashlib.sha256(b"data").hexdigest()
    store.cas.path_of(digest).parent.rmdir()
    store.cas.put_bytes(b"data")
    assert store.cas.verified_path(digest)


def test_a_file_that_changes_while_it_is_read_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest would be that of a file that never was."""
    source = tmp_path / "source"
    source.write_bytes(b"data" * 10)
    original = copy.transfer

    def meddle(from_fd: int, to_fd: int, size: int) -> str:
        digest = original(from_fd, to_fd, size)
        source.write_bytes(b"DATA" * 11)
        return digest

    monkeypatch.setattr("dagcontent.store.cas.transfer", meddle)
    with pytest.raises(StoreError, match="changed while it was read"):
        store.cas.put_file(source)


def test_a_disk_that_does_not_say_what_stands_there_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of EIO to a look is a refusal like any other: our words, with the path and what to do."""
    digest, _ = store.cas.put_bytes(b"there")

    def refused(*_: object) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", refused)
        with pytest.raises(StoreError, match="Input/output error") as caught:
            store.cas.verified_path(digest)
    assert caught.value.hint
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refused)
        with pytest.raises(StoreError, match="Input/output error"):
            there(store.layout.db)
    assert store.cas.verified_path(digest).read_bytes() == b"there"
