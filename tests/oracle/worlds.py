"""Chance into graphs, and into edits of graphs that stay graphs. Knows no engine.

A world is a graph file as a table, and the text files beside it. Nodes refer to nodes before them only; `order` keeps
that order, so that every edit can.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

WORDS = ("a", "bb", "ccc", "sun", "moon rises", "one two three", "x y", "long ago far off", "é ü", "", "one one one")
IDS = ("p", "q", "r", "s")
EDITS = (
    "add", "remove", "rename", "rewire", "parameter", "parameter", "parameter", "file", "file", "insert", "drop", "reorder",
    "element", "element", "label", "takes", "takes", "tables", "when", "output", "revert",
)  # fmt: skip


class World:
    """One version of a graph and of the files beside it."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.each: dict[str, Any] = {}
        self.nodes: dict[str, dict[str, Any]] = {}  # in an order in which each refers to earlier ones only
        self.files: dict[str, str] = {}
        self.shuffled = False
        self.decides = False  # whether there may be gates, assertions and fallbacks

    def write(self, folder: Path) -> Path:
        """Write it; return the graph's path."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        rows = ["[graph]", 'name = "world"', "[params]"]
        rows += [f"{name} = {_toml(value)}" for name, value in self.params.items()]
        for dim, spec in self.each.items():
            rows += [f"[each.{dim}]", *(f"{key} = {_toml(value)}" for key, value in spec.items())]
        for name in reversed(self.nodes) if self.shuffled else self.nodes:
            rows += [f"[node.{name}]", *(f"{key} = {_toml(value)}" for key, value in self.nodes[name].items())]
        path = folder / "graph.toml"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    def users(self, name: str) -> bool:
        """Tell whether anything refers to a node."""
        others = {n: spec for n, spec in self.nodes.items() if n != name}
        return f"${{{name}" in json.dumps([others, self.each]) or any(
            need.split("[")[0] == name or need == f"{name}.take"
            for spec in others.values()
            for need in (*spec.get("needs", []), *spec.get("each", []))
        )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@st.composite
def worlds(draw: st.DrawFn, most_nodes: int = 9, *, decides: bool = False) -> World:
    """Return a graph of a few nodes over literal, ragged and run-time dimensions."""
    world = World()
    world.decides = decides
    world.params = {"tone": draw(st.sampled_from(WORDS)), "pal": draw(st.sampled_from(IDS))}
    world.files = {"brief.txt": draw(st.sampled_from(WORDS))}
    world.each = {
        "scene": {"of": [_scene(draw, name) for name in draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))]},
        "cut": {"of": draw(st.lists(st.sampled_from(["wide", "tall", "9x16"]), min_size=1, max_size=2, unique=True))},
        "line": {"of": "${scene.lines}"},
    }
    if draw(st.booleans()):
        world.nodes["made"] = {
            "kind": "test.echo",
            "text": draw(st.sampled_from(["${params.tone}", "to ${params.tone}"])),
        }
        world.nodes["same"] = {"kind": "test.modulo", "text": "${made}"}
        world.nodes["cut_off"] = {"kind": "test.upper", "text": "still ${same}"}
    if decides:
        _add_reroll(draw, world)
    for _ in range(draw(st.integers(2, most_nodes))):
        _add(draw, world)
    return world


@st.composite
def chains(draw: st.DrawFn, most_edits: int = 5, *, decides: bool = False) -> list[World]:
    """Return a graph's versions, each an edit of the one before, or an earlier one again."""
    made = [draw(worlds(decides=decides))]
    for _ in range(draw(st.integers(1, most_edits))):
        edit = draw(st.sampled_from(EDITS))
        world = copy.deepcopy(draw(st.sampled_from(made)) if edit == "revert" else made[-1])
        _edit(draw, world, edit)
        made.append(world)
    return made


# --- parts


