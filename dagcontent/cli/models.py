"""The command `models`: what models are catalogued, what each takes and costs, and whether that is still true. Knows no graph."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import click

from dagcontent.api.models import Sheet, check, document, sheet, sheets, well_named_kind
from dagcontent.cli.models_text import describe, overview, told
from dagcontent.cli.options import json_option, output_options
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError

__all__ = ["command"]


@click.command("models")
@click.argument("which", required=False, metavar="[PROVIDER|MODEL]")
@click.option("--kind", metavar="KIND", help="Only models that make this kind of node.")
@click.option(
    "--check", "checking", is_flag=True, help="Ask the vendors whether the catalog is still true; it is free."
)
@json_option
@output_options
def command(which: str | None, kind: str | None, *, checking: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """List the models that are catalogued, of all providers or of PROVIDER, with their prices; or say all of one MODEL.

    Prices are list prices and the upper bounds that budgets are kept by, in USD. What is not catalogued can be written
    too, where a provider has conventions for it: its price is then unknown.

    --check asks fal's schemas, and the lists of the others with your keys. Exit code 1 if the catalog is wrong somewhere,
    or if a provider that was named could not be asked.
    """
    session = Session(json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    today = dt.datetime.now().astimezone().date()
    if checking:
        found = [_one(which, kind, today)] if which and "/" in which else sheets(which, kind, today=today)
        whole = kind is None and (which is None or "/" not in which)
        return _check(found, session, whole=whole, named=which is not None)
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


def _check(found: Sequence[Sheet], session: Session, *, whole: bool, named: bool) -> int:
    """Ask, tell, and return the exit code."""
    screen, settings = session.screen, session.settings
    code = 0
    rows: list[dict[str, Any]] = []
    for heard in check(found, settings.providers, settings.make_proxies(), whole=whole):
        if any(finding.wrong for finding in heard.findings) or (heard.failure and (named or not heard.unkeyed)):
            code = 1
        for line in told(heard, screen, verbose=screen.verbose):
            screen.say(line)
        rows.append(
            {
                "provider": heard.provider, "confirmed": heard.confirmed, "unlisted": heard.unlisted,
                "failure": heard.failure or None, "hint": heard.hint or None,
                "findings": [
                    {"model": f"{heard.provider}/{one.model}", "what": one.what, "text": one.text, "wrong": one.wrong}
                    for one in heard.findings
                ],
            }
        )  # fmt: skip
    if screen.json:
        screen.document({"ok": code == 0, "providers": rows})
    return code


def _one(model_id: str, kind: str | None, today: dt.date) -> Sheet:
    """Return a model that makes the kind. Raises ConfigError."""
    one = sheet(model_id, today=today)
    if kind is not None:
        well_named_kind(kind)
        if kind not in one.model.kinds:
            raise ConfigError(f"{model_id} does not make {kind}", hint=f"it makes: {', '.join(one.model.kinds)}")
    return one
