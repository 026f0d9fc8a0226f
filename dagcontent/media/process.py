"""Turn a command line into what it printed, and kill every running child at once. Knows no medium and no graph.

Children run in their own process group, with closed standard input (unless bytes are given) and an environment of
four names, so that no secret of the caller's reaches a decoder that is fed foreign files. They inherit the pipes of the feeds
in their command line, and no other descriptor.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from dagcontent.errors import NodeError
from dagcontent.media.feed import Feed, Open

__all__ = ["OUTPUT_BYTES_MAX", "STDERR_TAIL_BYTES", "ProcessRunner"]

OUTPUT_BYTES_MAX = 64 * 1024 * 1024
STDERR_TAIL_BYTES = 4096
_READ_BYTES = 65536
_LIMITS = (
    (resource.RLIMIT_AS, 16 * 1024**3),
    (resource.RLIMIT_FSIZE, 32 * 1024**3),
    (resource.RLIMIT_CORE, 0),
)
"""Address space and size of a file in bytes; no core dumps, which would hold what was decoded."""


class ProcessRunner:
    """A `Runner` that can be cancelled from any thread, once and for all."""

    def __init__(self, home: Path | None = None) -> None:
        place = str(home) if home is not None else tempfile.gettempdir()
        self._environment = {"PATH": os.defpath, "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8"}
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = False

    def cancel(self) -> None:
        """Kill every running child and its children; later runs raise NodeError. May be called twice."""
        with self._lock:
            self._cancelled = True
            for child in self._running:
                _kill(child)

    def __call__(
        self,
        argv: Sequence[str | Feed],
        *,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
    ) -> bytes:
        """Run a program to its end and return what it printed, or b"" when `on_line` got its lines.

        Raises NodeError when the program is missing, fails, takes longer than `timeout_s`, prints more than
        `OUTPUT_BYTES_MAX`, or when the runner was cancelled; and what making a feed raises.
        """
        feeds = _opened(argv)
        names = iter([feed.name for feed in feeds])
        words = [next(names) if isinstance(word, Feed) else word for word in argv]
        try:
            return self._ran(words, feeds, on_line=on_line, stdin=stdin, timeout_s=timeout_s)
        finally:
            # A child that was fed half of something fails too: the cause is told, not what followed from it.
            for feed in feeds:
                if feed.error is not None:
                    raise feed.error

    def _ran(
        self,
        argv: Sequence[str],
        feeds: Sequence[Open],
        *,
        on_line: Callable[[str], None] | None,
        stdin: bytes | None,
        timeout_s: float | None,
    ) -> bytes:
        child = self._start(argv, feeds, feed=stdin is not None)
        late = threading.Event()
        timer = None
        if timeout_s is not None:
            timer = threading.Timer(timeout_s, _kill_late, (child, late))
            timer.daemon = True
            timer.start()
        tail = _Tail()
        side = [threading.Thread(target=tail.read, args=(child.stderr,), daemon=True)]
        if stdin is not None:
            side.append(threading.Thread(target=_feed, args=(child.stdin, stdin), daemon=True))
        for thread in side:
            thread.start()
        try:
            for each in feeds:
                each.start()
            printed = _lines(child.stdout, on_line) if on_line is not None else _whole(child.stdout, argv[0])
            child.wait()
        finally:
            if child.poll() is None:
                _kill(child)
                child.wait()
            if timer is not None:
                timer.cancel()
            for thread in side:
                thread.join()
            for each in feeds:
                each.join()
            for pipe in (child.stdout, child.stderr, child.stdin):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            with self._lock:
                self._running.discard(child)
                cancelled = self._cancelled
        self._judge(argv, child.returncode, tail.text(), cancelled=cancelled, late=timeout_s if late.is_set() else None)
        return printed

    def _start(self, argv: Sequence[str], feeds: Sequence[Open], *, feed: bool) -> subprocess.Popen[bytes]:
        try:
            return self._born(argv, [each.reads for each in feeds], feed=feed)
        except BaseException:
            for each in feeds:
                each.drop()
            raise

    def _born(self, argv: Sequence[str], pipes: Sequence[int], *, feed: bool) -> subprocess.Popen[bytes]:
        # Under the lock, so that no child is born between the look at the flag and `cancel`.
        with self._lock:
            if self._cancelled:
                raise _stopped(argv)
            try:
                child = subprocess.Popen(
                    list(argv),
                    stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment,
                    start_new_session=True,
                    pass_fds=pipes,
                )
            except OSError as error:
                text = f"{_name(argv)} could not be started: {error.strerror or error}"
                raise NodeError(text, hint="install it, or correct the path to it") from error
            _limit(child.pid)
            self._running.add(child)
            return child

    def _judge(self, argv: Sequence[str], code: int, tail: str, *, cancelled: bool, late: float | None) -> None:
        if cancelled and code != 0:
            raise _stopped(argv)
        if late is not None and code != 0:
            text = f"{_name(argv)} took longer than {late:g} s and was stopped"
            raise NodeError(
                text, facts=[("it said", tail or "nothing")], hint="make the work smaller, or allow more time"
            )
        if code != 0:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            text = f"{_name(argv)} failed ({how})"
            raise NodeError(text, facts=[("it said", tail or "nothing")], hint="see what it said; is an input damaged?")


class _Tail:
    """Keeps the end of a stream, however long it is."""

    def __init__(self) -> None:
        self._data = b""

    def read(self, pipe: IO[bytes] | None) -> None:
        while pipe is not None and (chunk := _read_some(pipe)):
            self._data = (self._data + chunk)[-STDERR_TAIL_BYTES:]

    def text(self) -> str:
        return self._data.decode("utf-8", "replace").strip()


def _limit(pid: int) -> None:
    """Bound what a child can take, where the system can do that from outside: a decoder is fed foreign files."""
    if sys.platform == "linux":  # elsewhere it would have to run between fork and exec, which is not safe with threads
        for what, most in _LIMITS:
            with contextlib.suppress(OSError, ValueError):  # it has ended already, or has less
                resource.prlimit(pid, what, (most, most))


def _opened(argv: Sequence[str | Feed]) -> list[Open]:
    """Return the feeds of a command line with their pipes. Raises NodeError where there may be no more of them."""
    feeds: list[Open] = []
    wanted = [word for word in argv if isinstance(word, Feed)]
    try:
        feeds.extend(Open(feed) for feed in wanted)  # those before one that fails are there
    except OSError as error:
        for opened in feeds:
            opened.drop()
        text = f"{_name([str(argv[0])])} cannot be given {len(wanted)} pipes at once: {error.strerror or error}"
        raise NodeError(text, hint="make it in parts, or allow more open files (`ulimit -n`)") from error
    return feeds


def _read_some(pipe: IO[bytes]) -> bytes:
    try:
        return os.read(pipe.fileno(), _READ_BYTES)
    except (OSError, ValueError):
        return b""


def _feed(pipe: IO[bytes] | None, data: bytes) -> None:
    # The child may end before it has read everything: that is its own affair.
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.write(data)
        with contextlib.suppress(OSError):
            pipe.close()


def _whole(pipe: IO[bytes] | None, name: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while pipe is not None and (chunk := _read_some(pipe)):
        size += len(chunk)
        if size > OUTPUT_BYTES_MAX:
            text = f"{Path(name).name} printed more than {OUTPUT_BYTES_MAX} bytes"
            raise NodeError(text, hint="make the work smaller")
        parts.append(chunk)
    return b"".join(parts)


def _lines(pipe: IO[bytes] | None, on_line: Callable[[str], None]) -> bytes:
    rest = b""
    while pipe is not None and (chunk := _read_some(pipe)):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            on_line(line.decode("utf-8", "replace").rstrip("\r"))
        rest = rest[-_READ_BYTES:]
    if rest:
        on_line(rest.decode("utf-8", "replace"))
    return b""


def _kill(child: subprocess.Popen[bytes]) -> None:
    # A child that was waited for has no group any more, and its number may belong to another: `poll` first.
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _kill_late(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(child)


def _name(argv: Sequence[str]) -> str:
    return Path(argv[0]).name


def _stopped(argv: Sequence[str]) -> NodeError:
    return NodeError(f"{_name(argv)} was stopped: the build was cancelled", hint="build again", retry=True)
