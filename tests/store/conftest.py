from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagcontent.store import Run, Store, new_attempt_id, open_store
from dagcontent.values.attempt import Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Manifest, Record, action_key

MakeRecord = Callable[..., Record]
NOW_MS = 1_763_800_000_000  # 2025-11-22


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store, open for writing."""
    with open_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """A record that verifies: its key is its manifest's."""

    def make(number: int, value: object = "text", **fields: object) -> Record:
        manifest = Manifest("text.generate", 1, {"prompt": f"scene {number}"}, model="local/outline")
        rest = {"made_with": {"outline": "1"}, "run": "r", "at_ms": 1, **fields}
        return Record(key=action_key(manifest, Encoder()), manifest=manifest, outcome=Done(value), **rest)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def make_intent() -> Callable[..., Intent]:
    """The intent of a record's attempt; any field may be given."""

    def make(record: Record, run: Run, **fields: object) -> Intent:
        at_ms = fields.get("at_ms", NOW_MS)
        assert isinstance(at_ms, int)
        rest: dict[str, object] = {
            "attempt": new_attempt_id(at_ms), "key": record.key, "run": run.id, "graph": run.graph, "instance": "still",
            "provider": "fal", "realm": "", "account": "fal:1", "operation": "queue", "model": "fal/flux",
            "kind": "image.generate", "recovery": "by-match", "marker": "ab" * 16, "payload_digest": "cd" * 32,
            "reserved_microusd": 1000, "at_ms": at_ms, "send_by_ms": at_ms + 10_000,
            "manifest": record.manifest, "request": {"fields": {"prompt": "x"}, "images": [1.5, None]}, **fields,
        }  # fmt: skip
        return Intent(**rest)  # type: ignore[arg-type]

    return make
