"""Sign-in at the company's provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636, S256) and nonce.

The session that began keeps state, nonce and verifier; the answer counts in that session only, once, within ten minutes. The ID token
must be signed by a key of the provider (asymmetric algorithms only), be for us, from the issuer, not expired, and carry the nonce.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt

from salesops.common.errors import NotAllowed, SalesopsError, WorkspaceError
from salesops.records import context

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LATEST = 600_000_000
"""How long, in microseconds, an answer of the provider is waited for."""
LEEWAY = 60
"""Seconds by which the clocks of the provider and of this machine may differ."""
LARGEST = 1_000_000
"""Bytes of an answer that are read."""


class Refused(NotAllowed):
    """The provider's answer signs nobody in; the message is for the audit log and for the reader."""


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *given: Any) -> None:
        return None


_opener = build_opener(_Stay)


def configured() -> bool:
    """Whether the workspace has a provider."""
    return bool(context.option("oidc_issuer", "") and context.option("oidc_client_id", ""))


def title() -> str:
    """What the provider is called on the sign-in page."""
    return str(context.option("oidc_title", "") or urlsplit(str(context.option("oidc_issuer", ""))).hostname or "")


def begin(back: str, following: str) -> tuple[str, dict[str, Any]]:
    """Where the browser goes to sign in, and what its session keeps until it comes back to the address `back`."""
    found = _discovered()
    held: dict[str, Any] = {
        "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48),
        "back": back, "next": following, "since": context.clock(),
    }  # fmt: skip
    challenge = base64.urlsafe_b64encode(hashlib.sha256(held["verifier"].encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": context.option("oidc_client_id", ""), "redirect_uri": back, "scope": "openid email profile",
        "state": held["state"], "nonce": held["nonce"], "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    start = found["authorization_endpoint"]
    return f"{start}{'&' if '?' in start else '?'}{urlencode(asked)}", held


def finish(held: Mapping[str, Any] | None, given: Mapping[str, str]) -> dict[str, Any]:
    """The claims of who signed in, by what the session kept and what the browser brought back. Raises Refused with the reason."""
    if not held or context.clock() - held["since"] > LATEST:
        raise Refused("the sign-in took too long, or began in another browser", remedy="Begin again")
    if not secrets.compare_digest(held["state"].encode(), given.get("state", "").encode()):
        raise Refused("the answer belongs to another sign-in", remedy="Begin again")
    if given.get("error") or not given.get("code"):
        raise Refused(
            f"the provider refused: {given.get('error', 'no code')[:60]}", remedy="Begin again, or ask an admin"
        )
    found = _discovered()
    token = _exchanged(found["token_endpoint"], given["code"], held)
    claims = _checked(token, found)
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), held["nonce"].encode()):
        raise Refused("the ID token has another nonce", remedy="Begin again")
    return claims


def _discovered() -> dict[str, Any]:
    issuer = str(context.option("oidc_issuer", ""))
    found = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise WorkspaceError(
            f"the provider says that it is {found.get('issuer')!r}",
            remedy="Write oidc_issuer exactly so, if it is yours",
        )
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _safe(str(found.get(name, "")))
    return found


def _exchanged(address: str, code: str, held: Mapping[str, Any]) -> str:
    client, secret = str(context.option("oidc_client_id", "")), os.environ.get("SALESOPS_OIDC_CLIENT_SECRET", "")
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": held["back"],
        "code_verifier": held["verifier"],
    }
    headers = {}
    if secret:
        pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        sent["client_id"] = client
    token = _fetched(address, urlencode(sent).encode(), headers).get("id_token")
    if not isinstance(token, str):
        raise Refused("the provider gave no ID token", remedy="Ask an admin whether the scope openid is granted")
    return token


def _checked(token: str, found: Mapping[str, Any]) -> dict[str, Any]:
    client = str(context.option("oidc_client_id", ""))
    try:
        head = jwt.get_unverified_header(token)
        keys = [
            key for key in jwt.PyJWKSet.from_dict(_fetched(found["jwks_uri"])).keys if key.key_id == head.get("kid")
        ]
        if len(keys) != 1:
            raise Refused("the ID token is signed by a key that the provider does not list", remedy="Begin again")
        claims = jwt.decode(
            token, keys[0].key, algorithms=ALGORITHMS, audience=client, issuer=found["issuer"], leeway=LEEWAY,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise Refused(f"the ID token does not hold: {error}", remedy="Begin again") from None
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
        raise Refused("the ID token was made for another program", remedy="Begin again")
    return dict(claims)


def _fetched(address: str, content: bytes | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    request = Request(_safe(address), content, {"Accept": "application/json", **(headers or {})})
    try:
        with _opener.open(request, timeout=10) as answer:
            found = json.loads(answer.read(LARGEST))
    except (URLError, OSError, ValueError) as error:
        raise SalesopsError(
            f"the sign-in provider does not answer as it should: {error}",
            remedy="Try again; else sign in by password or link",
        ) from None
    if not isinstance(found, dict):
        raise SalesopsError(
            "the sign-in provider does not answer as it should", remedy="Try again; else sign in by password or link"
        )
    return found


def _safe(address: str) -> str:
    """HTTPS, or plain HTTP on this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")):
        return address
    raise WorkspaceError(
        f"the sign-in provider's address {address!r} is not https://", remedy="Correct oidc_issuer, or the provider"
    )
