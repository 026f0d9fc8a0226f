"""The question before money is spent, on a real terminal; and that nobody is asked where nobody sits."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent.testing.vendors.client import FakeVendors

from .test_paid_screens import PAID, PATIENT

Run = Callable[..., Result]
Same = Callable[[str, str], None]
QUESTION = "[y/N] "


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch) -> FakeVendors:
    """A graph that costs money, configured for fake vendors that have forgotten everything."""
    program.reset()
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    configure(program, here)
    monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
    for name, value in program.environment.items():
        monkeypatch.setenv(name, value)
    return program


def configure(vendors: FakeVendors, here: Path, text: str = "", above: str = "") -> None:
    """Write the user's own configuration."""
    (here / "config.toml").write_text(f"{above}\n{vendors.config_toml(PATIENT)}\n{text}", encoding="utf-8")


def _at(terminal: int) -> None:
    """Make a terminal this process's own; Ctrl-C ends a program there, also where tests run in the background."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command at a terminal of its own, and what is seen there."""

    def __init__(self, *args: str, pipe: str = "") -> None:
        ours, theirs = pty.openpty()
        ends = {name: subprocess.PIPE if name == pipe else theirs for name in ("stdin", "stdout", "stderr")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dagcontent", *args], start_new_session=True,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"},
            preexec_fn=lambda: _at(theirs),  # noqa: PLW1509 - so that Ctrl-C is a signal
            **ends,
        )  # type: ignore[call-overload]  # fmt: skip
        os.close(theirs)
        self._end = ours
        self.seen = ""

    def ended(self, answer: bytes = b"", *, early: bytes = b"") -> int:
        """Type `early` at once and `answer` to the question; return the exit code."""
        os.write(self._end, early)
        while data := self._read():
            self.seen += data.decode().replace("\r\n", "\n")
            if answer and self.seen.endswith(QUESTION):
                os.write(self._end, answer)
                answer = b""
        os.close(self._end)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return self._process.wait()

    def _read(self) -> bytes:
        try:
            return os.read(self._end, 1 << 16)
        except OSError:  # the other side is closed
            return b""

    @property
    def asked(self) -> list[str]:
        """What was asked."""
        return re.findall(r"Spend up to (\S+)\? \[y/N\]", self.seen)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"yes please\n", b"\x03", b"\x04"])
def test_what_is_no_yes_is_a_no(vendors: FakeVendors, answer: bytes) -> None:
    """No, nothing, something else, Ctrl-C and Ctrl-D: nothing is sent, and the exit code is the budget's."""
    terminal = Terminal("build", "paid.toml")
    assert (terminal.ended(answer), terminal.asked) == (6, ["$0.30"])
    assert "nothing was sent" in terminal.seen
    assert vendors.requests() == []


@pytest.mark.slow
def test_a_yes_agrees_to_what_was_shown_and_to_no_more(vendors: FakeVendors, here: Path, same: Same) -> None:
    """What costs more later is stopped by what was agreed to, and asked about again; what is there already asks nothing."""
    terminal = Terminal("build", "paid.toml", "still")
    assert (terminal.ended(b"y\n"), terminal.asked) == (0, ["$0.04"])
    (here / "paid.toml").write_text(PAID + LINE, encoding="utf-8")
    terminal = Terminal("build", "paid.toml", "-q")
    assert (terminal.ended(b"YES\n", early=b"n\n"), len(terminal.asked)) == (0, 1), terminal.seen
    same("asking.txt", re.sub(r"\$\d+\.\d+", "$X", terminal.seen))
    assert sorted(charge.vendor for charge in vendors.charges()) == ["fal", "fal", "openai", "openai"]
    again = Terminal("build", "paid.toml")
    assert (again.ended(), again.asked, len(vendors.charges())) == (0, [], 4)


LINE = """
[node.line]
kind = "text.generate"
model = "openai/gpt-6-luna"
prompt = "A line about a lantern"

[node.said]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "${line}"
size = "512x512"
"""


