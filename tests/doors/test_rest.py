"""REST over a real server: who may call, records, versions, repeated calls, pages, imports, targets, the form of answers."""

from __future__ import annotations

import csv
import io
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .conftest import Door, Served, token

V1 = "/api/v1"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def said(answer: Any) -> dict[str, Any]:
    """The problem of an answer that is one."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem: dict[str, Any] = answer.json
    assert {"type", "title", "status", "detail", "remedy", "problems"} <= set(problem)
    assert problem["status"] == answer.status
    return problem


def upload(rest: Served, files: dict[str, bytes], user: str = "owner", **headers: str) -> Any:
    """Send files as a browser or curl does."""
    mark = uuid.uuid4().hex
    body = b""
    for name, content in files.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        body += head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    body += f"--{mark}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}", **headers}
    return rest("POST", f"{V1}/imports/files", user=user, raw=body, headers=kind)


# Who may call


def test_a_token_is_needed(rest: Served) -> None:
    """Without a token, or with a wrong one, nothing is said but how to get one."""
    for headers in ({}, {"Authorization": "Bearer so_0123456789abcdef_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = rest("GET", f"{V1}/records/account", headers=headers)
        assert answer.status == 401
        assert "user token create" in said(answer)["remedy"]
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert rest("GET", "/health").json["status"] == "ok"
    assert rest("GET", f"{V1}/openapi.json").json["openapi"].startswith("3.1")
    assert "swagger-ui" in rest("GET", f"{V1}/docs").text


def test_scopes_and_the_end_of_a_token(rest: Served, acme: Door) -> None:
    """A token does what its scopes say, `write` includes `read`, and a revoked or expired one is none; all of it is audited."""
    rest.tokens["reader"] = token(acme, "owner", "records:read")
    rest.tokens["writer"] = token(acme, "owner", "targets:write,records:write")
    assert rest("GET", f"{V1}/records/account", user="reader").status == 200
    refused = rest("POST", f"{V1}/records/account", {"values": {"name": "Gum"}}, user="reader")
    assert refused.status == 403
    assert "records:write" in said(refused)["detail"]
    assert rest("GET", f"{V1}/metrics/query?metrics=bookings", user="reader").status == 403
    assert rest("GET", f"{V1}/records/account", user="writer").status == 200
    assert rest("GET", f"{V1}/targets", user="writer").status == 200
    assert rest("GET", f"{V1}/me", user="reader").json["scopes"] == ["records:read"]
    listed = {row["id"]: row for row in acme("user", "token", "list", "--format", "json").rows}
    number = max(number for number, row in listed.items() if row["scopes"] == "records:read")
    assert listed[number]["last_used"]
    assert rest.tokens["reader"] not in json.dumps(listed)
    assert acme("user", "token", "revoke", number).code == 0
    assert rest("GET", f"{V1}/records/account", user="reader").status == 401
    assert acme("user", "token", "revoke", number).code == 5
    assert (
        acme("user", "token", "create", "--name", "x", "--scopes", "records:read", "--expires", "2020-01-01").code == 6
    )
    assert acme("user", "token", "create", "--name", "x", "--scopes", "nonsense").code == 2
    actions = [row["action"] for row in acme("audit", "list", "--format", "json").rows]
    assert {"token.create", "token.revoke"} <= set(actions)


def test_a_token_gives_no_more_than_its_user(rest: Served, acme: Door) -> None:
    """An admin token of a rep is a rep's; a deactivated user's is none; nobody makes one for an owner but an owner."""
    assert rest("GET", f"{V1}/audit", user="ben").status == 403
    assert rest("POST", f"{V1}/imports/1/undo", user="ben").status == 403
    made = rest("POST", f"{V1}/tokens", {"name": "mine", "scopes": ["records:read"]}, user="ben")
    assert made.status == 201
    assert (
        rest("POST", f"{V1}/tokens", {"name": "x", "scopes": ["admin"], "username": "owner"}, user="ben").status == 403
    )
    assert {row["user"] for row in rest("GET", f"{V1}/tokens", user="ben").json["items"]} == {"ben"}
    assert acme("user", "create", "adam", "--roles", "admin").code == 0
    rest.tokens["adam"] = token(acme, "adam")
    assert (
        rest("POST", f"{V1}/tokens", {"name": "x", "scopes": ["admin"], "username": "owner"}, user="adam").status == 403
    )
    assert (
        rest("POST", f"{V1}/tokens", {"name": "x", "scopes": ["admin"], "username": "ben"}, user="adam").status == 201
    )
    assert acme("user", "deactivate", "adam").code == 0
    assert rest("GET", f"{V1}/me", user="adam").status == 401


# Records


def test_a_record_from_birth_to_death(rest: Served) -> None:
    """Create, show, edit under a version, delete, restore, and the history of all of it, by REST."""
    made = rest(
        "POST",
        f"{V1}/records/account",
        {"values": {"name": "Oak", "revenue": 1200.5, "owner": "Ben Okoye"}},
        user="owner",
    )
    assert made.status == 201, made.text
    record, tag = made.json, made.headers["etag"]
    assert Decimal(record["values"]["revenue"]) == Decimal("1200.5")
    assert record["values"]["owner"]["label"] == "Ben Okoye"
    where = f"{V1}/records/account/{record['id']}"
    assert made.headers["location"] == where
    assert rest("GET", where, user="ben").headers["etag"] == tag
    changed = rest("PATCH", where, {"values": {"industry": "Wood"}}, user="ben", headers={"If-Match": tag})
    assert changed.status == 200
    late = rest("PATCH", where, {"values": {"industry": "Steel"}}, user="owner", headers={"If-Match": tag})
    assert late.status == 412
    assert "changed since" in said(late)["detail"]
    assert rest("DELETE", where, user="owner", headers={"If-Match": tag}).status == 412
    gone = rest("DELETE", where, user="owner", headers={"If-Match": changed.headers["etag"]})
    assert gone.json["deleted"] is True
    assert rest("DELETE", where, user="owner").status in (404, 409)
    assert rest("POST", f"{where}/restore", user="owner").json["deleted"] is False
    again = rest("PATCH", where, {"values": record["values"] | {"created": None}}, user="owner")
    assert again.status in (200, 422)
    history = rest("GET", f"{where}/history", user="ben").json["items"]
    assert [one["fields"].get("industry") for one in history][1] == "Wood"
    assert history[0]["user"] == "owner"
    undone = rest("POST", f"{V1}/edits/{history[1]['batch']}/undo", user="owner")
    assert undone.json == {"batch": history[1]["batch"], "records": 1}


def test_what_was_given_can_be_sent_back(rest: Served) -> None:
    """The values of a record, as they were given, are values that an edit takes: nothing changes."""
    for key in ("D01", "D07"):
        shown = rest("GET", f"{V1}/records/opportunity/{key}", user="owner")
        same = rest("PATCH", f"{V1}/records/opportunity/{key}", {"values": shown.json["values"]}, user="owner")
        assert same.status == 200, same.text
        assert same.json == shown.json


def test_everything_that_is_wrong_at_once(rest: Served) -> None:
    """Field, value and remedy of every mistake; nothing is written."""
    values = {"name": "Yew", "amount": "abc", "stage": "Nowhere", "colour": "green"}
    answer = rest("POST", f"{V1}/records/opportunity", {"values": values}, user="owner")
    assert answer.status == 422
    problems = {one["field"]: one for one in said(answer)["problems"]}
    assert set(problems) == {"amount", "stage", "colour"}
    assert all(one["remedy"] for one in problems.values())
    assert not rest.items(f"{V1}/records/opportunity?where=name = 'Yew'", "owner")


def test_what_one_may_not_see_is_not_there(rest: Served) -> None:
    """A deal of somebody else is 404 for a rep by any way; what a role may not do is 403."""
    for method, path, body in (
        ("GET", "opportunity/D01", None), ("GET", "opportunity/D01/history", None),
        ("PATCH", "opportunity/D01", {"values": {"amount": "1"}}), ("POST", "opportunity/D01/restore", None),
    ):  # fmt: skip
        assert rest(method, f"{V1}/records/{path}", body, user="ben").status in (403, 404), path
    assert rest("GET", f"{V1}/records/opportunity/D01", user="ben").status == 404
    assert rest("PATCH", f"{V1}/records/opportunity/D01", {"values": {"amount": "1"}}, user="ada").status == 403
    assert rest("GET", f"{V1}/records/nothing", user="ben").status == 404
    assert rest("PUT", f"{V1}/records/account", user="owner").status == 405
    assert "Entities" in said(rest("GET", f"{V1}/records/nothing", user="ben"))["remedy"]


def test_a_day_in_the_past(rest: Served) -> None:
    """As of a day a record is what it was; before it came into being it was not there."""
    now = rest("GET", f"{V1}/records/opportunity/D01", user="owner").json
    assert rest("GET", f"{V1}/records/opportunity/D01?as_of=2001-01-01", user="owner").status == 404
    then = rest("GET", f"{V1}/records/opportunity/D01?as_of=2025-12-31", user="owner").json
    assert (then["id"], then["as_of"]) == (now["id"], "2025-12-31")
    assert rest("GET", f"{V1}/records/opportunity?as_of=2025-12-31&as_known_on=2025-01-01", user="owner").status == 400


def test_pages_give_everything_once(rest: Served) -> None:
    """19 deals by pages of 5: no cap, none twice, a total on every page; a record created between pages moves none."""
    whole = {row["id"] for row in rest.items(f"{V1}/records/opportunity?limit=1000", "ada")}
    assert len(whole) == 19
    first = rest("GET", f"{V1}/records/opportunity?limit=5", user="ada").json
    assert (len(first["items"]), first["total"]) == (5, 19)
    made = rest("POST", f"{V1}/records/opportunity", {"values": {"name": "Ash"}}, user="owner").json["id"]
    rest_of_it = rest.items(first["next"], "ada")
    ids = [row["id"] for row in first["items"] + rest_of_it]
    assert len(ids) == len(set(ids))
    assert whole <= set(ids) <= whole | {made}
    sorted_page = rest("GET", f"{V1}/records/opportunity?limit=5&order=-amount", user="ada").json
    assert sorted_page["changed"] is False
    rest("DELETE", f"{V1}/records/opportunity/{made}", user="owner")
    second = rest("GET", sorted_page["next"], user="ada").json
    assert second["changed"] is True
    for bad in ("limit=0", "limit=1001", "cursor=zzz", "limt=5"):
        assert rest("GET", f"{V1}/records/opportunity?{bad}", user="ada").status in (400, 422), bad
    other = sorted_page["next"].replace("opportunity", "account")
    assert "another question" in said(rest("GET", other, user="ada"))["detail"]


def test_a_key_may_hold_a_slash(rest: Served) -> None:
    """A name with slashes is a key like any other, of the record and of what hangs on it."""
    made = rest("POST", f"{V1}/records/account", {"values": {"name": "Ash/Oak a/s"}}, user="owner").json
    for key in ("Ash%2FOak a%2Fs", "Ash/Oak a/s", made["id"]):
        assert rest("GET", f"{V1}/records/account/{key}", user="owner").json["id"] == made["id"], key
        assert rest("GET", f"{V1}/records/account/{key}/history", user="owner").json["items"], key
    key = f"{V1}/records/account/Ash%2FOak a%2Fs"
    assert rest("PATCH", key, {"values": {"industry": "Wood"}}, user="owner").json["values"]["industry"] == "Wood"
    assert rest("DELETE", key, user="owner").json["deleted"] is True
    assert rest("POST", f"{V1}/records/account/{made['id']}/restore", user="owner").json["deleted"] is False
    other = rest("POST", f"{V1}/records/account", {"values": {"name": "Ash"}}, user="owner").json["id"]
    assert rest("POST", f"{key}/merge", {"loser": other}, user="owner").json["merged_from"] == [other]


def test_what_people_declare(rest: Served, acme: Door) -> None:
    """Fields, words, owners, rules, definitions, accounts, tasks, comments: from making to ending, each with its entry in the log."""

    def call(method: str, path: str, body: Any = None, user: str = "owner") -> Any:
        answer = rest(method, f"{V1}/{path}", body, user=user, headers={"Idempotency-Key": uuid.uuid4().hex})
        assert answer.status in (200, 201), (path, answer.text)
        return answer.json

    field = {"kind": "kind", "title": "Tier", "words": ["gold", "silver"]}
    assert call("PUT", "fields/account/tier", field)["declared"] == "custom.tier"
    assert [row["name"] for row in rest.items(f"{V1}/fields?entity=account", "ben")] == ["tier"]
    assert "custom.tier" in [one["name"] for one in rest("GET", f"{V1}/entities/account", user="ben").json["fields"]]
    call("POST", "fields/account/type/words", {"word": "parked"})
    call("PUT", "fields/account/industry/owner", {"owner": "app"})
    call("PUT", "fields/account/industry/owner", {"owner": "nobody"})
    assert call("DELETE", "fields/account/tier") == {"entity": "account", "retired": "tier"}
    number = call("POST", "rules", {"entity": "account", "field": "industry", "found": "wod", "becomes": "Wood"})[
        "rule"
    ]
    assert [row["found"] for row in rest.items(f"{V1}/rules", "owner")] == ["wod"]
    call("DELETE", f"rules/{number}")
    text = "[wins]\nkind = 'sum'\nfact = 'closed'\nmeasure = 'value'\nwhere = \"status = 'won'\""
    assert call("POST", "definitions/check", {"definition": text}) == {"mistakes": []}
    assert call("POST", "definitions", {"definition": text})["items"][0]["done"] == "defined"
    wins = rest("GET", f"{V1}/metrics/query?metrics=wins&period=2025", user="owner", headers={"Accept": XLSX})
    assert len(_sheet(wins)) == 1
    assert call("DELETE", "definitions/wins") == {"undefined": "wins"}
    assert [row["ended_by"] for row in rest.items(f"{V1}/definitions/history?name=wins", "owner")] == ["owner"]
    assert rest("POST", f"{V1}/definitions", {"definition": "[x]\nkind = 'sum'"}, user="owner").status == 422
    made = call("POST", "users", {"username": "zoe", "name": "Zoe", "roles": ["rep"], "person": "Ann Lee"})
    assert (made["roles"], made["person"]["label"], made["active"]) == (["rep"], "Ann Lee", True)
    changed = call("PATCH", "users/zoe", {"roles": ["manager"], "person": None, "active": False})
    assert (changed["roles"], changed["person"], changed["active"]) == (["manager"], None, False)
    secret = {"password": "correct horse battery"}
    keyed = {"Idempotency-Key": "x"}
    assert rest("PUT", f"{V1}/users/zoe/password", secret, user="owner", headers=keyed).status == 400
    assert rest("PUT", f"{V1}/users/zoe/password", secret, user="owner").json == {"username": "zoe"}
    task = call("POST", "tasks", {"title": "Call Cedar", "due": "2026-04-01"}, "ben")["number"]
    call("PATCH", f"tasks/{task}", {"status": "done"}, "ben")
    assert [row["title"] for row in rest.items(f"{V1}/tasks?status=done", "ben")] == ["Call Cedar"]
    assert rest("DELETE", f"{V1}/tasks/{task}", user="ada").status == 403
    call("DELETE", f"tasks/{task}", None, "ben")
    comment = call("POST", "comments", {"entity": "opportunity", "key": "D03", "text": "Budget is approved."}, "ben")[
        "number"
    ]
    assert [row["text"] for row in rest.items(f"{V1}/comments?entity=opportunity&key=D03", "ada")] == [
        "Budget is approved."
    ]
    call("DELETE", f"comments/{comment}", None, "ben")
    assert call("POST", "refresh")["generation"]
    log = rest("GET", f"{V1}/audit/export", user="ada")
    assert log.headers["content-type"] == "application/x-ndjson"
    entries = [json.loads(line) for line in log.text.splitlines()]
    by_rest = {one["action"] for one in entries if one["door"] == "rest"}
    assert by_rest >= {
        "field.declare", "field.retire", "word.declare", "field.own", "rule.add", "rule.remove", "metric.define", "metric.undefine",
        "user.create", "user.edit", "user.password", "task.create", "task.edit", "task.delete", "comment.create", "comment.delete",
    }  # fmt: skip
    file = acme.folder / "log.jsonl"
    file.write_text(log.text)
    assert acme("audit", "verify", "--file", file).code == 0


def test_many_at_once_all_or_none(rest: Served) -> None:
    """A bulk call with a mistake does nothing and names the rows; without one it does everything."""
    steps = [
        {"do": "create", "values": {"name": "Bulk one"}},
        {"do": "edit", "key": "Nobody", "values": {"industry": "x"}},
        {"do": "create", "values": {"revenue": "abc", "name": "Bulk two"}},
    ]
    refused = rest("POST", f"{V1}/bulk/account", {"operations": steps}, user="owner")
    assert refused.status == 422
    assert [one["row"] for one in said(refused)["problems"]] == [2, 3]
    assert not rest.items(f"{V1}/records/account?where=name = 'Bulk one'", "owner")
    done = rest("POST", f"{V1}/bulk/account", {"operations": [steps[0]]}, user="owner").json["items"]
    edit = {"do": "edit", "key": done[0]["id"], "values": {"industry": "Tin"}, "version": done[0]["version"] + 1}
    assert rest("POST", f"{V1}/bulk/account", {"operations": [edit]}, user="owner").status == 412


# Repeated calls


def test_a_repeated_call_does_nothing_new(rest: Served) -> None:
    """The same key and call: the same answer, one record. Another call with the key: 422. An error keeps no key."""
    key = {"Idempotency-Key": "make-elder-1"}
    call = {"values": {"name": "Elder"}}
    first = rest("POST", f"{V1}/records/account", call, user="owner", headers=key)
    second = rest("POST", f"{V1}/records/account", call, user="owner", headers=key)
    assert (first.status, first.text, first.headers["etag"]) == (201, second.text, second.headers["etag"])
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(rest.items(f"{V1}/records/account?where=name = 'Elder'", "owner")) == 1
    other = rest("POST", f"{V1}/records/account", {"values": {"name": "Beech"}}, user="owner", headers=key)
    assert other.status == 422
    assert "another call" in said(other)["detail"]
    assert rest("POST", f"{V1}/records/account", call, user="mara", headers=key).status == 201  # keys are one's own
    failing = {"Idempotency-Key": "make-elder-2"}
    assert (
        rest("POST", f"{V1}/records/account", {"values": {"revenue": "x"}}, user="owner", headers=failing).status == 422
    )
    assert (
        rest("POST", f"{V1}/records/account", {"values": {"name": "Birk"}}, user="owner", headers=failing).status == 201
    )


# Imports

LEADS = b"id,name,email,status,created\n1,Kim,kim@example.com,new,2025-03-01\n2,Lou,lou@example.com,new,2025-13-45\n"


def test_an_import_from_upload_to_undo(rest: Served, acme: Door) -> None:
    """Upload, dry run, import, problems, undo; the file goes from the server when it is in; a repetition changes nothing."""
    sent = upload(rest, {"leads.csv": LEADS}, **{"Idempotency-Key": "up-1"})
    assert sent.status == 201, sent.text
    assert upload(rest, {"leads.csv": LEADS}, **{"Idempotency-Key": "up-1"}).json == sent.json
    number = sent.json["upload"]
    before = rest("GET", f"{V1}/imports", user="owner").json["total"]
    dry = rest("POST", f"{V1}/imports?wait=60", {"upload": number, "dry_run": True}, user="owner").json
    assert (dry["status"], dry["result"]["status"]) == ("done", "dry_run"), dry
    assert rest("GET", f"{V1}/imports", user="owner").json["total"] == before
    key = {"Idempotency-Key": "imp-1"}
    done = rest("POST", f"{V1}/imports?wait=60", {"upload": number}, user="owner", headers=key)
    assert done.status == 200, done.text
    assert done.json["result"]["status"] == "live"
    batch = done.json["result"]["batch"]
    again = rest("POST", f"{V1}/imports?wait=60", {"upload": number}, user="owner", headers=key).json
    assert (again["job"], again["result"]["batch"]) == (done.json["job"], batch)
    assert rest("POST", f"{V1}/imports", {"upload": number}, user="owner").status == 404
    refused = rest.items(f"{V1}/imports/1/problems", "owner")
    assert [(one["row"], one["severity"]) for one in refused if one["severity"] == "error"] == [(21, "error")]
    assert refused[0]["remedy"]
    assert rest("GET", f"{V1}/imports/{batch}", user="owner").json["status"] == "live"
    assert rest("GET", f"{V1}/imports/{batch}", user="ben").status == 403
    undo = {"Idempotency-Key": "undo-1"}
    undone = rest("POST", f"{V1}/imports/{batch}/undo", user="owner", headers=undo)
    assert undone.json["status"] == "undone"
    assert rest("POST", f"{V1}/imports/{batch}/undo", user="owner", headers=undo).json == undone.json
    assert rest("POST", f"{V1}/imports/{batch}/undo", user="owner").status == 409
    assert not list((acme.folder / "work" / "uploads").glob(f"{number}/*"))


def test_a_mapping_is_edited_and_sent(rest: Served) -> None:
    """The mapping that a dry run suggests is text; sent back with another value, it is the one that counts."""
    number = upload(rest, {"firms.csv": b"id,name,town\n1,Moss,Oslo\n"}).json["upload"]
    dry = rest(
        "POST", f"{V1}/imports?wait=60", {"upload": number, "dry_run": True, "system": "firms"}, user="owner"
    ).json
    text = dry["result"]["mapping_text"]
    assert "firms" in text
    call = {"upload": number, "system": "firms", "mapping_text": text.replace('name = "', 'name = "sent-', 1)}
    call["reading"] = {"delimiter": ",", "encoding": "utf-8"}
    done = rest("POST", f"{V1}/imports?wait=60", call, user="owner").json
    assert done["status"] == "done", done
    assert rest("POST", f"{V1}/imports", {**call, "reading": {"delimiter": "no"}}, user="owner").status == 422
    assert done["result"]["mapping"].startswith("sent-")
    assert rest("POST", f"{V1}/imports", {**call, "mapping": "x"}, user="owner").status == 400
    wrong = upload(rest, {"firms.csv": b"id,name\n2,Fern\n"}).json["upload"]
    failed = rest("POST", f"{V1}/imports?wait=60", {"upload": wrong, "mapping_text": "nonsense ="}, user="owner").json
    assert failed["status"] == "failed"
    assert failed["problem"]["detail"]


def test_an_encoding_that_is_wrong(rest: Served) -> None:
    """An import whose files are not in the encoding that was said, or in none that there is, fails with what to do."""
    number = upload(rest, {"firms.csv": "id,name\n3,Åse & Søn\n".encode()}).json["upload"]
    for encoding in ("klingon", "utf-16-x", "utf-16", "utf-32", "hex", "ascii", "undefined", "shift_jis", "idna"):
        call = {"upload": number, "dry_run": True, "reading": {"encoding": encoding}}
        job = rest("POST", f"{V1}/imports?wait=60", call, user="owner").json
        assert job["status"] == "failed", (encoding, job)
        assert job["problem"]["status"] == 422, (encoding, job)
        assert "did not expect" not in job["problem"]["detail"]
        assert job["problem"]["remedy"]


def test_uploads_that_are_none(rest: Served) -> None:
    """Files of one name, no file, a rep's file, somebody else's upload, a path as a mapping."""
    assert upload(rest, {"a.csv": b"x"}, user="ben").status == 403
    assert rest(
        "POST", f"{V1}/imports/files", user="owner", raw=b"x", headers={"Content-Type": "text/plain"}
    ).status in (415, 422)
    number = upload(rest, {"a.csv": b"x"}).json["upload"]
    assert rest("POST", f"{V1}/imports", {"upload": number}, user="fay").status == 404
    assert rest("POST", f"{V1}/imports", {"upload": number, "mapping": "../../etc/x.toml"}, user="owner").status == 422
    failed = rest("POST", f"{V1}/imports?wait=60", {"upload": number}, user="owner").json
    assert failed["status"] in ("failed", "done")
    assert rest("GET", f"{V1}/imports/jobs/999999", user="owner").status == 404


def test_uploads_stop_at_the_limit(rest: Served, acme: Door) -> None:
    """The workspace says how much may be uploaded at once; what is beyond is refused while it comes, and nothing stays."""
    config = acme.folder / "salesops.toml"
    kept = config.read_text()
    config.write_text(kept + "upload_limit_mb = 1\n")
    try:
        answer = upload(rest, {"big.csv": b"x" * 2_000_000})
        assert answer.status == 413
        assert "upload_limit_mb" in said(answer)["remedy"]
    finally:
        config.write_text(kept)
    assert not [one for one in (acme.folder / "work" / "uploads").iterdir() if one.is_file()]


# Answers


def test_numbers_as_json_and_as_csv(rest: Served, acme: Door) -> None:
    """The same rows in both forms, and those of the command line."""
    asked = "metrics=win_rate,bookings&by=owner&period=2025"
    answer = rest("GET", f"{V1}/metrics/query?{asked}", user="owner").json
    told = acme("metrics", "query", "win_rate,bookings", "--by", "owner", "--period", "2025", "--format", "json").json
    assert answer["rows"] == [{**row, "owner_id": str(row["owner_id"])} for row in told["rows"]]
    sheet = rest("GET", f"{V1}/metrics/query?{asked}", user="owner", headers={"Accept": "text/csv"})
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [row["bookings"] for row in rows] == [row["bookings"] for row in answer["rows"]]
    deals = rest("GET", f"{V1}/records/opportunity?fields=name,amount", user="ben", headers={"Accept": "text/csv"})
    assert deals.text.splitlines()[0] == "id,name,amount"
    assert deals.headers["x-total-count"] == str(len(deals.text.splitlines()) - 1)


def _sheet(answer: Any) -> list[dict[str, Any]]:
    """The rows of the sheet Answer of an XLSX."""
    from openpyxl import load_workbook

    assert answer.headers["content-type"] == XLSX, answer
    names, *rows = load_workbook(io.BytesIO(answer.content))["Answer"].iter_rows(values_only=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_every_list_and_answer_as_xlsx(rest: Served) -> None:
    """The same rows as in JSON; numbers are numbers; a page says how many there are, and where the next one is."""
    wanted = {"Accept": XLSX}
    asked = f"{V1}/metrics/query?metrics=bookings&by=owner&period=2025"
    rows = rest("GET", asked, user="owner").json["rows"]
    found = _sheet(rest("GET", asked, user="owner", headers=wanted))
    assert [(row["owner"], Decimal(str(row["bookings"]))) for row in found] == [
        (row["owner"], Decimal(row["bookings"])) for row in rows
    ]
    deals = rest("GET", f"{V1}/records/opportunity?fields=name,amount&limit=2", user="ada", headers=wanted)
    assert [list(row) for row in _sheet(deals)] == [["id", "name", "amount"]] * 2
    assert int(deals.headers["x-total-count"]) > 2
    assert 'rel="next"' in deals.headers["link"]
    for path in (
        "people/compare?period=2025", "pipeline/slipping?period=2025-Q3", "metrics/bookings/drill?period=2025", "imports", "users",
        "pipeline/waterfall/created?period=2025-Q2", "quality", "quality/rules/opportunity.next_step_missing/records", "audit?limit=3",
        "cohorts/2025-Q1/members?of=wins", "imports/1/problems?grouped=true", "scorecard",
    ):  # fmt: skip
        body = rest("GET", f"{V1}/{path}", user="owner").json
        found = _sheet(rest("GET", f"{V1}/{path}", user="owner", headers=wanted))
        rows = body.get("items", body.get("rows") or [one for one in body.get("rules", ()) if one["checked"]])
        assert len(found) == len(rows) > 0, path
        sheet = rest("GET", f"{V1}/{path}", user="owner", headers={"Accept": "text/csv"})
        assert len(list(csv.DictReader(io.StringIO(sheet.text)))) == len(rows), path
    explained = f"{V1}/metrics/win_rate/explain?period=2025"
    whole = rest("GET", explained, user="owner").json
    lines = _sheet(rest("GET", explained, user="owner", headers=wanted))
    assert [row["title"] for row in lines] == [whole["title"], *(one["title"] for one in whole["inputs"])]
    assert lines[0]["value"] == pytest.approx(float(whole["value"]))
    assert (lines[0]["level"], lines[1]["level"], lines[0]["formula"]) == (0, 1, whole["formula"])
    money = rest("GET", f"{V1}/pipeline/waterfall/explain?period=2025-Q2", user="owner", headers={"Accept": "text/csv"})
    assert next(csv.DictReader(io.StringIO(money.text)))["level"] == "0"


def test_lists_of_the_pipeline_have_a_total(rest: Served) -> None:
    """Deals that slip, changed, came: page by page all of them, and no page but the last is without a link."""
    for path in ("slipping?period=2025-Q3", "changes?period=2025-Q2", "funnel/records?step=Deals", "curves/records"):
        mark = "&" if "?" in path else "?"
        first = rest("GET", f"{V1}/pipeline/{path}{mark}limit=2", user="owner").json
        every = rest.items(f"{V1}/pipeline/{path}{mark}limit=2", "owner")
        assert first["total"] == len(every) > 2, path
        assert first["changed"] is False


def test_a_period_stands_for_its_days(rest: Served, acme: Door) -> None:
    """Everywhere in the pipeline, in REST as at the command line; one period, not many, and not beside days."""
    for path in ("waterfall", "stages", "funnel", "conversion", "curves", "changes"):
        short = rest("GET", f"{V1}/pipeline/{path}?period=2025-Q2", user="owner").json
        long = rest("GET", f"{V1}/pipeline/{path}?from=2025-04-01&to=2025-06-30", user="owner").json
        assert short.get("rows", short.get("items")) == long.get("rows", long.get("items")) != [], path
    for wrong in (
        "funnel?period=quarter",
        "funnel?period=2025-Q2&to=2025-06-30",
        "waterfall",
        "waterfall?period=month",
    ):
        assert rest("GET", f"{V1}/pipeline/{wrong}", user="owner").status == 400, wrong
    said = acme("pipeline", "funnel", "--period", "2025-Q2", "--format", "json")
    assert said.rows == acme("pipeline", "funnel", "--from", "2025-Q2", "--format", "json").rows
    assert acme("pipeline", "waterfall").code == 2
    assert acme("pipeline", "stages", "--period", "2025-Q2").code == 0


def test_a_setting_counts_at_once(rest: Served, acme: Door) -> None:
    """Peers see a group's figures as soon as the workspace says so, without a new generation or a restart."""
    config = acme.folder / "salesops.toml"
    kept = config.read_text()
    off = "the setting peer_aggregates is off"
    asked = f"{V1}/people/compare?period=2025"
    assert any(off in note for note in rest("GET", asked, user="ben").json["notes"])
    config.write_text(kept.replace("peer_aggregates = false", "peer_aggregates = true"))
    try:
        assert not any(off in note for note in rest("GET", asked, user="ben").json["notes"])
    finally:
        config.write_text(kept)


