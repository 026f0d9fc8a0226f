"""The command `replace`: a person's file in the place of a result. Runs nothing and spends nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.api.replacing import Replaced
from dagcontent.cli.columns import Cell
from dagcontent.cli.deciding import choosing_options, say_decided
from dagcontent.cli.options import graph_argument
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import facts_of, short
from dagcontent.errors import UsageError
from dagcontent.values.value import Blob

__all__ = ["command"]


@click.command("replace")
@graph_argument
@click.argument("node")
@click.argument("file", required=False, type=click.Path(), metavar="[FILE]")
@click.option("--undo", is_flag=True, help="Take the file away again: NODE is what its inputs make it.")
@choosing_options
def command(  # noqa: PLR0913 - the options of a command
    graph: str, node: str, file: str | None, params: tuple[str, ...], profile: str | None, store: str | None, *, undo: bool,
    as_json: bool, quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Have FILE take the place of the result of NODE (as in film or 'still[intro]'): a picture that was retouched, a text
    that was corrected. What depends on it follows; nothing is sent and nothing is lost.

    It stays until --undo, even if its inputs change; `plan` says where they have moved since. The file is kept in the
    store, the result that was made stays there.
    """
    if undo == (file is not None):
        raise UsageError(
            "--undo takes the file away: it needs none" if undo else "which file takes its place?",
            hint="dagcontent replace GRAPH NODE FILE, or dagcontent replace --undo GRAPH NODE",
        )
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    if file is None:
        found = api.undo_replace(session.loaded, [node], store=session.store, realms=session.realms)
    else:
        found = api.replace(session.loaded, node, file, store=session.store, realms=session.realms)
    rows: list[Replaced] = list(found.nodes)
    documents = [
        {
            "node": row.node, "file": row.file, "replaced": row.digest, "instead_of": row.instead_of, "was": row.was,
        }
        for row in rows
    ]  # fmt: skip
    return say_decided(session, found, [_cells(row) for row in rows], documents)


def _cells(row: Replaced) -> list[Cell]:
    if row.file is None:
        words = f"no more replaced by {row.was}" if row.was else "is what its inputs make it"
        return [safe(row.node), safe(words), ""]
    value = row.value
    facts = facts_of(value.facts, value.size_bytes) if isinstance(value, Blob) else []
    was = f"it was {row.was} before" if row.was else ""
    return [safe(row.node), f"replaced by {safe(row.file)}", "   ".join([short(value), *facts]), ("dim", safe(was))]
