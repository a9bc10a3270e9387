"""Who gets in, and who does not: attempts that wait, links that work once, second factors, sessions that end.

A workspace without records, served by two workers, asked over HTTP as browsers ask.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.doors.conftest import Door, Served, with_toml
from tests.web.conftest import Said

pytestmark = pytest.mark.timeout(600)
WORD = "a long enough word"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Place:
    """The served workspace, and what its tests look at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.door = Door(folder)
        assert self.door("init", folder, "--name", "Acme").code == 0
        with_toml(folder, 'approvals = "none"')
        for name, roles in (
            ("ann", "rep"),
            ("bob", "rep"),
            ("cleo", "rep"),
            ("dora", "rep"),
            ("adam", "admin"),
            ("ada", "auditor"),
        ):
            self.door.python(f"ws().users.create({name!r}, roles={roles!r}, password={WORD!r})")
        self.served = Served(folder, "--workers", "2", SALESOPS_OIDC_CLIENT_SECRET="hush&hush")

    def audit(self, action: str) -> list[dict[str, Any]]:
        """The entries of an action, the latest first, with their detail read."""
        rows = self.door("audit", "list", "--action", action, "--format", "json").rows
        return [
            {**row, "detail": json.loads(row["detail"]) if isinstance(row["detail"], str) else row["detail"]}
            for row in rows
        ]

    def forget(self) -> None:
        """As if a day had passed since the last attempt."""
        self.door.python(
            "ws(); from salesops.records.models import SignInCount; result = SignInCount.objects.all().delete()[0]"
        )

    def setting(self, name: str, value: str = "") -> None:
        """Write a line into salesops.toml (none where the value is empty)."""
        file = self.folder / "salesops.toml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith(f"{name} =")]
        file.write_text("\n".join([f"{name} = {value}", *lines] if value else lines) + "\n")


class Browser:
    """Cookies, forms with their token, no redirect followed."""

    def __init__(self, port: int, agent: str = FIREFOX, **headers: str) -> None:
        self.port, self.cookies = port, dict[str, str]()
        self.headers = {"User-Agent": agent, **{name.replace("_", "-"): text for name, text in headers.items()}}
        self.set: list[str] = []

    def get(self, path: str) -> Said:
        return self._ask("GET", path)

    def post(self, path: str, /, **fields: str) -> Said:
        """Send a form of the page at this path."""
        if "csrftoken" not in self.cookies:
            self.get("/sign-in")
        page = self.get(path if path != "/sign-out" else "/account")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page
        return self._ask("POST", path, urlencode({**fields, "csrfmiddlewaretoken": token[1]}))

    def sign_in(self, name: str, password: str = WORD, **more: str) -> Said:
        return self.post("/sign-in", username=name, password=password, **more)

    def _ask(self, method: str, path: str, body: str | None = None) -> Said:
        sent = {**self.headers, "Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            self.set = answer.headers.get_all("Set-Cookie") or []
            for one in self.set:
                name, text = one.split(";")[0].split("=", 1)
                self.cookies[name] = text
            return Said(
                answer.status, {name.title(): text for name, text in answer.getheaders()}, answer.read().decode()
            )
        finally:
            connection.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("sign-in") / "acme")
    yield place
    place.served.close()
    place.door.close()
    assert not [line for line in place.served.log if "Traceback" in line], "".join(place.served.log)


@pytest.fixture
def browser(place: Place) -> Browser:
    place.forget()
    return Browser(place.served.port)


# Attempts


