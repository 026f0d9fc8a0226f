from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_benchmark_runs(root: Path, tmp_path: Path) -> None:
    """Benchmarks run seldom: without a look at them in the gate, they would be broken when a figure is wanted."""
    program = root / "benchmarks" / "run.py"
    if not program.exists():
        pytest.skip("a copy of the sources without benchmarks")
    pytest.importorskip("doit")
    ended = subprocess.run(
        [sys.executable, str(program), "--tiny", "--folder", str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    titles = [line.removeprefix("### ") for line in ended.stdout.splitlines() if line.startswith("### ")]
    assert len(titles) == 12
    for fact in ("machine", "python", "versions", "commit", "seed", "sizes"):
        assert f"- **{fact}**: " in ended.stdout
    assert not list(tmp_path.iterdir()), "what was measured is tidied up"
