"""The store's spool and CAS into what a paid attempt asks of them, and the way of a result into them. Knows no journal."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread

from dagcontent.api.wiring import StoreArtifacts
from dagcontent.errors import AttemptDetached, NodeError
from dagcontent.media.probe import measure
from dagcontent.media.sniff import sniff
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch import FetchFailed, Resume, fetch
from dagcontent.providers.fetch_net import Net
from dagcontent.providers.port import ErrorClass, Part
from dagcontent.run.paid_ports import ResultGone, SpoolFile
from dagcontent.store.spool import Spool
from dagcontent.store.spool import SpoolFile as StoreSpoolFile
from dagcontent.store.store import Store
from dagcontent.values.value import Blob

__all__ = ["StoreFiles", "StoreVault"]

_NOT_NOW = frozenset({
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EAGAIN,
    errno.EINTR, errno.ESTALE, errno.ENOENT,
})  # fmt: skip
"""What says something of this machine at this moment, and nothing of a file."""


class StoreFiles:
    """The inputs of calls to one provider: bytes of the CAS, uploaded once."""

    def __init__(
        self, store: Store, artifacts: StoreArtifacts, provider: str, account: str, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._provider = provider
        self._account = account
        self._now_ms = now_ms

    def read(self, blob: Blob) -> bytes:
        """Return verified bytes."""
        return self._artifacts.verified_path(blob).read_bytes()

    async def uploaded(self, blob: Blob, upload: Callable[[bytes, str], Awaitable[tuple[str, int]]]) -> str:
        """Return where the provider keeps an input; upload it if it does not yet, or not for long enough any more."""
        side = self._store.side
        known = side.uploaded(self._provider, self._account, blob.digest, now_ms=self._now_ms())
        if known is not None:
            return known
        data = await anyio.to_thread.run_sync(self.read, blob)
        place, until_ms = await upload(data, blob.media_type)
        side.note_upload(self._provider, self._account, blob.digest, place, until_ms)
        return place


class _Filling:
    """A file of the spool that can be begun anew."""

    def __init__(self, spool: Spool, attempt: str, name: str) -> None:
        self._spool = spool
        self._at = (attempt, name)
        self.path = spool.path(attempt, name)
        self.file = self._anew()
        self.validator = ""
        """Of what version the bytes are, as the server names it."""

    def write(self, data: bytes) -> None:
        """Append."""
        self.file.write(data)

    def begin(self, validator: str) -> None:
        """Take note of the version that is about to be written."""
        self.validator = validator

    def truncate(self) -> None:
        """Begin anew."""
        self.file.close()
        self.file = self._anew()

    def finish(self) -> None:
        """Make bytes and name durable, and let go."""
        with self.file:
            self.file.sync()

    def seal(self, said: Mapping[str, Any], sha256: str) -> None:
        """As `finish`, and write down that the bytes are whole."""
        with self.file:
            self._spool.seal(*self._at, self.file, said, sha256)

    def _anew(self) -> StoreSpoolFile:
        if self._spool.exists(*self._at):
            self._spool.discard(*self._at)
        return self._spool.open(*self._at)


class StoreVault:
    """The store's spool and CAS, and the way of a result into them, for one provider."""

    def __init__(
        self, store: Store, files: StoreFiles, config: ProviderConfig, result_hosts: Sequence[str], net: Net
    ) -> None:  # fmt: skip
        self._store = store
        self._spool = store.spool
        self._files = files
        self._config = config
        self._hosts = tuple(result_hosts)
        self._net = net

    @property
    def files(self) -> StoreFiles:
        """The inputs of calls."""
        return self._files

    def open(self, attempt: str, name: str) -> _Filling:
        """Return a new or emptied file of the spool."""
        return _Filling(self._spool, attempt, name)

    async def sync(self, file: SpoolFile) -> None:
        """Close a file and make its bytes and name durable."""
        assert isinstance(file, _Filling)
        await anyio.to_thread.run_sync(file.finish)

    async def seal(self, file: SpoolFile, said: Mapping[str, Any], sha256: str) -> None:
        """Close a file, make it durable, and write down that it is whole."""
        assert isinstance(file, _Filling)
        await anyio.to_thread.run_sync(file.seal, said, sha256)

    async def sealed(self, attempt: str, name: str) -> tuple[Mapping[str, Any], bytes] | None:
        """Return what came with a file, and its bytes, if it was sealed and is whole."""
        return await anyio.to_thread.run_sync(self._spool.sealed, attempt, name)

    async def read(self, attempt: str, name: str) -> bytes | None:
        """Return a file of the spool; None if it is not there."""
        if not self._spool.exists(attempt, name):
            return None
        return await anyio.to_thread.run_sync(self._spool.read, attempt, name)

    async def fetch(self, part: Part, provider: str, file: SpoolFile) -> None:
        """Fetch an artifact into a file; go on where a fetch of the same version broke off. Raises ResultGone, NodeError."""
        assert isinstance(file, _Filling)
        try:
            await fetch(
                part, file.write, config=self._config, result_hosts=self._hosts, net=self._net, started=file.begin,
                resume=Resume(file.file.size, file.validator, file.truncate) if file.file.size else None,
            )  # fmt: skip
        except FetchFailed as error:
            if error.error_class is ErrorClass.GONE:
                raise ResultGone(error.message) from error
            text = f"{error.message}; the result was paid for, and stays on {provider}'s side for now"
            raise NodeError(text, facts=error.facts, hint=error.hint or "build again", retry=error.retry) from error

    async def keep(self, attempt: str, name: str, type: str, facts: Mapping[str, Any]) -> Blob:  # noqa: A002 - the design's word
        """Look at a spooled file, measure it, put it into the CAS durably. Raises NodeError for one that is unusable;
        AttemptDetached where this machine cannot look at it now; ResultGone if it is not there.
        """
        if not self._spool.exists(attempt, name):
            raise ResultGone("what lay in the spool was taken away")
        path = self._spool.path(attempt, name)
        try:
            return await anyio.to_thread.run_sync(self._looked_at, path, type, dict(facts))
        except (NodeError, OSError, MemoryError) as error:
            reason = _not_now(error, path)
            if reason is None:
                raise
            raise AttemptDetached(
                f"its result is here, and cannot be looked at now: {reason}", facts=[("attempt", attempt)],
                hint="build again: it is not paid again",
            ) from error  # fmt: skip

    def _looked_at(self, path: Path, type: str, facts: dict[str, Any]) -> Blob:  # noqa: A002 - as above
        """Keep a file; where the system refused to read it, look once more: what was paid for is not given up for that."""
        try:
            return self._kept(path, type, facts)
        except (NodeError, OSError) as error:
            if all(getattr(one, "errno", None) is None for one in (error, error.__cause__)):
                raise
        return self._kept(path, type, facts)

    def _kept(self, path: Path, type: str, facts: dict[str, Any]) -> Blob:  # noqa: A002 - as above
        found = sniff(path)
        if found is None or found[0] != type:
            what = "of no type that is read here" if found is None else f"{found[0]} ({found[1]})"
            raise NodeError(f"{type} was asked for, and what came is {what}")
        measured = measure(path, type, found[1])
        digest, size = self._store.cas.put_file(path)
        return Blob(digest, type, found[1], size, {**measured, **facts})

    async def keep_raw(self, attempt: str) -> Mapping[str, str]:
        """Put all that an attempt has in the spool into the CAS as it is: file -> digest."""
        names = self._spool.names(attempt)
        kept = [await anyio.to_thread.run_sync(self._store.cas.put_file, self._spool.path(attempt, n)) for n in names]
        return {name: digest for name, (digest, _) in zip(names, kept, strict=True)}

    def forget(self, attempt: str) -> None:
        """Remove what an attempt left in the spool."""
        self._spool.remove(attempt)


def _not_now(error: BaseException, path: Path) -> str | None:
    """Return what of this machine keeps a file from being judged; None if it is the file that is at fault."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MemoryError):
            return "there is not enough memory"
        number = getattr(found, "errno", None)
        if number in _NOT_NOW or (number is not None and not _reads(path)):
            return getattr(found, "strerror", None) or str(found)
        found = found.__cause__
    return None


def _reads(path: Path) -> bool:
    """Tell whether a file's bytes can be had: then what a decoder says of them is of them."""
    try:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True
