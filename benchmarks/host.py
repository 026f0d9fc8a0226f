"""This machine, its software and the checkout into one line each. Knows no benchmark."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["commit", "describe"]

_PACKAGES = ("dagcontent", "msgspec", "tomli", "anyio", "apsw", "doit")


def describe(folder: Path, root: Path) -> list[tuple[str, str]]:
    """Return what a reader must know to compare figures. `folder` is where the benchmarks write."""
    return [
        ("machine", f"{_processor()}, {_cores()} cores, {_memory_gb():.0f} GiB, {_file_system(folder)}"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("versions", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES) + f", ninja {_ninja()}"),
        ("commit", commit(root)),
        ("load", f"{os.getloadavg()[0]:.1f} when it began"),
    ]


def commit(root: Path) -> str:
    """Return the commit of the checkout, and whether the code differs from it."""
    try:
        name = _output("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
        changed = _output("git", "-C", str(root), "status", "--porcelain", "--", "dagcontent", "benchmarks/*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} with changes" if changed else name


def _output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(folder: Path) -> str:
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "file system unknown"
    there = str(folder.resolve())
    around = [m for m in mounts if there == m[1] or there.startswith(m[1].rstrip("/") + "/")]
    return max(around, key=lambda m: len(m[1]))[2] if around else "file system unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _ninja() -> str:
    return _output("ninja", "--version") if shutil.which("ninja") else "absent"
