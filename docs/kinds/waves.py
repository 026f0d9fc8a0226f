"""Draw the sounds that docs/kinds/sounds.toml made as waves, one small SVG file each: `make docs-pictures` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from dagcontent.media.sniff import sniff
from dagcontent.media.thumbnail import peaks_of

BARS, WIDE, HIGH = 160, 480, 60


def drawn(path: Path) -> str:
    """Return the wave of a sound: a bar for each of equal parts, as high as its loudest sample."""
    found = sniff(path)
    peaks = peaks_of(path, found[1] if found else "", BARS)
    step = WIDE / max(1, len(peaks))
    bars = "".join(
        f"M{round(i * step + 1)} {round((HIGH - high) / 2)}v{round(high)}"
        for i, high in enumerate(max(1.0, peak * (HIGH - 4) / 100) for peak in peaks)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}">'
    return f'{head}<path d="{bars}" stroke="#4a7bb5" stroke-width="2"/></svg>\n'


def main(sounds: Path, into: Path) -> None:
    """Draw every sound of a folder."""
    into.mkdir(exist_ok=True)
    for path in sorted(sounds.iterdir()):
        (into / f"{path.stem}.svg").write_text(drawn(path), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
