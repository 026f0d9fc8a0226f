"""Turn `schemas/` into a verdict: are they what the declarations say today? Knows no schema."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write the schemas into a temporary folder and compare; exit with what differs."""
    kept = ROOT / "schemas"
    with tempfile.TemporaryDirectory(prefix="dagcontent-schemas-") as folder:
        subprocess.run([sys.executable, "-m", "dagcontent.spec.schema", folder], cwd=ROOT, check=True)
        fresh = Path(folder)
        names = sorted({file.name for place in (kept, fresh) for file in place.glob("*.json")})
        _, different, missing = filecmp.cmpfiles(kept, fresh, names, shallow=False)
    stale = sorted(different + missing)
    if stale or not names:
        sys.exit(f"schemas/ is not what the declarations say: {', '.join(stale) or 'empty'}. Run `make schemas`.")
    print(f"schemas: {len(names)} are up to date")


if __name__ == "__main__":
    main()
