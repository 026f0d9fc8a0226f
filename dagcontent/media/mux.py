"""Turn a clip and a recording into a clip with that sound (video.mux). Knows no model."""

from __future__ import annotations

import math
from fractions import Fraction

from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import number_of, required_blob, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut, merged
from dagcontent.media.chapters import chapters_of
from dagcontent.media.coded import coded_facts
from dagcontent.media.facts import known_facts
from dagcontent.media.sync import SAMPLE_RATE, SOUND

__all__ = ["mux"]

_SOUND = f"asetpts=PTS-STARTPTS,{SOUND}"


def mux(call: Call) -> Made:
    """Put `audio` under `video`; pictures that need no change are copied as they are."""
    video, audio = required_blob(call, "video"), required_blob(call, "audio")
    seen, heard = known_facts(call, video), known_facts(call, audio)
    fit = text_of(call, "fit") or "pad"
    fps = Fraction(*seen["fps"])
    own_frames = max(1, round(Fraction(seen["duration_ms"], 1000) * fps))
    sound_frames = max(1, math.ceil(Fraction(heard["duration_ms"], 1000) * fps - Fraction(1, 100)))
    if fit == "trim":
        sound_frames = max(1, math.floor(Fraction(heard["duration_ms"], 1000) * fps))
    frames = min(own_frames, sound_frames) if fit == "trim" else max(own_frames, sound_frames)
    path, other = call.path(video), call.path(audio)
    media_type = probe.check_input(path, "video")
    loops = ("-stream_loop", "-1") if fit == "loop" and frames > own_frames else ()
    sources = [
        ffmpeg.Source(path, media_type, loops),
        ffmpeg.Source(other, probe.check_input(other, "audio")),
    ]
    copied = frames == own_frames and media_type == "video/mp4"
    rows = [] if copied else [_pictures(fit, fps, frames)]
    keep = number_of(call, "keep_original_db")
    rows += _sound(fps, frames, keep if "sample_rate" in seen else None)
    chapters = cut(seen.get("chapters"), float(frames / fps))
    encode = ["-c:v", "copy"] if copied else [*ffmpeg.H264, "-r", f"{fps.numerator}/{fps.denominator}"]
    encode += [*ffmpeg.AAC, *chapters_of(call, chapters, sources)]
    out = call.workdir / "muxed.mp4"
    length = float(frames / fps)
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *ffmpeg.MP4], graph=";".join(rows), maps=["0:v:0" if copied else "[v]", "[a]"],
        filters=["tpad", "amix", "apad"], seconds=length,
    )  # fmt: skip
    facts, _ = coded_facts(out)
    words = merged(cut(heard.get("alignment"), length), cut(seen.get("alignment"), length) if keep is not None else [])
    facts |= {name: found for name, found in (("alignment", words), ("chapters", chapters)) if found}
    return Made(NewFile(out, "video", "video/mp4", facts), {"ffmpeg": version, **probe.made_with()})


def _pictures(fit: str, fps: Fraction, frames: int) -> str:
    mode = "clone" if fit == "freeze" else "add:color=black"
    return (
        f"[0:v:0]setpts=PTS-STARTPTS,fps={fps.numerator}/{fps.denominator}:start_time=0,scale=w='trunc(iw/2)*2':h='trunc(ih/2)*2',"
        f"setsar=1,format=yuv420p,tpad=stop=-1:stop_mode={mode},trim=end_frame={frames},{ffmpeg.LAST}[v]"
    )


def _sound(fps: Fraction, frames: int, keep_db: float | None) -> list[str]:
    samples = round(frames / fps * SAMPLE_RATE)
    end = f"apad,atrim=end_sample={samples}[a]"
    if keep_db is None:
        return [f"[1:a:0]{_SOUND},{end}"]
    return [
        f"[1:a:0]{_SOUND},apad,atrim=end_sample={samples}[new]",
        f"[0:a:0]{_SOUND},volume={keep_db}dB,apad,atrim=end_sample={samples}[own]",
        f"[new][own]amix=inputs=2:duration=first:normalize=0,alimiter=limit=0.97:level=0:latency=1,{end}",
    ]
