from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagcontent.store import Store, open_store
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Manifest, Record, action_key

MakeRecord = Callable[..., Record]


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
