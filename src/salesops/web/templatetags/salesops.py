"""Template tags of the shell: icons, links that keep the scope bar, numbers, deltas."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from salesops.web.shell import shown
from salesops.web.shell.icons import ICONS

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the set (16 x 16, drawn in the colour of the text)."""
    assert name in ICONS, f"there is no icon {name}"
    return format_html('<svg class="i {}" aria-hidden="true"><use href="#i-{}"/></svg>', extra, name)


@register.simple_tag(takes_context=True)
def to(context: dict[str, Any], name: str, *args: Any, **changes: Any) -> str:
    """The address of a page with what the scope bar says; named values change or (empty) drop a part of it."""
    question = getattr(context.get("request"), "question", None)
    kept = {key: value if value not in ("", None) else None for key, value in changes.items()}
    if question is None:
        from urllib.parse import urlencode

        given = {key: value for key, value in kept.items() if value is not None}
        return reverse(name, args=args) + (f"?{urlencode(given)}" if given else "")
    return reverse(name, args=args) + question.link(**kept)


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], **changes: Any) -> str:
    """This address with parameters changed (None drops one): the page's own filters stay."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in ("", None):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return "?" + query.urlencode()


@register.simple_tag(takes_context=True)
def drop(context: dict[str, Any], name: str) -> str:
    """This address without one parameter (its name may hold what a tag's argument cannot), back on the first page."""
    query = context["request"].GET.copy()
    if name not in query:  # a filter that was just added
        name = "add"
    for one in (name, "offset", *(("value",) if name == "add" else ())):
        query.pop(one, None)
    return "?" + query.urlencode()


@register.filter
def day(value: Any) -> str:
    """A day as people write it: 17 Nov 2026."""
    return shown.day(value)


@register.filter
def count(value: Any) -> str:
    """A whole number with thousands grouped."""
    return "" if value is None else shown.number(value)


@register.inclusion_tag("parts/delta.html")
def delta(change: shown.Delta | None, than: str = "") -> dict[str, Any]:
    """A change: triangle, sign, figure, word; nothing where there is no change to tell."""
    return {"delta": change, "than": than}


@register.simple_tag
def symbols() -> SafeString:
    """Every icon as a symbol, once a page."""
    return format_html_join(
        "",
        '<symbol id="i-{}" viewBox="0 0 16 16"><path d="{}"/></symbol>',
        ((name, path) for name, path in ICONS.items()),
    )


@register.filter
def unlocalized(value: Any) -> str:
    """A number for a drawing: with a point, whatever the language."""
    return f"{value:g}" if isinstance(value, float) else str(value)
