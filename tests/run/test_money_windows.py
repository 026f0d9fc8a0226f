"""Attempts in a simulated world, at the moments where a purchase could happen twice or a result be lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from oracle.paid_world import PROCESS, Disk, Killed, Lost, Wire, World, desk_of, order_for

from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, ProviderError, StoreBusy
from dagcontent.providers.port import Answer, Call, ErrorClass, Failure, Listed, Outcome, Recovery, Result, Waiting
from dagcontent.run import attempt as engine
from dagcontent.run.order import Desk
from dagcontent.values.attempt import AttemptState, Handle

CERTAIN = 1.0


def tried(world: World, change: Callable[[Desk], Desk] = lambda desk: desk) -> list[NodeError | None]:
    """Run one process that wants the key "k"; return what it raised, if it did."""
    found: list[NodeError | None] = []

    async def program() -> None:
        world.claims["k"] = PROCESS.get()
        try:
            await engine.purchase(change(desk_of(world)), order_for("k", PROCESS.get()))
        except NodeError as error:
            found.append(error)
        else:
            found.append(None)

    world.run([program], most_turns=5_000)
    return found


def state(world: World) -> AttemptState:
    """Return the state of the last attempt."""
    return list(world.attempts.values())[-1].state


class Silent(Wire):
    """A vendor whose list never shows anything."""

    async def find(self, call: Call, digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        await self.world.turn()
        return []


class Changed(Silent):
    """One that takes requests, and says so in a form that nobody knows."""

    def read(self, call: Call, answer: Answer) -> Outcome:
        raise ProviderError("what is this")


def test_what_a_vendor_took_is_not_sent_again_because_its_list_is_silent() -> None:
    """An answer of success that cannot be understood is no request that never was: a person decides."""
    world = World(1, recovery=Recovery.BY_MATCH, handle=False, chances={})
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Changed(world)))
    assert isinstance(error, AttemptUnresolved)
    assert (state(world), world.charges["k"]) == (AttemptState.UNRESOLVED, 1)


def lost_answer(recovery: Recovery = Recovery.EXACT) -> World:
    """Return a world in which a request was taken, and the process died before its answer."""
    world = World(1, recovery=recovery, handle=True, chances={"answer lost": CERTAIN})
    (error,) = tried(
        world, lambda desk: msgspec.structs.replace(desk, clock=_Stopping(desk.clock), adapter=Silent(world))
    )
    assert isinstance(error, AttemptDetached)
    world.chances = {}
    return world


class _Stopping:
    """A clock of a build that is told to stop as soon as something was sent."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._asked = 0

    @property
    def stopping(self) -> bool:
        self._asked += 1
        return self._asked > 2

    def now_ms(self) -> int:
        now: int = self._clock.now_ms()
        return now

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def test_another_accounts_silence_proves_nothing() -> None:
    """A request is not sent again because the list of another key's account does not show it."""
    world = lost_answer()
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Silent(world), account="another"))
    assert isinstance(error, AttemptUnresolved)
    assert "another key" in error.message
    assert world.charges["k"] == 1


def test_a_list_that_goes_not_back_so_far_proves_nothing() -> None:
    """Months later a silent list says nothing of what was sent then."""
    world = lost_answer()
    world.now_ms += 40 * 86_400_000
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Silent(world)))
    assert isinstance(error, AttemptUnresolved)
    assert world.charges["k"] == 1


class Forgetful(Wire):
    """A vendor that knows no job of this key's."""

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        await self.world.turn()
        return Failure(ErrorClass.GONE, "no such job", None)


def test_a_job_that_another_account_does_not_know_is_not_given_up() -> None:
    """A job sent with another key stays on the journal: it is not that its vendor keeps it no longer."""
    world = World(1, recovery=Recovery.EXACT, handle=True, chances={})
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, clock=_Stopping(desk.clock)))
    assert isinstance(error, AttemptDetached)
    assert state(world) is AttemptState.SUBMITTED
    world.now_ms += 3_600_000
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Forgetful(world), account="another"))
    assert isinstance(error, AttemptDetached)
    assert "another key" in error.message
    assert state(world) is AttemptState.SUBMITTED
    assert tried(world) == [None]
    assert world.charges["k"] == 1


class Busy(Disk):
    """A journal that has no time for headers."""

    async def answered(self, attempt: str, answer: Mapping[str, Any]) -> None:
        raise StoreBusy("another process holds the database")


def test_a_paid_answer_is_read_though_its_headers_could_not_be_written_down() -> None:
    """Headers are a trace and the body is what was paid for: the one is not thrown away for want of the other."""
    world = World(1, recovery=Recovery.ASK, handle=False, chances={})
    assert tried(world, lambda desk: msgspec.structs.replace(desk, journal=Busy(world))) == [None]
    assert (state(world), world.charges["k"]) == (AttemptState.COMMITTED, 1)


def died_with_its_answer(recovery: Recovery, **chances: float) -> World:
    """Return a world in which a process died as soon as its whole answer was on the disk."""
    world = World(1, recovery=recovery, handle=False, chances=chances)

    def die(point: str) -> None:
        if point == "paid.answer-on-disk":
            raise Killed

    with pytest.raises(Killed):
        tried(world, lambda desk: msgspec.structs.replace(desk, crashpoint=die))
    assert state(world) is AttemptState.INTENT
    world.chances = {}
    return world


