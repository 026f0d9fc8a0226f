"""`clip[intro]` on a command line into the nodes and instances it names. Knows no store."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from dagcontent.errors import ConfigError
from dagcontent.graph.model import Graph, Node
from dagcontent.graph.roots import root_nodes
from dagcontent.plan.fanout import Fanout
from dagcontent.plan.unit import Unit
from dagcontent.spec.nearest import nearest
from dagcontent.spec.words import listed
from dagcontent.values.instances import parts_of

__all__ = ["Target", "chosen_by", "parse_target", "parse_targets"]

_LABEL = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([^,'\[\]]+?))\s*(,|$)")


class Target(msgspec.Struct, frozen=True):
    """A node, and labels of its instances: a text, an integer for `#0`, None for `*`; no labels: all instances."""

    node: int
    labels: tuple[str | int | None, ...] = ()


def parse_targets(graph: Graph, texts: Sequence[str]) -> tuple[Target, ...]:
    """Return what texts name; a node that a graph stands for is all that is made in it. Raises ConfigError with the nearest name."""
    return tuple(target for text in texts for target in (_whole_graph(graph, text) or [parse_target(graph, text)]))


def parse_target(graph: Graph, text: str) -> Target:
    """Return the one node that a text names. Raises ConfigError, for a node that a graph stands for as well."""
    parts = parts_of(text.strip())
    name = "".join(part for part, _ in parts) if parts is not None else text
    node = graph.by_name.get(name)
    if parts is None or node is None:
        inner = [n.name for n in graph.nodes if n.name.startswith(f"{name}/") and not n.hands_on]
        if inner:
            raise ConfigError(f"`{name}` is a graph of {len(inner)} nodes", hint=f"name one: {listed(inner, 8)}")
        close = nearest(name, graph.by_name)
        hint = f"did you mean `{close}`?" if close else f"nodes are: {', '.join(list(graph.by_name)[:20])}"
        raise ConfigError(f"no node `{name}` in {graph.name}", hint=hint)
    return _target(graph, node, parts, text)


def chosen_by(targets: Sequence[Target]) -> Callable[[Fanout, Unit], bool] | None:
    """Return which units targets choose, or None for all of their nodes'."""
    if not any(t.labels for t in targets):
        return None

    def wanted(fanout: Fanout, unit: Unit) -> bool:
        return any(t.node == unit.node and _matches(t, fanout, unit) for t in targets)

    return wanted


def _whole_graph(graph: Graph, text: str) -> list[Target]:
    """Return all that is asked for by itself in a graph that stands for a node; nothing where a text names no such node."""
    parts = parts_of(text.strip())
    name = "".join(part for part, _ in parts or ())
    if not parts or name in graph.by_name:
        return []
    asked = [graph.nodes[index] for index in root_nodes(graph, f"{name}/")]
    return [_target(graph, node, parts, text) for node in asked if not node.hands_on]


def _target(graph: Graph, node: Node, parts: Sequence[tuple[str, str | None]], text: str) -> Target:
    """Return a target of a node whose name begins with these parts."""
    labels: list[str | int | None] = []
    done = 0
    for position, (part, inside) in enumerate(parts):
        here = () if inside is None else _labels(inside, text)
        last = position >= len(node.levels)
        dims = node.dims[done:] if last else node.dims[done : done + node.levels[position]]
        if len(here) > len(dims):
            over = ", ".join(graph.dimensions[d].name for d in dims) or "no dimension"
            raise ConfigError(
                f"`{text}` has {len(here)} labels, and `{part.lstrip('/')}` is over {over}",
                hint="give one label a dimension",
            )
        done += len(dims)
        missing = [None] * (len(dims) - len(here))
        if last and here and isinstance(here[-1], str) and here[-1].startswith("take=") and node.spec.takes is not None:
            labels += [*here[:-1], *missing, here[-1]]  # the take comes last, however few are named
        else:
            labels += [*here, *missing] if not last else here
    return Target(node.index, tuple(labels) if any(inside is not None for _, inside in parts) else ())


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
