"""Makes payees and plans for tests, in few words."""

from __future__ import annotations

from datetime import date
from typing import Any

from salesops.common.periods import FiscalCalendar
from salesops.compensation.crediting import Credit
from salesops.compensation.facts import Payee, Sum
from salesops.compensation.interpret import Result, entitlement
from salesops.compensation.plan import Band, Days, Measure, Plan, Point, Quota, Tiered
from salesops.compensation.quotas import Service
from salesops.compensation.statements import Statement, statement

PCT = 10_000
CALENDAR = FiscalCalendar()
YEAR = Days(date(2026, 1, 1), date(2027, 1, 1))
COMMON = (
    Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
    Band(to=Point(attainment=120 * PCT), rate=12 * PCT),
    Band(rate=16 * PCT),
)
TWO = (Band(to=Point(attainment=100 * PCT), rate=8 * PCT), Band(rate=12 * PCT))
M = Measure(name="m", amount="deal.amount")
QUARTERLY = Quota(of="m", window="quarter", amount=100_000_00)


def sale(amount: int, on: date, deal: str, payee: str = "ada", line: str = "1") -> Credit:
    return Credit(payee, "primary", deal, line, on, None, amount, counted=amount, paid=amount, attained=amount)


def sales(*amounts: tuple[int, str] | tuple[int, str, str]) -> list[Credit]:
    """(amount, day) or (amount, day, deal): deals are D1, D2, ... unless named; a named one's later lines count up."""
    found: list[Credit] = []
    for n, one in enumerate(amounts, 1):
        name = one[2] if len(one) == 3 else f"D{n}"
        line = str(1 + sum(other.deal == name for other in found))
        found.append(sale(one[0], date.fromisoformat(one[1]), name, line=line))
    return found


def tiered(**fields: Any) -> Tiered:
    return Tiered(**({"id": "c", "measure": "m", "bands": TWO} | fields))


def plan(*components: Any, **fields: Any) -> Plan:
    base: dict[str, Any] = {"plan": "p", "effective": YEAR, "currency": "USD", "pay_period": "quarter"}
    base |= {"measures": (M,), "quotas": (QUARTERLY,), "components": components or (tiered(),)}
    return Plan(**(base | fields))


def payee(credits: list[Credit] | None = None, **fields: Any) -> Payee:
    start = fields.pop("start", date(2020, 1, 1))
    end = fields.pop("end", None)
    away = fields.pop("away", ())
    service = Service(Days(start, end), start, away)
    return Payee(**({"payee": "ada", "service": service, "credits": {"m": credits or []}} | fields))


def worked(one: Plan, who: Payee, through: str = "2026-12-31") -> Result:
    return entitlement(one, who, CALENDAR, date.fromisoformat(through))


def settled(one: Plan, who: Payee, through: str = "2026-12-31") -> Statement:
    return statement(one, who, CALENDAR, worked(one, who, through))


def cents(result: Result, component: str = "c") -> list[int]:
    return [result.of(component, period.key).cents for period in result.periods]


def payable(found: Statement) -> list[int]:
    return [one.payable for one in found.settlements.values()]


def yearly(amount: int) -> list[Sum]:
    return [Sum(Days(date(2020, 1, 1)), amount)]
