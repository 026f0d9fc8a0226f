"""Turn the TOML parser's complaint into a mistake that says what would be right. Knows TOML, no graph language.

The parser stops at the first fault, so there is one a file. Its offset is often behind the fault: it is moved to
where a person would point.
"""

from __future__ import annotations

import re
from typing import Final

from dagcontent.spec.model import TomlPath
from dagcontent.spec.span import Span, scan
from dagcontent.values.mistake import Mistake

__all__ = ["explain"]

_WORD: Final = re.compile(r"[^\s,\]}#=]+")
_REST: Final = re.compile(r"[^\n]*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REFERENCE: Final = re.compile(r"\$\{[^}\n]*\}")
_QUOTES: Final = "“”„‟‘’‚«»"
_STATEMENT: Final = re.compile(r"[ \t]*(?P<key>[A-Za-z0-9_.\"' -]+?)[ \t]*=[ \t]*(?P<value>[^\n]*)")
_STRING_HINT: Final = 'text stands in double quotes; over several lines, in three: """'


def explain(file: int, text: str, message: str, at: int) -> Mistake:
    """Return the mistake that the parser found at an offset of the text."""
    if message.startswith(("Cannot ", "Duplicate ")):
        return _twice(file, text, message, at)
    at = min(at, len(text))
    for begins, explained in _RULES:
        if message.startswith(begins):
            return explained(file, text, at)
    word = _WORD.match(text, at)
    return Mistake(f"not TOML: {message[:1].lower()}{message[1:]}", file, (at, word.end() if word else at + 1))


def _twice(file: int, text: str, message: str, at: int) -> Mistake:
    """A name given twice: the parser says only where the second one ends."""
    found = scan(text, at)
    # The parser stops at the first one: anything the scan has beyond it was not there yet when it stopped.
    clashes = [clash for clash in found.twice if clash[2][0] <= at]
    if not clashes:
        start = text.rfind("\n", 0, at) + 1
        return Mistake(f"not TOML: {message[:1].lower()}{message[1:]}", file, (start, max(at, start + 1)))
    path, first, second = clashes[0]
    what = _spoken(path)
    caret = "rename one of them, or leave one out"
    if path[0] == "node" and len(path) == 2:
        what = f"node `{path[1]}`"
    return Mistake(
        f"{what} is given twice",
        file,
        _shown(text, second),
        caret=caret,
        also=((file, _shown(text, first), "given here first"),),
    )


def _shown(text: str, span: Span) -> tuple[int, int]:
    """Return the header where it is one, else the key."""
    key_start, key_end, start, end = span
    return (start, end) if text.startswith("[", start) and start < key_start else (key_start, key_end)


def _spoken(path: TomlPath) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    return f"`{'.'.join(names)}`"


def _invalid_value(file: int, text: str, at: int) -> Mistake:
    word = _WORD.match(text, at)
    rest = _REST.match(text, at)
    written = word[0] if word else ""
    line = rest[0].partition(" #")[0].strip() if rest else ""
    end = at + max(1, len(written))
    if not line:
        return Mistake(
            "a value is missing here", file, (at, at + 1), caret='write it after the `=`: "text", 5, true, [...]'
        )
    if line[0] in _QUOTES:
        return Mistake("these quotes are typographic", file, (at, at + 1), caret='write straight ones: "')
    if written.lower() in {"true", "false"}:
        return Mistake(f"`{written}` is no value", file, (at, end), caret=f"write {written.lower()}")
    if written.lower() in {"null", "none", "nil", "yes", "no", "on", "off"}:
        caret = "write true or false" if written.lower() in {"yes", "no", "on", "off"} else "leave the line out"
        return Mistake(f"`{written}` is no value of TOML", file, (at, end), caret=caret)
    if written.startswith("."):
        return Mistake("a number begins with a digit", file, (at, end), caret=f"write 0{written}")
    reference = _REFERENCE.match(text, at)
    if reference is not None:
        caret = f'write "{reference[0]}"'
        return Mistake("a reference stands in quotes, as text does", file, (at, reference.end()), caret=caret)
    if written[:1].isalpha() or written.startswith(("/", "~", "$")):
        shown = re.split(r"[,\]}]", line)[0].strip() if _in_brackets(text, at) else line
        return Mistake("text stands in quotes", file, (at, at + len(shown)), caret=f'write "{shown[:60]}"')
    return Mistake(f"`{written or line[:20]}` is no value of TOML", file, (at, end), caret=_STRING_HINT)


