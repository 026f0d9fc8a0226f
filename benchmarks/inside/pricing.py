"""Paid graphs of many nodes into the seconds of a plan with prices, and of the same plan without. Prints JSON."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dagcontent import api
from dagcontent.plan.estimate import Estimates
from dagcontent.plan.model import Price

STILL = 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nsize = "1024x1024"\n'


def fan(nodes: int) -> str:
    """Return one node over a long list: every instance has a price of its own."""
    items = ",\n".join(f'"A hill at dusk, number {i}, seen from far away."' for i in range(nodes))
    return f'[graph]\nname = "fan"\n[each]\nscene = [{items}]\n[node.still]\neach = "scene"\nprompt = "${{scene}}"\n{STILL}'


def chains(nodes: int) -> str:
    """Return stills and clips of them: half of the nodes depend on what is still to be made."""
    text = ['[graph]\nname = "chains"\n']
    for i in range(nodes):
        text.append(f'[node.n{i}]\nprompt = "A hill at dusk, number {i}"\n')
        clip = f'kind = "video.generate"\nmodel = "fal/fal-ai/kling-video/v3/pro/image-to-video"\nstart_image = "${{n{i - 1}}}"\n'
        text.append(f"{clip}duration = 5\n" if i % 2 else STILL)
    return "".join(text)


def planned(graph: Path) -> float:
    """Return the seconds of loading and planning a graph, with the garbage collector at rest, as the command line has it."""
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    found = api.plan(api.load(graph), store=graph.parent / "none")
    took = time.perf_counter() - began
    gc.enable()
    assert found.paid
    return took


def main(nodes: str, rounds: str) -> None:
    """Time both in turns."""
    priced, made = Estimates.price, {}
    shapes: dict[str, Callable[[int], str]] = {"one fan-out": fan, "chains of still and clip": chains}
    for name, write in shapes.items():
        graph = Path("priced.toml").resolve()
        graph.write_text(write(int(nodes)), encoding="utf-8")
        planned(graph)
        with_prices, without = [], []
        for _ in range(int(rounds)):
            with_prices.append(planned(graph))
            Estimates.price = lambda *_: Price()  # type: ignore[method-assign] - the same plan without its prices
            without.append(planned(graph))
            Estimates.price = priced  # type: ignore[method-assign]
        pairs = [a / b for a, b in zip(with_prices, without, strict=True)]
        made[name] = {
            "with": statistics.median(with_prices), "without": statistics.median(without), "ratio": statistics.median(pairs)
        }  # fmt: skip
    json.dump(made, sys.stdout)


main(*sys.argv[1:])
