"""The command `diff`: what changed between two runs, in what they made and what they cost. Knows no graph, and not how a store keeps it."""

from __future__ import annotations

import datetime as dt

import click

from dagcontent.api import diffing as api
from dagcontent.cli.diff_text import diff_document, diff_lines
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("diff")
@click.argument("old", metavar="RUN")
@click.argument("new", required=False, metavar="[RUN]")
@store_option
@json_option
@output_options
def command(old: str, new: str | None, store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Say what changed from one RUN to another: nodes that changed, appeared or went, what of their requests differs, their
    files, and what each run cost.

    A RUN is named by the beginning of its id (dagcontent runs lists them). With one RUN: since the run before it of the
    same graph and profile. Needs no graph file. With -v everything is listed, with its places in the store.
    """
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    found = api.diff_runs(session.store, old, new)
    if as_json:
        session.screen.document(diff_document(found))
        return 0
    for line in diff_lines(found, session.screen, _now(), session.store_options):
        session.screen.say(line)
    return 0


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()
