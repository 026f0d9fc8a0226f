"""A store, configurations and gates into what a paid attempt asks for: the wiring of money. Knows no graph and no policy."""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread

from dagcontent.api.pacing import StoreLimits
from dagcontent.api.pricing import payment_of
from dagcontent.api.wiring import StoreArtifacts
from dagcontent.catalog.market import Market
from dagcontent.errors import AttemptDetached, NodeError
from dagcontent.media.probe import made_with, measure
from dagcontent.media.sniff import sniff
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch import FetchFailed, Resume, fetch
from dagcontent.providers.fetch_net import Net
from dagcontent.providers.once import Gates, Proxies
from dagcontent.providers.port import Bounds, ErrorClass, Operation, Part
from dagcontent.providers.registry import make
from dagcontent.run.order import Desk, Order
from dagcontent.run.paid import BuildClock
from dagcontent.run.paid_ports import Payment, ResultGone, SpoolFile
from dagcontent.store.journal import new_attempt_id
from dagcontent.store.runs import Run
from dagcontent.store.spool import Spool
from dagcontent.store.spool import SpoolFile as StoreSpoolFile
from dagcontent.store.store import Store
from dagcontent.store.writer import Pending
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.money import Cap
from dagcontent.values.record import Record
from dagcontent.values.value import Blob

__all__ = ["Till"]

T = TypeVar("T")
_NOT_NOW = frozenset({
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EAGAIN,
    errno.EINTR, errno.ESTALE, errno.ENOENT,
})  # fmt: skip
"""What says something of this machine at this moment, and nothing of a file."""


async def committed(pending: Pending[T]) -> T:
    """Wait for a transaction without holding the event loop up."""
    if not pending.done:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell(_: Pending[T]) -> None:
            loop.call_soon_threadsafe(done.set)

        pending.when_done(tell)
        await done.wait()
    return pending.result()


