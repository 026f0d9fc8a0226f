from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.store import Store, open_store
from dagcontent.store.memo import memo_path

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)


@SHARED
@given(graph=st.text(), body=st.binary(max_size=2000), choice=st.data())
def test_a_memo_is_whole_or_not_there(store: Store, graph: str, body: bytes, choice: st.DataObject) -> None:
    """It answers a whole build at once, so a changed bit in it must not."""
    assert store.write_memo(graph, body, generation=store.generation())
    assert store.read_memo(graph) == body
    path = memo_path(store.layout.memo, graph)
    data = path.read_bytes()
    at = choice.draw(st.integers(0, len(data) - 1))
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert store.read_memo(graph) is None
    path.write_bytes(data[:at])
    assert store.read_memo(graph) is None
    path.unlink()
    assert store.read_memo(graph) is None


def test_a_memo_made_under_an_older_generation_is_not_believed(store: Store) -> None:
    """Something was removed while the build that wrote it was running."""
    generation = store.generation()
    store.layout.change_generation()
    assert store.write_memo("g", b"memo", generation=generation)
    assert store.read_memo("g") is None


def test_a_memo_is_only_a_convenience(tmp_path: Path) -> None:
    """Where it cannot be kept, builds work without."""
    with open_store(tmp_path / "store") as store:
        store.layout.memo.rmdir()
        assert not store.write_memo("g", b"memo", generation=store.generation())
        assert store.read_memo("g") is None
        assert not list(store.layout.tmp.iterdir())
