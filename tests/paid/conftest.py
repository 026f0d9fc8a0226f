from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from oracle.paid import Bench, new_folder

from dagcontent.testing.vendors.client import FakeVendors


@pytest.fixture(scope="session")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors, in a process of its own."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    """The program as at its start. What fails in the program itself fails the test."""
    program.reset()
    yield program
    assert program.errors() == []


@pytest.fixture
def bench(vendors: FakeVendors) -> Iterator[Callable[[str], Bench]]:
    """Make benches, each in a folder of its own that is removed afterwards."""
    made: list[Bench] = []

    def make(text: str) -> Bench:
        made.append(Bench(vendors, text, new_folder()))
        return made[-1]

    yield make
    for one in made:
        shutil.rmtree(one.folder)