def test_a_token_has_its_share_of_calls(rest: Served, acme: Door) -> None:
    """The call beyond the setting is refused with the seconds to wait; other tokens go on; 0 sets no limit."""
    config = acme.folder / "salesops.toml"
    kept = config.read_text()
    rest.tokens["eager"] = token(acme, "owner")
    try:
        config.write_text(kept + "rate_limit = 2\n")
        statuses = [rest("GET", f"{V1}/me", user="eager") for _ in range(3)]
        assert [one.status for one in statuses] == [200, 200, 429]
        assert 1 <= int(statuses[2].headers["retry-after"]) <= 30
        assert "rate_limit" in said(statuses[2])["remedy"]
        assert rest("GET", f"{V1}/me", user="ben").status == 200
        config.write_text(kept + "rate_limit = 0\n")
        assert rest("GET", f"{V1}/me", user="eager").status == 200
    finally:
        config.write_text(kept)


def test_a_number_leads_to_its_records(rest: Served) -> None:
    """The parts of a drill, page by page, are the parts of the number."""
    number = rest("GET", f"{V1}/metrics/query?metrics=bookings&period=2025", user="ben").json["rows"][0]["bookings"]
    page = rest("GET", f"{V1}/metrics/bookings/drill?period=2025&limit=1", user="ben").json
    every = page["items"] + rest.items(page["next"], "ben")
    assert Decimal(page["totals"]["won"]) == sum(Decimal(row["won"]) for row in every) == Decimal(number)
    assert page["hidden"] > 0
    told = rest("GET", f"{V1}/metrics/bookings/explain?period=2025&cell=owner=Ben Okoye", user="owner").json
    assert told["value"] == {"amount": number, "currency": "USD"}
    assert rest("GET", f"{V1}/metrics/nonsense", user="ben").status == 404
    assert rest("GET", f"{V1}/metrics/query?metrics=bookings&period=2025-Q9", user="ben").status == 400


