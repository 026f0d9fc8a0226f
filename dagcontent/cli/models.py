"""The command `models`: what models are catalogued, what each takes and costs, and whether that is still true. Knows no graph."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from dagcontent.api.choosing import SOON_DAYS, STALE_DAYS, Wanted, abilities, chosen, unit_of, with_prices
from dagcontent.api.models import Sheet, check, document, sheet, sheets, well_named_kind
from dagcontent.cli.models_text import describe, overview, ranked, told
from dagcontent.cli.options import json_option, output_options
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError

__all__ = ["command"]


@click.command("models")
@click.argument("which", required=False, metavar="[PROVIDER|MODEL]")
@click.option("--kind", metavar="KIND", help="Only models that make this kind of node.")
@click.option(
    "--under", metavar="USD", help="Only models whose list price of a unit is at most this, the cheapest first."
)
@click.option(
    "--unit", metavar="UNIT", help="Only models priced by it (second, image, output token, ...), the cheapest first."
)
@click.option(
    "--can", multiple=True, metavar="CAPABILITY", help="Only models that can do it, as duration:10. Repeatable."
)
@click.option("--retired", is_flag=True, help="Only models that are no more.")
@click.option(
    "--retiring", is_flag=False, flag_value=f"{SOON_DAYS}", metavar="[DAYS]",
    help=f"Only models that end within so many days; {SOON_DAYS} if none are said.",
)  # fmt: skip
@click.option("--stale", is_flag=True, help=f"Only models with a price that was found more than {STALE_DAYS} days ago.")
@click.option(
    "--check", "checking", is_flag=True, help="Ask the vendors whether the catalog is still true; it is free."
)
@json_option
@output_options
def command(  # noqa: PLR0913 - the options
    which: str | None, kind: str | None, under: str | None, unit: str | None, can: tuple[str, ...], retiring: str | None,
    *, retired: bool, stale: bool, checking: bool, as_json: bool, quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """List the models that are catalogued, of all providers or of PROVIDER, with their prices; or say all of one MODEL.

    Prices are list prices and the upper bounds that budgets are kept by, in USD. What is not catalogued can be written
    too, where a provider has conventions for it: its price is then unknown.

    A CAPABILITY is the name of a parameter, as a node has it, and after a colon its value: duration:10, aspect:9:16,
    size:4k, resolution:1080p, sound, sound:no, seed, references:3 (how many `images`), prompt:5000 (characters),
    audio:60 (seconds), end_frame. A model can do it if it takes that as it stands, with nothing snapped.

    --under takes what a unit costs at least: of several resolutions the cheapest. It needs --unit where models are priced
    by several. Filters leave out models that are no more, but for --retired.

    --check asks fal's schemas, and the lists of the others with your keys. Exit code 1 if the catalog is wrong somewhere,
    or if a provider that was named could not be asked.
    """
    session = Session(json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    today = dt.datetime.now().astimezone().date()
    wanted = _wanted(kind, under, unit, can, retiring, retired=retired, stale=stale)
    if checking:
        found = [_one(which, kind, today)] if which and "/" in which else sheets(which, kind, today=today)
        found = chosen(found, wanted, today)
        whole = kind is None and wanted.all and (which is None or "/" not in which)
        return _check(found, session, whole=whole, named=which is not None)
    own = session.settings.market.own if session.settings.market is not None else {}
    if which is not None and "/" in which and wanted.all:
        (one,) = with_prices([_one(which, kind, today)], own)
        if as_json:
            screen.document(document(one, full=True))
        else:
            for line in describe(one, screen, today):
                screen.say(line)
        return 0
    found = [_one(which, kind, today)] if which and "/" in which else sheets(which, kind, today=today)
    found = chosen(with_prices(found, own), wanted, today)
    if as_json:
        screen.document({"models": [document(one, full=False) for one in found]})
        return 0
    if not found:
        whose = f" of {which}" if which else ""
        screen.say(f"no model{whose} {'makes ' + kind if kind and wanted.all else 'is like that'}")
        return 0
    by_price = bool(wanted.unit) or wanted.under_usd is not None
    for line in ranked(found, screen, today) if by_price else overview(found, screen, today):
        screen.say(line)
    return 0


def _wanted(
    kind: str | None, under: str | None, unit: str | None, can: Sequence[str], retiring: str | None,
    *, retired: bool, stale: bool,
) -> Wanted:  # fmt: skip
    """Return the filters. Raises ConfigError for words that are none."""
    if kind is not None:
        well_named_kind(kind)
    if retired and retiring is not None:
        raise ConfigError("a model that is no more does not end", hint="write --retired or --retiring, not both")
    if retiring is not None and not retiring.isdigit():
        raise ConfigError(
            f"--retiring {retiring:.40}: that is no number of days", hint="as in --retiring 30; PROVIDER goes first"
        )
    try:
        most = None if under is None else Decimal(under.removeprefix("$"))
    except InvalidOperation:
        most = Decimal("NaN")
    if most is not None and not (most.is_finite() and most >= 0):
        raise ConfigError(f"--under {under:.40}: that is no amount of money", hint="as in --under 0.10, in USD")
    return Wanted(
        kind=kind or "", unit=unit_of(unit) if unit else "", under_usd=most, can=abilities(can), retired=retired,
        within_days=None if retiring is None else int(retiring[:9]), stale=stale,
    )  # fmt: skip


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
