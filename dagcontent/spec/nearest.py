"""Turn an unknown name and the known ones into the one that was probably meant. Knows nothing else."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]

_MANY = 2_000


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the known name that is most like this one, if any is like it at all."""
    known = list(names)
    if len(known) > _MANY:
        # difflib compares with each: among very many names only those of about the same look are candidates.
        known = [k for k in known if k[:1] == name[:1] and abs(len(k) - len(name)) <= 2][:_MANY]
    folded = {k.lower(): k for k in known}
    if name.lower() in folded:
        return folded[name.lower()]
    import difflib  # noqa: PLC0415 - only an unknown name needs it

    found = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.6)
    return found[0] if found else None
