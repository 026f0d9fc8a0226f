"""The command `doctor`: what builds need, and what of it is there. Changes nothing."""

from __future__ import annotations

import textwrap

import click
import msgspec

from dagcontent.api.health import examine
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session

__all__ = ["command"]

_ROLES = {"ok": "ok", "warning": "warning", "failed": "failed", "unused": "dim"}
_INDENT = " " * 23


@click.command("doctor")
@click.argument("graph", type=click.Path(), metavar="[GRAPH]", required=False)
@store_option
@json_option
@output_options
def command(graph: str | None, store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Look at this machine: packages, SQLite, ffmpeg and its filters, eSpeak NG, the store, free space, the providers.

    With GRAPH, keys are looked for in the .env file beside it too. No key is shown, and no provider is asked anything.
    Exit code 1 if something that builds need is missing.
    """
    session = Session(graph=graph, store=store, json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    checks = []
    for check in examine(session.store, lambda: session.settings.providers):
        checks.append(check)
        first, *rest = textwrap.wrap(
            safe(check.found), max(20, screen.width() - len(_INDENT)), break_on_hyphens=False
        ) or [""]
        screen.say(f"  {screen.style(_ROLES[check.state], f'{check.state:<7}')}  {check.name:<10}  {first}")
        for line in rest:
            screen.say(_INDENT + line)
        if check.hint:
            screen.say(f"{_INDENT}-> {safe(check.hint)}")
    failed = [check.name for check in checks if check.state == "failed"]
    if as_json:
        screen.document({"ok": not failed, "checks": [msgspec.to_builtins(check) for check in checks]})
    elif failed:
        screen.complain(f"\nnot ready: {', '.join(failed)}")
    else:
        screen.say("\nready to build")
    return 1 if failed else 0
