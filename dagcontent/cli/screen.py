"""Turn lines and documents into bytes on stdout and stderr. Knows no command.

On a terminal: as wide as it is, and coloured. In a pipe: no control codes. With `--json`: one document on stdout,
everything else on stderr. Whoever reads may leave: a closed pipe never stops a build.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from dagcontent.spec.source import visible

__all__ = ["Screen", "safe"]

_PIPE_WIDTH: Final = 120
_NARROWEST: Final = 40
_CODES: Final = {
    "error": "1;31", "failed": "1;31", "blocked": "31", "warning": "1;33", "maybe": "33", "waiting": "33", "approved": "32", "rejected": "1;31", "passed_over": "33", "run": "1;36", "ran": "32",
    "hit": "32", "pinned": "32", "ok": "32", "place": "36", "gutter": "34", "caret": "31", "note": "", "head": "1", "dim": "2",
    "command": "1",
}  # fmt: skip


def safe(text: str) -> str:
    """Return text from a file or a tool as one line that cannot steer a terminal."""
    return visible(text.replace("\r\n", "\n").replace("\n", "\\n"))


class Screen:
    """Where a command writes. `json`: stdout is kept for one document. `quiet`: only that, and what went wrong."""

    def __init__(
        self,
        *,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        environment: Mapping[str, str] = os.environ,
        out: IO[str] | None = None,
        err: IO[str] | None = None,
    ) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self._environment = environment
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    @property
    def main(self) -> IO[str]:
        """The stream for people to read: stdout, or stderr where stdout is kept for a document."""
        return self._err if self.json else self._out

    @property
    def live(self) -> bool:
        """Whether lines may be rewritten on it."""
        return not self.quiet and self._terminal(self.main)

    @property
    def asks(self) -> bool:
        """Whether somebody is there who reads a question and can answer it."""
        return self._terminal(self._err) and self._terminal(sys.stdin)

    @property
    def attended(self) -> bool:
        """Whether somebody sees all that is written, and can answer: there is no pipe on any side."""
        return self.asks and not self.json and self._terminal(self._out)

    def width(self) -> int:
        """Return how many cells a line has."""
        columns = self._environment.get("COLUMNS", "")
        if columns.isdigit() and int(columns):
            return max(_NARROWEST, int(columns))
        if self._terminal(self.main):
            return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)
        return _PIPE_WIDTH

    def style(self, role: str, text: str) -> str:
        """Colour text for `say` if its stream is a terminal that wants colours."""
        return self._styled(role, text, self.main)

    def style_error(self, role: str, text: str) -> str:
        """Colour text for `complain`."""
        return self._styled(role, text, self._err)

    def say(self, line: str = "") -> None:
        """Write a line for people."""
        if not self.quiet:
            _write(self.main, line + "\n")

    def rewrite(self, line: str) -> None:
        """Write over the line that is there; for a `live` screen."""
        _write(self.main, f"\r\x1b[2K{line}")

    def complain(self, text: str) -> None:
        """Write what went wrong, or could."""
        _write(self._err, text + "\n")

    def prompt(self, question: str) -> None:
        """Write a question, and leave the rest of its line to the answer."""
        _write(self._err, question)

    def document(self, data: Any) -> None:
        """Write the one JSON document."""
        import json  # noqa: PLC0415 - most commands write none

        text = json.dumps(data, ensure_ascii=False, indent=2 if self._terminal(self._out) else None)
        encoding = (getattr(self._out, "encoding", None) or "utf-8").lower().replace("-", "")
        try:
            text.encode("ascii" if encoding != "utf8" else "utf-8")
        except UnicodeEncodeError:
            text = json.dumps(data, ensure_ascii=True, indent=2 if self._terminal(self._out) else None)
        _write(self._out, text + "\n")

    def text(self, text: str) -> None:
        """Write text that was asked for as it is (a picture, a schema) to stdout."""
        _write(self._out, text if text.endswith("\n") else text + "\n")

    def view(self, path: Path) -> str | None:
        """Open a file in a window of its own; return None, or why that cannot be."""
        from dagcontent.cli.viewer import view  # noqa: PLC0415 - two commands open files

        return view(path, self._environment)

    def _styled(self, role: str, text: str, stream: IO[str]) -> str:
        code = _CODES.get(role, "")
        return f"\x1b[{code}m{text}\x1b[0m" if code and text and self._coloured(stream) else text

    def _coloured(self, stream: IO[str]) -> bool:
        return self._terminal(stream) and not self._environment.get("NO_COLOR")

    def _terminal(self, stream: IO[str]) -> bool:
        try:
            return stream.isatty() and self._environment.get("TERM") != "dumb"
        except ValueError:  # it was closed
            return False


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Whoever read has left. The rest goes nowhere, also what is flushed when the process ends.
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
