"""A plan is a look: it opens no socket, needs no key, and writes nothing but caches that can be thrown away."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from dagcontent.testing.vendors.client import FakeVendors

from .test_paid_screens import CLIP, PAID, PATIENT

Run = Callable[..., Result]

GUARDED = """
import contextlib, io, os, shutil, sqlite3, sys, tempfile
writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
changes = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.utime"}
programs = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system"}

def guard(event, args):
    if event.startswith("socket.") or event in programs:
        os.write(2, f"{event} {args!r}".encode())
        os._exit(99)
    wrote = event in changes or (event == "open" and args[2] & writes)
    place = os.path.abspath(os.fsdecode(args[0])) if wrote and isinstance(args[0], (str, bytes, os.PathLike)) else ""
    if wrote and not place.startswith(tuple(os.environ["MAY_WRITE"].split(":"))):
        os.write(2, f"{event} {place}".encode())
        os._exit(98)

from dagcontent.__main__ import main
sys.addaudithook(guard)
if mine := os.environ.get("OF_MINE"):
    asked, theirs, config = sys.argv, os.environ["DAGCONTENT_STORE"], os.environ["DAGCONTENT_CONFIG"]
    sys.argv = [asked[0], "plan", f"{mine}/paid.toml"]
    os.environ |= {"DAGCONTENT_STORE": f"{mine}/store", "DAGCONTENT_CONFIG": f"{mine}/config.toml"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with contextlib.suppress(SystemExit):
            main()  # what is imported late may lie where nobody else can read
    sys.argv = asked
    os.environ |= {"DAGCONTENT_STORE": theirs, "DAGCONTENT_CONFIG": config}
    if os.geteuid() == 0:  # root may write everywhere, so somebody else has to try
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
sys.exit(main())
"""
ASKED = [["-v", "--budget", "0.1"], ["--json"], ["--markdown", "still"]]


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def built(run: Run, program: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A graph that was bought and then edited, with its store, its configuration and no key, in a folder of its own."""
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    (here / "config.toml").write_text(program.config_toml(PATIENT) + "\n[budget]\nper_day_usd = 3\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
        for name, value in program.environment.items():
            patch.setenv(name, value)
        assert run("build", "paid.toml", "--budget", "1", "-q").exit_code == 0
    (here / "paid.toml").write_text(PAID.replace("dusk", "dawn") + CLIP, encoding="utf-8")
    asked = len(program.requests())
    yield here
    assert len(program.requests()) == asked


def plan(here: Path, *args: str, may_write: str, mine: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Plan in a process that ends at once if it opens a socket, starts a program, or writes where it may not."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(here), "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1",
        "DAGCONTENT_CONFIG": str(here / "config.toml"), "DAGCONTENT_STORE": str(here / "store"), "MAY_WRITE": may_write,
        "OF_MINE": str(mine or ""),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", GUARDED, "plan", str(here / "paid.toml"), *args],
        cwd=here, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


def files(folder: Path) -> dict[str, str]:
    """Return all that lies in a folder but for disposable caches and the database's shared memory, by content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "store.db-shm" and not {"memo", "side"} & set(path.relative_to(folder).parts)
    }


@pytest.mark.slow
def test_a_plan_of_what_costs_money_is_only_a_look(built: Path) -> None:
    """In each of its forms, with providers configured and no key: no socket, no program, and no file but in the caches."""
    before = files(built)
    caches = f"{built / 'store' / 'memo'}:{built / 'store' / 'side'}"
    for args in ASKED:
        found = plan(built, *args, may_write=caches)
        assert found.returncode == 0, found.stderr
        assert "still" in found.stdout
        assert "FAKE_FAL_KEY is not set" in found.stderr
    assert files(built) == before


@pytest.mark.slow
def test_a_plan_needs_no_right_to_write(built: Path) -> None:
    """On a disk that is read only, the home too, it says the same."""
    base = Path(tempfile.mkdtemp(prefix="dagcontent-test-"))  # pytest's own folders are closed to other users
    folder = base / "home"
    shutil.copytree(built, folder)
    paths = [folder, *folder.rglob("*")]
    base.chmod(0o755)
    for path in paths:
        if os.geteuid() == 0:
            os.lchown(path, 65534, 65534)
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        found = plan(folder, may_write=f"{folder}:{built}", mine=built)  # it may try
        assert found.returncode == 0, found.stderr
        assert "$1.033 expected  ($1.033 to $1.832)" in found.stdout
        assert "left of $3.00 a day" in found.stdout
    finally:
        for path in paths:
            path.chmod(0o700)
        shutil.rmtree(base)


def test_a_plan_needs_no_store(run: Run, program: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody built anything here: it is planned, and nothing is there afterwards that was not before."""
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    (here / "config.toml").write_text(program.config_toml(PATIENT), encoding="utf-8")
    monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
    before = files(here)
    assert run("plan", "paid.toml").exit_code == 0
    assert run("plan", "paid.toml", "--exit-code").exit_code == 3
    assert files(here) == before
