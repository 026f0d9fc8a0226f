from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent.api.models import document, sheet
from dagcontent.catalog.load import VENDORS, models
from dagcontent.cli.models_text import describe, overview
from dagcontent.cli.screen import Screen
from dagcontent.testing.vendors.client import FakeVendors

Run = Callable[..., Result]
Same = Callable[[str, str], None]
TODAY = datetime.date(2026, 11, 22)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_list_names_every_model_and_fits(run: Run, columns: str) -> None:
    """Nothing of the catalog is missing, every id stands whole, to be copied, and no line is wider than the screen."""
    found = run("models", COLUMNS=columns)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    shown = [line.split()[0] for line in lines if line.startswith("    ") and line.strip()]
    assert {model.id for model in models()} <= set(shown)


@pytest.mark.slow
def test_every_model_can_be_read_in_full() -> None:
    """Whatever an entry holds is put into lines that fit; every parameter that is taken is named."""
    for model in models():
        one = sheet(model.id, today=TODAY)
        lines = list(describe(one, Screen(environment={"COLUMNS": "80"}), TODAY))
        assert max(map(len, lines)) <= 80, model.id
        text = " ".join(" ".join(lines).split())
        assert all(slot.param in text for slots in one.model.slots.values() for slot in slots), model.id
        assert all(operation.window.split()[-1] in text for operation in one.operations.values()), model.id
        assert all(price.source in text for price in one.model.prices), model.id
        assert one.operations, model.id
        assert set(one.recovery.split(", ")) <= {"exact", "by-match", "ask"}, model.id


def test_screens_of_models(run: Run, same: Same) -> None:
    """What people see of a short list and of one model, word for word."""
    screens = {
        "models --kind speech.convert": run("models", "--kind", "speech.convert").stdout,
        "models fal/fal-ai/flux/dev": run("models", "fal/fal-ai/flux/dev").stdout,
        "models elevenlabs/eleven_v3": run("models", "elevenlabs/eleven_v3").stdout,
    }
    gone = sheet("google/veo-2.0-generate-001", today=TODAY)
    screens["one that is gone"] = "\n".join(describe(gone, Screen(environment={"COLUMNS": "80"}), TODAY))
    screens["one that will be"] = "\n".join(
        overview([sheet("openai/gpt-5", today=TODAY)], Screen(environment={"COLUMNS": "80"}), TODAY)
    )
    same("models.txt", "\n".join(f"== {name}\n{text}" for name, text in screens.items()))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_list_is_of_one_vendor_or_of_one_kind(run: Run, vendor: str) -> None:
    """Filters leave nothing out that fits, and let nothing through that does not."""
    rows = json.loads(run("models", vendor, "--json").stdout)["models"]
    assert [row["model"] for row in rows] == [model.id for model in models(vendor)]
    kinds = json.loads(run("models", vendor, "--kind", "image.generate", "--json").stdout)["models"]
    assert [row["model"] for row in kinds] == [row["model"] for row in rows if "image.generate" in row["kinds"]]


def test_documents_have_exact_amounts(run: Run) -> None:
    """Amounts are decimal texts in dollars for the unit that is named, with where they are from; dates are dates."""
    row = json.loads(run("models", "fal/fal-ai/flux/dev", "--json").stdout)
    (price,) = row["prices"]
    assert price["rates"] == [{"usd": "0.025", "at_most_usd": "0.032", "when": {}, "since": None}]
    assert (price["unit"], price["per"], price["date"]) == ("megapixel", 1, "2026-07-28")
    assert row["operations"]["image.generate"]["recovery"] == row["recovery"] == "by-match"
    assert row["takes"]["image.generate"][0] == {"param": "prompt", "field": "prompt"}
    assert row["gone"] is False
    tokens = json.loads(run("models", "openai/gpt-6-sol", "--json").stdout)["prices"]
    assert [(p["unit"], p["per"], p["rates"][0]["usd"]) for p in tokens] == [
        ("input token", 1_000_000, "2"), ("output token", 1_000_000, "10"),
    ]  # fmt: skip
    gone = document(sheet("openai/sora-2", today=TODAY), full=False)
    assert (gone["gone"], gone["retired"], gone["successor"], gone["prices"]) == (True, "2026-09-24", None, [])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["fall"], "did you mean `fal`?"),
        (["fall/x"], "did you mean `fal`?"),
        (["fal/fal-ai/flux/dve"], "did you mean `fal/fal-ai/flux/dev`?"),
        (["openai/qqqqqqqqqq"], "dagcontent models openai lists what is catalogued"),
        (["--kind", "image.generat"], "did you mean `image.generate`?"),
        (["--kind", "image.resize"], "image.resize needs no model"),
        (["openai/gpt-6-sol", "--kind", "video.generate"], "does not make video.generate"),
        (["fal/fal-ai/flux/dev", "--kind", "x"], "there is no kind `x`"),
        (["--under", "cheap"], "as in --under 0.10"),
        (["--under", "1"], "add --unit with one of: megapixel, image"),
        (["--unit", "secnd"], "did you mean `second`?"),
        (["--unit", "lightyear"], "there are: call, image"),
        (["--can", "durtion:5"], "did you mean `duration`?"),
        (["--can", "sound:loud"], "`sound` takes yes or no, not `loud`"),
        (["--retiring", "soon"], "as in --retiring 30"),
        (["--retired", "--retiring"], "write --retired or --retiring, not both"),
    ],
)
def test_wrong_names_are_met_with_the_nearest(run: Run, args: list[str], words: str) -> None:
    """A name that is nothing is said, with what was meant or where to look."""
    found = run("models", *args)
    assert (found.exit_code, found.stdout) == (2, "")
    assert words in found.stderr


