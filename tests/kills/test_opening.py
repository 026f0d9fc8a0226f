"""Builds that come to a new store at one moment: none waits for another's end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from dagcontent.store import db, layout
from dagcontent.store.disk import locked
from dagcontent.store.store import open_store


def _no_crash(_point: str) -> None:
    pass


def test_who_comes_late_to_the_making_of_a_store_does_not_wait_for_the_build_that_made_it(tmp_path: Path) -> None:
    """It saw no store, and finds the lock shared by a build that has made one since: there is nothing to wait for."""
    with open_store(tmp_path / "store") as first:  # shares the lock for as long as it is open
        late = layout.Layout(first.root, writable=True, exists=True, format=0)
        layout._create(late, _no_crash)
        assert late.format == layout.FORMAT_VERSION
        db.create(late, crashpoint=_no_crash)
        with open_store(first.root) as second:
            assert second.generation() == first.generation()


def test_a_lock_is_waited_for_until_it_is_not_needed_any_more(tmp_path: Path) -> None:
    """Asked again and again while others hold it; had at once where nobody does."""
    path = tmp_path / "lock"
    asked = iter([False, False, True])
    holder = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(holder, fcntl.LOCK_SH)
        with locked(path, unless=lambda: next(asked)) as alone:
            assert not alone
        assert next(asked, None) is None
        fcntl.flock(holder, fcntl.LOCK_UN)
        with locked(path, unless=lambda: True) as alone:
            assert alone
    finally:
        os.close(holder)
