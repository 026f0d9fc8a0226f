from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.faults import Script
from dagcontent.testing.vendors.ledger import ChargeLedger
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.server import Server


class Within(FakeVendors):
    """The program in a thread of this process, so that what tests reach of it is measured. It cannot be killed."""

    def start(self) -> None:
        """Serve until `kill`."""
        realm = Realm(ChargeLedger(self.ledger_path), Script(), now_ms=lambda: time.time_ns() // 10**6, requests=None)
        started = threading.Event()

        async def serve() -> None:
            server = Server(realm)
            await server.start(self.port)
            self.port, self.control_port, self.base_urls = server.port, server.control_port, server.base_urls
            self._over, self._loop = asyncio.Event(), asyncio.get_running_loop()
            started.set()
            await self._over.wait()
            server.close()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        self._thread.start()
        assert started.wait(30)

    def kill(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)


@pytest.fixture(scope="session")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for all that do not kill it."""
    with Within() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    """The program as at its start. What fails in the program itself fails the test."""
    program.reset()
    yield program
    assert program.errors() == []
