"""Budgets as the journal keeps them: random histories against a list and sums, and what a cap must not forget."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracle.budgets import BLOCKS, HOLDS, Bought, Cell, Ledger

from dagcontent.errors import InternalError, OverBudget, StoreDamaged
from dagcontent.store import ClaimLost, Run, Store, new_attempt_id, open_store
from dagcontent.store.journal import day_of
from dagcontent.store.rebuild import rebuild
from dagcontent.values.attempt import ATTEMPT_TRANSITIONS, Attempt, AttemptState, Handle, Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.money import Cap
from dagcontent.values.record import Done, FailedCharged, Manifest, Record, action_key
from dagcontent.values.units import MILLIONTHS, UnitCap

S = AttemptState
NOW = 1_763_800_000_000  # 2025-11-22
DAY_MS = 86_400_000
KEYS, DAYS = 8, 3
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]

CELLS = (
    Cell("run"), Cell("graph"), Cell("day"), Cell("provider"), Cell("day", "a"), Cell("run", "b"), Cell("graph", "a"),
    Cell("day", "a", "image"), Cell("graph", "b", "second"), Cell("run", "a", "second"),
)  # fmt: skip
AMOUNTS = st.sampled_from([0, 300, 499, 500, 501, 900, None])
LIMITS = st.sampled_from([0, 500, 1000, 1001, 1500, *[9999] * 9])
"""Most caps leave room, and one or another does not: otherwise nothing is ever granted."""
TIGHT = st.sampled_from([500, 1000, 1001, 1500])


class Ground:
    """One folder for many histories: each has names and days of its own, so none sees another's money."""

    MOST = 150

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.used = 0
        self.serial = itertools.count()

    def store(self) -> Path:
        if self.folder is None or self.used >= self.MOST:
            self.clear()
            memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
            self.folder = Path(tempfile.mkdtemp(prefix="budgets-", dir=memory if memory.is_dir() else None))
        self.used += 1
        return self.folder / "store"

    def clear(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder)
        self.folder, self.used = None, 0


GROUND = Ground()


@pytest.fixture(scope="module", autouse=True)
def _ground_is_cleared() -> object:
    yield
    GROUND.clear()


