"""A provider of another package: found by its entry point, checked, priced, paid once, and only loaded when it is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagcontent.catalog import load, third
from dagcontent.cli.settings_keys import provider_configs
from dagcontent.errors import ConfigError
from dagcontent.providers.registry import VENDORS, missing, recovery_of
from dagcontent.testing.vendors.client import FakeVendors

Dagcontent = Callable[..., "subprocess.CompletedProcess[str]"]

POINT = """\
import sys
from pathlib import Path

from dagcontent.providers.registry import Vendor

print("acme is loaded", file=sys.stderr)
VENDOR = Vendor(
    module="acme_film.adapter", extra="acme-film", package="acme_film", keys=("ACME_KEY",), base="https://acme.example",
    hosts=("acme.example",), auth=("Authorization", "Key "), catalog=str(Path(__file__).with_name("acme.toml")),
)
"""

ADAPTER = """\
from dagcontent.providers import fal

OPERATIONS = fal.OPERATIONS


def adapter(config, gates):
    made = fal.adapter(config, gates)
    made.name = "acme"
    return made
"""

CATALOG = """\
as_of = 2026-11-22

[source]
A = { text = "acme's price list", date = 2026-11-01 }

[model."acme/hare"]
kinds = ["image.generate"]
takes = { prompt = true }
send = { num_images = 1 }
refuse = ["num_images"]
price = { unit = "image", usd = 0.5, bound = 0.6, source = "A" }
"""

GRAPH = """\
[graph]
name = "third"

[node.still]
kind = "image.generate"
model = "acme/acme/hare"
prompt = "a hare"
output = "still"
"""

FREE = GRAPH.replace("acme/acme/hare", "local/card").replace('prompt = "a hare"', 'prompt = "a hare"\nsize = "64x64"')


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as packages are installed in."""
    folder = tmp_path / "site"
    package, info = folder / "acme_film", folder / "acme_film-1.2.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text(POINT, encoding="utf-8")
    (package / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    (package / "acme.toml").write_text(CATALOG, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-film\nVersion: 1.2\n", encoding="utf-8")
    points = "[dagcontent.providers]\nacme = acme_film:VENDOR\nfal = acme_film:STOLEN\nodd = os:sep\nbroken = acme_gone:VENDOR\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


@pytest.fixture
def vendors() -> Iterator[FakeVendors]:
    with FakeVendors() as program:
        yield program
        assert program.errors() == []


@pytest.fixture
def dagcontent(tmp_path: Path, site: Path) -> Dagcontent:
    """Run a command where the package is installed."""
    (tmp_path / "graph.toml").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "free.toml").write_text(FREE, encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")

    def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        own = {
            "PYTHONPATH": str(site), "DAGCONTENT_CONFIG": str(config), "DAGCONTENT_STORE": str(tmp_path / "store"), "COLUMNS": "80",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "dagcontent", *args], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, **own, **env},
        )  # fmt: skip

    return run


@pytest.mark.slow
def test_a_provider_of_another_package_is_paid_once(
    dagcontent: Dagcontent, vendors: FakeVendors, site: Path, tmp_path: Path
) -> None:
    """From the check to the picture, and the second build is free: nothing here knows that it is not ours."""
    (tmp_path / "config.toml").write_text(
        f'[provider.acme]\nbase_url = "{vendors.base_urls["fal"]}"\napi_key_env = "FAKE_FAL_KEY"\n'
        "bounds = { poll_s = 0.01, poll_most_s = 0.05 }\n[budget.provider.acme]\nper_day_usd = 5\n",
        encoding="utf-8",
    )
    env = vendors.environment
    assert dagcontent("check", "graph.toml", **env).returncode == 0
    plan = json.loads(dagcontent("plan", "graph.toml", "--json", **env).stdout)
    assert plan["nodes"][0]["recovery"] == "by-match"
    assert plan["nodes"][0]["cost_usd"]["high"] == "0.6"
    done = dagcontent("build", "graph.toml", "--yes", "--json", **env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".jpg"]
    assert len(vendors.charges()) == 1
    again = json.loads(dagcontent("build", "graph.toml", "--json", **env).stdout)
    assert again["counts"]["hit"] == 1
    assert len(vendors.charges()) == 1
    catalog = site / "acme_film" / "acme.toml"
    takes = 'takes = { prompt = true, aspect = { values = ["1:1", "16:9"], default = "1:1" } }'
    catalog.write_text(CATALOG.replace("takes = { prompt = true }", takes), encoding="utf-8")
    assert json.loads(dagcontent("plan", "graph.toml", "--json", **env).stdout)["totals"]["counts"]["run"] == 1
    health = json.loads(dagcontent("doctor", "--json", **env).stdout)["checks"]
    assert [check["state"] for check in health if check["name"] == "acme"] == ["ok"]


