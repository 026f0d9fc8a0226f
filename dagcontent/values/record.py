"""Manifests and records: what was asked for, and what came of it. Knows no store.

    Manifest   what an action means; its canonical bytes make the action key
    Outcome    Done | FailedCharged
    Record     one row of the action cache: key -> manifest, outcome, provenance

A record is written once and read for as long as its store lives: a field that is added has a default.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import msgspec

from dagcontent.values.canonical import Encoder
from dagcontent.values.value import MALFORMED, ActionKey, wire_decode_hook, wire_encode_hook

__all__ = [
    "MANIFEST_FORMAT",
    "Done",
    "FailedCharged",
    "Manifest",
    "Outcome",
    "Record",
    "action_key",
    "decode_record",
    "encode_record",
]

MANIFEST_FORMAT = 1


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that decides a result, and nothing else: no node name, path, label, timeout, price or secret.

    `params` holds every keyed parameter whose value is not the kind version's key default; values as the
    references gave them. `realm` is empty for the vendor's own hosts. `epoch` is set for `cache = "run"` only.
    """

    kind: str
    version: int
    params: dict[str, Any]
    model: str = ""
    realm: str = ""
    take: int = 0
    reroll: int = 0
    epoch: str | None = None
    carry: bool = False
    format: int = MANIFEST_FORMAT


def action_key(manifest: Manifest, encoder: Encoder) -> ActionKey:
    """Return SHA-256 of the manifest's canonical bytes."""
    digest = _head(
        manifest.format, manifest.kind, manifest.version, manifest.realm, manifest.model, manifest.take,
        manifest.reroll, manifest.epoch,
    ).copy()  # fmt: skip
    for name in sorted(manifest.params):
        digest.update(encoder.encode(name))
        digest.update(encoder.encode(manifest.params[name], carry=manifest.carry))
    return ActionKey(digest.hexdigest())


@lru_cache(maxsize=256, typed=True)
def _head(*fields: int | str | None) -> hashlib._Hash:
    """Return the hash of what thousands of manifests begin with; whoever goes on from it takes a copy."""
    return hashlib.sha256(Encoder().encode(list(fields)))


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A result. `value` is a Value whose artifacts carry their facts."""

    value: Any
    extras: dict[str, Any] = {}


class FailedCharged(msgspec.Struct, frozen=True, tag="failed"):
    """A failure that was paid for: sticky, another sample is the way on."""

    error_class: str
    message: str
    answer: Any = None


Outcome = Done | FailedCharged


class Record(msgspec.Struct, frozen=True):
    """One committed result. The first record of a key wins; records are never changed.

    `made_with` names the versions of the tools that made it, which are no part of the key.
    """

    key: str
    manifest: Manifest
    outcome: Outcome
    made_with: dict[str, str]
    run: str
    at_ms: int
    seconds: float = 0.0
    cost_microusd: int = 0


_encoder = msgspec.msgpack.Encoder(enc_hook=wire_encode_hook)
_decoder = msgspec.msgpack.Decoder(Record, ext_hook=wire_decode_hook)


def encode_record(record: Record) -> bytes:
    """Return the stored form of a record."""
    return _encoder.encode(record)


def decode_record(data: bytes | memoryview) -> Record:
    """Read the stored form of a record. Raises `msgspec.DecodeError` for anything else."""
    try:
        return _decoder.decode(data)
    except MALFORMED as error:
        raise msgspec.DecodeError(str(error)) from error
