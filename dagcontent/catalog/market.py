"""A model into the prices that hold for it here: the user's own, else the catalog's, else those of a price package.

Knows no request and no configuration file. What nobody has a price of has none: unknown is never zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dagcontent.catalog.model import Model, Price, Rate

__all__ = ["Market"]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """Which prices hold.

    `own` are the user's, by model id, in place of all that is catalogued of it. `credit_nano` is what a credit of a
    provider costs this user, in nano-USD: plans bill credits, and what one costs depends on the plan.
    """

    own: Mapping[str, tuple[Price, ...]] = {}
    credit_nano: Mapping[str, int] = {}

    def prices_of(self, model: Model) -> tuple[Price, ...]:
        """Return a model's prices; nothing if nobody knows any."""
        own = self.own.get(model.id)
        if own is not None:
            return own
        if model.prices:
            credit = self.credit_nano.get(model.provider)
            return model.prices if credit is None else tuple(_in_credits(price, credit) for price in model.prices)
        from dagcontent.catalog.price_book import listed  # noqa: PLC0415 - only for what no catalog knows

        return listed(model.provider, model.name)

    def bill_of(self, model: Model) -> tuple[Price, ...]:
        """Return what a model's answers are charged by: its bill where it has one, else its prices; the user's own first."""
        if model.id in self.own or not model.bill:
            return self.prices_of(model)
        credit = self.credit_nano.get(model.provider)
        return model.bill if credit is None else tuple(_at_a_credit(price, credit) for price in model.bill)


def _at_a_credit(price: Price, credit_nano: int) -> Price:
    """Return the price of a credit as the user's plan has it; any other as it is."""
    if price.unit != "credit":
        return price
    rates = (Rate(list_nano=credit_nano, bound_nano=credit_nano),)
    return msgspec.structs.replace(price, rates=rates, source="your plan's price of a credit")


def _in_credits(price: Price, credit_nano: int) -> Price:
    """Return a price at what its credits cost on the user's plan; as it is, where the catalog does not know its credits."""
    if price.credits is None:
        return price
    nano = round(price.credits * credit_nano)
    rates = tuple(msgspec.structs.replace(rate, list_nano=nano, bound_nano=nano) for rate in price.rates)
    return msgspec.structs.replace(price, rates=rates, source="credits at your plan's price")
