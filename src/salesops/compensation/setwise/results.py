"""Gives results as Arrow, in their one order: the sorting is on numbers, texts are put in afterwards.

Lines come by payee, component, period and ``seq``, in batches of a fixed number of rows, so that what is written of them
depends on nothing but their content.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salesops.compensation.setwise.facts import amounts
from salesops.compensation.setwise.work import Work

ROWS: Final = 122_880
"""Rows of a batch: a row group of what is stored."""

LINE: Final = pa.schema([
    ("payee", pa.string()), ("component", pa.string()), ("period", pa.string()), ("deal", pa.string()), ("line", pa.string()),
    ("credit_type", pa.string()), ("seq", pa.int32()), ("kind", pa.string()), ("cause", pa.string()), ("tier", pa.int32()),
    ("from_cents", pa.int64()), ("to_cents", pa.int64()), ("base_cents", pa.int64()), ("rate_ppm", pa.int64()), ("raw", pa.int64()),
    ("cents", pa.int64()),
])  # fmt: skip
_KINDS: Final = pa.array(["own", "true_up", "reversal"])

_SORTED: Final = """
    SELECT k, phase, cause_ord, own, ord, y, n, kind, cause_n, tier, low, high, base, rate, raw, cents
    FROM calc.paid ORDER BY k, phase, cause_ord, own, ord, tier, rate"""


def lines(work: Work) -> Iterator[pa.RecordBatch]:
    """Give the earning lines in batches of ``ROWS`` (the last may be shorter)."""
    names = _Names(work)
    seq = _Counter()
    for table in _batches(work, _SORTED):
        get = {name: table.column(name).combine_chunks() for name in table.column_names}
        k = get["k"]
        columns = [
            names.payees.take(names.step_payee.take(k)), names.components.take(names.step_component.take(k)),
            names.periods.take(names.step_period.take(k)), *names.place(get["n"], get["ord"]),
            pc.fill_null(names.types.take(get["y"]), ""), pa.array(seq.within(k.to_numpy()), pa.int32()), _KINDS.take(get["kind"]),
            names.cause(get["phase"], get["own"], get["cause_n"], get["cause_ord"]), get["tier"], get["low"], get["high"], get["base"].cast(pa.int64()),
            get["rate"], get["raw"].cast(pa.int64()), get["cents"],
        ]  # fmt: skip
        yield pa.record_batch(columns, schema=LINE)


class _Names:
    """Texts by number."""

    def __init__(self, work: Work) -> None:
        def column(sql: str) -> pa.Array:
            return work.con.execute(sql).to_arrow_table().column(0).combine_chunks()

        self.payees = pa.concat_arrays([pa.array([""]), column("SELECT payee FROM calc.payee ORDER BY p")])
        self.types = pa.concat_arrays([pa.array([""]), column("SELECT credit_type FROM calc.kind ORDER BY y")])
        self.components = pa.array([one.id for one in work.plan.components])
        self.periods = pa.array([one.key for one in work.periods])
        self.step_payee = column("SELECT p FROM calc.step ORDER BY k")
        self.step_component = column("SELECT c FROM calc.step ORDER BY k")
        self.step_period = column("SELECT t FROM calc.step ORDER BY k")
        self.deals = pa.concat_arrays([pa.array([""]), column("SELECT deal FROM calc.line ORDER BY n")])
        self.first_day = (work.periods[0].start - date(1970, 1, 1)).days
        self.days = pa.array(
            [
                f"({work.periods[0].start + n * timedelta(days=1)})"
                for n in range((work.periods[-1].end - work.periods[0].start).days + 1)
            ]
        )
        self.lines = pa.concat_arrays([pa.array([""]), column("SELECT line FROM calc.line ORDER BY n")])

    def place(self, n: pa.Array, order: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Give deal and line: of a manager's day the day in brackets, of what is paid before anything is sold ``(none)``."""
        deals = pc.if_else(pc.equal(n, 0), self.days.take(self._day(order)), self.deals.take(n))
        return pc.if_else(pc.less(order, 0), "(none)", deals), pc.fill_null(self.lines.take(n), "")

    def _day(self, order: pa.Array) -> pa.Array:
        """Give the place of a credit's day: the first of what its place in the order is made of."""
        day = pc.subtract(pc.shift_right(pc.max_element_wise(order, 0), 40), self.first_day)
        return pc.if_else(pc.less(order, 0), pa.scalar(None, pa.int64()), day)

    def cause(self, phase: pa.Array, own: pa.Array, n: pa.Array, order: pa.Array) -> pa.Array:
        """Give what moved an earlier credit: ``quota``, ``gate`` or deal and line; null for a credit's own lines."""
        if n.null_count == len(n):
            moved = pa.nulls(len(n), pa.string())
        else:
            deals, lines = self.place(n, pc.if_else(pc.is_valid(n), order, pa.scalar(None, pa.int64())))
            moved = pc.binary_join_element_wise(deals, lines, "/")
        late = pc.greater_equal(phase, 8)  # shown, or taken back, by a gate
        by_gate = pc.and_(late, pc.equal(pc.bit_wise_and(phase, 1), 1))
        by_quota = pc.if_else(late, pc.less(pc.bit_wise_and(phase, 7), 2), pc.equal(phase, 0))
        moved = pc.if_else(pc.equal(own, 1), pa.scalar(None, pa.string()), pc.if_else(by_quota, "quota", moved))
        return pc.if_else(by_gate, "gate", moved)


