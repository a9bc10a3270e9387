"""Compensation at the size of a large company, and the same flat commission beside trytond-commission.

A made year: deals over the year, 30 % of them split 60/40, 3 % cancelled later, reps under four levels of managers (spans of
ten), a tenth of the reps joined during the year. Everybody has marginal tiers to date by attainment of a quota: reps of their
own credit, by deal; managers of their subtree's, by day. Lines are stored with the hash of what they hold.
"""

from __future__ import annotations

import shutil
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from . import trytond

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
CHANGED = 100


def _tables(con: Any, deals: int, reps: int) -> None:
    """Make the tables in of a company; every figure comes from a hash of a number, so the company is always the same."""
    name = "'D' || lpad(i::VARCHAR, 8, '0')"
    day = f"DATE '{FIRST}' + (hash(i) % 365)::INTEGER"
    cents = "(1000000 + hash(i * 7) % 400000000)::BIGINT"
    rep = f"'R' || lpad((hash(i * 17) % {reps})::VARCHAR, 5, '0')"
    other = f"'R' || lpad(((hash(i * 17) + 1 + hash(i * 19) % 20) % {reps})::VARCHAR, 5, '0')"
    split = "hash(i * 13) % 100 < 30"
    con.execute(f"""
        CREATE TABLE given.deal_line AS
        SELECT {name} AS deal, '1' AS line, 'booked' AS kind, NULL::VARCHAR AS reverses, {day} AS credited_on, NULL::BIGINT AS booked_at,
            'USD' AS currency, {cents} AS "deal.acv" FROM range({deals}) r(i)
        UNION ALL SELECT {name}, '2', 'cancelled', '1', least({day} + (hash(i * 3) % 60)::INTEGER, DATE '{LAST}'), NULL, 'USD', -{cents}
        FROM range({deals}) r(i) WHERE hash(i * 11) % 100 < 3""")
    con.execute(f"""
        CREATE TABLE given.claim AS
        SELECT {name} AS deal, NULL::VARCHAR AS line, 'primary' AS credit_type, CASE WHEN {split} THEN 'split' ELSE 'owner' END AS source,
            'rule' AS rule, {rep} AS payee, CASE WHEN {split} THEN 600000 ELSE 1000000 END::BIGINT AS num, 1000000::BIGINT AS den, 0 AS priority
        FROM range({deals}) r(i)
        UNION ALL SELECT {name}, NULL, 'primary', 'split', 'rule', {other}, 400000, 1000000, 0 FROM range({deals}) r(i) WHERE {split}""")
    con.execute(f"""
        CREATE TABLE given.closure AS
        SELECT 'M' || l || '-' || lpad((r // (10 ** l)::INTEGER)::VARCHAR, 4, '0') AS ancestor, 'R' || lpad(r::VARCHAR, 5, '0') AS person,
            l AS depth, DATE '2020-01-01' AS valid_from, NULL::DATE AS valid_to
        FROM range({reps}) t(r), range(1, 5) x(l)""")
    con.execute(f"""
        CREATE TABLE given.assignment AS
        SELECT payee, 'plan' AS plan, DATE '2020-01-01' AS valid_from, NULL::DATE AS valid_to,
            CASE WHEN payee LIKE 'R%' AND hash(payee) % 10 = 0 THEN DATE '{FIRST}' + (hash(payee || 'x') % 200)::INTEGER ELSE DATE '2020-01-01' END AS hired_on,
            NULL::DATE AS left_on, NULL::DATE AS ramp_from, 'USD' AS pay_currency, NULL::VARCHAR AS region, 1000000::BIGINT AS level_weight_ppm
        FROM (SELECT payee FROM given.claim UNION SELECT ancestor FROM given.closure)""")  # fmt: skip
    con.execute(f"""
        CREATE TABLE given.quota AS
        SELECT payee, 'credited' AS quota, DATE '{FIRST}' AS valid_from, DATE '2027-01-01' AS valid_to,
            CAST((40 + hash(payee) % 100) * 20000 * {deals} // {reps}
                * CASE WHEN payee LIKE 'M%' THEN least({reps}, (10 ** substr(payee, 2, 1)::INTEGER)::BIGINT) ELSE 1 END AS BIGINT) AS cents
        FROM given.assignment""")


