"""What the catalog believes to be there into what a fake vendor lists. Knows no wire format."""

from __future__ import annotations

from dagcontent.catalog.load import find, models

__all__ = ["listed", "taken"]


def listed(vendor: str, *operations: str) -> list[str]:
    """Return the vendor's own ids of models that are not retired; of those with one of these operations, if any is named."""
    wanted = set(operations)
    return [
        model.name
        for model in models(vendor)
        if not model.gone(None) and (not wanted or wanted & set(model.operations.values()))
    ]


def taken(model_id: str) -> list[str]:
    """Return the fields that a catalogued model takes, by `provider/name`; none of one that is not catalogued."""
    model = find(model_id)
    if model is None:
        return []
    fields = [
        part for slots in model.slots.values() for slot in slots for part in (*slot.field.split("|"), slot.length)
    ]
    fields += [*model.send, *model.knobs]
    fields += [model.canvas.field] if model.canvas is not None else []
    fields += [model.seed.field] if model.seed is not None else []
    return list(dict.fromkeys(field.partition(".")[0] for field in fields if field))
