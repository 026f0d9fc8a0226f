"""Turn a folder's path into a checked store folder. Knows no record and no blob.

    FORMAT        "dagcontent store", its version, the oldest version of a reader that understands it
    lock          flock: shared by every process that has the store open for writing
    generation    a token that changes whenever anything is removed from the store or replaced in it
    store.db      records, claims, runs, last builds, outputs (`db`)
    cas/ab/...    bytes by digest (`cas`)
    tmp/          files that are still written; the same file system as cas/
    runs/         one flocked file a run (`runs`)
    memo/         one file a graph (`memo`)
    side/         what can be thrown away (`side`)
    quarantine/   what did not hash to its name; nothing is ever served from here
    spool/        bodies of paid calls, kept until they are records (`spool`)
    limits/       slots and rates of accounts, shared by all processes (`limits`)
    trash/        what garbage collection took away, until its time is up (`gc`)
    paid.jsonl    every paid request and result once more, as text (`paid`)
    ballast       room on the disk for writing down what was paid for when there is no other (`spool`)

A store is private: whoever can write to it decides what a build returns.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dagcontent.errors import StoreError
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir, locked, store_error, write_atomically

__all__ = ["FORMAT_READABLE_FROM", "FORMAT_VERSION", "Layout", "examine", "file_system_of", "prepare", "write_format"]

FORMAT_VERSION: Final = 3
FORMAT_READABLE_FROM: Final = 3
_MAGIC: Final = "dagcontent store"
_FOLDERS: Final = ("cas", "tmp", "runs", "memo", "side", "quarantine", "spool", "limits", "trash")
_OWN_NAMES: Final = frozenset({*_FOLDERS, "FORMAT", "lock", "generation", "store.db", "store.db-wal", "store.db-shm",
                               "store.db-new", "paid.jsonl", "ballast"})  # fmt: skip
_NETWORK: Final = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
        "fuse.s3fs", "fuse.sshfs", "fuse.smbnetfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip


class Layout:
    """The places of one store. `writable` says whether it may be changed through this object."""

    __slots__ = ("ballast", "cas", "db", "exists", "format", "generation", "limits", "lock", "memo", "paid", "quarantine",
                 "root", "runs", "side", "spool", "tmp", "trash", "writable")  # fmt: skip

    def __init__(self, root: Path, *, writable: bool, exists: bool, format: int = FORMAT_VERSION) -> None:  # noqa: A002 - its name
        self.root = root
        self.writable = writable
        self.exists = exists
        self.cas, self.tmp, self.runs = root / "cas", root / "tmp", root / "runs"
        self.memo, self.side, self.quarantine = root / "memo", root / "side", root / "quarantine"
        self.spool, self.limits, self.trash = root / "spool", root / "limits", root / "trash"
        self.paid, self.ballast = root / "paid.jsonl", root / "ballast"
        self.format = format
        self.db, self.lock, self.generation = root / "store.db", root / "lock", root / "generation"

    def read_generation(self) -> str:
        """Return the token of what the store holds; equal tokens mean that nothing was removed or replaced."""
        try:
            return self.generation.read_bytes().decode().strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def change_generation(self) -> None:
        """Invalidate whatever was remembered about what this store holds."""
        # A random token rather than a counter: two processes that change it at once cannot lose a change.
        write_atomically(self.generation, self.tmp, secrets.token_hex(8).encode() + b"\n")


def examine(root: Path) -> Layout:
    """Look at a store without changing anything. A store that is not there is an empty one (`exists` is false).

    Raises StoreError if the folder is not a store, is not safe to trust, or has a format that is too new to read.
    """
    real = _resolve(root)
    if real is None or not real.exists():
        return Layout(real or root, writable=False, exists=False)
    _check_folder(real, writing=False)
    names = _names(real)
    if not names:
        return Layout(real, writable=False, exists=False)
    version = _check_format(real, names, writing=False)
    return Layout(real, writable=False, exists=True, format=version)


def prepare(root: Path, *, crashpoint: Callable[[str], None]) -> Layout:
    """Make a store where there is none, or check the one that is there, for writing.

    Raises StoreError if the folder cannot be made, is not a store, is not safe to trust, lies on a network file system,
    or was written by a newer version.
    """
    real = _resolve(root)
    if real is None:
        text = f"{root} is a symbolic link that leads nowhere"
        raise StoreError(text, hint="remove the link, or name another store with --store")
    try:
        real.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(real, writing=True)
        version = _check_format(real, _names(real), writing=True)
        layout = Layout(real, writable=True, exists=True, format=version)
        if not _is_made(real):
            _create(layout, crashpoint)
        for name in _FOLDERS:
            _ensure_folder(real / name)
    except OSError as error:
        raise store_error(error, real) from error
    return layout


def _is_made(root: Path) -> bool:
    return (root / "FORMAT").exists() and (root / "cas").exists()


def _create(layout: Layout, crashpoint: Callable[[str], None]) -> None:
    with locked(layout.lock, create=True, unless=lambda: _is_made(layout.root)) as alone:
        if not alone:
            layout.format = _check_format(layout.root, _names(layout.root), writing=True)
            return
        for name in _FOLDERS:
            _ensure_folder(layout.root / name)
        crashpoint("layout.folders-made")
        # All 256 at once and durable, so that no blob can be lost with the folder it was put into.
        for number in range(256):
            (layout.cas / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        fsync_dir(layout.cas)
        if not layout.generation.exists():
            layout.change_generation()
        crashpoint("layout.before-format")
        write_format(layout)


def write_format(layout: Layout) -> None:
    """Say that a store has this version's format. The last step of making it or of bringing it there."""
    text = f"{_MAGIC}\nversion {FORMAT_VERSION}\nreadable-from {FORMAT_READABLE_FROM}\n"
    write_atomically(layout.root / "FORMAT", layout.tmp, text.encode(), durable=True)
    layout.format = FORMAT_VERSION


