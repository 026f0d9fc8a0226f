from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from dagcontent.errors import StoreBusy, StoreError, StoreFull
from dagcontent.store import Store, layout, open_store
from dagcontent.store.disk import store_error, write_atomically
from dagcontent.store.layout import examine, file_system_of


def modes(folder: Path) -> set[int]:
    """Return the modes of all folders in a folder."""
    return {stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*") if path.is_dir()}


def test_a_store_is_private_from_the_start(tmp_path: Path) -> None:
    """Whoever can write to a store decides what a build returns, whatever the umask was."""
    before = os.umask(0)
    try:
        with open_store(tmp_path / "store") as store:
            store.cas.put_bytes(b"x")
            assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
            assert modes(store.root) == {0o700}
            files = [path for path in store.root.rglob("*") if path.is_file()]
            assert {stat.S_IMODE(path.stat().st_mode) for path in files} <= {0o600, 0o444}
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720, 0o702])
@pytest.mark.parametrize("write", [True, False])
def test_a_store_that_others_can_write_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int, write: bool
) -> None:
    """Reading from it would be trusting them too."""
    open_store(tmp_path / "store").close()
    (tmp_path / "store").chmod(mode)
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "store", write=write)
    assert caught.value.hint == f"chmod 700 {tmp_path / 'store'}"


def test_a_folder_that_everyone_may_swap_is_refused(tmp_path: Path) -> None:
    """A private folder in a public one can be replaced by another."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public").chmod(0o777)
    with pytest.raises(StoreError, match="could be swapped"):
        open_store(tmp_path / "public" / "store")
    (tmp_path / "public").chmod(0o1777)
    open_store(tmp_path / "public" / "store").close()


def test_a_store_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner can change what is in it at any time."""
    open_store(tmp_path / "store").close()
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(StoreError, match="belongs to another user"):
        open_store(tmp_path / "store")


