"""Turn a store's folder into the figures that people ask of it. Knows no record's content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from dagcontent.store.db import fetch
from dagcontent.store.layout import Layout

__all__ = ["StoreStats", "blob_files", "gather"]


class StoreStats(msgspec.Struct, frozen=True):
    """How much there is. `records` by kind; `free_bytes` is what the disk has left for us."""

    path: str
    records: dict[str, int]
    runs: int
    blobs: int
    blob_bytes: int
    database_bytes: int
    quarantined: int
    free_bytes: int


def gather(layout: Layout, connection: apsw.Connection | None) -> StoreStats:
    """Count. Walks the whole CAS: one `stat` a blob."""
    records: dict[str, int] = {}
    runs = 0
    if connection is not None:
        records = dict(fetch(connection, "SELECT kind, count(*) FROM record GROUP BY kind ORDER BY kind"))
        runs = fetch(connection, "SELECT count(*) FROM run")[0][0]
    blobs = blob_bytes = 0
    for _name, entry in blob_files(layout.cas):
        blobs += 1
        blob_bytes += entry.stat(follow_symlinks=False).st_size
    place = next((one for one in (layout.root, *layout.root.parents) if one.exists()), layout.root)
    disk = os.statvfs(place)
    return StoreStats(
        path=str(layout.root),
        records=records,
        runs=runs,
        blobs=blobs,
        blob_bytes=blob_bytes,
        database_bytes=sum(_size(Path(f"{layout.db}{end}")) for end in ("", "-wal", "-shm")),
        quarantined=len(list(layout.quarantine.iterdir())) if layout.quarantine.is_dir() else 0,
        free_bytes=disk.f_bavail * disk.f_frsize,
    )


def blob_files(cas: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything in the CAS with the digest that its place spells, in order; what is no blob comes too."""
    if not cas.is_dir():
        return
    with os.scandir(cas) as folders:
        listed = sorted(folders, key=lambda entry: entry.name)
    for folder in listed:
        if not folder.is_dir(follow_symlinks=False):
            yield folder.name, folder
            continue
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
        for entry in inside:
            yield folder.name + entry.name, entry


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
