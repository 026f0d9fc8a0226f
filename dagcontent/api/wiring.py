"""One store and one folder of files into the ports of plan and run. Knows no graph and no policy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dagcontent.api.files import BesideFiles
from dagcontent.errors import NodeError
from dagcontent.plan.passed import Passed
from dagcontent.run.outputs import Seen
from dagcontent.run.ports import LostBlob
from dagcontent.store.cas import BlobDamaged, is_digest
from dagcontent.store.journal import new_attempt_id
from dagcontent.store.runs import Claim, Run
from dagcontent.store.standing import Standing
from dagcontent.store.store import Store
from dagcontent.values.attempt import Attempt, AttemptState, Intent
from dagcontent.values.record import Record
from dagcontent.values.refusal import Refusal
from dagcontent.values.value import ActionKey, Blob, Digest

__all__ = ["StoreArtifacts", "StoreCommits", "StoreLookup"]


class StoreLookup:
    """The planner's look-ups: a record counts only if its blobs are in place."""

    def __init__(self, store: Store, graph: str = "") -> None:
        self._store = store
        self._graph = graph

    def find(self, key: ActionKey) -> Record | None:
        """Return a usable record."""
        record = self._store.get(key)
        if record is None or self._store.missing_blobs(record):
            return None
        return record

    def results(self, instance: str, limit: int) -> Sequence[Record]:
        """Return what was paid for an instance, newest first."""
        keys = self._store.attempts.committed(self._graph, instance, limit)
        return [record for key in keys if (record := self._store.get(ActionKey(key))) is not None]

    def refusal(self, key: ActionKey) -> Refusal | None:
        """Return why a key was refused."""
        return self._store.attempts.refused(key)

    def standing(self, key: ActionKey) -> Standing | None:
        """Return what was paid for a key without a usable record."""
        return self._store.standing(key)

    def family(self, kind: str, model: str, limit: int) -> Sequence[Record]:
        """Return the newest records of a kind and model."""
        return self._store.family(kind, model, limit)


class StoreCommits(StoreLookup):
    """Claims and records for one run."""

    def __init__(self, store: Store, run: Run, now_ms: Callable[[], int]) -> None:
        super().__init__(store)
        self._run = run
        self._now_ms = now_ms

    def pass_over(self, instance: str, passed: Sequence[Passed]) -> None:
        """Queue who was refused. Order is kept: whoever is asked in their place is asked after this is on disk."""
        at_ms = self._now_ms()
        for one in passed:
            if one.key is None or one.manifest is None:
                continue
            provider, _, model = one.model.partition("/")
            intent = Intent(
                attempt=new_attempt_id(at_ms), key=one.key, run=self._run.id, graph=self._run.graph, instance=instance,
                provider=provider, realm=one.manifest.realm, account="", operation="", model=model, kind=one.manifest.kind,
                recovery="ask", marker="", payload_digest="", reserved_microusd=0, at_ms=at_ms, send_by_ms=at_ms,
                manifest=msgspec.structs.asdict(one.manifest), request={},
            )  # fmt: skip
            self._store.attempts.pass_over(
                Attempt(
                    intent=intent, state=AttemptState.RELEASED, changed_ms=at_ms, error_class=one.refusal.error_class,
                    message=one.refusal.message,
                )
            )  # fmt: skip

    def claim(self, keys: Sequence[ActionKey]) -> Sequence[Claim]:
        """Claim keys, all at once."""
        return self._store.claim_many(keys, self._run).result()

    def release(self, keys: Sequence[ActionKey]) -> None:
        """Give claims up."""
        self._store.release(keys, self._run)

    def commit(self, record: Record) -> None:
        """Queue a record. Order is kept; durability follows within the batch."""
        self._store.put(record)

    def holder(self, key: ActionKey) -> str | None:
        """Return the living run that claims a key."""
        return self._store.claim_holder(key)

    def alive(self, run: str) -> bool:
        """Whether a run still lives."""
        return self._store.run_alive(run)


class StoreArtifacts:
    """Bytes in and out of the CAS. A file beside the graph is copied into it before its first use, and compared."""

    def __init__(self, store: Store, files: BesideFiles) -> None:
        self._store = store
        self._files = files

    def verified_path(self, blob: Blob) -> Path:
        """Return a checked file of the CAS. Raises LostBlob; NodeError if a file changed since it was read."""
        cas = self._store.cas
        source = self._files.paths.get(blob.digest)
        if source is not None and not cas.has(blob.digest, blob.size_bytes):
            self._ingest(blob, source)
        try:
            return cas.verified_path(blob.digest)
        except BlobDamaged:
            if source is None:
                raise LostBlob(blob.digest) from None
            self._ingest(blob, source)
            return cas.verified_path(blob.digest)

    def _ingest(self, blob: Blob, source: str) -> None:
        digest, _ = self._store.cas.put_file(Path(source))
        if digest != blob.digest:
            raise NodeError(f"{source} was changed while the build was running", hint="build again")

    def keep(self, path: Path) -> tuple[Digest, int]:
        """Take a file over."""
        return self._store.cas.put_file(path, move=True)

    def new_folder(self) -> Path:
        """Return a new empty folder on the store's file system."""
        return Path(tempfile.mkdtemp(prefix="work-", dir=self._store.layout.tmp))

    def holds(self, digest: str, size: int) -> bool:
        """Whether these bytes are in the CAS."""
        return is_digest(digest) and self._store.cas.has(digest, size)

    def place_blob(self, blob: Blob, target: Path) -> Seen:
        """Copy an artifact out, verified. Raises LostBlob."""
        self.verified_path(blob)
        try:
            placed = self._store.cas.materialise(blob.digest, target)
        except BlobDamaged:
            raise LostBlob(blob.digest) from None
        return Seen(placed.digest, placed.size, placed.mtime_ns)

    def place_bytes(self, data: bytes, target: Path) -> Seen:
        """Write bytes through the CAS, so that they arrive whole or not at all."""
        digest, _ = self._store.cas.put_bytes(data)
        placed = self._store.cas.materialise(digest, target)
        return Seen(placed.digest, placed.size, placed.mtime_ns)
