"""Turn the keys that every node has into their types. Knows no kind; what a key does is not known here either."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from dagcontent.kinds.declaration import WORKED_OUT, Kind
from dagcontent.spec.beside import written_wrongly
from dagcontent.spec.dimensions import Dimensions
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import Place, Ref, Template
from dagcontent.spec.reference import Problem, parse_need
from dagcontent.spec.words import a_value, listed
from dagcontent.values.snap import SNAPS

__all__ = ["LATER", "NodeKeys"]

LATER: Final = {
    "on_block": "`on_block` is",
    "max_cost_usd": "`max_cost_usd` is",
}
"""Common keys that this version cannot obey."""

_DURATION: Final = re.compile(r"(?=.)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s)?")
_MAX_RETRIES: Final = 100
_MAX_TAKES: Final = 1_000
_OF_TAKES: Final = re.compile(r"[a-z][a-z0-9_]*\.take")
_WHEN: Final = ("value", "is", "is_not", "in")


class NodeKeys:
    """Reads common keys; every mistake goes to the findings."""

    def __init__(self, literals: Literals, findings: Findings, dimensions: Dimensions) -> None:
        self._literals = literals
        self._findings = findings
        self._dimensions = dimensions.good
        self._broken = dimensions.broken
        self._readers: dict[str, Callable[[Any, Spot, Kind], Any]] = {
            "options": self._options, "each": self._each, "needs": self._needs, "when": self._when,
            "optional": self._optional, "output": self._output, "timeout": self._timeout, "retries": self._retries,
            "on_error": self._on_error, "takes": self._takes, "snap": self._snap, "seed": self._seed, "cache": self._cache,
            "tags": self._tags,
        }  # fmt: skip

    def read(self, key: str, value: Any, spot: Spot, kind: Kind) -> tuple[str, Any] | None:
        """Return (field of NodeSpec, value); None where there is none, which is noted."""
        if key in LATER:
            self._findings.later(Place(spot.file, spot.path), LATER[key])
            return None
        read = self._readers[key](value, spot, kind)
        return None if read is None else ("timeout_s" if key == "timeout" else key, read)

    def _wrong(self, spot: Spot, message: str, caret: str = "", note: str = "") -> None:
        self._literals.wrong(spot, message, caret, note)

    def _timeout(self, value: Any, spot: Spot, _kind: Kind) -> float | None:
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = (
            sum(float(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))
            if found
            else 0
        )
        if seconds > 0:
            return seconds
        caret = 'write "10m", "90s" or "1h30m"'
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            caret = f'write "{value}s"'
        self._wrong(
            spot,
            f"`timeout` is a length of time, not {repr(value) if isinstance(value, str) else a_value(value)}",
            caret,
        )
        return None

    def _retries(self, value: Any, spot: Spot, _kind: Kind) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_RETRIES:
            return value
        self._wrong(spot, f"`retries` is a whole number from 0 to {_MAX_RETRIES}")
        return None

    def _takes(self, value: Any, spot: Spot, kind: Kind) -> int | None:
        if kind.effect in WORKED_OUT:
            if spot.path[0] != "defaults":  # those of all kinds are for the kinds that have takes
                what = f"{kind.name} gives the same every time: it has no takes"
                self._findings.at_key(Place(spot.file, spot.path), what, "leave it out")
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_TAKES:
            return value
        self._wrong(spot, f"`takes` is a whole number from 1 to {_MAX_TAKES:,}")
        return None

    def _on_error(self, value: Any, spot: Spot, _kind: Kind) -> str | None:
        if value in ("fail", "skip"):
            return str(value)
        self._wrong(spot, '`on_error` is "fail" or "skip"', self._near(value, ("fail", "skip")))
        return None

    def _snap(self, value: Any, spot: Spot, _kind: Kind) -> str | None:
        if isinstance(value, str) and value in SNAPS:
            return value
        caret = self._near(value, SNAPS) or 'write "error" to have nothing changed'
        self._wrong(spot, f"`snap` is one of: {', '.join(SNAPS)}", caret)
        return None

    def _cache(self, value: Any, spot: Spot, _kind: Kind) -> bool | str | None:
        if value is True or value == "run":
            return True if value is True else "run"
        caret = 'write "run" for what is to be made again in every run' if value is False else ""
        self._wrong(spot, '`cache` is true or "run"', caret)
        return None

    def _seed(self, value: Any, spot: Spot, _kind: Kind) -> int | Template | None:
        if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            return value
        if isinstance(value, str):
            parsed = self._literals.string(value, spot)
            if isinstance(parsed, Template) and parsed.whole is not None:
                return parsed
        self._wrong(spot, f"`seed` is a whole number or a reference to one, not {a_value(value)}")
        return None

    def _tags(self, value: Any, spot: Spot, _kind: Kind) -> dict[str, str] | None:
        if not isinstance(value, dict):
            self._wrong(spot, f"`tags` is a table of texts, not {a_value(value)}", 'write { act = "one" }')
            return None
        for key, tag in value.items():
            if not isinstance(tag, str):
                self._wrong(spot.step(key), f"a tag is text, not {a_value(tag)}")
        return {key: tag for key, tag in value.items() if isinstance(tag, str)}

    def _options(self, value: Any, spot: Spot, kind: Kind) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self._wrong(spot, f"`options` is a table, not {a_value(value)}")
            return None
        for key in value:
            if kind.param(key) is not None:
                place = Place(spot.file, (*spot.path, key))
                caret = f"write `{key}` in the node itself"
                self._findings.at_key(place, f"`{key}` is a parameter of {kind.name}, not an option", caret)
        found: dict[str, Any] = self._literals.data(value, spot)
        return found

    def _names(self, value: Any, spot: Spot, what: str) -> list[tuple[str, Spot]]:
        """Return the texts of a list, or the one text, each with its spot; others are noted."""
        if isinstance(value, str):
            return [(value, spot)]
        if not isinstance(value, list):
            self._wrong(spot, f"{what} or a list of such, not {a_value(value)}")
            return []
        for position, name in enumerate(value):
            if not isinstance(name, str):
                self._wrong(spot.step(position), f"{what}, not {a_value(name)}")
        return [(name, spot.step(position)) for position, name in enumerate(value) if isinstance(name, str)]

    def _each(self, value: Any, spot: Spot, _kind: Kind) -> tuple[str, ...]:
        good: dict[str, None] = {}
        for name, place in self._names(value, spot, "`each` takes the name of a dimension"):
            if name in self._dimensions and name not in good:
                good[name] = None
            elif name in good:
                self._wrong(place, f"`{name}` stands twice in `each`")
            elif _OF_TAKES.fullmatch(name) and name not in good:
                good[name] = None  # the linker knows whether that node has takes
            elif name not in self._broken:
                known = listed(list(self._dimensions))
                caret = self._near(name, self._dimensions) or "write [each.NAME] with its list, or leave it out"
                self._wrong(place, f"there is no dimension `{name}`", caret, f"dimensions: {known}" if known else "")
        return tuple(good)

    def _needs(self, value: Any, spot: Spot, _kind: Kind) -> tuple[Ref, ...]:
        refs: list[Ref] = []
        for name, place in self._names(value, spot, "`needs` takes the name of a node"):
            problems: list[Problem] = []
            ref = parse_need(name, problems)
            for problem in problems:
                within = (problem.start, problem.end)
                self._findings.add(place.file, place.path, problem.message, within=within, caret=problem.hint)
            if ref is not None:
                refs.append(ref)
        return tuple(refs)

    def _when(self, value: Any, spot: Spot, _kind: Kind) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return self._when_table(value, spot)
        parsed = self._literals.string(value, spot) if isinstance(value, str) else None
        if isinstance(parsed, Template) and parsed.whole is not None:
            return parsed
        caret = f"write {value}, without quotes" if value in ("true", "false") else ""
        caret = caret or 'write "${...}" or { value = "${...}", is = ... }'
        self._wrong(spot, "`when` is true, false, a reference to one, or a comparison", caret)
        return None

    def _when_table(self, value: dict[str, Any], spot: Spot) -> dict[str, Any] | None:
        for key in value:
            if key not in _WHEN:
                place = Place(spot.file, (*spot.path, key))
                self._findings.at_key(place, f"unknown key `{key}` of `when`", self._near(key, _WHEN))
        tests = [key for key in _WHEN[1:] if key in value]
        if "value" not in value or len(tests) != 1:
            self._wrong(
                spot, "a comparison has `value` and one of `is`, `is_not`, `in`", '{ value = "${x}", is = "yes" }'
            )
            return None
        if tests == ["in"] and not isinstance(value["in"], list):
            self._wrong(spot.step("in"), f"`in` takes a list, not {a_value(value['in'])}")
            return None
        subject = self._literals.data(value["value"], spot.step("value"))
        if not isinstance(subject, Template):
            self._wrong(spot.step("value"), "this compares a constant", 'write a reference: "${...}"')
        return {"value": subject, tests[0]: self._literals.data(value[tests[0]], spot.step(tests[0]))}

    def _optional(self, value: Any, spot: Spot, kind: Kind) -> tuple[str, ...]:
        known = [param.name for param in kind.params]
        good: list[str] = []
        for name, place in self._names(value, spot, "`optional` takes the name of a parameter"):
            if name in known:
                good.append(name)
            else:
                note = f"{kind.name} takes: {listed(known, 40)}"
                self._wrong(place, f"{kind.name} has no parameter `{name}`", self._near(name, known), note)
        return tuple(good)

    def _output(self, value: Any, spot: Spot, _kind: Kind) -> str | Template | None:
        if not isinstance(value, str):
            self._wrong(spot, f"`output` is the name of a file, not {a_value(value)}")
            return None
        parsed = self._literals.string(value, spot)
        parts = parsed.parts if isinstance(parsed, Template) else (parsed,)
        # A reference stands for some letters: what it gives is made safe when the file is named.
        plain = "".join(part if isinstance(part, str) else "x" for part in parts)
        wrong = _wrong_output(plain)
        if wrong is None:
            return parsed
        self._wrong(spot, wrong[0].replace(f"`{plain}`", f"`{value}`"), wrong[1])
        return None

    def _near(self, name: Any, names: Any) -> str:
        return self._findings.suggestion(name, names) if isinstance(name, str) else ""


def _wrong_output(name: str) -> tuple[str, str] | None:
    wrong = written_wrongly(name)
    if wrong is not None:
        return (wrong[0], "`output` is a name below the output folder") if "relative" in wrong[0] else wrong
    parts = name.split("/")
    if ".." in parts:
        return "`output` leads out of the output folder", "leave `..` out"
    if "" in parts or "." in parts:
        return f"`{name}` is not the name of a file", "write a name, with folders before it if you like: stills/intro"
    if any(len(part.encode("utf-8", "replace")) > 200 for part in parts):
        return "this name is longer than file systems allow", "at most 200 bytes between slashes"
    return None
