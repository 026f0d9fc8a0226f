from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.store import Store, open_store
from dagcontent.store.nopickle import HostileRowError, NoPickleDisk
from dagcontent.store.side import _SETTINGS, SideCache

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)


class Bomb:
    """Unpickling it makes a file: the sign that foreign code ran."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.sign,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private folder with a side cache in which one row is filled in."""
    place = tmp_path / "side"
    place.mkdir(mode=0o700)
    side = SideCache(place)
    assert side.set_many({"key": b"value"})
    side.close()
    return place


def tamper(folder: Path, statement: str, *bindings: object) -> None:
    """Change the database behind diskcache's back."""
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute(statement, bindings)
    connection.commit()
    connection.close()


def attack_pickled_value(folder: Path, sign: Path) -> None:
    """The first attack of the advisory."""
    tamper(folder, "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb(sign)))


def attack_pickled_file(folder: Path, sign: Path) -> None:
    """The same through a value file."""
    (folder / "evil.val").write_bytes(pickle.dumps(Bomb(sign)))
    tamper(folder, "UPDATE Cache SET mode = 4, value = NULL, filename = 'evil.val'")


def attack_pickled_key(folder: Path, sign: Path) -> None:
    """The same through a key."""
    tamper(folder, "UPDATE Cache SET key = ?, raw = 0", pickle.dumps(Bomb(sign)))


def attack_read_outside(folder: Path, sign: Path) -> None:
    """A row whose value is a file outside the folder."""
    del sign
    (folder.parent / "secret").write_text("secret")
    tamper(folder, "UPDATE Cache SET mode = 2, value = NULL, filename = '../secret'")


def attack_text_outside(folder: Path, sign: Path) -> None:
    """The same as text, by an absolute path."""
    del sign
    (folder.parent / "secret").write_text("secret")
    tamper(folder, "UPDATE Cache SET mode = 3, value = NULL, filename = ?", str(folder.parent / "secret"))


def attack_remove_outside(folder: Path, sign: Path) -> None:
    """A row that has a file outside removed with it."""
    del sign
    (folder.parent / "secret").write_text("secret")
    tamper(folder, "UPDATE Cache SET filename = '../secret'")


def attack_other_type(folder: Path, sign: Path) -> None:
    """A row whose value is no bytes."""
    del sign
    tamper(folder, "UPDATE Cache SET value = 12345")


ATTACKS = [
    attack_pickled_value, attack_pickled_file, attack_pickled_key, attack_read_outside, attack_text_outside,
    attack_remove_outside, attack_other_type,
]  # fmt: skip
USES: dict[str, Callable[[Any], object]] = {
    "get": lambda cache: cache.get("key"),
    "pop": lambda cache: cache.pop("key"),
    "delete": lambda cache: cache.delete("key"),
    "iterate": list,
    "peekitem": lambda cache: cache.peekitem(),
    "set": lambda cache: cache.set("key", b"other"),
    "clear": lambda cache: cache.clear(),
    "read": lambda cache: cache.read("key"),
    "evict": lambda cache: cache.evict(None),
    "expire": lambda cache: cache.expire(),
    "pull": lambda cache: cache.pull(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_use_of_a_prepared_row_runs_code_or_touches_a_file(
    folder: Path, tmp_path: Path, attack: Callable[[Path, Path], None], use: str
) -> None:
    """Whoever could write to the folder once must not run code or reach other files for ever (CVE-2025-69872)."""
    sign = tmp_path / "code-ran"
    attack(folder, sign)
    with diskcache.Cache(str(folder), disk=NoPickleDisk, **_SETTINGS) as cache:
        try:
            answer = USES[use](cache)
        except (HostileRowError, KeyError, TypeError):
            answer = None
        assert "secret" not in repr(answer)
    assert not sign.exists()
    secret = tmp_path / "secret"
    assert not secret.exists() or secret.read_text() == "secret"


@pytest.mark.parametrize("attack", [attack_pickled_value, attack_pickled_file], ids=lambda attack: attack.__name__)
def test_the_attack_works_on_the_library_as_it_comes(
    folder: Path, tmp_path: Path, attack: Callable[[Path, Path], None]
) -> None:
    """If it did not, the tests above would prove nothing."""
    sign = tmp_path / "code-ran"
    attack(folder, sign)
    with diskcache.Cache(str(folder)) as cache:
        cache.get("key")
    assert sign.exists()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_hostile_cache_is_thrown_away_and_the_build_goes_on(
    folder: Path, tmp_path: Path, attack: Callable[[Path, Path], None]
) -> None:
    """It never was needed: the answer is "not known", and the next one is kept again."""
    attack(folder, tmp_path / "code-ran")
    side = SideCache(folder)
    assert side.get_many(["key"]) == {}
    side.delete_many(["key"])
    assert side.set_many({"key": b"new"})
    assert side.get_many(["key", "other"]) == {"key": b"new"}
    side.close()
    assert not (tmp_path / "code-ran").exists()
    assert not (tmp_path / "secret").exists() or (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("name", ["sqlite_temp_store", "disk_min_file_size", "eviction_policy", "anything"])
def test_settings_that_are_not_ours_are_not_run(folder: Path, name: str) -> None:
    """The library runs what its table of settings says as pragmas, before we could look."""
    tamper(folder, "INSERT OR REPLACE INTO Settings VALUES (?, 1)", name)
    side = SideCache(folder)
    assert side.get_many(["key"]) == {}
    assert side.set_many({"key": b"new"})
    side.close()


@SHARED
@given(data=st.binary(max_size=9000), at=st.integers(0, 2**14))
def test_a_damaged_cache_never_raises(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    """Any bytes in place of its database: a miss, and it works again afterwards or does without."""
    place = tmp_path_factory.mktemp("side")
    side = SideCache(place)
    side.set_many({"key": b"value"})
    side.close()
    old = (place / "cache.db").read_bytes()
    (place / "cache.db").write_bytes(old[:at] + data + old[at + len(data) :] if at < len(old) else data)
    side = SideCache(place)
    assert side.get_many(["key"]).get("key", b"value") == b"value"
    side.set_many({"key": b"new"})
    side.close()


def test_no_changed_bit_of_a_value_is_believed(folder: Path) -> None:
    """A wrong digest of a file would call an edited file unchanged."""
    for at in range(13):
        tamper(folder, "UPDATE Cache SET value = ?", bytes(13))
        side = SideCache(folder)
        assert side.get_many(["key"]) == {}
        side.set_many({"key": b"value"})
        side.close()
        connection = sqlite3.connect(folder / "cache.db")
        ((value,),) = connection.execute("SELECT value FROM Cache").fetchall()
        connection.close()
        tamper(folder, "UPDATE Cache SET value = ?", value[:at] + bytes([value[at] ^ 4]) + value[at + 1 :])
        side = SideCache(folder)
        assert side.get_many(["key"]) == {}
        side.set_many({"key": b"value"})
        side.close()


def test_a_link_in_place_of_the_folder_is_removed_and_not_followed(folder: Path, tmp_path: Path) -> None:
    """Throwing away must not empty somebody else's folder."""
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    side = SideCache(folder)
    assert side.get_many(["key"]) == {}
    side.close()
    assert (tmp_path / "elsewhere" / "cache.db").exists()


def test_a_busy_cache_is_done_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another build writes: its rows stay, and we do not wait for them again and again."""
    monkeypatch.setattr("dagcontent.store.side._BUSY_S", 0.01)
    side = SideCache(folder)
    assert side.get_many(["key"]) == {"key": b"value"}
    other = sqlite3.connect(folder / "cache.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert not side.set_many({"more": b"x"})
    other.execute("ROLLBACK")
    other.close()
    assert side.get_many(["key"]) == {}
    side.close()
    assert SideCache(folder).get_many(["key"]) == {"key": b"value"}


def test_only_text_and_bytes_are_kept(tmp_path: Path) -> None:
    """What is not bytes would be pickled."""
    with diskcache.Cache(str(tmp_path), disk=NoPickleDisk, **_SETTINGS) as cache:
        for key, value in (("k", 1), ("k", "text"), ("k", None), (1, b""), (b"k", b""), (("k",), b"")):
            with pytest.raises(HostileRowError):
                cache.set(key, value)
        cache.set("k", b"x" * 200_000)
        assert cache.get("k") == b"x" * 200_000
    assert not list(tmp_path.rglob("*.val"))


def test_a_store_has_a_side_cache(store: Store) -> None:
    """One place for what can be thrown away."""
    assert store.side.set_many({"a": b"b"})
    assert store.side.get_many(["a"]) == {"a": b"b"}


def test_what_a_build_imports_is_little() -> None:
    """A build with nothing to do must not pay for what it does not use."""
    code = (
        "import sys, dagcontent.store; print([name for name in ('diskcache', 'asyncio', 'shutil', 'pickle', 'sqlite3',"
        " 'networkx', 'ctypes', 'subprocess', 'concurrent.futures', 'logging') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    assert done.stdout == "[]\n"


def test_uploads_are_known_until_shortly_before_their_end(store: Store) -> None:
    """A link that ends while a job waits in line would fail a call that is paid for; another realm's is not ours."""
    digest, until = "ab" * 32, 10_000_000
    assert store.side.uploaded("fal", "", digest, now_ms=0) is None
    assert store.side.note_upload("fal", "", digest, "https://files.example/x", until)
    store.side.close()
    with open_store(store.root, write=False) as other:
        assert other.side.uploaded("fal", "", digest, now_ms=until - 600_001) == "https://files.example/x"
        assert other.side.uploaded("fal", "", digest, now_ms=until - 600_000) is None
        assert other.side.uploaded("fal", "proxy", digest, now_ms=0) is None
        assert other.side.uploaded("google", "", digest, now_ms=0) is None
        assert other.side.uploaded("fal", "", "cd" * 32, now_ms=0) is None
    store.side.note_upload("fal", "", digest, "https://files.example/y", until)
    assert store.side.uploaded("fal", "", digest, now_ms=0) == "https://files.example/y"
    store.side.set_many({f"upload:fal\n\n{digest}": b"\xff"})
    assert store.side.uploaded("fal", "", digest, now_ms=0) is None