class Budgets(RuleBasedStateMachine):
    """Two processes' stores, random attempts, random ends, caps that people change; beside them a list that is added up."""

    def __init__(self) -> None:
        super().__init__()
        root = GROUND.store()
        self.serial = next(GROUND.serial)
        self.stores: list[Store] = [open_store(root), open_store(root)]
        self.runs: list[Run] = []
        self.ledger = Ledger()
        self.limits = dict.fromkeys(CELLS, 0)
        self.granted: dict[tuple[Cell, str], int] = {}
        """The limit that was in force at the last grant under a cap."""

    @initialize(limits=st.tuples(*(TIGHT if cell.measure else LIMITS for cell in CELLS)))
    def begin(self, limits: tuple[int, ...]) -> None:
        self.limits = dict(zip(CELLS, limits, strict=True))
        self.runs = [store.start_run(self.graph(n), now_ms=NOW) for n, store in enumerate(self.stores)]

    def graph(self, who: int) -> str:
        return f"/g{self.serial}-{who}.toml"

    def at_ms(self, day: int) -> int:
        return NOW + (self.serial * (DAYS + 1) + day) * DAY_MS  # later than every history before

    def record(self, number: int, *, failed: bool = False) -> Record:
        manifest = Manifest("image.generate", 1, {"prompt": f"scene {number} of {self.serial}"}, model="fal/flux")
        outcome = FailedCharged("blocked", "moderated") if failed else Done("x")
        return Record(action_key(manifest, Encoder()), manifest, outcome, {}, "run", NOW)

    def names(self, who: int, provider: str, day: int) -> dict[str, str]:
        return {
            "run": self.runs[who].id, "graph": self.graph(who), "day": day_of(self.at_ms(day)),
            "provider": f"{provider}{self.serial}",
        }  # fmt: skip

    def of(self, cell: Cell) -> Cell:
        """Return a cap under this history's names."""
        return Cell(cell.scope, cell.provider and f"{cell.provider}{self.serial}", cell.measure)

    def caps(self, names: Mapping[str, str], *, unknown: bool) -> list[Cap | UnitCap]:
        made: list[Cap | UnitCap] = []
        for cell, limit in self.limits.items():
            scope, provider, name = cell.scope, self.of(cell).provider, names[cell.scope]
            if cell.measure:
                made.append(UnitCap(scope, name, provider, cell.measure, limit, "x", unknown))  # type: ignore[arg-type]
            else:
                made.append(Cap(scope, name, limit, "", provider))  # type: ignore[arg-type]
        return made

    def fits(self, names: Mapping[str, str], bound: int, amounts: Mapping[str, int | None], *, unknown: bool) -> bool:
        for cell, limit in self.limits.items():
            if self.of(cell).provider not in {"", names["provider"]}:
                continue
            wanted = amounts.get(cell.measure, 0) if cell.measure else bound
            if wanted is None and not unknown:
                return False
            if sum(self.ledger.sums(self.of(cell), names[cell.scope])) + (wanted or 0) > limit:
                return False
        return True

    @rule(
        who=st.integers(0, 1), key=st.integers(0, KEYS - 1), bound=AMOUNTS, provider=st.sampled_from("ab"),
        day=st.integers(0, DAYS - 1), most=st.tuples(AMOUNTS, AMOUNTS), unknown=st.booleans(), again=st.booleans(),
    )  # fmt: skip
    def intend(
        self, who: int, key: int, bound: int | None, provider: str, day: int, most: tuple[int | None, int | None],
        *, unknown: bool, again: bool,
    ) -> None:  # fmt: skip
        """A build, at any moment of any clock, is about to send something."""
        store, run, record = self.stores[who], self.runs[who], self.record(key)
        names, amounts = self.names(who, provider, day), dict(zip(("image", "second"), most, strict=True))
        claim = store.claim_many([record.key], run).result()[0]
        intent = Intent(
            attempt=new_attempt_id(self.at_ms(day)), key=record.key, run=run.id, graph=run.graph, instance="still",
            provider=names["provider"], realm="", account="a", operation="queue", model="m", kind="image.generate",
            recovery="ask", marker="", payload_digest="", reserved_microusd=bound, at_ms=self.at_ms(day),
            send_by_ms=self.at_ms(day), manifest=None, request=None, units=amounts,
        )  # fmt: skip
        blocked = self.ledger.blocking(record.key)
        free = blocked is None or (again and blocked.state == "expired")
        fits = self.fits(names, bound or 0, amounts, unknown=unknown)
        try:
            attempt = store.attempts.intend(intent, self.caps(names, unknown=unknown), repay=again).result()
        except ClaimLost:
            assert not free or not claim.won
            return
        except OverBudget:
            assert not fits
            return
        assert claim.won
        assert free
        assert fits
        if blocked is not None:
            blocked.state = "superseded"
        self.ledger.all[attempt.id] = Bought(attempt.id, record.key, names, bound, amounts)
        for cell, limit in self.limits.items():
            if self.of(cell).provider in {"", names["provider"]}:
                self.granted[cell, names[cell.scope]] = limit

    @precondition(lambda self: any(one.state in BLOCKS for one in self.ledger.all.values()))
    @rule(data=st.data(), who=st.integers(0, 1), part=st.sampled_from([0, 1, 2, 4, None]))
    def go_on(self, data: st.DataObject, who: int, part: int | None) -> None:
        """Any process takes any open attempt any lawful way: it costs less than its bound, as much, twice that, or nobody says."""
        known = data.draw(st.sampled_from([one for one in self.ledger.all.values() if one.state in BLOCKS]))
        ways = sorted(ATTEMPT_TRANSITIONS[S(known.state)], key=lambda one: one.value)
        self.step(known, data.draw(st.sampled_from(ways)), who, part)

    @precondition(lambda self: any(one.state in HOLDS for one in self.ledger.all.values()))
    @rule(data=st.data(), who=st.integers(0, 1), part=st.sampled_from([1, 2, 4, None]), failed=st.booleans())
    def settle(self, data: st.DataObject, who: int, part: int | None, *, failed: bool) -> None:
        """A request under way comes to its end: its cost takes the place of what was reserved."""
        known = data.draw(st.sampled_from([one for one in self.ledger.all.values() if one.state in HOLDS]))
        if not failed and known.state != "spooled":
            self.step(known, S.SPOOLED, who, None)
        self.step(known, S.CHARGED if failed else S.COMMITTED, who, part)

    def step(self, known: Bought, to: S, who: int, part: int | None) -> None:
        """Take an attempt a lawful way; it costs so many halves of its bound."""
        journal = self.stores[who].attempts
        number = next(n for n in range(KEYS) if self.record(n).key == known.key)
        cost = None if part is None else (100 if known.bound is None else known.bound) * part // 2
        ways: dict[S, Callable[[], object]] = {
            S.SUBMITTED: lambda: journal.submitted(known.id, Handle({"id": "1"}), now_ms=NOW).result(),
            S.SPOOLED: lambda: journal.spooled(known.id, {}, now_ms=NOW).result(),
            S.COMMITTED: lambda: journal.commit(
                known.id, self.record(number), cost_microusd=cost, cost_source="reported", now_ms=NOW
            ).result(),
            S.CHARGED: lambda: journal.charge(
                known.id, self.record(number, failed=True), cost_microusd=cost, cost_source="reported", now_ms=NOW
            ).result(),
            S.RELEASED: lambda: journal.release(known.id, "x", "y", now_ms=NOW).result(),
            S.EXPIRED: lambda: journal.expire(known.id, "y", now_ms=NOW).result(),
            S.UNRESOLVED: lambda: journal.unresolve(known.id, "y", now_ms=NOW).result(),
            S.ABANDONED: lambda: journal.abandon(known.id, now_ms=NOW).result(),
            S.SUPERSEDED: lambda: journal.supersede(known.id, now_ms=NOW).result(),
        }
        ways[to]()
        known.state = to.value
        known.cost = cost if to in {S.COMMITTED, S.CHARGED} else None

    @rule(cell=st.sampled_from(CELLS), limit=LIMITS)
    def edit(self, cell: Cell, limit: int) -> None:
        """A person changes a cap, below what is spent and reserved as well."""
        self.limits[cell] = limit

    @rule(who=st.integers(0, 1))
    def take_over(self, who: int) -> None:
        """A build goes on with what others left; money stays where it was reserved."""
        ids = [one.id for one in self.ledger.all.values() if one.state in BLOCKS]
        self.stores[who].attempts.take_over(ids, self.runs[who], now_ms=NOW).result()

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        """End one process without a word; another one begins a run."""
        root = self.stores[who].root
        self.stores[who].close()
        self.stores[who] = open_store(root)
        self.runs[who] = self.stores[who].start_run(self.graph(who), now_ms=NOW)

    @invariant()
    def money_is_as_the_list_says_and_within_what_was_allowed(self) -> None:
        """The store's sums are the list's; and but for what vendors charged above their bounds, they are within every cap that
        was in force when something was last granted under it.
        """
        names = {(cell, name) for cell, name in self.granted}
        for who, provider, day in itertools.product(range(len(self.runs)), "ab", range(DAYS)):
            names |= {(cell, self.names(who, provider, day)[cell.scope]) for cell in CELLS}
        for cell, name in names:
            mine = self.of(cell)
            expected = self.ledger.sums(mine, name)
            for store in self.stores:
                found = (
                    store.attempts.used(UnitCap(cell.scope, name, mine.provider, cell.measure, 0))  # type: ignore[arg-type]
                    if cell.measure
                    else store.attempts.spent(Cap(cell.scope, name, 0, "", mine.provider))  # type: ignore[arg-type]
                )
                assert found == expected, (cell, name)
            if (cell, name) in self.granted:
                assert self.ledger.granted(mine, name) <= self.granted[cell, name]

    @invariant()
    def a_key_has_one_blocking_attempt_at_most(self) -> None:
        for number in range(KEYS if self.runs else 0):
            key = self.record(number).key
            found = self.stores[number % 2].attempts.blocking(key)
            known = self.ledger.blocking(key)
            assert (None if found is None else found.id) == (None if known is None else known.id)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


