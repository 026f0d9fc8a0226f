from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.errors import NodeError, StoreDamaged
from dagcontent.store import BlobDamaged, Store, open_store
from dagcontent.store.db import INLINE_BYTES
from dagcontent.store.records import missing_blobs
from dagcontent.values.record import FailedCharged, Record, encode_record
from dagcontent.values.value import Blob, Digest

MakeRecord = Callable[..., Record]
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def query(store: Store, statement: str, *bindings: object) -> list[tuple[object, ...]]:
    """Change or read the database behind the store's back."""
    connection = apsw.Connection(str(store.layout.db))
    try:
        return connection.execute(statement, bindings).fetchall()
    finally:
        connection.close()


def picture(store: Store, data: bytes = b"picture") -> Blob:
    """Put a picture and return it as a value."""
    digest, size = store.cas.put_bytes(data)
    return Blob(digest, "image", "image/png", size, {"width": 3})


@SHARED
@given(number=st.integers(0, 10**9), value=JSON, padding=st.sampled_from([0, 100, INLINE_BYTES, 3 * INLINE_BYTES]))
def test_a_record_comes_back_as_it_was(
    store: Store, make_record: MakeRecord, number: int, value: object, padding: int
) -> None:
    """Inline or in the CAS, for this process and for the next."""
    record = make_record(number, [value, "x" * padding], seconds=1.5)
    won = store.put(record).result()
    assert won.key == record.key
    assert store.get(record.key) == won
    with open_store(store.root, write=False) as other:
        assert other.find(record.key) == won
    long = len(encode_record(won)) > INLINE_BYTES
    assert query(store, "SELECT place FROM record WHERE key = ?", bytes.fromhex(record.key)) == [(int(long),)]


def test_the_first_committed_record_wins(store: Store, make_record: MakeRecord) -> None:
    """A result is a frozen sample: whoever comes later gets it too, in the same answer."""
    first, second = make_record(1, "first"), make_record(1, "second")
    generation = store.generation()
    assert store.put(first).result() is first
    assert store.put(second).result() == first
    assert store.get(first.key) == first
    assert store.generation() == generation


@pytest.mark.parametrize("damage", ["missing", "damaged", "row", "long row"])
def test_a_free_record_that_cannot_be_used_is_made_again(store: Store, make_record: MakeRecord, damage: str) -> None:
    """Damage to what is free costs time only, and what was remembered about the old result is forgotten."""
    blob = picture(store)
    old = make_record(1, [blob, "x" * (20_000 if damage == "long row" else 1)])
    store.put(old).result()
    if damage in {"missing", "damaged"}:
        path = store.cas.path_of(blob.digest)
        path.chmod(0o600)
        path.write_bytes(b"another")
        if damage == "missing":
            path.unlink()
        with pytest.raises(BlobDamaged):
            store.cas.verified_path(blob.digest)
        assert store.get(old.key) == old
    elif damage == "row":
        query(store, "UPDATE record SET body = zeroblob(length(body))")
        assert store.get(old.key) is None
    else:
        digest = query(store, "SELECT hex(body) FROM record WHERE place = 1")[0][0]
        assert isinstance(digest, str)
        store.cas.path_of(digest.lower()).unlink()
        assert store.get(old.key) is None
    assert store.find(old.key) is None
    generation = store.generation()
    new = make_record(1, "new")
    assert store.put(new).result() == new
    assert store.find(new.key) == new
    assert store.generation() != generation
    assert store.verify().ok


def test_a_paid_record_that_cannot_be_used_is_an_error(store: Store, make_record: MakeRecord) -> None:
    """A miss would buy it a second time without a word; and nothing replaces it."""
    blob = picture(store)
    paid = make_record(1, blob, cost_microusd=25_000)
    store.put(paid).result()
    store.cas.path_of(blob.digest).unlink()
    with pytest.raises(StoreDamaged):
        store.find(paid.key)
    assert store.put(make_record(1, "free")).result() == paid
    query(store, "UPDATE record SET body = zeroblob(length(body))")
    with pytest.raises(StoreDamaged):
        store.get(paid.key)
    with pytest.raises(StoreDamaged):
        store.put(make_record(1, "free")).result()