def _scene(draw: st.DrawFn, name: str) -> dict[str, Any]:
    made = {
        "id": name,
        "text": draw(st.sampled_from(WORDS)),
        "lines": draw(st.lists(st.sampled_from(WORDS[:4]), max_size=2)),
    }
    if draw(st.booleans()):
        made["pal"] = draw(st.sampled_from(IDS))
    return made


def _add_reroll(draw: st.DrawFn, world: World) -> None:
    """Add takes, a check of each, the first that passes, and a gate that shows it."""
    each = draw(st.sampled_from([[], ["scene"]]))
    inside = f"[{', '.join(each)}]" if each else ""
    text = draw(
        st.sampled_from(
            ["${scene.text} ${index.take}" if each else "say ${index.take}", "${params.tone}, ${index.take}"]
        )
    )
    world.nodes["shot"] = {
        "kind": draw(st.sampled_from(["test.echo", "test.fail"])), "each": each, "takes": draw(st.integers(1, 3)), "text": text,
    }  # fmt: skip
    one = f"[{', '.join([*each, 'take'])}]"
    pattern = draw(st.sampled_from(["[1-9]", "[a-d]", "2", "."]))
    world.nodes["check"] = {
        "kind": "assert",
        "each": [*each, "shot.take"],
        "value": f"${{shot{one}}}",
        "matches": pattern,
    }
    alternatives = f"${{check{inside or '[*]'}}}"
    of = draw(st.sampled_from([alternatives, [alternatives, "none"]]))
    world.nodes["good"] = {"kind": "fallback", "each": each, "of": of}
    world.nodes["ok"] = {"kind": "gate", "each": each, "show": f"${{good{inside}}}"}


def _add(draw: st.DrawFn, world: World) -> None:
    free = [f"n{number}" for number in range(30) if f"n{number}" not in world.nodes]
    name = draw(st.sampled_from(free[:3]))
    world.nodes[name] = _node(draw, world, name, list(world.nodes))
    kind = world.nodes[name]["kind"] if "takes" not in world.nodes[name] else ""
    if kind == "test.list" and "word" not in world.each and not world.nodes[name].get("each"):
        world.each["word"] = {"of": f"${{{name}}}", "max": 3}
    if kind == "test.table" and "row" not in world.each and not world.nodes[name].get("each"):
        world.each["row"] = {"of": f"${{{name}.rows}}", "max": 4}
    if kind == "test.list" and "part" not in world.each and world.nodes[name].get("each") == ["scene"]:
        world.each["part"] = {"of": f"${{{name}[scene]}}", "max": 4}


_KINDS = (
    "text.template", "text.split", "json.get", "text.generate", "test.echo", "test.echo", "test.upper", "test.modulo", "test.modulo", "test.list",
    "test.list", "test.table", "test.join", "test.fail", "test.sound", "test.listen",
)  # fmt: skip
_DECIDERS = ("gate", "assert", "fallback")
_DECIDING = (*_DECIDERS * 2, "gate", "fallback", "fallback", "test.fail", "test.fail")


