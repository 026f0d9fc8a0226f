"""One value into what a model allows of it, and into the vendor's writing of it. Knows one slot at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from dagcontent.catalog.model import Slot
from dagcontent.errors import NodeError
from dagcontent.values.snap import Snap
from dagcontent.values.value import UNKNOWN, Blob

__all__ = ["TIMES", "fitted", "pixels_of", "ratio", "shown", "written"]

TIMES: Final = frozenset({"duration", "seconds"})
"""Parameters that are snapped up when the graph says nothing of `snap`."""

_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([pPkK]?)")
_SIZE: Final = re.compile(r"(\d{1,5})\s*[xX×]\s*(\d{1,5})")
_NUMBERS: Final = frozenset({"int", "number", "digits", "seconds", "ms"})
_SAME: Final = 1e-6
_LANGUAGES: Final = {
    "ar": "ara", "bg": "bul", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fi": "fin",
    "fr": "fra", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor",
    "ms": "msa", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sv": "swe",
    "ta": "tam", "th": "tha", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip


def fitted(slot: Slot, value: Any, snap: Snap | None, model: str) -> Any:
    """Return a value as the model allows it. Raises NodeError where it allows none that may stand for it."""
    if slot.values:
        return _among(slot, value, snap, model)
    if isinstance(value, str) and (slot.minimum is not None or slot.form in _NUMBERS):
        raise NodeError(
            f"`{slot.param}` is `{shown(value)}`, and {model} takes a number", hint="write it without quotes"
        )
    if slot.form == "box" and pixels_of(str(value)) is None:
        raise NodeError(f"`{slot.param}` is {shown(value)}, which is no size", hint="write one as 1280x720")
    if isinstance(value, str):
        if slot.chars is not None and len(value) > slot.chars:
            text = f"`{slot.param}` has {len(value)} characters, and {model} takes {slot.chars}"
            raise NodeError(text, hint="shorten it, or use text.split and a dimension")
        return value
    if isinstance(value, list):
        if slot.form == "turns":
            _spoken_at_once(slot, value, model)
        there = sum(1 for item in value if item is not UNKNOWN)  # what is not known may turn out to be none
        if slot.most is not None and there > slot.most:
            text = f"`{slot.param}` has {there} elements, and {model} takes {slot.most}"
            raise NodeError(text, hint=f"give it at most {slot.most}")
        for item in value:
            _short_enough(slot, item, model)
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _within(slot, value, snap, model)
    _short_enough(slot, value, model)
    return value


def written(slot: Slot, value: Any) -> Any:
    """Return a fitted value in the vendor's form."""
    if slot.names:
        value = slot.names.get(str(value).lower() if isinstance(value, bool) else value, value)
    form = slot.form
    if form == "plain":
        return int(value) if isinstance(value, float) and value.is_integer() and slot.step == 1 else value
    if value is UNKNOWN:
        return value
    if form == "int":
        return int(value)
    if form == "digits":
        return str(int(value))
    if form == "seconds":
        return f"{int(value)}s"
    if form == "ms":
        return round(value * 1000)
    if form == "list":
        return list(value) if isinstance(value, list) else [value]
    if form == "language3":
        return _LANGUAGES.get(str(value).lower().partition("-")[0], value)
    if form == "box":
        width, height = pixels_of(str(value)) or (0, 0)
        return {"width": width, "height": height}
    return value


def ratio(text: str) -> float | None:
    """Return an aspect, as "16:9", as a number; None for what is no aspect."""
    wide, colon, high = text.partition(":")
    try:
        found = float(wide) / float(high) if colon else None
    except (ValueError, ZeroDivisionError):
        return None
    return found if found is not None and math.isfinite(found) and found > 0 else None


