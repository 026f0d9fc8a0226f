from __future__ import annotations

import hashlib
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.store import Output, Store, open_store

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)


def key(text: str) -> str:
    """Return something that looks like a key."""
    return hashlib.sha256(text.encode()).hexdigest()


BUILDS = st.dictionaries(st.text(max_size=8), st.integers(0, 3).map(lambda n: key(str(n))), max_size=60)


@settings(max_examples=min(150, settings().max_examples))  # each makes a store
@given(builds=st.lists(BUILDS, min_size=1, max_size=6), reopen=st.booleans())
def test_the_last_build_is_the_last_one(
    tmp_path_factory: pytest.TempPathFactory, builds: list[dict[str, str]], reopen: bool
) -> None:
    """Stored whole or as a difference, and whoever wrote before."""
    root = tmp_path_factory.mktemp("history") / "store"
    store = open_store(root)
    for rows in builds:
        if reopen:
            store.close()
            store = open_store(root)
        store.set_last_build("g", "", rows).result()
        with open_store(root, write=False) as other:
            assert other.last_build("g") == rows == store.last_build("g")
            assert other.last_build("g", "draft") == {}
    store.close()


def sizes(store: Store) -> dict[int, int]:
    """Return the bytes of each part of the last build."""
    connection = apsw.Connection(str(store.layout.db))
    rows = dict(connection.execute("SELECT part, length(body) FROM last_build").fetchall())
    connection.close()
    return rows


def test_one_edit_writes_little(store: Store) -> None:
    """A build of 10,000 nodes that changed one must not write 10,000 rows."""
    rows = {f"still[scene-{n}]": key(str(n)) for n in range(10_000)}
    store.set_last_build("g", "", rows).result()
    before = sizes(store)
    edited = {**rows, "still[scene-7]": key("edit"), "new": key("new")}
    del edited["still[scene-9]"]
    store.set_last_build("g", "", edited).result()
    assert sizes(store) == {0: before[0], 1: pytest.approx(180, abs=80)}
    batches = store._writer.batches
    store.set_last_build("g", "", dict(edited)).result()
    assert store._writer.batches == batches  # nothing changed, nothing written
    assert store.last_build("g") == edited


def test_two_who_write_do_not_mix(tmp_path: Path) -> None:
    """A difference to a base that another process replaced would be a build that never was."""
    rows = {str(n): key(str(n)) for n in range(100)}
    with open_store(tmp_path / "store") as one, open_store(tmp_path / "store") as two:
        one.set_last_build("g", "", rows).result()
        two.last_build("g")
        one.set_last_build("g", "", {"other": key("x")}).result()
        mine = {**rows, "7": key("edit")}
        two.set_last_build("g", "", mine).result()
        assert one.last_build("g") == mine


def test_a_damaged_last_build_is_no_last_build(store: Store) -> None:
    """It only explains; a build must not fail for it."""
    store.set_last_build("g", "", {"a": key("a")}).result()
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("UPDATE last_build SET body = zeroblob(length(body))")
    connection.close()
    assert store.last_build("g") == {}
    store.set_last_build("g", "", {"a": key("b")}).result()
    assert store.last_build("g") == {"a": key("b")}


PATHS = st.text(min_size=1, max_size=10)
OUTPUTS = st.builds(Output, st.just(key("x")), st.integers(0, 2**40), st.integers(0, 2**62))


@SHARED
@given(rounds=st.lists(st.tuples(st.dictionaries(PATHS, OUTPUTS, max_size=5), st.lists(PATHS, max_size=3)), max_size=5))
def test_outputs_are_remembered_by_graph_and_path(
    store: Store, rounds: list[tuple[dict[str, Output], list[str]]]
) -> None:
    """Whether an output was edited by hand is told by what was written there last."""
    model = dict(store.outputs("g"))
    for written, gone in rounds:
        store.record_outputs("g", written).result()
        store.forget_outputs("g", gone).result()
        model = {path: one for path, one in {**model, **written}.items() if path not in gone}
        assert store.outputs("g") == model
    assert store.outputs("other") == {}