def _plan() -> Any:
    from salesops.compensation.plan import Band, Days, Measure, Plan, Point, Quota, Tiered

    bands = (
        Band(to=Point(attainment=1_000_000), rate=80_000),
        Band(to=Point(attainment=1_200_000), rate=120_000),
        Band(rate=160_000),
    )
    measure = Measure(name="credited", credit=("primary", "rollup"), amount="deal.acv")
    commission = Tiered(id="commission", measure="credited", accumulate="ytd", bands=bands, zero_quota="none")
    return Plan(
        plan="plan",
        effective=Days(FIRST),
        currency="USD",
        measures=(measure,),
        quotas=(Quota(of="credited"),),
        components=(commission,),
    )


def _asked() -> tuple[Any, ...]:
    from salesops.common.expressions import FieldType
    from salesops.common.periods import FiscalCalendar

    return FiscalCalendar(), {"deal.acv": FieldType("money")}, LAST


def year(folder: str, deals: str, reps: str) -> dict[str, Any]:
    """Calculate and store a whole year."""
    from salesops.compensation import setwise

    home = Path(folder)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    con = setwise.connect("1200MB", spill=str(home / "spill"))
    _tables(con, int(deals), int(reps))
    started = time.perf_counter()
    outcome = setwise.calculate(con, _plan(), *_asked(), grain="day")
    run = setwise.save(outcome.work, home, "year")
    seconds = time.perf_counter() - started
    count, cents = con.execute(f"SELECT count(*), sum(cents) FROM ({run.sql('lines')})").fetchall()[0]
    (paid,) = con.execute(f"SELECT sum(cents) FROM ({run.sql('results')})").fetchall()[0]
    if cents != paid or outcome.problems:
        raise SystemExit(f"lines {cents}, results {paid}, problems {outcome.problems[:3]}")
    size = sum(file.stat().st_size for file in home.rglob("*.parquet"))
    return {"seconds": seconds, "lines": count, "megabytes": size / 1e6, "hash": run.hash}


def change(folder: str, deals: str, reps: str) -> dict[str, Any]:
    """Change some deals, calculate whom they reach, and store that on top of the year."""
    from salesops.compensation import setwise

    home = Path(folder)
    con = setwise.connect("1200MB", spill=str(home / "spill"))
    _tables(con, int(deals), int(reps))
    step = int(deals) // CHANGED
    changed = [f"D{n * step:08}" for n in range(CHANGED)]
    con.execute('UPDATE given.deal_line SET "deal.acv" = "deal.acv" * 2 WHERE deal IN (SELECT unnest(?))', [changed])
    parent = setwise.load(home, "year")
    found = []
    for n in range(3):
        started, cpu = time.perf_counter(), time.process_time()
        outcome = setwise.recalculate(con, _plan(), *_asked(), parent, changed)
        setwise.save(outcome.work, home, f"change{n}", parent)
        found.append((time.perf_counter() - started, time.process_time() - cpu))
    (payees,) = con.execute("SELECT count(*) FROM calc.dirty").fetchall()[0]
    return {"seconds": min(found)[0], "cpu": min(found)[1], "payees": payees}


