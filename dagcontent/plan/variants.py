"""A refusal into what is asked next: another sample, the next model, or nobody. Knows no key, no record and no price.

    (model 0, sample 0) ─blocked─► (0, 1) ─blocked─► ... (0, reroll) ─blocked─► (1, 0) ...    only moderation asks for samples
           └──────────────────── refused for anything else ───────────────────────┘

Samples are counted from the one that an instance has anyway. An alternative is asked only after the one before it was refused.
"""

from __future__ import annotations

from typing import NamedTuple

from dagcontent.graph.model import Node
from dagcontent.spec.model import OnBlock
from dagcontent.values.refusal import BLOCKED, Refusal

__all__ = ["FIRST_ASKED", "Variant", "following", "has_variants", "skips", "tries_left"]

_PLAIN = OnBlock()


class Variant(NamedTuple):
    """Which model of a node's list is asked, and for which further sample."""

    at: int = 0
    reroll: int = 0


FIRST_ASKED = Variant()


def has_variants(node: Node) -> bool:
    """Whether anything else may be asked than a node's one model for its one sample."""
    return bool(node.fallbacks) or node.spec.on_block is not None or node.spec.max_cost_microusd is not None


def following(node: Node, now: Variant, refusal: Refusal) -> Variant | None:
    """Return what is asked after a refusal; None: nobody."""
    policy = node.spec.on_block or _PLAIN
    if refusal.error_class == BLOCKED:
        if now.reroll < policy.reroll:
            return Variant(now.at, now.reroll + 1)
        if policy.then != "fallback":
            return None
    return Variant(now.at + 1) if now.at < len(node.fallbacks) else None


def skips(node: Node, refusal: Refusal) -> bool:
    """Whether an instance is skipped, not failed, when nobody is asked any more."""
    policy = node.spec.on_block
    return policy is not None and policy.then == "skip" and refusal.error_class == BLOCKED


def tries_left(node: Node, now: Variant) -> int:
    """Return how often the model that is asked now may be asked, this time among them."""
    return (node.spec.on_block or _PLAIN).reroll - now.reroll + 1
