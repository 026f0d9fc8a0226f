"""Turn a string of the graph language into text or a Template. Knows no node, no parameter, no type.

    text       any characters; `$${` is a literal `${`
    reference  ${ ROOT step* }            step  .NAME | [ arg, ... ]
    arg        * | POSITION | 'label' | DIMENSION='label' | a.dotted.path | DIMENSION-1

One pass: what a reference gives is never read again. There are no expressions, calls or environment variables.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from dagcontent.spec.model import Arg, Bracket, FieldStep, PathArg, Ref, Template

__all__ = ["Problem", "parse", "parse_need"]

_NEED_NAME: Final = frozenset({"params", "prev", "next", "index", "label", "each"})
_SIMPLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER: Final = re.compile(r"[0-9]+")
_OFFSET: Final = re.compile(r"[ ]*([-+])[ ]*([0-9]+)")
_BLANKS: Final = re.compile(r"[ \t\n]*")
_MAX_POSITION_DIGITS: Final = 9
_MAX_PROBLEMS: Final = 20
"""In one string: what follows is hardly a reference, and each look ahead reads the rest of the text."""
_NO_EXPRESSIONS: Final = "references hold no expressions, calls or filters: compute it in a node"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a reference, at which offsets of the string, and what would be right."""

    message: str
    start: int
    end: int
    hint: str = ""


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(message, start, end, hint)


def parse(text: str, problems: list[Problem]) -> str | Template:
    """Return the text itself when it has no reference, else its parts; adds every mistake to `problems`.

    A reference that cannot be read is left out of the parts.
    """
    at = text.find("${")
    if at < 0:
        return text
    parts: list[str | Ref] = []
    plain = ""
    done = 0
    enough = len(problems) + _MAX_PROBLEMS
    while at >= 0 and len(problems) < enough:
        if at > done and text[at - 1] == "$":
            plain += text[done : at - 1] + "${"
            done = at + 2
        else:
            plain += text[done:at]
            try:
                ref, done = _reference(text, at)
            except _Wrong as wrong:
                problems.append(wrong.problem)
                done = _resume(text, at)
            else:
                if plain:
                    parts.append(plain)
                    plain = ""
                parts.append(ref)
        at = text.find("${", done)
    plain += text[done:]
    if not parts:
        return plain
    if plain:
        parts.append(plain)
    return Template(tuple(parts))


def parse_need(text: str, problems: list[Problem]) -> Ref | None:
    """Read one of `needs`: `ok` or `ok[scene]`, without `${}` and without a path into the value."""
    if text.startswith("${"):
        inner = text[2:-1] if text.endswith("}") else text[2:]
        problems.append(Problem("`needs` names nodes, it takes no value", 0, len(text), f'write "{inner}"'))
        return None
    name = _NAME.match(text)
    if name is None:
        problems.append(Problem(f"`{text}` is not the name of a node", 0, len(text), 'write "ok" or "ok[scene]"'))
        return None
    try:
        steps, end = _steps(text, name.end())
        if end != len(text):
            message = f"`{text}` cannot be read from `{text[end:]}` on"
            raise _Wrong(message, end, len(text), 'write "ok" or "ok[scene]"')
        for step in steps:
            if isinstance(step, FieldStep):
                message = f"`needs` names nodes, not parts of their output: `.{step.name}`"
                raise _Wrong(message, 0, len(text), f'write "{name[0]}"')
    except _Wrong as wrong:
        problems.append(wrong.problem)
        return None
    return Ref(text, name[0], steps, 0, len(text))


def _resume(text: str, at: int) -> int:
    """Return where to look for the next reference after one that cannot be read."""
    close = text.find("}", at)
    following = text.find("${", at + 2)
    if close < 0:
        return len(text) if following < 0 else following
    return close + 1 if following < 0 or close < following else following


