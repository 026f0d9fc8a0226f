"""Turn the result of a build into its summary: what happened, what there is now, what to do next. Knows no store."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import digits_of, dollars, money_words
from dagcontent.cli.names import grouped, node_of
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted, facts_of, listed, screen_path, seconds

if TYPE_CHECKING:
    from dagcontent.api.loaded import LoadedGraph

__all__ = ["summary_lines"]

_MOST_OUTPUTS: Final = 20
_MOST_FAILED: Final = 10
_GAP: Final = "      "
_KEPT: Final = "everything else is done and kept"
_INDENT: Final = " " * 11


def summary_lines(
    result: BuildResult,
    screen: Screen,
    load: Callable[[], LoadedGraph],
    cancelled: Collection[str] = (),
    options: Sequence[str] = (),
) -> list[str]:
    """Return the summary of a build, the next command left out.

    `load` is called if a node failed, to name its line. `cancelled` are those that failed because all was stopped.
    `options` are those that name the store, for commands.
    """
    lines = _head(result, screen)
    blocks = [_paid_lines(result, screen, load, options), _troubles(result, screen, load, cancelled)]
    if screen.verbose:
        blocks.append(_costs(result, screen))
    blocks += [_served(result, screen), _outputs(result, screen)]
    for block in blocks:
        if block:
            lines += ["", *block]
    return lines


def _head(result: BuildResult, screen: Screen) -> list[str]:
    name = result.graph if result.profile is None else f"{result.graph} ({result.profile})"
    counts, name = result.counts, safe(name)
    if result.status == "interrupted":
        left = sum(counts.get(word, 0) for word in ("failed", "blocked", "unneeded", "unresolved"))
        said, role, tail = f"{name}: stopped", "warning", f"{_made(counts)}, kept   {left:,} left"
    elif result.status == "budget":
        from dagcontent.cli.paid_text import stopped_line, without_money  # noqa: PLC0415 - as in `_paid_lines`

        said, role, tail = f"{name}: {stopped_line(without_money(result))}", "failed", f"{_made(counts)}, nothing lost"
    elif result.status != "ok":
        role = "warning" if result.status == "waiting" else "failed"
        said, tail = f"{name}: {_trouble_words(result)}", _KEPT
    elif not counts["ran"]:
        said, role, tail = f"{name}: nothing to make", "ok", _tail(counts)
    else:
        said, role = f"built {name} in {seconds(result.seconds)}", "ok"
        tail = "   ".join(part for part in (_made(counts), _tail(counts)) if part)
    styled = screen.style(role, said)
    if tail is _KEPT and len(said) + len(_KEPT) + 2 <= screen.width():
        said, styled, tail = f"{said}; {_KEPT}", f"{styled}; {_KEPT}", ""
    parts = [tail] if tail else []
    money = (
        "   ".join(money_words(result))
        if result.spent_microusd or result.saved_microusd or result.reserved_microusd
        else ""
    )
    parts += [money] if money else []
    return _fitted(said, styled, parts, screen.width())


def _fitted(said: str, styled: str, parts: Sequence[str], width: int) -> list[str]:
    """Return a head with its facts behind it, or below where they do not fit."""
    lines, used = [styled], len(said)
    for part in parts:
        if used + len(_GAP) + len(part) <= width:
            lines[-1] += _GAP + part
            used += len(_GAP) + len(part)
        else:
            lines.append("  " + part)
            used = 2 + len(part)
    return lines


def _trouble_words(result: BuildResult) -> str:
    """Return how many went wrong, and how."""
    counts = result.counts
    actions = len({node.node for node in result.nodes})  # one that was made and could not be placed is here twice
    broke = sum(node.over_budget for node in result.nodes)
    words = []
    if counts["failed"] - broke:
        words.append(f"{counts['failed'] - broke:,} of {actions:,} failed")
    if counts["unresolved"]:
        from dagcontent.cli.paid_text import detached, unknown  # noqa: PLC0415 - as in `_paid_lines`

        for nodes, word in ((unknown(result), "unresolved"), (detached(result), "still at work")):
            if nodes:
                words.append(f"{len(nodes):,} {'' if words else f'of {actions:,} '}{word}")
    if counts["waiting"]:
        words.append(f"{counts['waiting']:,} {'waits' if counts['waiting'] == 1 else 'wait'} for a person")
    if broke:
        words.append(f"{broke:,} not started")
    if counts["blocked"]:
        by = "it" if counts["failed"] + counts["unresolved"] + counts["waiting"] == 1 else "them"
        words.append(f"{counts['blocked']:,} blocked by {by}")
    return ", ".join(words)


def _paid_lines(
    result: BuildResult, screen: Screen, load: Callable[[], LoadedGraph], options: Sequence[str]
) -> list[str]:
    """Return what became of requests that were paid for, or would have been."""
    if not result.counts["unresolved"] and not any(node.over_budget for node in result.nodes):
        return []
    from dagcontent.cli import paid_text  # noqa: PLC0415 - free graphs never need it

    def place(name: str) -> str:
        return _place_of(load(), name)

    blocks = [
        paid_text.unknown_lines(paid_text.unknown(result), screen, place, options),
        paid_text.detached_lines(paid_text.detached(result), screen, place),
        paid_text.without_money_lines(result, screen),
    ]
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += ["", *block] if lines else block
    return lines


def _costs(result: BuildResult, screen: Screen) -> list[str]:
    """Return what each instance cost, now or when it was made."""
    paid = [node for node in result.nodes if node.cost_microusd]
    digits = digits_of([node.cost_microusd for node in paid])
    rows: list[Sequence[Cell]] = []
    for node in paid:
        word = {"ran": "made", "hit": "found"}.get(node.status, node.status)
        when = "" if node.paid else ("dim", "spent before")
        rows.append([(node.status, word), safe(node.node), dollars(node.cost_microusd, digits), when])
    return aligned(rows, screen.width(), screen.style, shrink=(1,), right=(2,))


def _made(counts: dict[str, int]) -> str:
    return f"{counts['ran']:,} made"


def _tail(counts: dict[str, int]) -> str:
    words = []
    if counts["cutoff"]:
        words.append(f"{counts['cutoff']:,} kept by cutoff")
    if counts["hit"]:
        words.append(counted(counts["hit"], "hit"))
    if counts["pinned"]:
        words.append(f"{counts['pinned']:,} pinned")
    if counts["passed_over"]:
        words.append(f"{counts['passed_over']:,} passed over")
    if counts["skipped"]:
        words.append(f"{counts['skipped']:,} skipped")
    return "   ".join(words)


def _outputs(result: BuildResult, screen: Screen) -> list[str]:
    rows: list[Sequence[Cell]] = []
    for _, path in result.outputs[:_MOST_OUTPUTS]:
        facts = result.facts.get(path, {})
        rows.append([screen_path(path), *facts_of(facts, facts.get("size_bytes", _size(path)))])
    lines = aligned(rows, screen.width(), screen.style, shrink=(0,))
    if len(result.outputs) > _MOST_OUTPUTS:
        lines.append(
            f"  and {len(result.outputs) - _MOST_OUTPUTS:,} more in {os.path.commonpath([p for _, p in result.outputs])}"
        )
    return lines


def _served(result: BuildResult, screen: Screen) -> list[str]:
    """Return which fallbacks are not served by their first alternative, and by which."""
    later = [one for one in result.served if one.position]
    rows: list[Sequence[Cell]] = [
        [
            ("passed_over", "fell back"),
            safe(one.node),
            safe(one.by) or "what is written",
            ("dim", f"alternative {one.position + 1}"),
        ]
        for one in later[: None if screen.verbose else _MOST_FAILED]
    ]
    more = len(later) - len(rows)
    lines = aligned(rows, screen.width(), screen.style, shrink=(1, 2))
    return [*lines, *([f"  and {more:,} more; -v shows all"] if more else [])]


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _troubles(
    result: BuildResult, screen: Screen, load: Callable[[], LoadedGraph], cancelled: Collection[str]
) -> list[str]:
    alike: dict[tuple[str, str | None, str | None], list[NodeResult]] = {}
    for one in result.failed:
        if one.node not in cancelled and not one.over_budget:
            alike.setdefault((node_of(one.node), one.error, one.hint), []).append(one)
    groups = list(alike.values())
    lines: list[str] = []
    for same in groups[:_MOST_FAILED]:
        lines += _failed(load(), same, screen)
    if len(groups) > _MOST_FAILED:
        lines.append(f"  and {counted(sum(map(len, groups[_MOST_FAILED:])), 'failure')} more; --json lists all")
    lines += _waiting(result, screen, load)
    blocked = (
        [n.node for n in result.nodes if n.status == "blocked"]
        if result.status in {"failed", "unresolved", "budget", "waiting"}
        else []
    )
    if blocked:
        first, *rest = _wrapped(listed(grouped(blocked), 12), screen.width())
        lines += [f"  {screen.style('blocked', 'blocked')}  {first.strip()}", *rest]
    return lines


def _waiting(result: BuildResult, screen: Screen, load: Callable[[], LoadedGraph]) -> list[str]:
    """Return what a person is to choose or to approve, with what there is to look at."""
    waiting = [one for one in result.nodes if one.status == "waiting"]
    lines: list[str] = []
    for one in waiting[:_MOST_FAILED]:
        place = screen.style("place", _place_of(load(), one.node))
        lines.append(f"  {screen.style('waiting', 'waiting')}  {screen.style('head', safe(one.node))}   {place}")
        if one.asks == "approve":
            lines += _shown(one, screen)
            continue
        wide = max((len(label) for label, _ in one.facts), default=0)
        lines += [f"{_INDENT}{safe(label):<{wide}}  {safe(value)}" for label, value in one.facts]
    if len(waiting) > _MOST_FAILED:
        lines.append(f"  and {len(waiting) - _MOST_FAILED:,} more wait; --json lists all")
    return lines


def _shown(one: NodeResult, screen: Screen) -> list[str]:
    """Return the question of a gate and what it shows."""
    from dagcontent.cli.deciding import shown_lines  # noqa: PLC0415 - most builds wait for nobody

    title = _wrapped(safe(one.title), screen.width()) if one.title else []
    return [*title, *shown_lines(one.shows, screen, _INDENT)]


def _failed(loaded: LoadedGraph, same: Sequence[NodeResult], screen: Screen) -> list[str]:
    """Return how instances of one node failed, all for one reason."""
    one = same[0]
    node = loaded.graph.by_name.get(node_of(one.node))
    head = [screen.style("failed", "failed"), screen.style("head", safe(listed(grouped(n.node for n in same), 2)))]
    if node is not None:
        model = node.spec.model
        head.append(screen.style("dim", safe(model if isinstance(model, str) and model else node.kind.name)))
        place = _place_of(loaded, one.node)
        if place:
            head.append(screen.style("place", place))
    facts = dict(one.facts)
    charged = f" (charged {facts.pop('charged')})" if "charged" in facts else ""
    lines = ["  " + "   ".join(head), *_wrapped(safe((one.error or "failed") + charged), screen.width())]
    wide = max((len(label) for label in facts), default=0)
    lines += [f"{_INDENT}{safe(label):<{wide}}  {safe(value)}" for label, value in facts.items()]
    if one.hint:
        lines += _wrapped(safe(one.hint), screen.width(), "-> ")
    return lines


def _place_of(loaded: LoadedGraph, name: str) -> str:
    """Return where an instance's node is written."""
    node = loaded.graph.by_name.get(node_of(name))
    place = None if node is None else loaded.line_of(node.spec.place)
    return "" if place is None else f"{screen_path(place[0])}:{place[1]}"


def _wrapped(text: str, width: int, first: str = "") -> list[str]:
    import textwrap  # noqa: PLC0415 - only where something failed

    return textwrap.wrap(
        text, max(30, width), initial_indent=_INDENT + first, subsequent_indent=_INDENT + " " * len(first),
        break_on_hyphens=False,
    )  # fmt: skip
