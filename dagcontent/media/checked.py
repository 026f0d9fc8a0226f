"""Turn media and bounds into the same media with a report, or into what is wrong with it (media.check). Knows no model.

Nothing is written anew: what comes out are the bytes that went in. Only what is asked for is measured, and only what
the medium has can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, picture, probe
from dagcontent.media.arguments import flag_of, number_of, numbers_of, required_blob, size_of
from dagcontent.media.call import Call, Made
from dagcontent.media.facts import known_facts
from dagcontent.media.loudness import measured
from dagcontent.media.recording import Recording, seconds_text, shape_of
from dagcontent.values.value import Blob

__all__ = ["check"]

_SILENT_LUFS: Final = -60.0
_NEAR_LU: Final = 1.0
_BLACK: Final = "blackdetect=d=0.02:pix_th=0.10:pic_th=0.98"
_FROZEN: Final = "freezedetect=n=0.001:d=0.2"
_DARK: Final = 26  # of 255: a tenth, as blackdetect goes by
_ALL_DARK: Final = 0.98
_ROUNDING_S: Final = 0.0005
_HAS_NO: Final[dict[str, dict[str, str]]] = {
    "image": {
        "min_duration": "length", "max_duration": "length", "not_silent": "sound", "loudness": "sound", "not_frozen": "motion",
    },
    "audio": {"not_black": "pictures", "not_frozen": "pictures", "size": "pictures"},
    "video": {},
}  # fmt: skip
_CALLED: Final = {"image": "picture", "audio": "recording", "video": "clip"}


def check(call: Call) -> Made:
    """Give `media` on with its report. Raises NodeError that names every broken bound with what was measured."""
    media = required_blob(call, "media")
    name = f"the {_CALLED[media.type]}{f' ({media.name})' if media.name else ''}"
    for bound, lacks in _HAS_NO[media.type].items():
        if call.params.get(bound) not in (None, False, []):
            text = f"`{bound}` of media.check cannot be looked at: {name} has no {lacks}"
            raise NodeError(text, hint=f"leave `{bound}` out")
    facts = known_facts(call, media)
    report: dict[str, Any] = {}
    broken = [*_length(call, facts, report), *_size(call, facts, report)]
    if media.type == "image":
        broken += _picture(call, media, report)
    else:
        broken += [*_pictures(call, media, facts, report), *_sound(call, media, facts, report)]
    call.progress(1.0)
    if broken:
        text = f"{name} is not as it should be: {'; '.join(broken)}"
        raise NodeError(text, hint="look at what made it; `dagcontent reroll` makes another one")
    kept = Blob(media.digest, media.type, media.media_type, media.size_bytes, {**facts, "report": report}, media.name)
    used = {} if media.type == "image" else {"ffmpeg": ffmpeg.version(call.run)}
    return Made(kept, {**used, **probe.made_with()})


def _length(call: Call, facts: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    least, most = number_of(call, "min_duration"), number_of(call, "max_duration")
    if least is not None and most is not None and least > most:
        text = f"`min_duration` of media.check is {least:g} s and `max_duration` {most:g} s: nothing is that long"
        raise NodeError(text, hint="set `max_duration` above `min_duration`")
    if "duration_ms" not in facts:
        return
    length = report["duration"] = facts["duration_ms"] / 1000
    if least is not None and length < least - _ROUNDING_S:
        yield f"it is {seconds_text(length)} long, and `min_duration` is {least:g} s"
    if most is not None and length > most + _ROUNDING_S:
        yield f"it is {seconds_text(length)} long, and `max_duration` is {most:g} s"


def _size(call: Call, facts: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    wanted = size_of(call)
    if "width" in facts:
        report |= {"width": facts["width"], "height": facts["height"]}
    if wanted is not None and wanted != (facts["width"], facts["height"]):
        yield f"it has {facts['width']}x{facts['height']} px, and `size` is {wanted[0]}x{wanted[1]}"


def _picture(call: Call, media: Blob, report: dict[str, Any]) -> Iterator[str]:
    if not flag_of(call, "not_black"):
        return
    small = picture.open_picture(call.path(media)).convert("L").resize((64, 64), Image.Resampling.BOX)
    dark = report["dark"] = round(sum(small.histogram()[:_DARK]) / (64 * 64), 3)
    if dark >= _ALL_DARK:
        yield f"{dark:.0%} of it is black (`not_black`)"


def _pictures(call: Call, media: Blob, facts: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    """Look at moving pictures, once for all that is asked."""
    black, frozen = flag_of(call, "not_black"), flag_of(call, "not_frozen")
    if not (black or frozen):
        return
    path, out = call.path(media), call.workdir / "seen.txt"
    looks = [*([_BLACK] if black else []), *([_FROZEN] if frozen else [])]
    length = facts["duration_ms"] / 1000
    ffmpeg.listen(
        call, [ffmpeg.Source(path, probe.check_input(path, "video"))],
        graph=f"[0:v:0]setpts=PTS-STARTPTS,{','.join(looks)},metadata=mode=print:file={ffmpeg.quoted(out)}[v]",
        maps=["[v]"], filters=["blackdetect", "freezedetect", "metadata"], seconds=length,
    )  # fmt: skip
    for asked, name, prefix, word in (
        (black, "black", "lavfi.black_", "black"),
        (frozen, "frozen", "lavfi.freezedetect.freeze_", "without motion"),
    ):
        if not asked:
            continue
        seconds = report[name] = round(min(length, _spans(out, prefix, length)), 3)
        if seconds > length / 2:
            yield f"it is {word} for {seconds_text(seconds)} of {seconds_text(length)} (`not_{name}`)"


def _spans(path: Path, prefix: str, end: float) -> float:
    """Return how many seconds the spans in a filter's notes have together; one that is open goes on to the end."""
    total, since = 0.0, None
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == f"{prefix}start":
            since = float(value)
        elif name == f"{prefix}end" and since is not None:
            total, since = total + float(value) - since, None
    return total if since is None else total + max(0.0, end - since)


def _sound(call: Call, media: Blob, facts: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    audible, bounds = flag_of(call, "not_silent"), numbers_of(call, "loudness")
    if len(bounds) > 2 or (len(bounds) == 2 and bounds[0] > bounds[1]):
        text = "`loudness` of media.check is one number, or the lowest and the highest: " + ", ".join(
            f"{b:g}" for b in bounds
        )
        raise NodeError(text, hint="write loudness = -16, or loudness = [-18, -14]")
    if not (audible or bounds):
        return
    if "sample_rate" not in facts:
        yield "it has no sound" + (" (`not_silent`)" if audible else " (`loudness`)")
        return
    path = call.path(media)
    heard = Recording(
        ffmpeg.Source(path, probe.check_input(path, "audio")), facts, "`media`", facts["duration_ms"] / 1000
    )
    found = measured(call, heard, shape_of([heard]), "heard")
    report |= {"loudness": round(found.lufs, 2), "peak_db": round(found.peak_db, 2)}
    if audible and found.lufs < _SILENT_LUFS:
        yield f"it is silent: {found.lufs:.1f} LUFS (`not_silent`)"
    low, high = (bounds[0] - _NEAR_LU, bounds[0] + _NEAR_LU) if len(bounds) == 1 else (*bounds, 0.0, 0.0)[:2]
    if bounds and not low <= round(found.lufs, 2) <= high:
        yield f"its loudness is {found.lufs:.1f} LUFS, and `loudness` is {low:g} to {high:g}"
