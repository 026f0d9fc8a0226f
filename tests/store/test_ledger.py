from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.api.ledger import Since, SpendRow, summed
from dagcontent.errors import InternalError
from dagcontent.store import Run, Store, caps, journal
from dagcontent.store.db import new_database
from dagcontent.store.journal import LEDGER_KEYS, correct, counted, ledger, new_attempt_id
from dagcontent.values.attempt import Attempt, AttemptState, Intent
from dagcontent.values.record import Record

S = AttemptState
NOW = 1_763_800_000_000  # 2025-11-22
DAY_MS = 86_400_000
COST = st.none() | st.integers(0, 10**12)


@functools.cache
def database() -> apsw.Connection:
    """Return an empty database; whoever writes to it takes that back."""
    with tempfile.TemporaryDirectory(prefix="dagcontent-test-") as folder:
        return new_database(Path(folder) / "store.db")


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    """One settled or open attempt, of few names and days, in any state and with any cost."""
    at_ms = NOW + draw(st.integers(0, 3)) * DAY_MS
    intent = Intent(
        attempt=new_attempt_id(at_ms), key="", run=draw(st.sampled_from("rs")), graph=draw(st.sampled_from(("/a", "/b"))),
        instance=draw(st.sampled_from(("still", "still[x]", "still[x,take=1]", "clip[x]"))), provider=draw(st.sampled_from(("fal", "g"))),
        realm="", account="", operation="", model=draw(st.sampled_from("mn")), kind="", recovery="", marker="",
        payload_digest="", reserved_microusd=draw(COST), at_ms=at_ms, send_by_ms=at_ms, manifest=None, request=None,
    )  # fmt: skip
    return Attempt(
        intent=intent, state=draw(st.sampled_from(S)), changed_ms=at_ms, cost_microusd=draw(COST),
        cost_source=draw(st.sampled_from(("reported", "computed", "estimated", "unknown", ""))),
    )  # fmt: skip


def keyed(found: list[Attempt]) -> list[Attempt]:
    """Give each attempt a key of its own."""
    return [
        msgspec.structs.replace(one, intent=msgspec.structs.replace(one.intent, key=f"{number:064x}"))
        for number, one in enumerate(found)
    ]


def name_of(by: str, one: Attempt) -> tuple[str, str]:
    """Return (graph, name) of the row that an attempt belongs to, by the words of the design."""
    intent = one.intent
    names = {
        "day": journal.day_of(intent.at_ms), "graph": intent.graph, "model": f"{intent.provider}/{intent.model}",
        "node": intent.instance.partition("[")[0], "provider": intent.provider, "run": intent.run,
    }  # fmt: skip
    return (intent.graph if by in {"node", "graph"} else ""), names[by]


@given(
    found=st.lists(attempts(), max_size=25).map(keyed),
    since=st.integers(-1, 4),
    graph=st.sampled_from((None, "/a", "/c")),
)
def test_sums_by_any_key_are_the_journals_own_count(found: list[Attempt], since: int, graph: str | None) -> None:
    """However attempts are grouped, a row is what its attempts count for under a cap, the rows together are the total, and the
    four ways to know a cost together are what was spent.
    """
    connection = database()
    connection.execute("BEGIN")
    try:
        for one in found:
            journal.add(connection, one)
        first = NOW + since * DAY_MS
        asked = [one for one in found if one.intent.at_ms >= first and graph in {None, one.intent.graph}]
        for by in LEDGER_KEYS:
            by_moment = ledger(connection, by, since_ms=first, graph=graph)
            by_day = ledger(connection, by, since_day=journal.day_of(first), graph=graph)
            assert sorted(by_moment, key=repr) == sorted(by_day, key=repr)
            spend = summed(by, Since(), by_day)
            spent, held = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
            for one in asked:
                cost, reserved = counted(one)
                spent[name_of(by, one)] += cost
                held[name_of(by, one)] += reserved
            assert {(row.graph, row.name): row.spent for row in spend.rows} == dict(spent)
            assert {(row.graph, row.name): row.reserved for row in spend.rows} == dict(held)
            _adds_up(spend.total, list(spend.rows))
            assert spend.total.requests == len(asked)
        for runs in ([], ["r"], ["s", "r", "t"]):
            of_all = [one for one in ledger(connection, "run") if one.key in runs]
            assert sorted(ledger(connection, "run", runs=runs), key=repr) == sorted(of_all, key=repr)
    finally:
        connection.execute("ROLLBACK")


