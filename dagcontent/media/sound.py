"""Turn recordings into one, one after another (audio.concat). Knows no model.

Lengths are counted in whole samples of the result, so that a chapter or a word is where its sound is.
"""

from __future__ import annotations

from typing import Any

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import blobs_of, number_of, texts_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import merged, shifted, titled
from dagcontent.media.facts import known_facts

__all__ = ["concat"]


def concat(call: Call) -> Made:
    """Join `clips`, with a gap or a crossfade. Raises NodeError for both at once, and for a clip that is too short."""
    clips = blobs_of(call, "clips")
    if not clips:
        text = "`clips` of audio.concat is empty"
        raise NodeError(text, hint="give at least one recording")
    facts = [known_facts(call, clip) for clip in clips]
    for number, f in enumerate(facts, start=1):
        if "sample_rate" not in f:
            text = f"clip {number} of audio.concat has no sound"
            raise NodeError(text, hint="give recordings, or clips with sound")
    gap, fade = number_of(call, "gap") or 0.0, number_of(call, "crossfade") or 0.0
    if gap and fade:
        text = "audio.concat cannot have both `gap` and `crossfade`"
        raise NodeError(text, hint="give one of them")
    rate = min(48000, max(f["sample_rate"] for f in facts))
    layout = "stereo" if max(f["channels"] for f in facts) > 1 else "mono"
    lengths = [max(1, round(f["duration_ms"] * rate / 1000)) for f in facts]
    gap_samples, fade_samples = round(gap * rate), round(fade * rate)
    short = next(
        (n for n, length in enumerate(lengths, start=1) if fade_samples and len(clips) > 1 and length <= fade_samples),
        None,
    )
    if short is not None:
        text = f"clip {short} is shorter than the crossfade: {lengths[short - 1] / rate:.2f} s"
        raise NodeError(text, hint=f"set `crossfade` below {lengths[short - 1] / rate:.2f}")
    starts = [0]
    for length in lengths[:-1]:
        starts.append(starts[-1] + length + gap_samples - fade_samples)
    total = starts[-1] + lengths[-1]
    paths = [call.path(clip) for clip in clips]
    sources = [ffmpeg.Source(path, probe.check_input(path, "audio")) for path in paths]
    out = call.workdir / "joined.wav"
    version = ffmpeg.render(
        call, sources, out, encode=[*ffmpeg.WAV, "-map_chapters", "-1"], graph=_graph(lengths, rate, layout, gap_samples, fade_samples),
        maps=["[a]"], filters=["concat", "acrossfade", "apad"], seconds=total / rate,
    )  # fmt: skip
    measured: dict[str, Any] = probe.measure(out, "audio", "audio/wav")
    seconds = [start / rate for start in starts]
    alignment = merged(*(shifted(f.get("alignment"), at) for f, at in zip(facts, seconds, strict=True)))
    titles = texts_of(call, "titles")
    chapters = (
        titled(titles, seconds, total / rate)
        if titles is not None
        else merged(*(shifted(f.get("chapters"), at) for f, at in zip(facts, seconds, strict=True)))
    )
    measured |= {name: rows for name, rows in (("alignment", alignment), ("chapters", chapters)) if rows}
    return Made(NewFile(out, "audio", "audio/wav", measured), {"ffmpeg": version, **probe.made_with()})


def _graph(lengths: list[int], rate: int, layout: str, gap: int, fade: int) -> str:
    last = len(lengths) - 1
    rows = []
    for i, length in enumerate(lengths):
        whole = length + (gap if i < last else 0)
        rows.append(
            f"[{i}:a:0]asetpts=PTS-STARTPTS,aresample={rate},aformat=sample_fmts=fltp:channel_layouts={layout},"
            f"atrim=end_sample={length},apad=whole_len={whole}[a{i}]"
        )
    if fade and last:
        joined = "a0"
        for i in range(1, last + 1):
            rows.append(f"[{joined}][a{i}]acrossfade=ns={fade}:c1=tri:c2=tri[m{i}]")
            joined = f"m{i}"
        rows.append(f"[{joined}]anull[a]")
    else:
        rows.append("".join(f"[a{i}]" for i in range(last + 1)) + f"concat=n={last + 1}:v=0:a=1[a]")
    return ";".join(rows)
