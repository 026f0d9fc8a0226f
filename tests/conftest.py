"""What every test stands on: no network but loopback, no store and no key of the person who runs it, known chance."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# fast: a person at work, other examples in every run. ci: the gate, the same examples every time, so that a red gate
# is the change's fault. sweep: chance again, and a lot of it. No deadlines: a busy machine is not a wrong result.
settings.register_profile("fast", max_examples=40, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "sweep", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fast")

_FOREIGN_PREFIXES = ("DAGCONTENT_", "COVERAGE_", "PYTHON")
_FOREIGN_SUFFIXES = ("_API_KEY", "_KEY", "_TOKEN")
_FOREIGN_NAMES = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what our own tests can be asked."""
    parser.addoption("--golden", action="store_true", help="write golden files anew instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--golden"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the sources (or of the copy that the wheel is tested in)."""
    return ROOT


@pytest.fixture(autouse=True, scope="session")
def _nobodys_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take away what differs from one person's environment to another's; programs that tests start inherit it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN_PREFIXES) or name.endswith(_FOREIGN_SUFFIXES) or name in _FOREIGN_NAMES:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for name in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0]) if isinstance(address, tuple) else str(address)
            if not (host.startswith("127.") or host in {"::1", "localhost"}):
                text = f"a test wanted to reach {host}: tests stay on loopback"
                raise PermissionError(text)
        connect(self, address)  # type: ignore[arg-type] - checked by the original

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