def _node(draw: st.DrawFn, world: World, name: str, before: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from((*_KINDS, *_DECIDING * 2) if world.decides else _KINDS))
    node: dict[str, Any] = {"kind": kind}
    each = draw(st.sampled_from(_spaces(world, before)))
    if each:
        node["each"] = each

    def text() -> Any:
        return _text(draw, world, name, node, before)

    if kind in _DECIDERS:
        node |= _decider(draw, world, kind, node, before, text)
    elif kind == "test.join":
        node["parts"] = [text() for _ in range(draw(st.integers(1, 3)))]
    elif kind == "test.listen":
        sounds = [n for n in before if world.nodes[n]["kind"] == "test.sound"]
        if not sounds:
            return {**node, "kind": "test.upper", "text": text()}
        node["sounds"] = [
            _reference(draw, world, draw(st.sampled_from(sounds)), node) for _ in range(draw(st.integers(1, 2)))
        ]
        node |= draw(st.sampled_from([{}, {}, {"seconds": 2}, {"seconds": 2.0}]))
    elif kind == "json.get":
        tables = [n for n in before if world.nodes[n]["kind"] == "test.table" and set(_dims(world, n)) <= set(each)]
        if not tables:
            return {**node, "kind": "test.modulo", "text": text()}
        node |= _part(draw, world, tables)
    elif kind == "text.generate":
        node |= {"model": "local/outline", "prompt": text()}
    else:
        node["text"] = text()
    if kind == "text.split":
        node["by"] = draw(st.sampled_from(["line", "sentence"]))
    if kind == "test.echo":
        if draw(st.booleans()):
            node["extra"] = text()
        if draw(st.booleans()):
            node["times"] = draw(st.integers(0, 2))  # 1 is the key default
    _common(draw, world, node, before)
    if kind not in {"text.template", "text.split", "json.get", *_DECIDERS} and draw(st.integers(0, 4)) == 4:
        node["takes"] = draw(st.integers(1, 3))
    return node


def _decider(
    draw: st.DrawFn, world: World, kind: str, node: dict[str, Any], before: list[str], text: Callable[[], Any]
) -> dict[str, Any]:
    """Return the parameters of a gate, an assertion or a fallback."""
    each = node.get("each", [])
    if kind == "gate":
        return {"show": text() if draw(st.booleans()) else [text() for _ in range(draw(st.integers(1, 2)))]}
    if kind == "assert":
        return {"value": text(), "matches": draw(st.sampled_from(["^[^o]*$", "e", "."]))}
    several = [n for n in before if set(_dims(world, n)) - set(each) and world.nodes[n]["kind"] != "test.sound"]
    if several and draw(st.booleans()):
        chosen = draw(st.sampled_from(several))
        shared = [d for d in _dims(world, chosen) if d in each]
        return {"of": f"${{{chosen}[{', '.join(shared) or '*'}]}}"}
    return {"of": [text() for _ in range(draw(st.integers(1, 3)))]}


def _part(draw: st.DrawFn, world: World, tables: list[str]) -> dict[str, Any]:
    chosen = draw(st.sampled_from(tables))
    path = draw(st.sampled_from(["title", "rows", "rows[0].text", "none"]))
    return {"json": f"${{{chosen}{_own(world, chosen)}}}", "path": path}


def _common(draw: st.DrawFn, world: World, node: dict[str, Any], before: list[str]) -> None:
    rare = st.integers(0, 5).map(lambda n: n == 5)
    if draw(rare):
        node["when"] = {
            "value": "${params.pal}",
            "in": draw(st.lists(st.sampled_from(IDS), min_size=3, max_size=3, unique=True)),
        }
        deciders = [
            n
            for n in before
            if world.nodes[n]["kind"] == "test.modulo" and set(_dims(world, n)) <= set(node.get("each", []))
        ]
        if deciders:
            chosen = draw(st.sampled_from(deciders))
            node["when"] = {"value": f"${{{chosen}{_own(world, chosen)}}}", "in": ["1", "2"]}
    if draw(rare) and before:
        node["needs"] = [draw(st.sampled_from(before))]
    if draw(rare):
        node["on_error"] = "skip"
    if draw(rare) or draw(rare):
        node["optional"] = [p for p in ("text", "extra", "parts", "sounds", "prompt", "show") if p in node]


def _spaces(world: World, before: list[str]) -> list[list[str]]:
    spaces: list[list[str]] = [
        [],
        [],
        ["scene"],
        ["scene"],
        ["cut"],
        ["scene", "cut"],
        ["cut", "scene"],
        ["scene", "line"],
    ]
    for dim, first in (("word", []), ("row", []), ("part", ["scene"])):
        made_of = str(world.each.get(dim, {}).get("of", "")).strip("${}").split("[")[0].split(".")[0]
        if made_of in before:
            spaces += [[*first, dim], [*first, dim], [*first, dim, "cut"]]
    for node in before:
        if "takes" in world.nodes[node]:
            spaces += [[*world.nodes[node].get("each", []), f"{node}.take"], [f"{node}.take"]]
    return spaces


