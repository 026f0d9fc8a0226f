"""What the pages on providers say is what the adapters declare."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from dagcontent.providers.registry import VENDORS

PAGES = Path(__file__).parents[2] / "docs" / "providers"
WORDS = {"exact": "exact", "by match": "by-match", "ask": "ask"}


def rows(page: str) -> list[list[str]]:
    """Return the cells of all tables of a page, heads and rules left out."""
    lines = [line for line in (PAGES / page).read_text("utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_what_is_recovered_is_the_adapters_own() -> None:
    """Each operation is there once, in the adapters' order, with its recovery and with what it answers."""
    told = [(row[0], row[1], row[2], WORDS[row[3]]) for row in rows("README.md") if len(row) == 4]
    assert told == [
        (f"`{name}`", f"`{operation.name}`", "a job" if operation.handle else "the result", operation.recovery.value)
        for name, vendor in VENDORS.items()
        for operation in import_module(vendor.module).OPERATIONS.values()
    ]


def test_the_table_of_setups_is_the_registrys() -> None:
    """What is to be installed and set is what is looked for; every page that is linked is there."""
    told = {row[0].strip("`"): row for row in rows("README.md") if len(row) == 5}
    assert list(told) == list(VENDORS)
    for name, vendor in VENDORS.items():
        assert told[name][1] == f"`dagcontent[{vendor.extra}]`"
        keys = [key.strip("`") for key in told[name][2].replace(", or", ",").replace(" and", ",").split(", ")]
        assert keys == [*vendor.keys, *(vendor.pair or ())]
        assert f"]({name}.md)" in told[name][3]
    assert {f"{name}.md" for name in VENDORS} <= {path.name for path in PAGES.iterdir()}


@pytest.mark.parametrize("name", VENDORS)
def test_each_page_names_its_operations(name: str) -> None:
    """A vendor's own page leaves no operation out, and says how to begin."""
    text = (PAGES / f"{name}.md").read_text("utf-8")
    vendor = VENDORS[name]
    for operation in import_module(vendor.module).OPERATIONS:
        assert f"`{operation}`" in text or name == "fal", operation
    assert f"dagcontent[{vendor.extra}]" in text
    assert vendor.keys[0] in text