def _reference(text: str, start: int) -> tuple[Ref, int]:
    simple = _SIMPLE.match(text, start)
    if simple is not None and simple[1] not in _NEED_NAME:
        fields = tuple(map(FieldStep, simple[2].split(".")[1:])) if simple[2] else ()
        return Ref(simple[0], simple[1], fields, start, simple.end()), simple.end()
    name = _NAME.match(text, start + 2)
    if name is None:
        raise _no_name(text, start)
    steps, end = _steps(text, name.end())
    if not text.startswith("}", end):
        raise _no_end(text, start, end)
    end += 1
    root = name[0]
    whole = text[start:end]
    if root in _NEED_NAME and not (steps and isinstance(steps[0], FieldStep)):
        message = f"`{root}` stands before a name"
        raise _Wrong(message, start, end, f"write `${{{root}.NAME}}`")
    return Ref(whole, root, steps, start, end), end


def _steps(text: str, at: int) -> tuple[tuple[FieldStep | Bracket, ...], int]:
    steps: list[FieldStep | Bracket] = []
    while at < len(text):
        if text[at] == ".":
            name = _NAME.match(text, at + 1)
            if name is None:
                raise _bad_segment(text, at)
            steps.append(FieldStep(name[0]))
            at = name.end()
        elif text[at] == "[":
            bracket, at = _bracket(text, at)
            steps.append(bracket)
        else:
            break
    return tuple(steps), at


def _bracket(text: str, start: int) -> tuple[Bracket, int]:
    args: list[Arg] = []
    at = _blanks(text, start + 1)
    if text.startswith("]", at):
        message = "empty brackets choose nothing"
        raise _Wrong(message, start, at + 1, "write a dimension, a position, a label in single quotes, or `*` for all")
    while True:
        arg, at = _argument(text, at)
        args.append(arg)
        at = _blanks(text, at)
        if text.startswith("]", at):
            return Bracket(tuple(args)), at + 1
        if not text.startswith(",", at):
            if at >= len(text) or text[at] == "}":
                message = "these brackets are not closed"
                raise _Wrong(message, start, at, "add `]`")
            message = f"`{text[at]}` cannot stand in brackets here"
            raise _Wrong(message, at, at + 1, _NO_EXPRESSIONS)
        at = _blanks(text, at + 1)


def _argument(text: str, at: int) -> tuple[Arg, int]:
    char = text[at : at + 1]
    if char == "*":
        return Arg(None), at + 1
    if char == "'":
        label, end = _label(text, at)
        return Arg(label), end
    number = _NUMBER.match(text, at)
    if number is not None:
        return _position(text, at, number.end())
    path = _PATH.match(text, at)
    if path is not None:
        return _path_argument(text, at, path)
    if char == '"':
        end = text.find('"', at + 1) + 1 or len(text)
        message = "labels and keys in brackets stand in single quotes"
        raise _Wrong(message, at, end, f"write '{text[at + 1 : end].rstrip(chr(34))}'")
    if char == "-":
        message = "positions count from 0, from the front"
        raise _Wrong(message, at, at + 2, "an earlier instance is written `[scene-1]`")
    message = "brackets hold a dimension, a position, a label in single quotes, or `*`"
    raise _Wrong(message, at, min(at + 1, len(text)), "" if char in {"", "]"} else _NO_EXPRESSIONS)


def _position(text: str, at: int, end: int) -> tuple[Arg, int]:
    follow = _NAME.match(text, end)
    if follow is not None or text[end : end + 1] in {".", "-", ":"}:
        stop = re.compile(r"[^\],}]*").match(text, at)
        end = stop.end() if stop else end
        message = f"`{text[at:end]}` is neither a position nor a name"
        raise _Wrong(message, at, end, f"a label stands in single quotes: '{text[at:end]}'")
    if end - at > _MAX_POSITION_DIGITS:
        message = "no list is that long"
        raise _Wrong(message, at, end)
    return Arg(int(text[at:end])), end


