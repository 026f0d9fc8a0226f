from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from click.testing import Result

from dagcontent.store import Store
from dagcontent.store.store import open_store
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Manifest, Record, action_key

from .test_commands import imported_by
from .test_json import valid
from .test_spend import settle

Run = Callable[..., Result]
Same = Callable[[str, str], None]
NOW = 1_795_600_000_000  # 2026-11-25, in the morning
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """People look at history at a known moment, in a known zone."""
    noon = dt.datetime.fromtimestamp(NOW / 1000 + 7200, tz=dt.UTC)
    monkeypatch.setattr("dagcontent.cli.runs._now", lambda: noon)


def ended(store: Store, graph: str, status: str, number: int, counts: dict[str, int], profile: str = "") -> str:
    """Add a run that made a free card, and ended."""
    at_ms = NOW - DAY_MS + number * 3_725_000
    run = store.start_run(graph, now_ms=at_ms, profile=profile)
    manifest = Manifest("image.generate", 1, {"prompt": f"card {number}"}, model="local/card")
    key = action_key(manifest, Encoder())
    store.put(
        Record(key=key, manifest=manifest, outcome=Done("x"), made_with={}, run=run.id, at_ms=at_ms, seconds=1.5)
    ).result()
    if status:
        store.finish_run(run, status, counts, now_ms=at_ms + 192_000)
    return run.id


