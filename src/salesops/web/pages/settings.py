"""Settings: what the workspace says of itself, custom fields and rules, accounts and their roles, keys of programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields as columns_of
from datetime import date
from typing import Any

import segno
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import SalesopsError, UsageError
from salesops.records import access, actions_second_factor, actions_settings, actions_tokens, actions_users
from salesops.records.entities import entities
from salesops.records.models import User
from salesops.records.sealing import seal, unseal
from salesops.web.serving import workspace
from salesops.web.shell import cells, signin
from salesops.web.shell.asked import Request, number_of
from salesops.web.shell.routes import page

from .approvals import told

HIDDEN = frozenset({"database_url", "warehouse", "extra"})
TOLD = {
    "name": gettext_lazy("What the company is called"),
    "currency": gettext_lazy("Amounts without a currency, and totals, are in this one"),
    "time_zone": gettext_lazy("Days end at midnight here"),
    "fiscal_start_month": gettext_lazy("The month in which the fiscal year starts"),
    "fiscal_pattern": gettext_lazy("Months, or weeks of 4-4-5, 4-5-4 or 5-4-4"),
    "fiscal_year_named_by": gettext_lazy(
        "A fiscal year has the number of the calendar year in which it starts, or ends"
    ),
    "week_start": gettext_lazy("0 is Monday"),
    "today": gettext_lazy("A fixed business day, for a closed data set; empty: the clock's"),
    "keep_generations": gettext_lazy("How many generations of the warehouse are kept"),
    "peer_aggregates": gettext_lazy("Figures of a group may be shown to people who do not see its records; never pay"),
    "peer_minimum": gettext_lazy("People who must be behind such a figure"),
    "mcp_writes": gettext_lazy("An assistant may create and edit records, as far as its user may"),
    "approval_policy": gettext_lazy(
        "two_person: somebody else approves; self: one approves oneself, noted as such; empty: two_person where somebody else may approve"
    ),
    "approvals": gettext_lazy(
        "What is approved before it is done: erasure, roles, bulk_edit, import_undo, past_targets, or none"
    ),
    "approvals_from_rows": gettext_lazy("A change of so many records together is one of many"),
    "second_factor": gettext_lazy("required: everybody signs in with a second factor; empty: who wants to"),
    "idle_minutes": gettext_lazy("A session ends after so many minutes without a request; 0: after two weeks only"),
    "served_as": gettext_lazy("The address behind a proxy with a certificate: cookies travel encrypted only"),
    "oidc_issuer": gettext_lazy("The provider at which people may sign in (OpenID Connect)"),
    "oidc_client_id": gettext_lazy("What the provider calls this server"),
    "oidc_title": gettext_lazy("What people call the provider"),
    "oidc_create_role": gettext_lazy("The role of accounts made for whom the provider knows; empty: none is made"),
    "business_model": gettext_lazy("What the company sells: which metrics mean something"),
}
Act = Callable[[Request], str]


def _acted(request: Request, acts: dict[str, Act], here: str) -> tuple[HttpResponse | None, SalesopsError | None]:
    """Take the action that a form names; give where to go on, or what was wrong."""
    try:
        act = acts.get(request.POST.get("do", ""))
        if act is None:
            raise UsageError(_("there is no such action"), _("Load the page again"))
        said = act(request)
    except SalesopsError as error:
        return None, error
    request.session["said"] = said
    return HttpResponseRedirect(reverse(here)), None


# The workspace


@page("settings", "settings", action="read_settings", methods=("GET", "POST"))
def settings(request: Request) -> HttpResponse:
    """The workspace's settings, its custom fields, and its value rules."""
    acts: dict[str, Act] = {
        "field": _declare, "retire": _retire, "word": _word, "rule": _rule, "remove-rule": _remove_rule,
    }  # fmt: skip
    problem = None
    if request.method == "POST":
        done, problem = _acted(request, acts, "settings")
        if done:
            return done
    config = workspace().config
    facts = {
        "config": [(one.name, getattr(config, one.name), TOLD.get(one.name, "")) for one in columns_of(config) if one.name not in HIDDEN],
        "engine": (config.warehouse or "DuckDB").split("://")[0], "state": "PostgreSQL" if config.database_url else "SQLite",
        "fields": actions_settings.list_fields(request.actor), "rules": actions_settings.list_rules(request.actor),
        "entities": sorted(entities()), "kinds": list(actions_settings.KINDS), "may": access.may(request.actor, "manage_settings"),
        "problem": problem, "given": request.POST, "said": request.session.pop("said", ""),
    }  # fmt: skip
    return render(request, "settings/workspace.html", facts, status=400 if problem else 200)


def _declare(request: Request) -> str:
    given = request.POST
    words = tuple(word.strip() for word in given.get("words", "").split(",") if word.strip())
    actions_settings.declare_field(
        request.actor, given.get("entity", ""), given.get("field", ""), given.get("kind", "text"), title=given.get("title", ""),
        words=words, target=given.get("target", ""),
    )  # fmt: skip
    return _("The field %(name)s is declared") % {"name": given.get("field", "")}