@pytest.mark.slow
def test_its_models_are_listed_by_its_name(dagcontent: Dagcontent) -> None:
    """A catalog beside the package is read as ours are; it is asked for by name, and nothing else loads it."""
    found = dagcontent("models", "acme/acme/hare")
    assert "$0.50 per image, at most $0.60" in found.stdout
    assert "from acme's price list, 2026-11-01" in found.stdout
    assert "acme/acme/hare" in dagcontent("models", "acme").stdout
    unkeyed = dagcontent("build", "graph.toml", "--yes", "--budget", "1")
    assert unkeyed.returncode == 2
    assert "acme needs a key: ACME_KEY is not set" in unkeyed.stderr
    for args in (["models", "--kind", "speech.dub"], ["build", "free.toml"], ["doctor"]):
        other = dagcontent(*args)
        assert "acme" not in other.stdout + other.stderr
    assert "fal/fal-ai/elevenlabs/dubbing" in dagcontent("models", "fal").stdout  # a name of ours stays ours


@pytest.mark.slow
def test_what_is_wrong_with_a_package_is_said(dagcontent: Dagcontent, tmp_path: Path, site: Path) -> None:
    """A package that cannot be used is named in one line, and never as a fault of ours."""
    graph = tmp_path / "graph.toml"

    def said(model: str) -> str:
        graph.write_text(GRAPH.replace("acme/acme/hare", model), encoding="utf-8")
        found = dagcontent("plan", "graph.toml")
        assert found.returncode == 2
        assert "Traceback" not in found.stderr
        return found.stderr

    assert "`nobody` is no provider" in said("nobody/x")
    assert "the provider broken cannot be loaded: ModuleNotFoundError" in said("broken/x")
    assert "look at the package acme-film 1.2" in said("broken/x")
    assert "no model `odd/x` is known" in said("odd/x")
    assert "did you mean `acme/acme/hare`?" in said("acme/acme/hair")
    (site / "acme_film" / "acme.toml").write_text("as_of = 5\n", encoding="utf-8")
    assert "the catalog of acme cannot be read" in said("acme/acme/hare")


def test_a_vendor_is_made_when_it_is_asked_for(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the providers it is found by its name, with its key, and is not counted: nobody who lists them loads it."""
    caches = (third._points, third.loaded, load.find, load._file)
    monkeypatch.syspath_prepend(site)
    for cache in caches:
        cache.cache_clear()
    try:
        configs = provider_configs({}, {"ACME_KEY": "a-key-of-acme"}, None)
        assert list(configs) == list(VENDORS) == list(load.VENDORS)
        assert "acme_film" not in sys.modules
        assert third.is_installed("acme")
        assert "acme_film" not in sys.modules
        config = configs["acme"]
        assert config.key is not None
        assert config.key.reveal("acme.example") == "a-key-of-acme"
        assert [problem.message for problem in missing(configs, ["acme"])] == []
        assert [problem.lack for problem in missing({}, ["acme", "nobody"])] == ["key", "extra"]
        assert configs.get("nobody") is None
        assert len(configs) == len(VENDORS) + 1
        assert VENDORS["fal"].module == "dagcontent.providers.fal"
        assert [model.id for model in load.models("acme")] == ["acme/acme/hare"]
        assert recovery_of("acme", "queue") == "by-match"
        with pytest.raises(ConfigError, match=r"is no dagcontent\.providers\.registry\.Vendor, but str"):
            VENDORS["odd"]
        with pytest.raises(ConfigError, match="the provider broken cannot be loaded"):
            VENDORS["broken"]
        third.loaded.cache_clear()
        (site / "acme_film" / "__init__.py").write_text(POINT.replace('"acme_film"', '"acme_absent"'), encoding="utf-8")
        del sys.modules["acme_film"]
        (problem,) = missing(configs, ["acme"])
        assert problem.hint == "pip install 'acme-film'"
    finally:
        monkeypatch.undo()
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme_film"]:
            del sys.modules[name]
        for cache in caches:
            cache.cache_clear()
