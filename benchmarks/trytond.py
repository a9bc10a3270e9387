"""The same flat commission in trytond-commission (8.2, GPL-3), a process of its own: lines of invoices in, stored commissions out.

It is not among our dependencies and nothing of it is imported by ours. The variable TRYTOND_PYTHON may name a Python that has
it (`pip install trytond-commission`). That one runs this file alone, on SQLite in memory (as quick as it can be), and answers
with the seconds that its own `Invoice.create_commissions` takes to compute and store a commission for every invoice line.
It knows one formula of the line's amount: no quotas, no tiers over a period, no splits, no roll-ups.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

REPS = 10
LINES = 100
"""Lines of an invoice."""


def amount(n: int) -> int:
    """The n-th line's amount in whole units: a multiple of ten, so that ten per cent of it is exact for both."""
    return 10 * (1 + n * 7919 % 99_991)


def python() -> str:
    """The Python that has trytond-commission; empty where there is none."""
    other = os.environ.get("TRYTOND_PYTHON", "")
    if not other or not Path(other).exists():
        return ""
    has = subprocess.run([other, "-c", "import trytond.modules.commission"], capture_output=True, check=False)
    return other if has.returncode == 0 else ""


def commissions(count: int) -> dict[str, Any]:
    """Store a commission for each of some invoice lines: seconds, and the sum of what each agent gets, in cents."""
    os.environ.setdefault("DB_NAME", ":memory:")
    import trytond.config as config  # type: ignore[import-not-found]

    config.set("database", "uri", "sqlite://")
    from trytond.pool import Pool  # type: ignore[import-not-found]
    from trytond.tests.test_tryton import activate_module, with_transaction  # type: ignore[import-not-found]

    activate_module("commission")

    @with_transaction()
    def ran(_: object = None) -> dict[str, Any]:
        from trytond.modules.company.tests import create_company, set_company  # type: ignore[import-not-found]

        company = create_company()
        with set_company(company):
            invoices = _invoices(Pool(), company, count)
            started = time.perf_counter()
            found = Pool().get("account.invoice").create_commissions(invoices)
            seconds = time.perf_counter() - started
            sums: dict[str, int] = {}
            for one in found:
                name = one.agent.party.name
                sums[name] = sums.get(name, 0) + int(one.amount * 100)
            stored = Pool().get("commission").search_count([])
        return {"seconds": seconds, "lines": stored, "answer": sorted(sums.items())}

    result: dict[str, Any] = ran(None)
    return result


def _invoices(pool: Any, company: Any, count: int) -> list[Any]:
    from trytond.modules.account.tests import create_chart  # type: ignore[import-not-found]

    create_chart(company)
    (account,) = pool.get("account.account").search(
        [("type.revenue", "=", True), ("closed", "=", False), ("company", "=", company.id)], limit=1
    )
    (receivable,) = pool.get("account.account").search(
        [("type.receivable", "=", True), ("closed", "=", False), ("company", "=", company.id)], limit=1
    )
    (journal,) = pool.get("account.journal").search([("type", "=", "revenue")], limit=1)
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    template, = pool.get("product.template").create([{
        "name": "Commission", "type": "service", "default_uom": unit.id, "products": [("create", [{}])],
    }])  # fmt: skip
    plan, = pool.get("commission.plan").create([{
        "name": "Flat", "commission_method": "posting", "commission_product": template.products[0].id,
        "lines": [("create", [{"formula": "amount * 0.1"}])],
    }])  # fmt: skip
    parties = pool.get("party.party").create(
        [{"name": f"rep{n}", "addresses": [("create", [{}])]} for n in range(REPS)]
    )
    agents = pool.get("commission.agent").create([
        {"party": one.id, "type_": "agent", "company": company.id, "plan": plan.id, "currency": company.currency.id} for one in parties
    ])  # fmt: skip
    rows = []
    for start in range(0, count, LINES):
        lines = [{
            "type": "line", "quantity": 1, "unit_price": Decimal(amount(n)), "account": account.id, "company": company.id,
            "currency": company.currency.id, "invoice_type": "out",
        } for n in range(start, min(start + LINES, count))]  # fmt: skip
        agent = agents[start // LINES % REPS]
        rows.append({
            "type": "out", "company": company.id, "party": agent.party.id, "invoice_address": agent.party.addresses[0].id,
            "account": receivable.id, "journal": journal.id, "currency": company.currency.id, "agent": agent.id,
            "invoice_date": date(2026, 1, 5), "lines": [("create", lines)],
        })  # fmt: skip
    return list(pool.get("account.invoice").create(rows))


if __name__ == "__main__":
    print(json.dumps(commissions(int(sys.argv[1]))))
