"""Numbers into words of few letters: lengths of time, sizes, counts. Knows no medium and no screen."""

from __future__ import annotations

__all__ = ["counted", "seconds", "size"]


def seconds(value: float) -> str:
    """Return "0.3 s", "18.2 s", "3 min 12 s", "1 h 04 min"."""
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int) -> str:
    """Return "812 B", "4.1 MB"."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            return f"{value:.1f} {unit}"
    return ""


def counted(count: int, word: str, many: str = "") -> str:
    """Return "1 node", "2 nodes"."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"