def test_the_pipeline(rest: Served) -> None:
    """Bars, the deals of one, stages, and why it is so."""
    window = "from=2025-Q2&scope=all_open"
    bars = {row["bar"]: row for row in rest("GET", f"{V1}/pipeline/waterfall?{window}", user="ben").json["rows"]}
    assert (bars["start"]["count"], Decimal(bars["start"]["value"])) == (1, 40_000)
    page = rest("GET", f"{V1}/pipeline/waterfall/created?{window}", user="ben").json
    assert (page["total"], Decimal(page["totals"]["value"])) == (2, 27_000)
    assert rest("GET", f"{V1}/pipeline/waterfall/nonsense?{window}", user="ben").status == 400
    assert rest("GET", f"{V1}/pipeline/waterfall/explain?{window}", user="ben").json["inputs"]
    assert rest("GET", f"{V1}/pipeline/stages?from=2025-Q2", user="ben").json["rows"]
    assert rest("GET", f"{V1}/pipeline/variants", user="ben").status == 403
    assert rest("GET", f"{V1}/pipeline/variants?of=stages", user="ben").status == 200


def test_targets(rest: Served) -> None:
    """A target is set once and changed after that; a person sees their own."""
    target = {"metric": "bookings", "person": "Ben Okoye", "kind": "quota", "period": "2025-Q3", "value": "90000"}
    assert rest("PUT", f"{V1}/targets", target, user="ben").status == 403
    made = rest("PUT", f"{V1}/targets", target, user="fay")
    assert made.status == 201, made.text
    days = {"starts_on": "2025-07-01", "ends_on": "2025-09-30"}
    by_days = {**target, **days, "amount": "95000"}
    del by_days["value"]
    for same in (by_days, {name: one for name, one in by_days.items() if name != "period"}):
        changed = rest("PUT", f"{V1}/targets", same, user="fay")
        assert (changed.status, changed.json["id"]) == (200, made.json["id"])
    assert Decimal(changed.json["values"]["amount"]) == 95000
    (seen,) = rest.items(f"{V1}/targets?metric=bookings&period=2025-08&of=Ben Okoye", "ben")
    assert (seen["id"], seen["scope"], Decimal(seen["value"]), seen["unit"], seen["remark"]) == (
        made.json["id"], "person", 95000, "money", "",
    )  # fmt: skip
    for wrong, status in (
        ({"team": "x"}, 400), ({"metric": "bokings"}, 404), ({"value": None}, 400), ({"amount": "1"}, 400), ({"value": "abc"}, 422),
        ({"period": None}, 400), (days | {"period": "2025-Q2"}, 400), ({"starts_on": "2025-07-01"}, 400), ({"period": "soon"}, 400),
    ):  # fmt: skip
        answer = rest("PUT", f"{V1}/targets", target | wrong, user="fay")
        assert answer.status == status, (wrong, answer.text)
        assert answer.json["remedy"]


