"""Commands over what people declare and over accounts: `user`, `field`, `word`, `rule`, `task`, `comment`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from salesops.common.instants import from_us
from salesops.output import format_option, say, write_rows

from . import actions_second_factor, actions_settings, actions_tokens, actions_users, actions_work, context
from .commands_approvals import note_option

# Users


@click.group()
def user() -> None:
    """Accounts: who may sign in or be acted as, with which roles."""


@user.command("list")
@format_option
@click.pass_context
def user_list(ctx: click.Context, form: str) -> None:
    """List all accounts."""
    rows = actions_users.list_users(ctx.obj.actor)
    write_rows(
        rows,
        form,
        columns=["username", "name", "roles", "person_name", "person", "is_active"],
        notes=[f"{len(rows)} users"],
    )


@user.command("create")
@click.argument("username")
@click.option("--name", default="")
@click.option("--roles", default="rep", show_default=True, help="Roles, separated by commas.")
@click.option("--person", default=None, help="The person that the user is: id, name or e-mail.")
@click.option("--password/--no-password", "ask", default=False, help="Ask for a password to sign in with.")
@note_option
@click.pass_context
def user_create(
    ctx: click.Context, username: str, name: str, roles: str, person: str | None, ask: bool, note: str
) -> None:
    """Create an account."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else None
    waiting = actions_users.create_user(
        ctx.obj.actor, username, name=name, roles=roles, person=person, password=password, note=note
    )
    if waiting:
        return say(str(waiting), **waiting.to_dict())
    say(f"created {username}", created=username)


@user.command("edit")
@click.argument("username")
@click.option("--name", default=None)
@click.option("--roles", default=None, help="Roles, separated by commas.")
@click.option("--person", default=None, help="The person that the user is; '' unlinks.")
@click.option("--active/--inactive", default=None)
@note_option
@click.pass_context
def user_edit(ctx: click.Context, username: str, **given: Any) -> None:
    """Change an account."""
    if waiting := actions_users.edit_user(ctx.obj.actor, username, **given):
        return say(str(waiting), **waiting.to_dict())
    say(f"changed {username}", changed=username)


@user.command("deactivate")
@click.argument("username")
@click.pass_context
def user_deactivate(ctx: click.Context, username: str) -> None:
    """Deactivate an account; what it did stays."""
    actions_users.deactivate_user(ctx.obj.actor, username)
    say(f"deactivated {username}", deactivated=username)


@user.command("password")
@click.argument("username")
@click.pass_context
def user_password(ctx: click.Context, username: str) -> None:
    """Set a password (asked for, never an argument)."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    actions_users.set_password(ctx.obj.actor, username, password)
    say(f"password of {username} set", username=username, password="set")


@user.command("link")
@click.argument("username", default="")
@click.pass_context
def user_link(ctx: click.Context, username: str) -> None:
    """Print the address that signs USERNAME (default: yourself) in without a password, once, within 15 minutes."""
    path = actions_users.sign_in_link(ctx.obj.actor, username or ctx.obj.actor.username)
    say(path, path=path)


@user.command("reset-second-factor")
@click.argument("username")
@click.pass_context
def user_reset_second_factor(ctx: click.Context, username: str) -> None:
    """Take USERNAME's second factor away, who has lost it; they sign in without, and can set up a new one."""
    actions_second_factor.reset_second_factor(ctx.obj.actor, username)
    say(f"the second factor of {username} is gone", username=username, second_factor="reset")


@user.group("token")
def token() -> None:
    """API tokens: what a program shows to act as a user over REST."""


@token.command("create")
@click.argument("username", default="")
@click.option("--name", required=True, help="What uses it, for example 'nightly export'.")
@click.option("--scopes", required=True, help=f"Separated by commas: {', '.join(actions_tokens.SCOPES)}")
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is good (default: never ends)."
)
@click.pass_context
def token_create(ctx: click.Context, username: str, name: str, scopes: str, expires: datetime | None) -> None:
    """Make a token of USERNAME (default: yourself). It is shown once."""
    day = expires.date() if expires else None
    made = actions_tokens.create_token(ctx.obj.actor, username, name=name, scopes=scopes, expires=day)
    say(made, token=made)


@token.command("list")
@click.argument("username", default="")
@format_option
@click.pass_context
def token_list(ctx: click.Context, username: str, form: str) -> None:
    """List tokens: yours, or everybody's if you manage users."""
    rows = actions_tokens.list_tokens(ctx.obj.actor, username)
    for row in rows:
        row |= {name: moment(row[name]) for name in ("created", "expires", "last_used", "revoked")}
    write_rows(rows, form, columns=["id", "user", "name", "scopes", "status", "created", "expires", "last_used"])


