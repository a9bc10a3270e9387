"""Products, prices and stock."""

from __future__ import annotations

from . import fields as f
from .base import Event, Interval, Versioned


class Product(Versioned):
    code = 30
    name = f.text()
    product_code = f.text()
    line = f.text("Product line")
    family = f.text()
    unit = f.text()
    recurring = f.flag()
    standard_cost = f.money()
    currency = f.currency()


class PriceBook(Versioned):
    code = 31
    name = f.text()
    currency = f.currency()
    standard = f.flag("The list that counts where several have a price for a product in one currency")


class Price(Interval):
    """List and floor price of a product during an interval."""

    code = 32
    price_book = f.ref("price_book")
    product = f.ref("product", db_index=True)
    currency = f.currency()
    list_price = f.money()
    floor_price = f.money()


class StockLevel(Event):
    code = 33
    product = f.ref("product")
    location = f.text()
    quantity = f.scaled(4)