def _adds_up(total: SpendRow, rows: list[SpendRow]) -> None:
    for name in SpendRow.__struct_fields__[2:]:
        assert getattr(total, name) == sum(getattr(row, name) for row in rows), name
    for row in (total, *rows):
        assert row.spent == row.reported + row.computed + row.estimated + row.unknown
        assert row.failed + row.given_up <= row.spent


def _database(folder: Path, one: Attempt) -> apsw.Connection:
    connection = new_database(folder / "store.db")
    journal.add(connection, one, logged=True)
    return connection


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("source", ["reported", "computed", "estimated", "unknown", ""])
def test_a_cost_is_corrected_only_where_nobody_knew_it(tmp_path: Path, state: S, source: str) -> None:
    """What a vendor told holds; what is open or free has no cost to correct; all else of the attempt stays as it was."""
    (one,) = keyed([attempts_of(state, source)])
    with _database(tmp_path, one) as connection:
        closed = state not in {S.INTENT, S.SUBMITTED, S.SPOOLED, S.UNRESOLVED, S.RELEASED}
        if not closed:
            with pytest.raises(InternalError, match="cannot become"):
                correct(connection, one.id, 7, "reported", NOW)
            return
        for bad, word in ((-1, "reported"), (7, "estimated")):
            with pytest.raises(InternalError, match="cannot become"):
                correct(connection, one.id, bad, word, NOW)
        found = correct(connection, one.id, 7, "reported", NOW + 5)
        known = source in {"reported", "computed"}
        assert (found.cost_microusd, found.cost_source) == ((40, source) if known else (7, "reported"))
        assert journal.get(connection, one.id) == found
        assert journal.unlogged(connection) is not known
        same = msgspec.structs.replace(
            found, cost_microusd=one.cost_microusd, cost_source=one.cost_source, changed_ms=one.changed_ms
        )
        assert same == one
        spent, _ = caps.spent(connection, "provider", one.intent.provider)
        assert spent == (40 if known else 7)


def attempts_of(state: S, source: str) -> Attempt:
    """Return an attempt of a state whose cost is known so."""
    intent = Intent(
        attempt=new_attempt_id(NOW), key="", run="r", graph="/g", instance="still", provider="fal", realm="", account="",
        operation="", model="m", kind="", recovery="", marker="", payload_digest="", reserved_microusd=90, at_ms=NOW,
        send_by_ms=NOW, manifest=None, request=None,
    )  # fmt: skip
    return Attempt(intent=intent, state=state, changed_ms=NOW, cost_microusd=40, cost_source=source)


def test_a_correction_is_in_paid_jsonl(
    store: Store, make_record: Callable[..., Record], make_intent: Callable[..., Intent]
) -> None:
    """The file from which the database can be made again says the same: the last line of an attempt counts."""
    run: Run = store.start_run("g", now_ms=NOW)
    record = make_record(1)
    intent = make_intent(record, run)
    store.claim_many([record.key], run).result()
    store.attempts.intend(intent).result()
    store.attempts.spooled(intent.attempt, {}, now_ms=NOW).result()
    store.attempts.commit(intent.attempt, record, cost_microusd=500, cost_source="estimated", now_ms=NOW).result()
    store.attempts.correct(intent.attempt, cost_microusd=431, cost_source="reported", now_ms=NOW + 9).result()
    store.close()
    lines = (store.layout.root / "paid.jsonl").read_text(encoding="utf-8").splitlines()
    last = msgspec.json.decode(lines[-1])
    assert (last["id"], last["outcome"], last["cost_microusd"], last["cost_source"]) == (
        intent.attempt, "committed", 431, "reported",
    )  # fmt: skip