def _dims(world: World, node: str) -> list[str]:
    each = list(world.nodes[node].get("each", []))
    return [*each, f"{node}.take"] if "takes" in world.nodes[node] else each


def _own(world: World, node: str) -> str:
    """Return the brackets that choose this instance's own."""
    dims = _dims(world, node)
    return f"[{', '.join(dims)}]" if dims else ""


def _text(draw: st.DrawFn, world: World, name: str, node: dict[str, Any], before: list[str]) -> Any:
    each = [dim for dim in node.get("each", []) if not dim.endswith(".take")]
    plain = [n for n in before if world.nodes[n]["kind"] != "test.sound"]
    forms = ["word", "param", *["node"] * 6] if plain else ["word", "param", "file"]
    forms += ["element", "element", "neighbour", "whole", "index", "label"] if each else ["file", "whole"]
    if each and each[-1] in {"scene", "cut"} and len(each) == 1:
        forms.append("self")
    form = draw(st.sampled_from(forms))
    if form == "file":
        return {"file": "brief.txt"} if node["kind"] != "test.join" else "plain"
    if form == "word" and (taken := [dim for dim in node.get("each", []) if dim.endswith(".take")]):
        return f"number ${{index.{taken[0]}}}"
    if form == "word":
        return draw(st.sampled_from(WORDS))
    if form == "param":
        return draw(st.sampled_from(["${params.tone}", "say ${params.tone}!"]))
    if form == "whole":
        return "${each.cut}"
    if form == "self":
        return f"after ${{{name}[{each[0]}-1]}}" if node["kind"] not in {"test.sound", "test.listen"} else "first"
    if form == "node":
        # What is often the same although what it is made of is not makes early cutoff.
        often = [n for n in plain if world.nodes[n]["kind"] == "test.modulo"] if node["kind"] != "test.modulo" else []
        inner = _reference(draw, world, draw(st.sampled_from(often if often and draw(st.booleans()) else plain)), node)
        return inner if draw(st.booleans()) else f"{inner} and {draw(st.sampled_from(WORDS))}"
    dim = draw(st.sampled_from(each))
    field = {"scene": ".text", "row": ".text"}.get(dim, "")
    if form == "element":
        return f"${{{dim}{field}}}" if draw(st.booleans()) else f"${{{dim}{field}}} / ${{{dim}{field}}}"
    if form == "neighbour":
        return f"{draw(st.sampled_from(['${prev', '${next']))}.{dim}{field}}} next to ${{{dim}{field}}}"
    return f"{form} ${{{form}.{dim}}}"


def _reference(draw: st.DrawFn, world: World, node: str, user: dict[str, Any]) -> str:
    dims, each = _dims(world, node), user.get("each", [])
    shared = [d for d in dims if d in each]
    if not dims:
        return f"${{{node}}}"
    args = []
    for dim in shared:
        forms = ["own", "own", "own"]
        if dim in {"scene", "cut"}:
            forms.append("before")
        if dim == "scene" and dim == dims[0]:  # a path chooses in the first dimension that is still open
            forms.append("pal")
        if dim.endswith(".take"):
            args.append(draw(st.sampled_from([dim, "take"])) if dim == f"{node}.take" else dim)
            continue
        form = draw(st.sampled_from(forms))
        args.append({"own": dim, "before": f"{dim}-1", "pal": "scene.pal"}[form])
    if not shared:
        form = draw(st.sampled_from(["all", "all", "star", "first", "label", "param"]))
        if form in {"first", "label", "param"} and dims[0] == "scene":
            args.append({"first": "0", "label": "'p'", "param": "params.pal"}[form])
        elif form == "star":
            args.append("*")
    if "takes" in world.nodes[node] and f"{node}.take" not in each and args != ["*"] and draw(st.booleans()):
        args.append(f"take={draw(st.integers(0, world.nodes[node]['takes'] - 1))}")
    inside = ", ".join(args)
    return f"${{{node}[{inside}]}}" if args else f"${{{node}}}"


