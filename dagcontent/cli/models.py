"""The command `models`: what models are catalogued, what each takes and costs. Knows no graph, and asks no vendor."""

from __future__ import annotations

import datetime as dt

import click

from dagcontent.api.models import Sheet, document, sheet, sheets, well_named_kind
from dagcontent.cli.models_text import describe, overview
from dagcontent.cli.options import json_option, output_options
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError

__all__ = ["command"]


@click.command("models")
@click.argument("which", required=False, metavar="[PROVIDER|MODEL]")
@click.option("--kind", metavar="KIND", help="Only models that make this kind of node.")
@json_option
@output_options
def command(which: str | None, kind: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """List the models that are catalogued, of all providers or of PROVIDER, with their prices; or say all of one MODEL.

    Prices are list prices and the upper bounds that budgets are kept by, in USD. What is not catalogued can be written
    too, where a provider has conventions for it: its price is then unknown.
    """
    screen = Session(json=as_json, quiet=quiet, verbose=verbose).screen
    today = dt.datetime.now().astimezone().date()
    if which is not None and "/" in which:
        one = _one(which, kind, today)
        if as_json:
            screen.document(document(one, full=True))
        else:
            for line in describe(one, screen, today):
                screen.say(line)
        return 0
    found = sheets(which, kind, today=today)
    if as_json:
        screen.document({"models": [document(one, full=False) for one in found]})
        return 0
    if not found:
        whose = f" of {which}" if which else ""
        screen.say(f"no model{whose} makes {kind}")
        return 0
    for line in overview(found, screen, today):
        screen.say(line)
    return 0


def _one(model_id: str, kind: str | None, today: dt.date) -> Sheet:
    """Return a model that makes the kind. Raises ConfigError."""
    one = sheet(model_id, today=today)
    if kind is not None:
        well_named_kind(kind)
        if kind not in one.model.kinds:
            raise ConfigError(f"{model_id} does not make {kind}", hint=f"it makes: {', '.join(one.model.kinds)}")
    return one
