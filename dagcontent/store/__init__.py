"""Turn results into durable history and bytes by digest. Knows no graph and no vendor."""

from __future__ import annotations

from dagcontent.store.cas import BlobDamaged, Placed
from dagcontent.store.history import Output
from dagcontent.store.runs import Claim, Run
from dagcontent.store.store import Store, open_store
from dagcontent.store.writer import Pending

__all__ = ["BlobDamaged", "Claim", "Output", "Pending", "Placed", "Run", "Store", "open_store"]
