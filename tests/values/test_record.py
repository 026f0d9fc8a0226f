from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import values as oracle

from dagcontent.values.canonical import Encoder
from dagcontent.values.record import (
    MANIFEST_FORMAT,
    Done,
    FailedCharged,
    Manifest,
    Record,
    action_key,
    decode_record,
    encode_record,
)
from dagcontent.values.value import Blob, Digest

GOLDEN = json.loads(Path(__file__).with_name("golden_keys.json").read_text(encoding="utf-8"))
NAMES = st.sampled_from(["prompt", "style", "images", "a", "b"])
MANIFESTS = st.builds(
    Manifest,
    kind=st.sampled_from(["image.generate", "a", "ab"]),
    version=st.integers(1, 3),
    params=st.dictionaries(NAMES, oracle.VALUES, max_size=3),
    model=st.sampled_from(["", "local/card", "b"]),
    realm=st.sampled_from(["", "gateway"]),
    take=st.integers(0, 2),
    reroll=st.integers(0, 2),
    epoch=st.sampled_from([None, "", "run-1"]),
    carry=st.booleans(),
)
RECORDS = st.builds(
    Record,
    key=st.just("00" * 32),
    manifest=MANIFESTS,
    outcome=st.builds(Done, oracle.VALUES, st.dictionaries(NAMES, oracle.VALUES, max_size=2))
    | st.builds(FailedCharged, oracle.TEXT, oracle.TEXT, oracle.VALUES),
    made_with=st.dictionaries(oracle.TEXT, oracle.TEXT, max_size=2),
    run=oracle.TEXT,
    at_ms=st.integers(0, 2**48),
    seconds=st.floats(0, 1e6),
    cost_microusd=st.integers(0, 10**9),
)


def artifacts(value: Any) -> Any:
    """Turn the `$blob` tables of the golden file into artifacts."""
    if isinstance(value, dict) and "$blob" in value:
        return Blob(Digest(value["$blob"]), "audio", "audio/wav", 1, value.get("facts"))
    if isinstance(value, dict):
        return {key: artifacts(item) for key, item in value.items()}
    return [artifacts(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("vector", GOLDEN["vectors"], ids=lambda vector: vector["name"])
def test_golden_keys_are_frozen(vector: dict[str, Any]) -> None:
    """A key that changes buys every result again. Vectors are added, never edited: another format is another file."""
    assert GOLDEN["format"] == MANIFEST_FORMAT
    manifest = Manifest(**{**vector["manifest"], "params": artifacts(vector["manifest"]["params"])})
    assert action_key(manifest, Encoder()) == vector["key"]
    assert oracle.key(manifest) == vector["key"]


def test_golden_keys_are_all_different() -> None:
    """Each vector differs from the first in one thing that a key must tell apart."""
    keys = [vector["key"] for vector in GOLDEN["vectors"]]
    assert len(set(keys)) == len(keys)


@given(MANIFESTS)
def test_key_agrees_with_its_description(manifest: Manifest) -> None:
    """The second, tiny encoder is the description in code."""
    assert action_key(manifest, Encoder()) == oracle.key(manifest)


@given(MANIFESTS, MANIFESTS)
def test_every_field_is_in_the_key(a: Manifest, b: Manifest) -> None:
    """Equal keys for different manifests would serve one result for another."""

    def meaning(m: Manifest) -> object:
        params = frozenset((name, oracle.meaning(value, carry=m.carry)) for name, value in m.params.items())
        return (m.format, m.kind, m.version, m.realm, m.model, m.take, m.reroll, m.epoch, params)

    assert (action_key(a, Encoder()) == action_key(b, Encoder())) == (meaning(a) == meaning(b))


@given(RECORDS)
def test_record_comes_back(record: Record) -> None:
    """A record is the receipt of what was paid; its manifest must still give its key years later."""
    data = encode_record(record)
    back = decode_record(data)
    assert back == record
    assert encode_record(back) == data
    assert action_key(back.manifest, Encoder()) == action_key(record.manifest, Encoder())
    assert decode_record(memoryview(data)) == record


@given(st.binary(max_size=60))
def test_other_bytes_are_no_record(data: bytes) -> None:
    """A damaged row must end in the one class that the store turns into its own error."""
    with pytest.raises(msgspec.DecodeError):
        decode_record(data)


def test_text_that_is_none_is_a_decode_error() -> None:
    """A value of it is nobody's data, and msgspec has another class for it."""
    data = encode_record(Record("00" * 32, Manifest("a", 1, {}), Done("?"), {}, "run", 0))
    with pytest.raises(msgspec.DecodeError):
        decode_record(data.replace(b"\xa1?", b"\xa1\xff"))


def test_rows_of_a_later_version_are_read() -> None:
    """Two versions may share a store: a field that this one does not know is passed over."""
    record = Record("00" * 32, Manifest("a", 1, {}), Done(1), {}, "run", 0)
    row = msgspec.msgpack.decode(encode_record(record))
    assert decode_record(msgspec.msgpack.encode({**row, "later": 1})) == record
