"""Lists of models at real SDKs: who is asked, who serves, what is charged. The judge is the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import Bench, only

GRAPH = """
[graph]
name = "lists"
[node.still]
kind = "image.generate"
model = ["fal/fal-ai/flux/dev", { id = "openai/gpt-image-2", size = "1024x1024" }]
prompt = "a hare"
size = "64x64"
output = "still"
"""


def asked(one: Bench) -> list[str]:
    """Return the vendors that were sent something that could cost money, in order."""
    return [request["vendor"] for request in one.posts()]


@pytest.mark.slow
def test_a_refusal_leads_to_the_next_model_and_is_remembered(bench: Callable[[str], Bench]) -> None:
    """fal refuses the content: OpenAI makes it, once; the next build asks nobody, and says who served."""
    one = bench(GRAPH)
    one.vendors.set_faults([{"fault": "moderation", "vendor": "fal", "operation": "submit"}])
    result = one.build()
    assert (result.status, only(result).status) == ("ok", "ran")
    assert asked(one) == ["fal", "openai"]
    one.vendors.set_faults([])
    again = one.build()
    assert (again.status, only(again).status) == ("ok", "hit")
    assert asked(one) == ["fal", "openai"]
    third = one.build(retry_primary=True)
    assert asked(one) == ["fal", "openai", "fal"]
