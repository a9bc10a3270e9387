"""Messages that leave the house: by SMTP, to a chat by Apprise, to a webhook by POST. Settings: `[mail]` and `[reports]` of salesops.toml.

What has been sent is marked in the state database after the other side has taken it. Between the two a worker can be killed: the message
is then sent again, with the same Message-ID (or Idempotency-Key), so that a receiver can drop the second one. No sender can do better
without the receiver's help.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import os
import re
import smtplib
import socket
import ssl
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from salesops.common.errors import InvalidData, NotAllowed, Problem, SalesopsError, UsageError
from salesops.records import access, context
from salesops.records.access import Actor

TIMEOUT = 30
SECURITY = ("starttls", "ssl", "none")
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
CHATS = frozenset(
    {"slack", "msteams", "workflow", "workflows", "discord", "gchat", "webex", "wxteams", "tgram", "zulip"}
    | {"rocket", "rockets", "mmost", "mmosts", "ntfys", "matrixs", "signals"}
)
"""Services of Apprise that may be sent to: chats, nothing that works on this machine."""
OWN_HOST = frozenset({"rocket", "rockets", "mmost", "mmosts", "ntfys", "matrixs", "signals"})
"""Those of them whose address names a server of one's own."""
NATIVE = ("hooks.slack.com", ".webhook.office.com", "discord.com", "chat.googleapis.com")
"""Hosts whose web addresses are those of a chat (Apprise reads them)."""