def test_wrong_passwords_wait_longer_and_longer(place: Place, browser: Browser) -> None:
    """Five wrong ones are free; then the right one waits, too. Both workers count together, and nobody else waits."""
    for _ in range(5):
        said = browser.sign_in("ann", "wrong")
        assert said.status == 403
    said = browser.sign_in("ann")
    assert said.status == 429
    assert 1 <= int(said.headers["Retry-After"]) <= 5
    assert re.search(r"Try again in \d seconds?\.", said.text)
    assert browser.sign_in("bob").location == "/"
    time.sleep(int(said.headers["Retry-After"]))
    assert Browser(place.served.port).sign_in("ann", "wrong").status == 403
    said = Browser(place.served.port).sign_in("ann")
    assert int(said.headers["Retry-After"]) > 5  # the next wait is 10 seconds
    refused = place.audit("sign_in.refused")
    assert [(row["user"], row["detail"]) for row in refused[:2]] == [
        ("ann", {"how": "password", "address": "127.0.0.1"})
    ] * 2
    assert len(refused) == 6
    assert place.audit("sign_in")[0]["user"] == "bob"


def test_a_name_that_there_is_not_answers_alike(place: Place, browser: Browser) -> None:
    """The same words, the same waits; what was typed as a name is written down nowhere."""
    answers = {}
    for name in ("cleo", "my-password-typed-here"):
        place.forget()
        said = [Browser(place.served.port).sign_in(name, "wrong") for _ in range(6)]
        answers[name] = [(one.status, one.headers.get("Retry-After", "")[:1] != "") for one in said]
        assert "do not belong together" in said[0].text
    assert answers["cleo"] == answers["my-password-typed-here"] == [(403, False)] * 5 + [(429, True)]
    assert place.audit("sign_in.refused")[0]["user"] == "nobody"
    assert "my-password" not in json.dumps(place.audit("sign_in.refused"))


def test_an_address_that_tries_many_names_waits(place: Place, browser: Browser) -> None:
    """Twenty-five attempts of an address are free, whatever the names; another address goes on (it is behind our proxy)."""
    far = Browser(place.served.port, X_Forwarded_For="203.0.113.9")
    assert [far.sign_in(f"name{n}", "wrong").status for n in range(26)] == [403] * 25 + [429]
    assert far.sign_in("dora").status == 429
    assert Browser(place.served.port, X_Forwarded_For="203.0.113.9, 198.51.100.7").sign_in("dora").location == "/"
    assert place.audit("sign_in")[0]["detail"]["address"] == "198.51.100.7"


def test_a_link_signs_in_once(place: Place, browser: Browser) -> None:
    """A second browser with the same link is told; the next link of the same second is another one."""
    first, second = (place.door("user", "link", "cleo").out.strip() for _ in range(2))
    assert first != second
    assert browser.get(first).location == "/"
    again = Browser(place.served.port).get(first)
    assert again.status == 403
    assert "was used before" in again.text
    assert browser.get("/account").status == 200  # the first session stands
    assert Browser(place.served.port).get(second).location == "/"
    assert place.audit("sign_in")[0]["detail"]["how"] == "link"
    assert place.audit("sign_in.refused")[0]["user"] == "cleo"


# The second factor


def setup(browser: Browser) -> tuple[str, list[str]]:
    """Set up the second factor of who is signed in; gives the secret and the recovery codes."""
    assert browser.post("/account", do="factor", password=WORD).status == 302
    page = browser.get("/account")
    assert 'src="data:image/svg+xml' in page.text
    found = re.search(r'id="secret" value="([A-Z2-7 ]+)"', page.text)
    assert found
    secret = found[1].replace(" ", "")
    assert (
        browser.post(
            "/account", do="confirm", code="000000" if pyotp.TOTP(secret).now() != "000000" else "111111"
        ).status
        == 400
    )
    assert browser.post("/account", do="confirm", code=pyotp.TOTP(secret).now()).status == 302
    codes = re.findall(r'<li class="mono">([\w-]+)</li>', browser.get("/account").text)
    assert len(codes) == 10
    return secret, codes


def later(secret: str) -> str:
    """The code of the next half minute: good already, and not the one that was used."""
    return pyotp.TOTP(secret).at(time.time() + 30)


