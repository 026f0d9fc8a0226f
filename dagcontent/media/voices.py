"""Turn a voice's name and a language code into a voice of eSpeak NG. Knows no sound.

    "en-us", "de+f3"      a voice of eSpeak NG itself
    "Rachel", "narrator"  anybody: always the same variant and pitch, female where the name is known to be

The same words always give the same voice, on every machine with the same eSpeak NG.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.errors import NodeError

__all__ = ["EspeakVoice", "choose", "languages"]

DEFAULT_LANGUAGE: Final = "en-us"
_OTHER_NAMES: Final = {
    "zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "zh-hk": "yue", "no": "nb", "iw": "he", "in": "id",
    # Vendors speak these and eSpeak NG does not: a draft of them sounds as one near by.
    "ceb": "id", "fil": "id", "gl": "pt", "ha": "sw", "jv": "id", "ln": "sw", "ny": "sw", "ps": "fa", "so": "sw", "tl": "id",
}  # fmt: skip
_FEMALE: Final = frozenset(
    "alice alloy amelia amy anna aoede aria bella callirrhoe charlotte clara coral domi dorothy elena elli ellie emily "
    "emma eva freya gigi glinda grace hannah ivy jane jessica jessie julia karen kate kore laura leda lena lily linda "
    "lisa lucy maria marie mary matilda maya mia mimi nicole nina nova olivia rachel rosa ruth sage sally sara sarah "
    "serena shimmer sofia sophia sophie susan victoria zephyr zoe woman female girl mother grandmother queen".split()
)
_FEMALE_VARIANTS: Final = ("f2", "f3", "f4", "f5", "f1")
_MALE_VARIANTS: Final = ("m3", "m1", "m7", "m2", "m4", "m8", "m5", "m6")
_USUAL_PRIORITY: Final = 5
_DIRECT = re.compile(r"(?P<language>[a-z]{2,3}(?:-[a-z0-9]+)*)(?:\+(?P<variant>[\w ]+))?", re.IGNORECASE)


class EspeakVoice(msgspec.Struct, frozen=True):
    """A voice as eSpeak NG takes it: `name` is language and variant, `pitch` 0 to 99."""

    name: str
    pitch: int


def choose(voice: str, language: str | None, data: Path) -> EspeakVoice:
    """Return the voice for a name and a language. Raises NodeError for a language that eSpeak NG has not."""
    known = languages(data)
    variants = _variants(data)
    spoken = _language(language, known) if language is not None and language.strip() else None
    direct = _DIRECT.fullmatch(voice.strip())
    if direct is not None and (direct["variant"] or direct["language"].lower() in known):
        own = _language(direct["language"], known)
        variant = direct["variant"]
        if variant is not None and variant.lower() not in variants:
            text = f"eSpeak NG has no variant {variant!r}"
            raise NodeError(text, hint=f"nearest: {_nearest(variant.lower(), variants)}")
        suffix = f"+{variants[variant.lower()]}" if variant is not None else ""
        return EspeakVoice(f"{known[spoken or own]}{suffix}", 50)
    name = " ".join(voice.lower().split())
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    base = known[spoken or DEFAULT_LANGUAGE]
    if name in variants:
        return EspeakVoice(f"{base}+{variants[name]}", 50)
    female = bool(_FEMALE & set(re.findall(r"[a-z]+", name))) or _sounds_female(name)
    row = _FEMALE_VARIANTS if female else _MALE_VARIANTS
    return EspeakVoice(f"{base}+{row[number % len(row)]}", 44 + number // 8 % 15)


@functools.cache
def languages(data: Path) -> Mapping[str, str]:
    """Return every language code that eSpeak NG's data names, in lower case, with the voice file that speaks it.

    A voice is loaded by its file's name: `en-gb` is spoken by the file `en`. Of several the one named like the code is
    taken, else the one that gives it the best (smallest) priority.
    """
    best: dict[str, tuple[int, str]] = {}
    for path in sorted((data / "lang").rglob("*")):
        if not path.is_file():
            continue
        for line in path.read_text("utf-8", "replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "language":
                code = words[1].lower()
                priority = int(words[2]) if len(words) > 2 and words[2].isdigit() else _USUAL_PRIORITY
                rank = -1 if path.name.lower() == code else priority
                best[code] = min(best.get(code, (rank, path.name)), (rank, path.name))
    return {code: name for code, (_, name) in best.items()}


@functools.cache
def _variants(data: Path) -> dict[str, str]:
    return {path.name.lower(): path.name for path in sorted((data / "voices" / "!v").iterdir())}


def _language(code: str, known: Mapping[str, str]) -> str:
    wanted = code.strip().lower().replace("_", "-")
    wanted = _OTHER_NAMES.get(wanted, wanted)
    # A region that has no voice of its own speaks as its language does.
    while wanted not in known and "-" in wanted:
        wanted = wanted.rpartition("-")[0]
        wanted = _OTHER_NAMES.get(wanted, wanted)
    if wanted not in known:
        text = f"eSpeak NG has no language {code!r}"
        raise NodeError(text, hint=f"nearest: {_nearest(wanted, known)}; codes are written as en, en-us, de, pt-br")
    return wanted


def _nearest(wanted: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(wanted, sorted(known), n=4, cutoff=0.3)
    return ", ".join(near or sorted(known, key=lambda code: (code[:1] != wanted[:1], code))[:4])


def _sounds_female(name: str) -> bool:
    first = name.partition(" ")[0]
    return first.endswith(("a", "elle", "ette", "ine", "lyn")) and first not in (
        "joshua",
        "luca",
        "noah",
        "ezra",
        "dasha",
    )
