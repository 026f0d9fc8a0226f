from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import StoreDamaged
from dagcontent.store import Store, open_store
from dagcontent.store.db import fetch
from dagcontent.store.rebuild import rebuild

NOW = 1_763_800_000_000
NAMES = [f"still[{number}]" for number in range(24)]
EDITS = st.lists(
    st.tuples(st.sampled_from("gh"), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), max_size=6), st.booleans()),
    min_size=1, max_size=8,
)  # fmt: skip


def key(number: int) -> str:
    return f"{number:02x}" * 32


def ended(store: Store, graph: str, rows: dict[str, str] | None, number: int = 0) -> str:
    run = store.start_run(graph, now_ms=NOW + number)
    store.finish_run(run, "ok", {"ran": 1}, now_ms=NOW + number + 1, rows=rows)
    return run.id


def bodies(store: Store) -> list[tuple[bool, int]]:
    """Return of each map whether it is whole, and its size."""
    query = "SELECT base IS NULL, length(body) FROM build_map ORDER BY rowid"
    return [(bool(whole), size) for whole, size in store.read(lambda one: fetch(one, query), [])]


@given(EDITS)
def test_every_run_keeps_the_map_it_left(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, dict[str, int], bool]]
) -> None:
    """Whatever was shared or kept as a difference, each run's map is what was there at its end; in a rebuilt database too."""
    root = tmp_path_factory.mktemp("maps") / "store"
    now: dict[str, dict[str, str]] = {graph: {name: key(9) for name in NAMES} for graph in "gh"}
    left: dict[str, dict[str, str]] = {}
    with open_store(root) as store:
        for number, (graph, changed, shrinks) in enumerate(edits):
            rows = now[graph] | {name: key(value) for name, value in changed.items()}
            if shrinks:
                rows.pop(next(iter(rows)), None)
            now[graph] = rows
            left[ended(store, graph, dict(rows), number)] = rows
        assert {run: store.run_map(run) for run in left} == left
        assert len(bodies(store)) == len({tuple(sorted(rows.items())) for rows in left.values()})
    rebuild(root, crashpoint=lambda _point: None)
    with open_store(root, write=False) as reader:
        assert {run: reader.run_map(run) for run in left} == left


def test_little_is_written_for_little_change_and_nothing_for_none(store: Store) -> None:
    """A graph of thousands is built a hundred times a day: its map is not stored a hundred times."""
    rows = {f"n[{number}]": key(number % 200) for number in range(2000)}
    one = ended(store, "g", dict(rows))
    same = ended(store, "g", dict(rows), 10)
    edited = ended(store, "g", rows | {"n[7]": key(255)}, 20)
    assert store.run_map(one) == store.run_map(same) == rows
    assert store.run_map(edited) == rows | {"n[7]": key(255)}
    (whole, large), (other, small) = bodies(store)
    assert (whole, other) == (True, False)
    assert small * 100 < large


def test_a_run_that_left_none_is_told_from_one_that_cannot_be_read(store: Store) -> None:
    """`diff` says which it is; a build is kept from nothing by it, and what is whole again is read again."""
    none, lost = ended(store, "g", None), ended(store, "g", {"a": key(1)}, 10)
    store.write(lambda one: one.execute("UPDATE build_map SET body = zeroblob(length(body))")).result()
    assert store.run_map(none) is None
    with pytest.raises(StoreDamaged):
        store.run_map(lost)
    again = ended(store, "g", {"a": key(1)}, 20)
    assert store.run_map(again) == store.run_map(lost) == {"a": key(1)}


def test_a_store_from_before_there_were_maps_has_none(tmp_path: Path) -> None:
    """Read as it is, and brought along by the first build."""
    root = tmp_path / "store"
    with open_store(root) as store:
        old = ended(store, "g", None)
        store.write(
            lambda one: (
                one.execute("DROP TABLE build_map"),
                one.execute("DROP TABLE run_map"),
                one.pragma("user_version", 2),
            )
        ).result()
    (root / "FORMAT").write_text("dagcontent store\nversion 2\nreadable-from 2\n")
    with open_store(root, write=False) as reader:
        assert reader.run_map(old) is None
        assert reader.verify().ok
    with open_store(root) as store:
        assert store.run_map(ended(store, "g", {"a": key(1)}, 10)) == {"a": key(1)}
        assert store.run_map(old) is None
