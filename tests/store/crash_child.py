"""One small build against a store, ended by SIGKILL at the n-th crash point. Started by test_crash.py.

Arguments: store, folder for outputs, file for acknowledgements, n (-1: never; then the number of points is printed).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from dagcontent.store import Output, open_store
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Manifest, Record, action_key
from dagcontent.values.value import Blob

root, out, acknowledged, end_at = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
points: list[str] = []


def crashpoint(name: str) -> None:
    """End this process as `kill -9` does, if it is time."""
    if len(points) == end_at:
        os.kill(os.getpid(), signal.SIGKILL)
    points.append(name)


def acknowledge(line: str) -> None:
    """Write down what the store said is durable."""
    with acknowledged.open("a") as file:
        file.write(line + "\n")


def record(number: int, value: object) -> Record:
    """Return a record that verifies."""
    manifest = Manifest("text.template", 1, {"text": f"scene {number}"})
    return Record(action_key(manifest, Encoder()), manifest, Done(value), {}, "run", 1)


store = open_store(root, crashpoint=crashpoint)
run = store.start_run("graph", now_ms=1_700_000_000_000)
small, blobby, long = record(1, "a line"), None, record(3, "long " * 5000)
store.claim_many([small.key, long.key], run).result()
store.put(small).result()
acknowledge(f"record {small.key}")
made = out / "made.bin"
made.write_bytes(b"picture" * 1000)
digest, size = store.cas.put_file(made, move=True)
acknowledge(f"blob {digest}")
blobby = record(2, Blob(digest, "image", "image/png", size))
store.put(blobby).result()
acknowledge(f"record {blobby.key}")
store.put(long).result()
acknowledge(f"record {long.key}")
placed = store.cas.materialise(digest, out / "film.png")
store.record_outputs("graph", {"film.png": Output(digest, placed.size, placed.mtime_ns)}).result()
acknowledge("output")
store.set_last_build("graph", "", {"a": small.key, "b": blobby.key, "c": long.key}).result()
acknowledge("last build")
generation = store.generation()
store.write_memo("graph", b"memo", generation=generation)
store.finish_run(run, "ok", {"ran": 3}, now_ms=1_700_000_001_000)
acknowledge("finished")
store.close()
sys.stdout.write("\n".join(points))