def _in_brackets(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    return any(char in text[start:at].partition("=")[2] for char in "[{")


def _after(file: int, text: str, at: int) -> Mistake:
    rest = _REST.match(text, at)
    line = rest[0].strip() if rest else ""
    end = at + max(1, len(line))
    start = text.rfind("\n", 0, at) + 1
    statement = _STATEMENT.match(text, start)
    if line.startswith(","):
        return Mistake(
            "no comma stands after a value here", file, (at, at + 1), caret="leave it out: each key has its own line"
        )
    if statement is not None and re.match(r"[+-]?[0-9]", statement["value"]) and not line.startswith(("=", "[")):
        value = statement["value"].partition(" #")[0].strip()
        if _DATE.match(value):
            return _date(file, text, statement.start("value"))
        return Mistake(
            "this is neither a number nor text",
            file,
            (statement.start("value"), end),
            caret=f'text stands in quotes: "{value[:60]}"',
        )
    if statement is not None and "=" in line and not statement["value"].startswith(('"', "'")):
        return Mistake("two statements in one line", file, (at, end), caret="each key has its own line")
    if statement is not None and statement["value"].startswith('"'):
        caret = 'quotes inside text are written \\"'
        return Mistake("the text ends before this", file, (at, end), caret=caret)
    return Mistake("nothing may follow here", file, (at, end), caret="begin a new line")


def _no_equals(file: int, text: str, at: int) -> Mistake:
    start = text.rfind("\n", 0, at) + 1
    key = text[start:at].strip()
    char = text[at : at + 1]
    if char == ":":
        return Mistake("`:` does not give a value", file, (at, at + 1), caret=f"write {key} = ...")
    if char in {"", "\n"}:
        begin = at - len(text[start:at].lstrip())
        return Mistake(f"`{key[:60]}` has no value", file, (begin, at), caret=f"write {key[:60]} = ...")
    return Mistake(
        f"`=` is expected after `{key[:60]}`", file, (at, at + 1), caret="names with other characters stand in quotes"
    )


def _backslash(file: int, text: str, at: int) -> Mistake:
    start = max(text.rfind("\\", 0, at), 0)
    caret = "in a path write / ; a backslash itself is \\\\, or put the text in single quotes"
    return Mistake(
        "a backslash in double quotes begins an escape, and this is none",
        file,
        (start, min(start + 2, len(text))),
        caret=caret,
    )


def _string_end(file: int, text: str, at: int) -> Mistake:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    statement = _STATEMENT.match(text, start)
    begin = statement.start("value") if statement is not None else start + max(line.find('"'), 0)
    if statement is not None and statement["value"][:1] not in {'"', "'"}:
        begin = max(text.rfind('"', start, at), start)
    return Mistake("this text is not closed", file, (begin, max(at, begin + 1)), caret=_STRING_HINT)


def _control(file: int, text: str, at: int) -> Mistake:
    if text[at : at + 1] == "\n":
        return _string_end(file, text, at)
    return Mistake(f"a control character: {text[at : at + 1]!r}", file, (at, at + 1), caret="remove it")


def _array(file: int, text: str, at: int) -> Mistake:
    return _between(file, text, at, "list", "]")


def _table(file: int, text: str, at: int) -> Mistake:
    return _between(file, text, at, "table", "}")


def _between(file: int, text: str, at: int, what: str, end: str) -> Mistake:
    before = len(text[:at].rstrip())
    here = at if text[at : at + 1].strip() else max(before - 1, 0)
    return Mistake(
        f"a comma or `{end}` is missing in this {what}",
        file,
        (here, here + 1),
        caret=f"elements are parted by commas, the {what} ends with {end}",
    )


def _header(file: int, text: str, at: int) -> Mistake:
    start = text.rfind("\n", 0, at) + 1
    line = _REST.match(text, start)
    caret = "write [node.name]; names with other characters stand in quotes"
    return Mistake("this header cannot be read", file, (start, line.end() if line else at + 1), caret=caret)


def _key(file: int, text: str, at: int) -> Mistake:
    char = text[at : at + 1]
    if char in {"", "\n"}:
        at = max(at - 1, 0)
    caret = "a key is letters, digits, _ and -; anything else stands in quotes"
    return Mistake("a key is expected here", file, (at, at + 1), caret=caret)


def _statement(file: int, text: str, at: int) -> Mistake:
    rest = _REST.match(text, at)
    line = rest[0].rstrip() if rest else ""
    if line.startswith(("//", "/*", "--", ";")):
        return Mistake("comments begin with #", file, (at, at + 2), caret="write #")
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return Mistake("the mark of a merge that was not finished", file, (at, at + len(line)), caret="finish it")
    if line.startswith(("{", "}", "]", ")")):
        return Mistake(
            f"`{line[0]}` closes or opens nothing here", file, (at, at + 1), caret="look for a bracket above"
        )
    return Mistake(
        "this is neither a header nor `key = value`", file, (at, at + max(1, len(line))), caret="write key = value"
    )


def _date(file: int, text: str, at: int) -> Mistake:
    word = _WORD.match(text, at)
    caret = "digits with - between them are a date: write a number, or text in quotes"
    return Mistake("there is no such date", file, (at, word.end() if word else at + 1), caret=caret)


_RULES: Final = (
    ("Invalid value", _invalid_value),
    ("Expected newline", _after),
    ("Expected '=' after", _no_equals),
    ("Unescaped", _backslash),
    ("Invalid hex value", _backslash),
    ("Escaped character is not", _backslash),
    ("Unterminated string", _string_end),
    ('Expected "\'"', _string_end),
    ("Expected \"'''\"", _string_end),
    ("Illegal character", _control),
    ("Found invalid character", _control),
    ("Unclosed array", _array),
    ("Unclosed inline table", _table),
    ("Expected ']", _header),
    ("Invalid initial character", _key),
    ("Invalid statement", _statement),
    ("Invalid date", _date),
)