def test_a_second_factor_is_asked_for(place: Place, browser: Browser) -> None:
    """After the password and after a link; a code is good once, a recovery code too; secrets are stored sealed."""
    browser.sign_in("dora")
    assert browser.post("/account", do="factor", password="wrong").status == 400
    secret, codes = setup(browser)
    assert codes[0] not in browser.get("/account").text
    stored = (place.folder / "state.sqlite").read_bytes() + (place.folder / "state.sqlite-wal").read_bytes()
    assert secret.encode() not in stored
    assert codes[0].replace("-", "").encode() not in stored

    other = Browser(place.served.port)
    assert other.sign_in("dora", next="/account").location == "/sign-in/code"
    assert other.get("/account").location.startswith("/sign-in?")  # the password alone opens nothing
    code = later(secret)
    assert other.post("/sign-in/code", code=code).location == "/account"
    assert other.get("/account").status == 200

    third = Browser(place.served.port)
    assert third.get(place.door("user", "link", "dora").out.strip()).location == "/sign-in/code"
    assert third.post("/sign-in/code", code=code).status == 403  # used before
    assert third.post("/sign-in/code", code=codes[3].upper()).location == "/account"
    assert "9 recovery codes left" in third.get("/account").text
    assert place.audit("sign_in")[0]["detail"]["second_factor"] == "recovery"

    fourth = Browser(place.served.port)
    fourth.sign_in("dora")
    tries = [fourth.post("/sign-in/code", code=text) for text in (codes[3], "123", "abcdef", "9" * 400, "٣٣٣٣٣٣", "x")]
    assert [one.status for one in tries] == [403] * 5 + [429]


def test_an_admin_resets_it(place: Place, browser: Browser) -> None:
    """Who lost phone and codes; the reset stands in the audit log, and an owner's is an owner's to reset."""
    admin = browser
    admin.sign_in("adam")
    assert admin.post("/settings/people", do="factor-reset", username="dora").status == 302
    assert Browser(place.served.port).sign_in("dora").location == "/"
    entry = place.audit("user.second_factor")[0]
    assert (entry["user"], entry["detail"]) == ("adam", {"user": "dora", "state": "reset"})
    assert admin.post("/settings/people", do="factor-reset", username="owner").status == 400
    assert place.door("user", "reset-second-factor", "dora").code != 0  # there is none any more


def test_everybody_may_be_required_to_have_one(place: Place, browser: Browser) -> None:
    """Until it is set up only the account opens; afterwards it cannot be turned off."""
    place.setting("second_factor", '"required"')
    try:
        browser.sign_in("bob")
        assert browser.get("/settings/keys").location == "/account"
        assert "Everybody needs a second factor" in browser.get("/account").text
        secret, codes = setup(browser)
        assert browser.get("/settings/keys").status == 200
        assert browser.post("/account", do="factor-off", code=codes[0]).status == 400
        place.setting("second_factor")
        assert browser.post("/account", do="factor-off", code=later(secret)).status == 302
    finally:
        place.setting("second_factor")


# A provider


