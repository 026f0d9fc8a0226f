"""A graph file into what every instance of it is, by plain recursion: right by inspection. Knows no plan, run or store.

Only what `worlds.py` writes is understood. An instance is (node, positions); None stands for a list that is not there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomli
from oracle import kinds
from oracle.values import encode
from oracle.values import key as key_of

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.record import Manifest
from dagcontent.values.value import Blob, Digest

ABSENT = object()
HELD = object()
"""What waits for a person, or for what does."""
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_STEP = re.compile(r"\.(\w+)|\[([^\]]*)\]")
Scope = dict[str, Any]


class Gone(Exception):
    """There is no value, because something is "skipped", "blocked", "failed" or "held"."""


class Instance(NamedTuple):
    """What became of one instance; `key` and `call` if it is an action whose inputs are all there."""

    status: str
    value: Any = None
    key: str | None = None
    call: str | None = None


class Oracle:
    """`instances` holds everything, by the name that reports use. `made` is what earlier builds made, by key: a pinned
    instance is what its pin says.
    """

    def __init__(
        self, graph: Path, made: Mapping[str, Any] | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> None:
        choices = graph.with_name("graph.choices.toml")
        self.choices = tomli.loads(choices.read_text(encoding="utf-8")).get("node", {}) if choices.exists() else {}
        self.made = made or {}
        document = tomli.loads(graph.read_text(encoding="utf-8"))
        self.folder, self.params, self.nodes = graph.parent, document.get("params", {}), document.get("node", {})
        self.each = {d: s if isinstance(s, dict) else {"of": s} for d, s in document.get("each", {}).items()}
        self.bytes: dict[str, bytes] = dict(blobs or {})
        self._known: dict[Any, Instance] = {}
        self._decided: dict[str, Any] = {}
        self._used: dict[Any, list[Any]] = {None: []}
        self._now: Any = None
        self._tried: list[Any] = []
        self.shown: dict[Any, str] = {}
        """Of gates, the digest of what each shows, where that is known."""
        self.inner = self._inner()
        for node in self.nodes:
            for at in self.places(node) if node not in self.inner else ():
                self.instance(node, at)
        asked = set(self._known)
        passed = self._passed()
        self.instances = {self.name(n, at): self.instance(n, at) for n in self.nodes for at in self.places(n)}
        self.asked = {self.name(n, at) for n, at in asked}
        self.passed = {self.name(n, at) for n, at in passed}

    # --- what is asked for

    def _inner(self) -> set[str]:
        """Return the nodes that are asked for by fallbacks alone: nothing uses them but as alternatives, or is inner itself."""
        lists = {ref for spec in self.each.values() for ref in _named(spec["of"])}
        found: set[str] = set()
        while True:
            more = {n for n in self.nodes if n not in found | lists and self._is_inner(n, found)}
            if not more:
                return found
            found |= more

    def _is_inner(self, node: str, inner: set[str]) -> bool:
        tried = {n: set(_named(s.get("of"))) for n, s in self.nodes.items() if s["kind"] == "fallback"}
        users = set()
        for name, spec in self.nodes.items():
            others = {key: value for key, value in spec.items() if key != "of" or name not in tried}
            if name != node and node in {
                *_named(list(others.values())),
                *(n.split("[")[0] for n in _list(spec.get("needs", []))),
            }:
                users.add(name)
        alternative = any(node in refs for name, refs in tried.items() if name != node)
        return users <= inner and (alternative or (bool(users) and "output" not in self.nodes[node]))

    def _passed(self) -> set[Any]:
        """Return what came to nothing and is felt by nobody: it was tried by fallbacks that are served, or used by such."""
        found: set[Any] = set()
        stack = [one for fallback, one in self._tried if self._known[fallback].status == "value"]
        while stack:
            one = stack.pop()
            if one not in found and one[0] in self.inner and self._known[one].status in {"failed", "blocked"}:
                found.add(one)
                stack += self._used.get(one, [])
        return found

    # --- what was decided

    def about(self, node: str, at: tuple[int | None, ...]) -> str | None:
        """Return the digest of what an instance stands for."""
        dims, found = self.dims(node), []
        for dim, position in zip(dims, at, strict=True):
            if position is None:
                return None
            element = self.list_at(dim, dict(zip(dims, at, strict=True)))[position]
            label = self.each.get(dim, {}).get("id", "id")
            found.append({k: v for k, v in element.items() if k != label} if isinstance(element, dict) else element)
        return f"sha256:{hashlib.sha256(encode(found)).hexdigest()}" if found else None

    def decided(self, node: str) -> dict[tuple[int | None, ...], dict[str, Any]]:
        """Return the entries that hold for a node, by place: those that fit, and those whose one other place is free."""
        if node not in self._decided:
            entries = {name: entry for name, entry in self.choices.items() if name.partition("[")[0] == node}
            places = [at for at in self.places(node) if None not in at] if entries else []
            about = {at: self.about(node, at) for at in places}
            named = {self.name(node, at): at for at in places}
            fits = {n: named[n] for n, e in entries.items() if n in named and e.get("for") in {None, about[named[n]]}}
            held = {at: entries[name] for name, at in fits.items()}
            for name, entry in entries.items():
                alike = [at for at in places if about[at] == entry.get("for") is not None]
                if name not in fits and len(alike) == 1:
                    held.setdefault(alike[0], entry)
            self._decided[node] = held
        return self._decided[node]

    # --- lists and places

    def dims(self, node: str) -> list[str]:
        each = _list(self.nodes[node].get("each", []))
        return [*each, f"{node}.take"] if "takes" in self.nodes[node] else each

    def list_at(self, dim: str, scope: Scope) -> list[Any]:
        if dim.endswith(".take"):
            return list(range(self.nodes[dim.removesuffix(".take")]["takes"]))
        elements = self.value(self.each[dim]["of"], scope, lenient=False)
        if elements is HELD:
            raise Gone("held")
        if not isinstance(elements, list) or len(elements) > self.each[dim].get("max", 10**9):
            raise Gone("failed")
        return elements

    def labels(self, dim: str, scope: Scope) -> list[str]:
        if dim.endswith(".take"):
            return [str(number) for number in self.list_at(dim, scope)]
        made: list[str] = []
        for position, element in enumerate(self.list_at(dim, scope)):
            label = first = _label(element, position)
            count = 2
            while label in made:
                label, count = f"{first}~{count}", count + 1
            made.append(label)
        return made

    def places(self, node: str) -> Iterator[tuple[int | None, ...]]:
        """Yield the positions of a node's instances, in order."""
        dims = self.dims(node)

        def walk(at: tuple[int, ...]) -> Iterator[tuple[int | None, ...]]:
            if len(at) == len(dims):
                yield at
                return
            try:
                count = len(self.list_at(dims[len(at)], dict(zip(dims, at, strict=False))))
            except Gone:
                yield (*at, *[None] * (len(dims) - len(at)))
                return
            for position in range(count):
                yield from walk((*at, position))

        return walk(())

    def name(self, node: str, at: tuple[int | None, ...]) -> str:
        dims = self.dims(node)
        scope = dict(zip(dims, at, strict=True))
        labels = [
            "*" if p is None else f"take={p}" if d.endswith(".take") else self.labels(d, scope)[p]
            for d, p in zip(dims, at, strict=True)
        ]
        shown = [x if re.fullmatch(r"[-\w.:~*=]*", x, re.ASCII) else f"'{x}'" for x in labels]
        return f"{node}[{','.join(shown)}]" if labels else node

    # --- instances

    def instance(self, node: str, at: tuple[int | None, ...]) -> Instance:
        self._used[self._now].append((node, at))
        if (node, at) not in self._known:
            before, self._now = self._now, (node, at)
            self._used[self._now] = []
            try:
                scope = dict(zip(self.dims(node), at, strict=True))
                entry = {} if None in at else self.decided(node).get(at, {})
                sample = scope.get(f"{node}.take") or 0, entry.get("reroll", 0)
                self._known[node, at] = self._instance(self.nodes[node], scope, sample, entry)
            except Gone as gone:
                self._known[node, at] = Instance(str(gone))
            finally:
                self._now = before
        return self._known[node, at]

    def _instance(self, node: dict[str, Any], scope: Scope, sample: tuple[int, int], entry: dict[str, Any]) -> Instance:
        for dim in [d for d, position in scope.items() if position is None]:
            self.list_at(dim, scope)  # raises
        when = node.get("when", True)
        if isinstance(when, dict):
            value = self.value(when["value"], scope)
            if value is HELD:
                raise Gone("held")
            against = self.value(when["is"] if "is" in when else when["in"], scope)
            when = value == against if "is" in when else value in against
        if not when:
            return Instance("skipped")
        pin = entry.get("pin")
        if pin is not None:
            value = self.made[pin.removeprefix("sha256:")]
            return Instance("pinned", value, pin.removeprefix("sha256:"))
        kind = KINDS[node["kind"]]
        written = {p.name: node[p.name] for p in kind.params if p.name in node}
        needs = [one for need in _list(node.get("needs", [])) for one in self.chosen(need, scope)]
        if node["kind"] == "fallback":
            return Instance("value", self._fallback(node["of"], scope, needs))
        for value in written.values():
            self._references(value, lambda ref: self._look(ref, scope))  # a look-up that misses comes before all else
        _check_needs(needs)
        given: dict[str, Any] = {}
        for name in [n for n in node if n in written]:
            lenient = name in _list(node.get("optional", []))
            try:
                value = self._as(kind.param(name).type, self.value(written[name], scope, lenient=lenient))  # type: ignore[union-attr]
            except Gone:
                if not lenient:
                    raise
                value = ABSENT
            if value is not ABSENT:
                given[name] = value
            elif kind.param(name).required:  # type: ignore[union-attr]
                raise Gone("failed")
        if any(map(_any_held, given.values())):
            raise Gone("held")
        return self._gate(given["show"], entry) if node["kind"] == "gate" else self._made(node, given, sample)

    def _gate(self, shown: Any, entry: dict[str, Any]) -> Instance:
        digest = "sha256:" + (shown.digest if isinstance(shown, Blob) else hashlib.sha256(encode(shown)).hexdigest())
        self.shown[self._now] = digest
        if entry.get("rejected") == digest:
            raise Gone("failed")
        return Instance("value", shown) if entry.get("approved") == digest else Instance("waiting")

    def _fallback(self, of: Any, scope: Scope, needs: list[Instance]) -> Any:
        """Return the first alternative that comes to something, having looked at none behind it."""
        fallback, first = self._now, True
        for item in _list(of):
            whole = isinstance(item, str) and _REFERENCE.fullmatch(item)
            several = self._look(whole[1], scope, lambda root, at: (root, at)) if whole and _named(item) else None
            places = [p for p in _flat(several) if p is not ABSENT] if isinstance(several, list) else [None]
            for place in places:
                if place is None:
                    self._references(item, lambda ref: self._look(ref, scope))
                else:
                    self.instance(*place)
                if first:
                    _check_needs(needs)
                first = False
                try:
                    value = self.value(item, scope) if place is None else self._of(self.instance(*place), place[0])
                except Gone as gone:
                    if str(gone) == "failed":  # by a path that leads nowhere
                        raise
                    used = self._used[fallback]
                    self._tried += [(fallback, one) for one in (used if place is None else [place])]
                    continue
                if value is ABSENT:
                    continue
                if _any_held(value):
                    raise Gone("held")
                return value
        if first:
            _check_needs(needs)
        raise Gone("failed")

    def _of(self, one: Instance, node: str) -> Any:
        if one.status in {"skipped", "blocked", "failed"}:
            raise Gone(
                "skipped" if one.status == "skipped" or self.nodes[node].get("on_error") == "skip" else "blocked"
            )
        return HELD if one.status in {"held", "waiting"} else one.value

    def _made(self, node: dict[str, Any], given: dict[str, Any], sample: tuple[int, int]) -> Instance:
        kind = KINDS[node["kind"]]
        defaults = {p.name: p.default for p in kind.params if p.default is not None}
        full = defaults | given
        if kind.evaluate is not None:
            try:
                return Instance("value", kind.evaluate(full))
            except NodeError:
                return Instance("failed")
        model = node.get("model", "")
        keyed = {n: v for n, v in given.items() if defaults.get(n) != v}
        key, call = (
            key_of(Manifest(kind.name, kind.version, keyed, model=model, take=sample[0], reroll=sample[1])),
            kinds.identity(kind.name, model, full),
        )
        try:
            made = kinds.made_of(kind.name, full, lambda blob: self.bytes[blob.digest], kinds.seed_of(*sample))
        except kinds.Fail:
            return Instance("failed", key=key, call=call)
        if isinstance(made, bytes):
            digest = Digest(hashlib.sha256(made).hexdigest())
            self.bytes[digest] = made
            made = Blob(digest, "audio", "audio/wav", len(made), kinds.facts_of(made))
        return Instance("done", made, key, call)

    def _as(self, want: Any, value: Any) -> Any:
        """Return a value in a parameter's type."""
        if value is ABSENT or value is HELD:
            return value
        if want.name == "text":
            return as_text(value)
        if want.name == "list":
            return [self._as(want.item, leaf) for leaf in _leaves(value) if leaf is not ABSENT]
        if want.name == "number":
            return float(value)
        return value

    # --- values

    def value(self, written: Any, scope: Scope, *, lenient: bool = False) -> Any:
        """Return what a TOML value stands for."""
        if isinstance(written, dict) and set(written) == {"file"}:
            return (self.folder / written["file"]).read_text(encoding="utf-8")
        if isinstance(written, list):
            made: list[Any] = []
            for item in written:
                try:
                    value = self.value(item, scope, lenient=lenient)
                except Gone:
                    if not lenient:
                        raise
                    continue
                spliced = (
                    isinstance(item, str)
                    and _REFERENCE.fullmatch(item)
                    and item[2:].split("[")[0].split("}")[0] in self.nodes
                )
                made.extend(value if spliced and isinstance(value, list) else [value])
            return [item for item in made if item is not ABSENT]
        if not isinstance(written, str):
            return written
        whole = _REFERENCE.fullmatch(written)
        if whole:
            return self.reference(whole[1], scope, lenient=lenient)
        parts, end = [], 0
        for found in _REFERENCE.finditer(written):
            part = as_text(self.reference(found[1], scope, lenient=lenient))
            if part is HELD:
                return HELD
            parts += [written[end : found.start()], part]
            end = found.end()
        return "".join([*parts, written[end:]])

    def reference(self, text: str, scope: Scope, *, lenient: bool = False) -> Any:
        root, steps = re.match(r"\w+", text)[0], [(m[1], m[2]) for m in _STEP.finditer(text)]  # type: ignore[index]
        if root == "params":
            return _walk(self.params[steps[0][0]], steps[1:])
        if root in {"index", "label", "each"}:
            dim = ".".join(name for name, _ in steps if name)
            if dim == "take":
                dim = [name for name in scope if name.endswith(".take")][-1]  # its own come last
            if root == "each":
                return self.list_at(dim, scope)
            return scope[dim] if root == "index" else self.labels(dim, scope)[scope[dim]]
        if root in self.each or root in {"prev", "next"}:
            dim, rest = (root, steps) if root in self.each else (steps[0][0], steps[1:])
            position = scope[dim] + {"prev": -1, "next": 1}.get(root, 0)
            elements = self.list_at(dim, scope)
            return _walk(elements[position], rest) if 0 <= position < len(elements) else ABSENT
        picked = bool(self.dims(root)) and bool(steps) and steps[0][1] is not None
        rest = steps[1:] if picked else steps

        def shape(chosen: Any) -> Any:
            if isinstance(chosen, list):
                return [item for item in map(shape, chosen) if item is not ABSENT]
            if chosen is ABSENT:
                return ABSENT
            if lenient and chosen.status in {"skipped", "blocked", "failed"}:
                return ABSENT
            value = self._of(chosen, root)
            return value if value is HELD else _walk(value, rest)

        return shape(self._look(text, scope))

    def chosen(self, text: str, scope: Scope) -> list[Instance]:
        return [one for one in _leaves(self._look(text, scope)) if one is not ABSENT]

    def _look(self, text: str, scope: Scope, make: Callable[[str, Any], Any] | None = None) -> Any:
        """Return the instance a reference chooses (or what `make` makes of its place), or nested lists of them; ABSENT before
        the first.
        """
        make = make or self.instance
        root = re.match(r"\w+", text)[0]  # type: ignore[index]
        if root not in self.nodes:
            return ABSENT
        dims, picks = self.dims(root), {}
        bracket = re.match(r"\w+\[([^\]]*)\]", text)
        for arg in bracket[1].split(",") if bracket and dims and bracket[1] != "*" else []:
            dim, pick = re.match(r"\s*(?:(\w+)=)?(.*)", arg).groups()  # type: ignore[union-attr]
            dim, pick = (f"{root}.take" if name == "take" else name for name in (dim, pick))
            own = re.match(r"([\w.]+?)(-\d+)?$", pick)
            picks[dim or (own[1] if own and own[1] in dims else next(d for d in dims if d not in picks))] = pick

        def walk(at: tuple[int, ...]) -> Any:
            if len(at) == len(dims):
                return make(root, at)
            dim, reached = dims[len(at)], dict(zip(dims, at, strict=False))
            try:
                count, labels = len(self.list_at(dim, reached)), self.labels(dim, reached)
            except Gone:
                return make(root, (*at, *[None] * (len(dims) - len(at))))
            pick = picks.get(dim)
            if pick is None:
                return [walk((*at, position)) for position in range(count)]
            shifted = re.fullmatch(rf"{dim}(-\d+)?", pick)
            if shifted:
                position = scope[dim] + int(shifted[1] or 0)
                return walk((*at, position)) if 0 <= position < count else ABSENT
            by = int(pick) if pick.isdigit() else pick[1:-1] if pick[0] == "'" else self.reference(pick, scope)
            if by is ABSENT:
                return ABSENT
            if by not in (labels if isinstance(by, str) else range(count)):
                raise Gone("failed")
            return walk((*at, labels.index(by) if isinstance(by, str) else by))

        return walk(())

    def _references(self, written: Any, see: Callable[[str], Any]) -> None:
        for item in written if isinstance(written, list) else [written]:
            for found in _REFERENCE.finditer(item) if isinstance(item, str) else ():
                see(found[1])


