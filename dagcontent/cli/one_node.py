"""The options of a command that looks at one node's results into its session. Knows no command."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from dagcontent.cli.options import (
    graph_argument,
    json_option,
    output_options,
    params_option,
    profile_options,
    store_option,
)
from dagcontent.cli.session import Session

__all__ = ["of_one_node"]


def of_one_node(function: Callable[[Session, str], int]) -> Callable[..., int]:
    """Give a command GRAPH, NODE and the options that go with them; it gets its session and what NODE says."""

    @functools.wraps(function)
    def called(
        *, graph: str, node: str, params: tuple[str, ...], profile: str | None, store: str | None, as_json: bool, quiet: bool,
        verbose: bool,
    ) -> int:  # fmt: skip
        session = Session(
            graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
        )
        return function(session, node)

    with_options = json_option(output_options(called))
    with_options = params_option(profile_options(store_option(with_options)))
    return graph_argument(click.argument("node")(with_options))
