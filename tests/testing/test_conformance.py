"""The suite that kinds of others run: it passes our own, and finds each fault it is for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.registry import KINDS
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.registry import local_registry
from dagcontent.testing import CountedRegistry, Ledger, Points, check_declaration, check_implementation
from dagcontent.values.types import AUDIO, TEXT

KIND = Kind("x.echo", "Its text.", (Param("text", TEXT, "a text", required=True),), TEXT, Effect.LOCAL)


@pytest.mark.parametrize("name", KINDS)
def test_our_own_declarations_pass(name: str) -> None:
    """What we ask of others holds for us."""
    check_declaration(KINDS[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Echo"}, "medium.verb"),
        ({"params": (Param("a", TEXT, ""), Param("a", TEXT, ""))}, "declared twice"),
        ({"params": (Param("when", TEXT, ""),)}, "keys of every node"),
        ({"accepts": (1,)}, "older versions"),
        ({"effect": Effect.VALUE}, "value kinds evaluate"),
        ({"params": (Param("a", TEXT, "", required=True, default="x"),)}, "required and with a default"),
        ({"params": (Param("a", TEXT, "", default="x", choices=("y",)),)}, "default is no choice"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_found(change: dict[str, Any], message: str) -> None:
    """Each rule has its case."""
    with pytest.raises(AssertionError, match=message):
        check_declaration(msgspec.structs.replace(KIND, **change))


def test_a_real_implementation_passes() -> None:
    """A stand-in of ours, as a plug-in would be tested."""
    made = local_registry().find("text.generate", "outline")
    assert made is not None
    value = check_implementation(KINDS["text.generate"], made, {"prompt": "a lantern"}, model="local/outline")
    assert isinstance(value, str)


def test_an_implementation_that_cannot_be_cached_is_found(tmp_path: Path) -> None:
    """Chance, a wrong type, a file elsewhere, a missing fact, progress that goes back."""
    count = itertools.count()
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"x")
    sound = msgspec.structs.replace(KIND, output=AUDIO, facts=("duration",))

    def backwards(call: Call) -> Made:
        call.progress(0.5)
        call.progress(0.1)
        return Made("x")

    def inside(call: Call) -> Made:
        path = call.workdir / "made.wav"
        path.write_bytes(b"x")
        return Made(NewFile(path, "audio", "audio/wav"))

    for kind, implementation, message in (
        (KIND, lambda _: Made(f"{next(count)}"), "two results"),
        (KIND, lambda _: Made(1), "declared as text"),
        (sound, lambda _: Made(NewFile(outside, "audio", "audio/wav")), "outside the call's folder"),
        (sound, inside, "not measured"),
        (KIND, backwards, "progress"),
    ):
        with pytest.raises(AssertionError, match=message):
            check_implementation(kind, implementation, {"text": "x"})


def test_calls_are_noted_before_they_are_made(tmp_path: Path) -> None:
    """A crash in the middle of a call leaves its line."""
    ledger = Ledger(tmp_path / "ledger")
    registry = CountedRegistry(local_registry(), ledger)
    assert registry.find("x.echo", "") is None

    def dies(_: Call) -> Made:
        assert ledger.read().total() == 1
        raise RuntimeError

    registry.add("x.echo", "", dies)
    found = registry.find("x.echo", "")
    assert found is not None
    with pytest.raises(RuntimeError):
        check_implementation(KIND, found, {"text": "x"})
    assert list(ledger.read()) == ['["x.echo", "", {"text": "x"}]']


def test_points_are_spread_over_all_names() -> None:
    """The rare ones first, none twice, and the last occurrence soon."""
    points = Points()
    for name in ["often"] * 5 + ["once"] + ["twice"] * 2:
        points(name)
    spread = points.spread(100)
    assert spread[:5] == [("often", 1), ("once", 1), ("twice", 1), ("often", 5), ("twice", 2)]
    assert len(spread) == len(set(spread)) == 8