def _retire(request: Request) -> str:
    actions_settings.retire_field(request.actor, request.POST.get("entity", ""), request.POST.get("field", ""))
    return _("The field is out of use; its history stays")


def _word(request: Request) -> str:
    given = request.POST
    actions_settings.declare_word(request.actor, given.get("entity", ""), given.get("field", ""), given.get("word", ""))
    return _("The word is declared")


def _rule(request: Request) -> str:
    given = request.POST
    actions_settings.add_rule(
        request.actor, given.get("entity", ""), given.get("field", ""), given.get("found", ""), given.get("becomes") or None,
        system=given.get("system") or "*",
    )  # fmt: skip
    return _("The rule counts from the next import on, and for what earlier ones read")


def _remove_rule(request: Request) -> str:
    actions_settings.remove_rule(request.actor, number_of(request.POST.get("number", "")))
    return _("The rule is removed; what it corrected stays")


# People and access


@page("settings/people", "access", action="manage_users", methods=("GET", "POST"))
def people(request: Request) -> HttpResponse:
    """Accounts: who they are, what they may do, whether they are active."""
    acts: dict[str, Act] = {"create": _create, "edit": _edit, "link": _link, "factor-reset": _reset_factor}
    problem = None
    if request.method == "POST":
        done, problem = _acted(request, acts, "access")
        if done:
            return done
    secured = actions_second_factor.who_has_one(request.actor)
    users = [
        {**row, "role_list": row["roles"].split(), "factor": row["username"] in secured}
        for row in actions_users.list_users(request.actor)
    ]
    facts = {
        "users": users, "roles": access.ROLES, "problem": problem, "given": request.POST, "said": request.session.pop("said", ""),
        "link": request.session.pop("link", ""), "powers": _powers(),
    }  # fmt: skip
    return render(request, "settings/people.html", facts, status=400 if problem else 200)


def _powers() -> list[tuple[str, list[bool]]]:
    """What each role may do: a row an action, a mark for each role."""
    return [
        (name.replace("_", " "), [role in roles for role in access.ROLES]) for name, roles in access.PERMISSIONS.items()
    ]


def _create(request: Request) -> str:
    given = request.POST
    name = given.get("username", "").strip()
    waiting = actions_users.create_user(
        request.actor, name, name=given.get("name", ""), roles=given.getlist("roles") or "rep", person=given.get("person") or None,
        password=given.get("password") or None,
    )  # fmt: skip
    return told(waiting) if waiting else _invite(request, name)


def _link(request: Request) -> str:
    return _invite(request, request.POST.get("username", ""))


def _invite(request: Request, username: str) -> str:
    path = actions_users.sign_in_link(request.actor, username)
    request.session["link"] = (
        f"{workspace().config.served_as}{path}" if workspace().config.served_as else request.build_absolute_uri(path)
    )
    return _("Give this link to %(name)s: it signs in once, without a password, within fifteen minutes") % {
        "name": username
    }


def _edit(request: Request) -> str:
    given = request.POST
    waiting = actions_users.edit_user(
        request.actor, given.get("username", ""), name=given.get("name"), roles=given.getlist("roles"), person=given.get("person", ""),
        active=given.get("active") == "on",
    )  # fmt: skip
    return told(waiting) if waiting else _("%(name)s is changed") % {"name": given.get("username", "")}


def _reset_factor(request: Request) -> str:
    username = request.POST.get("username", "")
    actions_second_factor.reset_second_factor(request.actor, username)
    return _("The second factor of %(name)s is gone; they can set up a new one") % {"name": username}


# Keys


@page("settings/keys", "keys", action="read", methods=("GET", "POST"))
def keys(request: Request) -> HttpResponse:
    """Tokens of programs: yours, or everybody's for who manages accounts."""
    acts: dict[str, Act] = {"create": _make_token, "revoke": _revoke}
    problem = None
    if request.method == "POST":
        done, problem = _acted(request, acts, "keys")
        if done:
            return done
    facts = {
        "tokens": [_token(row) for row in actions_tokens.list_tokens(request.actor)], "scopes": list(actions_tokens.SCOPES.items()),
        "problem": problem, "given": request.POST, "said": request.session.pop("said", ""), "made": request.session.pop("token", ""),
    }  # fmt: skip
    return render(request, "settings/keys.html", facts, status=400 if problem else 200)


def _token(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **{name: cells.moment(row[name]) for name in ("created", "expires", "last_used", "revoked")}}


