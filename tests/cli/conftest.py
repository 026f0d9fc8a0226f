from __future__ import annotations

import datetime as dt
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dagcontent.cli.commands import cli

GOLDEN = Path(__file__).parent / "golden"

SMALL = """\
[graph]
name = "small"
description = "Two places, a card each, and a sheet of both"

[params]
place = "hill"

[[each.scene.of]]
id = "dusk"
line = "The sun goes down."
picture = "A lantern on a ${params.place} at dusk"

[[each.scene.of]]
id = "dawn"
line = "The sun comes up."
picture = "A calm sea at dawn"

[node.line]
kind = "text.template"
each = "scene"
text = "${scene.line}"

[node.card]
kind = "image.generate"
each = "scene"
model = "local/card"
prompt = "${scene.picture}"
size = "64x64"

[node.titled]
kind = "image.caption"
each = "scene"
image = "${card[scene]}"
text = "${line[scene]}"

[node.sheet]
kind = "image.grid"
images = "${titled}"
output = "sheet"
"""

WRONG = """\
[graph]
name = "wrong"

[node.card]
kind = "image.generate"
model = "local/card"
promt = "A hill"
size = 64

[node.sheet]
kind = "image.grid"
images = "${cards}"

[node.film]
kind = "video.concate"
clips = []
"""


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """A command lets the garbage collector rest; the next test needs it again."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in, with a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGCONTENT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("dagcontent.cli.plan._today", lambda: dt.date(2026, 11, 25))
    return tmp_path


@pytest.fixture
def small(here: Path) -> Path:
    """A graph of text and cards that builds in a blink."""
    path = here / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def run(here: Path) -> Callable[..., Result]:
    """Run a command in this process."""

    def runner(*args: str, **env: str) -> Result:
        found = CliRunner().invoke(cli, list(args), env=env, catch_exceptions=False, prog_name="dagcontent")
        assert "Traceback" not in found.stderr
        return found

    return runner


@pytest.fixture
def process(here: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as people do: a process of its own, its streams apart."""

    def runner(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dagcontent", *args],
            cwd=here, capture_output=True, text=True, check=False, env={**os.environ, **env},
        )  # fmt: skip

    return runner


@pytest.fixture
def same(golden: bool, here: Path) -> Callable[[str, str], None]:
    """Compare text with a golden file; what differs from run to run is put into words first."""

    def compare(name: str, text: str) -> None:
        text = text.replace(str(here), "HERE")
        text = re.sub(r"\d{8}T\d{6}\.\d{3}-[0-9a-f]{8}", "RUN", text)
        text = re.sub(r"\b(today|yesterday) \d\d:\d\d", "WHEN", text)
        text = re.sub(r"\b\d+\.\d s\b|\b\d+ min \d\d s\b", "TIME", text)
        text = re.sub(r"\b(image|video|audio) [0-9a-f]{8}\b", r"\1 DIGEST", text)
        text = re.sub(r"\b\d+(\.\d)? k?B\b", "SIZE", text)
        path = GOLDEN / name
        if golden:
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
