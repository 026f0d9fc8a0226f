"""What each key that all nodes have means, in a sentence: for schemas. Knows no form of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["KEY_HELP"]

KEY_HELP: Final[Mapping[str, str]] = {
    "kind": "what the node makes",
    "model": "who makes it: an alias, provider/name, or a list of those: each is asked when the one before refused",
    "options": "sent to the model as it is",
    "each": "the dimensions it fans out over",
    "takes": "how many results of the same request: a last dimension `take`",
    "needs": "what must succeed first without being an input",
    "when": "whether it is made: a boolean, a reference to one, or a comparison",
    "optional": "parameters that may be left out when their input was skipped or failed",
    "output": "file name in the output folder",
    "timeout": "local deadline, as 10m, 90s or 1h30m",
    "retries": "attempts after failures that cost nothing",
    "on_error": "what a failure does to what depends on it",
    "on_block": "what follows when a model refuses the content: further samples, then failing, skipping or the next model",
    "max_cost_usd": "the most that one instance may cost; a fallback that is dearer is passed over",
    "snap": "what becomes of a value that the model does not allow; left out: up for lengths of time, else error",
    "seed": "makes another result of the same inputs",
    "cache": "true, or run: made again in every run",
    "tags": "texts for selection and reports",
}