def paid(store: Store, graph: str) -> None:
    """Add a run that paid for a picture, was charged for a failure, and left one nobody knows of and one that cost nothing."""
    rows: list[tuple[str, str, int | None, int | None, str, str]] = [
        ("still[dusk]", "fal-ai/flux/dev", 32_000, 25_000, "computed", "committed"),
        ("still[camp]", "fal-ai/flux/dev", 32_000, 25_000, "computed", "charged"),
        ("cover", "gpt-image-2", 260_180, None, "", "unresolved"),
        ("voice", "eleven_v3", None, None, "", "abandoned"),
        ("sound", "eleven_text_to_sound_v2", 50_000, None, "", "released"),
    ]
    run = store.start_run(graph, now_ms=NOW)
    for number, (instance, model, bound, cost, source, state) in enumerate(rows):
        manifest = Manifest("image.generate", 1, {"prompt": f"scene {number}"}, model=f"fal/{model}")
        key = action_key(manifest, Encoder())
        intent = Intent(
            attempt=f"01{number}j9x{number:020d}", key=key, run=run.id, graph=graph, instance=instance, provider="fal",
            realm="", account="a", operation="x", model=model, kind="image.generate", recovery="ask", marker="",
            payload_digest="", reserved_microusd=bound, at_ms=NOW, send_by_ms=NOW,
            manifest=msgspec.structs.asdict(manifest), request={},
        )  # fmt: skip
        store.claim_many([key], run).result()
        store.attempts.intend(intent).result()
        settle(store, intent, state, cost, source, manifest)
    store.finish_run(run, "unresolved", {"ran": 1, "hit": 2, "failed": 1, "unresolved": 1}, now_ms=NOW + 64_000)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_runs_screens(run: Run, here: Path, same: Same, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people see of history, word for word, at two widths: no line is longer than the screen."""
    monkeypatch.setenv("COLUMNS", columns)
    talk, teaser = str(here / "talk.toml"), str(here / "a-teaser-with-a-long-name.toml")
    screens: list[str] = []
    widest = 0

    def see(*args: str) -> None:
        nonlocal widest
        found = run("runs", *args)
        widest = max(widest, *map(len, found.stdout.splitlines() or [""]))
        screens.append(f"== runs {' '.join(args)}\n{found.stdout}{found.stderr}[{found.exit_code}]\n")

    see()
    see("2026")
    with open_store(here / "store") as store:
        ended(store, talk, "ok", 0, {"ran": 7, "hit": 17, "cutoff": 2})
        ended(store, talk, "ok", 1, {"ran": 12_345, "hit": 19}, profile="draft")
        ended(store, talk, "failed", 2, {"ran": 1, "failed": 3, "blocked": 4})
        ended(store, teaser, "interrupted", 3, {"ran": 1, "failed": 1})
        dead = ended(store, teaser, "", 4, {})
        paid(store, teaser)
    with open_store(here / "store") as store:
        store.start_run("jobs", now_ms=NOW + 7_000_000)
        see()
        see("-n", "2")
        see("--since", "2026-11-25", "--graph", Path(teaser).name)
        see("--graph", "tlak.toml")
        see(dead[:15])
        see("20261125T094640")
        see("20261125T1")
        see("20261124")
        see("20251124")
        see("20261124", "--all")
    same(f"runs_{columns}.txt", "\n".join(screens))
    assert widest <= int(columns)


def test_documents_are_as_their_schemas_say(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs read what people see: every state a run can be in, whole ids, and counts that nobody knows as null."""
    graph = str(here / "talk.toml")
    with open_store(here / "store") as store:
        ended(store, graph, "ok", 0, {"ran": 7, "hit": 17, "cutoff": 2}, profile="draft")
        ended(store, graph, "", 1, {})
        paid(store, graph)
    found = valid("runs", json.loads(run("runs", "--json", "-n", "2").stdout))
    monkeypatch.setattr("dagcontent.api.past._MOST_AT_ONCE", 1)  # many are summed in another way
    assert json.loads(run("runs", "--json", "-n", "2").stdout) == found
    assert (found["total"], [one["status"] for one in found["runs"]]) == (3, ["unresolved", "died"])
    assert found["runs"][0]["cost_usd"] == {"spent": "0.05", "reserved": "0.26018"}
    assert [one["counts"] for one in found["runs"]] == [{"made": 1, "hits": 2, "failed": 1}, None]
    one = valid("run", json.loads(run("runs", "--json", found["runs"][0]["short"]).stdout))
    assert {job["node"]: job["state"] for job in one["jobs"]}["cover"] == "unresolved"
    assert [(made["nodes"], made["cost_usd"]) for made in one["made"]] == [
        (["still[dusk]"], "0.025"),
        (["still[camp]"], "0.025"),
    ]
    assert one["made"][1]["error"] == "moderated"


def test_an_absent_store_is_no_mistake(run: Run, here: Path) -> None:
    """Nothing was built where nothing was built; nothing is made by asking."""
    assert run("runs").stdout == "nothing was built\n"
    assert run("runs", "--since", "7d").stdout == "nothing was built since 7d\n"
    assert valid("runs", json.loads(run("runs", "--json").stdout))["runs"] == []
    assert run("runs", "2026").exit_code == 2
    assert not (here / "store").exists()


@pytest.mark.slow
def test_a_run_tells_what_its_build_told(run: Run, small: Path, here: Path) -> None:
    """History and the build's own report are two views of one thing: the same counts, nodes and outputs, after an edit too."""
    first = json.loads(run("build", "small.toml", "--json").stdout)
    small.write_text(small.read_text(encoding="utf-8").replace("comes up", "rises"), encoding="utf-8")
    second = json.loads(run("build", "small.toml", "--json").stdout)
    assert json.loads(run("build", "small.toml", "--json").stdout)["run"] == ""
    rows = valid("runs", json.loads(run("runs", "--json", "--graph", "small.toml").stdout))["runs"]
    assert [row["run"] for row in rows] == [second["run"], first["run"]]
    ran = [node["node"] for node in second["nodes"] if node["status"] == "ran"]
    assert rows[0]["counts"] == {"made": len(ran), "hits": second["counts"]["hit"], "failed": 0}
    detail = valid("run", json.loads(run("runs", second["run"], "--json").stdout))
    assert sorted(name for made in detail["made"] for name in made["nodes"]) == sorted(ran)
    assert detail["outputs"] == [Path(second["outputs"]["sheet"]).name]
    # What the edit made anew is another's now.
    earlier = valid("run", json.loads(run("runs", first["run"], "--json").stdout))
    assert (len(earlier["made"]), earlier["outputs"]) == (5, [])


def test_a_result_is_of_the_run_that_fetched_it_and_its_cost_of_the_one_that_sent(run: Run, here: Path) -> None:
    """What a dead run had sent and a later one fetched is in the history of both, its money once."""
    manifest = Manifest("image.generate", 1, {"prompt": "a hill"}, model="fal/flux")
    key = action_key(manifest, Encoder())
    with open_store(here / "store") as store:
        first = store.start_run(str(here / "talk.toml"), now_ms=NOW)
        intent = Intent(
            attempt=f"01{0:024d}", key=key, run=first.id, graph=first.graph, instance="still[dusk]", provider="fal", realm="",
            account="a", operation="x", model="flux", kind="image.generate", recovery="ask", marker="", payload_digest="",
            reserved_microusd=32_000, at_ms=NOW, send_by_ms=NOW, manifest=msgspec.structs.asdict(manifest), request={},
        )  # fmt: skip
        store.claim_many([key], first).result()
        store.attempts.intend(intent).result()
    with open_store(here / "store") as store:
        second = store.start_run("jobs", now_ms=NOW + 5_000)
        store.attempts.take_over([intent.attempt], second, now_ms=NOW + 5_000).result()
        store.attempts.spooled(intent.attempt, {}, now_ms=NOW + 5_000).result()
        record = Record(
            key=key, manifest=manifest, outcome=Done("x"), made_with={}, run=second.id, at_ms=NOW, cost_microusd=25_000
        )
        store.attempts.commit(
            intent.attempt, record, cost_microusd=25_000, cost_source="reported", now_ms=NOW + 5_000
        ).result()
        store.finish_run(second, "ok", {}, now_ms=NOW + 6_000)
    one, two = (valid("run", json.loads(run("runs", name, "--json").stdout)) for name in (first.id, second.id))
    assert (one["cost_usd"]["spent"], one["made"], [job["state"] for job in one["jobs"]]) == (
        "0.025",
        [],
        ["committed"],
    )
    assert (two["cost_usd"]["spent"], [made["nodes"] for made in two["made"]], two["jobs"]) == (
        "0",
        [["still[dusk]"]],
        [],
    )


@pytest.mark.slow
def test_looking_back_brings_in_no_vendor_and_no_loop(small: Path, run: Run) -> None:
    """A glance at history is answered before anything heavy is imported."""
    assert run("build", "small.toml").exit_code == 0
    modules = imported_by("runs", "--store", str(small.parent / "store"))
    heavy = {
        "anyio",
        "httpx",
        "networkx",
        "rich",
        "fal_client",
        "openai",
        "google",
        "elevenlabs",
        "dagcontent.providers",
    }
    assert heavy.isdisjoint(modules)
    assert "dagcontent.store.past" in modules


KILLED = """\
import os, sys
from dagcontent import api
from dagcontent.api.seams import Seams
def die(point):
    if point == "build.remembered":
        os._exit(9)
api.build("small.toml", store="store", seams=Seams(crashpoint=die))
"""


@pytest.mark.slow
def test_a_killed_build_died_and_what_it_made_is_there(run: Run, small: Path, here: Path) -> None:
    """Nobody buried it and no build came after: the history tells by the lock, and writes nothing to say so."""
    assert subprocess.run([sys.executable, "-c", KILLED], cwd=here, check=False).returncode == 9
    (row,) = json.loads(run("runs", "--json").stdout)["runs"]
    assert (row["status"], row["ended_ms"], row["counts"]) == ("died", None, None)
    detail = json.loads(run("runs", row["short"], "--json").stdout)
    kinds = sorted(made["kind"] for made in detail["made"])
    assert kinds == [*["image.caption"] * 2, *["image.generate"] * 2, "image.grid"]
    assert "image.caption x2" in run("runs", row["short"]).stdout
    assert run("build", "small.toml").exit_code == 0
    statuses = [one["status"] for one in json.loads(run("runs", "--json").stdout)["runs"]]
    assert statuses[-1] == "died"


PAID = """\
[graph]
name = "paid"

[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "A hill at dusk"
size = "512x512"

[node.cover]
kind = "image.generate"
model = "openai/gpt-image-2"
prompt = "A lantern"
size = "1024x1024"
"""


@pytest.mark.slow
def test_what_runs_cost_is_what_the_vendors_charged(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of the history are those of `spend`, and what they call settled is what the vendors' own ledger says; a run
    whose answer was lost says where that is settled.
    """
    with FakeVendors() as vendors:
        (here / "paid.toml").write_text(PAID, encoding="utf-8")
        (here / "config.toml").write_text(
            vendors.config_toml({"send_s": 2.0, "answer_s": 20.0, "inflight_s": 0.01}), encoding="utf-8"
        )
        monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
        for name, value in vendors.environment.items():
            monkeypatch.setenv(name, value)
        vendors.set_faults([{"fault": "drop", "vendor": "openai"}])
        assert run("build", "paid.toml", "--budget", "1").exit_code == 4
        (row,) = json.loads(run("runs", "--json").stdout)["runs"]
        (sums,) = json.loads(run("spend", "--by", "run", "--json").stdout)["rows"]
        assert (row["run"], row["cost_usd"]["spent"]) == (sums["run"], sums["spent_usd"])
        assert row["cost_usd"]["reserved"] == sums["reserved_usd"] != "0"
        charged = sum(charge.microusd for charge in vendors.charges() if charge.vendor == "fal")
        assert Decimal(row["cost_usd"]["spent"]) * 1_000_000 == charged
        text = run("runs", row["short"]).stdout
        assert "dagcontent jobs list\ndagcontent spend --by node --graph paid.toml\n" in text
        assert re.search(r"unresolved +cover .* reserved\n", text)
        assert row["short"] in run("spend", "--by", "run").stdout
