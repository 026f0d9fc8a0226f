from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import values as oracle

from dagcontent.values.value import (
    ABSENT,
    UNKNOWN,
    Blob,
    Digest,
    blobs_in,
    contains_unknown,
    decode_value,
    encode_value,
    fact_of,
)

FACTS = {
    "duration_ms": 1500,
    "fps": [30000, 1001],
    "width": 720,
    "alignment": [{"text": "hi", "start": 0.0, "end": 0.5}],
}
CLIP = Blob(Digest("ab" * 32), "video", "video/mp4", 9, FACTS, "clip.mp4")


def exactly(value: object) -> object:
    """Return what two values must share to be the same to the byte: types and the facts of artifacts too."""
    if isinstance(value, Blob):
        row = (value.digest, value.type, value.media_type, value.size_bytes, value.name)
        return (*row, json.dumps(value.facts, sort_keys=True))
    if isinstance(value, list):
        return [exactly(item) for item in value]
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    return (type(value), repr(value))


@given(oracle.VALUES)
def test_stored_value_comes_back(value: Any) -> None:
    """What a model was paid for must come out of the store as it went in."""
    assert exactly(decode_value(encode_value(value))) == exactly(value)


@pytest.mark.parametrize(
    "hostile",
    [
        {"digest": "ab" * 32, "type": "image", "media_type": "image/png", "size_bytes": 1, "facts": {}, "name": None},
        ["ab" * 32, "image", "image/png", 1, {}, None],
        {"$blob": "ab" * 32},
        {"__ext__": 1, "data": "ab" * 32},
        "Blob(image abababababab image/png 1 B)",
        encode_value(CLIP).decode("latin-1"),
    ],
)
def test_data_cannot_pass_for_an_artifact(hostile: Any) -> None:
    """Else a model's JSON could name any file in the store, and the next node would read it."""
    back = decode_value(encode_value(hostile))
    assert back == hostile
    assert not list(blobs_in(back))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """A damaged row must end in the one class that the store turns into its own error."""
    with suppress(msgspec.DecodeError):
        decode_value(data)


@pytest.mark.parametrize("data", [b"\x91" * 100_000, b"\xa1\xff", b"\xd4\x02\xc0", b"\xd4\x01\xc0", b"\xc1", b""])
def test_malformed_bytes_are_a_decode_error(data: bytes) -> None:
    """Nesting, broken text and unknown extensions raise other classes in msgspec than a bad byte does."""
    with pytest.raises(msgspec.DecodeError):
        decode_value(data)


def test_foreign_objects_are_not_stored() -> None:
    """A mark or a path that reaches the store is a fault of ours, better seen when it is written."""
    with pytest.raises(NotImplementedError, match="no wire form"):
        encode_value([UNKNOWN])


@pytest.mark.parametrize(
    ("value", "name", "fact"),
    [
        (CLIP, "duration", 1.5),
        (CLIP, "fps", 30000 / 1001),
        (CLIP, "width", 720),
        (CLIP, "size_bytes", 9),
        (CLIP, "media_type", "video/mp4"),
        (CLIP, "name", "clip.mp4"),
        (CLIP, "alignment", FACTS["alignment"]),
        (CLIP, "height", ABSENT),
        (CLIP, "nonsense", ABSENT),
        ("two words", "words", 2),
        ("two words", "characters", 9),
        ("two words", "duration", ABSENT),
        ([CLIP], "duration", ABSENT),
        ({"duration": 3}, "duration", ABSENT),
    ],
)
def test_facts_are_in_the_units_of_the_language(value: Any, name: str, fact: Any) -> None:
    """They are measured as integers and asked for in seconds and frames a second."""
    assert fact_of(value, name) == fact


@pytest.mark.parametrize("name", ["duration", "fps", "name", "chapters"])
def test_what_was_not_measured_is_absent(name: str) -> None:
    """Absent is a case of the language (an optional input is left out); an exception would be a fault."""
    assert fact_of(Blob(Digest("00" * 32), "document", "text/plain", 0), name) is ABSENT


def test_artifacts_are_equal_by_content() -> None:
    """Facts and names come along; they are no part of what an artifact is."""
    bare = Blob(CLIP.digest, "video", "video/webm", 1)
    assert bare == CLIP
    assert len({bare, CLIP}) == 1
    assert bare != Blob(CLIP.digest, "audio", "audio/wav", 1)
    assert bare != CLIP.digest
    assert CLIP.digest[:12] in repr(CLIP)


def test_artifacts_are_found_at_any_depth() -> None:
    """Garbage collection keeps what is yielded here, and nothing else."""
    other = Blob(Digest("cd" * 32), "image", "image/png", 1)
    assert list(blobs_in([CLIP, {"a": [other, "text"], "b": CLIP}, None])) == [CLIP, other, CLIP]


@given(oracle.VALUES)
def test_unknown_is_seen_wherever_it_hides(value: Any) -> None:
    """One part that is still to be made keeps the whole from being keyed."""
    assert not contains_unknown(value)
    assert contains_unknown([value, {"a": [value, UNKNOWN]}])
