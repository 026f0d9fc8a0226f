"""Turn a plan into Markdown for a pull request: the table of the screen, and the details folded away. Knows no screen.

What comes from a graph (names, prompts, parameters) is text and nothing else: every character that Markdown, HTML or a code host
could take for more is written as an entity, and a line stays a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from dagcontent.cli.money import range_of
from dagcontent.cli.plan_charges import amount_words, price_words, source_words
from dagcontent.cli.plan_costs import Costs
from dagcontent.cli.plan_text import Line, fact_rows, lines_of
from dagcontent.cli.reasons import Reasons, field_name
from dagcontent.cli.screen import safe
from dagcontent.cli.words import STATUSES, counted, listed, short
from dagcontent.plan.model import Plan, PlanRow

__all__ = ["plan_markdown"]

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,;?%'\"=/()+-")
_BEGINNING: Final = frozenset("0123456789 ")
_AT_BEGINNING: Final = frozenset("+-=.)")
_CALLS: Final = frozenset({"&#64;", "&#35;"})
_APART: Final = "&#8288;"
_MOST_ROWS: Final = 200
_MOST_OF_A_VALUE: Final = 300


def plan_markdown(plan: Plan, shown: str, commands: Sequence[tuple[str, str]], today: date) -> str:
    """Return the page. `commands` are what goes on, each with what it is for."""
    lines, rest = lines_of(plan, Reasons(plan, shown), verbose=False)
    costs = Costs([line.cost for line in lines])
    money = f": {costs.head.replace('  ', ' ')}" if costs.paid else ""
    parts = [f"### Plan of {_code(shown)}{_text(money)}", _counts(plan)]
    if lines:
        parts.append("\n".join(_table(lines, rest, costs)))
    facts = fact_rows(plan, lines, costs, today, share=False)
    if facts:
        parts.append("\n".join(f"- **{label}**: {_text(text)}" for label, text in facts))
    parts += _warnings(plan)
    parts += _details(plan, lines)
    if commands:
        parts.append("\n\n".join(_command(command, what) for command, what in commands))
    return "\n\n".join(parts) + "\n"


def _counts(plan: Plan) -> str:
    counts = plan.counts
    words = [f"{counts[word]:,} {word.replace('_', ' ')}" for word in STATUSES if word in counts]
    return f"{counted(len(plan.rows), 'instance')}: {', '.join(words)}." if words else "Nothing to make."


def _table(lines: Sequence[Line], rest: Sequence[tuple[str, int, list[str]]], costs: Costs) -> Iterator[str]:
    """Yield the rows: amounts stand at the right, what costs most is set in bold."""
    head = ["status", "node", "made by", "why"]
    align = [":--"] * len(head)
    if costs.paid:
        head += ["expected", "least", "most"]
        align += ["--:"] * 3
    yield _row(head)
    yield _row(align)
    dearest = costs.dearest()
    amounts = list(zip(costs.expected(), costs.bounds(), strict=True))
    for i, line in enumerate(lines):
        first = line.first
        why = "<br>".join(_text(one) for one in [line.why, *line.notes])
        cells = [first.status.replace("_", " "), _code(line.name), _code(first.model or first.kind), why]
        if costs.paid:
            likely, (least, most) = amounts[i]
            bold = "**" if i == dearest else ""
            cells += [f"{bold}{_text(likely)}{bold}" if likely else "", _text(least), _text(most)]
        yield _row(cells)
    for status, count, names in rest:
        yield _row([status, f"{count:,} more", "", _text(listed(names, 4)), *([""] * (3 if costs.paid else 0))])
    if costs.paid > 1:
        likely, least, most = costs.sums
        yield _row(["", "**total**", "", "", f"**{_text(likely)}**", _text(least), _text(most)])


def _warnings(plan: Plan) -> list[str]:
    return ["\n".join(f"> - {_text(warning)}" for warning in plan.warnings)] if plan.warnings else []


def _details(plan: Plan, lines: Sequence[Line]) -> list[str]:
    """Return what is folded away: what was edited, and what each price is made of."""
    changes = list(_changes([row for line in lines for row in line.rows]))
    prices = list(_prices(plan.paid))
    made: list[str] = []
    if changes:
        made.append(_folded("What changed", ["node", "field", "before", "now", "line"], "llllr", changes))
    if prices:
        titles = ["node", "amount", "list price", "at most", "source", "most"]
        made.append(_folded("What the prices are made of", titles, "llrrlr", prices))
    return made


def _folded(title: str, head: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a table that is folded away; `sides` says of each column where its cells stand."""
    align = [":--" if side == "l" else "--:" for side in sides]
    table = [_row(head), _row(align), *map(_row, rows[:_MOST_ROWS])]
    more = [f"\nand {len(rows) - _MOST_ROWS:,} more"] if len(rows) > _MOST_ROWS else []
    return "\n".join([f"<details><summary>{title}</summary>", "", *table, *more, "", "</details>"])


def _changes(rows: Sequence[PlanRow]) -> Iterator[list[str]]:
    for row in rows:
        for diff in row.why if row.cause != "new" else ():
            if diff.changed and not diff.unknown and (diff.old is not None or diff.new is not None):
                values = [_code(short(value, _MOST_OF_A_VALUE)) for value in (diff.old, diff.new)]
                yield [_code(row.node), _code(field_name(diff)), *values, str(diff.lines[0][1]) if diff.lines else ""]


def _prices(rows: Sequence[PlanRow]) -> Iterator[list[str]]:
    for row in rows:
        charges = row.price.quote.charges if row.price is not None else ()
        (most,) = Costs([range_of(row)]).bounds()
        if not charges:
            yield [_code(row.node), "", "no price is known", "", "", _text(most[1])]
        for charge in charges:
            list_price, at_most = price_words(charge.nano, charge.unit), price_words(charge.bound_nano, charge.unit)
            yield [
                _code(row.node), _text(amount_words(charge)), _text(list_price), _text(at_most),
                _text(source_words(charge)), _text(most[1]) if charge is charges[0] else "",
            ]  # fmt: skip


def _command(command: str, what: str) -> str:
    """Return a command to be copied; a fence that no text in it can end."""
    longest, run = 0, 0
    for char in command:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    note = f"{_text(what)}:\n\n" if what else ""
    return f"{note}{fence}sh\n{safe(command)}\n{fence}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"<code>{''.join(_signs(text))}</code>" if text else ""


def _text(text: str) -> str:
    """Return text that means itself. Nobody is called by an `@`, nothing is linked by a `#`: code hosts look for both in the page."""
    return "".join(sign + _APART if sign in _CALLS else sign for sign in _signs(text))


def _signs(text: str) -> Iterator[str]:
    """Yield each character, as an entity if it is no letter, digit or harmless sign. At its beginning less is harmless: a list,
    a line below a heading.
    """
    before, only_digits = "", True
    for char in safe(text):
        harmless = char in _PLAIN or not char.isascii() or (char == "." and before.isdigit())
        if only_digits and char in _AT_BEGINNING:
            harmless = False
        only_digits = only_digits and char in _BEGINNING
        yield char if harmless else f"&#{ord(char)};"
        before = char