@SHARED
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_changed_bit_of_a_row_is_believed(store: Store, make_record: MakeRecord, at: int, bit: int) -> None:
    """SQLite gives a flipped bit out as it is; a record that says something else than was written is not a record."""
    record = make_record(1, "some text that a flipped bit turns into other text")
    store.put(record).result()  # replaces what the example before damaged
    ((body,),) = query(store, "SELECT body FROM record")
    assert isinstance(body, bytes)
    place = at % len(body)
    changed = body[:place] + bytes([body[place] ^ (1 << bit)]) + body[place + 1 :]
    query(store, "UPDATE record SET body = ?", changed)
    assert store.get(record.key) is None
    assert store.family("text.generate", "local/outline") == []
    assert [problem.what for problem in store.verify().problems] == ["record"]


def test_a_record_under_another_key_is_not_believed(store: Store, make_record: MakeRecord) -> None:
    """Rows that changed places would answer one question with another's result."""
    one, two = make_record(1, "one"), make_record(2, "two")
    store.put(one).result()
    query(store, "UPDATE record SET key = ?", bytes.fromhex(two.key))
    assert store.get(two.key) is None


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, "\ud800", {"a": ["\udfff"]}])
def test_what_has_no_stored_form_fails_its_node(store: Store, make_record: MakeRecord, value: object) -> None:
    """A model may write any number; that is one node's failure and not a traceback."""
    with pytest.raises(NodeError) as caught:
        store.put(make_record(1, value))
    assert caught.value.hint


def test_family_gives_the_newest_first(store: Store, make_record: MakeRecord) -> None:
    """`why` compares with the nearest earlier results of the same kind and model."""
    records = [make_record(n) for n in range(20)]
    for record in records:
        store.put(record)
    other = msgspec.structs.replace(
        make_record(99), manifest=msgspec.structs.replace(make_record(99).manifest, model="x")
    )
    store.put(other).result()
    assert store.family("text.generate", "local/outline", 5) == records[:-6:-1]
    assert store.family("text.generate", "x") == [other]
    assert store.family("image.generate", "x") == []


def test_a_charged_failure_is_a_record(store: Store, make_record: MakeRecord) -> None:
    """It was paid for, so it sticks."""
    record = msgspec.structs.replace(
        make_record(1), outcome=FailedCharged("moderated", "no", {"id": 1}), cost_microusd=1
    )
    store.put(record).result()
    assert store.find(record.key) == record


def test_blobs_are_found_wherever_they_are(store: Store, make_record: MakeRecord) -> None:
    """A hit whose picture in a list is gone is no hit; nor is one whose digest is nonsense."""
    blob = picture(store)
    gone = Blob(Digest("ab" * 32), "image", "image/png", 1)
    short = Blob(blob.digest, "image", "image/png", 1)
    wild = Blob(Digest("../../x"), "image", "image/png", 1)
    assert missing_blobs(make_record(1, {"a": [blob, {"b": blob}]}), store.cas) == []
    for wrong in (gone, short, wild):
        assert missing_blobs(make_record(1, {"a": [blob, {"b": wrong}]}), store.cas) == [wrong]


def test_a_snapshot_sees_what_was_there(store: Store, make_record: MakeRecord) -> None:
    """A plan answers all its questions from one moment."""
    store.put(make_record(1)).result()
    with store.snapshot():
        assert store.get(make_record(1).key)
        store.put(make_record(2)).result()
        assert store.get(make_record(2).key) is None
    assert store.get(make_record(2).key)


def test_records_of_a_closed_store_are_read_by_the_next(tmp_path: Path, make_record: MakeRecord) -> None:
    """Closing without waiting loses nothing that was accepted."""
    with open_store(tmp_path / "store") as store:
        for n in range(300):
            store.put(make_record(n))
    with open_store(tmp_path / "store", write=False) as store:
        assert all(store.get(make_record(n).key) for n in range(300))
