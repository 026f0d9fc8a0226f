from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from oracle.paid import QUICK, ROWS, Bench, configs, graph_of, put_inputs

from dagcontent import api
from dagcontent.errors import DagcontentError
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.realm import FAKE_KEY

CANARY = 'Zx9"/+&canary=%7E\\Qw'
FIRST = {row.vendor: row for row in reversed(ROWS)}
FAULTS = [
    {"fault": "status", "status": 401}, {"fault": "status", "status": 500}, {"fault": "drop"}, {"fault": "bad_json"},
    {"fault": "redirect"}, {"fault": "moderation"}, {"fault": "silent"},
]  # fmt: skip


def key_of(vendor: str) -> str:
    """Return a key whose every form differs."""
    return f"{FAKE_KEY}{vendor}-{CANARY}"


def forms(vendor: str) -> Iterator[bytes]:
    """Give what a key looks like where it has leaked: as it is, and in the codings that texts are put into."""
    for text in (key_of(vendor), f"{vendor}-{CANARY}"):
        data = text.encode()
        yield data
        yield from (quote(text).encode(), quote(text, safe="").encode(), quote_plus(text).encode())
        yield json.dumps(text)[1:-1].encode()
        yield repr(text)[1:-1].encode()
        yield data.hex().encode()
        for shift in range(3):  # wherever it stands in what was encoded
            whole = base64.b64encode(b"\0" * shift + data)[4 if shift else 0 :]
            yield whole.rstrip(b"=")[:-1]
            yield whole.rstrip(b"=")[:-1].replace(b"+", b"-").replace(b"/", b"_")


def leaks(folder: Path, texts: dict[str, bytes]) -> list[str]:
    """Return every file and text that holds a key in any form."""
    places = {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} | texts
    assert len(places) > 10
    wanted = {form: vendor for vendor in FIRST for form in forms(vendor)}
    return [f"{where}: {wanted[form]}" for where, data in places.items() for form in wanted if form in data]


def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    """Each form of a key, put into a file, is found: what follows can fail."""
    for number in range(11):
        (tmp_path / str(number)).write_bytes(b"nothing")
    assert leaks(tmp_path, {}) == []
    for text in (key_of("fal"), json.dumps({"k": key_of("fal")}), quote(key_of("fal")), repr(key_of("fal"))):
        (tmp_path / "0").write_text(text, encoding="utf-8")
        assert leaks(tmp_path, {})
    basic = base64.b64encode(f"user:{key_of('fal')}".encode())
    (tmp_path / "0").write_bytes(basic)
    assert leaks(tmp_path, {})


@pytest.mark.slow
def test_no_key_is_in_anything_that_builds_write(
    vendors: FakeVendors, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Store, journal, list of payments, outputs, events, logs at their loudest and what is shown: of builds that go well and
    of builds to whose every vendor something happens.
    """
    folder = tmp_path
    put_inputs(folder)
    caplog.set_level(logging.DEBUG)
    made = configs(vendors.base_urls, key_of, QUICK)
    events = (folder / "events.jsonl").open("w", encoding="utf-8")
    with events:
        for number, fault in enumerate([None, *FAULTS]):
            (folder / "graph.toml").write_text(graph_of(*FIRST.values(), edited=number % 2 == 1), encoding="utf-8")
            vendors.set_faults([] if fault is None else [row.fault(**fault) for row in FIRST.values()])
            store = folder / f"store-{number // 2}"
            with contextlib.suppress(DagcontentError):
                result = api.build(
                    folder / "graph.toml", store=store, listeners=[lambda event: print(event, file=events)],
                    spending=api.Spending(
                        make_configs=lambda: made, realms={n: c.realm for n, c in made.items()}, yes=True, unpriced=True
                    ),
                )  # fmt: skip
                print(result, result.document(), made, file=sys.stderr)
    assert len(vendors.charges()) >= len(FIRST)
    said = capfd.readouterr()
    texts = {"log": caplog.text.encode(), "out": said.out.encode(), "err": said.err.encode()}
    assert b"fal" in texts["err"]
    assert leaks(folder, texts) == []


@pytest.mark.slow
def test_no_key_is_in_anything_that_the_command_writes(vendors: FakeVendors, tmp_path: Path) -> None:
    """The same for the program as people run it, first with another fault at every vendor: its output, its JSON, its caches
    and its store.
    """
    folder = tmp_path
    one = Bench(vendors, graph_of(*FIRST.values()), folder)
    (folder / "config" / "dagcontent").mkdir(parents=True)
    # The configuration names variables and holds no key.
    (folder / "config" / "dagcontent" / "config.toml").write_text(vendors.config_toml(QUICK), encoding="utf-8")
    keys = {variable: key_of(value.removeprefix(FAKE_KEY)) for variable, value in vendors.environment.items()}
    folders = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
    texts: dict[str, bytes] = {}
    faults = [row.fault(**fault, nth=1) for row, fault in zip(FIRST.values(), FAULTS, strict=False)]
    for number, rules in enumerate([faults, []]):
        vendors.set_faults(rules)
        command = ["build", str(one.graph), "--yes", "--allow-unpriced", *(["--json"] if number % 2 else [])]
        ran = subprocess.run(
            [sys.executable, "-m", "dagcontent", *command], cwd=folder, capture_output=True, timeout=100, check=False,
            env={**os.environ, **keys, **folders, "HOME": str(folder)},
        )  # fmt: skip
        assert b"Traceback" not in ran.stderr
        texts |= {f"out {number}": ran.stdout, f"err {number}": ran.stderr}
    assert len(vendors.charges()) >= len(FIRST) - 1
    assert leaks(folder, texts) == []