def _path_argument(text: str, at: int, path: re.Match[str]) -> tuple[Arg, int]:
    end = path.end()
    parts = tuple(path[0].split("."))
    equals = _blanks(text, end)
    if text.startswith("=", equals):
        if len(parts) > 1:
            message = f"`{path[0]}` is not the name of a dimension"
            raise _Wrong(message, at, end, "write `dimension='label'`")
        begin = _blanks(text, equals + 1)
        number = _NUMBER.match(text, begin) if parts == ("take",) else None
        if number is not None:
            arg, end = _position(text, begin, number.end())
            return Arg(arg.value, "take"), end
        if not text.startswith("'", begin):
            stop = _blanks(text, begin)
            what, example = ("its number", "0") if parts == ("take",) else ("a label in single quotes", "'label'")
            message = f"after `{path[0]}=` comes {what}"
            raise _Wrong(message, at, max(stop, equals + 1), f"write `{path[0]}={example}`")
        label, end = _label(text, begin)
        return Arg(label, path[0]), end
    offset = _OFFSET.match(text, end)
    if offset is not None:
        if len(parts) > 1 or (offset[1], offset[2]) != ("-", "1"):
            message = f"`{text[at : offset.end()]}` is not a way to choose an instance"
            raise _Wrong(message, at, offset.end(), "only the one before can be named, as `[scene-1]`")
        return Arg(PathArg(parts, -1)), offset.end()
    if text.startswith("[", end) or text.startswith("(", end):
        message = "a look-up is a dotted path, without brackets or calls of its own"
        raise _Wrong(message, at, end + 1, "write `[shot.cast]`")
    return Arg(PathArg(parts)), end


def _label(text: str, at: int) -> tuple[str, int]:
    end = text.find("'", at + 1)
    if end < 0:
        message = "this label is not closed"
        raise _Wrong(message, at, len(text), "add a single quote")
    return text[at + 1 : end], end + 1


def _blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _no_name(text: str, start: int) -> _Wrong:
    after = _blanks(text, start + 2)
    if text.startswith("}", after):
        return _Wrong("this reference is empty", start, after + 1, "write `${node}`, or `$${` for a literal `${`")
    end = _resume(text, start)
    if after > start + 2 and _NAME.match(text, after):
        inner = text[start + 2 : end].rstrip("}").strip()
        return _Wrong("a reference has no blanks around its name", start, end, f"write `${{{inner}}}`")
    return _Wrong("a reference begins with a name", start, end, "write `${node}`, or `$${` for a literal `${`")


def _no_end(text: str, start: int, end: int) -> _Wrong:
    close = text.find("}", end)
    if close < 0 or "${" in text[end:close]:
        return _Wrong("this reference is not closed", start, end, "add `}`, or write `$${` for a literal `${`")
    whole = text[start : close + 1]
    if not text[end:close].strip():
        return _Wrong("a reference has no blanks around its name", start, close + 1, f"write `{text[start:end]}}}`")
    if text[end] == "-" and _NAME.match(text, end + 1):
        hint = (
            f"a key that is no plain name stands in brackets: ['{text[start + 2 : close].rsplit('.', maxsplit=1)[-1]}']"
        )
        return _Wrong(f"`{whole}` cannot be read from `-` on", end, close, hint)
    return _Wrong(f"`{whole}` cannot be read from `{text[end:close]}` on", end, close, _NO_EXPRESSIONS)


def _bad_segment(text: str, at: int) -> _Wrong:
    number = _NUMBER.match(text, at + 1)
    if number is not None:
        return _Wrong("a position stands in brackets", at, number.end(), f"write `[{number[0]}]`")
    if text.startswith("*", at + 1):
        return _Wrong("`*` stands in brackets", at, at + 2, "write `[*]`")
    return _Wrong("after a dot comes a plain name", at, at + 1, "a key with other characters is written ['Shot type']")
