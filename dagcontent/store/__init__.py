"""Turn results into durable history and bytes by digest. Knows no graph and no vendor."""

from __future__ import annotations

from dagcontent.store.attempts import Attempts, ClaimLost, new_attempt_id
from dagcontent.store.cas import BlobDamaged, Placed
from dagcontent.store.history import Output
from dagcontent.store.runs import Claim, Run
from dagcontent.store.standing import Standing
from dagcontent.store.store import Store, open_store
from dagcontent.store.writer import Pending

__all__ = [
    "Attempts",
    "BlobDamaged",
    "Claim",
    "ClaimLost",
    "Output",
    "Pending",
    "Placed",
    "Run",
    "Standing",
    "Store",
    "new_attempt_id",
    "open_store",
]
