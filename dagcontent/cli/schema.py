"""The command `schema`: the JSON Schemas of a graph file and of our documents. Knows no graph."""

from __future__ import annotations

import click

from dagcontent.cli.screen import Screen
from dagcontent.spec.schema import generate

__all__ = ["command"]

_NAMES = ("graph", "plan", "build", "spend", "runs", "run", "diff", "choices")


@click.command("schema")
@click.argument("name", type=click.Choice(_NAMES), default="graph")
@click.option("--json", "as_json", is_flag=True, help="Accepted: a schema is JSON anyway.")
def command(name: str, *, as_json: bool) -> int:
    """Print a JSON schema: of a graph file (for editors), of the documents of plan, build, spend, runs and diff, of a choices file."""
    Screen(json=as_json).text(generate()[f"{name}.schema.json"])
    return 0
