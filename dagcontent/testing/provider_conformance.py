"""A provider's adapter and a server of its vendor into the reasons why nobody may pay through it. Knows no vendor.

What is asked is what paying at most once needs: one POST, through the gate; answers that mean the same at once, later and
in another process; polls that cost nothing; nothing taken for unbilled that the vendor did not say; no key where it is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import ProviderError
from dagcontent.providers.once import Phase
from dagcontent.providers.port import (
    Adapter,
    Answer,
    Call,
    Failure,
    Operation,
    Outcome,
    Recovery,
    Result,
    Waiting,
    payload_digest,
)
from dagcontent.testing.damage import damaged, strange_answers
from dagcontent.testing.provider_ground import PATIENCE_S, Factory, Ground, Inputs, Sent, that
from dagcontent.testing.wiretap import READING, Wiretap, connections
from dagcontent.values.attempt import Handle

__all__ = ["BOUNDS", "Case", "check_provider"]

BOUNDS: Final[Mapping[str, float]] = {"poll_s": 0.01, "poll_most_s": 0.05, "answer_s": 10.0}
"""How long things may take in the suite, in seconds; what is not named is as the operation declares it."""

_STRIKES: Final[tuple[str | int, ...]] = (408, 409, 429, 500, 502, 503, 307, "drop", "silent")
_SILENT_S: Final = 0.3
_DAMAGED: Final = 150


class Case(msgspec.Struct, frozen=True):
    """A call that the server answers with a result or a job. `files` are the bytes of its artifacts, by digest.

    `prose` are parameters and fields that may hold any text: with others in them it is a call of somebody else's.
    """

    call: Call
    files: Mapping[str, bytes] = {}
    prose: tuple[str, ...] = ("prompt", "text", "input")


def check_provider(
    name: str,
    factory: Factory,
    operations: Mapping[str, Operation],
    cases: Sequence[Case],
    *,
    base_url: str,
    key: str,
    bounds: Mapping[str, float] | None = None,
) -> None:
    """Raise AssertionError with the first thing that does not hold. There must be a case for an operation of each sort.

    `base_url` is where the server is: nothing else may be connected to. `key` is one that it lets in, of 8 characters at
    least. `bounds` override BOUNDS. Takes seconds, and sends each case to the server some ten times.
    """
    that(len(key) >= 8, "the key is too short to be looked for")
    that(bool(cases), "there is no case")
    for operation in operations.values():
        _declared(operation)
    with Wiretap(base_url) as tap, connections() as connected:
        suite = _Suite(name, factory, operations, tap, key, {**BOUNDS, **(bounds or {})})
        for case in cases:
            suite.check(case)
        upstream = base_url.split("/")[2]
        strangers = sorted(set(connected) - {tap.host, upstream})
        that(not strangers, f"connected past the configured address: {', '.join(strangers)}")


def _declared(operation: Operation) -> None:
    what = f"operation {operation.name!r}"
    that(bool(operation.name) and operation.name == operation.name.strip(), f"{what}: has no name")
    that(isinstance(operation.recovery, Recovery), f"{what}: recovery is exact, by-match or ask")
    that(operation.recovery is not Recovery.EXACT or bool(operation.marker), f"{what}: exact by no marker")
    that(len(operation.window.split()) > 3, f"{what}: `window` is a sentence on what is lost")
    that(bool(operation.cost), f"{what}: `cost` says how the actual cost is known")


class _Suite(Ground):
    """One adapter under test. Each check makes fresh adapters: nothing may live in them but connections."""

    def check(self, case: Case) -> None:
        """Put one case through everything."""
        call, files = case.call, Inputs(case.files)
        self._what = f"{self._name}, {call.operation}"
        that(call.operation in self._operations, f"{self._what}: not in the table of operations")
        operation = self._operations[call.operation]
        began_ms = time.time_ns() // 10**6
        payload = self._prepared(call, files)
        sent = self._run(lambda it: self._send(it, call, payload))
        self._once(sent, "a send")
        self.that(sent.passage.phase is Phase.BODY_IN, "`send` returned before the answer was read to its end")
        outcome = self._read(call, sent.answer)
        self.that(not isinstance(outcome, Failure), f"the server refused the case: {outcome}")
        self.that(operation.handle or not isinstance(outcome, Handle), "declared without a handle, and gave one")
        if isinstance(outcome, Handle):
            self._polled(call, outcome)
        self._total(call, sent.answer)
        self._refused(call, payload)
        if operation.recovery is not Recovery.ASK:
            self._found(case, payload, operation, began_ms)
        for strike in _STRIKES:
            self._struck(call, payload, strike)
        self._unleaked_on_the_wire()

    # -- prepare and send -----------------------------------------------------------------------------------------

    def _prepared(self, call: Call, files: Inputs) -> Mapping[str, Any]:
        def make(it: Adapter) -> Awaitable[Mapping[str, Any]]:
            self.that(it.name == self._name, f"the adapter calls itself {it.name!r}")
            for name, operation in self._operations.items():
                own = it.operations.get(name)
                self.that(
                    own is not None and msgspec.structs.replace(own, bounds=operation.bounds) == operation,
                    f"the adapter declares {name!r} in another way than its module",
                )
            return it.prepare(call, files)

        first, second = self._run(make), self._run(make)
        self._plain(first, "the payload")
        self.that(payload_digest(first) == payload_digest(second), "`prepare` gives another payload for the same call")
        self._keyless(first, "the payload")
        return first

    def _once(self, sent: Sent, what: str) -> None:
        """One request that may cost money: on the wire, and through the gate."""
        posts = [method for method in sent.methods if method not in READING]
        self.that(sent.asked >= len(sent.methods), f"{what} went past the gate: {', '.join(sent.methods)}")
        self.that(len(posts) <= 1, f"{what} sent {len(posts)} requests: {', '.join(posts)}")
        self.that(bool(posts), f"{what} sent nothing: {sent.error!r}")
        self.that(sent.asked == len(sent.methods), f"{what} tried to send again, which the gate refused")
        self.that(sent.passage.sent, f"{what} was not the attempt's own: it went as a free request")

    def _struck(self, call: Call, payload: Mapping[str, Any], strike: str | int) -> None:
        """Whatever goes wrong on the way, nothing is sent a second time."""
        bounds = {**self._bounds, "answer_s": _SILENT_S} if strike == "silent" else self._bounds
        self._tap.strike = strike
        try:
            sent = self._run(lambda it: self._send(it, call, payload), bounds=bounds)
        finally:
            self._tap.strike = None
        self._once(sent, f"a send that met {strike}")

    # -- read -----------------------------------------------------------------------------------------------------

    def _read(self, call: Call, answer: Answer) -> Outcome:
        """Read with two adapters, without a request; both say the same."""
        before = len(self._tap.seen), self._asked

        async def read(it: Adapter) -> Outcome:
            found = it.read(call, answer)
            self.that(isinstance(found, Handle | Result | Failure), f"`read` gave {type(found).__name__}")
            self.that(found == it.read(call, answer), "`read` says another thing the second time")
            return found

        first, second = self._run(read), self._run(read)
        self.that(first == second, "`read` says another thing in a fresh adapter")
        self.that(before == (len(self._tap.seen), self._asked), "`read` made a request")
        self._keyless(first, "what `read` gave")
        if isinstance(first, Handle):
            self.that(all(isinstance(text, str) for text in first.ids.values()), "a handle's ids are text")
        return first

    def _total(self, call: Call, answer: Answer) -> None:
        """Damaged answers end in an outcome or in ProviderError, and strange ones never in a refusal that costs nothing."""
        chance = random.Random(call.operation)  # noqa: S311 - the same damage every time
        bodies = [damaged(answer.body, chance) for _ in range(_DAMAGED)]
        answers = [Answer(answer.status, answer.headers, body) for body in bodies]
        strange = list(strange_answers())

        async def read(it: Adapter) -> None:
            for one in answers:
                self._tried(it, call, one)
            for one in strange:
                outcome = self._tried(it, call, one)
                free = isinstance(outcome, Failure) and outcome.billed is False
                self.that(not free, f"`read` takes {one.status} with {one.body[:40]!r} for refused and unbilled")

        self._run(read)

    def _tried(self, it: Adapter, call: Call, answer: Answer) -> Outcome | None:
        try:
            found = it.read(call, answer)
        except ProviderError as error:
            self._keyless([str(error), error.facts, error.hint], "an error of `read`")
            return None
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            said = f"{answer.status} with {answer.body[:60]!r}"
            self.that(False, f"`read` raised {type(error).__name__} for {said}: {error}")
        self.that(isinstance(found, Handle | Result | Failure), f"`read` gave {type(found).__name__}")
        return found

    def _refused(self, call: Call, payload: Mapping[str, Any]) -> None:
        """What the server says to a wrong key is read as a failure; half of it is no refusal any more."""
        sent = self._run(lambda it: self._send(it, call, payload), key="wrong-" + "x" * 32)
        self._once(sent, "a send with a wrong key")
        if sent.passage.status is None or sent.passage.status < 400:
            return  # a server that lets everybody in
        outcome = self._read(call, sent.answer)
        self.that(isinstance(outcome, Failure), f"a wrong key was answered with {sent.passage.status}: {outcome}")
        body = sent.answer.body
        halves = [Answer(sent.answer.status, sent.answer.headers, body[: len(body) * n // 8]) for n in range(8)]

        async def read(it: Adapter) -> None:
            for half in halves:
                found = self._tried(it, call, half)
                free = isinstance(found, Failure) and found.billed is False
                self.that(not free, f"`read` takes a part of a refusal for a whole one: {half.body[-40:]!r}")

        self._run(read)

    # -- jobs -----------------------------------------------------------------------------------------------------

    def _polled(self, call: Call, handle: Handle) -> None:
        """A job is followed by what was written down of it, by an adapter that never saw it."""
        kept = msgspec.json.decode(msgspec.json.encode(handle), type=Handle)
        self.that(kept == handle, "a handle does not survive being written down")

        async def follow(it: Adapter) -> Result | Failure:
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                found = await it.poll(call, kept)
                if not isinstance(found, Waiting):
                    return found
                await asyncio.sleep(self._bounds["poll_s"])
            raise AssertionError(f"{self._what}: the job is not over within {PATIENCE_S:g} s")

        first = self._only_reads(follow, "`poll`")
        self.that(isinstance(first, Result), f"the job came to {first}")
        self.that(first == self._only_reads(follow, "`poll`"), "`poll` gives another result the second time")
        self._keyless(first, "the result")

        async def broken(it: Adapter) -> None:
            try:
                found: Any = await it.poll(call, kept)
            except Exception as error:  # noqa: BLE001 - `fault` has to know it
                found = error if isinstance(error, ProviderError) else it.fault(error)
                self.that(found is not None, f"`fault` does not know what a lost connection raises: {error!r}")
            self.that(not isinstance(found, Result), "`poll` gave a result without an answer")
            self._keyless(found, "what is said of a lost connection")
            self.that(it.fault(LookupError("x")) is None, "`fault` takes any error for the vendor's")

        self._tap.strike, self._tap.struck = "drop", READING
        try:
            self._only_reads(broken, "`poll`")
        finally:
            self._tap.strike, self._tap.struck = None, frozenset({"POST", "PUT", "PATCH", "DELETE"})

    def _found(self, case: Case, payload: Mapping[str, Any], operation: Operation, began_ms: int) -> None:
        """A lost answer is found again, and nobody else's."""
        call, digest, foreign_digest = case.call, payload_digest(payload), hashlib.sha256(b"foreign").hexdigest()
        strange = msgspec.structs.replace(
            call,
            marker=foreign_digest[:32],
            params=_foreign(call.params, case.prose),
            fields=_foreign(call.fields, case.prose),
        )

        async def find(it: Adapter, one: Call, its: str, since_ms: int, until_ms: int) -> list[Any]:
            try:
                return list(await it.find(one, its, since_ms, until_ms))
            except Exception as error:  # noqa: BLE001 - `fault` has to know it
                known = isinstance(error, ProviderError) or it.fault(error) is not None
                self.that(known, f"`find` raised {error!r}, which `fault` does not know")
                self.that(one is strange, f"`find` raised {error!r}")
                return []  # it cannot tell: a person decides

        def asked(one: Call, its: str, since_ms: int, until_ms: int) -> list[Any]:
            return self._only_reads(lambda it: find(it, one, its, since_ms, until_ms), "`find`")

        now_ms = time.time_ns() // 10**6 + 1000
        ours = asked(call, digest, began_ms - 1000, now_ms)
        self.that(bool(ours), "`find` does not find what was just sent, and the operation is declared to be found")
        self.that(
            operation.recovery is not Recovery.EXACT or all(one.exact for one in ours),
            "`find` is exact, and says it is not",
        )
        self._keyless([one.handle for one in ours], "what `find` gave")
        foreign = asked(strange, foreign_digest, began_ms - 1000, now_ms)
        self.that(foreign == [], f"`find` gives what is not ours: {foreign}")
        never = asked(strange, foreign_digest, 0, 1)
        self.that(never == [], f"`find` gives what is of another time: {never}")


def _foreign(values: Mapping[str, Any], prose: Sequence[str]) -> dict[str, Any]:
    return {name: f"{value} of others" if name in prose else value for name, value in values.items()}
