from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_gc_of_a_store_in_which_everything_is_needed_takes_nothing(run: Run, small: Path, here: Path) -> None:
    """And says so, in words and as JSON; a store that is not there is not made."""
    assert "0 files" in run("store", "gc").stdout
    assert not (here / "store").exists()
    assert run("build", "small.toml", "-q").exit_code == 0
    dry = run("store", "gc", "--dry-run")
    assert (dry.exit_code, "would go to the trash" in dry.stdout) == (0, True)
    document = json.loads(run("store", "gc", "--json").stdout)
    assert (document["blobs"], document["deleted"], document["dry_run"]) == (0, 0, False)
    assert run("store", "verify").exit_code == 0
    assert json.loads(run("build", "small.toml", "--json").stdout)["counts"]["ran"] == 0


def test_a_database_is_made_again_on_demand(run: Run, small: Path, here: Path) -> None:
    """What can be read of the old one stays; a store that is not there is an error, not a new one."""
    assert run("store", "verify", "--rebuild").exit_code == 2
    assert not (here / "store").exists()
    assert run("build", "small.toml", "-q").exit_code == 0
    done = run("store", "verify", "--rebuild")
    assert done.exit_code == 0
    assert "database made again: 5 results kept, 0 results restored" in done.stdout
    document = json.loads(run("store", "verify", "--rebuild", "--json").stdout)
    assert (document["ok"], document["rebuilt"]["kept_records"]) == (True, 5)
    (here / "store" / "store.db").write_bytes(b"no database")
    assert run("store", "verify").exit_code == 1
    assert run("store", "verify", "--rebuild").exit_code == 0
    assert run("build", "small.toml", "-q").exit_code == 0
