"""Paid builds in forked children, killed where they are told to be. Started by `oracle/paid_crashes.py`; one JSON line a command.

    {"graph", "store", "params", "base_urls", "bounds", "at": [point, n] | null}
                                -> {"signal": n} or what the build returned

Forking keeps what takes long, Python and the vendors' packages, out of every kill. The server itself opens nothing.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import anyio._backends._asyncio  # noqa: F401 - what a build imports late is imported once, here
import apsw  # noqa: F401
import av  # noqa: F401
import elevenlabs.client  # noqa: F401
import fal_client  # noqa: F401
import openai  # noqa: F401
import PIL.Image  # noqa: F401
from oracle.paid import configs

from dagcontent import api, testing
from dagcontent.api import building, loading, paying, planning, seams, spending, wiring  # noqa: F401
from dagcontent.providers import elevenlabs as eleven  # noqa: F401
from dagcontent.providers import fal, openrouter  # noqa: F401
from dagcontent.run import driver, local, paid  # noqa: F401
from dagcontent.store.store import open_store
from dagcontent.testing.vendors.realm import FAKE_KEY
from dagcontent.values.attempt import AttemptState


def build(command: dict[str, Any]) -> dict[str, Any]:
    """Build, and look at the store afterwards."""
    points = testing.Points()
    at = command.get("at")
    made = configs(command["base_urls"], lambda name: FAKE_KEY + name, command["bounds"])
    result = api.build(
        command["graph"], store=command["store"], params=command.get("params"), jobs=2,
        seams=api.Seams(crashpoint=testing.CrashAt(*at) if at else points),
        spending=api.Spending(
            make_configs=lambda: made, realms={name: one.realm for name, one in made.items()},
            budget_microusd=90_000_000, unpriced=True,
        ),
    )  # fmt: skip
    with open_store(Path(command["store"])) as store:
        problems = [f"{p.what}: {p.subject} {p.detail}" for p in store.verify().problems]
        known = store.attempts.list()
        attempts = [[one.intent.instance, one.state.value, one.intent.recovery] for one in known]
        unresolved = [one.id for one in known if one.state is AttemptState.UNRESOLVED]
    return {
        "status": result.status, "nodes": {node.node: node.status for node in result.nodes}, "problems": problems,
        "errors": {node.node: node.error for node in result.nodes if node.error}, "attempts": attempts,
        "unresolved": unresolved, "points": points.passed, "spread": points.spread(10_000),
    }  # fmt: skip


def answer(command: dict[str, Any]) -> dict[str, Any]:
    """Carry out a command in a child, which may die of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        code = 1
        try:
            made = build(command)
            with os.fdopen(write, "w") as pipe:
                json.dump(made, pipe)
            code = 0
        except BaseException:  # noqa: BLE001 - told, and the child ends here
            traceback.print_exc()
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
