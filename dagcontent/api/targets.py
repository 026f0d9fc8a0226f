"""`clip[intro]` on a command line into the nodes and instances it names. Knows no store."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from dagcontent.errors import ConfigError
from dagcontent.graph.model import Graph
from dagcontent.plan.fanout import Fanout
from dagcontent.plan.unit import Unit
from dagcontent.spec.nearest import nearest

__all__ = ["Target", "chosen_by", "parse_targets"]

_TARGET = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z]+)?)(?:\[(.*)\])?", re.DOTALL)
_LABEL = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([^,'\[\]]+?))\s*(,|$)")


class Target(msgspec.Struct, frozen=True):
    """A node, and labels of its instances: a text, an integer for `#0`, None for `*`; no labels: all instances."""

    node: int
    labels: tuple[str | int | None, ...] = ()


def parse_targets(graph: Graph, texts: Sequence[str]) -> tuple[Target, ...]:
    """Return what texts name. Raises ConfigError with the nearest name."""
    return tuple(_target(graph, text) for text in texts)


def chosen_by(targets: Sequence[Target]) -> Callable[[Fanout, Unit], bool] | None:
    """Return which units targets choose, or None for all of their nodes'."""
    if not any(t.labels for t in targets):
        return None

    def wanted(fanout: Fanout, unit: Unit) -> bool:
        return any(t.node == unit.node and _matches(t, fanout, unit) for t in targets)

    return wanted


def _target(graph: Graph, text: str) -> Target:
    found = _TARGET.fullmatch(text.strip())
    name = found.group(1) if found is not None else text
    node = graph.by_name.get(name)
    if found is None or node is None:
        close = nearest(name, graph.by_name)
        hint = f"did you mean `{close}`?" if close else f"nodes are: {', '.join(list(graph.by_name)[:20])}"
        raise ConfigError(f"no node `{name}` in {graph.name}", hint=hint)
    inside = found.group(2)
    if inside is None:
        return Target(node.index)
    labels = _labels(inside, text)
    if len(labels) > len(node.dims):
        dims = ", ".join(graph.dimensions[d].name for d in node.dims) or "no dimension"
        raise ConfigError(
            f"`{text}` has {len(labels)} labels, and `{name}` is over {dims}", hint="give one label a dimension"
        )
    if labels and isinstance(last := labels[-1], str) and last.startswith("take=") and node.spec.takes is not None:
        labels = (
            *labels[:-1],
            *[None] * (len(node.dims) - len(labels)),
            last,
        )  # the take comes last, however few are named
    return Target(node.index, labels)


def _labels(inside: str, text: str) -> tuple[str | int | None, ...]:
    labels: list[str | int | None] = []
    position = 0
    while position < len(inside):
        found = _LABEL.match(inside, position)
        if found is None:
            raise ConfigError(f"`{text}` cannot be read", hint="as in still[intro] or still['a label',#0]")
        quoted, plain, _ = found.groups()
        if quoted is not None:
            labels.append(re.sub(r"\\(.)", r"\1", quoted))
        elif plain == "*":
            labels.append(None)
        elif plain.startswith("#") and plain[1:].isdigit():
            labels.append(int(plain[1:]))
        else:
            labels.append(plain)
        position = found.end()
    return tuple(labels)


def _matches(target: Target, fanout: Fanout, unit: Unit) -> bool:
    if None in unit.coords:
        return True
    for wanted, label, at in zip(target.labels, fanout.labels(unit), unit.coords, strict=False):
        if wanted is not None and wanted != label and not (isinstance(wanted, int) and wanted == at):
            return False
    return True