@token.command("revoke")
@click.argument("number", type=int)
@click.pass_context
def token_revoke(ctx: click.Context, number: int) -> None:
    """End token NUMBER for good."""
    actions_tokens.revoke_token(ctx.obj.actor, number)
    say(f"revoked token {number}", revoked=number)


def moment(instant: int | None) -> str:
    """An instant as local time; empty for none."""
    if instant is None:
        return ""
    zone = ZoneInfo(context.time_zone())
    return from_us(instant).astimezone(zone).isoformat(sep=" ", timespec="seconds")


# Fields and words


@click.group()
def field() -> None:
    """Custom fields, who owns a field, and conflicts with imports."""


@field.command("list")
@click.argument("entity", default="")
@format_option
@click.pass_context
def field_list(ctx: click.Context, entity: str, form: str) -> None:
    """List the declared custom fields."""
    rows = actions_settings.list_fields(ctx.obj.actor, entity)
    write_rows(rows, form, columns=["entity", "name", "kind", "title", "target", "words"])


@field.command("declare")
@click.argument("entity")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(actions_settings.KINDS)), default="text", show_default=True)
@click.option("--title", default="")
@click.option("--words", default="", help="The words of a field of kind, separated by commas.")
@click.option("--target", default="", help="The entity that a ref points to.")
@click.pass_context
def field_declare(ctx: click.Context, entity: str, name: str, kind: str, title: str, words: str, target: str) -> None:
    """Declare a custom field NAME of ENTITY."""
    listed = tuple(word.strip() for word in words.split(",") if word.strip())
    actions_settings.declare_field(ctx.obj.actor, entity, name, kind, title=title, words=listed, target=target)
    custom = f"custom.{name.removeprefix('custom.')}"
    say(f"declared {entity}.{custom}", entity=entity, declared=custom)


@field.command("retire")
@click.argument("entity")
@click.argument("name")
@click.pass_context
def field_retire(ctx: click.Context, entity: str, name: str) -> None:
    """Take a custom field out of use; its history stays."""
    actions_settings.retire_field(ctx.obj.actor, entity, name)
    say(f"retired {entity}.{name}", entity=entity, retired=name)


@field.command("own")
@click.argument("entity")
@click.argument("name")
@click.argument("owner", type=click.Choice([*actions_settings.OWNERS, "nobody"]))
@click.option("--record", default=None, help="Only of this record.")
@click.pass_context
def field_own(ctx: click.Context, entity: str, name: str, owner: str, record: str | None) -> None:
    """Say who decides a field: the app (imports leave it alone) or the source (edits are refused)."""
    actions_settings.set_owner(ctx.obj.actor, entity, name, "" if owner == "nobody" else owner, record=record)
    say(f"{entity}.{name} belongs to {owner}", entity=entity, field=name, owner=owner, record=record)


@field.command("conflicts")
@click.option("--all", "settled", is_flag=True, help="Settled ones, too.")
@format_option
@click.pass_context
def field_conflicts(ctx: click.Context, settled: bool, form: str) -> None:
    """List values of sources that were not taken because the app owns the field."""
    rows = actions_settings.list_conflicts(ctx.obj.actor, resolved=settled)
    write_rows(rows, form, columns=["id", "entity", "record", "field", "kept", "offered", "resolved"])


@field.command("settle")
@click.argument("number", type=int)
@click.argument("take", type=click.Choice(["kept", "offered"]))
@click.pass_context
def field_settle(ctx: click.Context, number: int, take: str) -> None:
    """Settle a conflict: leave what was KEPT, or take what the source OFFERED."""
    actions_settings.resolve_conflict(ctx.obj.actor, number, take)
    say(f"settled {number}", settled=number)


@click.group()
def word() -> None:
    """Words of closed lists."""


@word.command("add")
@click.argument("entity")
@click.argument("name")
@click.argument("new")
@click.option("--title", default="")
@click.pass_context
def word_add(ctx: click.Context, entity: str, name: str, new: str, title: str) -> None:
    """Add the word NEW to the closed list of field NAME."""
    actions_settings.declare_word(ctx.obj.actor, entity, name, new, title)
    say(f"{entity}.{name} may be {new}", entity=entity, field=name, word=new)


# Value rules


@click.group()
def rule() -> None:
    """Value rules: how a value of a source is read, in every import."""


@rule.command("list")
@click.argument("entity", default="")
@format_option
@click.pass_context
def rule_list(ctx: click.Context, entity: str, form: str) -> None:
    """List the value rules."""
    rows = actions_settings.list_rules(ctx.obj.actor, entity)
    write_rows(rows, form, columns=["id", "entity", "field", "system", "found", "becomes"])


