"""A vendor's operation into a graph of one node, built with real SDKs against fake vendors. Knows no fault and no claim.

Time is real here; what is simulated is in `paid_world.py`. Who was charged for what is read from the vendors' own ledger.
"""

from __future__ import annotations

import functools
import importlib
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dagcontent import api
from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.errors import DagcontentError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.port import Operation, Recovery
from dagcontent.providers.registry import VENDORS
from dagcontent.providers.secret import Secret
from dagcontent.store.store import open_store
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import BOUNDS, FakeVendors
from dagcontent.testing.vendors.ledger import Charge
from dagcontent.values.attempt import Attempt

__all__ = ["QUICK", "ROWS", "TABLE", "Bench", "Row", "configs", "graph_of", "put_inputs", "spending"]

REALM = "fake-vendors"
BUDGET_MICROUSD = 900_000_000
PATIENT: Mapping[str, float] = {**BOUNDS, "answer_s": 30.0, "send_s": 10.0}
"""Bounds under which nothing is late on a busy machine."""
QUICK: Mapping[str, float] = {**BOUNDS, "answer_s": 0.4, "send_s": 0.6, "inflight_s": 0.2, "list_lag_s": 0.1}
"""Bounds where silence is the point, and where a request that never was is to be found out soon."""


class Row(msgspec.Struct, frozen=True):
    """One operation: a node of this kind and model has these lines; `WORD` in them is what an edit changes.

    `output` is the type of the result; `form` tells rows of one operation apart.
    """

    vendor: str
    operation: str
    model: str
    kind: str
    output: str
    lines: str
    form: str = ""

    @property
    def name(self) -> str:
        """What a test is called that is about this row."""
        return f"{self.vendor}-{self.operation}{'-' + self.form if self.form else ''}"

    @property
    def node(self) -> str:
        """What its node is called."""
        return re.sub(r"\W", "_", self.name)

    @property
    def asked(self) -> str:
        """What the fake vendor calls the request that is paid for."""
        return _ASKED.get((self.vendor, self.operation), self.operation)

    @property
    def declared(self) -> Operation:
        """What the adapter declares of it."""
        found: Operation = importlib.import_module(VENDORS[self.vendor].module).OPERATIONS[self.operation]
        return found

    @property
    def found(self) -> bool:
        """Whether a lost answer can be found again."""
        return self.declared.recovery is not Recovery.ASK

    def fault(self, fault: str, **more: Any) -> dict[str, Any]:
        """Return a rule of faults for the requests of this row."""
        return {"fault": fault, "vendor": self.vendor, "operation": self.asked, "model": self.model, **more}

    def of(self, lines: Iterable[Charge]) -> list[Charge]:
        """Return the charges of this row."""
        mine = (self.vendor, self.asked, self.model)
        return [line for line in lines if (line.vendor, line.operation, line.model) == mine]