def test_a_target_of_any_metric_has_versions_and_ends(rest: Served) -> None:
    """A share is written 32%, of the company; said again it has two versions; withdrawn, no answer stands beside it any more."""

    def beside() -> Any:
        asked = f"{V1}/metrics/query?metrics=win_rate&period=2025-Q1&compare=target"
        return rest("GET", asked, user="owner").json["rows"][0]["win_rate__target"]

    target = {"metric": "win_rate", "period": "2025-Q1", "value": "32%", "effective": "2025-01-01"}
    made = rest("PUT", f"{V1}/targets", target, user="owner")
    assert (made.status, beside()) == (201, 0.32), made.text
    assert (
        rest("PUT", f"{V1}/targets", target | {"value": "0.4", "effective": "2025-02-01"}, user="owner").status == 200
    )
    assert beside() == 0.4
    place = f"{V1}/targets/{made.json['id']}"
    assert len(rest("GET", f"{place}/history", user="owner").json["items"]) == 2
    (was,) = rest.items(f"{V1}/targets?metric=win_rate&as_of=2025-01-15", "owner")
    assert (was["of"], Decimal(was["value"]), was["status"]) == ("company", Decimal("0.32"), "published")
    assert rest("POST", f"{place}/withdraw", user="ben").status == 403
    gone = rest("POST", f"{place}/withdraw", user="owner")
    assert (gone.status, gone.json["values"]["status"], beside()) == (200, "withdrawn", None)