def _ensure_folder(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        fsync_dir(path.parent)
        return
    if not stat.S_ISDIR(path.lstat().st_mode):
        text = f"{path} should be a folder of the store and is not one"
        raise StoreError(text, hint=f"move it away: mv {path} {path}.old")


def _resolve(root: Path) -> Path | None:
    # Links that lead to the store are the user's business (a store on another disk); links inside it are refused.
    try:
        real = Path(os.path.realpath(root))
    except OSError as error:
        raise store_error(error, root) from error
    return None if real.is_symlink() else real


def _names(root: Path) -> set[str]:
    try:
        return {entry.name for entry in root.iterdir()}
    except OSError as error:
        raise store_error(error, root) from error


def _check_folder(root: Path, *, writing: bool) -> None:
    try:
        info = root.stat()
        if not stat.S_ISDIR(info.st_mode):
            text = f"{root} is not a folder"
            raise StoreError(text, hint="name another store with --store")
        me = os.geteuid()
        if info.st_uid != me and (writing or info.st_uid != 0):
            text = f"the store {root} belongs to another user (uid {info.st_uid})"
            raise StoreError(text, hint="name a store of your own with --store")
        if info.st_mode & 0o022:
            text = f"others may write to the store {root} (mode {stat.S_IMODE(info.st_mode):04o})"
            raise StoreError(text, hint=f"chmod 700 {root}")
        for parent in root.parents:
            mode = parent.stat().st_mode
            if mode & 0o002 and not mode & stat.S_ISVTX:
                text = f"everyone may rename what is in {parent}, so the store {root} could be swapped"
                raise StoreError(text, hint=f"chmod o-w {parent}, or name another store with --store")
    except OSError as error:
        raise store_error(error, root) from error
    kind = file_system_of(root)
    if kind in _NETWORK:
        text = f"the store {root} is on a network file system ({kind}), where locks cannot be trusted"
        raise StoreError(text, hint="name a store on a local disk with --store or DAGCONTENT_STORE")


def _check_format(root: Path, names: set[str], *, writing: bool) -> int:
    if "FORMAT" not in names:
        foreign = sorted(names - _OWN_NAMES)
        if foreign or "store.db" in names:
            text = f"{root} is not a store: it has no FORMAT file" + (f" and holds {foreign[0]!r}" if foreign else "")
            raise StoreError(text, hint="name an empty or a new folder with --store")
        return FORMAT_VERSION
    version, readable_from = _read_format(root / "FORMAT")
    if readable_from > FORMAT_VERSION or (writing and version > FORMAT_VERSION):
        text = f"the store {root} has format {version}; this version of dagcontent writes format {FORMAT_VERSION}"
        raise StoreError(text, hint="upgrade dagcontent, or name another store with --store")
    return version


def _read_format(path: Path) -> tuple[int, int]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | OPEN_SAFELY), "rb") as file:
            lines = file.read(4096).decode("ascii").splitlines()
        rows = dict(line.split(" ", 1) for line in lines[1:])
        if lines[0] == _MAGIC:
            return int(rows["version"]), int(rows["readable-from"])
    except OSError as error:
        raise store_error(error, path) from error
    except (ValueError, KeyError, IndexError):
        pass
    text = f"{path} cannot be read as a store's format"
    raise StoreError(text, hint="the folder is damaged or not a store; name another one with --store")


def file_system_of(path: Path, mounts: str = "/proc/self/mounts") -> str:
    """Return the type of the file system that a real path lies on; empty where the system does not tell."""
    best, kind = "", ""
    try:
        with Path(mounts).open(encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields = line.split(" ")
                point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
                inside = path.as_posix() == point or path.as_posix().startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best):
                    best, kind = point, fields[2]
    except (OSError, IndexError):
        return ""
    return kind
