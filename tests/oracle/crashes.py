"""A build, killed, and the build after it: what must hold whatever the moment was. Knows `proof/crash_server.py`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oracle.builds import new_folder

from dagcontent.testing import Ledger

SERVER = Path(__file__).parents[1] / "proof" / "crash_server.py"

GRAPH = """
[graph]
name = "crash"
[params]
tone = "calm"
[each]
scene = [{ id = "a", line = "LINE" }, { id = "b", line = "waves at night" }, { id = "c", line = "waves at night" }]
[each.verse]
of = "${song.verses}"
max = 3
[node.song]
kind = "text.generate"
model = "local/outline"
prompt = "A song of the sea in two verses, ${params.tone}"
returns = { verses = ["text"] }
[node.sung]
kind = "text.generate"
model = "local/outline"
each = "verse"
prompt = "More about ${verse}"
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "One line about ${scene.line}"
output = "lines/${label.scene}"
[node.card]
kind = "image.generate"
model = "local/card"
each = "scene"
prompt = "${line[scene]}"
size = "96x64"
[node.small]
kind = "image.resize"
each = "scene"
image = "${card[scene]}"
width = 32
output = "small-${label.scene}"
[node.sheet]
kind = "image.grid"
images = ["${small}", "${card[0]}"]
output = "sheet"
[node.text]
kind = "text.template"
text = "${sung}\\n${line}"
output = "text"
"""


class Server:
    """A crash server; use it as a context."""

    def __init__(self, program: Path = SERVER) -> None:
        environment = {
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.defpath,
        }
        self.process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._line() == "ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


class Place:
    """One folder with a graph, its store, outputs and ledger."""

    def __init__(self, folder: Path, text: str = GRAPH) -> None:
        self.folder, self.store, self.ledger = folder, folder / "store", Ledger(folder / "ledger")
        self.graph = folder / "graph.toml"
        folder.mkdir(exist_ok=True)
        self.write(text)

    def write(self, text: str) -> None:
        """Write the graph."""
        self.graph.write_text(text, encoding="utf-8")

    def command(self) -> dict[str, str]:
        return {"graph": str(self.graph), "store": str(self.store), "ledger": str(self.ledger.path)}

    def outputs(self) -> dict[str, bytes]:
        """Return every file in the output folder, parts that a crash left as well."""
        out = self.folder / "out"
        return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def finished(server: Server, place: Place, **options: Any) -> dict[str, Any]:
    """Build to the end; return what it said."""
    answer = server.ask(**place.command(), **options)
    assert answer.get("exit") == 0, answer
    made: dict[str, Any] = answer["made"]
    return made


class Case:
    """What an undisturbed build makes of a graph, from scratch or after an edit; then kills against it."""

    def __init__(self, server: Server, folder: Path, *, edited: bool) -> None:
        self.server, self.folder = server, folder
        before = Place(folder / "work", GRAPH.replace("LINE", "a harbour"))
        if edited:
            finished(server, before)
        before.folder.rename(folder / "before")
        self.after = GRAPH.replace("LINE", "a lighthouse" if edited else "a harbour")
        whole = self.place()
        made = finished(server, whole)
        assert made["status"] == "ok", made
        self.expected = whole.outputs()
        self.spread: list[tuple[str, int]] = [(name, nth) for name, nth in made["spread"]]
        self.names = set(made["points"])

    def place(self) -> Place:
        """Put everything as it stands before the build: in one place, since a graph is known by its path."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.folder / "before", work, symlinks=True)
        place = Place(work, self.after)
        place.ledger.path.unlink(missing_ok=True)
        return place

    def kill(self, **how: Any) -> bool:
        """Kill a build, and check all that must hold then; return whether it was killed before it ended."""
        place = self.place()
        answer = self.server.ask(**place.command(), **how)
        killed = answer.get("signal") in {signal.SIGKILL, signal.SIGALRM}
        assert killed or answer["exit"] == 0, answer
        for name, data in place.outputs().items():
            assert name.startswith(".") or "/." in name or data in {self.expected.get(name), self._old(name)}, (
                f"half an output: {name}"
            )
        kept = self.server.ask(durable=str(place.store))["made"]
        said = place.ledger.read()
        made = finished(self.server, place)
        again = place.ledger.read() - said
        assert made["status"] == "ok", made
        assert made["problems"] == []
        assert made["left"] == []
        assert place.outputs() == self.expected
        twice = set(again) & set(kept)
        assert not twice, f"run again though its record was durable: {twice}"
        assert max(Counter(again).values(), default=0) <= 1
        last = place.ledger.read()
        assert finished(self.server, place)["counts"]["ran"] == 0
        assert place.ledger.read() == last
        return killed

    def _old(self, name: str) -> bytes | None:
        path = self.folder / "before" / "out" / name
        return path.read_bytes() if path.exists() else None


def new_case(server: Server, *, edited: bool) -> tuple[Case, Path]:
    """Return a case and its folder, which the caller removes."""
    folder = new_folder()
    return Case(server, folder, edited=edited), folder
