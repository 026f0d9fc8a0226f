"""Turn TOML values into values of the graph language: templates parsed, files found, types checked. Knows no node.

What holds a reference is left for the linker, which knows the types of nodes; only what can be said without them is
said here: a number where text is meant, text joined where a picture is meant.
"""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dagcontent.spec.beside import Beside
from dagcontent.spec.document import Files
from dagcontent.spec.findings import Findings
from dagcontent.spec.model import AssetPath, FileText, Template, TomlPath
from dagcontent.spec.reference import Problem, parse
from dagcontent.spec.words import a_type, a_value
from dagcontent.values.types import AUDIO, VIDEO, Type

__all__ = ["SUFFIXES", "Literals", "Spot"]

SUFFIXES: Final = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"), "image"),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"), "audio"),
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".m4v", ".avi"), "video"),
    **dict.fromkeys((".srt", ".vtt", ".ass"), "subtitles"),
    ".pdf": "document",
}
_INT64: Final = 2**63
_DATES: Final = (dt.date, dt.time)


class Spot(msgspec.Struct, frozen=True):
    """Where a value stands: file, its folder, TOML path."""

    file: int
    folder: str
    path: TomlPath

    def step(self, key: str | int) -> Spot:
        """Return the spot of an element."""
        return Spot(self.file, self.folder, (*self.path, key))


class Literals:
    """Converts values; every mistake goes to the findings."""

    def __init__(self, files: Files, beside: Beside, findings: Findings) -> None:
        self._files = files
        self.beside = beside
        self.findings = findings
        self._templates: dict[str, tuple[int, str | Template]] = {}

    def within(self, folder: str) -> Literals:
        """Return what reads the values of another graph of this load, which reads only what is in its own folder."""
        made = Literals(self._files, Beside(folder, self._files.looked), self.findings)
        made._templates = self._templates
        return made

    def has_header(self, file: int, path: TomlPath) -> bool:
        """Tell whether the table at a path is written with a header of its own. Scans the file: for mistakes only."""
        return self._files.sources[file].has_header(path)

    def string(self, text: str, spot: Spot) -> str | Template:
        """Parse a string; every bad reference is noted."""
        if "$" not in text:
            return text
        problems: list[Problem] = []
        parsed = parse(text, problems)
        for problem in problems:
            self.findings.add(
                spot.file, spot.path, problem.message, within=(problem.start, problem.end), caret=problem.hint
            )
        return parsed

    def wrong(self, spot: Spot, message: str, caret: str = "", note: str = "") -> None:
        """Note a mistake at a value."""
        self.findings.add(spot.file, spot.path, message, caret=caret, note=note)

    def data(self, value: Any, spot: Spot) -> Any:
        """Convert a value of no particular type: JSON in which strings may hold references."""
        if isinstance(value, str):
            return self.string(value, spot) if "$" in value else value
        if isinstance(value, list):
            items = [self.data(item, spot.step(i)) for i, item in enumerate(value)]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        if isinstance(value, dict):
            table = {key: self.data(item, spot.step(key)) for key, item in value.items()}
            return table if any(table[key] is not value[key] for key in value) else value
        self._plain(value, spot)
        return value

    def typed(self, value: Any, types: Sequence[Type], name: str, spot: Spot) -> Any:
        """Convert the value of a parameter that accepts any of these types."""
        if isinstance(value, str):
            text = self.string(value, spot) if "$" in value else value
            if isinstance(text, Template):
                if text.whole is None and not any(_takes_text(t) for t in types):
                    message = f"`{name}` takes {a_type(types)}, and joined text is text"
                    self.wrong(spot, message, "a value keeps its type where the string is exactly one reference")
                return text
            value = text
        if isinstance(value, dict) and len(value) == 1 and not isinstance(next(iter(value.values())), dict):
            form = next(iter(value))
            if form in {"file", "template"} and any(_takes_text(t) and not t.choices for t in types):
                return self.file_text(value, spot)
        target = _target(value, types)
        if target is None:
            self._mismatch(value, types, name, spot)
            return value
        return self._into(value, target, types, name, spot)

    def file_text(self, value: dict[str, Any], spot: Spot) -> Any:
        """Convert `{ file = F }` or `{ template = F }`."""
        form, written = next(iter(value.items()))
        inner = spot.step(form)
        if not isinstance(written, str):
            self.wrong(inner, f"`{form}` takes the path of a file, not {a_value(written)}")
            return value
        path = self.path(written, inner)
        if path is None:
            return value
        if form == "file":
            return FileText(path)
        read = self._template(path, inner)
        return value if read is None else FileText(path, read[1], read[0])

    def path(self, written: str, spot: Spot) -> str | None:
        """Return the absolute path of a file that may be read; what is wrong with it is noted."""
        path, wrong = self.beside.resolve(spot.folder, written)
        if wrong is not None:
            self.wrong(spot, *wrong)
            return None
        return path

    def json_file(self, value: dict[str, Any], spot: Spot) -> Any:
        """Return the content of `{ file = F }` as JSON, for what is looked at before anything runs."""
        inner = spot.step("file")
        written = value["file"]
        path = self.path(written, inner)
        if path is None:
            return None
        try:
            content = msgspec.json.decode(self._files.bytes_of(path))
        except OSError as error:
            self.wrong(inner, f"`{written}` cannot be read: {error.strerror or error}")
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            self.wrong(inner, f"`{written}` is not JSON: {error}")
        else:
            return content
        return None

    def _template(self, path: str, spot: Spot) -> tuple[int, str | Template] | None:
        if path not in self._templates:
            known = self._files.index(path)
            if known is not None:
                self.wrong(spot, "a graph file is no template")
                return None
            try:
                data = self._files.bytes_of(path)
            except (OSError, ValueError) as error:
                self.wrong(spot, f"this file cannot be read: {getattr(error, 'strerror', None) or error}")
                return None
            index, text = self._files.text(path, data)
            problems: list[Problem] = []
            parsed = parse(text, problems)
            for problem in problems:
                self.findings.add(index, (problem.start, problem.end), problem.message, caret=problem.hint)
            self._templates[path] = (index, parsed)
        return self._templates[path]

    def _into(self, value: Any, target: Type, types: Sequence[Type], name: str, spot: Spot) -> Any:
        if target.name == "any" and isinstance(value, list):  # of anything: of files too
            return [self.typed(item, (target,), name, spot.step(i)) for i, item in enumerate(value)]
        if target.name in {"json", "any"}:
            return self.data(value, spot)
        if target.name == "list":
            if target.item is None:
                return self.data(value, spot)
            if not isinstance(value, list):
                return self._into(value, target.item, types, name, spot)
            return self._items(value, target, types, name, spot)
        if target.name == "record":
            return self._table(value, target, spot)
        if target.artifact:
            return self._asset(value, target, types, spot)
        self._plain(value, spot)
        if target.choices and value not in target.choices:
            hint = self.findings.suggestion(value, target.choices) or "allowed: " + ", ".join(target.choices)
            self.wrong(spot, f"`{name}` cannot be `{value}`", hint)
        return value

    def _items(self, value: list[Any], target: Type, types: Sequence[Type], name: str, spot: Spot) -> list[Any]:
        # Nested lists are flattened in order when the value is used, so an element may be a list again.
        inner = tuple({item.name: item for t in types if t.name == "list" and (item := t.item)}.values())
        return [self.typed(item, (*inner, target), name, spot.step(i)) for i, item in enumerate(value)]

    def _table(self, value: dict[str, Any], target: Type, spot: Spot) -> dict[str, Any]:
        # Which fields there are is judged by those who know the parameter.
        types = {field.name: (field.type, VIDEO) if field.type == AUDIO else (field.type,) for field in target.fields}
        return {
            key: self.typed(item, types[key], key, spot.step(key)) if key in types else self.data(item, spot.step(key))
            for key, item in value.items()
        }

    def _asset(self, written: str, target: Type, types: Sequence[Type], spot: Spot) -> Any:
        path = self.path(written, spot)
        if path is None:
            return written
        names = {found.name for t in types if (found := t.item if t.item is not None else t).artifact}
        guess = SUFFIXES.get(os.path.splitext(path)[1].lower())
        if guess is not None and guess not in names:
            self.wrong(spot, f"`{written}` looks like {a_type((Type(guess),))}, and {a_type(types)} is meant")
        return AssetPath(path, guess if guess is not None and guess in names else target.name)

    def _plain(self, value: Any, spot: Spot) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            self.wrong(spot, f"{value} is not a number that can be used", "write a finite number")
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            self.wrong(spot, "this number does not fit into 64 bits")
        elif isinstance(value, _DATES):
            self.wrong(spot, f"{a_value(value)} is no value of the graph language", "text is written in quotes")

    def _mismatch(self, value: Any, types: Sequence[Type], name: str, spot: Spot) -> None:
        self.wrong(spot, f"`{name}` takes {a_type(types)}, not {a_value(value)}", _cure(value, types))


