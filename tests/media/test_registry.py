from __future__ import annotations

import subprocess
import sys

import pytest

from dagcontent.kinds.declaration import Effect
from dagcontent.kinds.registry import KINDS
from dagcontent.media.registry import local_registry


def test_every_local_kind_and_stand_in_is_there() -> None:
    """A declared kind that nothing makes would be found only in the middle of a build."""
    registry = local_registry()
    for kind in KINDS.values():
        if kind.effect is Effect.LOCAL:
            assert registry.find(kind.name, ""), kind.name
        for model in kind.stand_ins:
            assert registry.find(kind.name, model), (kind.name, model)
    assert registry.find("image.generate", "oil-painting") is None


@pytest.mark.slow
def test_the_registry_loads_no_heavy_module() -> None:
    """A plan of a thousand nodes takes less time than importing Pillow and PyAV."""
    code = (
        "import sys; from dagcontent.media.registry import local_registry; from dagcontent.media.process import ProcessRunner;"
        "import dagcontent.media.probe; local_registry(); ProcessRunner();"
        "print([m for m in ('PIL', 'av', 'imageio_ffmpeg', 'espeakng_loader') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert said.strip() == "[]"
