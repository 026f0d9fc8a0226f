from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.api import watching
from dagcontent.api.watching import Polling, Sources

from .conftest import SMALL

Run = Callable[..., Result]
Same = Callable[[str, str], None]


class Script:
    """Edits in place of a person's: each wait is one of them, and at their end the person leaves."""

    def __init__(self, *edits: Callable[[], object]) -> None:
        self.edits = list(edits)

    def wait(self, sources: Sources) -> None:
        if not self.edits:
            raise KeyboardInterrupt
        self.edits.pop(0)()


def put(path: Path, text: str) -> None:
    """Write a file as editors do: another one, which takes its name."""
    part = path.with_name(f".{path.name}~")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


@pytest.fixture
def edits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which edits are made while somebody watches."""

    def said(*made: Callable[[], object]) -> None:
        monkeypatch.setattr(watching, "changes", lambda: Script(*made))
        monkeypatch.setattr("dagcontent.cli.watch._clock", lambda: "12:00:00")

    return said


def test_each_edit_says_what_moved(run: Run, small: Path, here: Path, same: Same, edits: Callable[..., None]) -> None:
    """Word for word: an edit, one that changes nothing, a broken graph and its cure, a choice, a file that comes late, a wrong
    configuration. Nothing is built.
    """
    run("build", "small.toml")
    brief = SMALL.replace('prompt = "${scene.picture}"', 'prompt = { file = "brief.md" }')
    edits(
        lambda: put(small, SMALL.replace("The sun", "A sun")),
        lambda: os.utime(small),
        lambda: put(small, SMALL.replace("image.grid", "image.grd")),
        lambda: put(small, SMALL),
        lambda: run("pin", "small.toml", "sheet"),
        lambda: put(small, brief),
        lambda: put(here / "brief.md", "A brief"),
        lambda: put(here / "dagcontent.toml", "x"),
        (here / "dagcontent.toml").unlink,
    )
    found = run("watch", "small.toml")
    assert found.exit_code == 0
    same("watch.txt", f"{found.stdout}== stderr\n{found.stderr}")
    assert "building" not in found.stdout


def test_with_auto_every_plan_is_built(run: Run, small: Path, edits: Callable[..., None]) -> None:
    """A free graph needs no budget; what was built is no news at the next edit."""
    edits(lambda: put(small, SMALL.replace("The sun", "A sun")), lambda: put(small, SMALL))
    found = run("watch", "small.toml", "--auto")
    assert (found.exit_code, found.stdout.count("building, run")) == (0, 2)
    assert re.search(r"3 plans   2 builds", found.stdout)
    assert "hit 5 -> 2" in found.stdout


def test_wrong_input(run: Run, small: Path, here: Path) -> None:
    """What could never be watched ends it at once."""
    for args, said in (
        (["small.toml", "--budget", "1"], "--budget bounds what --auto spends"),
        (["none.toml"], "cannot be read"),
        (["small.toml", "--auto", "--budget", "x"], "--budget x"),
    ):
        found = run("watch", *args)
        assert found.exit_code == 2
        assert said in found.stderr
    put(here / "paid.toml", SMALL.replace('model = "local/card"', 'model = "fal/fal-ai/flux/dev"'))
    found = run("watch", "paid.toml", "--auto")
    assert (found.exit_code, "--auto needs a budget" in found.stderr) == (2, True)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["write", "same", "touch", "rename", "remove", "add"]), max_size=4))
def test_sources_are_the_same_exactly_while_their_bytes_are(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """An event is a hint: what is looked at is whether anything is another than it was."""
    folder = tmp_path_factory.mktemp("watched")
    graph, store = folder / "g.toml", folder / "store"
    put(folder / "a.txt", "a")
    put(graph, '[graph]\nname = "g"\n[node.x]\nkind = "text.template"\ntext = { file = "a.txt" }\n')

    def seen() -> tuple[bytes | None, ...]:
        return tuple(
            path.read_bytes() if path.exists() else None
            for path in (graph, folder / "a.txt", folder / "g.choices.toml")
        )

    found = watching.look(str(graph), (), params={}, profile=None, store=store, realms={})
    before = seen()
    for step in steps:
        text = graph.read_text() if graph.exists() else ""
        if step == "write":
            put(graph, text + "# more\n")
        elif step == "same":
            put(graph, text)
        elif step == "touch":
            os.utime(folder / "a.txt", ns=(1, 1)) if (folder / "a.txt").exists() else None
        elif step == "rename":
            put(folder / "a.txt", "b")
        elif step == "remove":
            (folder / "a.txt").unlink(missing_ok=True)
        else:
            put(folder / "g.choices.toml", "")
        assert found.sources.same() == (seen() == before)


def test_polling_waits_for_the_end_of_a_burst(tmp_path: Path) -> None:
    """Three writes in a row are one change: it is over when nothing moves any more. No clock is waited for."""
    path = tmp_path / "a"
    put(path, "0")
    sources = Sources((watching._noted(str(path)),))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) in {2, 3, 4}:
            put(path, "x" * len(slept))

    Polling(sleep).wait(sources)
    assert not sources.same()
    assert len(slept) == 5


@pytest.mark.slow
def test_a_real_editor_and_a_real_watcher(small: Path, here: Path) -> None:
    """A process of its own with the system's notices: a save by rename is told of, and Ctrl-C ends it with 0."""
    pytest.importorskip("watchfiles")
    process = subprocess.Popen(
        [sys.executable, "-m", "dagcontent", "watch", "small.toml"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for said, edit in (
            ("watching;", lambda: put(small, SMALL.replace("[node.sheet]", "[node.shoot]"))),
            ("not in the graph any more", lambda: put(small, "[")),
            ("watching on", lambda: put(small, SMALL)),
            ("not in the graph any more", lambda: process.send_signal(signal.SIGINT)),
        ):
            for line in process.stdout:
                if said in line:
                    edit()
                    break
            else:
                pytest.fail(f"it ended before it said {said!r}")
        rest = process.stdout.read()
        assert "watched small.toml   3 plans" in rest
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
