"""Backup and restore by the command line: what comes back answers as what was kept."""

from __future__ import annotations

from pathlib import Path

from .conftest import Door

ASKED = (
    ("metrics", "query", "win_rate,bookings,open_pipeline.all_open", "--by", "owner", "--period", "quarter", "--as-of", "2025-06-30"),
    ("pipeline", "waterfall", "--from", "2025-Q2", "--scope", "all_open"),
    ("record", "list", "opportunity", "--limit", "0"),
    ("record", "history", "opportunity", "D07"),
    ("user", "list"),
    ("rule", "list"),
    ("mapping", "list"),
    ("forecast", "show"),
)  # fmt: skip


def test_round_trip(acme: Door, tmp_path: Path) -> None:
    """Records, history, users, rules, mappings, figures and the stored forecast are the same; the audit head that was noted is found."""
    assert acme("rule", "add", "opportunity", "source", "Referal", "Referral").code == 0
    assert acme("forecast", "run").code == 0
    before = [acme(*words, "--format", "csv").out for words in ASKED]
    kept = acme("backup", tmp_path / "acme.zip", "--format", "json").json
    assert acme("backup", tmp_path / "acme.zip").code == 5
    again = Door(tmp_path / "again")
    try:
        restored = again("restore", tmp_path / "acme.zip", again.folder)
        assert restored.code == 0, restored.err
        assert [again(*words, "--format", "csv").out for words in ASKED] == before
        assert again("audit", "verify", "--head", kept["audit_head"]).code == 0
        assert again("restore", tmp_path / "acme.zip", again.folder).code == 5
    finally:
        again.close()


def test_a_backup_goes_into_a_folder_that_is_there(acme: Door, tmp_path: Path) -> None:
    """A folder that does not exist is a slip of the pen: it is named, nothing is created, and the audit log has no entry of it."""
    before = acme("audit", "list", "--format", "json").rows
    refused = acme("backup", tmp_path / "bakcups" / "acme.zip")
    assert refused.code == 4
    assert f"there is no folder {tmp_path / 'bakcups'}" in refused.err
    assert "Create it first" in refused.err
    assert list(tmp_path.iterdir()) == []
    assert acme("audit", "list", "--format", "json").rows == before


def test_what_is_no_backup(acme: Door, tmp_path: Path) -> None:
    """Another file, or none, is refused, and the folder stays as it was."""
    (tmp_path / "deals.zip").write_text("no archive", encoding="utf-8")
    assert acme("restore", tmp_path / "deals.zip", tmp_path / "new").code == 6
    assert acme("restore", tmp_path / "none.zip", tmp_path / "new").code in (4, 6, 7)
    assert not (tmp_path / "new").exists()


def test_the_exported_log_holds(acme: Door, tmp_path: Path) -> None:
    """An exported audit log is verified without the database; a changed line is found, with exit code 6."""
    log = tmp_path / "log.jsonl"
    assert acme("audit", "export", log).code == 0
    assert acme("audit", "verify", "--file", log).code == 0
    text = log.read_text(encoding="utf-8")
    log.write_text(text.replace('"user":"owner"', '"user":"nobody"', 1), encoding="utf-8")
    assert log.read_text(encoding="utf-8") != text
    bad = acme("audit", "verify", "--file", log, "--format", "json")
    assert bad.code == 6
    assert bad.rows[0]["ok"] is False
