"""A large file into the seconds of putting it into a store and of getting it out. Prints JSON.

Everything is in the page cache before the clock starts, and nothing of an earlier step is still to be written.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dagcontent.store import copy
from dagcontent.store.store import open_store

CHUNK = 1 << 20


def main(size_mb: str, rounds: str) -> None:
    """Time all steps in turns."""
    source = Path("source.bin")
    with source.open("wb") as file:
        for _ in range(int(size_mb)):
            file.write(os.urandom(CHUNK))
    taken: dict[str, list[float]] = {}
    with open_store(Path("store")) as store:
        cas = store.cas

        def timed(name: str, step: Callable[[], Any]) -> Any:
            os.sync()
            began = time.perf_counter()
            answer = step()
            taken.setdefault(name, []).append(time.perf_counter() - began)
            return answer

        def forget(digest: str) -> None:
            cas.path_of(digest).unlink()
            cas.distrust(digest)

        for _ in range(int(rounds)):
            timed("sha256sum", lambda: _run("sha256sum", "source.bin"))
            digest, _ = timed("ingest", lambda: cas.put_file(source))
            forget(digest)
            timed("cp sync sha256sum", lambda: _run("sh", "-c", "cp source.bin t && sync t && sha256sum t"))
            made = Path("made.bin")
            shutil.copyfile(source, made)
            digest, _ = timed("adopt", partial(cas.put_file, made, move=True))
            timed("cp", lambda: _run("cp", "source.bin", "copied.bin"))
            Path("copied.bin").unlink()
            timed("cp sync", lambda: _run("sh", "-c", "cp source.bin copied.bin && sync copied.bin"))
            timed("place", partial(cas.materialise, digest, Path("placed.bin")))
            forget(digest)
            for path in ("placed.bin", "copied.bin", "t"):
                Path(path).unlink()
    report: dict[str, Any] = {
        name: {"s": statistics.median(times)}
        | {f"per {peer}": statistics.median(a / b for a, b in zip(times, others, strict=True))
           for peer, others in taken.items()}
        for name, times in taken.items()
    }  # fmt: skip
    report["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report["reflink"] = _reflink(source)
    json.dump(report, sys.stdout)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _reflink(source: Path) -> bool:
    with source.open("rb") as one, Path("clone.bin").open("wb") as other:
        return copy._clone(one.fileno(), other.fileno())  # noqa: SLF001 - the question that a copy asks


main(*sys.argv[1:])
