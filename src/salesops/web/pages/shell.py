"""Sign-in and out, the account, the command palette, and what the scope bar offers."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import SalesopsError
from salesops.metrics.catalogue import metrics
from salesops.records import access, actions_second_factor, actions_users, actions_work, queries, throttle
from salesops.web.serving import workspace
from salesops.web.shell import nav, provider, signin
from salesops.web.shell.asked import Request, inside
from salesops.web.shell.routes import page

FOUND = 8
"""How many of a kind the palette shows."""


@page("sign-in", "sign-in", action="open", methods=("GET", "POST"))
def sign_in(request: Request) -> HttpResponse:
    """User name and password."""
    following = inside(request.POST.get("next") or request.GET.get("next") or "/")
    if request.method == "GET":
        return HttpResponseRedirect(following) if request.actor else _ask(request, following)
    username = request.POST.get("username", "")
    if seconds := signin.attempt(request, account=username):
        return _ask(request, following, signin.in_words(seconds), username, seconds)
    user = signin.check(username, request.POST.get("password", ""))
    if user is None:
        signin.written(request, "sign_in.refused", username, how="password")
        return _ask(request, following, _("This user name and password do not belong together."), username)
    signin.good(request, account=username)
    return signin.enter(request, user, "password", following)


def _ask(
    request: Request, following: str = "/", problem: str = "", username: str = "", seconds: int = 0
) -> HttpResponse:
    facts: dict[str, Any] = {
        "next": following,
        "company": workspace().config.name,
        "problem": problem,
        "username": username,
        "provider": provider.title() if provider.configured() else "",
    }
    response = render(request, "signin/sign_in.html", facts, status=429 if seconds else 403 if problem else 200)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response


@page("sign-in/link/<str:text>", "sign-in-link", action="open")
def sign_in_by_link(request: Request, text: str) -> HttpResponse:
    """A link that an admin or the server's own command line made; it signs in once."""
    if seconds := signin.attempt(request):
        return _ask(request, problem=signin.in_words(seconds), seconds=seconds)
    user = actions_users.user_of_link(text)
    if user is None or not throttle.use_link(text, actions_users.LINK_SECONDS):
        signin.written(request, "sign_in.refused", "" if user is None else user.username, how="link")
        return _ask(request, problem=_("This link is older than fifteen minutes, was used before, or was never one."))
    signin.good(request)
    return signin.enter(request, user, "link")


