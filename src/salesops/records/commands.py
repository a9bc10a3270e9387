"""Commands over records: `record`, `audit`, and (from `commands_settings`) `user`, `field`, `rule`, `task`.

The root command puts the opened workspace and the acting user on `ctx.obj`.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from salesops.common.errors import Conflict, InvalidData, UsageError
from salesops.output import format_option, say, write_rows, write_table

from . import access, actions, actions_erase, audit, queries, values
from .approvals import Waiting
from .commands_approvals import approval, note_option
from .commands_settings import comment, field, moment, rule, task, user, word

DAY = click.DateTime(["%Y-%m-%d"])


def pairs(given: tuple[str, ...]) -> dict[str, Any]:
    """`name=value` pairs as a mapping; an empty value empties the field."""
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{one!r} is no name=value", remedy="Write for example amount=1200.50")
        found[name.strip()] = value
    return found


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _as_of(command: Any) -> Any:
    command = click.option("--as-known-on", type=DAY, help="Use only what was recorded by this day.")(command)
    return click.option("--as-of", type=DAY, help="The state at the end of this day.")(command)


_effective = click.option("--effective", type=DAY, help="The day since when it is true (default: now).")


@click.group()
def record() -> None:
    """List, show, create and change records of every entity."""


@record.command("list")
@click.argument("entity")
@click.option("--where", default="", help="A filter, for example: owner = 'Ann' and amount > 1000")
@click.option("--order", default="", help="Fields to sort by: name,-amount")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="Rows on the page; 0 = all.")
@click.option("--offset", type=click.IntRange(0), default=0)
@click.option("--fields", default="", help="Fields to show, separated by commas.")
@click.option("--deleted", is_flag=True, help="Deleted records, too.")
@_as_of
@format_option
@click.pass_context
def list_(ctx: click.Context, entity: str, fields: str, form: str, limit: int, **asked: Any) -> None:
    """List the records of ENTITY that you may see."""
    asked |= {"as_of": _day(asked["as_of"]), "as_known_on": _day(asked["as_known_on"])}
    listing = queries.list_records(ctx.obj.actor, entity, limit=limit or None, **asked)
    known = {one.name: one for one in listing.fields}
    names = [name.strip() for name in fields.split(",") if name.strip()]
    chosen = []
    for name in names:
        one = values.find_field(known, name)
        if one is None:
            raise UsageError(f"{listing.entity.name} has no field {name!r}", remedy=f"Fields: {', '.join(known)}")
        chosen.append(one)
    if not chosen:
        held = listing.held()
        chosen = held if form != "table" else held[:8]
    if form == "xlsx":
        write_table(listing.table(chosen))
        return
    value = listing.text if form == "table" else listing.value
    rows = [{"id": str(row["id"]), **{one.name: value(row, one) for one in chosen}} for row in listing.rows]
    beside = {"total": listing.total, "offset": listing.offset}
    shown = f"{listing.offset + 1} to {listing.offset + len(rows)}" if rows else "none"
    write_rows(
        rows, form, columns=["id", *(one.name for one in chosen)], notes=[f"{shown} of {listing.total}"], beside=beside
    )


@record.command("show")
@click.argument("entity")
@click.argument("key")
@_as_of
@format_option
@click.pass_context
def show_(
    ctx: click.Context, entity: str, key: str, as_of: datetime | None, as_known_on: datetime | None, form: str
) -> None:
    """Show one record: KEY is its id, external id, system:external id or name."""
    found = queries.show_record(ctx.obj.actor, entity, key, as_of=_day(as_of), as_known_on=_day(as_known_on))
    rows: list[dict[str, Any]] = [{"field": "id", "value": str(found.id), "assumed": ""}]
    rows += [
        {
            "field": one.name,
            "value": found.text(one) if form == "table" else found.value(one),
            "assumed": "assumed" if one.name in found.assumed else "",
        }
        for one in found.fields
        if form != "table" or found.values.get(one.name) is not None
    ]
    rows += [{"field": f"id in {system}", "value": external, "assumed": ""} for system, external in found.source_ids]
    rows.append({"field": "version", "value": str(found.version), "assumed": ""})
    if found.deleted:
        rows.append({"field": "deleted", "value": "yes", "assumed": ""})
    write_rows(rows, form, columns=["field", "value", "assumed"])


@record.command("history")
@click.argument("entity")
@click.argument("key")
@format_option
@click.pass_context
def history_(ctx: click.Context, entity: str, key: str, form: str) -> None:
    """Show every version of a record: what changed, since when it was true, when it was learned, by whom."""
    rows = []
    for version in queries.history_of(ctx.obj.actor, entity, key):
        known = moment(version["recorded"]) + (" (assumed)" if version["assumed"] else "")
        about = {"true_since": moment(version["effective"]), "known_since": known, "batch": version["batch"]}
        for name, value in version["fields"].items():
            rows.append({**about, "by": version["user"] or version["kind"], "field": name, "value": value})
    write_rows(rows, form, columns=["true_since", "known_since", "batch", "by", "field", "value"])


@record.command("create")
@click.argument("entity")
@click.argument("fields", nargs=-1)
@_effective
@click.pass_context
def create(ctx: click.Context, entity: str, fields: tuple[str, ...], effective: datetime | None) -> None:
    """Create a record of ENTITY from name=value pairs; prints its id."""
    made = actions.create_record(ctx.obj.actor, entity, pairs(fields), effective=_day(effective))
    say(str(made), entity=entity, id=str(made))


@record.command("edit")
@click.argument("entity")
@click.argument("key")
@click.argument("fields", nargs=-1, required=True)
@_effective
@click.option("--expected", type=int, help="The version that you saw; refused when there is a newer one.")
@click.pass_context
def edit(
    ctx: click.Context,
    entity: str,
    key: str,
    fields: tuple[str, ...],
    effective: datetime | None,
    expected: int | None,
) -> None:
    """Change fields of a record; prints its version."""
    given = pairs(fields)
    version = actions.edit_record(ctx.obj.actor, entity, key, given, effective=_day(effective), expected=expected)
    say(f"version {version}", entity=entity, key=key, version=version)


@record.command("edit-together")
@click.argument("entity")
@click.argument("fields", nargs=-1, required=True)
@click.option(
    "--key", "keys", multiple=True, required=True, help="A record, by its id, external id or name. Repeat for several."
)
@note_option
@click.pass_context
def edit_together(ctx: click.Context, entity: str, fields: tuple[str, ...], keys: tuple[str, ...], note: str) -> None:
    """Give several records of ENTITY the same name=value pairs, all or none; prints the batch, by which undo takes it back."""
    done = actions.edit_records(ctx.obj.actor, entity, keys, pairs(fields), note=note)
    if isinstance(done, Waiting):
        return say(str(done), **done.to_dict())
    batch, changed = done
    told = f"{changed} changed, batch {batch}" if batch else "nothing changed: they have these values already"
    say(told, entity=entity, batch=batch, changed=changed)


@record.command("delete")
@click.argument("entity")
@click.argument("key")
@_effective
@click.pass_context
def delete(ctx: click.Context, entity: str, key: str, effective: datetime | None) -> None:
    """Delete a record; answers about earlier days still know it."""
    gone = actions.delete_record(ctx.obj.actor, entity, key, effective=_day(effective))
    say(f"deleted {gone}", entity=entity, deleted=str(gone))


@record.command("restore")
@click.argument("entity")
@click.argument("key")
@click.pass_context
def restore(ctx: click.Context, entity: str, key: str) -> None:
    """Bring a deleted record back."""
    back = actions.restore_record(ctx.obj.actor, entity, key)
    say(f"restored {back}", entity=entity, restored=str(back))


@record.command("merge")
@click.argument("entity")
@click.argument("winner")
@click.argument("loser")
@click.option("--no-fill", is_flag=True, help="Leave empty fields of the winner empty.")
@click.pass_context
def merge(ctx: click.Context, entity: str, winner: str, loser: str, no_fill: bool) -> None:
    """Merge LOSER into WINNER; the loser's ids lead there from now on."""
    kept = actions.merge_records(ctx.obj.actor, entity, winner, loser, fill=not no_fill)
    say(f"merged into {kept}", entity=entity, merged_into=str(kept))


