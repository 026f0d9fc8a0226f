"""A random graph within a graph, written three ways: composed, inlined by hand, and the inner one alone. Knows no engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

LANGS = '[{ id = "a", word = "one two", on = true }, { id = "b", word = "three", on = false }]'
_SAME, _ALL, _FIRST, _BEFORE = "same", "all", "first", "before"
_ELSE = {_SAME: _ALL, _ALL: _ALL, _FIRST: _FIRST, _BEFORE: _FIRST}
"""What is chosen by a node that does not go over the dimension."""


@dataclass
class Inner:
    """One node of the inner graph. `uses` are (earlier node, how it is chosen)."""

    name: str
    kind: str
    over: bool
    uses: list[tuple[str, str]]
    words: bool
    element: bool
    takes: bool = False
    needs: str = ""


@dataclass
class Composed:
    """The whole: whether the node of the graph goes over `lang`, what its params are, what is asked of it."""

    over_lang: bool
    when: bool
    param: str
    of: str  # what the inner dimension is made of: "literal", "param", "node"
    nodes: list[Inner]
    exports: list[tuple[str, str]]  # a node, and what is exported of it: "all", "first", "joined", "table"
    path: bool  # whether a position is asked for where the export is a list

    # -- composed -----------------------------------------------------------------------------------------------

    def outer(self) -> str:
        """Return the outer graph."""
        each = 'each = "lang"\n' if self.over_lang else ""
        when = 'when = "${lang.on}"\n' if self.when else ""
        params = f'params = {{ p = "{self.param}", list = "${{src}}" }}\n'
        return (
            self._head()
            + f'[node.ad]\nkind = "graph"\npath = "ad.toml"\nneeds = "ok"\n{each}{when}{params}'
            + self._tail(lambda i, pick, path: f"${{ad{pick}.x{i}{'.t' * (self.exports[i][1] == 'table')}{path}}}")
        )

    def inner(self, params: str = 'p = { required = true, type = "text" }\nlist = []') -> str:
        """Return the inner graph."""
        of = {"literal": '["x", "y"]', "param": '"${params.list}"', "node": '"${n0}"'}[self.of]
        text = f"[params]\n{params}\n[each.item]\nof = {of}\n"
        for node in self.nodes:
            text += self._node(node, node.name, ["item"] if node.over else [], "${params.p}", "${item}", "")
        text += "[exports]\n"
        for i, (name, how) in enumerate(self.exports):
            ref = f"${{{name}{self._first(name, how)}}}"
            value = f'"<{ref}|${{params.p}}>"' if how == "joined" else f'"{ref}"'
            text += f"x{i} = {{ t = {value}, other = 1 }}\n" if how == "table" else f"x{i} = {value}\n"
        return text

    def _first(self, name: str, how: str) -> str:
        node = next(node for node in self.nodes if node.name == name)
        return "[0]" if how == "first" and self._own(node) else ""

    def _own(self, node: Inner) -> int:
        return int(node.over) + int(node.takes)

    def _path(self, i: int) -> str:
        """Return the path that is asked for where an export is a list of instances."""
        name, how = self.exports[i]
        node = next(node for node in self.nodes if node.name == name)
        lists = 0 if how == "joined" else self._own(node) - (how == "first" and self._own(node) > 0)
        return "[1]" if self.path and lists else ""

    # -- by hand ------------------------------------------------------------------------------------------------

    def flat(self) -> str:
        """Return one graph of the same nodes, every name and dimension written out."""
        outer = ["lang"] if self.over_lang else []
        here = "[lang]" if outer else ""
        of = {"literal": '["x", "y"]', "param": '"${src}"', "node": f'"${{ad_n0{here}}}"'}[self.of]
        text = self._head() + f"[each.ad_item]\nof = {of}\n"
        for node in self.nodes:
            dims = [*outer, *(["ad_item"] if node.over else [])]
            text += self._node(node, f"ad_{node.name}", dims, self.param, "${ad_item}", "ad_")
        for i, (name, how) in enumerate(self.exports):
            if how == "joined":
                each = 'each = "lang"\n' if outer else ""
                when = 'when = "${lang.on}"\n' if self.when else ""
                ref = f"${{ad_{name}{'[lang]' if outer else ''}}}"
                text += f'[node.joined_{i}]\nkind = "text.template"\n{each}{when}needs = "ok"\n'
                text += f'text = "<{ref}|{self.param}>"\n'
        return text + self._tail(self._asked_by_hand)

    def _asked_by_hand(self, i: int, pick: str, path: str) -> str:
        name, how = self.exports[i]
        if how == "joined":
            return f"${{joined_{i}{pick}}}"
        inside = [pick[1:-1]] if pick else []
        inside += ["0"] if self._first(name, how) else []
        inside += [path[1:-1]] if path else []
        return f"${{ad_{name}{'[' + ', '.join(inside) + ']' if inside else ''}}}"

    # -- parts --------------------------------------------------------------------------------------------------

    def _head(self) -> str:
        return (
            f'[each.lang]\nof = {LANGS}\n[node.ok]\nkind = "test.echo"\ntext = "ok"\n'
            '[node.src]\nkind = "test.list"\ntext = "k l"\n[node.said]\nkind = "test.upper"\neach = "lang"\ntext = "${lang.word}"\n'
        )

    def _node(self, node: Inner, name: str, dims: list[str], param: str, item: str, prefix: str) -> str:
        own = {node.name: node for node in self.nodes}
        outer = [dim for dim in dims if dim == "lang"]
        parts = [f"{node.name} {param}"] if node.words else [node.name]
        parts += [item] if node.element and node.over else []
        for used, how in node.uses:
            inside = list(outer)
            if own[used].over:
                mine = f"{prefix}item"
                inside.append(
                    {_SAME: mine, _ALL: "*", _FIRST: "0", _BEFORE: f"{mine}-1"}[how if node.over else _ELSE[how]]
                )
            inside += ["take=0"] if own[used].takes else []
            parts.append(f"${{{prefix}{used}{'[' + ', '.join(inside) + ']' if inside else ''}}}")
        text = f'[node.{name}]\nkind = "{node.kind}"\n'
        text += f"each = {json.dumps(dims)}\n" if dims else ""
        text += "takes = 2\n" if node.takes else ""
        if prefix:
            text += 'when = "${lang.on}"\n' if self.when else ""
            text += f"needs = {json.dumps(['ok', *([prefix + node.needs + ('[lang]' if outer else '')] if node.needs else [])])}\n"
        elif node.needs:
            text += f'needs = "{node.needs}"\n'
        return text + (
            f"parts = {json.dumps(parts)}\n" if node.kind == "test.join" else f"text = {json.dumps(' '.join(parts))}\n"
        )

    def _tail(self, ask: Callable[[int, str, str], str]) -> str:
        text = ""
        for i in range(len(self.exports)):
            path = self._path(i)
            every = ask(i, "[*]" if self.over_lang else "", path)
            text += f'[node.end_{i}]\nkind = "test.join"\nparts = ["${{ok}}", "{every}"]\n'
            if self.over_lang:
                here, one = ask(i, "[lang]", path), ask(i, "['a']", path)
                text += f'[node.per_{i}]\nkind = "test.echo"\neach = "lang"\ntext = "{here}"\n'
                text += f'[node.one_{i}]\nkind = "test.echo"\ntext = "{one}"\n'
        return text


@st.composite
def composed(draw: st.DrawFn) -> Composed:
    """Draw a graph within a graph."""
    over_lang = draw(st.booleans())
    of = draw(st.sampled_from(["literal", "param", "node"]))
    nodes: list[Inner] = []
    for i in range(draw(st.integers(2, 5))):
        kind = draw(st.sampled_from(["test.echo", "test.upper", "test.join", "test.modulo", "test.fail"]))
        over = draw(st.booleans())
        if i == 0:
            kind, over = "test.list", False
        uses = [
            (used.name, draw(st.sampled_from([_SAME, _ALL, _FIRST, _BEFORE])))
            for used in nodes
            if used.kind != "test.list" and draw(st.booleans())
        ]
        takes = i > 0 and draw(st.integers(0, 4)) == 0
        needs = draw(st.sampled_from(["", "", *(node.name for node in nodes)]))
        nodes.append(Inner(f"n{i}", kind, over, uses, draw(st.booleans()), draw(st.booleans()), takes, needs))
    params = [
        "plain",
        "${said[0]}",
        *(["${lang.word}", "${said[lang]}", "${lang.id} and ${said[lang]}"] if over_lang else []),
    ]
    export = st.tuples(
        st.sampled_from([node.name for node in nodes]), st.sampled_from(["all", "first", "joined", "table"])
    )
    exports = draw(st.lists(export, min_size=1, max_size=3))
    when = over_lang and draw(st.booleans())
    return Composed(over_lang, when, draw(st.sampled_from(params)), of, nodes, exports, draw(st.booleans()))