class _Counter:
    """Counts rows within equal keys that stand together, over batches."""

    def __init__(self) -> None:
        self._key, self._seen = -1, 0

    def within(self, keys: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        place = np.arange(len(keys), dtype=np.int64)
        fresh = np.empty(len(keys), dtype=bool)
        fresh[0] = keys[0] != self._key
        np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
        start = np.maximum.accumulate(np.where(fresh, place, -1))
        found = np.where(start < 0, place + self._seen, place - start) + 1
        self._key, self._seen = int(keys[-1]), int(found[-1])
        return found.astype(np.int32)


def _batches(work: Work, sql: str) -> Iterator[pa.Table]:
    """Give what a question finds in tables of ``ROWS`` rows."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in work.con.execute(sql).to_arrow_reader(ROWS):
        waiting.append(batch)
        count += batch.num_rows
        while count >= ROWS:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, ROWS)
            rest = table.slice(ROWS)
            waiting, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(waiting)


def results(work: Work) -> pa.Table:
    """Give the component results, by payee, component and period."""
    work.put(
        "component",
        {"c": "INTEGER", "component": "VARCHAR"},
        ((n, one.id) for n, one in enumerate(work.plan.components)),
    )
    return work.con.execute("""
        WITH grown AS (SELECT k, CAST(sum(counted) AS BIGINT) AS by FROM calc.axis GROUP BY k),
        to_date AS (
            SELECT s.*, coalesce(r.by, 0) AS grown_by,
                CAST(coalesce(sum(r.by) OVER (PARTITION BY s.g ORDER BY s.place ROWS UNBOUNDED PRECEDING), 0) AS BIGINT) AS s_after
            FROM calc.step s LEFT JOIN grown r USING (k))
        SELECT y.payee, x.component, t.key AS period, d.s_after - d.grown_by AS s_before, d.s_after,
            CAST(d.quota_num AS DECIMAL(38, 0)) AS quota_num, CAST(d.quota_den AS DECIMAL(38, 0)) AS quota_den,
            r.computed AS computed_cents, c.forfeited AS forfeited_cents, c.cents
        FROM to_date d JOIN calc.result r USING (k) JOIN calc.kept c USING (k) JOIN calc.payee y ON y.p = d.p JOIN calc.component x ON x.c = d.c
        JOIN calc.period t ON t.t = d.t ORDER BY d.k""").to_arrow_table()  # fmt: skip


def rolled(work: Work) -> pa.Table:
    """Give managers' sums by day and of how many credits each is; none where managers are credited by deal."""
    _name_amounts(work)
    return work.con.execute(f"""
        SELECT y.payee, m.measure, m.part, r.credited_on, r.cents, r.parts
        FROM calc.rolled r JOIN calc.payee y USING (p) JOIN calc.amount m USING (a) WHERE {work.grain == "day"}
        ORDER BY r.p, r.a, r.credited_on""").to_arrow_table()  # fmt: skip


def _name_amounts(work: Work) -> None:
    columns = {"a": "INTEGER", "measure": "VARCHAR", "part": "VARCHAR"}
    work.put("amount", columns, ((one.number, one.measure.name, one.part) for one in amounts(work)))


def credits(work: Work) -> pa.Table:
    """Give the direct credits of everybody but the house, by payee, measure and their order."""
    _name_amounts(work)
    return work.con.execute("""
        SELECT y.payee, m.measure, m.part, k.credit_type, l.deal, l.line, l.credited_on, l.booked_at, l.managed_on, c.cents,
            CAST(c.w AS BIGINT) AS num, CAST(c.whole AS BIGINT) AS den, r.rule
        FROM calc.credit c JOIN calc.payee y USING (p) JOIN calc.kind k USING (y) JOIN calc.line l USING (n) JOIN calc.amount m USING (a)
        LEFT JOIN calc.rule r USING (k) WHERE c.k > 0 ORDER BY c.p, c.a, c.n, c.y""").to_arrow_table()  # fmt: skip
