"""The command `check`: a graph file into every mistake of one pass. Opens no store."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.cli.options import graph_argument, json_option, output_options, params_option, profile_options
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted
from dagcontent.spec.source import render, to_json

__all__ = ["command"]


@click.command("check")
@graph_argument
@params_option
@profile_options
@json_option
@output_options
def command(
    graph: str, params: tuple[str, ...], *, profile: str | None, as_json: bool, quiet: bool, verbose: bool
) -> int:
    """Find every mistake of GRAPH in one pass, each with its line, and what would be right.

    Exit code 2 if there is a mistake; warnings alone are none.
    """
    session = Session(graph=graph, params=params, profile=profile, json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    found = api.find_mistakes(graph, session.params, profile)
    wrong = [one for one in found if not one.warning]
    for one in found:
        if one in wrong or not quiet:
            screen.complain(render(one, screen.style_error) + "\n")
    if as_json:
        screen.document(
            {"graph": graph, "profile": profile, "ok": not wrong, "mistakes": [to_json(one) for one in found]}
        )
    if wrong:
        screen.complain(f"{counted(len(wrong), 'mistake')} in {safe(graph)}; nothing was run")
        return 2
    warnings = f", {counted(len(found), 'warning')}" if found else ""
    screen.say(f"{safe(graph)}: no mistake{warnings}")
    screen.say()
    screen.say(screen.style("command", command_line(*session.again("plan"))))
    return 0