def test_a_vendor_without_such_models_is_said_so(run: Run) -> None:
    """An empty list is no error and no blank screen."""
    found = run("models", "openai", "--kind", "speech.dub")
    assert (found.exit_code, found.stdout) == (0, "no model of openai makes speech.dub\n")


@pytest.mark.parametrize(
    ("args", "fits"),
    [
        (["--retired"], lambda row: row["gone"]),
        (["--retiring"], lambda row: row["retired"] is not None and not row["gone"]),
        (["--stale"], lambda row: bool(row["prices"]) and not row["gone"]),
        (["--unit", "seconds", "--under", "$0.05"], lambda row: any(p["unit"] == "second" for p in row["prices"])),
        (["--kind", "image.edit", "--can", "references:2"], lambda row: "image.edit" in row["kinds"]),
    ],
)
@pytest.mark.parametrize("columns", ["80", "120"])
def test_filters_show_the_same_as_they_give(run: Run, args: list[str], fits: Callable[..., bool], columns: str) -> None:
    """A screen names the models of its document, no line is wider than it, and all of them are what was asked for."""
    rows = json.loads(run("models", *args, "--json").stdout)["models"]
    assert rows
    assert all(fits(row) for row in rows)
    shown = run("models", *args, COLUMNS=columns)
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    names = [line.split()[0] for line in lines if line.startswith("    ") and line.strip()]
    assert {row["model"] for row in rows} <= set(names)


def test_a_price_of_ones_own_is_the_one_that_is_listed(run: Run, here: Path) -> None:
    """What was looked up and set is not looked for again, and is what a list by price goes by."""
    (here / "own.toml").write_text(
        '[price."fal/fal-ai/flux/dev"]\nunit = "megapixel"\nusd = 0.0001\ndate = 2099-01-01\n', encoding="utf-8"
    )
    env = {"DAGCONTENT_CONFIG": str(here / "own.toml")}
    rows = json.loads(run("models", "fal", "--unit", "megapixel", "--json", **env).stdout)["models"]
    assert (rows[0]["model"], rows[0]["prices"][0]["rates"][0]["usd"]) == ("fal/fal-ai/flux/dev", "0.0001")
    old = {row["model"] for row in json.loads(run("models", "--stale", "--json", **env).stdout)["models"]}
    assert "fal/fal-ai/flux/dev" not in old
    assert "fal/fal-ai/flux/dev" in run("models", "--stale").stdout


@pytest.mark.slow
def test_checking_tells_what_is_wrong(run: Run, here: Path) -> None:
    """One line a vendor, one for each thing that is wrong; the exit code says whether there is one. Nothing is charged."""
    with FakeVendors() as vendors:
        (here / "config.toml").write_text(vendors.config_toml(), encoding="utf-8")
        env = {**vendors.environment, "DAGCONTENT_CONFIG": str(here / "config.toml")}
        found = run("models", "--check", "fal/fal-ai/flux/dev", **env)
        assert (found.exit_code, found.stdout) == (0, "  fal         1 model as catalogued\n")
        assert run("models", "--check", "--kind", "audio.transcribe", **env).exit_code == 0
        vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": "schema"}])
        found = run("models", "--check", "fal", "--kind", "video.lipsync", **env)
        assert found.exit_code == 1
        assert "0 models as catalogued, 7 wrong" in found.stdout
        assert "fal/fal-ai/latentsync  there is no such endpoint any more" in found.stdout
        document = json.loads(run("models", "--check", "fal/fal-ai/latentsync", "--json", **env).stdout)
        assert document["ok"] is False
        assert [one["what"] for one in document["providers"][0]["findings"]] == ["gone"]
        vendors.set_faults([])
        env["DAGCONTENT_CONFIG"] = str(here / "config.toml")
        for name in vendors.environment:
            env[name] = ""
        found = run("models", "--check", "--kind", "speech.generate", **env)
        assert found.exit_code == 0
        assert "openai      not asked: needs a key for its list   -> export" in found.stdout
        assert run("models", "--check", "openai", "--kind", "speech.generate", **env).exit_code == 1
        assert vendors.charges() == []
    found = run("models", "--check", "fal/fal-ai/flux/dev", **env)
    assert found.exit_code == 1
    assert "could not be reached" in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 80
