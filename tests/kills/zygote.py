"""The program of forked builds into children for tests. Knows `children.py`, and no system call."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagcontent.testing.vendors.client import FakeVendors

ALONE = ("unshare", "--map-root-user", "--mount", "sh", "-c")
_MOUNTED = 'mount -t tmpfs -o "size=$1m" none "$0" && shift && exec "$@"'
PROGRAM = Path(__file__).with_name("children.py")
BOUNDS = {"send_s": 1.5, "inflight_s": 1.0, "list_lag_s": 0.3, "poll_s": 0.01, "poll_most_s": 0.05, "answer_s": 20.0}
"""Seconds. A busy machine must not make a vendor later than it is allowed to be."""


class Child:
    """One forked child. Read its lines; a line of None is its end."""

    def __init__(self, connection: socket.socket, stderr: Path) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self.stderr_path = stderr
        self.said: dict[str, Any] | None = None
        first = self.line()
        assert first is not None, "a child died before it began"
        self.pid: int = first["pid"]

    def line(self) -> dict[str, Any] | None:
        """Return the next thing it says; None when it is dead."""
        try:
            raw = self._lines.readline()
        except ConnectionResetError:
            return None
        return json.loads(raw) if raw.endswith(b"\n") else None

    @property
    def is_held(self) -> bool:
        """Whether it waits at its crash point."""
        return self.said is not None and "held" in self.said

    def go_on(self) -> None:
        """Let it go on from where it is held."""
        self._connection.sendall(b".")

    def end(self) -> dict[str, Any] | None:
        """Wait for its answer; None if it was killed."""
        said = self.line()
        while said is not None and "held" in said:
            self.go_on()
            said = self.line()
        self.close()
        return said

    def close(self) -> None:
        self._lines.close()
        self._connection.close()

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")


class Zygote:
    """A parent of builds, with everything imported. Use it as a context; ask it from any thread.

    With `disk_mib` the folder `disk` is a file system of that size, which only children see.
    """

    def __init__(self, graph: str, vendors: FakeVendors, *, disk_mib: int = 0) -> None:
        self._graph, self._vendors, self._disk_mib = graph, vendors, disk_mib

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="zygote-")
        self._place = str(Path(self._folder.name) / "s")
        warm = Path(self._folder.name) / "warm"
        warm.mkdir()
        (warm / "graph.toml").write_text(self._graph, encoding="utf-8")
        command = {
            "do": "finish", "graph": str(warm / "graph.toml"), "store": str(warm / "store"),
            "vendors": self._vendors.base_urls, "bounds": BOUNDS,
        }  # fmt: skip
        environment = {
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PATH": os.defpath, "HOME": self._folder.name,
        }  # fmt: skip
        self.disk = Path(self._folder.name) / "disk"
        self.disk.mkdir()
        small = [*ALONE, _MOUNTED, str(self.disk), str(self._disk_mib)] if self._disk_mib else []
        self._process = subprocess.Popen(
            [*small, sys.executable, str(PROGRAM), self._place, json.dumps(command)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        self._count = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._folder.cleanup()

    def start(self, **command: Any) -> Child:
        """Fork a child for a command."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._place)
        self._count += 1
        fd, name = tempfile.mkstemp(dir=self._folder.name)
        os.close(fd)
        connection.sendall(json.dumps({**command, "stderr": name}).encode() + b"\n")
        return Child(connection, Path(name))

    def ask(self, **command: Any) -> dict[str, Any]:
        """Have a command carried out to its end. Fails if the child dies."""
        child = self.start(**command)
        said = child.end()
        assert said is not None, child.stderr
        return said