class StoreJournal:
    """The store's journal of attempts, for one run."""

    def __init__(
        self, store: Store, run: Run, caps: Callable[[Intent], Sequence[Cap]], now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._attempts = store.attempts
        self._run = run
        self._caps = caps
        self._now_ms = now_ms

    def blocking(self, key: str) -> Attempt | None:
        """Return the attempt that keeps a key from being sent again."""
        return self._attempts.blocking(key)

    def knows(self, provider: str, handle: Handle, attempt: str) -> bool:
        """Whether another attempt has this job, or had its answer: then the request's id is among the headers it kept."""
        asked = handle.ids.get("request_id")
        for other in self._attempts.list(provider=provider):
            if other.id == attempt:
                continue
            if other.handle is not None and other.handle.ids == handle.ids:
                return True
            headers = other.answer.get("headers", {}) if isinstance(other.answer, dict) else {}
            if asked is not None and headers.get("request-id") == asked:
                return True
        return False

    async def intend(self, intent: Intent, *, again: bool) -> None:
        """Check claim and caps, reserve, write: one transaction."""
        await committed(self._attempts.intend(intent, self._caps(intent), repay=again))

    async def answered(self, attempt: str, answer: Mapping[str, Any]) -> None:
        """Write down status and headers."""
        await committed(self._attempts.answered(attempt, dict(answer), now_ms=self._now_ms()))

    async def adopt(self, attempt: str, handle: Handle) -> bool:
        """Write down a job that was found, or answered, unless another attempt has it."""
        return await committed(self._attempts.adopt(attempt, handle, now_ms=self._now_ms()))

    async def spooled(self, attempt: str, spool: Mapping[str, Any]) -> None:
        """Write down what the spool holds."""
        await committed(self._attempts.spooled(attempt, dict(spool), now_ms=self._now_ms()))

    async def commit(self, attempt: str, record: Record, payment: Payment, *, again: bool) -> Record:
        """Record and settle."""
        return await committed(
            self._attempts.commit(
                attempt, record, cost_microusd=payment.microusd, cost_source=payment.source, now_ms=self._now_ms(),
                replace_lost=again, doubt=payment.doubt,
            )
        )  # fmt: skip

    async def charge(self, attempt: str, record: Record, payment: Payment) -> None:
        """Record a failure that was paid for."""
        await committed(
            self._attempts.charge(
                attempt, record, cost_microusd=payment.microusd, cost_source=payment.source, now_ms=self._now_ms(),
                doubt=payment.doubt,
            )
        )  # fmt: skip

    async def release(self, attempt: str, error_class: str, message: str) -> None:
        """End an attempt that cost nothing."""
        await committed(self._attempts.release(attempt, error_class, message, now_ms=self._now_ms()))

    def release_soon(self, attempt: str, error_class: str, message: str) -> None:
        """End an attempt that cost nothing, without waiting."""
        self._attempts.release(attempt, error_class, message, now_ms=self._now_ms())

    async def unresolve(self, attempt: str, message: str) -> None:
        """Leave an attempt to a person."""
        await committed(self._attempts.unresolve(attempt, message, now_ms=self._now_ms()))

    async def expire(self, attempt: str, message: str) -> None:
        """Write down that a result is kept no longer."""
        await committed(self._attempts.expire(attempt, message, now_ms=self._now_ms()))

    async def take_over(self, attempt: str) -> None:
        """Go on with what a dead run left."""
        await committed(self._attempts.take_over([attempt], self._run, now_ms=self._now_ms()))

    async def supersede(self, attempt: str) -> None:
        """Let a key be sent again. An expired attempt gives way in the next intent's own transaction."""
        known = self._attempts.get(attempt)
        if known is not None and known.state is not AttemptState.EXPIRED:
            await committed(self._attempts.supersede(attempt, now_ms=self._now_ms()))


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


class Till:
    """All that stands ready for the paid attempts of one run: gates, adapters, journal, limits. Close it."""

    def __init__(  # noqa: PLR0913 - what a run stands on
        self,
        store: Store,
        run: Run,
        configs: Mapping[str, ProviderConfig],
        artifacts: StoreArtifacts,
        clock: BuildClock,
        *,
        caps: Callable[[Intent], Sequence[Cap]],
        stage: Callable[[Order, str, int | None], None] = lambda _order, _stage, _position: None,
        crashpoint: Callable[[str], None] = lambda _point: None,
        proxies: Proxies | None = None,
        market: Market | None = None,
    ) -> None:
        self._store = store
        self._market = market
        self._configs = configs
        self._artifacts = artifacts
        self._clock = clock
        self._journal = StoreJournal(store, run, caps, clock.now_ms)
        self._limits = StoreLimits(store, configs, clock)
        self._stage = stage
        self._crashpoint = crashpoint
        self._proxies = proxies
        self._gates = Gates(proxies=proxies)
        self._desks: dict[str, Desk] = {}

    def desk(self, provider: str) -> Desk:
        """Return what stands ready for a provider. Raises ConfigError if it cannot be used."""
        if provider not in self._desks:
            config = self._configs[provider]
            adapter = make(config, self._gates)
            files = StoreFiles(self._store, self._artifacts, provider, config.account, self._clock.now_ms)
            vault = StoreVault(self._store, files, config, adapter.result_hosts, Net(proxies=self._proxies))

            def bounds(operation: Operation) -> Bounds:
                return config.bounded(operation.bounds)

            self._desks[provider] = Desk(
                adapter=adapter, bounds=bounds, journal=self._journal, vault=vault, clock=self._clock,
                limits=self._limits, price=partial(payment_of, market=self._market), new_id=self._new_id, account=config.account, made_with=made_with(),
                stage=self._stage, crashpoint=self._crashpoint,
            )  # fmt: skip
        return self._desks[provider]

    async def close(self) -> None:
        """Close every connection."""
        self._limits.close()
        for desk in self._desks.values():
            await desk.adapter.close()
        await self._gates.aclose()

    def _new_id(self) -> tuple[str, str]:
        return new_attempt_id(self._clock.now_ms()), secrets.token_hex(16)
