from __future__ import annotations

from collections.abc import Iterator

import pytest

from dagcontent.testing.vendors.client import FakeVendors


@pytest.fixture(scope="session")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for all that do not kill it."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    """The program as at its start. What fails in the program itself fails the test."""
    program.reset()
    yield program
    assert program.errors() == []
