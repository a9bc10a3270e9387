"""A value rule reaches back: what earlier imports of a system read without it is read with it from this import on.

* Versioned entities: every fact of the system that holds what the found text was read as, and that is what counts at its moment, gets a
  correcting fact: same effective time, recorded now. Answers *as of* past days show the new reading, those *as known on* an earlier day the old
  one. Text and references are found by their value; words, numbers and dates, of which many texts read alike, only in records whose
  row holds the found text. A word that was refused before (a warning of the same row) holds from the beginning.
* Interval and event rows: each row that counts gets a correcting row, recorded now, which holds for the same days.
* The product's edits stay, and so do fields that the app owns. Undoing the import takes the corrections away with everything else.

Which rules an import read with is kept beside its batch (`Outcome.rules`), with those that reached back (`Outcome.reached`): a rule is
looked for in the past once, and never corrects what was read with it already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from salesops.common.ids import record_id_sql
from salesops.records import context as clock
from salesops.records.duck import attached_state, state_table
from salesops.records.entities import Entity, Field, entity
from salesops.records.models import Batch
from salesops.sources.mapping import Part, Source

from . import dated
from .facts import MARK, FileDay, fact_name
from .typed import Context, PartReader, literal, quote

LAST = 9223372036854775807
TOP = "ORDER BY recorded DESC, seq DESC, id DESC"
BY_VALUE = ("text", "ref")


def rule_key(entity_name: str, field: str, found: str, becomes: str | None) -> str:
    """A short name of a rule, the same in every import."""
    return hashlib.sha256(json.dumps([entity_name, field, found, becomes]).encode()).hexdigest()[:12]


class Rereading:
    """The value rules of one import against what earlier imports of its system read."""

    def __init__(self, context: Context, parts: Sequence[Part]) -> None:
        self.context, self.con, self.parts = context, context.con, parts
        self.now = clock.now()
        names = {p.entity for p in parts}
        self.rules = {place: dict(rules) for place, rules in context.rules.items() if place[0] in names and rules}
        self.mapped = {place for part in parts for place in self._places(part)}
        self.rewritten: list[str] = []
        self.reached: list[str] = []  # the rules that this import looked for in the past
        self.corrected = 0  # facts and rows that read otherwise now
        self._tables()

    def _places(self, part: Part) -> Iterator[tuple[str, str]]:
        """The fields with rules that a part may speak of; a history may speak of any."""
        for name, field in self.rules:
            if name == part.entity and (part.history or field in part.fields):
                yield name, field

    def keys(self) -> list[str]:
        """The rules that this import reads with."""
        return sorted(
            rule_key(*place, found, becomes) for place, rules in self.rules.items() for found, becomes in rules.items()
        )

    def _tables(self) -> None:
        """`our_batch`: the live imports of this system; `read_with`: the rules of each; `reading`: what a found text was read as, and is now.

        `ruled` takes the cells to which a rule of another kind of field applied; `reread` the corrections.
        """
        con = self.con
        con.execute("CREATE TEMP TABLE our_batch (id BIGINT, tick BIGINT)")
        con.execute("CREATE TEMP TABLE read_with (batch BIGINT, rule VARCHAR)")
        con.execute(
            "CREATE TEMP TABLE reading (entity SMALLINT, field VARCHAR, rule VARCHAR, was VARCHAR, now VARCHAR)"
        )
        con.execute(
            "CREATE TEMP TABLE ruled (entity SMALLINT, field VARCHAR, record BIGINT, rule VARCHAR, was VARCHAR, now VARCHAR, "
            'effective BIGINT, source VARCHAR, "row" BIGINT, of_column VARCHAR, found VARCHAR)'
        )
        con.execute(
            "CREATE TEMP TABLE reread (entity SMALLINT, record BIGINT, field VARCHAR, value VARCHAR, effective BIGINT, recorded BIGINT, seq BIGINT)"
        )
        con.execute("CREATE TEMP TABLE ruled_row (entity SMALLINT, stored BIGINT)")
        self.earlier: list[tuple[int, int, dict[str, Any]]] = []
        if not self.rules:
            return
        live = Batch.objects.filter(status=Batch.LIVE, kind__in=["import", "demo"], system=self.context.system)
        self.earlier = [
            (b, tick or 0, json.loads(text or "{}")) for b, tick, text in live.values_list("id", "tick", "summary")
        ]
        if self.earlier:
            con.executemany("INSERT INTO our_batch VALUES (?, ?)", [[b, tick] for b, tick, _ in self.earlier])
        wanted = set(self.keys())
        pairs = [[b, rule] for b, _, said in self.earlier for rule in said.get("rules", ()) if rule in wanted]
        if pairs:
            con.executemany("INSERT INTO read_with VALUES (?, ?)", pairs)

    # -- which rules look back -----------------------------------------------------------------------------------------

    def _new(self, place: tuple[str, str]) -> dict[str, str | None]:
        """The rules of a field under which some earlier import did not read, and that no later one looked for."""
        return {f: b for f, b in self.rules[place].items() if self._is_new(place[0], rule_key(*place, f, b))}

    def _is_new(self, name: str, rule: str) -> bool:
        without = [
            t
            for _, t, said in self.earlier
            if name in said.get("counts", {name: 0}) and rule not in said.get("rules", ())
        ]
        looked = [t for _, t, said in self.earlier if rule in said.get("reached", ())]
        return bool(without) and max(without) > max(looked, default=-1)

    # -- what a found text was read as ----------------------------------------------------------------------------------

    def _learn(self, place: tuple[str, str], rules: dict[str, str | None]) -> Field | None:
        """Fill `reading` for a text or reference field; gives the field (None: there is none of that name)."""
        field = self._field(*place)
        if field is None or field.kind not in BY_VALUE or not rules:
            return field
        code = entity(place[0]).code
        rows = [
            [rule_key(*place, found, becomes), found.strip(), None if becomes is None else becomes.strip()]
            for found, becomes in rules.items()
        ]
        self.con.execute("CREATE OR REPLACE TEMP TABLE rule_text (rule VARCHAR, found VARCHAR, becomes VARCHAR)")
        self.con.executemany("INSERT INTO rule_text VALUES (?, ?, ?)", rows)
        selects = ["SELECT rule, found AS was, nullif(becomes, '') AS now FROM rule_text"]
        if field.kind == "ref":
            selects = [self._named(field, *way) for way in sorted(self._ways(place))]
        for select in selects:
            self.con.execute(
                f"INSERT INTO reading SELECT DISTINCT {code}, {literal(place[1])}, rule, was, now FROM ({select}) "
                "WHERE was IS NOT NULL AND was IS DISTINCT FROM now"
            )
        return field

    def _field(self, name: str, field: str) -> Field | None:
        if field.startswith("custom."):
            return self.context.custom.get(name, {}).get(field.removeprefix("custom."))
        return entity(name).by_name.get(field)

    def _ways(self, place: tuple[str, str]) -> set[tuple[str, str]]:
        """How the parts of this import name the target of a reference: whose ids, and by what."""
        ways = set()
        for part in self.parts:
            if part.entity == place[0] and (part.history or place[1] in part.fields):
                source = part.fields.get(place[1], Source(column="value"))
                ways.add((source.system or self.context.system, source.by))
        return ways

    def _named(self, field: Field, system: str, by: str) -> str:
        """SQL of (rule, was, now) of a reference: the record made of the text, and the one that bears it as its name."""

        def made(text: str) -> str:
            return f"CASE WHEN {text} <> '' THEN {self._moved(record_id_sql(field.target, system, text), field.target)} END"

        plain = f"CASE WHEN found <> '' THEN {record_id_sql(field.target, system, 'found')} END"
        if by == "id":
            return f"SELECT rule, unnest([{plain}, {made('found')}])::VARCHAR AS was, ({made('becomes')})::VARCHAR AS now FROM rule_text"
        index = f"(SELECT label, record FROM name_index WHERE entity = {literal(field.target)} AND way = {literal(by)})"
        becomes = f"CASE WHEN b.label IS NULL THEN {made('becomes')} ELSE b.record END"
        return (
            f"SELECT rule, unnest([{plain}, {made('found')}, f.record])::VARCHAR AS was, ({becomes})::VARCHAR AS now FROM rule_text "
            f"LEFT JOIN {index} f ON f.label = lower(found) LEFT JOIN {index} b ON b.label = lower(becomes) "
            "WHERE b.label IS NULL OR b.record IS NOT NULL"
        )

    def _moved(self, expression: str, target: str) -> str:
        moved = self.context.redirects.get(target)
        if not moved:
            return expression
        return f"CASE {expression} {' '.join(f'WHEN {a} THEN {b}' for a, b in sorted(moved.items()))} ELSE {expression} END"

    # -- facts ----------------------------------------------------------------------------------------------------------

    def note(self, reader: PartReader, effective: dict[str, str], file: FileDay) -> None:
        """Remember the cells of known records to which a rule of a word, number or date applied (`typed` is the file's rows)."""
        code, source = reader.entity.code, literal(reader.staged.source)
        for read in reader.reads:
            if not read.found:
                continue
            name = fact_name(read.field)
            rules = self.rules[(reader.entity.name, name)]
            keys = ", ".join(
                f"{literal(f)}: {literal(rule_key(reader.entity.name, name, f, b))}" for f, b in sorted(rules.items())
            )
            self.con.execute(
                f"INSERT INTO ruled SELECT {code}, {literal(name)}, t.record, MAP {{{keys}}}[t.found_{read.n}], t.was_{read.n}, t.c_{read.n}, "
                f"coalesce({effective[name]}, {file.start}), {source}, t._row, {literal(read.source.column)}, t.found_{read.n} "
                f"FROM typed t SEMI JOIN known k ON k.id = t.record WHERE t.found_{read.n} IS NOT NULL AND t.was_{read.n} IS DISTINCT FROM t.c_{read.n}"
            )

    def reach_back(self) -> None:
        """Correct the facts of earlier imports, and give up offers that say no more than a correction does."""
        places = [
            (place, new)
            for place in sorted(self.mapped)
            if entity(place[0]).shape == "versioned" and (new := self._new(place))
        ]
        if not places:
            return
        for place, new in places:
            self._learn(place, new)
            self.reached += [rule_key(*place, found, becomes) for found, becomes in new.items()]
        with attached_state(self.con):
            for place, new in places:
                self._correct(entity(place[0]), place[1], new)
        self._count(
            "INSERT INTO new_fact SELECT entity, record, field, value, effective, recorded, seq, FALSE FROM reread"
        )
        for place, _ in places:
            self._note_targets(*place)

    def _correct(self, e: Entity, name: str, new: dict[str, str | None]) -> None:
        con = self.con
        mine = f"entity = {e.code} AND field = {literal(name)}"
        keys = ", ".join(literal(rule_key(e.name, name, f, b)) for f, b in new.items())
        con.execute(f"DELETE FROM ruled WHERE {mine} AND rule NOT IN ({keys})")
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE field_fact AS
            SELECT * FROM (
                SELECT c.record, CASE WHEN c.field = '*' THEN json_extract_string(c.value, {literal(f'$."{name}"')}) ELSE coalesce(c.value, {MARK}) END AS said,
                       c.effective, c.recorded, c.seq, c.id, c.batch
                FROM {state_table("records_change")} c
                JOIN {state_table("records_batch")} b ON b.id = c.batch AND b.status = 'live'
                WHERE c.entity = {e.code} AND c.field IN ('*', {literal(name)})
            ) WHERE said IS NOT NULL
        """)
        self._warned(mine)
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE counting AS
            SELECT f.* FROM field_fact f SEMI JOIN (
                SELECT record FROM field_fact SEMI JOIN (SELECT was FROM reading WHERE {mine}) r ON r.was = said
                UNION SELECT record FROM ruled WHERE {mine}
            ) w ON w.record = f.record
            QUALIFY row_number() OVER (PARTITION BY f.record, f.effective {TOP}) = 1
        """)
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE correction AS
            SELECT record, any_value(now) AS value, effective, any_value(recorded) AS recorded, any_value(seq) AS seq FROM (
                SELECT f.record, r.rule, r.now, f.effective, greatest({self.now}, f.recorded + 1) AS recorded, f.seq, f.batch
                FROM counting f JOIN (SELECT * FROM reading WHERE {mine}) r ON r.was = f.said
                UNION ALL
                SELECT f.record, r.rule, r.now, f.effective, greatest({self.now}, f.recorded + 1), f.seq, f.batch
                FROM counting f JOIN (SELECT * FROM ruled WHERE {mine}) r ON r.record = f.record AND coalesce(r.was, {MARK}) = f.said
                UNION ALL
                SELECT r.record, r.rule, r.now, r.effective, {self.now}, 0, NULL FROM ruled r ANTI JOIN field_fact f ON f.record = r.record
                WHERE {mine} AND r.was IS NULL
            ) c WHERE {_correctable(e.name, name)}
            GROUP BY record, effective
        """)
        con.execute(
            f"INSERT INTO reread SELECT {e.code}, record, {literal(name)}, value, effective, recorded, seq FROM correction"
        )
        self._give_up_offers(mine)

    def _warned(self, mine: str) -> None:
        """A text that could not be read before: only where an earlier import warned of it, in this row of a file of this name."""
        unread = self.con.execute(f"SELECT 1 FROM ruled WHERE {mine} AND was IS NULL LIMIT 1").fetchone()
        if unread:
            self.con.execute(f"""
                DELETE FROM ruled WHERE {mine} AND was IS NULL AND NOT EXISTS (
                    SELECT 1 FROM {state_table("records_rowerror")} p WHERE p.source = ruled.source AND p."row" = ruled."row"
                    AND p.field = ruled.of_column AND trim(p.value) = left(ruled.found, 200) AND p.batch IN (SELECT id FROM our_batch)
                )
            """)

    def _give_up_offers(self, mine: str) -> None:
        """The current value of a corrected record is the corrected one: what the file offers is compared with that."""
        self.con.execute(f"""
            CREATE OR REPLACE TEMP TABLE now_current AS
            SELECT record, nullif(said, {MARK}) AS value FROM (
                SELECT record, said, effective, recorded, seq, id FROM field_fact SEMI JOIN correction USING (record)
                UNION ALL SELECT record, coalesce(value, {MARK}), effective, recorded, seq, {LAST} FROM correction
            ) QUALIFY row_number() OVER (PARTITION BY record ORDER BY effective DESC NULLS LAST, recorded DESC, seq DESC, id DESC) = 1
        """)
        self.con.execute(
            f"UPDATE offer SET current = n.value FROM now_current n WHERE {mine} AND n.record = offer.record"
        )
        self.con.execute(
            f"DELETE FROM offer WHERE {mine} AND offered IS NOT DISTINCT FROM current AND record IN (SELECT record FROM now_current)"
        )

    def _note_targets(self, name: str, field_name: str) -> None:
        """A record that is only named by what a rule becomes has a source id, as one that a file names."""
        field = self._field(name, field_name)
        if field is None or field.kind != "ref":
            return
        for system, _ in self._ways((name, field_name)):
            made = record_id_sql(field.target, system, "t.becomes")
            texts = [[b.strip()] for b in self.rules[(name, field_name)].values() if b and b.strip()]
            self.con.execute("CREATE OR REPLACE TEMP TABLE target_text (becomes VARCHAR)")
            if texts:
                self.con.executemany("INSERT INTO target_text VALUES (?)", texts)
            self.con.execute(
                f"INSERT INTO source_id SELECT DISTINCT {made}, {entity(field.target).code}, {literal(system)}, t.becomes, {made} FROM target_text t "
                f"SEMI JOIN (SELECT value FROM reread WHERE entity = {entity(name).code} AND field = {literal(field_name)}) r ON r.value = ({made})::VARCHAR"
            )

    def leave_repeated(self) -> None:
        """A row with a change time of its own that is here, read without a rule, says nothing new for being read with it.

        `old_as_ruled`: the facts of `old_fact` to which a rule applies, as they read with it.
        """
        timed = {p.entity for p in self.parts if p.changed_at or p.history}
        places = [place for place in sorted(self.mapped) if place[0] in timed]
        if not places:
            return
        con = self.con
        con.execute(
            "CREATE TEMP TABLE old_as_ruled AS SELECT entity, record, field, value, effective, recorded, seq FROM old_fact LIMIT 0"
        )
        con.execute("DELETE FROM reading")
        for name, field in places:
            self._learn((name, field), self.rules[(name, field)])
            code, key = entity(name).code, literal(f'$."{field}"')
            con.execute(f"""
                INSERT INTO old_as_ruled
                SELECT o.entity, o.record, o.field,
                       CASE WHEN o.field = '*' THEN replace(o.value, {_pair(field, "r.was")}, {_pair(field, f"coalesce(r.now, {MARK})")}) ELSE r.now END,
                       o.effective, o.recorded, o.seq
                FROM (SELECT entity, record, field, value, effective, recorded, seq FROM old_fact UNION ALL SELECT * FROM old_as_ruled) o
                JOIN (SELECT was, now FROM reading WHERE entity = {code} AND field = {literal(field)}) r
                ON r.was = CASE WHEN o.field = '*' THEN json_extract_string(o.value, {key}) ELSE o.value END
                WHERE o.entity = {code} AND o.field IN ('*', {literal(field)})
            """)
        con.execute("""
            DELETE FROM fact_out f USING old_as_ruled o WHERE o.entity = f.entity AND o.record = f.record AND o.field = f.field
            AND o.recorded = f.recorded AND o.effective IS NOT DISTINCT FROM f.effective AND o.value IS NOT DISTINCT FROM f.value
            AND (f.seq >= 0 OR o.seq >= f.seq)
        """)

    # -- interval and event rows -----------------------------------------------------------------------------------------

    def correct_rows(self, e: Entity) -> None:
        """`known_<entity>` as it reads with the rules; the rows that changed are kept in `ruled_row`, for `write_rows`."""
        con = self.con
        places = sorted(place for place in self.mapped if place[0] == e.name)
        if not places or e.name in self.rewritten:
            return
        self.rewritten.append(e.name)
        for place in places:
            field = self._learn(place, self.rules[place])
            if field is None or field.kind not in BY_VALUE or field.custom:
                continue
            con.execute(f"""
                CREATE OR REPLACE TEMP TABLE correction AS
                SELECT c."row" AS stored, any_value(c.now) AS now FROM (
                    SELECT k."row", k.id AS record, k.batch, r.rule, r.now FROM known_{e.name} k
                    JOIN (SELECT * FROM reading WHERE entity = {e.code} AND field = {literal(field.name)}) r ON r.was = k.{quote(field.name)}::VARCHAR
                    WHERE NOT k.edited
                ) c WHERE {_correctable(e.name, field.name)} GROUP BY c."row"
            """)
            kind = "VARCHAR" if field.kind == "text" else "BIGINT"
            con.execute(
                f'UPDATE known_{e.name} SET {quote(field.name)} = c.now::{kind} FROM correction c WHERE c.stored = known_{e.name}."row"'
            )
            con.execute(f"INSERT INTO ruled_row SELECT {e.code}, stored FROM correction")
        con.execute(
            f"UPDATE known_{e.name} SET content = {dated.content_sql(e, f'known_{e.name}')} "
            f'WHERE "row" IN (SELECT stored FROM ruled_row WHERE entity = {e.code})'
        )

    def write_rows(self) -> None:
        """Corrected rows that count, where this import says nothing else of them: the same row, with what it reads now."""
        for name in self.rewritten:
            e = entity(name)
            fields = ", ".join(quote(f.name) for f in e.fields)
            self._count(
                f"INSERT INTO new_{name} BY NAME SELECT id, system, external_id, {fields}, greatest({self.now}, recorded_from + 1) AS recorded_from, "
                f"NULL::BIGINT AS recorded_to, FALSE AS assumed, deleted, custom, 0 AS seq FROM known_{name} k "
                f'SEMI JOIN (SELECT stored FROM ruled_row WHERE entity = {e.code}) r ON r.stored = k."row" '
                f"WHERE recorded_to IS NULL AND NOT deleted AND id NOT IN (SELECT id FROM new_{name})"
            )

    def tell(self, outcome: Any) -> None:
        """What is kept beside the batch, for the next import."""
        outcome.rules, outcome.reached, outcome.reread = self.keys(), self.reached, self.corrected

    def _count(self, statement: str) -> None:
        row = self.con.execute(statement).fetchone()
        self.corrected += int(row[0]) if row else 0


def _correctable(name: str, field: str) -> str:
    """SQL of the candidates `c` (record, batch, rule): said by this system, read without the rule, and not the app's to decide."""
    owner = f"SELECT any_value(o.owner) FROM owner o WHERE o.entity = {literal(name)} AND o.field = {literal(field)} AND o.record"
    return (
        "(c.batch IS NULL OR c.batch IN (SELECT id FROM our_batch)) "
        "AND NOT EXISTS (SELECT 1 FROM read_with w WHERE w.batch = c.batch AND w.rule = c.rule) "
        f"AND coalesce(({owner} = c.record), ({owner} IS NULL), '') <> 'app'"
    )


def _pair(field: str, text: str) -> str:
    """SQL of a key and its value as they stand in a whole-row fact."""
    return f"{literal(json.dumps(field))} || ':' || to_json({text})"