def test_the_guide_answers(rest: Served) -> None:
    """What to ask when a figure went down, with the answers; a metric that people defined is known; `ask` needs a metric."""
    asked = rest("GET", f"{V1}/guide?metric=win_rate&ask=down&period=2025-Q1", user="owner").json["answers"]
    assert all(one["ask"] and one["command"] for one in asked)
    assert any(one["answer"] and one["answer"]["rows"] for one in asked)
    assert rest("GET", f"{V1}/guide?ask=down", user="owner").status == 400
    big = '[big]\nkind = "sum"\nfact = "closed"\nmeasure = "value"\nwhere = "status = \'won\'"\nquestion = "How much?"'
    assert rest("POST", f"{V1}/definitions", {"definition": big}, user="owner").status == 200
    assert rest("GET", f"{V1}/guide?metric=big", user="ben").json["reading"][0]["reads"] == "How much?"
    assert [row["metric"] for row in rest.items(f"{V1}/definitions?as_of=2099-12-31", "ben")] == ["big"]
    assert rest.items(f"{V1}/definitions?as_of=2020-12-31", "ben") == []


def test_saved_views(rest: Served) -> None:
    """A view is its owner's, or everybody's who may read; only a page of the workspace is one."""
    for shared in (False, True):
        view = {"name": f"Mine, {shared}", "page": "/pipeline/", "query": "period=2025-Q1", "shared": shared}
        assert rest("POST", f"{V1}/views", view, user="mara").status == 201
    mine, theirs = rest.items(f"{V1}/views", "mara"), rest.items(f"{V1}/views", "ben")
    assert ([row["shared"] for row in mine], [row["name"] for row in theirs]) == ([False, True], ["Mine, True"])
    for page in ("https://example.com", "//example.com", "/\\example.com", "pipeline", "/a?b=c"):
        assert rest("POST", f"{V1}/views", {"name": "x", "page": page}, user="mara").status == 400
    assert rest("DELETE", f"{V1}/views/{mine[1]['id']}", user="ben").status == 403
    assert rest("DELETE", f"{V1}/views/{mine[1]['id']}", user="mara").status == 200
    assert rest.items(f"{V1}/views", "ben") == []


