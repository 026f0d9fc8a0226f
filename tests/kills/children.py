"""Builds in forked children, each over a connection of its own: killed, held, traced or left alone. Started by `zygote.py`.

    python children.py SOCKET COMMAND

COMMAND is a build that the parent carries out itself, before all: what it imports and reads is there for every child. A child writes {"pid": n}, then, if it is to stop at a crash point, {"held": point} and waits for a byte, and in the end its
answer. A connection that ends without an answer is a child that was killed. At a fork the parent has no thread, no store
and no connection to a vendor.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from dagcontent import api
from dagcontent.errors import DagcontentError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.secret import Secret, host_of
from dagcontent.store.store import Store, open_store
from dagcontent.values.money import Ceiling
from dagcontent.values.units import UnitCeiling

REALM = "fake-vendors"


class Points:
    """Crash points of one child: passed, marked for a trace, or where it stops until it is told to go on."""

    def __init__(self, connection: socket.socket | None, command: dict[str, Any]) -> None:
        self._connection = connection
        self._hold = command.get("hold")
        self._stop = command.get("stop")
        self._mark = command.get("mark", False)
        self._lock = threading.Lock()
        self._passed: dict[str, int] = {}

    def __call__(self, point: str) -> None:
        with self._lock:
            nth = self._passed[point] = self._passed.get(point, 0) + 1
        if self._mark:
            os.access(f"/crash-point/{point}/{nth}", os.F_OK)
        if self._hold == [point, nth] and self._connection is not None:
            say(self._connection, {"held": point})
            self._connection.recv(1)
        if self._stop == [point, nth]:
            os.kill(os.getpid(), signal.SIGSTOP)


def say(connection: socket.socket, value: Any) -> None:
    """Write one line."""
    connection.sendall(json.dumps(value).encode() + b"\n")


def spending(command: dict[str, Any]) -> api.Spending:
    """Return who is paid: the fake vendors, and nobody else."""

    def configs() -> dict[str, ProviderConfig]:
        made = {}
        for name, url in command["vendors"].items():
            key = Secret(f"fake-key-{name}", f"FAKE_{name.upper()}_KEY", [host_of(url)])
            made[name] = ProviderConfig(
                name=name, base_url=url, key=key, bounds=command["bounds"], name_of_realm=REALM,
                concurrency=command.get("concurrency"),
            )  # fmt: skip
        return made

    return api.Spending(
        make_configs=configs, realms=dict.fromkeys(command["vendors"], REALM), yes=True, unpriced=True,
        budget_microusd=command.get("budget"), ceilings=[Ceiling(**one) for one in command.get("ceilings", ())],
        unit_ceilings=[UnitCeiling(**one) for one in command.get("unit_ceilings", ())],
    )  # fmt: skip


def build(command: dict[str, Any], points: Points) -> dict[str, Any]:
    """Build once; say how it ended, in our words or with the traceback that nobody should ever see."""
    try:
        result = api.build(
            command["graph"], store=command["store"], jobs=2, seams=api.Seams(crashpoint=points),
            seed=command.get("seed", 0), spending=spending(command),
        )  # fmt: skip
    except DagcontentError as error:
        return {"status": "error", "error": f"{type(error).__name__}: {error.message}", "exit": error.exit_code}
    return {
        "status": result.status,
        "counts": result.counts,
        "nodes": {n.node: [n.status, n.error] for n in result.nodes},
        "outputs": {Path(path).name: size_of(path) for _, path in result.outputs},
    }


def size_of(path: str) -> int:
    """Return a file's size, -1 where the system refuses to tell: what is injected may strike us too."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def journal(command: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every paid attempt of a store."""
    if not (Path(command["store"]) / "store.db").exists():
        return []
    with open_store(Path(command["store"]), write=False) as store:
        return [
            {
                "id": one.id, "instance": one.intent.instance, "operation": one.intent.operation,
                "recovery": one.intent.recovery, "state": one.state.value, "message": one.message,
                "answered": one.answer is not None, "whole": whole(store, one.id), "handle": one.handle is not None,
                "at_ms": one.intent.at_ms, "send_by_ms": one.intent.send_by_ms,
            }
            for one in store.attempts.list()
        ]  # fmt: skip


def whole(store: Store, attempt: str) -> bool:
    """Tell whether a good answer to an attempt lies in the spool, all of it."""
    found = store.spool.sealed(attempt, "answer")
    return found is not None and bool(found[0]["status"] == 200)


def fill(place: Path, leave: int) -> None:
    """Write a file until so many bytes are left on its disk."""
    with (place / "filler").open("wb", buffering=0) as file:
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize - leave
        os.posix_fallocate(file.fileno(), 0, max(free, 1))
        with contextlib.suppress(OSError):
            while leave == 0:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, 1)


def write_shortly(most: int) -> None:
    """Let no write of ours take more than so many bytes at once."""
    whole = os.write

    def write(descriptor: int, data: Any) -> int:
        return whole(descriptor, memoryview(data)[:most])

    os.write = write


def answered(command: dict[str, Any], points: Points) -> dict[str, Any]:
    """Carry out a command."""
    if command["do"] == "fill":
        fill(Path(command["place"]), command["leave"])
        return {}
    if command["do"] == "free":
        (Path(command["place"]) / "filler").unlink()
        return {}
    if "short" in command:
        write_shortly(command["short"])
    if command["do"] == "build":
        points("child.began")
        return build(command, points)
    if command["do"] == "journal":
        return {"attempts": journal(command)}
    before = journal(command)
    first = build(command, points)
    second = build(command, points)
    with open_store(Path(command["store"])) as store:
        problems = [f"{p.what}: {p.subject} {p.detail}" for p in store.verify().problems]
        left = [f"{f.name}/{p.name}" for f in (store.layout.tmp, store.layout.runs) for p in f.iterdir()]
        spooled = sorted({p.name.partition(".")[0] for p in store.layout.spool.iterdir()})
    return {
        "before": before, "first": first, "second": second, "problems": problems, "left": left, "spooled": spooled,
        "attempts": journal(command),
    }  # fmt: skip


def child(connection: socket.socket) -> None:
    """Serve one command, and end."""
    line = connection.makefile("rb").readline()
    if not line:
        return
    command = json.loads(line)
    heard = os.open(command["stderr"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(heard, 2)
    os.close(heard)
    say(connection, {"pid": os.getpid()})
    try:
        made = answered(command, Points(connection, command))
    except BaseException:  # noqa: BLE001 - told, whatever it is: it must never happen
        traceback.print_exc()
        made = {"status": "traceback", "error": traceback.format_exc()}
    say(connection, made)


def main(place: str, warm: str) -> None:
    """Fork a child for every connection."""
    said = answered(json.loads(warm), Points(None, {}))
    assert said["first"]["status"] == "ok", said
    gc.collect()
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(place)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert len(os.listdir("/proc/self/task")) == 1, "a thread is left over: children cannot be forked"
    print("ready", flush=True)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            code = 1
            try:
                child(connection)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