@pytest.mark.slow
def test_little_money_is_spent_unasked_and_no_more_than_that(vendors: FakeVendors, here: Path) -> None:
    """Below `confirm_above_usd` nobody is asked; what was shown is what a lower ceiling leaves."""
    configure(vendors, here, above="confirm_above_usd = 0.04")
    terminal = Terminal("build", "paid.toml", "still")
    assert (terminal.ended(), terminal.asked, len(vendors.charges())) == (0, [], 1)
    configure(vendors, here, "[budget]\nper_run_usd = 0.10\n", above="confirm_above_usd = 0.04")
    terminal = Terminal("build", "paid.toml")
    assert (terminal.ended(b"y\n"), terminal.asked) == (6, ["$0.10"])
    assert "no more than $0.100 is allowed: per_run_usd in" in terminal.seen
    assert "raise per_run_usd in config.toml to 0.27 or more" in terminal.seen
    assert len(vendors.charges()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("pipe", ["stdin", "stdout", "stderr"])
def test_a_pipe_on_any_side_is_not_asked(vendors: FakeVendors, pipe: str) -> None:
    """Who cannot see the question, or cannot answer it, is told how to agree: exit 6 before anything is sent."""
    terminal = Terminal("build", "paid.toml", pipe=pipe)
    assert (terminal.ended(), terminal.asked, vendors.requests()) == (6, [], [])


@pytest.mark.slow
def test_a_document_and_an_agreement_ask_nothing(vendors: FakeVendors, here: Path) -> None:
    """`--json` is for programs, `--budget` has the answer in it, and a free graph has nothing to ask."""
    terminal = Terminal("build", "paid.toml", "--json")
    assert (terminal.ended(), terminal.asked) == (6, [])
    terminal = Terminal("build", "paid.toml", "still", "--budget", "1")
    assert (terminal.ended(), terminal.asked) == (0, [])
    (here / "free.toml").write_text('[node.x]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\n', "utf-8")
    terminal = Terminal("build", "free.toml")
    assert (terminal.ended(), terminal.asked) == (0, [])


@pytest.mark.slow
def test_who_lacks_a_key_is_told_before_the_question(vendors: FakeVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody agrees to spend and is then told that it cannot be."""
    monkeypatch.setenv("FAKE_OPENAI_KEY", "")
    terminal = Terminal("build", "paid.toml")
    assert (terminal.ended(), terminal.asked) == (2, [])


@pytest.mark.slow
def test_what_nobody_can_bound_is_said_beside_the_amount(vendors: FakeVendors, here: Path) -> None:
    """A list of unknown length may become any number: what is agreed to bounds it, and without an amount nobody is asked."""
    listed = (
        '[node.many]\nkind = "text.generate"\nmodel = "openai/gpt-6-luna"\nprompt = "Three places"\n'
        'schema = { type = "array", items = { type = "string" } }\n[each.place]\nof = "${many}"\n'
        '[node.view]\nkind = "image.generate"\neach = "place"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "${place}"\nsize = "512x512"\n'
    )
    (here / "paid.toml").write_text('[graph]\nname = "open"\n' + listed, encoding="utf-8")
    terminal = Terminal("build", "paid.toml")
    assert terminal.ended(b"n\n") == 6, terminal.seen
    assert "view[*]: nobody knows the most; beyond what you agree to now, nothing is sent" in terminal.seen
    assert len(terminal.asked) == 1


def test_without_a_terminal_the_refusal_names_the_least_budget(run: Run, vendors: FakeVendors) -> None:
    """In a pipe the answer is the budget that fits: exit 6, in words and as a document, and nothing was sent."""
    found = run("build", "paid.toml", "--json")
    assert (found.exit_code, vendors.requests()) == (6, [])
    assert "--budget 0.30" in json.loads(found.stdout)["error"]["hint"]
    assert run("build", "paid.toml", "--budget", "0.30").exit_code == 0
