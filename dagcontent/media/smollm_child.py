"""Turn questions into one line each, in a process of its own. Knows nothing of dagcontent.

A small language model out of a package, by llama.cpp; always the most likely word, so the same question gives the same answer.
This file is run by its path: one JSON object on standard input; on standard output one line an answer, a JSON text.

    in   {model, questions, tokens}
"""

from __future__ import annotations

import json
import sys
from typing import Any

_SYSTEM = "You write for short films. Answer with one short, plain sentence and nothing else."


def answer(order: dict[str, Any]) -> None:
    """Write an answer to every question of `order` as soon as it is there."""
    import xllamacpp  # noqa: PLC0415 - what cannot be imported is said, not raised

    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.n_ctx, params.n_parallel, params.warmup = 2048, 1, False
    # The number of threads changes the order of sums, and so an answer now and then.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    server = xllamacpp.Server(params)
    for question in order["questions"]:
        said = server.handle_chat_completions(
            {
                "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}],
                "max_tokens": order["tokens"], "temperature": 0, "seed": 1, "cache_prompt": False,
            }
        )  # fmt: skip
        sys.stdout.write(json.dumps(said["choices"][0]["message"]["content"]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    answer(json.load(sys.stdin))
