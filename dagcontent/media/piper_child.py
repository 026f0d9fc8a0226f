"""Turn sentences into one WAV file and the place of each, in a process of its own. Knows nothing of dagcontent.

Piper is under another licence and brings half a second of imports, so it is loaded here only. This file is run by its path:
one JSON object on standard input, one on standard output.

    in   {model, config, sentences, slower, gap_s, out}
    out  {sample_rate, spans: [[first sample, last sample], ...]} or {error}
"""

from __future__ import annotations

import json
import sys
import wave
from typing import Any


def speak(order: dict[str, Any]) -> dict[str, Any]:
    """Speak the sentences of `order` into its file and return where each one is. The same order gives the same bytes."""
    from piper import PiperVoice, SynthesisConfig  # noqa: PLC0415 - what cannot be imported is said, not raised

    voice = PiperVoice.load(order["model"], order["config"])
    still = SynthesisConfig(length_scale=order["slower"], noise_scale=0.0, noise_w_scale=0.0)
    rate = int(voice.config.sample_rate)
    sound = bytearray()
    spans: list[list[int]] = []
    for number, sentence in enumerate(order["sentences"]):
        if number:
            sound += b"\0\0" * round(order["gap_s"] * rate)
        first = len(sound) // 2
        for chunk in voice.synthesize(sentence, still):
            sound += chunk.audio_int16_bytes
        spans.append([first, len(sound) // 2])
    with wave.open(order["out"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(sound))
    return {"sample_rate": rate, "spans": spans}


def _main() -> None:
    try:
        answer = speak(json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent words it
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main()
