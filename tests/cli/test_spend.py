from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result

from dagcontent.store.store import open_store
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, FailedCharged, Manifest, Record, action_key

from .test_json import valid

Run = Callable[..., Result]
NOW = 1_795_600_000_000  # 2026-11-25
DAY_MS = 86_400_000


def journal(here: Path) -> None:
    """Write a small history: two graphs, four vendors, every way in which a cost is known, or is not."""
    rows: list[tuple[str, str, str, str, int | None, int | None, str, str]] = [
        ("teaser", "still[dusk]", "fal", "fal-ai/flux/dev", 32_000, 25_000, "computed", "committed"),
        ("teaser", "still[camp]", "fal", "fal-ai/flux/dev", 32_000, 25_000, "computed", "charged"),
        ("teaser", "script", "openrouter", "anthropic/claude-sonnet-5.5", 900_000, 12_345, "reported", "committed"),
        ("teaser", "voice", "openai", "gpt-4o-mini-tts", 60_000, 15_000, "estimated", "committed"),
        ("teaser", "cover", "openai", "gpt-image-2", 260_180, None, "", "unresolved"),
        ("talk", "voice", "openai", "gpt-4o-mini-tts", 60_000, None, "", "abandoned"),
        ("talk", "face", "elevenlabs", "gemini-3.1-flash-image", None, 0, "unknown", "committed"),
        ("talk", "face", "elevenlabs", "gemini-3.1-flash-image", 50_000, None, "", "released"),
    ]
    with open_store(here / "store") as store:
        for number, (graph, instance, provider, model, bound, cost, source, state) in enumerate(rows):
            run = store.start_run(str(here / f"{graph}.toml"), now_ms=NOW + number)
            manifest = Manifest("image.generate", 1, {"prompt": f"scene {number}"})
            key = action_key(manifest, Encoder())
            intent = Intent(
                attempt=f"01{number:024d}", key=key, run=run.id, graph=str(here / f"{graph}.toml"), instance=instance,
                provider=provider, realm="", account="a", operation="x", model=model, kind="image.generate",
                recovery="ask", marker="", payload_digest="", reserved_microusd=bound, at_ms=NOW - (number % 3) * DAY_MS,
                send_by_ms=NOW, manifest=msgspec.structs.asdict(manifest), request={},
            )  # fmt: skip
            store.claim_many([key], run).result()
            store.attempts.intend(intent).result()
            settle(store, intent, state, cost, source, manifest)
            store.finish_run(run, "ok", {}, now_ms=NOW + number)


def settle(store: Any, intent: Intent, state: str, cost: int | None, source: str, manifest: Manifest) -> None:
    """Take an attempt to its state."""
    failed = FailedCharged("blocked", "moderated", None)
    record = Record(
        key=intent.key, manifest=manifest, outcome=failed if state == "charged" else Done("x"), made_with={}, run=intent.run,
        at_ms=NOW, seconds=1.0, cost_microusd=cost or 0,
    )  # fmt: skip
    attempts = store.attempts
    if state == "committed":
        attempts.spooled(intent.attempt, {}, now_ms=NOW).result()
        attempts.commit(intent.attempt, record, cost_microusd=cost, cost_source=source, now_ms=NOW).result()
    elif state == "charged":
        attempts.charge(intent.attempt, record, cost_microusd=cost, cost_source=source, now_ms=NOW).result()
    elif state == "released":
        attempts.release(intent.attempt, "rate-limit", "429", now_ms=NOW).result()
    else:
        attempts.unresolve(intent.attempt, "lost", now_ms=NOW).result()
        if state == "abandoned":
            attempts.abandon(intent.attempt, now_ms=NOW).result()