class Provider:
    """A small OpenID provider on loopback: it knows one client, checks its secret and PKCE, and signs what a test tells it to."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.signed_by: Any = self.key
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(outer.document() if "openid-configuration" in self.path else outer.keys())

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._say(outer.token(dict(parse_qsl(text)), self.headers["Authorization"] or ""))

            def _say(self, found: dict[str, Any]) -> None:
                body = json.dumps(found).encode()
                self.send_response(200 if "error" not in found else 400)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/acme"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            **{name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")},
        }

    def keys(self) -> dict[str, Any]:
        return {
            "keys": [
                {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key())), "kid": "1", "use": "sig"}
            ]
        }

    def token(self, given: dict[str, str], authorization: str) -> dict[str, Any]:
        asked = self.codes.pop(given["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        known = base64.b64decode(authorization.removeprefix("Basic ")) == b"salesops:hush%26hush"
        if (
            asked is None
            or not known
            or challenge != asked["code_challenge"]
            or given["redirect_uri"] != asked["redirect_uri"]
        ):
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": "salesops", "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "email_verified": True, **self.claims,
        }  # fmt: skip
        return {"id_token": jwt.encode(claims, self.signed_by, "RS256", headers={"kid": "1"}), "token_type": "Bearer"}

    def through(self, browser: Browser, **claims: Any) -> Said:
        """Begin at our sign-in page, sign in there, come back."""
        self.claims = claims
        start = browser.get("/sign-in/provider?next=/account").location
        asked = dict(parse_qsl(urlsplit(start).query))
        assert asked["code_challenge_method"] == "S256"
        self.codes["c"] = asked
        return browser.get(f"/sign-in/provider/back?{urlencode({'code': 'c', 'state': asked['state']})}")


@pytest.fixture(scope="module")
def provider(place: Place) -> Iterator[Provider]:
    made = Provider()
    place.setting("oidc_issuer", f'"{made.issuer}"')
    place.setting("oidc_client_id", '"salesops"')
    place.setting("oidc_title", '"Acme ID"')
    place.door.python("ws().users.create('ben@acme.example', roles='rep')")
    place.door.python("ws().records.create('person', {'name': 'Eve Lind', 'email': 'Eve@acme.example'})")
    place.door.python("ws().users.create('eve', roles='finance', person='Eve Lind')")
    yield made
    for name in ("oidc_issuer", "oidc_client_id", "oidc_title"):
        place.setting(name)
    made.server.shutdown()


def test_the_provider_signs_in_who_has_an_account(place: Place, provider: Provider, browser: Browser) -> None:
    """By the user name, or by the e-mail of the user's person; the second factor of here is asked for, too."""
    assert "Sign in with Acme ID" in browser.get("/sign-in").text
    assert provider.through(browser, email="Ben@acme.example").location == "/account"
    assert "ben@acme.example" in browser.get("/account").text
    other = Browser(place.served.port)
    assert provider.through(other, email="eve@acme.example", aud=["salesops"]).location == "/account"
    assert (place.audit("sign_in")[0]["user"], place.audit("sign_in")[0]["detail"]["how"]) == ("eve", "provider")
    setup_without_password(other)
    assert provider.through(Browser(place.served.port), email="eve@acme.example").location == "/sign-in/code"


def setup_without_password(browser: Browser) -> None:
    browser.post("/account", do="factor")
    found = re.search(r'id="secret" value="([A-Z2-7 ]+)"', browser.get("/account").text)
    assert found
    assert browser.post("/account", do="confirm", code=pyotp.TOTP(found[1].replace(" ", "")).now()).status == 302


def test_what_the_provider_says_is_checked(place: Place, provider: Provider, browser: Browser) -> None:
    """Another nonce, audience, issuer, signature; expired, unverified, unknown: nobody is signed in, and the log says why."""
    now = int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "nonce": {"nonce": "another"}, "Audience": {"aud": "another"}, "another program": {"aud": ["salesops", "x"], "azp": "x"},
        "expired": {"exp": now - 120, "iat": now - 600}, "ssuer": {"iss": "https://evil.example"},
        "vouch": {"email_verified": False}, "no account": {"email": "stranger@acme.example"},
    }  # fmt: skip
    for why, claims in wrong.items():
        here = Browser(place.served.port)
        said = provider.through(here, **{"email": "ben@acme.example", **claims})
        assert (said.status, why in said.text) == (403, True), (why, said.text)
        assert why in place.audit("sign_in.refused")[0]["detail"]["why"]
        assert here.get("/account").status == 302
    provider.signed_by = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert "ignature" in provider.through(browser, email="ben@acme.example").text
    provider.signed_by = provider.key
    start = browser.get("/sign-in/provider").location
    asked = dict(parse_qsl(urlsplit(start).query))
    provider.codes["c"] = asked
    stolen = f"/sign-in/provider/back?{urlencode({'code': 'c', 'state': asked['state']})}"
    assert Browser(place.served.port).get(stolen).status == 403  # another browser
    assert browser.get(stolen.replace("state=", "state=x")).status == 403
    assert browser.get(stolen).status == 403  # the wrong answer has used it up
    assert "stranger@acme.example" not in place.door("user", "list").out


