from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent.store.store import open_store
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, FailedCharged, Manifest, Outcome, Record, action_key
from dagcontent.values.value import Blob

from .test_json import valid
from .test_runs import paid

Run = Callable[..., Result]
Same = Callable[[str, str], None]
NOW = 1_795_600_000_000  # 2026-11-25, in the morning


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """People look at history at a known moment, in a known zone."""
    noon = dt.datetime.fromtimestamp(NOW / 1000 + 7200, tz=dt.UTC)
    monkeypatch.setattr("dagcontent.cli.diff._now", lambda: noon)


def made(here: Path, kind: str, params: dict[str, object], outcome: Outcome, model: str = "", cost: int = 0) -> str:
    """Add a result; return its key."""
    manifest = Manifest(kind, 1, params, model=model)
    key = action_key(manifest, Encoder())
    with open_store(here / "store") as store:
        store.put(
            Record(key=key, manifest=manifest, outcome=outcome, made_with={}, run="r", at_ms=NOW, cost_microusd=cost)
        ).result()
    return key


def picture(here: Path, data: str) -> Blob:
    with open_store(here / "store") as store:
        digest, size = store.cas.put_bytes(data.encode())
    return Blob(digest, "image", "image/png", size, {"width": 1024, "height": 768})


def ended(
    here: Path, graph: str, number: int, rows: dict[str, str] | None, status: str = "ok", profile: str = ""
) -> str:
    with open_store(here / "store") as store:
        run = store.start_run(graph, now_ms=NOW + number * 60_000, profile=profile)
        if status:
            store.finish_run(run, status, {"ran": 1}, now_ms=NOW + number * 60_000 + 9_000, rows=rows)
    return run.id


def history(here: Path) -> list[str]:
    """Make two runs that differ in everything that can differ, one of another graph, and one that died; return their ids."""
    graph = str(here / "teaser.toml")
    long = (
        "A lantern on a hill at dusk, in the style of an old postcard, with a path that leads up to it and two people"
    )
    first, second, third = (picture(here, word) for word in ("one", "two", "three"))
    one = made(here, "image.generate", {"prompt": long, "size": "1024x768"}, Done(first), "fal/fal-ai/flux/dev", 25_000)
    two = made(here, "image.generate", {"prompt": long + " and a dog"}, Done(second), "fal/fal-ai/flux/pro", 50_000)
    text = made(here, "text.generate", {"prompt": "x"}, Done("One line.\nAnother."), "local/outline")
    alike = made(here, "text.generate", {"prompt": "x", "max_tokens": 9}, Done("One line.\nAnother."), "local/outline")
    sheet = made(here, "image.grid", {"images": [first, third]}, Done(third))
    sheets = made(here, "image.grid", {"images": [second, third, first]}, Done(third))
    given = made(here, "replaced", {"kind": "image.generate", "content": "00"}, Done(third, {"file": "retouched.png"}))
    failed = made(
        here, "image.generate", {"prompt": "y"}, FailedCharged("policy", "refused"), "fal/fal-ai/flux/dev", 25_000
    )
    before = {
        "still[intro]": one,
        "line": text,
        "sheet": sheet,
        "old[dusk]": text,
        "cover": one,
        "still[2]": one,
        "still[10]": one,
    }
    after = {"still[intro]": two, "line": alike, "sheet": sheets, "old[night]": text, "cover": given, "still[2]": one, "still[10]": one,
             "lost": "ab" * 32, "bad": failed}  # fmt: skip
    runs = [ended(here, graph, 1, before)]
    with open_store(here / "store") as store:
        paid(store, graph)
    runs.append(ended(here, graph, 90, after))
    runs.append(ended(here, str(here / "other.toml"), 100, {"still[intro]": one}, profile="draft"))
    runs.append(ended(here, graph, 110, None, status=""))
    return runs


@pytest.mark.parametrize("columns", ["80", "120"])
def test_diff_screens(run: Run, here: Path, same: Same, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people see of two runs, word for word, at two widths, and what wrong input is met with."""
    monkeypatch.setenv("COLUMNS", columns)
    one, two, other, died = history(here)
    screens: list[str] = []
    widest = 0
    for args in (
        (one, two), (two, one), (two,), (one, other), (died,), (one, one), ("2026",), ("x", one), (one, "x"), (one,), (),
        (one, two, "-q"),
    ):  # fmt: skip
        found = run("diff", *args)
        widest = max(widest, *map(len, found.stdout.splitlines() or [""]))
        screens.append(f"== diff {' '.join(args)}\n{found.stdout}{found.stderr}[{found.exit_code}]\n")
    same(f"diff_{columns}.txt", "\n".join(screens))
    assert widest <= int(columns)


def test_verbose_says_where_files_are(run: Run, here: Path) -> None:
    """Everything is listed, and the store's files can be copied from there: no line of them is cut."""
    one, two, *_ = history(here)
    found = run("diff", one, two, "-v").stdout
    paths = [line.split(": ", 1)[1] for line in found.splitlines() if line.strip().startswith(("file: ", "before: "))]
    assert len(paths) >= 4
    assert all(Path(path).is_file() for path in paths)


def test_the_document_is_as_its_schema_says(run: Run, here: Path) -> None:
    """Programs read what people see: every sort of change, whole ids and keys, digests and signed money."""
    one, two, other, died = history(here)
    for args in ((one, two), (two, one), (one, other), (died,), (one, one)):
        valid("diff", json.loads(run("diff", *args, "--json").stdout))
    found = json.loads(run("diff", one, two, "--json").stdout)
    assert found["counts"] == {"changed": 4, "appeared": 3, "gone": 1, "same": 2}
    rows = {row["node"]: row for row in found["nodes"]}
    assert rows["line"]["alike"]
    assert rows["cover"]["new"]["file"] == "retouched.png"
    assert rows["lost"]["new"]["known"] is False
    assert rows["bad"]["new"]["error"] == "refused"
    assert [field["field"] for field in rows["still[intro]"]["fields"]] == ["model", "params.prompt", "params.size"]
    back = json.loads(run("diff", two, one, "--json").stdout)["cost_usd"]
    assert back == {"old": "0", "new": "0", "difference": "0"}
