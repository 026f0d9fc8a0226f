"""A world in which paid attempts live and die under simulated time: processes, one disk, one vendor, and its ledger.

The attempts are the engine's own code. Everything they await is answered here, in an order that a seed decides; at each of
these points a process may be killed, or sleep for longer than anybody waits. What was written stays; if it is the power that
failed, what was not synced may be cut, empty or gone.
"""

from __future__ import annotations

import contextvars
import hashlib
import random
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any

import msgspec

from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget
from dagcontent.providers.gate_scope import SCOPE, Phase
from dagcontent.providers.port import (
    Answer,
    Bounds,
    Call,
    Cost,
    ErrorClass,
    Failure,
    Listed,
    Operation,
    Outcome,
    Recovery,
    Result,
    Waiting,
    payload_digest,
)
from dagcontent.run import attempt as engine
from dagcontent.run.order import Desk, Order
from dagcontent.run.paid_ports import Payment
from dagcontent.values.attempt import ATTEMPT_TRANSITIONS, Attempt, AttemptState, Handle, Intent
from dagcontent.values.record import Manifest, Record

BOUNDS = Bounds(send_s=5, inflight_s=60, list_lag_s=30, poll_s=1, poll_most_s=20, answer_s=60)
PRICE = 25_000


class Lost(Exception):
    """A connection broke."""


class Killed(BaseException):
    """The process is no more."""


@types.coroutine
def until(at_ms: int) -> Generator[int, None, None]:
    """Give the others a turn, until then at least."""
    yield at_ms


class Job(msgspec.Struct):
    """What a vendor took, and charged."""

    id: str
    key: str
    digest: str
    marker: str
    at_ms: int
    registered_ms: int
    listed_ms: int
    done_ms: int
    fails: bool


class World:
    """One history. `recovery` is what the vendor allows; `chances` how often things go wrong, from 0 to 1."""

    def __init__(
        self, seed: int, *, recovery: Recovery, handle: bool, chances: Mapping[str, float], alike: bool = False
    ) -> None:
        self.chance = random.Random(seed)
        self.recovery = recovery
        self.handle = handle
        self.chances = chances
        self.alike = alike
        self.now_ms = 1_000_000
        self.attempts: dict[str, Attempt] = {}
        self.records: dict[str, Record] = {}
        self.spool: dict[tuple[str, str], bytes] = {}
        self.seals: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        self.loose: dict[tuple[str, str], str] = {}  # files whose process has not synced them yet
        self.arrived: set[str] = set()  # attempts whose good answer came to its end
        self.whole: set[str] = set()  # those of them whose bytes were synced
        self.claims: dict[str, str] = {}
        self.alive: set[str] = set()
        self.jobs: dict[str, Job] = {}
        self.arriving: list[tuple[int, Job]] = []
        self.charges: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.cap: int | None = None
        self.worst = 0
        self.count = 0

    # -- chance and time ------------------------------------------------------------------------------------------

    def happens(self, what: str) -> bool:
        """Whether something goes wrong now."""
        chance = self.chances.get(what, 0.0)
        if chance and self.chance.random() < chance:
            self.fired[what] += 1
            return True
        return False

    async def turn(self) -> None:
        """A point at which others may go on, and this process may die or sleep."""
        await until(self.now_ms)

    def holder(self, key: str) -> str | None:
        """Return the process that claims a key, dead or alive."""
        return self.claims.get(key)

    def id(self) -> str:
        """A name that is given once."""
        self.count += 1
        return f"{self.count:026d}"

    # -- the vendor -----------------------------------------------------------------------------------------------

    def accept(self, call: Call, digest: str) -> Job:
        """Take a request: from here on it is paid, whenever it shows."""
        late = self.chance.random() * BOUNDS.inflight_s * 900 if self.happens("registers late") else 0
        lag = self.chance.random() * BOUNDS.list_lag_s * 900 if self.happens("lists late") else 0
        at = self.now_ms + int(late)
        job = Job(
            f"job-{self.id()}", str(call.params["key"]), digest, call.marker, at, at, at + int(lag),
            at + self.chance.randrange(0, 60_000), self.happens("job fails"),
        )  # fmt: skip
        self.charges[job.key] += 1
        self.jobs[job.id] = job
        return job

    # -- the run --------------------------------------------------------------------------------------------------

    def run(self, programs: Sequence[Callable[[], Coroutine[Any, Any, None]]], *, most_turns: int = 20_000) -> None:
        """Run processes side by side until each has ended or died."""
        waiting: list[list[Any]] = []
        for n, program in enumerate(programs):
            pid = f"run-{self.id()}-{n}"
            self.alive.add(pid)
            context = contextvars.copy_context()
            context.run(PROCESS.set, pid)
            waiting.append([self.now_ms, pid, program(), context])
        for _ in range(most_turns):
            if not waiting:
                return
            self.now_ms += self.chance.randrange(0, 40)
            due = [one for one in waiting if one[0] <= self.now_ms]
            if not due:
                self.now_ms = min(one[0] for one in waiting)
                continue
            one = self.chance.choice(due)
            if self.happens("killed"):
                waiting.remove(one)
                self.bury(one)
                continue
            if self.happens("sleeps"):
                one[0] = self.now_ms + self.chance.randrange(1_000, 400_000)
                continue
            try:
                one[0] = one[3].run(one[2].send, None)
            except StopIteration:
                waiting.remove(one)
                self.alive.discard(one[1])
        assert not waiting, "the processes never come to an end"

    def bury(self, one: list[Any]) -> None:
        """End a process without a word: nothing that it would still do is done."""
        self.alive.discard(one[1])
        self.tear([file for file, pid in self.loose.items() if pid == one[1]])
        self.dead = True
        try:
            one[3].run(one[2].throw, Killed())
        except (Killed, StopIteration, RuntimeError):
            pass
        finally:
            self.dead = False
        one[2].close()

    def tear(self, files: Sequence[tuple[str, str]]) -> None:
        """Do to unsynced files what a loss of power may do, if it was one."""
        power = bool(files) and self.happens("power fails")
        for file in files:
            del self.loose[file]
            body = self.spool.get(file, b"")
            if power and file in self.spool:
                kept = self.chance.randrange(len(body) + 1)
                # A file may have its length before it has its bytes.
                self.spool[file] = body[:kept] + self.chance.choice([b"", bytes(len(body) - kept)])
            if power and self.chance.random() < 0.5:
                self.seals.pop(file, None)

    dead = False


