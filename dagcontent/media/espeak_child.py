"""Turn text into a WAV file and the time of every word, in a process of its own. Knows nothing of dagcontent.

eSpeak NG keeps its state in globals and is under another licence, so it is loaded here only. This file is run by its
path with nothing but the standard library: one JSON object on standard input, one on standard output.

    in   {library, data, text, voice, rate, pitch, out}
    out  {version, sample_rate, samples, events: [[character, sample], ...]} or {error: "voice" | "..."}
"""

from __future__ import annotations

import array
import ctypes
import json
import sys
import wave
from typing import Any

_SYNCHRONOUS = 2
_UTF8 = 1
_WORD = 1
_LIST_END = 0
_RATE, _PITCH = 1, 3


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(order: dict[str, Any]) -> dict[str, Any]:
    """Speak `order` into its file and return what is known of it."""
    library = ctypes.CDLL(order["library"])
    sample_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, order["data"].encode(), 0)
    if sample_rate <= 0:
        return {"error": "eSpeak NG did not start"}
    if library.espeak_SetVoiceByName(order["voice"].encode()) != 0:
        return {"error": "voice"}
    library.espeak_SetParameter(_RATE, order["rate"], 0)
    library.espeak_SetParameter(_PITCH, order["pitch"], 0)
    sound = array.array("h")
    events: list[list[int]] = []

    def heard(samples: Any, count: int, happened: Any) -> int:
        position = 0
        while happened[position].type != _LIST_END:
            event = happened[position]
            if event.type == _WORD:
                # Positions count from 1, in characters.
                events.append([event.text_position - 1, event.sample])
            position += 1
        if samples and count > 0:
            sound.frombytes(ctypes.string_at(samples, count * 2))
        return 0

    callback = _Callback(heard)
    library.espeak_SetSynthCallback(callback)
    text = order["text"].encode("utf-8")
    if library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != 0:
        return {"error": "eSpeak NG could not speak the text"}
    library.espeak_Synchronize()
    if sys.byteorder == "big":
        sound.byteswap()
    with wave.open(order["out"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(sound.tobytes())
    library.espeak_Info.restype = ctypes.c_char_p
    version = (library.espeak_Info(None) or b"unknown").decode().split()[0]
    return {"version": version, "sample_rate": sample_rate, "samples": len(sound), "events": events}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(speak(json.load(sys.stdin))))
