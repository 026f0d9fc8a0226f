"""Random graphs that cost money, and random edits of them. Knows no plan and no build.

A text gives a list, pictures are made of its elements, and of each other; free nodes stand between. Every number in a graph is
a choice of its seed.
"""

from __future__ import annotations

import random
from typing import Final

__all__ = ["PaidGraph"]

_HEAD: Final = """\
[graph]
name = "random"

[node.script]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Scenes about {topic}"
returns = {{ scenes = [{{ id = "text", picture = "text" }}] }}
max_tokens = {limit}

[each.scene]
of = "${{script.scenes}}"
max = {most}
"""
_FORMS: Final = {
    "picture": 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "{word}"\nsize = "{size}"\n',
    "other": 'kind = "image.generate"\nmodel = "openai/gpt-image-2"\nprompt = "{word}"\nsize = "1024x1024"\n',
    "still": 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\neach = "scene"\nprompt = "${{scene.picture}} {word}"\nsize = "{size}"\n',
    "edit": 'kind = "image.edit"\nmodel = "openai/gpt-image-2"\nimage = "${{{above}}}"\nprompt = "{word}"\n',
    "line": 'kind = "text.generate"\nmodel = "openrouter/openai/gpt-6-luna"\nprompt = "{word}"\nmax_tokens = {limit}\n',
    "voice": 'kind = "speech.generate"\nmodel = "elevenlabs/eleven_multilingual_v2"\nvoice = "Rachel"\ntext = "${{{said}}} {word}"\n',
    "free": 'kind = "text.template"\ntext = "{word} ${{{said}}}"\n',
    "grid": 'kind = "image.grid"\nimages = ["${{{above}}}"]\n',
}  # fmt: skip
_PICTURES: Final = frozenset({"picture", "other", "edit", "grid"})
_WORDS: Final = ("hare", "owl", "lantern", "hill at dusk", "sea", "boat on a lake")


class PaidGraph:
    """One graph as it is now. The same seed gives the same graph and the same edits."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._choices: dict[str, dict[str, str]] = {"": self._chosen()}
        self._forms: dict[str, str] = {}
        for n in range(self._chance.randint(2, 5)):
            self._add(n)

    @property
    def text(self) -> str:
        """The graph file."""
        made = _HEAD.format(**self._choices[""])
        for name, form in self._forms.items():
            made += f"\n[node.{name}]\n" + _FORMS[form].format(**self._choices[name])
        return made

    @property
    def nodes(self) -> list[str]:
        """Names of what can be asked for alone."""
        return ["script", *self._forms]

    def edit(self) -> None:
        """Change one node, add one, or turn the first text's topic to another."""
        if self._chance.random() < 0.3:
            self._add(len(self._forms))
            return
        name = self._chance.choice(list(self._choices))
        self._choices[name] |= {key: value for key, value in self._chosen().items() if key not in {"above", "said"}}

    def _add(self, n: int) -> None:
        pictures = [name for name, form in self._forms.items() if form in _PICTURES]
        texts = [name for name, form in self._forms.items() if form in {"line", "free"}]
        possible = [form for form in _FORMS if form not in {"edit", "grid"} or pictures]
        form = self._chance.choice(possible)
        name = f"{form}_{n}"
        self._forms[name] = form
        said = self._chance.choice(texts or ["script.scenes[0].picture"])
        self._choices[name] = self._chosen() | {"above": self._chance.choice(pictures or [""]), "said": said}

    def _chosen(self) -> dict[str, str]:
        chance = self._chance
        return {
            "topic": chance.choice(_WORDS), "word": chance.choice(_WORDS), "limit": str(chance.choice([300, 400, 600])),
            "most": str(chance.choice([4, 8])), "size": chance.choice(["64x64", "512x512", "1024x1024"]),
        }  # fmt: skip