def test_nobody_becomes_an_admin_by_a_person(place: Place, provider: Provider, browser: Browser) -> None:
    """An e-mail of a person, which others may edit, opens no account that manages accounts; `oidc_create_role` makes accounts."""
    place.door.python("ws().records.create('person', {'name': 'Adam Roe', 'email': 'adam@acme.example'})")
    place.door.python("ws().users.edit('adam', person='Adam Roe')")
    assert provider.through(browser, email="adam@acme.example").status == 403
    place.setting("oidc_create_role", '"exec"')
    try:
        assert provider.through(browser, email="new@acme.example", name="New Name").location == "/account"
        made = [row for row in place.door.python("result = ws().users.list()") if row["username"] == "new@acme.example"]
        assert [(row["name"], row["roles"]) for row in made] == [("New Name", "exec")]
        assert provider.through(Browser(place.served.port), email="adam@acme.example").status == 403
    finally:
        place.setting("oidc_create_role")


# Sessions


def test_sessions_are_listed_and_ended(place: Place, browser: Browser) -> None:
    """Where, since when, with which browser; one is ended, or all others; signing out ends this one."""
    phone = Browser(
        place.served.port, "Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1", X_Forwarded_For="198.51.100.20"
    )
    for one in (phone, browser):
        one.sign_in("ann")
    page = browser.get("/account").text
    assert "Firefox, Linux" in page
    row = re.search(r'Safari, iPhone</th><td class="mono">198.51.100.20</td>.*?name="number" value="(\w+)"', page, re.S)
    assert row
    assert browser.post("/account", do="end-one", number=row[1]).status == 302
    assert phone.get("/account").status == 302
    assert browser.post("/account", do="end-one", number=row[1]).status == 400
    phone.sign_in("ann")
    browser.post("/account", do="end")
    assert phone.get("/account").status == 302
    assert browser.post("/sign-out").location == "/sign-in"
    assert browser.get("/account").status == 302
    assert place.audit("sign_out")[0]["user"] == "ann"


def test_an_idle_session_ends(place: Place, browser: Browser) -> None:
    """A day without a request by default, or as `idle_minutes` says."""
    browser.sign_in("cleo")
    moved = (
        "ws(); from django.contrib.sessions.models import Session; from django.contrib.sessions.backends.db import SessionStore\n"
        "store = SessionStore({key!r}); store['seen'] -= {minutes} * 60_000_000; store.save(); result = 1"
    )
    key = browser.cookies["salesops"]
    place.door.python(moved.format(key=key, minutes=23 * 60))
    assert browser.get("/account").status == 200  # and counts from now on
    place.door.python(moved.format(key=key, minutes=23 * 60))
    assert browser.get("/account").status == 200
    place.setting("idle_minutes", "60")
    try:
        place.door.python(moved.format(key=key, minutes=61))
        assert browser.get("/account").status == 302
    finally:
        place.setting("idle_minutes")


def test_behind_a_certificate(place: Place) -> None:
    """`served_as` makes cookies secure, asks browsers for HTTPS, and forms of that address are ours."""
    place.setting("served_as", '"https://sales.example.com"')
    served = Served(place.folder)
    try:
        place.forget()
        here = Browser(served.port, Host="sales.example.com", Origin="https://sales.example.com")
        said = here.sign_in("cleo")
        assert said.location == "/"
        assert all("; Secure" in one for one in here.set)
        assert said.headers["Strict-Transport-Security"].startswith("max-age=")
        assert Browser(served.port, Host="evil.example").get("/sign-in").status == 404
        here.headers["Origin"] = "https://evil.example"
        assert here.post("/account", do="end").status == 403
        assert "https://sales.example.com/sign-in/link/" in "".join(served.log)
    finally:
        served.close()
        place.setting("served_as")