@pytest.mark.parametrize("recovery", [Recovery.ASK, Recovery.BY_MATCH])
def test_a_whole_answer_is_gone_on_from_though_its_process_died(recovery: Recovery) -> None:
    """What lies whole on the disk is used: nobody is asked, neither a person nor the vendor, and nothing is sent."""
    world = died_with_its_answer(recovery)
    assert tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Deaf(world))) == [None]
    assert (state(world), world.charges["k"]) == (AttemptState.COMMITTED, 1)
    assert world.spool == {}


class Deaf(Wire):
    """A vendor that takes no request and shows no list."""

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        raise AssertionError

    async def find(self, call: Call, digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        raise AssertionError


def test_a_refusal_that_lies_whole_on_the_disk_lets_the_request_be_sent_again() -> None:
    """A vendor that turned a request away said so: that its process died then is no reason to ask anybody."""
    world = died_with_its_answer(Recovery.ASK, **{"turned away": CERTAIN})
    assert tried(world) == [None]
    assert [one.state for one in world.attempts.values()] == [AttemptState.RELEASED, AttemptState.COMMITTED]
    assert world.charges["k"] == 1


def test_a_whole_answer_that_says_nothing_of_its_price_is_left_to_a_person() -> None:
    """A seal proves that an answer is whole, not that it was free."""
    world = died_with_its_answer(Recovery.ASK, **{"fails without a word": CERTAIN})
    (error,) = tried(world)
    assert isinstance(error, AttemptUnresolved)
    assert (state(world), world.charges["k"]) == (AttemptState.UNRESOLVED, 1)


class Elsewhere(Wire):
    """A vendor that is not where it is asked: every poll is a 404 of somebody else's."""

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        await self.world.turn()
        raise Lost

    def fault(self, error: BaseException) -> Failure | None:
        return Failure(ErrorClass.NOT_FOUND, "404")


class Down(Elsewhere):
    """One that is down for a while."""

    def fault(self, error: BaseException) -> Failure | None:
        return Failure(ErrorClass.TRANSIENT, "503")


def test_a_vendor_that_is_not_there_is_not_asked_for_ever() -> None:
    """Polls that can never be answered end: the job is left on the journal, and that is said."""
    world = World(1, recovery=Recovery.EXACT, handle=True, chances={})
    (error,) = tried(world, lambda desk: msgspec.structs.replace(desk, adapter=Elsewhere(world)))
    assert isinstance(error, AttemptDetached)
    assert (state(world), world.charges["k"]) == (AttemptState.SUBMITTED, 1)


def test_a_vendor_that_is_down_is_waited_for_and_that_is_told() -> None:
    """Whoever looks at a build sees why it waits."""
    world = World(1, recovery=Recovery.EXACT, handle=True, chances={})
    told: list[str] = []
    with pytest.raises(AssertionError, match="never come to an end"):
        tried(
            world,
            lambda desk: msgspec.structs.replace(
                desk, adapter=Down(world), stage=lambda _order, stage, _position: told.append(stage)
            ),
        )
    assert "cannot be asked: 503" in told
    assert any(re.fullmatch(r"cannot be asked for \d+ min: 503", stage) for stage in told)


def in_ten_minutes(world: World, **changes: Any) -> NodeError | None:
    """Run a process whose node has a `timeout` of ten minutes; return what it raised."""
    found: list[NodeError | None] = []

    async def program() -> None:
        world.claims["k"] = PROCESS.get()
        order = msgspec.structs.replace(order_for("k", PROCESS.get()), leave_ms=world.now_ms + 600_000)
        try:
            await engine.purchase(msgspec.structs.replace(desk_of(world), **changes), order)
        except NodeError as error:
            found.append(error)

    world.run([program], most_turns=5_000)
    return found[0] if found else None


def test_a_vendor_that_cannot_be_reached_is_left_at_the_timeout_of_its_node() -> None:
    """A net that refuses for ever holds no build up for ever: the job stays on the journal, for how long nothing was heard is said."""
    world = World(1, recovery=Recovery.EXACT, handle=True, chances={})
    error = in_ten_minutes(world, adapter=Down(world))
    assert isinstance(error, AttemptDetached)
    assert re.search(r"vendor cannot be asked for (9|10) min: 503; it was sent and is not lost", error.message)
    assert (state(world), world.charges["k"]) == (AttemptState.SUBMITTED, 1)
    assert tried(world) == [None]
    assert world.charges["k"] == 1


def test_a_list_that_cannot_be_read_is_left_at_the_timeout_of_its_node() -> None:
    """A lost answer is not looked for for ever either, and is neither sent again nor given up."""
    world = lost_answer()
    world.chances = {"list fails": CERTAIN}
    error = in_ten_minutes(world)
    assert isinstance(error, AttemptDetached)
    assert re.search(r"cannot be asked for (9|10) min: the line is dead", error.message)
    assert (state(world), world.charges["k"]) == (AttemptState.INTENT, 1)
    world.chances = {}
    assert tried(world) == [None]
    assert world.charges["k"] == 1