@page("sign-in/provider", "sign-in-provider", action="open")
def sign_in_at_provider(request: Request) -> HttpResponse:
    """To the company's provider (OpenID Connect)."""
    if not provider.configured():
        return _ask(request, problem=_("This workspace has no sign-in provider."))
    try:
        address, held = provider.begin(_back(request), inside(request.GET.get("next") or "/"))
    except SalesopsError as error:
        return _ask(request, problem=str(error))
    request.session["provider"] = held
    if not request.actor:
        request.session.set_expiry(provider.LATEST // 1_000_000)
    return HttpResponseRedirect(address)


@page("sign-in/provider/back", "sign-in-back", action="open")
def back_from_provider(request: Request) -> HttpResponse:
    """The provider's answer: who it is, by a verified e-mail that an account has."""
    held = request.session.pop("provider", None)
    if seconds := signin.attempt(request):
        return _ask(request, problem=signin.in_words(seconds), seconds=seconds)
    try:
        claims = provider.finish(held, request.GET)
        if claims.get("email_verified") is not True:
            raise provider.Refused(_("the provider does not vouch for an e-mail"), _("Confirm your e-mail there"))
        user = actions_users.user_of_email(str(claims.get("email", "")), str(claims.get("name", "")))
        if user is None:
            raise provider.Refused(
                _("no account here has the e-mail that the provider knows"), _("Ask an admin for an account")
            )
    except SalesopsError as error:
        signin.written(request, "sign_in.refused", "", how="provider", why=error.message)
        return _ask(request, problem=str(error))
    signin.good(request)
    return signin.enter(request, user, "provider", held["next"])


def _back(request: Request) -> str:
    path = reverse("sign-in-back")
    served_as = workspace().config.served_as
    return f"{served_as}{path}" if served_as else request.build_absolute_uri(path)


@page("sign-in/code", "sign-in-code", action="open", methods=("GET", "POST"))
def sign_in_code(request: Request) -> HttpResponse:
    """The second factor of who has shown a password or a link."""
    found = signin.waiting(request)
    if found is None:
        return HttpResponseRedirect(reverse("sign-in"))
    user, held = found
    facts: dict[str, Any] = {"company": workspace().config.name}
    if request.method == "GET":
        return render(request, "signin/code.html", facts)
    if seconds := signin.attempt(request, code=user.username):
        response = render(request, "signin/code.html", {**facts, "problem": signin.in_words(seconds)}, status=429)
        response["Retry-After"] = str(seconds)
        return response
    kind = actions_second_factor.check_code(user.username, request.POST.get("code", ""))
    if not kind:
        signin.written(request, "sign_in.refused", user.username, how=held["how"], second_factor="wrong")
        problem = _("This code is not good, or was used before.")
        return render(request, "signin/code.html", {**facts, "problem": problem}, status=403)
    signin.good(request, code=user.username)
    signin.sign_in(request, user)
    signin.written(request, "sign_in", user.username, how=held["how"], second_factor=kind)
    if kind == "recovery":
        request.session["said"] = _("You used a recovery code: it is worth nothing any more")
    return HttpResponseRedirect(reverse("account") if kind == "recovery" else held["next"])


@page("sign-out", "sign-out", action="", methods=("POST",))
def sign_out(request: Request) -> HttpResponse:
    signin.written(request, "sign_out", request.actor.username)
    request.session.flush()
    return HttpResponseRedirect(reverse("sign-in"))


@page("palette", "palette")
def palette(request: Request) -> JsonResponse:
    """Pages, metrics, and records by name, for the command palette."""
    actor = request.actor
    text = request.GET.get("q", "").strip()
    lowered = text.casefold()
    found = [
        {"group": _("Go to"), "title": str(link.title), "url": reverse(link.name), "icon": link.icon}
        for link in _places(actor)
        if lowered in str(link.title).casefold()
    ]
    found += [
        {
            "group": _("Views"),
            "title": row["name"],
            "url": f"{row['page']}?{row['query']}" if row["query"] else row["page"],
            "icon": "filter",
        }
        for row in actions_work.list_work(actor, "saved_view")
        if lowered in row["name"].casefold()
    ][:FOUND]
    if len(text) >= 2:
        named = [one for one in metrics().values() if lowered in one.title.casefold() or lowered in one.id]
        found += [
            {"group": _("Metrics"), "title": one.title, "url": reverse("metric", args=[one.id]), "icon": "forecast"}
            for one in named[:FOUND]
        ]
        for entity, icon, group in (
            ("person", "people", _("People")),
            ("account", "deal", _("Accounts")),
            ("opportunity", "pipeline", _("Deals")),
        ):
            found += [
                {"group": group, "title": label, "url": reverse("record", args=[entity, key]), "icon": icon}
                for key, label in queries.find(actor, entity, text, limit=FOUND)
            ]
    return JsonResponse({"found": found})


def _places(actor: Any) -> list[nav.Link]:
    found = []
    for one in nav.PAGES:
        for tab in one.tabs:
            if access.roles_allow(actor, tab.action):
                title = one.title if len(one.tabs) == 1 else f"{one.title}: {tab.title}"
                found.append(nav.Link(title, tab.name, one.icon))
    return found


@page("scopes", "scopes")
def scopes(request: Request) -> JsonResponse:
    """What the scope bar offers for a text: teams, units, people."""
    actor = request.actor
    text = request.GET.get("q", "").strip()
    found = []
    for entity, kinds in (("team", ("team",)), ("business_unit", ("business_unit",)), ("person", ("manager", "owner"))):
        for _key, label in queries.find(actor, entity, text, limit=FOUND):
            found += [f"{kind}:{label}" for kind in kinds]
    return JsonResponse({"found": found})
