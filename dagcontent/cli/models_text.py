"""Models of the catalog into lines of text that fit a screen. Knows no command."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dagcontent.api.models import Sheet, rates_on, usd
from dagcontent.catalog.model import Canvas, Model, Price, Slot
from dagcontent.cli.columns import Cell, aligned, cells
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted
from dagcontent.kinds.registry import KINDS

if TYPE_CHECKING:
    from dagcontent.providers.listing import Heard

__all__ = ["describe", "overview", "ranked", "told"]

_UNITS: Final = {"input token": "M tokens in", "output token": "M tokens out"}
_WORDS: Final = {"input token": "million tokens in", "output token": "million tokens out"}
_SURE: Final = {
    "typed": "its fields are typed in the vendor's own package",
    "doc": "its fields are of a page of the vendor's",
    "code": "its fields are of others' code",
    "unsure": "its fields are not sure",
}
_RECOVERY: Final = {"exact": "exact", "by-match": "by match", "ask": "ask"}
_UNKNOWN: Final = "$?"
_TITLES: Final = ("list price", "at most", "per", "price of")
_LABEL: Final = 12
_LEAST: Final = 20


def overview(found: Sequence[Sheet], screen: Screen, today: datetime.date) -> Iterator[str]:
    """Yield the lines of a list: by provider, and there by what models make; at last those that are gone."""
    for provider in dict.fromkeys(one.model.provider for one in found):
        ours = [one for one in found if one.model.provider == provider]
        there = [one for one in ours if not one.gone]
        yield f"{screen.style('head', provider)}   {counted(len(there), 'model')}, as of {ours[0].model.as_of}"
        groups: dict[tuple[tuple[str, ...], str], list[Sheet]] = {}
        for one in there:
            groups.setdefault((one.model.kinds, one.recovery), []).append(one)
        for (kinds, recovery), group in groups.items():
            yield ""
            title = f"{', '.join(kinds)}   when an answer is lost: {_recoveries(recovery)}"
            yield from _wrapped(title, screen, "  ")
            yield from _rows(group, screen, today)
        gone = [one for one in ours if one.gone]
        if gone:
            yield ""
            yield f"  {screen.style('dim', 'gone')}"
            for one in gone:
                after = f"; {one.successor}" if one.successor else ""
                yield from _hung(one.model.id, f"since {one.model.retired}{after}", screen)
        yield ""
    prices = [price for one in found for price in one.model.prices if not one.gone]
    if any(price.confidence != "listed" for price in prices):
        yield "?    of nobody's list: an estimate, and the most is far above it"
    if any(not one.model.prices and not one.gone for one in found):
        yield "$?   nobody knows the price"
    yield f"{screen.style('command', 'dagcontent models MODEL')}        # what it takes, and where its price is from"


def ranked(found: Sequence[Sheet], screen: Screen, today: datetime.date) -> Iterator[str]:
    """Yield the lines of a list that stands in the order of its prices."""
    yield f"{counted(len(found), 'model')}, the cheapest first"
    yield ""
    yield from _rows(found, screen, today)
    yield ""
    yield f"{screen.style('command', 'dagcontent models MODEL')}        # what it takes, and where its price is from"


def _rows(group: Sequence[Sheet], screen: Screen, today: datetime.date) -> Iterator[str]:
    """Yield a table: model, list price, bound, unit, date. A name that is too long has a line of its own."""
    facts = {one.model.id: _facts(one.model, today) for one in group}
    inside = _inside(facts, screen.width() - 6 - _LEAST)
    widths = [max(map(cells, column)) for column in zip(_TITLES, *(facts[name] for name in inside), strict=True)]
    wide = min(max(map(len, facts)), screen.width() - 6 - sum(widths) - 2 * len(widths) + 2)
    if inside:
        head = "  ".join(f"{title:<{width}}" for title, width in zip(_TITLES, widths, strict=True))
        yield f"    {' ' * wide}  {screen.style('dim', head.rstrip())}"
    for one in group:
        name = one.model.id
        rest = "  ".join(f"{text:<{width}}" for text, width in zip(facts[name], widths, strict=True)).rstrip()
        if name not in inside:
            yield f"    {screen.style('head', name)}"
            yield from _wrapped("  ".join(text for text in facts[name] if text), screen, " " * 6)
        elif len(name) > wide:
            yield f"    {screen.style('head', name)}"
            yield f"    {' ' * wide}  {rest}"
        else:
            yield f"    {screen.style('head', name)}{' ' * (wide - len(name))}  {rest}"
        if one.model.retired is not None:
            after = f", then {one.successor}" if one.successor else ""
            yield from _styled(screen, "warning", _wrapped(f"ends on {one.model.retired}{after}", screen, " " * 6))


def _inside(facts: Mapping[str, Sequence[str]], room: int) -> set[str]:
    """Return the models whose facts fit into columns together; the widest of the others stand outside of them."""
    names = sorted(facts, key=lambda name: sum(map(cells, facts[name])))
    while names:
        widths = [max(map(cells, column)) for column in zip(_TITLES, *(facts[name] for name in names), strict=True)]
        if sum(widths) + 2 * len(widths) - 2 <= room:
            break
        names.pop()
    return set(names)


def _facts(model: Model, today: datetime.date) -> tuple[str, str, str, str]:
    if not model.prices:
        return (_UNKNOWN, _UNKNOWN, "", "")
    listed = " + ".join(_range(price, today, bound=False) for price in model.prices)
    bound = " + ".join(_range(price, None, bound=True) for price in model.prices)
    sure = " ?" if any(price.confidence != "listed" for price in model.prices) else ""
    return (listed, bound, _unit(model.prices), f"{min(price.date for price in model.prices)}{sure}")


def _range(price: Price, today: datetime.date | None, *, bound: bool) -> str:
    found = [rate.bound_nano if bound else rate.list_nano for rate in rates_on(price, today)]
    low, high = min(found), max(found)
    return _dollars(high, price.unit) if low == high else f"{_dollars(low, price.unit)}-{_plain(high, price.unit)}"


def _dollars(nano: int, unit: str) -> str:
    return f"${_plain(nano, unit)}"


def _plain(nano: int, unit: str) -> str:
    """Return "0.025", "2.00": two decimals at least."""
    whole, _, digits = usd(nano, unit).partition(".")
    return f"{int(whole):,}.{digits:0<2}"


def _unit(prices: Sequence[Price]) -> str:
    if [price.unit for price in prices] == ["input token", "output token"]:
        return "M tokens in + out"
    return " + ".join(_UNITS.get(price.unit, price.unit) for price in prices)


def _recoveries(text: str) -> str:
    return ", or ".join(_RECOVERY.get(word, word) for word in text.split(", "))


def describe(one: Sheet, screen: Screen, today: datetime.date) -> Iterator[str]:
    """Yield all that is known of one model."""
    model = one.model
    yield from _wrapped(f"{model.id}   {', '.join(model.kinds)}", screen, "")
    yield ""
    if model.retired is not None:
        when = f"was retired on {model.retired}" if one.gone else f"ends on {model.retired}"
        after = f"; after it: {one.successor}" if one.successor else ""
        yield from _labelled("retired", f"{when}{after}", screen, "warning")
    for i, line in enumerate(_prices(model, today)):
        yield from _labelled("" if i else "price", line, screen)
    for label, text in _ways(one):
        yield from _labelled(label, text, screen)
    yield from _labelled("sure", f"{model.confidence}: {_SURE.get(model.confidence, '')}; as of {model.as_of}", screen)
    if model.note:
        yield from _labelled("note", model.note, screen)
    yield from _tables(model, screen)
    if model.send or model.knobs or model.refuse:
        yield ""
    if model.send:
        yield from _labelled("sends", ", ".join(f"{k} = {_value(v)}" for k, v in model.send.items()), screen)
    for name, knob in model.knobs.items():
        allowed = ", ".join(_value(value) for value in knob.values)
        yield from _labelled("options", f"{name}: {allowed}; {_value(knob.default)} if not set", screen)
    if model.refuse:
        yield from _labelled("refuses", f"options may not set {', '.join(model.refuse)}", screen)


def told(heard: Heard, screen: Screen, *, verbose: bool) -> Iterator[str]:
    """Yield what a vendor said of its models: a line of summary, and one for each thing that is wrong. `verbose`: for all."""
    wrong = [finding for finding in heard.findings if finding.wrong]
    others = [finding for finding in heard.findings if not finding.wrong]
    if heard.failure:
        role, text = (
            "warning" if heard.unkeyed else "failed",
            f"not asked: {heard.failure}" if heard.unkeyed else heard.failure,
        )
        summary = text + (f"   -> {heard.hint}" if heard.hint else "")
    else:
        role = "failed" if wrong else "ok"
        parts = [f"{counted(heard.confirmed, 'model')} as catalogued"]
        parts += [f"{len({finding.model for finding in wrong})} wrong"] if wrong else []
        parts += [f"{heard.unlisted} in no list"] if heard.unlisted else []
        for what, words in (
            ("alive", "retired and still there"),
            ("unclear", "unclear"),
            ("new", "with more fields"),
            ("unknown", "not catalogued"),
        ):
            count = sum(finding.what == what for finding in others)
            parts += [f"{count} {words}"] if count else []
        summary = ", ".join(parts)
    first, *rest = textwrap.wrap(safe(summary), max(_LEAST, screen.width() - 14), break_on_hyphens=False)
    yield f"  {screen.style(role, f'{heard.provider:<10}')}  {first}"
    yield from (f"{'':14}{line}" for line in rest)
    for finding in (*wrong, *(others if verbose else ())):
        yield from _hung(f"{heard.provider}/{safe(finding.model)}", safe(finding.text), screen)


def _ways(one: Sheet) -> Iterator[tuple[str, str]]:
    """Yield what its operations do when an answer is lost, and how they tell the cost; what is alike once."""
    for label in ("lost answer", "actual cost"):
        said: dict[str, list[str]] = {}
        for operation in one.operations.values():
            word = _RECOVERY[one.model.recovery or operation.recovery.value]
            text = f"{word}: {operation.window}" if label == "lost answer" else operation.cost
            names = said.setdefault(text, [])
            if operation.name not in names:
                names.append(operation.name)
        for text, names in said.items():
            yield label, text if len(said) == 1 else f"{', '.join(names)}: {text}"


def _prices(model: Model, today: datetime.date) -> Iterator[str]:
    if not model.prices:
        yield "unknown: nobody can say what a call costs at most"
    for price in model.prices:
        unit = _WORDS.get(price.unit, price.unit)
        for rate in price.rates:
            when = "; ".join(f"{name} {', '.join(_value(v) for v in values)}" for name, values in rate.when.items())
            when = when or ("else" if any(other.when for other in price.rates) else "")
            since = f" from {rate.since} on" if rate.since is not None and rate.since > today else ""
            said = f"{_dollars(rate.list_nano, price.unit)} per {unit}, at most {_dollars(rate.bound_nano, price.unit)}"
            yield f"{said}{since}{f' ({when})' if when else ''}"
        yield "; ".join(_small_print(price))


def _small_print(price: Price) -> Iterator[str]:
    """Yield where a price is from, and how its units are counted."""
    sure = "" if price.confidence == "listed" else f" ({price.confidence})"
    yield f"from {price.source}, {price.date}{sure}"
    if price.by:
        yield f"counted by {price.by}"
    if price.rounds:
        yield f"billed in {price.rounds:g} s"
    if price.plus:
        yield f"{price.plus:g} billed on top"
    if price.at_most is not None:
        yield f"{price.at_most:g} assumed where nobody knows how many"
    if price.long is not None:
        tokens, into, out = price.long
        factor = into if price.unit == "input token" else out
        yield f"{factor:g} times as much beyond {tokens:,.0f} tokens of input"


def _tables(model: Model, screen: Screen) -> Iterator[str]:
    """Yield what is taken, one table for all kinds that take the same."""
    same: list[tuple[tuple[Slot, ...], list[str]]] = []
    for kind in model.kinds:
        kinds = next((kinds for slots, kinds in same if slots == model.slots[kind]), None)
        if kinds is None:
            same.append((model.slots[kind], [kind]))
        else:
            kinds.append(kind)
    for slots, kinds in same:
        rows = [(slot.param, slot.field or "-", _allowed(slot, kinds[0])) for slot in slots]
        if model.canvas is not None and any(KINDS[kinds[0]].param(name) for name in ("aspect", "size")):
            rows.append(("aspect, size", model.canvas.field, _canvas(model.canvas)))
        if model.seed is not None:
            rows.append(("seed", model.seed.field, _allowed(model.seed, "")))
        yield ""
        title = "takes" if len(same) == 1 else f"takes for {', '.join(kinds)}"
        yield from _table([(title, "field", "what"), *rows], screen)


def _table(rows: Sequence[tuple[str, str, str]], screen: Screen) -> Iterator[str]:
    """Yield three columns, the last one wrapped. A title may be wider than its column."""
    body = rows[1:]
    first = max(cells(row[0]) for row in body)
    second = min(max(cells(row[1]) for row in (*body, ("", "field"))), max(_LEAST, screen.width() // 3))
    first = max(first, cells(rows[0][0]) if len(rows[0][0]) < _LEAST else 0)
    if len(rows[0][0]) >= _LEAST:
        yield from _styled(screen, "dim", _wrapped(rows[0][0], screen, "  "))
        rows = [("", *rows[0][1:]), *body]
    start = 2 + first + 2 + second + 2
    for at, (name, field, text) in enumerate(rows):
        parts = textwrap.wrap(text, max(_LEAST, screen.width() - start), break_on_hyphens=False) or [""]
        role = ("dim", "dim", "dim") if at == 0 else ("head", "", "")
        # A long field of a vendor's stays whole: it is there to be copied.
        if cells(field) > second:
            cell: list[Cell] = [(role[0], f"{name:<{first}}"), field]
            yield aligned([cell], screen.width() * 2, screen.style)[0]
            lines = parts
        else:
            row: list[Cell] = [(role[0], f"{name:<{first}}"), (role[1], f"{field:<{second}}"), (role[2], parts[0])]
            yield aligned([row], screen.width() * 2, screen.style)[0].rstrip()
            lines = parts[1:]
        yield from (" " * start + line for line in lines)


def _allowed(slot: Slot, kind: str) -> str:
    """Return in words what a parameter may be."""
    param = KINDS[kind].param(slot.param) if kind in KINDS else None
    words = ["required"] if slot.required or (param is not None and param.required) else []
    if slot.values:
        words.append(", ".join(_value(value) for value in slot.values))
    elif slot.minimum is not None or slot.maximum is not None:
        low, high = (
            None if end is None else f"{end:g}" if abs(end) < 1e6 else f"{end:.0f}"
            for end in (slot.minimum, slot.maximum)
        )
        words.append(f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}")
        if slot.step is not None and slot.step != 1:
            words.append(f"in steps of {slot.step:g}")
        elif slot.step == 1:
            words.append("whole")
    if slot.chars is not None:
        words.append(f"at most {slot.chars:,} characters")
    if slot.most is not None:
        words.append(f"at most {slot.most}")
    if slot.seconds is not None:
        words.append(f"at most {slot.seconds:g} s long")
    if slot.default is not None:
        words.append(f"{_value(slot.default)} if not given")
    if slot.note:
        words.append(slot.note)
    if words in ([], ["required"]) and param is not None:
        words.append("|".join(str(type_) for type_ in (param.type, *param.also)))
    return "; ".join(words)


def _canvas(canvas: Canvas) -> str:
    if canvas.sizes:
        made = f"one of {', '.join(canvas.sizes)}"
    else:
        made = f"aspects from 1:{canvas.ratio:g} to {canvas.ratio:g}:1, sides in steps of {canvas.multiple} px"
        made += f", {canvas.least_side} to {canvas.most_side} px"
        if canvas.most_px < 1 << 30:
            made += f", {canvas.least_px:,} to {canvas.most_px:,} px in all"
    words = [made, *([f"or {', '.join(canvas.words)}"] if canvas.words else [])]
    words += [f"{canvas.aspect} if not given"] if canvas.aspect else []
    return "; ".join(words)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _labelled(label: str, text: str, screen: Screen, role: str = "dim") -> Iterator[str]:
    lines = textwrap.wrap(text, screen.width() - _LABEL - 4, break_on_hyphens=False) or [""]
    yield f"  {screen.style(role, f'{label:<{_LABEL}}')}  {lines[0]}".rstrip()
    yield from (f"  {'':<{_LABEL}}  {line}" for line in lines[1:])


def _hung(name: str, text: str, screen: Screen) -> Iterator[str]:
    """Yield a name and a text behind it, or below it where there is no room."""
    if len(name) + len(text) + 6 <= screen.width():
        yield f"    {screen.style('dim', name)}  {text}"
        return
    yield f"    {screen.style('dim', name)}"
    yield from _wrapped(text, screen, " " * 6)


def _wrapped(text: str, screen: Screen, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        screen.width(),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _styled(screen: Screen, role: str, lines: Iterator[str]) -> Iterator[str]:
    yield from (screen.style(role, line) for line in lines)
