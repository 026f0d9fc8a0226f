"""The command `reroll`: another sample of a node, by a number in the choices file. Runs nothing, spends nothing."""

from __future__ import annotations

import click

from dagcontent import api
from dagcontent.api.deciding import Rerolled
from dagcontent.cli.deciding import deciding_options, say_decided
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session

__all__ = ["command"]


@click.command("reroll")
@click.option("--to", type=click.IntRange(0, 1_000_000), metavar="K", help="Go to sample K; 0 is the first.")
@deciding_options
def command(  # noqa: PLR0913 - the options
    graph: str, nodes: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, to: int | None, *, as_json: bool,
    quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Have the next build make NODE (as in script, still[intro,take=0] or 'still[*]') once more, from the same request.

    The number of the sample is written to GRAPH.choices.toml: the first that was never made, or K. Results that there are
    stay, and going back to one with --to is free.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    found = api.reroll(session.loaded, nodes, to=to, params=session.params, store=session.store, realms=session.realms)
    rows: list[Rerolled] = list(found.nodes)
    documents = [{"node": row.node, "reroll": row.now, "was": row.was, "made": row.made} for row in rows]
    return say_decided(session, found, [[safe(row.node), _sample(row), ("dim", _cost(row))] for row in rows], documents)


def _sample(row: Rerolled) -> str:
    return f"sample {row.now}" + ("" if row.now == row.was else f", was {row.was}")


def _cost(row: Rerolled) -> str:
    return {True: "its result is there", False: "a build makes it", None: ""}[row.made]
