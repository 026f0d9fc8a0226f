"""Turn numbers, times and values into words of few cells. Knows no command and no screen."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Sequence
from typing import Any, Final

from dagcontent.cli.screen import safe
from dagcontent.report.quantities import counted, seconds, size
from dagcontent.values.value import Blob, Mark

__all__ = [
    "STATUSES",
    "command",
    "counted",
    "cut",
    "facts_of",
    "listed",
    "plain",
    "screen_path",
    "seconds",
    "short",
    "size",
    "when",
]

STATUSES: Final = (
    "hit", "pinned", "run", "maybe", "waiting", "resume", "repay", "unresolved", "skipped", "failed", "passed_over", "blocked",
    "unneeded",
)  # fmt: skip
"""Those of a plan's rows, in the order in which they are counted on a screen."""
_SHORT_DIGEST: Final = 8


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return "a, b, c and 2 more"."""
    shown = ", ".join(safe(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def when(at_ms: int, now: dt.datetime) -> str:
    """Return "today 18:02", "yesterday 18:02", "2026-09-20 18:02", in the zone of `now`."""
    moment = dt.datetime.fromtimestamp(at_ms / 1000, tz=now.tzinfo)
    days = (now.date() - moment.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, moment.strftime("%Y-%m-%d"))
    return f"{day} {moment:%H:%M}"


def command(*words: str) -> str:
    """Return a command that can be copied into a shell."""
    return shlex.join(["dagcontent", *words])


def short(value: Any, most: int = 40) -> str:
    """Return a value in few cells: text in quotes, artifacts by type and the beginning of their digest."""
    if value is None:
        return "-"
    if isinstance(value, Blob):
        return f"{value.type} {value.digest[:_SHORT_DIGEST]}"
    if isinstance(value, Mark):
        return "to be made" if value.name == "UNKNOWN" else "-"
    if isinstance(value, str):
        return '"' + cut(safe(value), most - 2) + '"'
    if isinstance(value, list) and value and all(isinstance(item, Blob) for item in value):
        return cut(f"{len(value)} x {short(value[0])}" if len(value) > 1 else short(value[0]), most)
    import json  # noqa: PLC0415 - rarely needed

    text = json.dumps(plain(value), ensure_ascii=False)
    return cut(safe(text), most)


def cut(text: str, most: int) -> str:
    """Return text of at most so many characters, its end replaced by dots."""
    return text if len(text) <= most else text[: max(0, most - 3)] + "..."


def plain(value: Any) -> Any:
    """Return a value as JSON data; artifacts as tables with digest, type, media type and size."""
    if isinstance(value, Blob):
        return {
            "digest": value.digest, "type": value.type, "media_type": value.media_type, "size_bytes": value.size_bytes,
        }  # fmt: skip
    if isinstance(value, Mark):
        return None
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def facts_of(facts: dict[str, Any], size_bytes: int | None = None) -> list[str]:
    """Return an artifact's facts as words: length, picture size, rates, bytes."""
    words: list[str] = []
    if "duration_ms" in facts:
        words.append(seconds(facts["duration_ms"] / 1000))
    if "width" in facts and "height" in facts:
        words.append(f"{facts['width']}x{facts['height']}")
    if size_bytes is not None:
        words.append(size(size_bytes))
    return words


def screen_path(path: str) -> str:
    """Return a path from where we are if it is below, else in full."""
    near = os.path.relpath(path)
    return safe(path if near.startswith("..") else near)
