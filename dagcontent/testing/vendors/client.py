"""The program of fake vendors into a context manager for tests. Knows no wire format and no test framework.

with FakeVendors(tmp_path) as vendors:
    vendors.set_faults([{"fault": "drop", "vendor": "fal", "operation": "submit", "nth": 1}])
    ...
    assert len(vendors.charges("fal")) == 1
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagcontent.testing.vendors.ledger import Charge, read_ledger, standing
from dagcontent.testing.vendors.realm import FAKE_KEY

__all__ = ["BOUNDS", "FakeVendors"]

BOUNDS: Mapping[str, float] = {
    "send_s": 0.5, "inflight_s": 0.3, "list_lag_s": 0.2, "poll_s": 0.01, "poll_most_s": 0.05, "answer_s": 1.0,
}  # fmt: skip
"""How long things may take against this program, in seconds."""
_PAUSE_S = 0.01


class FakeVendors:
    """A running program. It ends with the block, and with this process however that ends.

    `folder` is where ledger and notes are kept; None: a new one, removed at the end. A ledger that is there is gone on with.
    """

    def __init__(self, folder: Path | None = None, *, faults: Sequence[Mapping[str, Any]] = (), port: int = 0) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="vendors-") if folder is None else None
        self.folder = Path(self._own.name) if self._own is not None else folder or Path()
        self.ledger_path = self.folder / "charges.jsonl"
        self.port = port
        self.control_port = 0
        self.base_urls: dict[str, str] = {}
        self._faults = list(faults)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._own is not None:
            self._own.cleanup()

    def start(self) -> None:
        """Start the program; after `kill`, a new one under the same port and ledger."""
        script = self.folder / "faults.json"
        script.write_text(json.dumps(self._faults), encoding="utf-8")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "dagcontent.testing.vendors", "--until-stdin-ends", "--port", str(self.port),
                "--ledger", str(self.ledger_path), "--faults", str(script),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            self.kill()
            raise RuntimeError("the fake vendors did not start; what they say is on standard error")
        where = json.loads(line)
        self.port, self.control_port, self.base_urls = where["port"], where["control_port"], where["base_urls"]

    def kill(self) -> None:
        """Kill the program, at once. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    @property
    def pid(self) -> int:
        """The program's process id; 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables that hold the keys this program lets in."""
        return {_variable(name): FAKE_KEY + name for name in self.base_urls}

    def key(self, vendor: str) -> str:
        """Return the key for a vendor."""
        return FAKE_KEY + vendor

    def config_toml(self, bounds: Mapping[str, float] | None = None, realm: str = "fake-vendors") -> str:
        """Return a user's configuration under which every provider is this program, of a realm that outlives its port."""
        inner = ", ".join(f"{name} = {value}" for name, value in {**BOUNDS, **(bounds or {})}.items())
        return "".join(
            f'[provider.{name}]\nbase_url = "{url}"\napi_key_env = "{_variable(name)}"\nrealm = "{realm}"\nbounds = {{ {inner} }}\n\n'
            for name, url in self.base_urls.items()
        )

    def ledger(self) -> list[Charge]:
        """Return every charge and refund, as the file has them: the program need not run."""
        return read_ledger(self.ledger_path)

    def charges(self, vendor: str | None = None) -> list[Charge]:
        """Return the charges of a vendor, or all, without those that were taken back."""
        return [charge for charge in standing(self.ledger()) if vendor in (None, charge.vendor)]

    def wait_charges(self, count: int, *, vendor: str | None = None, within_s: float = 5.0) -> list[Charge]:
        """Return the charges as soon as there are `count`, or what there is after `within_s`."""
        end = time.monotonic() + within_s
        while len(found := self.charges(vendor)) < count and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        return found

    def requests(self, vendor: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Return what came, in its order; of a vendor, of an operation."""
        rows: list[dict[str, Any]] = self._ask("GET", "requests")
        return [r for r in rows if vendor in (None, r["vendor"]) and operation in (None, r["operation"])]

    def set_faults(self, rules: Sequence[Mapping[str, Any]], *, add: bool = False) -> None:
        """Put rules in force, in the place of all others or after them. Raises ValueError for rules that are none."""
        self._ask("POST", "faults?add=1" if add else "faults", list(rules))

    def set(self, **settings: Any) -> None:
        """Change settings: `queued_s`, `job_s`, `listing_s`, `kept_s`, `prices`."""
        self._ask("POST", "settings", settings)

    def fired(self) -> dict[str, int]:
        """Return how often each fault has struck."""
        return dict(self._ask("GET", "fired"))

    def errors(self) -> list[str]:
        """Return the tracebacks of what failed in the program itself: none, in a test that is right."""
        return list(self._ask("GET", "errors"))

    def reset(self) -> None:
        """Make everything as at the start, with an empty ledger and no faults."""
        self._ask("POST", "reset")

    def _ask(self, method: str, what: str, value: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=10)
        try:
            connection.request(method, f"/_control/{what}", None if value is None else json.dumps(value))
            answer = connection.getresponse()
            found = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(found["error"])
        return found


def _variable(vendor: str) -> str:
    return f"FAKE_{vendor.upper()}_KEY"