def test_quality_and_audit(rest: Served) -> None:
    """Scores and lists to fix hold the reader's records; the log of this door names it."""
    whole = rest("GET", f"{V1}/quality", user="ada").json
    mine = rest("GET", f"{V1}/quality", user="ben").json
    assert whole["overall"]["checked"] > mine["overall"]["checked"] > 0
    rule = next(one["rule"] for one in mine["rules"] if one["failing"])
    listed = rest.items(f"{V1}/quality/rules/{rule}/records?limit=2", "ben")
    assert len(listed) == next(one["failing"] for one in mine["rules"] if one["rule"] == rule)
    assert rest("GET", f"{V1}/audit/verify", user="ada").json["ok"] is True
    doors = {row["door"] for row in rest.items(f"{V1}/audit?limit=7", "ada")}
    assert doors == {"cli", "rest"}


@pytest.mark.parametrize(
    "content", [b"{", b'"x"', b'{"values": {"name": "\\ud800"}}', b'{"values": {"revenue": NaN}}', b"[" * 100_000, b""]
)
def test_content_that_cannot_be_read(rest: Served, content: bytes) -> None:
    """Broken JSON, half a surrogate, no number: told, and no fault of the server."""
    answer = rest(
        "POST", f"{V1}/records/account", user="owner", raw=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status in (400, 422)
    said(answer)


# The document


def test_the_document_is_the_one_that_was_agreed(acme: Door) -> None:
    """A change of the API shows here: `salesops serve --openapi > tests/doors/openapi.json` takes it over, on purpose."""
    found = json.loads(acme("serve", "--openapi").out)
    agreed = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    assert found == agreed


def test_the_document_says_what_is_needed(acme: Door) -> None:
    """Every operation has a summary, a description, its scope and its problems; every writing one takes an Idempotency-Key."""
    document = json.loads(acme("serve", "--openapi").out)
    assert "application/problem+json" in document["components"]["responses"]["Problem422"]["content"]
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            assert one["summary"], where
            assert one.get("description"), where
            assert one.get("x-scope") or path.endswith("/me"), where
            assert one["responses"]["422"] == {"$ref": "#/components/responses/Problem422"}, where
            for parameter in one["parameters"]:
                schema = parameter["schema"]
                found = parameter.get("example", (schema.get("examples") or [None])[0])
                assert found is not None, f"{where}: {parameter['name']} has no example"
                jsonschema.validate(found, schema)
            names = {parameter["name"] for parameter in one["parameters"]}
            assert ("Idempotency-Key" in names) == (method != "get"), where