# What the server says of itself


def test_figures_of_the_server(place: Place, browser: Browser) -> None:
    """Both workers' requests by route and status, for this machine or an admin's token; an address that was asked for is in none."""
    for _ in range(12):
        browser.get("/sign-in/link/a-secret")
    time.sleep(3)
    said = browser.get("/health/metrics")
    assert said.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = re.search(
        r'^salesops_requests_total\{method="GET",route="/sign-in/link/<str:text>",status="403"\} (\d+)$',
        said.text,
        re.M,
    )
    assert found
    assert int(found[1]) >= 12
    assert re.search(r"^salesops_sessions_open \d+$", said.text, re.M)
    assert re.search(
        r'^salesops_request_seconds_bucket\{route="/sign-in/link/<str:text>",le="\+Inf"\} \d+$', said.text, re.M
    )
    assert "a-secret" not in said.text
    assert Browser(place.served.port, X_Forwarded_For="203.0.113.4").get("/health/metrics").status == 403
    for user, scopes, status in (("adam", "admin", 200), ("adam", "metrics:read", 403), ("ann", "admin", 403)):
        made = place.door("user", "token", "create", user, "--name", "scrape", "--scopes", scopes).out.strip()
        assert Browser(place.served.port, Authorization=f"Bearer {made}").get("/health/metrics").status == status


def test_lines_of_json(place: Place) -> None:
    """One for each request, nothing secret among them: no password, no link, no token."""
    place.forget()
    served = Served(place.folder, "--log-format", "json")
    try:
        here = Browser(served.port)
        assert here.sign_in("cleo").location == "/"
        path = place.door("user", "link", "cleo").out.strip()
        here.get(path)
        made = place.door("user", "token", "create", "cleo", "--name", "t", "--scopes", "records:read").out.strip()
        assert Browser(served.port, Authorization=f"Bearer {made}").get("/api/v1/me").status == 200
        here.get("/account?q=what-was-searched")
        time.sleep(1)
    finally:
        served.close()
    lines = [json.loads(line) for line in served.log]
    asked = [line for line in lines if "route" in line]
    assert {"time", "user", "method", "route", "status", "ms"} == set(asked[0])
    assert ("cleo", "/account", 200) in [(line["user"], line["route"], line["status"]) for line in asked]
    assert ("cleo", "/api/v1/me") in [(line["user"], line["route"]) for line in asked]
    text = "".join(served.log)
    for secret in (WORD, path.rsplit("/", 1)[1], made, here.cookies["salesops"], "what-was-searched"):
        assert secret not in text


# Somebody is erased


def test_somebody_is_erased_on_a_page(place: Place, browser: Browser) -> None:
    """An admin types the name; a wrong one erases nothing; a rep has no such page."""
    key = place.door.python(
        "result = ws().records.create('contact', {'name': 'Ida Quist', 'email': 'ida@quist.example'})"
    )
    browser.sign_in("ann")
    assert browser.get(f"/erase/contact/{key}").status == 403
    admin = Browser(place.served.port)
    admin.sign_in("adam")
    assert f"/erase/contact/{key}" in admin.get(f"/record/contact/{key}").text
    refused = admin.post(f"/erase/contact/{key}", confirm="Ida")
    assert (refused.status, "nothing was erased" in refused.text) == (400, True)
    assert admin.post(f"/erase/contact/{key}", confirm="Ida Quist").status == 302
    page = admin.get(f"/record/contact/{key}").text
    assert "Erased contact" in page
    assert "Quist" not in page