def _takes_text(type_: Type) -> bool:
    if type_.name == "list":
        return type_.item is None or _takes_text(type_.item)
    return type_.name in {"text", "json", "any"}


def _target(value: Any, types: Sequence[Type]) -> Type | None:
    """Return the first type that a value of this shape can be of."""
    for type_ in types:
        if _shape_fits(value, type_):
            return type_
    return None


def _shape_fits(value: Any, type_: Type) -> bool:
    name = type_.name
    if name in {"json", "any"}:
        return True
    if name == "list":
        return isinstance(value, list) or (type_.item is not None and _shape_fits(value, type_.item))
    if name == "text" or type_.artifact:
        return isinstance(value, str)
    if name == "boolean":
        return isinstance(value, bool)
    if name == "record":
        return isinstance(value, dict)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (name == "number" and isinstance(value, float))


def _cure(value: Any, types: Sequence[Type]) -> str:
    names = {t.name for t in types}
    if isinstance(value, str):
        if names & {"number", "integer"}:
            cleaned = value.strip().rstrip("s").strip()
            try:
                number = float(cleaned)
            except ValueError:
                return "write a number, without quotes"
            whole = number.is_integer() if math.isfinite(number) else False
            return f"write {int(number) if whole else cleaned} without quotes"
        if "boolean" in names:
            return "write true or false, without quotes"
    if isinstance(value, _DATES) and names & {"number", "integer"}:
        return "digits with - or : between them are a date or a time: write one plain number (of seconds, of pixels)"
    if isinstance(value, float) and "integer" in names and value.is_integer():
        return f"write {int(value)}"
    if "text" in names and not isinstance(value, dict | list):
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        return f'text is written in quotes: "{shown}"'
    if isinstance(value, list):
        return "one is meant, not a list"
    if isinstance(value, dict) and isinstance(value.get("file"), str):
        return f'write the path alone: "{value["file"]}"'
    return ""
