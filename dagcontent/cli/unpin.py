"""The command `unpin`: a pinned result set free, by its key in the choices file. Runs nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.api.deciding import Pinned
from dagcontent.cli.deciding import deciding_options, say_decided
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("unpin")
@deciding_options
def command(
    graph: str, nodes: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, *, as_json: bool, quiet: bool,
    verbose: bool,
) -> int:  # fmt: skip
    """Let NODE be what its inputs make it again. What it was pinned to stays in the store."""
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.unpin(session.loaded, nodes, params=session.params, store=session.store, realms=session.realms)
    rows: list[Pinned] = list(found.nodes)
    documents = [{"node": row.node, "pin": row.key} for row in rows]
    return say_decided(session, found, [[safe(row.node), "not pinned"] for row in rows], documents)
