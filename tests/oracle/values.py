"""Random values, what it means for two of them to be the same, and a second encoder. Knows nothing of speed."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from hypothesis import strategies as st

from dagcontent.values.record import Manifest
from dagcontent.values.value import CARRIED_FACTS, Blob, Digest, Value

TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["", "1", "true", "s1:1", "i1;", "l0:", "é", "e\u0301", "digest"]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0]),
    TEXT,
)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "duration_ms": st.integers(0, 10**7),
        "fps": st.just([30000, 1001]),
        "alignment": st.lists(st.fixed_dictionaries({"text": TEXT, "start": st.just(0.5)}), max_size=2),
        "chapters": st.just([{"title": "one", "start": 0.0, "end": 1.5}]),
    },
)
DIGESTS = st.sampled_from([hashlib.sha256(b"%d" % n).hexdigest() for n in range(3)])


@st.composite
def blobs(draw: st.DrawFn) -> Blob:
    """Return an artifact out of three, with any facts."""
    kind = draw(st.sampled_from(["image", "audio"]))
    return Blob(Digest(draw(DIGESTS)), kind, "image/png", 7, draw(FACTS), draw(st.none() | TEXT))


VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | blobs(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def meaning(value: Value, *, carry: bool = False) -> object:
    """Return something hashable that is equal for two values if and only if a request could not tell them apart."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, int):
        return ("integer", value)
    if isinstance(value, float):
        return ("number", struct.pack("<d", 0.0 if value == 0 else value))
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, Blob):
        facts = {name: value.facts[name] for name in CARRIED_FACTS if carry and name in value.facts}
        return ("artifact", value.digest, meaning(facts))
    if isinstance(value, list):
        return ("list", tuple(meaning(item, carry=carry) for item in value))
    assert isinstance(value, dict)
    return ("table", frozenset((key, meaning(item, carry=carry)) for key, item in value.items()))


def encode(value: Value, *, carry: bool = False) -> bytes:
    """Return canonical bytes as `values/canonical.py` describes them, with nothing remembered: right by inspection."""
    if value is None or isinstance(value, bool):
        return {None: b"n", True: b"t", False: b"f"}[value]
    if isinstance(value, int):
        return f"i{value};".encode()
    if isinstance(value, float):
        return b"d" + struct.pack(">d", 0.0 if value == 0 else value)
    if isinstance(value, str):
        data = value.encode()
        return f"s{len(data)}:".encode() + data
    if isinstance(value, Blob):
        facts = {name: value.facts[name] for name in CARRIED_FACTS if carry and name in value.facts}
        return (b"c" if facts else b"b") + bytes.fromhex(value.digest) + (encode(facts) if facts else b"")
    if isinstance(value, list):
        parts = [encode(item, carry=carry) for item in value]
    else:
        assert isinstance(value, dict)
        parts = [key + item for key, item in sorted((encode(k), encode(v, carry=carry)) for k, v in value.items())]
    data = (b"l" if isinstance(value, list) else b"m") + f"{len(value)}:".encode() + b"".join(parts)
    return b"D" + hashlib.sha256(data).digest() if len(data) > 1024 else data


def key(manifest: Manifest) -> str:
    """Return the action key of a manifest, by the same description."""
    m = manifest
    head = encode([m.format, m.kind, m.version, m.realm, m.model, m.take, m.reroll, m.epoch])
    rows = [encode(name) + encode(value, carry=m.carry) for name, value in sorted(m.params.items())]
    return hashlib.sha256(head + b"".join(rows)).hexdigest()
