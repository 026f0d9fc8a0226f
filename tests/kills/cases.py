"""Graphs of every vendor and class of recovery, and what must hold of them whatever happened to a build. Knows no killing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dagcontent.testing.vendors.ledger import Charge

__all__ = ["CASES", "GATE", "Case", "Verdict", "judge"]


class Case(NamedTuple):
    """A graph of paid nodes, each its own kind of charge: (vendor, operation of the ledger) by node."""

    graph: str
    charges: Mapping[str, tuple[str, str]]


GATE = Case(
    """
[graph]
name = "kills"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/schnell"
prompt = "A small boat"
size = "64x64"
output = "still"
[node.words]
kind = "text.generate"
model = "openai/gpt-6-luna"
prompt = "A line about a boat"
max_tokens = 40
output = "words"
[node.clip]
kind = "video.generate"
model = "openrouter/google/veo-3.1-lite"
prompt = "A boat leaves"
duration = 4
resolution = "720p"
aspect = "16:9"
output = "clip"
[node.picture]
kind = "image.generate"
model = "openai/gpt-image-2.6-flare"
prompt = "A small harbour"
output = "picture"
""",
    {
        "still": ("fal", "submit"), "words": ("openai", "chat"), "clip": ("openrouter", "videos"),
        "picture": ("openai", "images.generate"),
    },
)  # fmt: skip
"""A queue job that is found by match, a call that is found by mark, a long job and a call that nobody finds."""

CASES = {
    "gate": GATE,
    "elevenlabs": Case(
        """
[graph]
name = "kills"
[node.voice]
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "A small boat."
output = "voice"
[node.sound]
kind = "sound.generate"
model = "elevenlabs/eleven_text_to_sound_v2"
prompt = "Waves"
duration = 1
output = "sound"
[node.picture]
kind = "image.generate"
model = "elevenlabs/bytedance-seedream-5-pro"
prompt = "A harbour"
output = "picture"
""",
        {"voice": ("elevenlabs", "speech"), "sound": ("elevenlabs", "sound"), "picture": ("elevenlabs", "flows.image")},
    ),
    "google": Case(
        """
[graph]
name = "kills"
[node.words]
kind = "text.generate"
model = "google/gemini-4-hydrogen"
prompt = "A line about a boat"
max_tokens = 40
output = "words"
[node.clip]
kind = "video.generate"
model = "google/gemini-omni-1.2-flash"
prompt = "A boat leaves"
duration = 3
resolution = "360p"
output = "clip"
""",
        {"words": ("google", "generate"), "clip": ("google", "interactions.video")},
    ),
    "openrouter": Case(
        """
[graph]
name = "kills"
[node.words]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "A line about a boat"
max_tokens = 40
output = "words"
[node.clip]
kind = "video.generate"
model = "openrouter/google/veo-3.1-lite"
prompt = "A boat comes home"
duration = 4
resolution = "720p"
aspect = "16:9"
output = "clip"
""",
        {"words": ("openrouter", "chat"), "clip": ("openrouter", "videos")},
    ),
    "chained": Case(
        """
[graph]
name = "kills"
[node.words]
kind = "text.generate"
model = "openai/gpt-6-luna"
prompt = "A line about a boat"
max_tokens = 40
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/schnell"
prompt = "${words}"
size = "64x64"
output = "still"
[node.voice]
kind = "speech.generate"
model = "openai/gpt-4o-mini-tts"
voice = "alloy"
text = "${words}"
output = "voice"
""",
        {"words": ("openai", "chat"), "still": ("fal", "submit"), "voice": ("openai", "speech")},
    ),
}
"""Every vendor with a call and a job; and what hangs on each other."""

_DONE = frozenset({"ran", "hit", "cutoff"})


class Verdict(NamedTuple):
    """What came of one point. `wrong` is empty, or says what must not be."""

    wrong: list[str]
    unresolved: int
    lost: int  # paid for, and nobody can fetch it: allowed where the vendor keeps no list


def judge(case: Case, told: Mapping[str, Any], charges: Sequence[Charge], *, stderr: str = "") -> Verdict:
    """Hold what the vendors charged, and what the builds after a kill say, against what was promised."""
    wrong: list[str] = []
    paid = Counter((charge.vendor, charge.operation) for charge in charges)
    wrong += [f"charged {count} times: {what}" for what, count in paid.items() if count > 1]
    wrong += [f"charged, and nobody asked: {what}" for what in paid if what not in case.charges.values()]
    first, second = told["first"], told["second"]
    if first["status"] not in {"ok", "unresolved"} or second["status"] != first["status"]:
        wrong.append(f"builds after it: {first}, {second}")
    left = {one["instance"]: one for one in told["before"] if one["state"] != "released"}
    now = {one["instance"]: one for one in told["attempts"] if one["state"] != "released"}
    unresolved = lost = 0
    for node, what in case.charges.items():
        status, error = first.get("nodes", {}).get(node, ("nothing", None))
        if status in _DONE:
            if paid[what] != 1:
                wrong.append(f"{node} is there and was charged {paid[what]} times")
            if now.get(node, {}).get("state") != "committed":
                wrong.append(f"{node} is there, and its attempt is {now.get(node)}")
            continue
        was = left.get(node)
        if was is not None and was["whole"]:
            wrong.append(f"{node} is {status} ({error}), and its whole answer lay on the disk")
        if status == "unresolved" and was is not None and was["recovery"] == "ask" and was["state"] in _ASKED:
            unresolved += 1
            lost += paid[what]
            continue
        wrong.append(f"{node} is {status} ({error}); it was {was}")
    wrong += [f"the store is damaged: {problem}" for problem in told["problems"]]
    wrong += [f"left over: {name}" for name in told["left"]]
    if "Traceback" in stderr:
        wrong.append(stderr)
    return Verdict(wrong, unresolved, lost)


_ASKED = frozenset({"intent", "unresolved"})
