"""Turn files and bytes into blobs that are found by their digest, and back. Knows no record and no database.

Order of a put, so that no crash and no loss of power leaves a name without its bytes: write a new file beside the CAS while
hashing it, fsync, make it read-only, rename it to its digest, fsync the folder. Nothing leaves without being hashed
first: `verified_path` and `materialise` read every byte; a blob that is wrong goes to quarantine and is never served.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.errors import InternalError, StoreDamaged, StoreError
from dagcontent.store.copy import hash_file, transfer
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir, fsync_file, store_error
from dagcontent.store.layout import Layout
from dagcontent.store.part import part_beside
from dagcontent.values.value import Digest

__all__ = ["BlobDamaged", "Cas", "Placed", "is_digest"]

_HEX: Final = frozenset("0123456789abcdef")


class BlobDamaged(StoreDamaged):
    """A blob is missing or does not hash to its name. Its result must be made again, or fetched again."""

    def __init__(self, digest: str, *, missing: bool, detail: str) -> None:
        super().__init__(
            f"the store's blob {digest[:16]} {detail}",
            facts=[("blob", digest)],
            hint="build again: what is free to make is made again (dagcontent store verify lists all damage)",
        )
        self.digest = digest
        self.missing = missing


class Placed(msgspec.Struct, frozen=True):
    """A blob that was put outside the store, as the file system saw it then."""

    digest: str
    size: int
    mtime_ns: int


def is_digest(text: object) -> bool:
    """Tell whether this is 64 lower-case hex digits: the only thing that a path in the store is made of."""
    return isinstance(text, str) and len(text) == 64 and _HEX.issuperset(text)


class Cas:
    """Bytes by digest. Safe for several threads and several processes at once."""

    def __init__(self, layout: Layout, *, crashpoint: Callable[[str], None]) -> None:
        self._layout = layout
        self._crashpoint = crashpoint
        # digest -> what the file system said of the file when it was hashed. A write to the file changes its ctime,
        # which nobody can set back.
        self._verified: dict[str, tuple[int, ...]] = {}
        self._quarantine_lock = threading.Lock()

    def path_of(self, digest: str) -> Path:
        """Return where a blob is, or would be. Its bytes were not looked at: read them through `verified_path`."""
        return Path(self._name(digest))

    def _name(self, digest: str) -> str:
        if not is_digest(digest):
            raise StoreDamaged(
                f"{str(digest)[:80]!r} is not a digest",
                hint="a record of the store is damaged: dagcontent store verify",
            )
        return f"{self._layout.cas}/{digest[:2]}/{digest[2:]}"

    def has(self, digest: str, size: int) -> bool:
        """Tell by one `stat` whether a blob of that size is in place; its bytes are not read."""
        name = self._name(digest)
        try:
            info = os.lstat(name)
        except OSError:
            place = self._from_trash(digest, name)
            if not place:
                return False
            info = os.lstat(place)
        return info.st_size == size and stat.S_ISREG(info.st_mode)

    # --- in

    def put_bytes(self, data: bytes, *, durable: bool = True) -> tuple[Digest, int]:
        """Store bytes; return their digest and size. Raises StoreFull when there is no room."""
        digest = hashlib.sha256(data).hexdigest()

        def fill(descriptor: int) -> str:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            return digest

        return self._put(fill, durable=durable), len(data)

    def put_file(self, path: Path, *, move: bool = False, durable: bool = True) -> tuple[Digest, int]:
        """Store a file's bytes; return their digest and size.

        With `move` the file itself becomes the blob if it can (same file system, no other name): nobody may write to it
        any more. Raises StoreError if the file changes while it is read, StoreFull when there is no room.
        """
        self._require_writable()
        try:
            source = os.open(path, os.O_RDONLY | (OPEN_SAFELY if move else os.O_CLOEXEC))
        except OSError as error:
            raise store_error(error, path) from error
        try:
            before = os.fstat(source)
            if not stat.S_ISREG(before.st_mode):
                raise StoreError(f"{path} is not a file", hint="only files can be stored")
            if move and before.st_nlink == 1 and before.st_uid == os.geteuid() and before.st_dev == self._device():
                digest = self._adopt(path, source, durable=durable)
            else:
                digest = self._put(lambda target: transfer(source, target, before.st_size), durable=durable)
                if move:
                    path.unlink(missing_ok=True)
            after = os.fstat(source)
        except OSError as error:
            raise store_error(error, path) from error
        finally:
            os.close(source)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise StoreError(f"{path} was changed while it was read", hint="build again when nothing writes to it")
        return digest, before.st_size

    def _adopt(self, path: Path, source: int, *, durable: bool) -> Digest:
        # Into our own folder first: there nobody else knows its name while it is hashed.
        part = self._new_part()
        path.rename(part)
        try:
            digest = hash_file(source)
            self._crashpoint("cas.tmp-written")
            return self._settle(part, source, digest, durable=durable)
        except BaseException:
            with contextlib.suppress(OSError):
                part.rename(path)
            raise

    def _put(self, fill: Callable[[int], str], *, durable: bool) -> Digest:
        self._require_writable()
        part = self._new_part()
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
            try:
                digest = fill(descriptor)
                self._crashpoint("cas.tmp-written")
                return self._settle(part, descriptor, digest, durable=durable)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise store_error(error, self._layout.cas) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _settle(self, part: Path, descriptor: int, digest: str, *, durable: bool) -> Digest:
        target = self.path_of(digest)
        if self._is_good(digest, durable=durable):
            part.unlink()
            return Digest(digest)
        if durable:
            fsync_file(descriptor)
        self._crashpoint("cas.fsynced")
        os.fchmod(descriptor, 0o444)
        try:
            part.rename(target)
        except FileNotFoundError:
            # The folder was removed by hand.
            target.parent.mkdir(mode=0o700, exist_ok=True)
            fsync_dir(self._layout.cas)
            part.rename(target)
        self._crashpoint("cas.renamed")
        if durable:
            fsync_dir(target.parent)
        self._crashpoint("cas.dir-fsynced")
        self._verified[digest] = _signature(os.fstat(descriptor))
        return Digest(digest)

    def _is_good(self, digest: str, *, durable: bool) -> bool:
        """Tell whether the blob is there already, whole; if asked, make sure that it stays (its writer may have died)."""
        try:
            with self._open(digest) as descriptor:
                if not self._check(digest, descriptor):
                    return False
                if durable:
                    fsync_file(descriptor)
                    fsync_dir(self.path_of(digest).parent)
        except BlobDamaged:
            return False
        return True

    # --- out

    def verified_path(self, digest: str) -> Path:
        """Return the path of a blob whose every byte was read and hashes to its name; it is read-only.

        Raises BlobDamaged if it is missing, or wrong: then it is in quarantine now. A blob that did not change since this
        object hashed it is not read again.
        """
        with self._open(digest) as descriptor:
            if not self._check(digest, descriptor):
                self._quarantine(digest, descriptor)
        return self.path_of(digest)

    def distrust(self, digest: str) -> None:
        """Forget that a blob was hashed, so that its bytes are read again."""
        self._verified.pop(digest, None)

    def read_bytes(self, digest: str) -> bytes:
        """Return a small blob's bytes, verified. Raises BlobDamaged."""
        with self._open(digest) as descriptor:
            chunks = []
            while chunk := os.read(descriptor, 1 << 20):
                chunks.append(chunk)
            data = b"".join(chunks)
            if hashlib.sha256(data).hexdigest() != digest:
                self._quarantine(digest, descriptor)
        return data

    def materialise(self, digest: str, target: Path, *, durable: bool = True) -> Placed:
        """Put a blob at a path outside the store, atomically: a reflink where the file system can, else a copy.

        What arrives is hashed, not only what leaves. An existing file is replaced; a link is replaced, not followed.
        Raises BlobDamaged, StoreFull, and StoreError if the place cannot be written.
        """
        with self._open(digest) as source:
            try:
                with part_beside(target) as (part, descriptor):
                    size = os.fstat(source).st_size
                    if transfer(source, descriptor, size) != digest:
                        self._judge(digest, source, target)
                    self._crashpoint("materialise.tmp-written")
                    if durable:
                        fsync_file(descriptor)
                    self._crashpoint("materialise.fsynced")
                    part.rename(target)
                    self._crashpoint("materialise.renamed")
                    info = os.fstat(descriptor)
                if durable:
                    fsync_dir(target.parent)
            except OSError as error:
                raise store_error(error, target) from error
        return Placed(digest, size, info.st_mtime_ns)

    def _judge(self, digest: str, source: int, target: Path) -> None:
        self._verified.pop(digest, None)
        if not self._check(digest, source):
            self._quarantine(digest, source)
        raise StoreError(f"{target} did not arrive as it left the store", hint="check the disk that it is on")

    @contextlib.contextmanager
    def _open(self, digest: str) -> Iterator[int]:
        name, flags = self._name(digest), os.O_RDONLY | OPEN_SAFELY | os.O_NONBLOCK
        try:
            try:
                descriptor = os.open(name, flags)
            except FileNotFoundError:
                place = self._from_trash(digest, name)
                if not place:
                    raise
                descriptor = os.open(place, flags)
        except FileNotFoundError:
            raise BlobDamaged(digest, missing=True, detail="is missing") from None
        except OSError as error:
            raise store_error(error, self.path_of(digest)) from error
        try:
            if not stat.S_ISREG(self._stat(digest, descriptor).st_mode):
                raise BlobDamaged(digest, missing=False, detail="is not a file")
            yield descriptor
        finally:
            os.close(descriptor)

    def _from_trash(self, digest: str, name: str) -> str:
        """Return where a blob is that garbage collection took away; "" if nowhere. Takes it back, if we may write."""
        try:
            folders = os.listdir(self._layout.trash)
        except OSError:
            return ""
        for folder in folders:
            place = f"{self._layout.trash}/{folder}/{digest}"
            if not self._layout.writable:
                if os.path.lexists(place):
                    return place
                continue
            with contextlib.suppress(OSError):  # not in this one; or another thread was faster
                os.rename(place, name)
                return name
        return name if folders and os.path.lexists(name) else ""

    def _stat(self, digest: str, descriptor: int) -> os.stat_result:
        try:
            return os.fstat(descriptor)
        except OSError as error:
            raise store_error(error, self.path_of(digest)) from error

    def _check(self, digest: str, descriptor: int) -> bool:
        before = _signature(self._stat(digest, descriptor))
        if self._verified.get(digest) == before:
            return True
        try:
            good = hash_file(descriptor) == digest and _signature(os.fstat(descriptor)) == before
        except OSError as error:
            # A disk that cannot give the bytes back is damage too, but nothing to move about.
            raise BlobDamaged(digest, missing=False, detail=f"cannot be read ({error.strerror})") from error
        if good:
            self._verified[digest] = before
        return good

    def _quarantine(self, digest: str, descriptor: int) -> None:
        """Take a wrong blob out of the way and raise BlobDamaged. Never takes one that was healed meanwhile."""
        self._verified.pop(digest, None)
        if self._layout.writable:
            path = self.path_of(digest)
            aside = self._layout.quarantine / f"{digest}-{secrets.token_hex(4)}"
            with self._quarantine_lock, contextlib.suppress(FileNotFoundError):
                self._layout.change_generation()
                path.rename(aside)
                if aside.stat().st_ino != os.fstat(descriptor).st_ino:
                    aside.rename(path)
                self._layout.change_generation()
        raise BlobDamaged(digest, missing=False, detail="does not hash to its name")

    def _new_part(self) -> Path:
        return self._layout.tmp / f"blob-{secrets.token_hex(8)}"

    def _device(self) -> int:
        return self._layout.tmp.stat().st_dev

    def _require_writable(self) -> None:
        if not self._layout.writable:
            raise InternalError("a store that was opened for reading was asked to keep a blob")


def _signature(info: os.stat_result) -> tuple[int, ...]:
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