def machine(examples: int) -> type:
    """Return the test of so many histories."""
    test: type = type("TestBudgets", (Budgets.TestCase,), {})
    test.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples, stateful_step_count=25, deadline=None, phases=set(Phase) - {Phase.explain},
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip
    return test


TestBudgets = machine(min(40, settings().max_examples))
TestBudgets.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]
TestBudgetsEver = machine(100_000)
TestBudgetsEver.pytestmark = [pytest.mark.sweep]  # type: ignore[attr-defined]


def intended(store: Store, run: Run, record: Record, make_intent: MakeIntent, **fields: object) -> Attempt:
    """Claim a key and write its intent."""
    store.claim_many([record.key], run).result()
    return store.attempts.intend(make_intent(record, run, **fields)).result()


@pytest.mark.parametrize("state", [S.INTENT, S.UNRESOLVED, S.EXPIRED, S.ABANDONED, S.SUPERSEDED, S.CHARGED, S.RELEASED])
@pytest.mark.parametrize("measure", ["", "image"])
def test_what_is_settled_and_what_is_held_both_count(
    store: Store, make_record: MakeRecord, make_intent: MakeIntent, state: S, measure: str
) -> None:
    """Whatever became of the first request, the second gets what is left of the cap, and not one millionth more."""
    run = store.start_run("g", now_ms=NOW)
    cap = UnitCap("graph", "g", "fal", measure, 1000) if measure else Cap("graph", "g", 1000)
    first = intended(store, run, make_record(1), make_intent, reserved_microusd=600, units={"image": 600})
    journal = store.attempts
    if state in {S.UNRESOLVED, S.ABANDONED, S.SUPERSEDED}:
        journal.unresolve(first.id, "y", now_ms=NOW).result()
    ends: dict[S, Callable[[], object]] = {
        S.EXPIRED: lambda: (
            journal.submitted(first.id, Handle({"id": "1"}), now_ms=NOW).result()
            and journal.expire(first.id, "y", now_ms=NOW).result()
        ),
        S.ABANDONED: lambda: journal.abandon(first.id, now_ms=NOW).result(),
        S.SUPERSEDED: lambda: journal.supersede(first.id, now_ms=NOW).result(),
        S.RELEASED: lambda: journal.release(first.id, "x", "y", now_ms=NOW).result(),
        S.CHARGED: lambda: journal.charge(
            first.id, msg_failed(make_record(1)), cost_microusd=None, cost_source="unknown", now_ms=NOW
        ).result(),
    }
    ends.get(state, lambda: None)()
    left = 1000 if state is S.RELEASED else 400
    record = make_record(2)
    store.claim_many([record.key], run).result()
    for more, fits in ((1, False), (0, True)):
        intent = make_intent(record, run, reserved_microusd=left + more, units={"image": left + more})
        if fits:
            assert journal.intend(intent, [cap]).result().state is S.INTENT
        else:
            with pytest.raises(OverBudget) as caught:
                journal.intend(intent, [cap]).result()
            assert caught.value.refused.settled + caught.value.refused.held == 1000 - left