def pixels_of(size: str) -> tuple[int, int] | None:
    """Return "1280x720" as two numbers; None for what is no size."""
    found = _SIZE.fullmatch(size.strip())
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def shown(value: Any) -> str:
    """Return a value as a sentence shows it: 5.2, 16:9, true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:.40}" if isinstance(value, str) else f"{value}"


def _spoken_at_once(slot: Slot, lines: Sequence[Any], model: str) -> None:
    texts = [line.get("text") for line in lines if isinstance(line, dict)]
    total = sum(len(text) for text in texts if isinstance(text, str))
    if slot.chars is not None and total > slot.chars:
        text = f"`{slot.param}` have {total} characters in all, and {model} takes {slot.chars}"
        raise NodeError(text, hint="cut the dialogue into parts: a dimension, and audio.concat")


def _short_enough(slot: Slot, value: Any, model: str) -> None:
    if slot.seconds is None or not isinstance(value, Blob) or "duration_ms" not in value.facts:
        return
    length = value.facts["duration_ms"] / 1000
    if length > slot.seconds + 0.05:  # containers round their own length
        text = f"`{slot.param}` is {length:g} s long, and {model} takes {slot.seconds:g} s"
        raise NodeError(text, hint="give it a shorter one")


def _among(slot: Slot, value: Any, snap: Snap | None, model: str) -> Any:
    for allowed in slot.values:
        if _same(allowed, value):
            return allowed
    how = _how(slot, snap)
    # Values of another sort ("auto" beside aspects) are allowed, and never what a written one stands for.
    alike = [v for v in slot.values if _sort(v) == _sort(value)]
    thousand = _of_thousand([*alike, value])
    pairs = [(measure, v) for v in alike if (measure := _measure(v, thousand)) is not None]
    size = _measure(value, thousand)
    nearest = None
    if size is not None and pairs:
        nearest = _snapped(size, pairs, "nearest")
        found = _snapped(size, pairs, "nearest" if _is_aspect(value) and how != "error" else how)
        if found is not None:
            return found
    raise _refused(slot, value, _listed(slot.values), model, nearest)


def _within(slot: Slot, value: float, snap: Snap | None, model: str) -> Any:
    low, high, step = slot.minimum, slot.maximum, slot.step
    outside = (low is not None and value < low) or (high is not None and value > high)
    off = step is not None and abs(value / step - round(value / step)) > _SAME
    if not outside and not off:
        return round(value) if step is not None and float(step).is_integer() else value
    how = _how(slot, snap)
    made = value
    if off and step is not None and how != "error":
        made = {"up": math.ceil, "down": math.floor}.get(how, _rounded)(value / step) * step
    if low is not None and made < low and how in {"up", "nearest"}:
        made = low
    if high is not None and made > high and how in {"down", "nearest"}:
        made = high
    inside = (low is None or made >= low) and (high is None or made <= high)
    if how == "error" or not inside:
        span = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
        raise _refused(slot, value, span + (f" in steps of {step:g}" if off else ""), model, _nearest(slot, value))
    return round(made) if step is not None and float(step).is_integer() else made


def _nearest(slot: Slot, value: float) -> float:
    step = slot.step or 0
    made = _rounded(value / step) * step if step else value
    if slot.minimum is not None:
        made = max(made, slot.minimum)
    return made if slot.maximum is None else min(made, slot.maximum)


def _how(slot: Slot, snap: Snap | None) -> Snap:
    return snap or ("up" if slot.param in TIMES else "error")


def _rounded(value: float) -> int:
    """Return the nearest whole number; of two the greater: a clip shorter than its narration is the worse one."""
    return math.floor(value + 0.5)


def _snapped(size: float, pairs: Sequence[tuple[float, Any]], how: Snap) -> Any:
    """Return the value whose measure is the next up, down or nearest; None where there is none, and for "error"."""
    if how == "up":
        return min((p for p in pairs if p[0] >= size), key=lambda p: p[0], default=(0, None))[1]
    if how == "down":
        return max((p for p in pairs if p[0] <= size), key=lambda p: p[0], default=(0, None))[1]
    if how == "error":
        return None
    return min(pairs, key=lambda p: (_apart(p, size), -p[0]))[1]


def _apart(pair: tuple[float, Any], size: float) -> float:
    """Return how far a value is from a measure: aspects and resolutions by their ratio, numbers by their difference."""
    measure, value = pair
    by_ratio = isinstance(value, str) and measure > 0 and size > 0
    return round(abs(math.log(measure / size)) if by_ratio else abs(measure - size), 9)


def _same(allowed: Any, value: Any) -> bool:
    if isinstance(allowed, bool) or isinstance(value, bool):
        return isinstance(allowed, bool) and isinstance(value, bool) and allowed == value
    if isinstance(allowed, str) and isinstance(value, str):
        return allowed == value or allowed.casefold() == value.casefold()
    if isinstance(allowed, int | float) and isinstance(value, int | float):
        return abs(allowed - value) < _SAME
    return False


def _is_aspect(value: Any) -> bool:
    return isinstance(value, str) and ":" in value


def _sort(value: Any) -> tuple[bool, bool]:
    return isinstance(value, str), _is_aspect(value)


def _of_thousand(values: Sequence[Any]) -> int:
    """Return the pixels of "1k": of a clip's shorter side beside "720p", else of a picture's side."""
    return 540 if any(isinstance(v, str) and v[-1:] in {"p", "P"} for v in values) else 1024


def _measure(value: Any, thousand: int) -> float | None:
    """Return what a value is ordered by: 5, 720 of "720p", 2160 of "4k", 1.78 of "16:9"; None where there is no order."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    if ":" in value:
        return ratio(value)
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    return float(found[1]) * (thousand if found[2] in {"k", "K"} else 1)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(shown(v) for v in values)


def _refused(slot: Slot, value: Any, allowed: str, model: str, nearest: Any = None) -> NodeError:
    unit = " s" if slot.param in TIMES else ""
    fixed = len(slot.values) == 1
    verb = "takes" if not fixed else "always has it" if isinstance(value, bool) else "is always"
    what = f"`{slot.param}` is {shown(value)}{unit}, and {model} {verb} {allowed}{unit}"
    other = "" if nearest is None or fixed else f": the nearest is {shown(nearest)}"
    return NodeError(what, hint="leave it out" if fixed else f"write one that it takes{other}")
