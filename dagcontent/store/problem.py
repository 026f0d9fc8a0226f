"""One thing that is wrong with a store, as data. Knows not how it is found."""

from __future__ import annotations

import msgspec

__all__ = ["Problem"]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    `what` is one of "database", "record" (unreadable, or not what its key says), "blob missing", "blob damaged", "blob size",
    "not a blob", "attempt" (a row of the journal), "paid.jsonl", "spool". `subject` is a key, a digest, an attempt or a path.
    `keys` are the records that cannot be used because of it; `paid` says whether one of them was paid for.
    """

    what: str
    subject: str
    detail: str
    keys: tuple[str, ...] = ()
    paid: bool = False
