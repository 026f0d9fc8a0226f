"""The command `reject`: a gate fails for what it shows, by the digest of that in the choices file. Runs nothing, spends nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.cli.deciding import deciding_options, say_approved
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("reject")
@click.option("--note", metavar="TEXT", default="", help="Why: it stands where the gate fails.")
@deciding_options
def command(  # noqa: PLR0913 - the options
    graph: str, nodes: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, note: str, *,
    as_json: bool, quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Have the gate NODE (as in ok, ok[intro] or 'ok[*]') fail while it shows what it shows now.

    What depends on it is blocked, all else goes on. When another content is shown, by a reroll or an edit, it asks again.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.reject(
        session.loaded, nodes, note=note, params=session.params, store=session.store, realms=session.realms
    )
    return say_approved(session, found)
