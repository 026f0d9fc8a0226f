"""Catalogued models of ElevenLabs and OpenRouter, from a node's parameters to an answer of the fake program.

The catalog, the adapter and the fake were written apart: here they must agree, request by request. What a result names is
fetched by the rules under which results are fetched.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from providers.loopback import Inputs, call, sent

from dagcontent.catalog.effective import effective
from dagcontent.catalog.load import models
from dagcontent.kinds.registry import KINDS
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch import fetch
from dagcontent.providers.once import Gates
from dagcontent.providers.port import Call, Failure, Part, Result, Waiting
from dagcontent.providers.registry import make
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Handle

TODAY = datetime.date(2026, 11, 22)
PICTURE, SOUND = media.picture(64, 64, "png", "in"), media.recording(1.0, "wav", "in")
FILES = Inputs(picture=PICTURE, sound=SOUND, film=media.clip(64, 64, 10, 1.0, "in"))
_PICTURE = FILES.blob("picture", "image", "image/png")
_SOUND = FILES.blob("sound", "audio", "audio/wav")
_LINES = [{"speaker": "a", "text": "Yes?"}, {"speaker": "b", "text": "No."}]

PARAMS: dict[str, dict[str, Any]] = {
    "text.generate": {"prompt": "Hm.", "returns": {"title": "text"}},
    "text.translate": {"text": "Hm.", "language": "de"},
    "image.describe": {"image": _PICTURE},
    "video.describe": {"video": FILES.blob("film", "video", "video/mp4"), "prompt": "What?"},
    "image.generate": {"prompt": "a hare", "aspect": "1:1"},
    "image.edit": {"prompt": "a hare", "image": _PICTURE},
    "video.generate": {"prompt": "a hare", "start_image": _PICTURE},
    "video.avatar": {"image": _PICTURE, "audio": _SOUND},
    "speech.generate": {"text": "Good morning.", "voice": "Rachel", "stability": 0.5, "format": "mp3"},
    "speech.dialogue": {"lines": _LINES, "voices": {"a": "Rachel", "b": "Adam"}},
    "speech.convert": {"audio": _SOUND, "voice": "Adam"},
    "speech.dub": {"media": _SOUND, "language": "de"},
    "sound.generate": {"prompt": "a door", "duration": 1.0, "loop": False},
    "music.generate": {"prompt": "a waltz", "duration": 3.0},
    "audio.transcribe": {"audio": _SOUND, "diarize": True},
}


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    program.reset()
    yield program
    assert program.errors() == []


def config_of(vendors: FakeVendors, provider: str) -> ProviderConfig:
    base = vendors.base_urls[provider]
    key = Secret(vendors.key(provider), "FAKE_KEY", [urlsplit(base).netloc])
    return ProviderConfig(name=provider, base_url=base, key=key, bounds={"answer_s": 20.0})


def order(model_id: str, kind: str) -> Call:
    """Return the call that a node makes, as the engine puts it together."""
    params = dict(PARAMS[kind])
    taken = {
        slot.param for model in models(model_id.partition("/")[0]) if model.id == model_id for slot in model.slots[kind]
    }
    params = {name: value for name, value in params.items() if name in taken or KINDS[kind].param(name).required}
    if "prompt" in taken:
        params.setdefault("prompt", "a hare")
    fit = effective(model_id, KINDS[kind], params, None, 7, "nearest", TODAY)
    output = str(KINDS[kind].output_type(params))
    provider, _, name = model_id.partition("/")
    one = call(fit.operation, kind, name, "audio" if kind == "speech.dub" else output, fit.fields, fit.params)
    return Call(**{field: getattr(one, field) for field in one.__struct_fields__} | {"provider": provider})


def every_form() -> list[tuple[str, str]]:
    """Return one model and kind of every form of request that the catalog makes; all of them must be makeable."""
    found: dict[Any, tuple[str, str]] = {}
    for vendor in ("elevenlabs", "openrouter"):
        for model in models(vendor):
            if model.retired is not None and model.retired <= TODAY:
                continue
            for kind in model.kinds:
                one = order(model.id, kind)
                words = {name: value for name, value in one.fields.items() if isinstance(value, str)}
                shape = (vendor, kind, one.operation, tuple(sorted(one.fields)), repr(sorted(words.items())))
                found.setdefault(shape, (model.id, kind))
    return list(found.values())


def outcome(vendors: FakeVendors, one: Call, *, to_the_end: bool) -> tuple[Any, list[bytes]]:
    """Return what came of a call, and the bytes of its file."""
    config = config_of(vendors, one.provider)

    async def inside() -> tuple[Any, list[bytes]]:
        gates = Gates()
        it = make(config, gates)
        try:
            found: Any = it.read(one, (await sent(it, one, FILES)).answer)
            if isinstance(found, Handle) and to_the_end:
                handle = found
                for _ in range(2000):
                    if not isinstance(found := await it.poll(one, handle), Waiting):
                        break
                    await asyncio.sleep(0.01)
            pieces: list[bytes] = []
            if isinstance(found, Result) and isinstance(found.value, Part):
                await fetch(found.value, pieces.append, config=config, result_hosts=it.result_hosts)
            return found, pieces
        finally:
            await it.close()
            await gates.aclose()

    return asyncio.run(inside())


@pytest.mark.parametrize(("model_id", "kind"), every_form())
def test_a_node_of_every_form_is_taken(vendors: FakeVendors, model_id: str, kind: str) -> None:
    """What the catalog makes of a node is what the vendor's own rules accept, and it is charged once."""
    found, _ = outcome(vendors, order(model_id, kind), to_the_end=False)
    assert not isinstance(found, Failure), found
    assert isinstance(found, Handle | Result)
    assert len(vendors.charges()) == 1


@pytest.mark.parametrize(
    ("model_id", "kind"),
    [
        ("elevenlabs/gpt-image-2", "image.generate"), ("elevenlabs/creatify-aurora", "video.avatar"),
        ("elevenlabs/dubbing_v2", "speech.dub"), ("openrouter/google/veo-3.1-lite", "video.generate"),
        ("elevenlabs/eleven_v3", "speech.dialogue"), ("openrouter/google/gemini-3-pro-image", "image.edit"),
    ],
)  # fmt: skip
def test_what_a_job_made_is_fetched(vendors: FakeVendors, model_id: str, kind: str) -> None:
    """URLs and paths of results are such as may be fetched, and what lies there is what was ordered."""
    found, pieces = outcome(vendors, order(model_id, kind), to_the_end=True)
    assert isinstance(found, Result), found
    data = b"".join(pieces)
    if kind.startswith("image."):
        assert min(media.picture_size(data)) >= 512
    else:
        assert media.sound_length_s(data) >= 0.5
    assert len(vendors.charges()) == 1


def test_an_older_dub_is_fetched_with_the_key(vendors: FakeVendors) -> None:
    """It lies below the provider's own address, where the key must be shown."""
    one = call("dubbing", "speech.dub", "dubbing", "audio", {"media": _SOUND, "target_lang": "de"})
    one = Call(**{field: getattr(one, field) for field in one.__struct_fields__} | {"provider": "elevenlabs"})
    _, pieces = outcome(vendors, one, to_the_end=True)
    assert media.sound_length_s(b"".join(pieces)) == pytest.approx(1.0, abs=0.1)
