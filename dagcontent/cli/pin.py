"""The command `pin`: a result that stays, by its key in the choices file. Runs nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.api.deciding import Pinned
from dagcontent.cli.deciding import deciding_options, say_decided
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("pin")
@deciding_options
def command(
    graph: str, nodes: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, *, as_json: bool, quiet: bool,
    verbose: bool,
) -> int:  # fmt: skip
    """Keep the result of NODE (as in film or 'still[intro,take=0]'): no build makes it again, even if its inputs change.

    It is what a build would use now; if that is not made yet, what its last build made. `plan` says where inputs have
    moved since.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.pin(session.loaded, nodes, params=session.params, store=session.store, realms=session.realms)
    rows: list[Pinned] = list(found.nodes)
    documents = [{"node": row.node, "pin": row.key} for row in rows]
    return say_decided(
        session,
        found,
        [
            [safe(row.node), "pinned", ("dim", "to what its last build made; it would be made anew" if row.old else "")]
            for row in rows
        ],
        documents,
    )