@pytest.mark.parametrize("columns", ["80", "120"])
def test_spend_screens(
    run: Run, here: Path, same: Callable[[str, str], None], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people see of the ledger, word for word, at two widths: no line is longer than the screen."""
    monkeypatch.setenv("COLUMNS", columns)
    screens = [f"== nothing yet\n{run('spend').stdout}"]
    journal(here)
    ways = ("provider", "model", "node", "graph", "day")
    screens += [f"== by {by}\n{run('spend', '--by', by).stdout}" for by in ways]
    screens.append(f"== one graph\n{run('spend', '--graph', 'talk.toml', '--by', 'node').stdout}")
    screens.append(f"== since\n{run('spend', '--since', '2026-11-25').stdout}")
    for args in (["--since", "yesterday"], ["--by", "color"], ["--json", "--csv"]):
        found = run("spend", *args)
        screens.append(f"== {' '.join(args)}\n{found.stderr}[{found.exit_code}]\n")
    text = "\n".join(screens)
    assert max(map(len, text.splitlines())) <= int(columns)
    same(f"spend_{columns}.txt", text)


@pytest.mark.parametrize("by", ["provider", "model", "node", "graph", "day", "run"])
def test_documents_agree_with_each_other(run: Run, here: Path, by: str) -> None:
    """JSON and CSV have the same rows, and by whatever it is summed the total is the same."""
    journal(here)
    document = valid("spend", json.loads(run("spend", "--json", "--by", by).stdout))
    assert (document["total"]["spent_usd"], document["total"]["reserved_usd"]) == ("0.137345", "0.26018")
    assert (document["total"]["requests"], document["total"]["free"], document["total"]["unpriced"]) == (8, 1, 1)
    rows = list(csv.DictReader(io.StringIO(run("spend", "--csv", "--by", by).stdout)))
    assert [{name: str(value) for name, value in row.items()} for row in document["rows"]] == rows
    for name in (
        "spent_usd",
        "reported_usd",
        "computed_usd",
        "estimated_usd",
        "unknown_usd",
        "failed_usd",
        "given_up_usd",
    ):
        assert sum(Decimal(row[name]) for row in rows) == Decimal(document["total"][name])


def test_an_absent_store_is_no_mistake(run: Run, here: Path) -> None:
    """Nothing was spent where nothing was built; nothing is made by asking."""
    assert run("spend").stdout == "nothing was spent\n"
    assert valid("spend", json.loads(run("spend", "--json").stdout))["rows"] == []
    assert run("spend", "--csv").stdout.count("\n") == 1
    assert not (here / "store").exists()


def test_a_graph_that_nobody_knows_is_a_mistake(run: Run, here: Path) -> None:
    """A path with a slip in it must not look like a graph that cost nothing; one that is there and cost nothing may."""
    journal(here)
    assert run("spend", "--graph", "tlak.toml").exit_code == 2
    (here / "new.toml").write_text('[graph]\nname = "new"\n', encoding="utf-8")
    assert run("spend", "--graph", "new.toml").stdout == "nothing was spent\n"


def test_a_time_ago_counts_from_now(run: Run, here: Path) -> None:
    """A span is no date: what lies before it is left out."""
    journal(here)
    found = json.loads(run("spend", "--json", "--since", "1h").stdout)
    assert (found["since"], found["total"]["requests"]) == ("1h", 0)
    assert json.loads(run("spend", "--json", "--since", "5000w").stdout)["total"]["requests"] == 8


UNTOLD = """\
[graph]
name = "untold"

[node.words]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "A line"
max_tokens = 64

[node.voice]
kind = "speech.generate"
model = "openai/gpt-4o-mini-tts"
text = "A hill at dusk."
voice = "alloy"
"""


@pytest.mark.slow
def test_reconciling_says_what_changed_and_who_is_silent(
    run: Run, here: Path, same: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimate becomes the vendor's word by a free request, and whoever tells nothing is named."""
    with FakeVendors() as vendors:
        (here / "untold.toml").write_text(UNTOLD, encoding="utf-8")
        (here / "config.toml").write_text(vendors.config_toml(), encoding="utf-8")
        monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
        for name, value in vendors.environment.items():
            monkeypatch.setenv(name, value)
        vendors.set_faults([{"fault": "untold", "vendor": "openrouter"}])
        assert run("build", "untold.toml", "--yes").exit_code == 0
        posts = sum(request["method"] == "POST" for request in vendors.requests())
        screens = [run("spend", *args).stdout for args in ([], ["--reconcile"], ["--reconcile", "--by", "node"])]
        same("spend_reconcile.txt", "\n".join(screens))
        assert posts == sum(request["method"] == "POST" for request in vendors.requests())
        told = json.loads(run("spend", "--json", "--reconcile").stdout)["rows"]
        charged = {charge.vendor: charge.microusd for charge in vendors.charges()}
        reported = {row["provider"]: Decimal(row["reported_usd"]) * 1_000_000 for row in told}
        assert reported == {"openrouter": charged["openrouter"], "openai": 0}