def preview(folder: str, deals: str, reps: str) -> dict[str, Any]:
    """What some reps, and some managers of reps, would earn if they closed one more deal; and whether stored runs are right."""
    from salesops.compensation import setwise

    home = Path(folder)
    con = setwise.connect("1200MB", spill=str(home / "spill"))
    _tables(con, int(deals), int(reps))
    run = setwise.load(home, "year")
    calendar, _, through = _asked()
    names = [f"R{n:05}" for n in range(0, int(reps), max(1, int(reps) // 20))][:20]
    found = []
    cpu = time.process_time()
    for name in names:
        started = time.perf_counter()
        closing = setwise.Closing("credited", LAST, 5_000_000)
        assert setwise.preview(con, _plan(), calendar, through, run, name, [closing]) is not None
        found.append(time.perf_counter() - started)
    cpu = (time.process_time() - cpu) / len(names)
    sampled = [*names, "M1-0000"]
    wrong = setwise.differences(con, _plan(), calendar, through, run, sampled)
    if wrong:
        raise SystemExit(f"The interpreter pays {wrong} otherwise")
    return {"seconds": sorted(found)[int(len(found) * 0.95) - 1], "payees": len(sampled), "cpu": cpu}


def flat(count: str, folder: str) -> dict[str, Any]:
    """The flat 10 % plan over the lines that trytond-commission has: stored lines (best of three), and what each rep gets."""
    from salesops.compensation import setwise
    from salesops.compensation.plan import Days, Flat, Measure, Plan

    home, n = Path(folder), int(count)
    shutil.rmtree(home, ignore_errors=True)
    con = setwise.connect("1200MB")
    rows = [(f"L{i:08}", trytond.amount(i) * 10_000, f"rep{i // trytond.LINES % trytond.REPS}") for i in range(n)]
    con.execute("""CREATE TABLE given.deal_line (deal VARCHAR, line VARCHAR, kind VARCHAR, reverses VARCHAR, credited_on DATE, booked_at BIGINT,
        currency VARCHAR, "deal.acv" BIGINT)""")
    import pyarrow as pa

    con.register(
        "made",
        pa.table(
            {"deal": [row[0] for row in rows], "amount": [row[1] for row in rows], "payee": [row[2] for row in rows]}
        ),
    )
    con.execute(
        "INSERT INTO given.deal_line SELECT deal, '1', 'booked', NULL, DATE '2026-01-05', NULL, 'EUR', amount FROM made"
    )
    con.execute("CREATE TABLE given.claim AS SELECT deal, NULL::VARCHAR AS line, 'primary' AS credit_type, 'owner' AS source, 'rule' AS rule, payee, "
                "1::BIGINT AS num, 1::BIGINT AS den, 0 AS priority FROM made")  # fmt: skip
    con.execute("CREATE TABLE given.assignment AS SELECT DISTINCT payee, 'flat' AS plan, DATE '2020-01-01' AS valid_from, NULL::DATE AS valid_to, "
                "DATE '2020-01-01' AS hired_on, NULL::DATE AS left_on, NULL::DATE AS ramp_from, 'EUR' AS pay_currency, NULL::VARCHAR AS region, "
                "1000000::BIGINT AS level_weight_ppm FROM made")  # fmt: skip
    plan = Plan(plan="flat", effective=Days(FIRST), currency="EUR", measures=(Measure(name="own", amount="deal.acv"),),
                components=(Flat(id="flat", measure="own", rate=100_000),))  # fmt: skip
    seconds = []
    for again in range(3):
        started = time.perf_counter()
        run = setwise.save(setwise.calculate(con, plan, *_asked()).work, home / str(again), "flat")
        seconds.append(time.perf_counter() - started)
    answer = con.execute(
        f"SELECT payee, sum(cents)::BIGINT FROM ({run.sql('lines')}) GROUP BY payee ORDER BY payee"
    ).fetchall()
    (lines,) = con.execute(f"SELECT count(*) FROM ({run.sql('lines')})").fetchall()[0]
    return {"seconds": min(seconds), "lines": lines, "answer": [list(row) for row in answer]}


TASKS = {"year": year, "change": change, "preview": preview, "flat": flat}

if __name__ == "__main__":
    import json

    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
