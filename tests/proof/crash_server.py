"""Builds in forked children, killed where they are told to be. Started by `crashes.py`; one JSON line a command.

    {"graph", "store", "ledger", "at": [point, n] | null, "after_s": seconds | null, "jobs"}
                                -> {"signal": n} or what the build returned

Forking keeps what takes long, the start of Python and its imports, out of every kill. The server itself opens nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio._backends._asyncio  # noqa: F401 - what a build imports late is imported once, here
import apsw  # noqa: F401
import PIL.Image  # noqa: F401

from dagcontent import api, testing
from dagcontent.api import building, loading, memo, planning, seams, wiring  # noqa: F401
from dagcontent.kinds.registry import KINDS
from dagcontent.media import card, outline, probe, sheet  # noqa: F401
from dagcontent.media.registry import local_registry
from dagcontent.run import driver, local  # noqa: F401
from dagcontent.store.store import open_store


def build(command: dict[str, Any]) -> dict[str, Any]:
    """Build, and look at the store afterwards."""
    points = testing.Points()
    at = command.get("at")
    crash = testing.CrashAt(*at) if at else points
    if command.get("after_s"):
        signal.setitimer(signal.ITIMER_REAL, command["after_s"])  # SIGALRM ends the process, as it is
    registry = testing.CountedRegistry(local_registry(), testing.Ledger(Path(command["ledger"])))
    result = api.build(
        command["graph"], store=command["store"], jobs=command.get("jobs", 2),
        seams=api.Seams(registry=registry, crashpoint=crash),
    )  # fmt: skip
    signal.setitimer(signal.ITIMER_REAL, 0)
    with open_store(Path(command["store"])) as store:
        problems = [f"{p.what}: {p.subject} {p.detail}" for p in store.verify().problems]
        left = [str(path) for folder in (store.layout.tmp, store.layout.runs) for path in folder.iterdir()]
    return {
        "status": result.status, "counts": result.counts, "points": points.passed, "problems": problems, "left": left,
        "failed": [[n.node, n.error] for n in result.failed], "spread": points.spread(10_000),
    }  # fmt: skip


def durable(store: Path) -> list[str]:
    """Return the identity of every call whose record is in a store."""
    with open_store(store, write=False) as opened:
        connection = opened._connection()
        keys = [] if connection is None else [key.hex() for (key,) in connection.execute("SELECT key FROM record")]
        manifests = [record.manifest for key in keys if (record := opened.find(key)) is not None]
    made = []
    for one in manifests:
        full = {p.name: p.default for p in KINDS[one.kind].params if p.default is not None} | one.params
        made.append(testing.call_identity(one.kind, one.model, full))
    return made


def answer(command: dict[str, Any]) -> dict[str, Any]:
    """Carry out a command in a child, which may die of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        code = 1
        try:
            made = durable(Path(command["durable"])) if "durable" in command else build(command)
            with os.fdopen(write, "w") as pipe:
                json.dump(made, pipe)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"exit": os.waitstatus_to_exitcode(status), "made": json.loads(said) if said else None}


print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