PROCESS: contextvars.ContextVar[str] = contextvars.ContextVar("process")


class Disk:
    """The journal: what is awaited is durable, and a process may die before or after."""

    def __init__(self, world: World) -> None:
        self.world = world

    def blocking(self, key: str) -> Attempt | None:
        return next((a for a in self.world.attempts.values() if a.key == key and a.blocks), None)

    def knows(self, provider: str, handle: Handle, attempt: str) -> bool:
        others = [a for a in self.world.attempts.values() if a.id != attempt]
        return any(a.handle is not None and a.handle.ids == handle.ids for a in others)

    async def intend(self, intent: Intent, *, again: bool) -> None:
        world = self.world
        await world.turn()
        if world.holder(intent.key) != intent.run:
            raise NodeError("another took it over", retry=True)
        if self.blocking(intent.key) is not None or (intent.key in world.records and not again):
            raise NodeError("it is there already", retry=True)
        if world.cap is not None and self.bound() + (intent.reserved_microusd or 0) > world.cap:
            raise OverBudget("no money")
        world.attempts[intent.attempt] = Attempt(intent=intent, state=AttemptState.INTENT, changed_ms=intent.at_ms)
        world.worst = max(world.worst, self.bound())
        await world.turn()

    def bound(self) -> int:
        """What is settled and reserved."""
        free = {AttemptState.RELEASED}
        return sum(
            (a.cost_microusd if a.cost_microusd is not None else a.intent.reserved_microusd or 0)
            for a in self.world.attempts.values()
            if a.state not in free
        )

    async def step(self, attempt: str, state: AttemptState | None, **changes: Any) -> None:
        await self.world.turn()
        known = self.world.attempts[attempt]
        if state is not None:
            assert state in ATTEMPT_TRANSITIONS[known.state], f"{known.state} to {state}"
            changes["state"] = state
        self.world.attempts[attempt] = msgspec.structs.replace(known, **changes)
        await self.world.turn()

    async def answered(self, attempt: str, answer: Mapping[str, Any]) -> None:
        await self.step(attempt, None, answer=dict(answer))

    async def adopt(self, attempt: str, handle: Handle) -> bool:
        await self.world.turn()
        if self.knows("vendor", handle, attempt):
            return False
        known = self.world.attempts[attempt]
        assert AttemptState.SUBMITTED in ATTEMPT_TRANSITIONS[known.state]
        self.world.attempts[attempt] = msgspec.structs.replace(known, state=AttemptState.SUBMITTED, handle=handle)
        await self.world.turn()
        return True

    async def spooled(self, attempt: str, spool: Mapping[str, Any]) -> None:
        await self.step(attempt, AttemptState.SPOOLED, spool=dict(spool))

    async def commit(self, attempt: str, record: Record, payment: Payment, *, again: bool) -> Record:
        await self.world.turn()
        self.world.records.setdefault(record.key, record)
        await self.step(attempt, AttemptState.COMMITTED, cost_microusd=payment.microusd)
        return self.world.records[record.key]

    async def charge(self, attempt: str, record: Record, payment: Payment) -> None:
        self.world.records.setdefault(record.key, record)
        await self.step(attempt, AttemptState.CHARGED, cost_microusd=payment.microusd)

    async def release(self, attempt: str, error_class: str, message: str) -> None:
        await self.step(attempt, AttemptState.RELEASED, error_class=error_class, message=message)

    def release_soon(self, attempt: str, error_class: str, message: str) -> None:
        assert self.world.dead, "nobody cancels here but death"

    async def unresolve(self, attempt: str, message: str) -> None:
        await self.step(attempt, AttemptState.UNRESOLVED, message=message)

    async def expire(self, attempt: str, message: str) -> None:
        await self.step(attempt, AttemptState.EXPIRED, message=message)

    async def take_over(self, attempt: str) -> None:
        await self.world.turn()

    async def supersede(self, attempt: str) -> None:
        await self.step(attempt, AttemptState.SUPERSEDED)


