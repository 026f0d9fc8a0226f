"""Turn the result of a build into its summary: what happened, what there is now, what to do next. Knows no store."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.names import grouped, node_of
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted, facts_of, listed, seconds

if TYPE_CHECKING:
    from dagcontent.api.loaded import LoadedGraph

__all__ = ["screen_path", "summary_lines"]

_MOST_OUTPUTS: Final = 20
_MOST_FAILED: Final = 10
_GAP: Final = "      "
_INDENT: Final = " " * 11


def summary_lines(
    result: BuildResult, screen: Screen, load: Callable[[], LoadedGraph], cancelled: Collection[str] = ()
) -> list[str]:
    """Return the summary of a build, the next command left out.

    `load` is called if a node failed, to name its line. `cancelled` are those that failed because all was stopped.
    """
    lines = [_head(result, screen)]
    outputs = _outputs(result, screen)
    troubles = _troubles(result, screen, load, cancelled)
    for block in (troubles, outputs):
        if block:
            lines += ["", *block]
    return lines


def _head(result: BuildResult, screen: Screen) -> str:
    counts = result.counts
    actions = len(
        {node.node for node in result.nodes}
    )  # an instance that was made and could not be placed is here twice
    if result.status == "interrupted":
        left = sum(counts.get(word, 0) for word in ("failed", "blocked")) + counts.get("unneeded", 0)
        return (
            screen.style("warning", f"{safe(result.graph)}: stopped") + f"{_GAP}{_made(counts)}, kept   {left:,} left"
        )
    if result.status != "ok":
        by = "it" if counts["failed"] == 1 else "them"
        blocked = f", {counts['blocked']:,} blocked by {by}" if counts["blocked"] else ""
        text = f"{safe(result.graph)}: {counts['failed']:,} of {actions:,} failed{blocked}"
        return screen.style("failed", text) + "; everything else is done and kept"
    if not counts["ran"]:
        tail = _tail(counts)
        return screen.style("ok", f"{safe(result.graph)}: nothing to make") + (f"{_GAP}{tail}" if tail else "")
    return (
        screen.style("ok", f"built {safe(result.graph)} in {seconds(result.seconds)}")
        + f"{_GAP}{_made(counts)}"
        + (f"   {tail}" if (tail := _tail(counts)) else "")
    )


def _made(counts: dict[str, int]) -> str:
    return f"{counts['ran']:,} made"


def _tail(counts: dict[str, int]) -> str:
    words = []
    if counts["cutoff"]:
        words.append(f"{counts['cutoff']:,} kept by cutoff")
    if counts["hit"]:
        words.append(counted(counts["hit"], "hit"))
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


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def screen_path(path: str) -> str:
    """Return a path from where we are if it is below, else in full."""
    near = os.path.relpath(path)
    return safe(path if near.startswith("..") else near)


def _troubles(
    result: BuildResult, screen: Screen, load: Callable[[], LoadedGraph], cancelled: Collection[str]
) -> list[str]:
    alike: dict[tuple[str, str | None, str | None], list[NodeResult]] = {}
    for one in result.failed:
        if one.node not in cancelled:
            alike.setdefault((node_of(one.node), one.error, one.hint), []).append(one)
    groups = list(alike.values())
    lines: list[str] = []
    for same in groups[:_MOST_FAILED]:
        lines += _failed(load(), same, screen)
    if len(groups) > _MOST_FAILED:
        lines.append(f"  and {counted(sum(map(len, groups[_MOST_FAILED:])), 'failure')} more; --json lists all")
    blocked = [n.node for n in result.nodes if n.status == "blocked"] if result.status == "failed" else []
    if blocked:
        first, *rest = _wrapped(listed(grouped(blocked), 12), screen.width())
        lines += [f"  {screen.style('blocked', 'blocked')}  {first.strip()}", *rest]
    return lines


def _failed(loaded: LoadedGraph, same: Sequence[NodeResult], screen: Screen) -> list[str]:
    """Return how instances of one node failed, all for one reason."""
    one = same[0]
    node = loaded.graph.by_name.get(node_of(one.node))
    head = [screen.style("failed", "failed"), screen.style("head", safe(listed(grouped(n.node for n in same), 2)))]
    if node is not None:
        model = node.spec.model
        head.append(screen.style("dim", safe(model if isinstance(model, str) and model else node.kind.name)))
        place = loaded.line_of(node.spec.place)
        if place is not None:
            head.append(screen.style("place", f"{screen_path(place[0])}:{place[1]}"))
    lines = ["  " + "   ".join(head), *_wrapped(safe(one.error or "failed"), screen.width())]
    wide = max((len(label) for label, _ in one.facts), default=0)
    lines += [f"{_INDENT}{safe(label):<{wide}}  {safe(value)}" for label, value in one.facts]
    if one.hint:
        lines += _wrapped(safe(one.hint), screen.width(), "-> ")
    return lines


def _wrapped(text: str, width: int, first: str = "") -> list[str]:
    import textwrap  # noqa: PLC0415 - only where something failed

    return textwrap.wrap(
        text, max(30, width), initial_indent=_INDENT + first, subsequent_indent=_INDENT + " " * len(first),
        break_on_hyphens=False,
    )  # fmt: skip
