from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagcontent.catalog.model import Model, Slot
from dagcontent.kinds.registry import KINDS
from dagcontent.values.types import Type
from dagcontent.values.value import Blob, Digest

Simple = Callable[[Model, str], dict[str, Any]]


def blob(type_: str, name: str = "a", **facts: Any) -> Blob:
    """Return an artifact that is measured: pictures of 1024x1024 px, recordings and clips of 4 s."""
    measured: dict[str, Any] = {"width": 1024, "height": 1024} if type_ == "image" else {"duration_ms": 4000}
    media_type = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}[type_]
    return Blob(Digest((name * 64)[:64]), type_, media_type, 1000, {**measured, **facts})


@pytest.fixture(scope="session")
def media() -> Callable[..., Blob]:
    """Give a maker of artifacts."""
    return blob


def _sample(type_: Type, slot: Slot | None) -> Any:
    if slot is not None and slot.values:
        return slot.values[0]
    if type_.name == "list":
        assert type_.item is not None
        return [_sample(type_.item, None)]
    if type_.artifact:
        return blob(type_.name)
    if type_.name == "number":
        return slot.minimum if slot is not None and slot.minimum is not None else 5
    return "a lantern"


@pytest.fixture(scope="session")
def simple() -> Simple:
    """Give a maker of the smallest parameters that a kind and a model need."""

    def made(model: Model, kind_name: str) -> dict[str, Any]:
        kind = KINDS[kind_name]
        slots = {slot.param: slot for slot in model.slots[kind_name]}
        wanted = [p.name for p in kind.params if p.required]
        wanted += [slot.param for slot in slots.values() if slot.required and slot.param not in wanted]
        wanted += [next(p for p in group if p in slots) for group in kind.one_of if not set(group) & set(wanted)]
        params: dict[str, Any] = {}
        for name in wanted:
            param = kind.param(name)
            assert param is not None
            params[name] = _sample(param.type, slots.get(name))
        if kind_name == "speech.dialogue":
            params = {"lines": [{"speaker": "anna", "text": "Hello."}], "voices": {"anna": "Rachel"}}
        return params

    return made
