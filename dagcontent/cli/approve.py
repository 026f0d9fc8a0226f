"""The command `approve`: a gate gives on what it shows, by the digest of that in the choices file. Runs nothing, spends nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.cli.deciding import deciding_options, say_approved
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("approve")
@deciding_options
def command(
    graph: str, nodes: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, *, as_json: bool,
    quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Have the gate NODE (as in ok, ok[intro] or 'ok[*]') give on what it shows.

    What is approved is that content, by its digest in GRAPH.choices.toml: when another is shown, the gate asks again; when
    it is what it was, it holds.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.approve(session.loaded, nodes, params=session.params, store=session.store, realms=session.realms)
    return say_approved(session, found)
