"""A studio for tests: real calls with real tools, at a postage stamp's size."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest

from dagcontent.kinds.registry import kind_of
from dagcontent.media import ffmpeg
from dagcontent.media.call import Call, NewFile
from dagcontent.media.process import ProcessRunner
from dagcontent.media.registry import local_registry
from dagcontent.values.value import Blob, Digest


class Studio:
    """Runs local kinds as the engine does: defaults filled in, artifacts by digest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = ProcessRunner()
        self.files: dict[str, Path] = {}
        self.progress: list[float] = []
        self.count = 0

    def call(self, kind: str, model: str = "", *, threads: int = 1, seed: int | None = None, **params: Any) -> Call:
        self.count += 1
        workdir = self.root / f"{self.count} it's [a], dir;"
        workdir.mkdir()
        filled = {p.name: p.default for p in kind_of(kind).params} | params
        return Call(
            kind, model, filled, workdir, lambda b: self.files[b.digest], self.run, self.progress.append, seed, threads
        )

    def make(self, kind: str, model: str = "", **params: Any) -> Any:  # Any: a Blob, text or JSON
        implementation = local_registry().find(kind, model)
        assert implementation is not None
        made = implementation(self.call(kind, model, **params)).value
        if isinstance(made, list):
            return [self.commit(item) if isinstance(item, NewFile) else item for item in made]
        return self.commit(made) if isinstance(made, NewFile) else made

    def commit(self, file: NewFile) -> Blob:
        data = file.path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.files[digest] = file.path
        return Blob(Digest(digest), file.type, file.media_type, len(data), file.facts)

    def put(self, name: str, data: bytes, type: str, media_type: str, **facts: Any) -> Blob:  # noqa: A002
        path = self.root / name
        path.write_bytes(data)
        return self.commit(NewFile(path, type, media_type, facts))

    def path(self, blob: Blob) -> Path:
        return self.files[blob.digest]

    def plays(self, blob: Blob) -> bool:
        """Tell whether another reading of the whole file finds nothing wrong."""
        argv = [ffmpeg.executable(), "-v", "error", "-xerror", "-i", str(self.path(blob)), "-f", "null", "-"]
        done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        return done.returncode == 0 and not done.stderr

    def sound_ms(self, blob: Blob) -> int | None:
        """Return the length of a clip's sound as it is decoded, in ms; None for a silent clip."""
        with av.open(str(self.path(blob))) as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            return round(sum(frame.samples for frame in container.decode(stream)) * 1000 / stream.rate)

    def pictures(self, blob: Blob) -> list[str]:
        """Return a digest of each picture of a clip."""
        argv = [ffmpeg.executable(), "-v", "error", "-i", str(self.path(blob)), "-map", "0:v", "-f", "framemd5", "-"]
        said = subprocess.run(argv, capture_output=True, check=True, stdin=subprocess.DEVNULL, text=True).stdout
        return [line.split(",")[-1].strip() for line in said.splitlines() if not line.startswith("#")]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """One studio for the whole run: what it made is reused."""
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="session")
def card(studio: Studio) -> Blob:
    """A small picture."""
    blob: Blob = studio.make("image.generate", "card", prompt="A quiet harbour at night", size="160x90")
    return blob


@pytest.fixture(scope="session")
def voice(studio: Studio) -> Blob:
    """A short recording with its words."""
    blob: Blob = studio.make("speech.generate", "espeak", text="Hello there. Good day!", voice="Rachel")
    return blob


@pytest.fixture(scope="session")
def clip(studio: Studio, card: Blob, voice: Blob) -> Blob:
    """A small clip with sound and words."""
    blob: Blob = studio.make("video.from_still", image=card, audio=voice, size="160x90", fps=12)
    return blob


@pytest.fixture(scope="session")
def silent(studio: Studio, card: Blob) -> Blob:
    """A clip of another size and rate, without sound."""
    blob: Blob = studio.make("video.from_still", image=card, duration=0.8, size="96x128", fps=15, motion="none")
    return blob