@rule.command("add")
@click.argument("entity")
@click.argument("name")
@click.argument("found")
@click.argument("becomes")
@click.option("--system", default="*", show_default=True, help="Only in imports of this system.")
@click.pass_context
def rule_add(ctx: click.Context, entity: str, name: str, found: str, becomes: str, system: str) -> None:
    """Read FOUND in field NAME as BECOMES ('' = as empty), from the next import on and in what earlier ones read."""
    number = actions_settings.add_rule(ctx.obj.actor, entity, name, found, becomes or None, system=system)
    say(f"rule {number}", rule=number)


@rule.command("remove")
@click.argument("number", type=int)
@click.pass_context
def rule_remove(ctx: click.Context, number: int) -> None:
    """Remove a value rule. What it corrected stays as it is."""
    actions_settings.remove_rule(ctx.obj.actor, number)
    say(f"removed {number}: {actions_settings.STAYS}", removed=number, note=actions_settings.STAYS)


# Tasks


@click.group()
def task() -> None:
    """Tasks: who does what by when."""


@task.command("list")
@click.option("--status", default="open", show_default=True)
@format_option
@click.pass_context
def task_list(ctx: click.Context, status: str, form: str) -> None:
    """List tasks that you may see."""
    rows = actions_work.list_work(ctx.obj.actor, "task", status=status)
    write_rows(rows, form, columns=["id", "title", "owner", "due", "source", "subject", "subject_id", "status"])


@task.command("create")
@click.argument("title")
@click.option("--owner", default=None)
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), default=None)
@click.option("--note", default="")
@click.pass_context
def task_create(ctx: click.Context, title: str, owner: str | None, due: datetime | None, note: str) -> None:
    """Create a task; yours unless --owner says otherwise."""
    given: dict[str, Any] = {"title": title, "note": note, "due": due.date() if due else None}
    if owner:
        given["owner"] = owner
    made = actions_work.create_work(ctx.obj.actor, "task", **given)
    say(str(made), task=made)


@task.command("done")
@click.argument("number", type=int)
@click.pass_context
def task_done(ctx: click.Context, number: int) -> None:
    """Mark a task as done."""
    actions_work.finish_task(ctx.obj.actor, number)
    say(f"done {number}", done=number)


@task.command("edit")
@click.argument("number", type=int)
@click.option("--title", default=None)
@click.option("--owner", default=None)
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), default=None)
@click.option("--note", default=None)
@click.option("--status", type=click.Choice(["open", "done"]), default=None)
@click.pass_context
def task_edit(ctx: click.Context, number: int, due: datetime | None, **given: Any) -> None:
    """Change a task."""
    columns = {name: value for name, value in given.items() if value is not None}
    actions_work.edit_work(ctx.obj.actor, "task", number, **columns, **({"due": due.date()} if due else {}))
    say(f"changed {number}", changed=number)


@task.command("delete")
@click.argument("number", type=int)
@click.pass_context
def task_delete(ctx: click.Context, number: int) -> None:
    """Delete a task; its audit entries stay."""
    actions_work.delete_work(ctx.obj.actor, "task", number)
    say(f"deleted {number}", deleted=number)


# Comments


@click.group()
def comment() -> None:
    """Comments on records."""


@comment.command("list")
@click.argument("entity", default="")
@click.argument("key", default="")
@format_option
@click.pass_context
def comment_list(ctx: click.Context, entity: str, key: str, form: str) -> None:
    """List comments on records that you may see: all, those on ENTITY, or those on one record (KEY)."""
    rows = actions_work.list_comments(ctx.obj.actor, entity, key)
    shown = [{**row, "created": moment(row["created"])} for row in rows]
    write_rows(shown, form, columns=["id", "created", "user", "subject", "subject_id", "text"])


@comment.command("create")
@click.argument("entity")
@click.argument("key")
@click.argument("text")
@click.pass_context
def comment_create(ctx: click.Context, entity: str, key: str, text: str) -> None:
    """Comment on a record; prints the comment's number."""
    made = actions_work.create_work(ctx.obj.actor, "comment", subject=entity, subject_id=key, text=text)
    say(str(made), comment=made)


@comment.command("delete")
@click.argument("number", type=int)
@click.pass_context
def comment_delete(ctx: click.Context, number: int) -> None:
    """Delete a comment of yours; its audit entries stay."""
    actions_work.delete_work(ctx.obj.actor, "comment", number)
    say(f"deleted {number}", deleted=number)