@record.command("erase")
@click.argument("entity")
@click.argument("key")
@click.option("--confirm", prompt="To erase for good, write the record's name", help="The record's name, as it stands.")
@note_option
@click.pass_context
def erase(ctx: click.Context, entity: str, key: str, confirm: str, note: str) -> None:
    """Erase who a person, contact or lead is, in the record, its history and wherever it is named. Counts and amounts stay."""
    done = actions_erase.erase(ctx.obj.actor, entity, key, confirm=confirm, note=note)
    if isinstance(done, Waiting):
        return say(str(done), **done.to_dict())
    others = "".join(f"; the same e-mail: {one['entity']} {one['record']}" for one in done["also"])
    say(f"erased {entity} {done['record']}{others}", **done)


@record.command("undo")
@click.argument("batch", type=int)
@click.pass_context
def undo(ctx: click.Context, batch: int) -> None:
    """Undo an edit or merge by its BATCH (shown by history)."""
    count = actions.undo(ctx.obj.actor, batch)
    say(f"undone: {count} records", batch=batch, records=count)


@click.group("audit")
def audit_group() -> None:
    """Read and verify the audit log."""


@audit_group.command("list")
@click.option("--user", "username", default="")
@click.option("--action", default="")
@click.option("--entity", default="")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="0 = all.")
@click.option("--offset", type=click.IntRange(0), default=0)
@format_option
@click.pass_context
def audit_list(ctx: click.Context, username: str, action: str, entity: str, limit: int, offset: int, form: str) -> None:
    """List what was done, the latest first."""
    rows, total = audit.entries(
        ctx.obj.actor, limit=limit or None, offset=offset, user=username, action=action, entity=entity
    )
    shown = [{**row, "at": moment(row["at"])} for row in rows]
    columns = ["id", "at", "user", "door", "action", "entity", "record", "batch", "rows", "detail"]
    write_rows(
        shown,
        form,
        columns=columns if form == "table" else [*columns, "digest", "hash"],
        notes=[f"{len(rows)} of {total}"],
    )