_ASKED = {
    ("fal", "queue"): "submit", ("google", "generate.image"): "generate", ("google", "generate.speech"): "generate",
    ("google", "generate.transcribe"): "generate", ("openrouter", "chat.image"): "chat",
}  # fmt: skip
ROWS: Sequence[Row] = (
    Row("fal", "queue", "fal-ai/flux/dev", "image.generate", "image", 'prompt = "WORD"\nsize = "64x64"', "image"),
    Row(
        "fal", "queue", "fal-ai/bytedance/seedance/v1/pro/fast/text-to-video", "video.generate", "video",
        'prompt = "WORD"\nduration = 2', "video",
    ),
    Row(
        "fal", "queue", "fal-ai/kokoro/american-english", "speech.generate", "audio",
        'text = "WORD"\nvoice = "af_heart"', "speech",
    ),
    Row("openai", "images.generate", "gpt-image-2", "image.generate", "image", 'prompt = "WORD"\nsize = "1024x1024"'),
    Row("openai", "images.edit", "gpt-image-2", "image.edit", "image", 'prompt = "WORD"\nimage = "in.png"'),
    Row("openai", "chat", "gpt-6-luna", "text.generate", "text", 'prompt = "WORD"'),
    Row("openai", "speech", "gpt-4o-mini-tts", "speech.generate", "audio", 'text = "WORD"\nvoice = "alloy"'),
    Row(
        "openai", "transcriptions", "gpt-transcribe", "audio.transcribe", "json",
        'audio = "in.wav"\noptions = { prompt = "WORD" }',
    ),
    Row(
        "elevenlabs", "speech", "eleven_multilingual_v2", "speech.generate", "audio",
        'text = "WORD"\nvoice = "Rachel"',
    ),
    Row(
        "elevenlabs", "dialogue", "eleven_v3", "speech.dialogue", "audio",
        'lines = [{ speaker = "a", text = "WORD" }, { speaker = "b", text = "No." }]\n'
        'voices = { a = "Rachel", b = "Adam" }',
    ),
    Row(
        "elevenlabs", "convert", "eleven_multilingual_sts_v2", "speech.convert", "audio",
        'audio = "in.wav"\nvoice = "VOICE"',
    ),
    Row(
        "elevenlabs", "sound", "eleven_text_to_sound_v2", "sound.generate", "audio", 'prompt = "WORD"\nduration = 1.0',
    ),
    Row("elevenlabs", "music", "music_v1", "music.generate", "audio", 'prompt = "WORD"\nduration = 3.0'),
    Row("elevenlabs", "transcribe", "scribe_v2", "audio.transcribe", "json", 'audio = "in.wav"\nlanguage = "LANG"'),
    Row("elevenlabs", "dubbing", "dubbing_v1", "speech.dub", "audio", 'media = "in.wav"\nlanguage = "LANG"'),
    Row(
        "elevenlabs", "flows.image", "gemini-3.1-flash-image", "image.generate", "image", 'prompt = "WORD"\naspect = "1:1"',
    ),
    Row(
        "elevenlabs", "flows.video", "veo-3.1-fast-generate-001", "video.generate", "video",
        'prompt = "WORD"\nduration = 4',
    ),
    Row("google", "generate", "gemini-3.5-flash", "text.generate", "text", 'prompt = "WORD"'),
    Row("google", "generate.image", "gemini-3.1-flash-image", "image.generate", "image", 'prompt = "WORD"\naspect = "1:1"'),
    Row(
        "google", "generate.speech", "gemini-3.8-flash-tts", "speech.generate", "audio",
        'text = "WORD"\nvoice = "Kore"',
    ),
    Row("google", "generate.transcribe", "gemini-3.5-transcribe", "audio.transcribe", "json", 'audio = "in.wav"\nlanguage = "LANG"'),
    Row("google", "interactions.video", "gemini-omni-1.2-flash", "video.generate", "video", 'prompt = "WORD"\nduration = 4'),
    Row("openrouter", "chat", "openai/gpt-6-luna", "text.generate", "text", 'prompt = "WORD"'),
    Row(
        "openrouter", "chat.image", "google/gemini-3.1-flash-image", "image.generate", "image",
        'prompt = "WORD"\naspect = "1:1"',
    ),
    Row("openrouter", "videos", "google/veo-3.1-fast", "video.generate", "video", 'prompt = "WORD"\nduration = 4'),
)  # fmt: skip
"""Every operation that an adapter has and this catalog gives a model for; of fal's one queue three forms."""
TABLE: Mapping[str, Row] = {row.name: row for row in ROWS}


def graph_of(*rows: Row, edited: bool = False) -> str:
    """Return a graph with a node for each row; once it is edited, something else is asked for."""
    words = {"WORD": ("a hare", "an owl"), "VOICE": ("Adam", "Rachel"), "LANG": ("de", "fr")}
    text = '[graph]\nname = "rows"\n'
    for row in rows:
        lines = row.lines
        for word, given in words.items():
            lines = lines.replace(word, given[edited])
        text += (
            f'[node.{row.node}]\nkind = "{row.kind}"\nmodel = "{row.vendor}/{row.model}"\n'
            f'output = "{row.node}"\n{lines}\n'
        )
    return text


