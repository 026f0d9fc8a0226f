from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

VIEWER = "open" if sys.platform == "darwin" else "xdg-open"


@pytest.fixture
def seen(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A screen, and a viewer that writes down what it was given."""
    programs = here / "programs"
    programs.mkdir()
    viewer = programs / VIEWER
    viewer.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {here}/seen\n', encoding="utf-8")
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DISPLAY", ":9")

    def read() -> list[str]:
        file = here / "seen"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    return read


def test_the_output_is_opened(small: Path, run: Callable[..., Result], seen: Callable[[], list[str]]) -> None:
    """It has a name and an ending, and it is the file that people know."""
    run("build", str(small))
    found = run("open", str(small), "sheet")
    assert found.exit_code == 0
    assert found.stdout == "out/sheet.png\n"
    assert seen() == [str(small.parent / "out" / "sheet.png")]


def test_what_has_no_output_is_copied(small: Path, run: Callable[..., Result], seen: Callable[[], list[str]]) -> None:
    """A viewer goes by the ending, and the store's files have none; nothing of the store is handed out."""
    run("build", str(small))
    found = json.loads(run("open", str(small), "card[dusk]", "--json").stdout)
    (path,) = (Path(path) for path in found["paths"])
    assert found["opened"] is True
    assert path.name.startswith("card-dusk-")
    assert path.suffix == ".png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert str(small.parent / "store") not in str(path)
    assert seen() == [str(path)]
    again = json.loads(run("open", str(small), "card[dusk]", "--json").stdout)
    assert again["paths"] == found["paths"]


def test_a_text_is_opened_too(small: Path, run: Callable[..., Result], seen: Callable[[], list[str]]) -> None:
    """Whatever a node gives can be looked at."""
    found = json.loads(run("open", str(small), "line[dawn]", "--json").stdout)
    assert Path(found["paths"][0]).read_text(encoding="utf-8") == "The sun comes up.\n"
    assert seen() == found["paths"]


def test_without_a_screen_the_path_is_said(small: Path, run: Callable[..., Result]) -> None:
    """On a server that is what can be done, and it is no failure."""
    run("build", str(small))
    found = run("open", str(small), "sheet", DISPLAY="", WAYLAND_DISPLAY="")
    assert found.exit_code == 0
    assert found.stdout == "out/sheet.png\n"
    assert "not opened: there is no" in found.stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has its viewer")
def test_without_a_viewer_the_path_is_said(
    small: Path, run: Callable[..., Result], seen: Callable[[], list[str]], here: Path
) -> None:
    """A screen, and nobody to show anything; or one that knows no program for the file."""
    run("build", str(small))
    (here / "programs" / VIEWER).write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    assert "exit code 3" in run("open", str(small), "sheet").stderr
    (here / "programs" / VIEWER).unlink()
    assert "there is no xdg-open here" in run("open", str(small), "sheet").stderr
    assert seen() == []


def test_nothing_to_open(small: Path, run: Callable[..., Result], seen: Callable[[], list[str]]) -> None:
    """Said as `show` says it."""
    found = run("open", str(small), "sheet")
    assert found.exit_code == 2
    assert "no result yet" in found.stderr
    assert seen() == []


def test_copies_do_not_pile_up(
    small: Path, run: Callable[..., Result], seen: Callable[[], list[str]], tmp_path: Path
) -> None:
    """A cache that nobody empties fills a disk."""
    found = json.loads(run("open", str(small), "line[dawn]", "--json", XDG_CACHE_HOME=str(tmp_path / "cache")).stdout)
    folder = Path(found["paths"][0]).parent
    assert folder.is_relative_to(tmp_path)
    for number in range(150):
        (folder / f"old-{number}").write_text("x", encoding="utf-8")
    run("open", str(small), "line[dusk]", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert len(list(folder.iterdir())) <= 102