class Wire:
    """The vendor's adapter: what the gate does, and all that can happen to a request."""

    name = "vendor"
    result_hosts = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.operations = {
            "make": Operation(
                name="make",
                recovery=world.recovery,
                handle=world.handle,
                marker="",
                cost="",
                window="no list",
                bounds=BOUNDS,
            )
        }

    async def prepare(self, call: Call, files: object) -> Mapping[str, Any]:
        await self.world.turn()
        if self.world.happens("upload fails"):
            raise Lost
        # Keys may share a payload: two takes of one picture look alike to a vendor.
        return {"prompt": "same" if self.world.alike else call.params["key"]}

    async def send(self, call: Call, payload: Mapping[str, Any]) -> None:
        world = self.world
        gate = SCOPE.get()
        assert gate is not None
        await world.turn()
        if world.happens("no connection"):
            gate.error = Lost()
            raise gate.error
        gate.phase = Phase.HOLDING
        await gate.commit()
        gate.committed = True
        gate.phase = Phase.OPEN
        # Nothing may come between the check of the deadline and the first byte but the network.
        if world.happens("lost on the way"):
            raise Lost
        digest = payload_digest(payload)
        if world.happens("turned away"):
            await self._answer(gate, 429, b"slow down")
            raise Lost
        job = world.accept(call, digest)
        if world.happens("answer lost"):
            await world.turn()
            raise Lost
        if world.happens("fails without a word"):
            await self._answer(gate, 500, b"oops")
            raise Lost
        body = job.id.encode() if world.handle else b"picture of " + job.id.encode()
        if world.happens("answer cut"):
            await self._answer(gate, 200, body[:4], whole=False)
            raise Lost
        await self._answer(gate, 200, body)
        world.arrived.add(call.attempt)

    async def _answer(self, gate: Any, status: int, body: bytes, *, whole: bool = True) -> None:
        await self.world.turn()
        gate.phase = Phase.ANSWERED
        gate.status = status
        gate.headers = {"content-length": str(len(body))}
        await gate.on_headers(status, gate.headers)
        gate.sink(body)
        await self.world.turn()
        if whole:
            gate.phase = Phase.BODY_IN

    def read(self, call: Call, answer: Answer) -> Outcome:
        if answer.status == 429:
            return Failure(ErrorClass.RATE_LIMIT, "too many", billed=False)
        if answer.status == 500:
            return Failure(ErrorClass.TRANSIENT, "oops")
        if self.world.handle:
            text = answer.body.decode()
            number = text.removeprefix("job-")
            if len(number) != 26 or not number.isdigit():  # as one in JSON: cut or torn it cannot be read
                from dagcontent.errors import ProviderError

                raise ProviderError("no id")
            return Handle({"id": text})
        return Result(answer.body.decode(), Cost(PRICE))

    async def poll(self, call: Call, handle: Handle) -> Waiting | Result | Failure:
        await self.world.turn()
        if self.world.happens("poll fails"):
            raise Lost
        job = self.world.jobs[handle.ids["id"]]
        if self.world.now_ms < job.done_ms:
            return Waiting("generating")
        if job.fails:
            return Failure(ErrorClass.BLOCKED, "no", billed=True)
        return Result(f"picture of {job.id}", Cost(PRICE))

    async def find(self, call: Call, digest: str, since_ms: int, until_ms: int) -> Sequence[Listed]:
        await self.world.turn()
        if self.world.happens("list fails"):
            raise Lost
        now = self.world.now_ms
        exact = self.world.recovery is Recovery.EXACT
        return [
            Listed(Handle({"id": job.id}), job.at_ms, exact)
            for job in self.world.jobs.values()
            if max(job.registered_ms, job.listed_ms) <= now
            and since_ms <= job.at_ms <= until_ms
            and (job.marker == call.marker if exact else job.digest == digest)
        ]

    def fault(self, error: BaseException) -> Failure | None:
        return Failure(ErrorClass.TRANSIENT, "the line is dead") if isinstance(error, Lost) else None

    async def close(self) -> None:
        pass


