"""Judges that answer at once by a table of scores, and what they should have led to. Knows the prompt's marks, and no plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from dagcontent.media.call import Call, Made, Registry

_SHOWN = re.compile(r"<candidate_(\d+) (\w+)>\n(.*?)\n</candidate_\1 \2>", re.DOTALL)


def shown(prompt: str) -> list[str]:
    """Return the texts that a judge sees, in their order."""
    return [found[3] for found in _SHOWN.finditer(prompt)]


class Panel:
    """Judges by a table: text -> score. `asked` are the questions that were put, each as the texts in the order seen.

    Every other judge adds one half to what has an even length, so that several do not say the same.
    """

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.scores = scores
        self.asked: list[list[str]] = []
        self.answer: Callable[[dict[str, Any]], Any] = lambda answer: answer

    def registry(self) -> Registry:
        """Return the local kinds that a build of texts and selections has."""
        registry = Registry()
        registry.add("text.generate", "outline", self._generate)
        return registry

    def score(self, text: str, seed: int | None) -> float:
        """Return what a judge with a seed gives a text."""
        return self.scores[text] + (0.5 if (seed or 0) % 2 and len(text) % 2 == 0 else 0)

    def _generate(self, call: Call) -> Made:
        if "schema" not in call.params:
            return Made(str(call.params["prompt"]))
        texts = shown(str(call.params["prompt"]))
        self.asked.append(texts)
        answer = {
            f"candidate_{number}": {"score": self.score(text, call.seed), "reason": f"about {text}"}
            for number, text in enumerate(texts, 1)
        }
        return Made(self.answer(answer))

    def best(self, texts: Sequence[str], seeds: Sequence[int | None]) -> list[int]:
        """Return positions, the best first, of equals the earlier: by the mean of all judges."""
        means = [round(fmean(self.score(text, seed) for seed in seeds), 6) for text in texts]
        return sorted(range(len(texts)), key=lambda position: (-means[position], position))