def test_a_link_to_a_store_is_followed_and_a_link_in_a_store_is_not(tmp_path: Path) -> None:
    """Where the store is, is the user's choice; what is inside must be inside."""
    open_store(tmp_path / "store").close()
    (tmp_path / "link").symlink_to(tmp_path / "store")
    with open_store(tmp_path / "link") as store:
        assert store.root == tmp_path / "store"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store" / "memo").rmdir()
    (tmp_path / "store" / "memo").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="should be a folder of the store"):
        open_store(tmp_path / "store")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone" / "store")
    open_store(tmp_path / "nowhere").close()
    assert (tmp_path / "gone" / "store" / "FORMAT").exists()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    """A mistyped --store must not scatter files among somebody's own."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    for write in (True, False):
        with pytest.raises(StoreError, match=r"not a store.*'letter.txt'"):
            open_store(tmp_path / "home", write=write)
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    """One clear message, no traceback."""
    (tmp_path / "file").write_text("x")
    for write in (True, False):
        with pytest.raises(StoreError):
            open_store(tmp_path / "file", write=write)


@pytest.mark.parametrize(
    ("text", "readable", "writable"),
    [
        ("dagcontent store\nversion 1\nreadable-from 1\n", True, True),
        ("dagcontent store\nversion 2\nreadable-from 2\n", True, True),
        ("dagcontent store\nversion 4\nreadable-from 3\n", True, False),
        ("dagcontent store\nversion 4\nreadable-from 4\n", False, False),
        ("dagcontent store\nversion two\nreadable-from 1\n", False, False),
        ("something else\nversion 1\nreadable-from 1\n", False, False),
        ("dagcontent store\n", False, False),
        ("\x00\xff", False, False),
        ("", False, False),
    ],
)
def test_a_newer_format_may_be_read_if_it_says_so_and_is_never_written(
    tmp_path: Path, text: str, readable: bool, writable: bool
) -> None:
    """An older program that writes into a newer store would undo what the newer one relies on."""
    open_store(tmp_path / "store").close()
    (tmp_path / "store" / "FORMAT").write_text(text, encoding="latin-1")
    for write, allowed in ((False, readable), (True, writable)):
        if allowed:
            open_store(tmp_path / "store", write=write).close()
        else:
            with pytest.raises(StoreError):
                open_store(tmp_path / "store", write=write)


def test_looking_at_a_store_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """`plan` works before the first build, and leaves no trace."""
    with open_store(tmp_path / "store", write=False) as store:
        assert store.get("ab" * 32) is None
        assert store.find("ab" * 32) is None
        assert store.family("text.generate", "") == []
        assert store.last_build("g") == {}
        assert store.outputs("g") == {}
        assert store.read_memo("g") is None
        assert not store.write_memo("g", b"x", generation="")
        assert store.claim_holder("ab" * 32) is None
        assert store.open_epoch("g") != store.open_epoch("g")
        assert store.side.get_many(["x"]) == {}
        assert store.stats().records == {}
        assert store.verify().ok
        with store.snapshot():
            assert store.get("ab" * 32) is None
    assert list(tmp_path.iterdir()) == []


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks there may be no locks, and SQLite's log needs shared memory."""
    monkeypatch.setattr(layout, "file_system_of", lambda _path: "nfs4")
    with pytest.raises(StoreError, match="network file system"):
        open_store(tmp_path / "store")


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    """A local disk inside a network mount is local, and a name that only begins alike is another place."""
    table = tmp_path / "mounts"
    table.write_text(
        "disk / ext4 rw 0 0\nnas:/x /home nfs4 rw 0 0\ndisk2 /home/me/my\\040disk xfs rw 0 0\nx /homework tmpfs rw 0 0\n"
    )
    for path, kind in {
        "/etc": "ext4", "/home/you": "nfs4", "/home/me/my disk/store": "xfs", "/homework/x": "tmpfs", "/homes": "ext4",
    }.items():  # fmt: skip
        assert file_system_of(Path(path), str(table)) == kind
    assert file_system_of(Path("/"), str(tmp_path / "none")) == ""


def test_generation_changes_when_it_is_told_to(store: Store) -> None:
    """A memo that outlives a removal would call something done that is gone."""
    seen = {store.generation()}
    for _ in range(5):
        store.layout.change_generation()
        seen.add(store.generation())
    assert len(seen) == 6
    assert "" not in seen


def test_a_database_that_was_removed_starts_a_new_generation(tmp_path: Path) -> None:
    """Memos speak of records; with another database they speak of nothing."""
    with open_store(tmp_path / "store") as store:
        generation = store.generation()
        store.write_memo("g", b"memo", generation=generation)
    with open_store(tmp_path / "store") as store:
        assert store.read_memo("g") == b"memo"
    for path in (tmp_path / "store").glob("store.db*"):
        path.unlink()
    with open_store(tmp_path / "store") as store:
        assert store.generation() != generation
        assert store.read_memo("g") is None


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see the old or the new, and a full disk is not filled further."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "file").write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "file", tmp_path / "tmp", b"new", durable=True)
    assert (tmp_path / "file").read_text() == "old"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EFBIG, StoreFull), (errno.EACCES, StoreError),
        (errno.EROFS, StoreError), (errno.EIO, StoreError), (errno.EMFILE, StoreBusy), (errno.ELOOP, StoreError),
    ],
)  # fmt: skip
def test_every_refusal_of_the_system_says_where_and_what_to_do(number: int, kind: type[StoreError]) -> None:
    """Policy reads the class; the user reads the hint."""
    error = store_error(OSError(number, os.strerror(number)), Path("/place"))
    assert type(error) is kind
    assert "/place" in error.message
    assert error.hint


def test_examine_never_says_writable(tmp_path: Path) -> None:
    """What was opened for looking must not be able to write by accident."""
    open_store(tmp_path / "store").close()
    assert not examine(tmp_path / "store").writable
