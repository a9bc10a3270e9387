"""Where a request comes from: the address behind our own proxies, and the browser in words."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from django.http import HttpRequest

from salesops.records import context

LOOPBACK = ("127.0.0.0/8", "::1/128")


def address_of(request: HttpRequest) -> str:
    """The address that asks: the last in X-Forwarded-For that is no proxy of ours, where a proxy of ours connects.

    Ours are those of the setting `trusted_proxies` (default: this machine). What others write into the header counts for nothing.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if not _ours(peer):
        return peer
    for hop in reversed(
        [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    ):
        if not _is_address(hop):
            return peer
        peer = hop
        if not _ours(hop):
            break
    return peer


def is_local(request: HttpRequest) -> bool:
    """Whether a program of this machine asks by itself, without a proxy."""
    forwarded = {"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} & set(request.headers)
    return not forwarded and _in(str(request.META.get("REMOTE_ADDR", "")), LOOPBACK)


def browser_of(agent: str) -> str:
    """Browser and system of a user agent, for example `Firefox, Linux`; empty where it says neither.

    >>> browser_of("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    """
    names = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "python")
    shown = {"Edg": "Edge", "OPR": "Opera", "python": "Python"}
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
    browser = next((shown.get(name, name) for name in names if re.search(rf"\b{name}\w*/", agent)), "")
    system = next((name for name in systems if name in agent), "")
    return ", ".join(
        part for part in (browser, system.replace("Mac OS X", "macOS").replace("CrOS", "ChromeOS")) if part
    )


def _ours(address: str) -> bool:
    listed = context.option("trusted_proxies", None)
    return _in(address, LOOPBACK if listed is None else tuple(map(str, listed)))


def _in(address: str, networks: tuple[str, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in ip_network(one, strict=False) for one in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
