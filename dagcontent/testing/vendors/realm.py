"""What all vendors of one program share: ledger, script, jobs, files, requests that came. Knows no wire format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.testing.vendors.faults import Script
from dagcontent.testing.vendors.jobs import Jobs
from dagcontent.testing.vendors.ledger import ChargeLedger
from dagcontent.testing.vendors.wire import Request

__all__ = ["FAKE_KEY", "Kept", "Realm", "Settings"]

FAKE_KEY = "fake-key-"
"""What every key begins with that is let in; any other could be a real one."""
_SECRET = ("authorization", "xi-api-key", "x-goog-api-key", "cookie", "proxy-authorization", "x-api-key")
_SECRET_QUERY = ("key", "api_key", "token", "fal_jwt_token")
_JSON_BYTES_MAX = 64 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the vendors behave when nothing goes wrong, in seconds. `kept_s`: how long results are kept; None: always.

    `prices` are micro-USD a unit by model, for the ledger's money where a vendor itself tells units only.
    """

    queued_s: float = 0.01
    job_s: float = 0.04
    listing_s: float = 0.0
    kept_s: float | None = None
    prices: dict[str, int] = {}


class Kept(msgspec.Struct, frozen=True):
    """A file on a vendor's file host."""

    name: str
    media_type: str
    data: bytes


class Realm:
    """The state of one program. `origin` is "http://127.0.0.1:PORT", known once it listens."""

    def __init__(
        self, ledger: ChargeLedger, script: Script, *, now_ms: Callable[[], int], requests: Path | None
    ) -> None:
        self.ledger = ledger
        self.script = script
        self.now_ms = now_ms
        self.settings = Settings()
        self.jobs = Jobs()
        self.files: dict[str, Kept] = {}
        self.spoken: dict[str, str] = {}
        """SHA-256 of a recording made here -> what it says."""
        self.stored: dict[str, dict[str, Any]] = {}
        """What vendors keep besides jobs, by vendor."""
        self.requests: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.origin = ""
        self._file = requests
        # A program that goes on with a ledger gives no id of the one before: its jobs are gone, and must stay unknown.
        self._ids = 1000 * len(ledger.charges)

    def note(self, request: Request, vendor: str, operation: str) -> dict[str, Any]:
        """Note a request whose head has come, without its secrets; return the note, to be added to."""
        note = {
            "n": len(self.requests) + 1,
            "at": self.now_ms(),
            "connection": request.connection,
            "method": request.method,
            "path": request.path,
            "query": {name: value for name, value in request.query if name not in _SECRET_QUERY},
            "headers": {name: value for name, value in request.headers if name not in _SECRET},
            "vendor": vendor,
            "operation": operation,
            "complete": False,
        }
        self.requests.append(note)
        return note

    def note_body(self, note: dict[str, Any], request: Request) -> None:
        """Add what is known of the body."""
        note.update(complete=request.complete, body=request.digest(), bytes=len(request.body))
        if 0 < len(request.body) <= _JSON_BYTES_MAX and "json" in request.header("content-type"):
            try:
                note["json"] = request.json()
            except ValueError:
                note["json"] = None
        elif request.header("content-type").startswith("multipart/"):
            note["form"] = [_field_note(field.name, field.data, field.file_name) for field in _fields_of(request)]
        if self._file is not None:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(note) + b"\n")

    def new_id(self, form: str = "{}") -> str:
        """Return an id that this program has not given yet, 32 hex digits in `form`."""
        self._ids += 1
        return form.format(hashlib.sha256(f"{self._ids}".encode()).hexdigest()[:32])

    def clear(self) -> None:
        """Forget everything, the ledger too; faults and settings as at the start. Ids go on."""
        self.ledger.clear()
        self.script.clear()
        self.script.fired.clear()
        self.jobs.clear()
        self.files.clear()
        self.stored.clear()
        self.requests.clear()
        self.errors.clear()
        self.settings = Settings()


def _fields_of(request: Request) -> Any:
    try:
        return request.form()
    except ValueError:
        return []


def _field_note(name: str, data: bytes, file_name: str | None) -> dict[str, Any]:
    if file_name is None:
        return {"name": name, "text": data.decode("utf-8", "replace")}
    return {"name": name, "file": file_name, "bytes": len(data), "digest": hashlib.sha256(data).hexdigest()}
