from __future__ import annotations

import contextlib
import itertools
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagcontent.errors import NodeError
from dagcontent.media.feed import Feed, Open
from dagcontent.media.process import ProcessRunner

PYTHON = [sys.executable, "-I", "-S", "-c"]


def test_returns_what_was_printed_and_feeds_standard_input() -> None:
    """Speech gets its text this way, so that no text ever stands in an argument list."""
    code = "import sys; sys.stdout.write(sys.stdin.read().upper())"
    assert ProcessRunner()([*PYTHON, code], stdin=b"hello" * 100_000) == b"HELLO" * 100_000


def test_lines_come_one_by_one() -> None:
    """Progress is shown while a program runs, not after it."""
    lines: list[str] = []
    code = "print('a'); print('b=1\\r'); print('c', end='')"
    assert ProcessRunner()([*PYTHON, code], on_line=lines.append) == b""
    assert lines == ["a", "b=1", "c"]


def test_the_environment_holds_four_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that is fed foreign files must not be able to read a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setenv("LD_PRELOAD_NOT", "canary")
    said = ProcessRunner()([*PYTHON, "import os; print(sorted(os.environ))"]).decode()
    assert "canary" not in said
    assert set(eval(said)) <= {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE"}  # noqa: S307 - our own output


def test_standard_input_is_closed() -> None:
    """A program that asks a question would wait for ever otherwise."""
    assert ProcessRunner()([*PYTHON, "import sys; print(repr(sys.stdin.read()))"]) == b"''\n"


def test_failure_says_the_end_of_what_the_program_said() -> None:
    """The cause stands at the end of what a tool prints, which may be long."""
    code = "import sys; sys.stderr.write('x' * 100000 + 'the cause'); sys.exit(3)"
    with pytest.raises(NodeError, match="exit code 3") as caught:
        ProcessRunner()([*PYTHON, code])
    said = dict(caught.value.facts)["it said"]
    assert said.endswith("the cause")
    assert len(said) < 5000
    assert caught.value.hint


def test_a_missing_program_is_named() -> None:
    """The message must say what to install."""
    with pytest.raises(NodeError, match="no-such-program"):
        ProcessRunner()(["/no-such-program"])


def test_a_program_that_takes_too_long_is_stopped() -> None:
    """A damaged file can keep a decoder busy for ever."""
    with pytest.raises(NodeError, match=r"longer than 0\.1 s"):
        ProcessRunner()([*PYTHON, "import threading; threading.Event().wait()"], timeout_s=0.1)


@pytest.mark.slow
def test_cancel_kills_children_and_their_children_at_once(tmp_path: Path) -> None:
    """After Ctrl-C nothing of ours may go on computing."""
    runner = ProcessRunner()
    started = threading.Event()
    pids: list[int] = []
    errors: list[NodeError] = []

    def on_line(line: str) -> None:
        pids.extend(int(part) for part in line.split())
        started.set()

    code = (
        "import os, subprocess, sys; c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(os.getpid(), c.pid, flush=True); c.wait()"
    )

    def work() -> None:
        try:
            runner([*PYTHON, code], on_line=on_line)
        except NodeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(1)]
    for thread in threads:
        thread.start()
    assert started.wait(20)
    before = time.monotonic()
    runner.cancel()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - before < 2
    assert errors
    assert "cancelled" in errors[0].message
    assert pids
    # A killed grandchild is init's to bury, in its own time: what counts is that it goes.
    gone = threading.Event()
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        gone.wait(0.01)
    assert not any(_alive(pid) for pid in pids)
    with pytest.raises(NodeError, match="cancelled"):
        runner([*PYTHON, "print(1)"])
    runner.cancel()


def _alive(pid: int) -> bool:
    # A killed grandchild may stay as a zombie until its new parent looks: that is dead.
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")