class Drawer:
    """The spool: bytes are there once synced; what is not may be cut, or gone, after a death."""

    files = None

    def __init__(self, world: World) -> None:
        self.world = world

    def open(self, attempt: str, name: str) -> Any:
        world = self.world
        world.spool[attempt, name] = b""
        world.loose[attempt, name] = PROCESS.get()

        class File:
            at = (attempt, name)

            def write(self, data: bytes) -> None:
                if not world.dead:
                    world.spool[attempt, name] += data

            def truncate(self) -> None:
                world.spool[attempt, name] = b""

        return File()

    async def sync(self, file: Any) -> None:
        await self.world.turn()
        self._synced(file)
        await self.world.turn()

    async def seal(self, file: Any, said: Mapping[str, Any], sha256: str) -> None:
        await self.world.turn()
        self.world.seals[file.at] = (said, sha256)
        await self.world.turn()
        self._synced(file)
        await self.world.turn()

    def _synced(self, file: Any) -> None:
        self.world.loose.pop(file.at, None)
        if file.at[0] in self.world.arrived:
            self.world.whole.add(file.at[0])

    async def sealed(self, attempt: str, name: str) -> tuple[Mapping[str, Any], bytes] | None:
        await self.world.turn()
        return self.proven(attempt, name)

    def proven(self, attempt: str, name: str) -> tuple[Mapping[str, Any], bytes] | None:
        """Return a sealed body whose digest is right."""
        body, (said, sha256) = self.world.spool.get((attempt, name)), self.world.seals.get((attempt, name), ({}, ""))
        return (said, body) if body is not None and hashlib.sha256(body).hexdigest() == sha256 else None

    async def read(self, attempt: str, name: str) -> bytes | None:
        await self.world.turn()
        return self.world.spool.get((attempt, name))

    async def fetch(self, part: Any, provider: str, file: Any) -> None:
        raise AssertionError

    async def keep(self, attempt: str, name: str, type: str, facts: Any) -> Any:  # noqa: A002 - the port's word
        raise AssertionError

    async def keep_raw(self, attempt: str) -> Mapping[str, str]:
        await self.world.turn()
        return {}

    def forget(self, attempt: str) -> None:
        if not self.world.dead:
            for name in [n for n in self.world.spool if n[0] == attempt]:
                del self.world.spool[name]


class Watch:
    """Time, and lines before the vendor's door that are never long."""

    stopping = False

    def __init__(self, world: World) -> None:
        self.world = world

    def now_ms(self) -> int:
        return self.world.now_ms

    async def sleep(self, seconds: float) -> None:
        await until(self.world.now_ms + int(seconds * 1000))

    async def enter(self, account: str) -> object:
        await self.world.turn()
        return None

    def leave(self, slot: object) -> None:
        pass

    async def pace(self, account: str) -> None:
        await self.world.turn()

    def hold(self, account: str, seconds: float) -> None:
        pass

    def learn(self, account: str, headers: Mapping[str, str]) -> None:
        pass


def desk_of(world: World) -> Desk:
    """Return what a process has at hand."""
    watch = Watch(world)
    return Desk(
        adapter=Wire(world), bounds=lambda operation: operation.bounds, journal=Disk(world), vault=Drawer(world),  # type: ignore[arg-type]
        clock=watch, limits=watch, price=lambda _order, cost, _at_ms: Payment(cost.microusd or 0, "reported"),  # type: ignore[arg-type]
        new_id=lambda: (world.id(), world.id()),
    )  # fmt: skip


def order_for(key: str, run: str) -> Order:
    """Return an order of one text."""
    call = Call(
        attempt="", marker="", provider="vendor", operation="make", kind="text.generate", model="m", output="text",
        params={"key": key}, fields={},
    )  # fmt: skip
    return Order(
        key=key, manifest=Manifest("text.generate", 1, {"key": key}), call=call, run=run, graph="g", instance=key, realm="",
        account="vendor", bound_microusd=PRICE,
    )  # fmt: skip


def build(world: World, keys: Sequence[str], *, tries: int = 3) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a process that makes what is missing of some keys."""

    async def program() -> None:
        run = PROCESS.get()
        desk = desk_of(world)
        for key in keys:
            for _ in range(tries):
                await world.turn()
                if key in world.records:
                    break
                holder = world.holder(key)
                if holder is not None and holder != run and holder in world.alive:
                    await until(world.now_ms + 30_000)
                    continue
                world.claims[key] = run
                try:
                    await engine.purchase(desk, order_for(key, run))
                except (AttemptUnresolved, AttemptDetached, OverBudget):
                    break
                except NodeError as error:
                    if not error.retry:
                        break
                finally:
                    if not world.dead and world.claims.get(key) == run:
                        del world.claims[key]

    return program
