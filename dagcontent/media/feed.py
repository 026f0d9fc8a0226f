"""Turn a row of byte strings into a file that a child reads while they are made. Knows no medium and no program.

A `Feed` stands in a command line like the path of a file; whoever runs that line opens a pipe for it, puts its name in its
place, and writes into it from a thread of its own. What comes is never whole anywhere: a pipe holds less than one picture.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
from collections.abc import Iterable

__all__ = ["Feed", "Open"]

_PIPE_BYTES = 256 * 1024
Chunk = bytes | memoryview


class Feed:
    """What a child is to read, in the order in which it is made; made once, and only as far as it is read."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self.chunks = chunks


class Open:
    """A feed with its pipe: `reads` is the descriptor that the child inherits, `name` what it opens."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.reads, self._writes = os.pipe()
        _widen(self._writes)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)

    @property
    def name(self) -> str:
        """The pipe as a file."""
        return f"/dev/fd/{self.reads}"

    def start(self) -> None:
        """Begin to write. The child has its end by now; with ours closed, writing fails once the child is gone."""
        self._thread.start()
        os.close(self.reads)

    def drop(self) -> None:
        """Close both ends of a pipe that no child came to read."""
        os.close(self.reads)
        os.close(self._writes)

    def join(self) -> None:
        """Wait until all is written, or nobody reads. One that was never begun is dropped."""
        if self._thread.ident is None:
            self.drop()
        else:
            self._thread.join()

    def _write(self) -> None:
        try:
            for chunk in self._feed.chunks:
                left = memoryview(chunk)
                while left:
                    left = left[os.write(self._writes, left) :]
        except BrokenPipeError:
            pass  # a child that has enough may leave the rest
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that runs the child
            self.error = error
        finally:
            os.close(self._writes)


def _widen(pipe: int) -> None:
    """Let a pipe hold more, where that can be asked for: the two sides then wake each other less often."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