# --- edits


def _edit(draw: st.DrawFn, world: World, edit: str) -> None:
    names = list(world.nodes)
    if edit == "add":
        _add(draw, world)
    elif edit in {"remove", "rename", "rewire", "when", "output"} and names:
        _edit_node(draw, world, edit, draw(st.sampled_from(names)))
    elif edit == "parameter":
        name = draw(st.sampled_from(["tone", "pal"]))
        world.params[name] = draw(st.sampled_from(WORDS if name == "tone" else IDS))
    elif edit == "file":
        world.files["brief.txt"] = draw(st.sampled_from(WORDS))
    elif edit in {"insert", "drop", "element", "label"}:
        _edit_scene(draw, world.each["scene"]["of"], edit)
    elif edit == "reorder":
        world.each["scene"]["of"] = draw(st.permutations(world.each["scene"]["of"]))
        world.each["cut"]["of"].reverse()
    elif edit == "takes":
        for spec in world.nodes.values():
            if "takes" in spec:
                spec["takes"] = draw(st.integers(1, 3))
    elif edit == "tables":
        world.shuffled = not world.shuffled


def _edit_scene(draw: st.DrawFn, scenes: list[Any], edit: str) -> None:
    free = [i for i in IDS if all(s["id"] != i for s in scenes)]
    if edit == "insert" and free:
        scenes.insert(draw(st.integers(0, len(scenes))), _scene(draw, free[0]))
        return
    if not scenes:
        return
    position = draw(st.integers(0, len(scenes) - 1))
    if edit == "drop":
        del scenes[position]
    elif edit == "element":
        scenes[position]["text"] = draw(st.sampled_from(WORDS))
    elif edit == "label" and free:
        scenes[position]["id"] = draw(st.sampled_from(free))


def _edit_node(draw: st.DrawFn, world: World, edit: str, name: str) -> None:
    names = list(world.nodes)
    before = names[: names.index(name)]
    if edit == "remove" and not world.users(name):
        del world.nodes[name]
    elif edit == "rename":
        new = next(f"m{number}" for number in range(99) if f"m{number}" not in world.nodes)
        rename(world, name, new)
    elif edit == "when":
        node = world.nodes[name]
        if node.pop("when", None) is None:
            node["when"] = draw(st.booleans())
    elif edit == "rewire":
        old = world.nodes[name]
        for _ in range(3):  # another node of the same dimensions and kind of output fits wherever the old one did
            new_node = _node(draw, world, name, before)
            same = new_node.get("each") == old.get("each") and _output(new_node) == _output(old)
            same = same and ("takes" in new_node) == ("takes" in old)
            if same or not world.users(name):
                world.nodes[name] = new_node
                return


def _output(node: dict[str, Any]) -> str:
    return {"test.sound": "sound", "test.table": "table", "test.list": "list", "text.split": "list", "json.get": "any",
            "test.modulo": "modulo"}.get(node["kind"], "text")  # fmt: skip


def rename(world: World, old: str, new: str) -> None:
    """Give a node another name, wherever it stands."""
    text = json.dumps([world.each, world.nodes])
    for end in ("}", "[", "."):
        text = text.replace(f"${{{old}{end}", f"${{{new}{end}")
    text = text.replace(f"{old}.take", f"{new}.take")
    world.each, nodes = json.loads(text)
    for spec in nodes.values():
        spec["needs"] = [new if need == old else need for need in spec.get("needs", [])]
        if not spec["needs"]:
            del spec["needs"]
    world.nodes = {new if name == old else name: spec for name, spec in nodes.items()}
