"""The command `kinds`: what nodes there are, and what each takes and gives, from the declarations. Knows no graph."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Sequence
from typing import Any

import click

from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.options import json_option, output_options
from dagcontent.cli.screen import Screen
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.registry import KINDS, LATER_KINDS
from dagcontent.values.types import Type

__all__ = ["command"]

_MADE = {Effect.VALUE: "worked out", Effect.FILES: "read", Effect.LOCAL: "made here", Effect.PERSON: "a person"}


@click.command("kinds")
@click.argument("kind", required=False)
@json_option
@output_options
def command(kind: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """List the kinds of nodes, or say what one KIND takes and gives."""
    screen = Session(json=as_json, quiet=quiet, verbose=verbose).screen
    if kind is None:
        if as_json:
            screen.document({"kinds": [_document(one) for one in KINDS.values()], "later": sorted(LATER_KINDS)})
        else:
            _list(screen)
        return 0
    found = KINDS.get(kind)
    if found is None:
        if kind in LATER_KINDS:
            raise ConfigError(
                f"{kind} is not available yet in this version", hint="dagcontent kinds lists what there is"
            )
        close = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "dagcontent kinds lists all"
        raise ConfigError(f"there is no kind `{kind}`", hint=hint)
    if as_json:
        screen.document(_document(found))
    else:
        _describe(screen, found)
    return 0


def _list(screen: Screen) -> None:
    rows: list[Sequence[Cell]] = [[("dim", title) for title in ("kind", "gives", "how", "what it is")]]
    rows += [[("head", kind.name), _gives(kind), ("dim", _how(kind)), kind.help] for kind in KINDS.values()]
    for line in _wrapped_table(rows, screen):
        screen.say(line)
    screen.say()
    screen.say(f"{screen.style('command', 'dagcontent kinds KIND')}        # what it takes")


def _how(kind: Kind) -> str:
    if kind.by_model:
        return "paid or free" if kind.stand_ins else "paid"
    return _MADE.get(kind.effect, kind.effect.value)


def _gives(kind: Kind) -> str:
    return kind.gives or ("json" if kind.output.name == "record" else str(kind.output))


def _form(type_: Type) -> str:
    """Return a type as people write its values: {text, words: [{text, start, end}]}."""
    if type_.name == "list" and type_.item is not None:
        return f"[{_form(type_.item)}]"
    if type_.name != "record":
        return str(type_)
    nested = {"list", "record"}
    fields = (
        f.name + ("?" if f.optional else "") + (f": {_form(f.type)}" if f.type.name in nested else "")
        for f in type_.fields
    )
    return "{" + ", ".join(fields) + "}"


def _describe(screen: Screen, kind: Kind) -> None:
    screen.say(f"{screen.style('head', kind.name)}   {kind.help}")
    screen.say()
    rows: list[Sequence[Cell]] = [[("dim", title) for title in ("takes", "type", "", "what it is")]]
    for param in kind.params:
        rows.append(_row(param))
        rows += [_row(field, "  ") for field in param.fields]
    for line in _wrapped_table(rows, screen):
        screen.say(line)
    for group in kind.one_of:
        screen.say(f"\n  at least one of {', '.join(group)} is needed")
    screen.say()
    for label, text in _facts(kind):
        for line in textwrap.wrap(
            text, screen.width() - 2, initial_indent=f"  {label:<6} ", subsequent_indent=" " * 9, break_on_hyphens=False
        ):
            screen.say(line)
    screen.say()
    common = "each, takes, needs, when, optional, output, on_error, retries, timeout, cache, tags".split(", ")
    common += ["model", "seed", "options"] if kind.by_model else []
    for line in textwrap.wrap(
        f"and what every node takes: {', '.join(key for key in common if kind.takes_key(key))}"
        + ("; a judge: model, seed, options" if kind.questions else ""),
        screen.width() - 4, initial_indent="  ", subsequent_indent="  ",
    ):  # fmt: skip
        screen.say(screen.style("dim", line))


def _row(param: Param, indent: str = "") -> Sequence[Cell]:
    need = ("run", "required") if param.required else ("dim", _default(param))
    types = "tables" if param.fields else "|".join(str(t) for t in (param.type, *param.also))
    meaning = _meaning(param)
    if param.one_of:
        meaning += f"; each has one of {', '.join(param.one_of)}"
    return [("head", indent + param.name), types, need, meaning]


def _facts(kind: Kind) -> list[tuple[str, str]]:
    """Return what is to be said of a kind below its parameters."""
    gives = f"json: {_form(kind.output)}" if kind.output.name == "record" else str(kind.output)
    alone = kind.chooses or kind.like or kind.common is not None
    said = kind.gives if alone else f"{gives}, or {kind.gives}"
    rows = [("gives", said if kind.gives else gives)]
    if kind.facts:
        rows.append(("facts", ", ".join(kind.facts)))
    if kind.questions:
        rows.append(
            ("judge", f"`model` is asked, as a node of kind {kind.questions}: it has prices, keys and rerolls like any")
        )
    if kind.by_model:
        here = " or ".join(f"local/{name}" for name in kind.stand_ins)
        free = f", or {here}: free, on this machine" if here else ""
        rows.append(("models", f"provider/name, as dagcontent models lists them{free}"))
        rows.append(("price", f"mostly by the {kind.priced_by}; dagcontent models has each model's"))
    return rows


def _wrapped_table(rows: Sequence[Sequence[Cell]], screen: Screen) -> list[str]:
    """Return lines whose last column is wrapped, not cut: it is text to read."""
    fixed = [list(row[:3]) for row in rows]
    left = aligned([[*row, "|"] for row in fixed], screen.width(), screen.style)
    start = max(2 + sum(max(len(_plain(row[i])) for row in fixed) + 2 for i in range(3)), 20)
    lines: list[str] = []
    for row, line in zip(rows, left, strict=True):
        last = row[3]
        role, text = last if isinstance(last, tuple) else ("", last)
        parts = textwrap.wrap(text, max(24, screen.width() - start), break_on_hyphens=False) or [""]
        lines.append(line[: -len("|")] + screen.style(role, parts[0]))
        lines += [" " * start + screen.style(role, part) for part in parts[1:]]
    return [line.rstrip() for line in lines]


def _plain(cell: Cell) -> str:
    return cell[1] if isinstance(cell, tuple) else cell


def _default(param: Param) -> str:
    if param.default is None:
        return ""
    if isinstance(param.default, bool):
        return f"= {str(param.default).lower()}"
    return f"= {param.default}"


def _meaning(param: Param) -> str:
    words = [param.help]
    if param.choices:
        words.append(f"one of {', '.join(param.choices)}")
    if param.minimum is not None or param.maximum is not None:
        low = "" if param.minimum is None else f"{param.minimum:g}"
        high = "" if param.maximum is None else f"{param.maximum:g}"
        words.append(f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}")
    text = "; ".join(words)
    return f"{text} ({param.unit})" if param.unit else text


def _document(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "help": kind.help,
        "version": kind.version,
        "effect": kind.effect.value,
        "priced_by": kind.priced_by or None,
        "models": [f"local/{name}" for name in kind.stand_ins],
        "output": str(kind.output),
        "facts": list(kind.facts),
        "one_of": [list(group) for group in kind.one_of],
        "params": [_param(param) for param in kind.params],
    }


def _param(param: Param) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": param.name, "type": str(param.type), "also": [str(t) for t in param.also], "help": param.help,
        "required": param.required, "default": param.default, "choices": list(param.choices),
        "minimum": param.minimum, "maximum": param.maximum, "unit": param.unit or None,
    }  # fmt: skip
    return {**said, "fields": [_param(field) for field in param.fields]} if param.fields else said