def _make_token(request: Request) -> str:
    given = request.POST
    until = given.get("expires", "")
    try:
        day = date.fromisoformat(until) if until else None
    except ValueError:
        raise UsageError(_("%(text)s is no day") % {"text": repr(until)}, _("Write for example 2027-12-31")) from None
    request.session["token"] = actions_tokens.create_token(
        request.actor, name=given.get("name", ""), scopes=given.getlist("scopes"), expires=day
    )
    return _("Copy the token now: it is not shown again")


def _revoke(request: Request) -> str:
    actions_tokens.revoke_token(request.actor, number_of(request.POST.get("number", "")))
    return _("The token is worth nothing any more")


# One's own account


@page("account", "account", action="", methods=("GET", "POST"))
def account(request: Request) -> HttpResponse:
    """Who you are here, what you may do, your password and second factor, and where you are signed in."""
    acts: dict[str, Act] = {
        "password": _password, "end": _end_sessions, "end-one": _end_session, "factor": _begin_factor, "confirm": _confirm_factor,
        "cancel": _cancel_factor, "codes": _renew_codes, "factor-off": _factor_off,
    }  # fmt: skip
    problem = None
    if request.method == "POST":
        done, problem = _acted(request, acts, "account")
        if done:
            return done
    actor, codes = request.actor, request.session.pop("codes", "")
    facts = {
        "actions": [name.replace("_", " ") for name in access.PERMISSIONS if access.may(actor, name)], "problem": problem,
        "sessions": _sessions(request), "factor": actions_second_factor.second_factor_of(actor.username), "setting_up": _setting_up(request),
        "codes": unseal(codes).split() if codes else [], "said": request.session.pop("said", ""), "must": request.must_set_up,
    }  # fmt: skip
    return render(request, "settings/account.html", facts, status=400 if problem else 200)


def _password(request: Request) -> str:
    given = request.POST
    user = User.objects.get(username=request.actor.username)
    if user.has_usable_password() and not user.check_password(given.get("old", "")):
        raise UsageError(_("this is not your password now"), _("Write the password that you sign in with"))
    if given.get("new") != given.get("again"):
        raise UsageError(_("the two new passwords differ"), _("Write the same twice"))
    actions_users.set_password(request.actor, request.actor.username, given.get("new", ""))
    signin.sign_in(request, User.objects.get(username=request.actor.username))
    return _("Your password is changed; every other session of yours has ended")


def _sessions(request: Request) -> list[dict[str, Any]]:
    found = signin.sessions_of(request.actor.username, request.session.session_key)
    return [{"one": one, "since": cells.moment(one.since), "seen": cells.moment(one.seen)} for one in found]


def _end_sessions(request: Request) -> str:
    others = [one for one in signin.sessions_of(request.actor.username, request.session.session_key) if not one.here]
    for one in others:
        one.row.delete()
    signin.written(request, "sign_out", request.actor.username, others=len(others))
    return _("You are signed in here only")


def _end_session(request: Request) -> str:
    for one in signin.sessions_of(request.actor.username, request.session.session_key):
        if one.number == request.POST.get("number") and not one.here:
            one.row.delete()
            signin.written(request, "sign_out", request.actor.username, others=1)
            return _("That session has ended")
    raise UsageError(_("this session has ended already"), _("Load the page again"))


# The second factor: the secret waits in the session, sealed, until a code of it is right


def _begin_factor(request: Request) -> str:
    _prove_password(request)
    request.session["factor"] = seal(actions_second_factor.new_secret())
    return ""


def _prove_password(request: Request) -> None:
    user = User.objects.get(username=request.actor.username)
    if user.has_usable_password() and not user.check_password(request.POST.get("password", "")):
        raise UsageError(_("this is not your password"), _("Write the password that you sign in with"))


def _setting_up(request: Request) -> dict[str, str]:
    if "factor" not in request.session:
        return {}
    secret = unseal(request.session["factor"])
    address = actions_second_factor.address_of(secret, request.actor.username, workspace().config.name)
    picture = segno.make(address, micro=False, error="m").svg_data_uri(scale=4, border=3, light="white")
    return {"secret": " ".join(re.findall(".{1,4}", secret)), "picture": picture}


def _confirm_factor(request: Request) -> str:
    sealed = request.session.get("factor")
    if sealed is None:
        raise UsageError(_("nothing is being set up"), _("Begin again"))
    codes = actions_second_factor.confirm(request.actor, unseal(sealed), request.POST.get("code", ""))
    request.session["codes"] = seal(" ".join(codes))
    del request.session["factor"]
    return _("Your second factor is on")


def _cancel_factor(request: Request) -> str:
    request.session.pop("factor", None)
    return ""


def _renew_codes(request: Request) -> str:
    codes = actions_second_factor.renew_codes(request.actor, request.POST.get("code", ""))
    request.session["codes"] = seal(" ".join(codes))
    return _("The recovery codes that you had are worth nothing any more")


def _factor_off(request: Request) -> str:
    actions_second_factor.turn_off(request.actor, request.POST.get("code", ""))
    return _("Your second factor is off")
