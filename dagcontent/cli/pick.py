"""The command `pick`: which candidate a selection gives, by its digest in the choices file. Runs nothing, spends nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.api.deciding import Picked
from dagcontent.cli.columns import Cell
from dagcontent.cli.deciding import choosing_options, say_decided
from dagcontent.cli.options import graph_argument
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("pick")
@graph_argument
@click.argument("node", metavar="NODE")
@click.argument("choice", metavar="CHOICE")
@choosing_options
def command(  # noqa: PLR0913 - the options
    graph: str, node: str, choice: str, params: tuple[str, ...], profile: str | None, store: str | None, *, as_json: bool,
    quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Have the selection NODE (as in best or 'best[intro]') give CHOICE, whoever else was to choose.

    CHOICE is the position of a candidate ('#0'), its label (take=1), the instance that made it, or 6 digits or more of its
    digest. Candidates stay in the store: another choice makes only what follows from it, and going back is free.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.pick(session.loaded, node, choice, params=session.params, store=session.store, realms=session.realms)
    rows: list[Picked] = list(found.nodes)
    documents = [
        {
            "node": row.node,
            "pick": row.digest,
            "position": row.position,
            "candidate": row.instance or None,
            "was": row.was,
        }
        for row in rows
    ]
    shown: list[list[Cell]] = [
        [safe(row.node), f"#{row.position}", safe(row.instance), ("dim", row.digest[:12])] for row in rows
    ]
    return say_decided(session, found, shown, documents)