def test_amounts_survive_the_loss_of_the_database(
    tmp_path: Path, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """What was used under a cap on units is in `paid.jsonl`, released or not: a database made again sells nothing twice."""
    cap = UnitCap("provider", "fal", "fal", "image", 0)  # type: ignore[arg-type]
    with open_store(tmp_path / "store") as store:
        run = store.start_run("g", now_ms=NOW)
        for number, amount in enumerate([1, 2, 4, None, 8]):
            units = {"image": None if amount is None else amount * MILLIONTHS}
            attempt = intended(store, run, make_record(number), make_intent, units=units)
            if amount == 2:
                store.attempts.release(attempt.id, "x", "y", now_ms=NOW + 1).result()
            if amount == 4:
                store.attempts.unresolve(attempt.id, "y", now_ms=NOW + 1).result()
            if amount == 8:
                store.attempts.charge(
                    attempt.id, msg_failed(make_record(number)), cost_microusd=3, cost_source="reported", now_ms=NOW + 1
                ).result()
        before = store.attempts.used(cap), store.attempts.spent(Cap("run", run.id, 0))
    assert before[0] == (8 * MILLIONTHS, 5 * MILLIONTHS)
    for end in ("", "-wal", "-shm"):
        Path(f"{tmp_path / 'store' / 'store.db'}{end}").unlink(missing_ok=True)
    rebuild(tmp_path / "store", crashpoint=lambda _: None)
    with open_store(tmp_path / "store", write=False) as store:
        assert (store.attempts.used(cap), store.attempts.spent(Cap("run", run.id, 0))) == before


def msg_failed(record: Record) -> Record:
    """Return the record of a failure under the same key."""
    return msgspec.structs.replace(record, outcome=FailedCharged("blocked", "moderated"))


def test_what_cannot_be_counted_is_not_taken_for_nothing(
    store: Store, make_record: MakeRecord, make_intent: MakeIntent
) -> None:
    """A row of the scope that is damaged stops what a cap on units would let through: it may have used all there was."""
    run = store.start_run("g", now_ms=NOW)
    intended(store, run, make_record(1), make_intent, units={"image": MILLIONTHS})
    store._writer.submit(
        lambda connection: connection.execute("UPDATE attempt SET body = x'c1'") and None, durable=True
    ).result()
    record = make_record(2)
    store.claim_many([record.key], run).result()
    cap = UnitCap("run", run.id, "fal", "image", 10 * MILLIONTHS)
    with pytest.raises(StoreDamaged, match="cannot be counted"):
        store.attempts.intend(make_intent(record, run), [cap]).result()


@pytest.mark.parametrize("units", [{"image": -1}, {"image": -1, "second": 5}])
def test_an_intent_uses_no_less_than_nothing(
    store: Store, make_record: MakeRecord, make_intent: MakeIntent, units: dict[str, int]
) -> None:
    """A negative amount would make room for others."""
    run = store.start_run("g", now_ms=NOW)
    with pytest.raises(InternalError, match="less than nothing"):
        intended(store, run, make_record(1), make_intent, units=units)