def as_text(value: Any) -> str:
    """Return what joining makes of a value."""
    if isinstance(value, str) or value in (ABSENT, HELD):
        return "" if value is ABSENT else value
    if _any_held(value):
        return HELD
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _walk(value: Any, steps: list[tuple[str | None, str | None]]) -> Any:
    for name, index in steps:
        if name == "duration":
            value = value.facts["duration_ms"] / 1000
        elif name is not None and isinstance(value, dict):
            value = value.get(name, ABSENT)
        elif index is not None and index.isdigit() and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif value is not ABSENT:
            raise Gone("failed")
    return value


def _check_needs(needs: list[Instance]) -> None:
    for one in needs:
        if one.status in {"failed", "blocked"}:
            raise Gone("blocked")
        if one.status in {"held", "waiting"}:
            raise Gone("held")


def _any_held(value: Any) -> bool:
    return any(one is HELD for one in _leaves(value))


def _flat(chosen: Any) -> list[Any]:
    return [leaf for item in chosen for leaf in _flat(item)] if isinstance(chosen, list) else [chosen]


def _named(written: Any) -> list[str]:
    """Return the names with which references in something written begin."""
    if isinstance(written, dict):
        written = list(written.values())
    if isinstance(written, list):
        return [name for item in written for name in _named(item)]
    return [m[1].split("[")[0].split(".")[0] for m in _REFERENCE.finditer(written)] if isinstance(written, str) else []


def _label(element: Any, position: int) -> str:
    named = element.get("id") if isinstance(element, dict) else element
    return named if isinstance(named, str) and re.fullmatch(r"[-\w.:]{1,40}", named, re.ASCII) else str(position)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]
