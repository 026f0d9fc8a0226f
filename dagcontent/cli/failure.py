"""Turn whatever a command raised into words, or a JSON document, and an exit code. Knows no command."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from dagcontent.cli.screen import Screen, safe
from dagcontent.errors import ConfigError, DagcontentError, GraphError, InternalError
from dagcontent.spec.source import Located, render, to_json

__all__ = ["complain_of", "error_document", "report"]

INTERRUPTED: Final = 130
USAGE: Final = 2
_REPORT: Final = "please report this, with the command and the graph if you can; -v shows where it happened"


def report(error: BaseException, args: Sequence[str]) -> int:
    """Say what went wrong where it belongs; return the exit code. Reads from the arguments how to say it."""
    options = args[: args.index("--")] if "--" in args else args
    verbose = any(a == "--verbose" or (a.startswith("-") and not a.startswith("--") and "v" in a) for a in options)
    screen = Screen(json="--json" in options, verbose=verbose)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        screen.complain(error.format_message())
        return USAGE
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _tell(
            screen, "interrupted", hint="the same command continues; what was finished is kept", code=INTERRUPTED
        )
    known = _known(error)
    if known is not None:
        complain_of(screen, known)
        if isinstance(known, InternalError) and verbose:
            screen.complain("".join(traceback.format_exception(error)))
        return known.exit_code
    text = f"a fault of dagcontent: {type(error).__name__}: {error}"
    if verbose:
        screen.complain("".join(traceback.format_exception(error)).rstrip())
    return _tell(screen, text, hint=_REPORT, code=1)


def complain_of(screen: Screen, error: DagcontentError) -> None:
    """Word an error of ours for people, and with `--json` as the one document."""
    mistakes = [m for m in error.mistakes if isinstance(m, Located)] if isinstance(error, GraphError) else []
    for mistake in mistakes:
        screen.complain(render(mistake, screen.style_error) + "\n")
    if mistakes:
        screen.complain(safe(error.message))
    else:
        for line in error_lines(error, screen.style_error):
            screen.complain(line)
    if screen.json:
        screen.document(error_document(error))


def error_lines(error: DagcontentError, style: Callable[[str, str], str]) -> list[str]:
    """Return an error as lines: what, the facts, what to do."""
    lines = [f"{style('error', 'error')}: {safe(error.message)}"]
    wide = max((len(label) for label, _ in error.facts), default=0)
    lines += [f"  {safe(label):<{wide}}  {safe(value)}" for label, value in error.facts]
    hint = error.hint
    if isinstance(error, InternalError):
        hint = f"{hint}; {_REPORT}" if hint else _REPORT
    if hint:
        lines.append(f"  {style('note', safe(hint))}")
    return lines


def error_document(error: DagcontentError) -> dict[str, Any]:
    """Return an error as the JSON document of a command that failed."""
    mistakes = error.mistakes if isinstance(error, GraphError) else ()
    hint = error.hint or (_REPORT if isinstance(error, InternalError) else None)
    return _document(
        error.message, type(error).__name__, hint, [list(fact) for fact in error.facts],
        [to_json(m) for m in mistakes if isinstance(m, Located)],
    )  # fmt: skip


def _document(
    message: str, kind: str, hint: str | None, facts: list[list[str]], mistakes: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "hint": hint, "facts": facts, "mistakes": mistakes}}


def _known(error: BaseException) -> DagcontentError | None:
    if isinstance(error, DagcontentError):
        return error
    if isinstance(error, click.UsageError):
        about = f"{error.ctx.command_path} --help" if error.ctx is not None else "dagcontent --help"
        return ConfigError(error.format_message().rstrip("."), hint=about)
    if isinstance(error, click.ClickException):
        return ConfigError(error.format_message())
    if isinstance(error, OSError) and error.filename is not None:
        # Every place that opens a file says what it is for; this is for those that were not foreseen.
        return ConfigError(
            f"{os.fsdecode(error.filename)}: {error.strerror or error}", hint="look at the path and its permissions"
        )
    if isinstance(error, MemoryError):
        return ConfigError("there is not enough memory", hint="build fewer targets at once, or with --jobs 1")
    return None


def _tell(screen: Screen, message: str, *, hint: str, code: int) -> int:
    screen.complain(
        f"{screen.style_error('error', 'error' if code != INTERRUPTED else 'stopped')}: {safe(message)}\n  {hint}"
    )
    if screen.json:
        kind = "Interrupted" if code == INTERRUPTED else "InternalError"
        screen.document(_document(message, kind, hint, [], []))
    return code
