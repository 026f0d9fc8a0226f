"""A plan in a file, and a build that is held to it: agreed to once, nothing dearer, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dagcontent.testing.vendors.client import FakeVendors

from .test_json import valid
from .test_paid_screens import PAID, PATIENT

Run = Callable[..., Result]
Edit = Callable[[dict[str, Any]], Any]

LISTED = """\
[graph]
name = "listed"

[params]
place = "hill"

[node.script]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Scenes on a ${params.place}"
returns = { scenes = [{ id = "text", picture = "text" }] }
max_tokens = 300

[each.scene]
of = "${script.scenes}"
max = 8

[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
each = "scene"
prompt = "${scene.picture}"
size = "512x512"
"""


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVendors]:
    """Two graphs that cost money, configured for fake vendors that have forgotten everything."""
    program.reset()
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    (here / "listed.toml").write_text(LISTED, encoding="utf-8")
    (here / "config.toml").write_text(program.config_toml(PATIENT) + "\n[budget]\nper_day_usd = 3\n", encoding="utf-8")
    monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
    for name, value in program.environment.items():
        monkeypatch.setenv(name, value)
    yield program
    assert program.errors() == []


def edit(path: Path, change: Edit) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def row(document: dict[str, Any], node: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in document["nodes"] if row["node"] == node)
    return found


def plainly(text: str) -> str:
    return re.sub(r"key [0-9a-f]{8}", "key ........", text)


@pytest.mark.slow
def test_a_build_is_what_was_agreed_to(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Planned in one step without a key, built in another without --yes or --budget: the file is the word. Again: hits."""
    planned = run("plan", "listed.toml", "-o", "out/../plan.json", FAKE_FAL_KEY="", FAKE_OPENROUTER_KEY="")
    assert planned.exit_code == 2  # there is no such folder
    assert run("plan", "listed.toml", "-o", "plan.json", "-q", FAKE_FAL_KEY="").exit_code == 0
    document = valid("plan", json.loads((here / "plan.json").read_text("utf-8")))
    assert document["plan"] == {"format": 1, "graph": "listed.toml", "targets": [], "params": {}, "profile": None}
    assert document["warnings"] == []
    still = row(document, "still[*]")
    assert (still["items"], still["key"], len(still["asks"])) == (
        {"expected": None, "max": 8},
        None,
        64 + len(" at fake-vendors"),
    )
    assert run("build", "listed.toml").exit_code == 6
    built = json.loads(run("build", "listed.toml", "--plan", "plan.json", "--json").stdout)
    assert (built["status"], built["counts"]["ran"]) == ("ok", 1 + len(vendors.charges()) - 1)
    assert float(built["cost_usd"]["spent"]) <= float(document["totals"]["cost_usd"]["high"])
    again = json.loads(run("build", "listed.toml", "--plan", "plan.json", "--json").stdout)
    assert again["counts"]["ran"] == 0
    # What is made stays agreed to; a part of what was agreed to is, too.
    (here / "listed.toml").write_text(LISTED + "# a comment\n", encoding="utf-8")
    assert run("build", "listed.toml", "--plan", "plan.json").exit_code == 0


@pytest.mark.slow
def test_what_became_a_hit_is_no_difference(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Somebody builds a part of it meanwhile: the rest is bought, for less than was agreed to."""
    run("plan", "paid.toml", "-o", "plan.json", "-q")
    assert run("build", "paid.toml", "cover", "--budget", "1", "-q").exit_code == 0
    assert run("build", "paid.toml", "--plan", "plan.json", "-q").exit_code == 0
    assert len(vendors.charges()) == 2


def test_another_request_is_refused(run: Run, vendors: FakeVendors, here: Path) -> None:
    """An edited prompt, a node more, another model: each named, then and now; exit 2, and no vendor hears of it."""
    run("plan", "paid.toml", "-o", "plan.json", "-q")
    more = PAID.replace("dusk", "dawn").replace("openai/gpt-image-2", "fal/fal-ai/flux/dev")
    more += '\n[node.extra]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "x"\nsize = "512x512"\n'
    (here / "paid.toml").write_text(more, encoding="utf-8")
    found = run("build", "paid.toml", "--plan", "plan.json")
    assert found.exit_code == 2
    assert plainly(found.stderr) == (
        "error: this is not what was agreed to in plan.json; nothing was spent\n"
        "  node   then                now\n"
        "  still  key ........        key ........: other parameters or inputs\n"
        "  cover  openai/gpt-image-2  fal/fal-ai/flux/dev\n"
        "  extra  not in the plan     at most $0.032\n"
        "  look at what it would cost now, and agree to that: dagcontent plan GRAPH -o FILE\n"
    )
    assert vendors.requests() == []


def test_an_edit_of_what_has_no_key_yet_is_refused(run: Run, vendors: FakeVendors, here: Path) -> None:
    """A list that is still to be made: what is written of its nodes was agreed to, not only how many there are."""
    run("plan", "listed.toml", "-o", "plan.json", "-q")
    (here / "listed.toml").write_text(LISTED.replace("512x512", "1024x1024"), encoding="utf-8")
    found = run("build", "listed.toml", "--plan", "plan.json")
    assert found.exit_code == 2
    assert "still[*]  as it was written  edited, or what it depends on was" in found.stderr
    (here / "listed.toml").write_text(LISTED.replace("max = 8", "max = 9"), encoding="utf-8")
    assert run("build", "listed.toml", "--plan", "plan.json").exit_code == 2
    assert vendors.requests() == []


def test_what_became_dearer_is_refused(run: Run, vendors: FakeVendors, here: Path) -> None:
    """The same requests at a price above what was agreed to: exit 6, with both amounts, before anything is sent."""
    run("plan", "paid.toml", "-o", "plan.json", "-q")

    def cheaper(document: dict[str, Any]) -> None:
        row(document, "still")["cost_usd"]["high"] = "0.03"
        document["totals"]["cost_usd"]["high"] = "0.29018"

    edit(here / "plan.json", cheaper)
    found = run("build", "paid.toml", "--plan", "plan.json")
    assert found.exit_code == 6
    assert "what was agreed to in plan.json is dearer now; nothing was spent" in found.stderr
    assert "  still  at most $0.030  at most $0.032" in found.stderr
    assert vendors.requests() == []


@pytest.mark.slow
def test_the_plans_most_is_a_cap(run: Run, vendors: FakeVendors, here: Path) -> None:
    """What nobody knew the price of counts nothing: it does not fit under what was agreed to, and is not sent."""
    run("plan", "paid.toml", "-o", "plan.json", "-q")

    def unknown(document: dict[str, Any]) -> None:
        row(document, "cover")["cost_usd"]["high"] = None
        document["totals"]["cost_usd"]["high"] = None

    edit(here / "plan.json", unknown)
    found = run("build", "paid.toml", "--plan", "plan.json", "--allow-unpriced")
    assert found.exit_code == 6
    assert "the cap: --plan plan.json of $0.032" in found.stdout
    assert [charge.vendor for charge in vendors.charges()] == ["fal"]


@pytest.mark.slow
def test_targets_and_parameters_are_the_files(run: Run, vendors: FakeVendors, here: Path) -> None:
    """They need not be typed again; if they are, they are the same, or it is another plan."""
    run("plan", "listed.toml", "script", "-p", "place=bay", "-o", "plan.json", "-q")
    plan = ["--plan", "plan.json"]
    for wrong in (["still"], ["-p", "place=hill"], ["-p", "place=bay", "-p", "x=1"]):
        found = run("build", "listed.toml", *wrong, *plan)
        assert (found.exit_code, "leave them out: the file says them" in found.stderr) == (2, True)
    built = json.loads(run("build", "listed.toml", *plan, "--json").stdout)
    assert ([node["node"] for node in built["nodes"]], len(vendors.charges())) == (["script"], 1)
    assert run("build", "listed.toml", "script", "-p", "place=bay", *plan).exit_code == 0
    assert len(vendors.charges()) == 1


@pytest.mark.slow
def test_ceilings_say_what_is_left(run: Run, vendors: FakeVendors, here: Path) -> None:
    """A day's money is counted over all graphs: the plan of the next one knows what went before."""
    assert run("build", "paid.toml", "still", "--budget", "1", "-q").exit_code == 0
    (here / "paid.toml").write_text(PAID.replace("dusk", "dawn"), encoding="utf-8")
    found = run("plan", "paid.toml", "--budget", "2", COLUMNS="200")
    assert "ceilings  $2.00 (--budget)\n" in found.stdout
    assert "$2.975 left of $3.00 a day (per_day_usd in " in found.stdout
    document = valid("plan", json.loads(run("plan", "paid.toml", "--budget", "2", "--json").stdout))
    assert [(c["per"], c["limit_usd"], c["used_usd"], c["left_usd"]) for c in document["ceilings"]] == [
        ("run", "2", "0", "2"), ("day", "3", "0.025", "2.975"),
    ]  # fmt: skip
    price = row(document, "cover")["price"]
    assert (price["basis"], len(price["charges"]) > 1) == ("guess", True)
    (charge,) = row(document, "still")["price"]["charges"]
    assert charge == {
        "unit": "megapixel", "amount": {"low": 1.0, "expected": 1.0, "high": 1.0}, "usd": "0.025", "at_most_usd": "0.032",
        "source": "fal's pricing API", "date": "2026-07-28",
    }  # fmt: skip


WRONG: list[tuple[str, Edit, str]] = [
    ("newer", lambda d: d["plan"].update(format=2), "is of a newer version of dagcontent: its format is 2"),
    ("older", lambda d: d["plan"].update(format=0), "is of another version of dagcontent: its format is 0"),
    ("odd", lambda d: d["plan"].update(format=True), "is of another version of dagcontent"),
    ("--json", lambda d: d.pop("plan"), "was not written by `plan -o`"),
    ("no rows", lambda d: d.pop("nodes"), "is no plan"),
    ("half a row", lambda d: d["nodes"][0].pop("cost_usd"), "is no whole plan"),
    ("no total", lambda d: d.pop("totals"), "is no whole plan"),
    ("a higher row", lambda d: d["nodes"][0]["cost_usd"].update(high="0.5"), "its total is not the sum of its rows"),
    ("less than nothing", lambda d: d["nodes"][0]["cost_usd"].update(high="-1"), "'-1' is no amount of money"),
    ("infinite", lambda d: d["nodes"][0]["cost_usd"].update(high="1e9999999"), "is no amount of money"),
    ("another graph", lambda d: d["plan"].update(graph="listed.toml"), "is the plan of another graph"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_said_to_be_wrong(run: Run, vendors: FakeVendors, here: Path, change: Edit, words: str) -> None:
    """Of another version, changed by hand, of another graph: exit 2, what is wrong, and how to write it anew; nothing is sent."""
    run("plan", "paid.toml", "-o", "plan.json", "-q")
    edit(here / "plan.json", change)
    found = run("build", "paid.toml", "--plan", "plan.json")
    assert found.exit_code == 2
    assert words in found.stderr
    assert len(found.stderr.splitlines()) in {2, 4}
    assert vendors.requests() == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"plan": {"format": 1}}', PAID.encode()]
)
def test_what_is_no_plan_is_said_to_be_none(run: Run, vendors: FakeVendors, here: Path, content: bytes) -> None:
    """Whatever lies under that name, even a graph: words, never a fault."""
    (here / "plan.json").write_bytes(content)
    found = run("build", "paid.toml", "--plan", "plan.json", "--json")
    assert (found.exit_code, json.loads(found.stdout)["error"]["type"]) == (2, "ConfigError")
    assert "is no plan" in found.stderr


def test_a_file_that_is_not_there_is_said_to_be_missing(run: Run, vendors: FakeVendors) -> None:
    """A slip in its name is no consent."""
    assert "nowhere.json cannot be read: No such file" in run("build", "paid.toml", "--plan", "nowhere.json").stderr


def test_a_plan_goes_with_its_folder(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Paths in it are relative: another checkout of the same files is the same plan."""
    for name in ("one", "two"):
        (here / name / "plans").mkdir(parents=True)
        (here / name / "paid.toml").write_text(PAID, encoding="utf-8")
    run("plan", "one/paid.toml", "-o", "one/plans/p.json", "-q")
    (here / "one/plans/p.json").rename(here / "two/plans/p.json")
    refused = run("build", "one/paid.toml", "--plan", "two/plans/p.json")
    assert "planned   ../paid.toml\n  to build  ../../one/paid.toml" in refused.stderr
    assert run("build", "two/paid.toml", "--plan", "two/plans/p.json", "--dry-run").exit_code == 0
