"""A backup restores to exactly what was backed up, on both databases, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT

from salesops import backup as room
from salesops.common.errors import Conflict, InvalidData, NotFound, WorkspaceError


def environment(url: str | None) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": url or ""}


def work(url: str | None, *words: object) -> str:
    command = [sys.executable, "-m", "tests.records.worker", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env=environment(url), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A backup of a workspace on SQLite, and what the workspace held."""
    folder = tmp_path_factory.mktemp("saved")
    work(None, "fill", folder / "acme")
    work(None, "backup", folder / "acme", folder / "acme.zip")
    return folder / "acme.zip", json.loads(work(None, "content", folder / "acme"))


def test_a_restore_gives_what_was_backed_up(
    database_url: str | None, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(database_url, "fill", tmp_path / "acme")
    file = tmp_path / "acme.zip"
    tick = int(work(database_url, "backup", tmp_path / "acme", file))
    before = json.loads(work(database_url, "content", tmp_path / "acme"))
    before["warehouse/files/old.parquet"] = None  # not of the current generation
    target_url = None
    if database_url:
        server = request.getfixturevalue("postgres")
        target_url = server.create_database()
    monkeypatch.setenv("DATABASE_URL", target_url or "")
    restored = room.restore(file, tmp_path / "again")
    after = json.loads(work(target_url, "content", tmp_path / "again"))
    assert (restored.tick, restored.generation) == (tick, "gen-2")
    assert after["verify"]["ok"]
    assert after == {name: value for name, value in before.items() if value is not None}
    assert file.stat().st_mode & 0o077 == 0
    work(target_url, "edit", tmp_path / "again")
    if database_url:
        with pytest.raises(Conflict, match="not empty"):
            room.restore(file, tmp_path / "third")
        assert not (tmp_path / "third").exists()
        server.drop_database(target_url)


def test_a_backup_under_load_restores_to_its_moment(
    database_url: str | None, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three people create, edit, comment and make tasks before, during and after it. What is restored is, row by row, what
    the workspace that went on had written up to the tick and the audit entry that the backup names, and nothing of later."""
    work(database_url, "fill", tmp_path / "acme")
    stop = tmp_path / "stop"
    command = [sys.executable, "-m", "tests.records.worker", "busy", str(tmp_path / "acme"), str(stop)]
    writers = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment(database_url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()  # it is at work
    work(database_url, "backup", tmp_path / "acme", tmp_path / "acme.zip")
    writers[0].stdout.readline()  # type: ignore[union-attr]  # and goes on
    stop.touch()
    for writer in writers:
        _out, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    manifest = room.read_manifest(tmp_path / "acme.zip")
    then = f"{manifest['tick']}:{manifest['audit_head']}"
    wanted = json.loads(work(database_url, "moment", tmp_path / "acme", then))
    target_url = request.getfixturevalue("postgres").create_database() if database_url else None
    monkeypatch.setenv("DATABASE_URL", target_url or "")
    room.restore(tmp_path / "acme.zip", tmp_path / "again")
    assert json.loads(work(target_url, "moment", tmp_path / "again")) == wanted
    assert wanted["comment"][0] >= 2
    now = json.loads(work(database_url, "moment", tmp_path / "acme"))
    assert all(now[name][0] > wanted[name][0] for name in wanted if name != "current"), (
        "nothing was written during or after it"
    )
    if target_url:
        request.getfixturevalue("postgres").drop_database(target_url)


def test_what_is_refused(saved: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, _ = saved
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").touch()
    with pytest.raises(Conflict):
        room.restore(file, tmp_path / "full")
    with pytest.raises(NotFound):
        room.restore(tmp_path / "none.zip", tmp_path / "new")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(InvalidData):
        room.restore(tmp_path / "text.zip", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "text.zip"]


def _rewritten(file: Path, target: Path, change: Any) -> Path:
    """A copy of an archive whose members `change` has changed, in a mapping of name to content."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return target


@pytest.mark.parametrize("fault", ["content", "missing", "added", "outside", "manifest", "newer", "cut"])
def test_a_damaged_backup_leaves_nothing(saved: tuple[Path, dict[str, Any]], tmp_path: Path, fault: str) -> None:
    file, _ = saved

    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        if fault == "content":
            members["state.sqlite"] = members["state.sqlite"][:-1] + b"x"
        elif fault == "missing":
            del members["state.sqlite"]
        elif fault == "added":
            members["extra"] = b""
        elif fault == "outside":
            manifest["files"]["../evil"] = manifest["files"]["salesops.toml"]
            members["../evil"] = members["salesops.toml"]
        elif fault == "newer":
            manifest["migrations"].append(["records", "9999_future"])
        elif fault == "manifest":
            manifest = []
        members["manifest.json"] = json.dumps(manifest).encode()

    broken = _rewritten(file, tmp_path / "broken.zip", change)
    if fault == "cut":
        broken.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(InvalidData):
        room.restore(broken, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.zip"]


def test_a_restore_killed_at_any_point_can_be_repeated(saved: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, expected = saved
    script = "import sys; from salesops.backup import restore; restore(sys.argv[1], sys.argv[2])"
    command = [sys.executable, "-c", script, str(file), str(tmp_path / "new")]
    for delay in (0.15, 0.3, 0.45, 0.6, 0.75):
        running = subprocess.Popen(command, cwd=ROOT, env=environment(None), stderr=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait()
        if (tmp_path / "new").exists():
            break  # it was done before the kill
        assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    if not (tmp_path / "new").exists():
        room.restore(file, tmp_path / "new")
    held = json.loads(work(None, "content", tmp_path / "new"))
    assert held == {name: value for name, value in expected.items() if "old.parquet" not in name}


def test_a_backup_killed_leaves_no_file(tmp_path: Path) -> None:
    work(None, "fill", tmp_path / "acme")
    (tmp_path / "acme" / "warehouse" / "files" / "a.parquet").write_bytes(os.urandom(40_000_000))
    command = [sys.executable, "-m", "tests.records.worker", "backup", str(tmp_path / "acme"), str(tmp_path / "b.zip")]
    running = subprocess.Popen(command, cwd=ROOT, env=environment(None), stdout=subprocess.DEVNULL)
    while running.poll() is None and not list(tmp_path.glob(".b.zip.part-*")):
        time.sleep(0.005)
    running.kill()
    running.wait()
    if (tmp_path / "b.zip").exists():
        pytest.skip("the backup was done before the kill")
    work(None, "backup", tmp_path / "acme", tmp_path / "b.zip")
    shutil.rmtree(tmp_path / "acme")
    room.restore(tmp_path / "b.zip", tmp_path / "acme")
    assert json.loads(work(None, "content", tmp_path / "acme"))["verify"]["ok"]


def test_a_full_disk_leaves_nothing(saved: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    script = (
        "import resource, sys; from salesops.backup import restore; from salesops.common.errors import SalesopsError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: restore(sys.argv[1], sys.argv[2])\n"
        "except SalesopsError as error: print(error); sys.exit(error.exit_code)\n"
    )
    command = [sys.executable, "-c", script, str(saved[0]), str(tmp_path / "new")]
    done = subprocess.run(command, cwd=ROOT, env=environment(None), capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_a_restore_into_postgresql_killed_after_loading_can_be_repeated(
    postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = postgres.create_database(), postgres.create_database()
    work(source, "fill", tmp_path / "acme")
    work(source, "backup", tmp_path / "acme", tmp_path / "acme.zip")
    before = json.loads(work(source, "content", tmp_path / "acme"))
    monkeypatch.setenv("DATABASE_URL", target)

    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room.os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            room.restore(tmp_path / "acme.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    room.restore(tmp_path / "acme.zip", tmp_path / "new")
    after = json.loads(work(target, "content", tmp_path / "new"))
    del before["warehouse/files/old.parquet"]
    assert after == before
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(WorkspaceError):
        room.restore(tmp_path / "acme.zip", tmp_path / "other")
