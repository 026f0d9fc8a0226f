"""Builds in processes of their own, over stub kinds that can be held at a gate. Knows how to wait without sleeping.

    python processes.py GRAPH STORE LEDGER [GATE [REACHED]]

A call whose text holds "gate" writes to the named pipe REACHED and then reads from the named pipe GATE until something
is written there: a test knows where a build stands, and nobody sleeps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def start(
    graph: Path, store: Path, ledger: Path, gate: Path | None = None, reached: Path | None = None, **options: Any
) -> subprocess.Popen[str]:
    """Start a build; it prints its result as JSON when it ends. `options` go to `api.build`."""
    environment = {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath,
    }  # fmt: skip
    argv = [
        sys.executable,
        __file__,
        str(graph),
        str(store),
        str(ledger),
        str(gate or ""),
        str(reached or ""),
        json.dumps(options),
    ]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def ended(process: subprocess.Popen[str], timeout_s: float = 60) -> dict[str, Any]:
    """Return the result of a build that was started."""
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, err
    made: dict[str, Any] = json.loads(out.splitlines()[-1])
    return made


def _main() -> None:
    from oracle import kinds
    from oracle.builds import declared

    from dagcontent import api, testing
    from dagcontent.errors import DagcontentError
    from dagcontent.media.call import Call, Made, Registry

    graph, store, ledger, gate, reached, options = sys.argv[1:7]
    inner = kinds.registry(lambda _: None)

    class Gated(Registry):
        def find(self, kind: str, model: str) -> Any:
            found = inner.find(kind, model)

            def run(call: Call) -> Made:
                if gate and "gate" in str(call.params):
                    if reached:
                        Path(reached).write_text(f"{call.params['text']}\n", encoding="utf-8")
                    if "program" in str(call.params):
                        call.run(["/bin/sh", "-c", f"read line < {gate}"])
                    else:
                        Path(gate).read_text(encoding="utf-8")
                return found(call)  # type: ignore[misc]

            return run if found else None

    registry = testing.CountedRegistry(Gated(), testing.Ledger(Path(ledger)))
    with declared():
        try:
            result = api.build(graph, store=store, seams=api.Seams(registry=registry), **json.loads(options))
        except DagcontentError as error:
            print(
                json.dumps(
                    {
                        "error": type(error).__name__,
                        "message": error.message,
                        "hint": error.hint,
                        "exit": error.exit_code,
                    }
                )
            )
            return
    print(json.dumps(result.document()), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _main()