class NotSent(SalesopsError):
    """A message that the other side did not take; `passes` says whether it may later."""

    def __init__(self, message: str, remedy: str = "", *, passes: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.passes = passes


@dataclass(frozen=True)
class Message:
    """What is sent: the same to every recipient of a run."""

    title: str
    text: str
    files: tuple[tuple[str, str, bytes], ...] = ()  # name, media type, content
    facts: Mapping[str, Any] | None = None  # for programs: goes to webhooks


# Recipients


def recipients_of(actor: Actor, texts: Iterable[str], stored: Sequence[Mapping[str, str]] = ()) -> list[dict[str, str]]:
    """Read e-mail addresses and addresses on the web as they are stored; one that is stored already may be given as it is shown.

    Raises InvalidData with every fault, NotAllowed for an address on the web without the permission `send_out`.
    """
    known = {one["shown"]: dict(one) for one in stored}
    found: dict[str, dict[str, str]] = {}
    problems = []
    for text in dict.fromkeys(text.strip() for text in texts if text.strip()):
        try:
            one = known.get(text) or (_web(actor, text) if "://" in text else _mail(text))
        except (UsageError, InvalidData) as error:
            problems.append(Problem("recipients", None, "to", error.message, error.remedy))
        else:
            found[one["shown"]] = one
    if problems:
        raise InvalidData(problems[0].problem, remedy=problems[0].remedy, problems=problems)
    return list(found.values())


def _mail(text: str) -> dict[str, str]:
    if not ADDRESS.fullmatch(text):
        raise UsageError(f"{text!r} is no e-mail address", "Write for example ann@acme.com, or slack://...")
    domain = text.rpartition("@")[2].lower()
    allowed = [str(one).lower() for one in _option("reports").get("domains", ())]
    if allowed and domain not in allowed:
        raise UsageError(
            f"reports do not go to {domain}", f"Allowed are {', '.join(allowed)} ([reports] domains in salesops.toml)"
        )
    return {"kind": "email", "shown": text}


def _web(actor: Actor, text: str) -> dict[str, str]:
    if not access.may(actor, "send_out"):
        raise NotAllowed(
            f"{actor.username} may not send to addresses on the web", remedy="Give e-mail addresses, or ask sales ops"
        )
    from salesops.records.sealing import seal

    kind = check_address(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    parts = urlsplit(text)
    place = f"{parts.scheme}://{parts.hostname}/…" if kind == "webhook" else f"{parts.scheme}://…"
    return {"kind": kind, "shown": f"{place} ({digest})", "sealed": seal(text)}


def check_address(text: str) -> str:
    """What an address on the web is: webhook or chat. Raises UsageError for one that may not be sent to."""
    try:
        parts = urlsplit(text)
        host, scheme = parts.hostname or "", parts.scheme.lower()
    except ValueError:
        raise UsageError("this address cannot be read", "Copy it again from the service") from None
    if scheme in ("http", "https"):
        if _is_chat(host):
            _apprise(text)
            return "chat"
        _check_host(host)
        return "webhook"
    if scheme not in CHATS:
        raise UsageError(f"{scheme}:// cannot be sent to", f"Use https://, or {', '.join(sorted(CHATS))}")
    if scheme in OWN_HOST:
        _check_host(host)
    _apprise(text)
    return "chat"


def _is_chat(host: str) -> bool:
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in NATIVE)


def _check_host(host: str) -> None:
    """Raise UsageError for a host inside the network, unless `[reports] webhook_hosts` lists it."""
    if host in _option("reports").get("webhook_hosts", ()):
        return
    try:
        places = {one[4][0] for one in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        raise NotSent(f"the host {host} is not known", "Check the address") from None
    if not all(ipaddress.ip_address(str(one).partition("%")[0]).is_global for one in places):
        raise UsageError(
            f"{host} is inside this network", 'Allow it in salesops.toml: [reports] webhook_hosts = ["' + host + '"]'
        )


def _apprise(text: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise UsageError("chats need Apprise, which is not installed", "pip install 'salesops[notify]'") from None
    found = apprise.Apprise.instantiate(text, suppress_exceptions=True)
    if found is None:
        raise UsageError("this is no complete address of a chat", "Copy it again from the service (see Apprise's wiki)")
    return found


# Sending


def send(recipient: Mapping[str, str], message: Message, token: str) -> None:
    """Send one message; `token` is the same in every try. Raises NotSent, UsageError where something is not set up."""
    kind = recipient["kind"]
    if kind == "email":
        _send_mail(recipient["shown"], message, token)
        return
    from salesops.records.sealing import unseal

    address = unseal(recipient["sealed"])
    check_address(address)  # the network, or the settings, may have changed
    if kind == "webhook":
        _post(address, message, token)
    else:
        _chat(address, message)


def token_of(run: int, recipient: str) -> str:
    """What a message is called: the same in every try of a run, and no other workspace's."""
    from django.conf import settings

    return hashlib.sha256(f"{settings.SECRET_KEY}:{run}:{recipient}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Server:
    """The mail server of the workspace."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    security: str


def mail_server() -> Server:
    """The settings of e-mail: `[mail]` of salesops.toml, over it SALESOPS_MAIL_HOST, _PORT, _USER, _PASSWORD, _FROM, _SECURITY.

    Raises UsageError that says what is missing.
    """
    given = {**_option("mail")}
    for name in ("host", "port", "user", "password", "from", "security"):
        if text := os.environ.get(f"SALESOPS_MAIL_{name.upper()}"):
            given[name] = text
    if missing := [name for name in ("host", "from") if not given.get(name)]:
        raise UsageError(
            f"e-mail is not set up: {' and '.join(missing)} missing",
            'Add to salesops.toml: [mail] host = "smtp.acme.com", from = "salesops@acme.com" (password: SALESOPS_MAIL_PASSWORD)',
        )
    security = str(given.get("security", "starttls"))
    port = str(given.get("port", 465 if security == "ssl" else 587))
    if security not in SECURITY or not port.isdigit():
        raise UsageError(f"[mail] has security {security!r}, port {port!r}", f"security is {', '.join(SECURITY)}")
    return Server(
        str(given["host"]), int(port), str(given.get("user", "")), str(given.get("password", "")), str(given["from"]), security
    )  # fmt: skip


def _option(name: str) -> Mapping[str, Any]:
    found = context.option(name, {})
    return found if isinstance(found, Mapping) else {}


def _send_mail(to: str, message: Message, token: str) -> None:
    server = mail_server()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, to, " ".join(message.title.split())
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{token}@{server.sender.rpartition('@')[2].strip('> ') or 'salesops'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    for name, media, content in message.files:
        main, _, sub = media.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    try:
        _deliver(server, mail)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise NotSent(
            f"the mail server refused the message to {to}: {_said(error)}", passes=_temporary(error)
        ) from error
    except ssl.SSLError as error:
        raise NotSent(f"no safe connection to {server.host}: {error.reason or error}", passes=False) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(
            f"the mail server {server.host}:{server.port} did not take the message: {_said(error)}"
        ) from error


def _deliver(server: Server, mail: EmailMessage) -> None:
    safe = ssl.create_default_context()
    if server.security == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=safe)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    with connection:
        if server.security == "starttls":
            connection.starttls(context=safe)
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(mail)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"{code} {text.decode(errors='replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__


def _temporary(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < 500


def _post(address: str, message: Message, token: str) -> None:
    """POST JSON; redirects are not followed."""
    parts = urlsplit(address)
    body = json.dumps(
        {"title": message.title, "text": message.text, **(message.facts or {})}, ensure_ascii=False, default=str
    )
    headers = {"Content-Type": "application/json", "Idempotency-Key": token, "User-Agent": "salesops"}
    if parts.username:
        import base64

        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body.encode(), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"{parts.hostname} did not take the message: {type(error).__name__}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        passes = status >= 500 or status in (408, 425, 429)
        raise NotSent(f"{parts.hostname} answered {status}", passes=passes)


def _chat(address: str, message: Message) -> None:
    """Send to a chat by Apprise, files with it where the service takes them."""
    import apprise

    service = _apprise(address)
    sender = apprise.Apprise()
    sender.add(service)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        if getattr(service, "attachment_support", False):
            for name, _, content in message.files:
                place = Path(folder) / name
                place.write_bytes(content)
                files.append(str(place))
        if not sender.notify(body=message.text, title=message.title, attach=files or None):
            raise NotSent(f"{urlsplit(address).scheme} did not take the message", "Check the address in the service")
