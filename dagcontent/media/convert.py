"""Turn a clip into another file format, coding or look. Knows no model."""

from __future__ import annotations

from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import required_blob, text_of, whole_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import travelling
from dagcontent.media.chapters import chapters_of
from dagcontent.media.footage import Clip, grid, whole
from dagcontent.media.streams import coding

__all__ = ["convert"]

_FORMATS: Final = {
    "mp4": ("video/mp4", ffmpeg.MP4, ffmpeg.AAC, ("h264", "h265", "av1")),
    "mov": ("video/quicktime", ("-movflags", "+faststart", "-f", "mov"), ffmpeg.AAC, ("h264", "h265")),
    "webm": (
        "video/webm",
        ("-f", "webm"),
        ("-c:a", "libopus", "-b:a", "128k", "-ar", "48000", "-ac", "2"),
        ("vp9", "av1"),
    ),
}
"""Name -> media type, container, coding of the sound, codings of the pictures; the first is the usual one."""
_NO_COMMENT: Final = ("-bsf:v", "filter_units=remove_types=6")
_CODECS: Final = {
    "h264": (("-c:v", "libx264", "-preset", "veryfast", *_NO_COMMENT), (35, 15)),
    "h265": (
        ("-c:v", "libx265", "-preset", "fast", "-tag:v", "hvc1", "-x265-params", "log-level=none:info=0:pools=1:frame-threads=1"),
        (38, 18),
    ),
    "vp9": (("-c:v", "libvpx-vp9", "-b:v", "0", "-deadline", "good", "-cpu-used", "4", "-row-mt", "0"), (50, 18)),
    "av1": (("-c:v", "libsvtav1", "-preset", "9", "-svtav1-params", "lp=1"), (55, 20)),
}  # fmt: skip
"""Name -> the encoder and how it is set, and what its own measure is at `quality` 0 and 100."""
_LOOKS: Final = {
    "none": "null",
    "gray": "hue=s=0",
    "sepia": "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131",
    "denoise": "hqdn3d",
    "sharpen": "unsharp=5:5:0.8",
}
_LEFT_AS_IT_IS: Final = {"h264": "h264", "h265": "hevc", "vp9": "vp9", "av1": "av1"}


def convert(call: Call) -> Made:
    """Return `video` in `format`. What needs no other coding is copied. Raises NodeError for what does not go together."""
    blob = required_blob(call, "video")
    clip = Clip(call, blob)
    name = text_of(call, "format") or "mp4"
    media_type, container, sound, codecs = _FORMATS[name]
    codec = text_of(call, "codec") or codecs[0]
    if codec not in codecs:
        text = f"{name} does not hold {codec}"
        raise NodeError(text, hint=f"with {name}: {', '.join(codecs)}")
    look, quality = text_of(call, "filter") or "none", whole_of(call, "quality")
    facts = travelling(clip.facts)
    sources = [clip.source]
    maps = ["0:v:0", "0:a:0"] if clip.sounds else ["0:v:0"]
    if look == "none" and quality is None and _copies(clip, codec, sound):
        graph, encode = "", ["-c", "copy"]
    else:
        source, pictures, heard = grid(clip, whole(clip))
        sources, maps = [source], ["[v]"]
        graph = f"[0:v:0]{pictures},{_LOOKS[look]},{ffmpeg.LAST}[v]"
        encoder, (worst, best) = _CODECS[codec]
        encode = [*encoder, "-crf", str(round(worst + (best - worst) * (80 if quality is None else quality) / 100))]
        encode += ["-pix_fmt", "yuv420p", "-r", clip.rate]
        if clip.sounds:
            graph += f";[0:a:0]{heard}[a]"
            maps, encode = ["[v]", "[a]"], [*encode, *sound]
    encode += chapters_of(call, facts.get("chapters"), sources)
    out = call.workdir / f"converted.{name}"
    version = ffmpeg.render(
        call, sources, out, encode=[*encode, *container], graph=graph, maps=maps, filters=["hqdn3d", "unsharp"],
        seconds=clip.facts["duration_ms"] / 1000,
    )  # fmt: skip
    measured: dict[str, Any] = probe.measure(out, "video", media_type)
    return Made(NewFile(out, "video", media_type, measured | facts), {"ffmpeg": version, **probe.made_with()})


def _copies(clip: Clip, codec: str, sound: tuple[str, ...]) -> bool:
    """Tell whether the streams are what is wanted already."""
    pictures, heard = coding(clip.path, clip.media_type)
    wanted = {"aac": "aac", "libopus": "opus"}[sound[1]]
    return pictures == (_LEFT_AS_IT_IS[codec], "yuv420p") and heard in {None, wanted}