def test_runs_from_many_threads_do_not_mix() -> None:
    """Independent nodes run at once."""
    runner = ProcessRunner()
    results: dict[int, bytes] = {}

    def work(number: int) -> None:
        results[number] = runner([*PYTHON, f"print({number})"])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: f"{n}\n".encode() for n in range(8)}


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[int]]:
    """Return which of the pipes that were made since are still open, as inodes: other tests' files do not count."""
    made: set[int] = set()
    pipe = os.pipe

    def recorded() -> tuple[int, int]:
        ends = pipe()
        made.add(os.fstat(ends[0]).st_ino)
        return ends

    def opened() -> set[int]:
        found = set()
        for name in os.listdir("/dev/fd"):
            with contextlib.suppress(OSError):
                found.add(os.fstat(int(name)).st_ino)
        return made & found

    monkeypatch.setattr(os, "pipe", recorded)
    return opened


COPY = "import sys; sys.stdout.buffer.write(b''.join(open(name, 'rb').read() for name in sys.argv[1:]))"


def test_feeds_are_files_to_the_program(left: Callable[[], set[int]]) -> None:
    """Pictures are made while they are encoded: they never are a file, nor all in memory."""
    made = []

    def chunks() -> Iterator[bytes]:
        for number in range(40):
            made.append(number)
            yield bytes([number]) * 10_000

    said = ProcessRunner()([*PYTHON, COPY, Feed(chunks()), Feed([b"the end"])])
    assert said == b"".join(bytes([number]) * 10_000 for number in range(40)) + b"the end"
    assert made == list(range(40))
    assert left() == set()


def test_a_program_that_has_enough_leaves_the_rest_unmade(left: Callable[[], set[int]]) -> None:
    """A film may be cut at its end; nothing goes on being made for it."""
    code = "import sys; print(len(open(sys.argv[1], 'rb').read(1000)))"
    assert ProcessRunner()([*PYTHON, code, Feed(b"x" * 1000 for _ in itertools.count())]) == b"1000\n"
    assert left() == set()


def test_what_goes_wrong_in_a_feed_is_told_not_what_follows_from_it() -> None:
    """The program sees a file that ends early, and complains about that."""

    def chunks() -> Iterator[bytes]:
        yield b"begun"
        text = "the picture cannot be read"
        raise NodeError(text)

    code = "import sys; open(sys.argv[1], 'rb').read(); sys.exit('cut off')"
    with pytest.raises(NodeError, match="the picture cannot be read"):
        ProcessRunner()([*PYTHON, code, Feed(chunks())])


def test_feeds_of_a_program_that_never_runs_are_closed(left: Callable[[], set[int]]) -> None:
    """A missing program, or a build that was cancelled."""
    with pytest.raises(NodeError, match="no-such-program"):
        ProcessRunner()(["/no-such-program", Feed([b"x"])])
    cancelled = ProcessRunner()
    cancelled.cancel()
    with pytest.raises(NodeError, match="cancelled"):
        cancelled([*PYTHON, COPY, Feed([b"x"])])
    assert left() == set()


def test_more_feeds_than_files_may_be_open_are_said(left: Callable[[], set[int]]) -> None:
    """A film of a thousand pictures: nothing stays open, and the message says what to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 40, hard))
    try:
        with pytest.raises(NodeError, match="cannot be given 2000 pipes at once") as caught:
            ProcessRunner()([*PYTHON, COPY, *(Feed([b"x"]) for _ in range(2000))])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "ulimit" in (caught.value.hint or "")
    assert left() == set()


def test_a_thread_that_cannot_be_had_stops_the_program(
    left: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine at its limits: the program would wait for ever for what nobody writes."""
    start = Open.start

    def second_fails(self: Open) -> None:
        if started:
            text = "can't start new thread"
            raise RuntimeError(text)
        started.append(self)
        start(self)

    started: list[Open] = []
    monkeypatch.setattr(Open, "start", second_fails)
    with pytest.raises(RuntimeError, match="new thread"):
        ProcessRunner()([*PYTHON, COPY, Feed(b"x" for _ in itertools.count()), Feed([b"x"])])
    assert left() == set()


def test_cancel_ends_feeds() -> None:
    """A program is killed while it is fed without end."""
    runner = ProcessRunner()
    code = "import sys; file = open(sys.argv[1], 'rb'); file.read(1); print('here', flush=True); [0 for _ in file]"
    with pytest.raises(NodeError, match="cancelled"):
        runner([*PYTHON, code, Feed(b"line\n" * 100 for _ in itertools.count())], on_line=lambda _: runner.cancel())