@audit_group.command("verify")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An exported log.")
@click.option("--head", default="", help="The hash of the last entry as you wrote it down.")
@format_option
@click.pass_context
def audit_verify(ctx: click.Context, file: Path | None, head: str, form: str) -> None:
    """Check that no entry was edited, removed or moved since it was written."""
    if file is None:
        result = audit.verify(ctx.obj.actor, head=head)
    else:
        with file.open(encoding="utf-8") as lines:
            result = audit.verify_export(lines, head=head)
    write_rows([result.to_dict()], form, columns=["ok", "entries", "head", "broken", "problem", "message"])
    if not result.ok:
        raise InvalidData(result.message, remedy="Compare with a backup or an exported log")


@audit_group.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def audit_export(ctx: click.Context, file: Path) -> None:
    """Write the whole log to FILE, one JSON object a line ('-' for standard output)."""
    access.require(ctx.obj.actor, "read_audit")
    if str(file) == "-":
        for line in audit.export(ctx.obj.actor):
            click.echo(line)
        return
    if file.exists():
        raise Conflict(f"{file.name} exists already", remedy="Choose another name")
    partial = file.with_name(file.name + ".part")
    with partial.open("w", encoding="utf-8") as out:
        count = sum(1 for line in audit.export(ctx.obj.actor) if out.write(line + "\n"))
    partial.rename(file)
    say(f"{count} entries", file=str(file), entries=count)


GROUPS = (record, user, audit_group, field, word, rule, task, comment, approval)
"""What the root command takes from this room."""
