from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from .conftest import SMALL, WRONG

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]
Same = Callable[[str, str], None]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_screens(run: Run, small: Path, here: Path, same: Same, columns: str) -> None:
    """What people see, word for word: cold, built, edited, explained. Nothing is wider than the screen."""
    screens = {"plan_cold": run("plan", "small.toml", COLUMNS=columns).stdout}
    screens["build"] = run("build", "small.toml", "-j1", COLUMNS=columns).stdout
    screens["build_again"] = run("build", "small.toml", COLUMNS=columns).stdout
    screens["plan_nothing"] = run("plan", "small.toml", COLUMNS=columns).stdout
    screens["show"] = "\n".join(
        line for line in run("show", "small.toml", "sheet", COLUMNS=columns).stdout.splitlines()
        if not line.startswith(("  file", "  with", "  key"))
    )  # fmt: skip
    edited = SMALL.replace("comes up", "rises over the hills and over the sea, slowly, as it always has")
    small.write_text(
        edited.replace('"hill"', '"cliff"').replace("[node.sheet]", "[node.sheet]\ncolumns = 1"), encoding="utf-8"
    )
    screens["plan_edited"] = run("plan", "small.toml", COLUMNS=columns).stdout
    screens["plan_verbose"] = run("plan", "small.toml", "-v", COLUMNS=columns).stdout
    for node in ("card[dusk]", "card[dawn]", "titled[dawn]", "titled[dusk]", "sheet", "line[dusk]"):
        screens[f"why {node}"] = run("why", "small.toml", node, COLUMNS=columns).stdout
    screens["why -v titled[dawn]"] = run("why", "small.toml", "titled[dawn]", "-v", COLUMNS=columns).stdout
    screens["graph"] = run("graph", "small.toml", COLUMNS=columns).stdout
    screens["kinds"] = run("kinds", COLUMNS=columns).stdout
    screens["kinds image.caption"] = run("kinds", "image.caption", COLUMNS=columns).stdout
    (here / "wrong.toml").write_text(WRONG, encoding="utf-8")
    screens["check"] = run("check", "wrong.toml", COLUMNS=columns).stderr
    for name, text in screens.items():
        if name != "check":
            assert max(map(len, text.splitlines())) <= int(columns), name
    same(f"screens_{columns}.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


def test_failures_name_lines_and_the_way_on(run: Run, small: Path, same: Same) -> None:
    """A failure says where the node stands, what is wrong, what to do, and how to go on."""
    small.write_text(SMALL.replace('"64x64"', '"64 by 64"'), encoding="utf-8")
    found = run("build", "small.toml")
    assert found.exit_code == 1
    same("failed.txt", "\n".join(line for line in found.stdout.splitlines() if not line.startswith("  failed     ")))
    quiet = run("build", "small.toml", "-q")
    assert quiet.stdout == ""
    assert "2 of 5 failed" in quiet.stderr


def test_many_of_a_kind_are_one_line(run: Run, here: Path) -> None:
    """A plan of thousands is read in one screen: what is alike is said once."""
    scenes = ", ".join(f'{{ id = "s{i}", text = "picture {i}" }}' for i in range(300))
    text = f'[each]\nscene = [{scenes}]\n[node.card]\nkind = "image.generate"\nmodel = "local/card"\neach = "scene"\n'
    (here / "many.toml").write_text(text + 'prompt = "${scene.text}"\nsize = "32x32"\n', encoding="utf-8")
    lines = run("plan", "many.toml").stdout.splitlines()
    assert lines[0] == "many.toml   300 instances   300 run"
    assert lines[3].split() == ["run", "card[*]", "x300", "local/card", "new"]
    assert len(lines) < 10


def test_exit_code_of_a_plan_says_whether_there_is_work(run: Run, small: Path) -> None:
    """Scripts ask whether a build would do something, without reading a table."""
    assert run("plan", "small.toml").exit_code == 0
    assert run("plan", "small.toml", "--exit-code").exit_code == 3
    assert run("build", "small.toml", "--dry-run").exit_code == 0
    assert run("build", "small.toml", "--yes").exit_code == 0
    assert run("plan", "small.toml", "--exit-code").exit_code == 0


def test_the_dry_run_writes_nothing(run: Run, small: Path, here: Path) -> None:
    """Looking costs nothing and leaves nothing."""
    for args in (["plan"], ["build", "--dry-run"], ["graph"], ["check"]):
        assert run(args[0], "small.toml", *args[1:]).exit_code == 0
    assert [path.name for path in here.iterdir()] == ["small.toml"]


def test_the_next_command_can_be_copied(run: Run, here: Path) -> None:
    """Names with spaces and quotes come back as a shell reads them, with the parameters and the store that were given."""
    folder = here / "two words"
    folder.mkdir()
    (folder / "it's.toml").write_text(SMALL, encoding="utf-8")
    found = run("plan", "two words/it's.toml", "card[dusk]", "-p", "place=two hills", "--store", "my store")
    last = found.stdout.splitlines()[-1]
    assert last == "dagcontent build 'two words/it'\"'\"'s.toml' 'card[dusk]' -p 'place=two hills' --store 'my store'"


def test_a_pipe_gets_no_control_codes(process: Process, small: Path) -> None:
    """Logs stay readable: one plain line a node, and the summary."""
    done = process("build", "small.toml", TERM="xterm-256color", FORCE_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout
    assert done.stdout.count("  made  ") == 5
    assert "built small in" in done.stdout


def test_hostile_text_is_shown_not_obeyed(run: Run, small: Path) -> None:
    """Names and prompts come from files of others: no escape sequence of theirs reaches the terminal."""
    evil = "\\u001b]52;c;ZXZpbA==\\u0007\\u001b[2J\\u202e"
    small.write_text(SMALL.replace("A calm sea", evil).replace('"small"', f'"small{evil}"'), encoding="utf-8")
    assert run("build", "small.toml").exit_code == 0
    small.write_text(small.read_text("utf-8").replace("at dawn", "at dawn!"), encoding="utf-8")
    seen = ""
    for args in (["plan"], ["why", "card[dawn]"], ["why", "card[dawn]", "-v"], ["show", "sheet"], ["graph"], ["build"],
                 ["graph", "--format", "svg"], ["graph", "--format", "mermaid"], ["graph", "--format", "dot"]):  # fmt: skip
        found = run(args[0], "small.toml", *args[1:])
        seen += found.stdout + found.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(seen)


def test_closed_pipes_stop_no_build(here: Path, small: Path) -> None:
    """`dagcontent build | head -1` makes everything, and ends without a word of Python."""
    child = subprocess.Popen(
        [sys.executable, "-m", "dagcontent", "build", "small.toml"], cwd=here, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert (child.wait(), said) == (0, "")
    assert (here / "out" / "sheet.png").is_file()


@pytest.mark.slow
def test_interrupts_keep_what_is_done(here: Path) -> None:
    """Ctrl-C: exit code 130, what was finished is kept and counted, what was stopped is no failure."""
    (here / "slow.toml").write_text(
        SMALL.replace("[node.sheet]", '[node.spoken]\nkind = "speech.generate"\n'
        'model = "local/espeak"\nvoice = "en-us"\ntext = "' + "A long text that goes on. " * 2000 + '"\n\n[node.sheet]'),
        encoding="utf-8",
    )  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", "dagcontent", "build", "slow.toml", "--events", "events", "-j2"], cwd=here, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    events = here / "events"
    for _ in range(600):
        if events.exists() and '"node":"spoken"' in events.read_text() and '"status":"ran"' in events.read_text():
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130, err
    assert "small: stopped" in out
    assert "kept" in out
    assert "failed   " not in out.partition("stopped")[2]
    assert err == ""