@functools.cache
def _inputs() -> Mapping[str, bytes]:
    return {"in.png": media.picture(64, 64, "png", "in"), "in.wav": media.recording(1.0, "wav", "in")}


def put_inputs(folder: Path) -> None:
    """Put the files that rows refer to beside a graph."""
    for name, data in _inputs().items():
        (folder / name).write_bytes(data)


def configs(
    base_urls: Mapping[str, str],
    keys: Callable[[str], str],
    bounds: Mapping[str, float],
    concurrency: int | None = None,
) -> dict[str, ProviderConfig]:
    """Return how every fake vendor is reached."""
    return {
        name: ProviderConfig(
            name=name, base_url=base_urls[name], key=Secret(keys(name), "FAKE_KEY", [urlsplit(base_urls[name]).netloc]),
            bounds=bounds, name_of_realm=REALM, own_hosts=vendor.hosts, concurrency=concurrency,
        )
        for name, vendor in VENDORS.items()
    }  # fmt: skip


def spending(
    vendors: FakeVendors, bounds: Mapping[str, float] = PATIENT, *, budget_microusd: int | None = BUDGET_MICROUSD,
    concurrency: int | None = None, base_urls: Mapping[str, str] | None = None, **more: Any,
) -> api.Spending:  # fmt: skip
    """Return a spending that pays fake vendors; at other addresses, if some are given."""
    made = configs(base_urls or vendors.base_urls, vendors.key, bounds, concurrency)
    return api.Spending(
        make_configs=lambda: made, realms={name: one.realm for name, one in made.items()},
        budget_microusd=budget_microusd, unpriced=True, **more,
    )  # fmt: skip


class Bench:
    """A folder with one graph, its store and its outputs, and the vendors that are paid from here."""

    def __init__(self, vendors: FakeVendors, text: str, folder: Path) -> None:
        self.vendors, self.folder = vendors, folder
        self.graph, self.store = folder / "graph.toml", folder / "store"
        self.events: list[Any] = []
        put_inputs(folder)
        self.write(text)

    def write(self, text: str) -> None:
        """Write the graph."""
        self.graph.write_text(text, encoding="utf-8")

    def build(
        self, bounds: Mapping[str, float] = PATIENT, *, targets: Sequence[str] = (), params: Mapping[str, str] | None = None,
        seams: api.Seams | None = None, **agreed: Any,
    ) -> BuildResult:  # fmt: skip
        """Build once, in this process."""
        self.events = []
        return api.build(
            self.graph, targets, store=self.store, params=params, jobs=2, listeners=[self.events.append], seams=seams,
            spending=spending(self.vendors, bounds, **agreed),
        )  # fmt: skip

    def tried(self, bounds: Mapping[str, float] = PATIENT, **agreed: Any) -> BuildResult | DagcontentError:
        """Build once; an error that stops a build is an answer too."""
        try:
            return self.build(bounds, **agreed)
        except DagcontentError as error:
            return error

    def charges(self, within_s: float = 20.0) -> list[Charge]:
        """Return what was charged, refunds taken off, once no vendor is at work on a request any more."""
        end = time.monotonic() + within_s
        while any(r["complete"] and "status" not in r for r in self.vendors.requests()) and time.monotonic() < end:
            time.sleep(0.02)
        return self.vendors.charges()

    def posts(self) -> list[dict[str, Any]]:
        """Return the requests that may be charged, as they came: uploads and tokens are free."""
        free = {"token", "upload", "files"}
        return [
            r for r in self.vendors.requests() if r["method"] == "POST" and r["operation"].split(".")[0] not in free
        ]

    def attempts(self) -> list[Attempt]:
        """Return the journal."""
        with open_store(self.store, write=False) as opened:
            return opened.attempts.list()


def only(result: BuildResult) -> NodeResult:
    """Return what became of the one node."""
    (node,) = result.nodes
    return node


def new_folder() -> Path:
    """Return a new folder, in memory where there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return Path(tempfile.mkdtemp(prefix="paid-", dir=memory if memory.is_dir() else None))
