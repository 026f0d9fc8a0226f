"""A store's path into its figures and its health. Knows no graph."""

from __future__ import annotations

from pathlib import Path

from dagcontent.store.gc import Collected
from dagcontent.store.rebuild import Rebuilt, rebuild
from dagcontent.store.stats import StoreStats
from dagcontent.store.store import open_store
from dagcontent.store.verify import Problem, Progress, Report

__all__ = [
    "Collected", "Problem", "Rebuilt", "Report", "StoreStats", "collect_store", "rebuild_store", "store_stats", "verify_store",
]  # fmt: skip


def store_stats(path: Path) -> StoreStats:
    """Return how much a store holds; one that is not there is empty. Raises StoreError."""
    with open_store(path, write=False) as opened:
        return opened.stats()


def verify_store(path: Path, *, repair: bool = False, on_progress: Progress | None = None) -> Report:
    """Look at every record and every byte of a store. Without `repair` nothing is changed. Raises StoreError."""
    with open_store(path, write=repair) as opened:
        return opened.verify(repair=repair, on_progress=on_progress)


def rebuild_store(path: Path) -> Rebuilt:
    """Make a store's database again from what was paid for, the blobs, and what is left of it. Raises StoreError."""
    return rebuild(path, crashpoint=lambda _point: None)


def collect_store(path: Path, *, now_ms: int, dry_run: bool = False, include_paid: bool = False) -> Collected:
    """Take away what nothing in a store needs; with `dry_run` only say what that would be. Raises StoreError."""
    with open_store(path, write=not dry_run) as opened:
        return opened.collect(now_ms=now_ms, dry_run=dry_run, include_paid=include_paid)
