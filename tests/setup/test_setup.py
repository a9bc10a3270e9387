"""`scripts/setup.sh`: the second start does nothing, and what is missing is named with its remedy.

Each test runs the real script in a small copy of the checkout, with stand-ins for Python, pip and apt on PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("awk", "bash", "cat", "cksum", "dirname", "env", "grep", "id", "mkdir", "rm", "sed", "sleep", "tail", "tr")

# A Python that creates environments without a network: `-m venv DIR` puts itself there, `-m pip` notes what was asked.
COMPLETE = """#!/bin/sh
case "$*" in
  *"import ensurepip, venv"*) exit 0 ;;
  *"sys.version_info < (3, 11)"*) exit 0 ;;
  *platform.python_version*) echo 3.11.9 ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && chmod +x "$3/bin/python" ;;
  "-m pip install"*) echo "$*" >>"$NOTES" ;;
esac
"""
WITHOUT_ENSUREPIP = """#!/bin/sh
case "$*" in
  *"import ensurepip, venv"*) exit 1 ;;
  *"sys.version_info < (3, 11)"*) exit 0 ;;
  *platform.python_version*) echo 3.11.2 ;;
  *version_info*) echo 3.11 ;;
  "-m pip"*) exit 1 ;;
  "-m venv --without-pip"*) exit 1 ;;
esac
"""
TOO_OLD = """#!/bin/sh
case "$*" in
  *"sys.version_info < (3, 11)"*) exit 1 ;;
  *version_info*) echo 3.9 ;;
esac
"""
REFUSES = "#!/bin/sh\nexit 100\n"


class Checkout:
    """A folder with what set-up reads, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        self.notes = folder / "notes"
        (self.root / "scripts").mkdir(parents=True)
        self.bin.mkdir()
        for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "scripts/setup.sh"):
            shutil.copy(ROOT / name, self.root / name)
        for name in (*TOOLS, "chmod", "cp"):
            (self.bin / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def setup(self, want: str = "run") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "NOTES": str(self.notes), "HOME": str(self.root)}
        command = [str(self.bin / "bash"), str(self.root / "scripts" / "setup.sh"), want]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def installs(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_first_start_installs_and_the_second_does_nothing(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE)
    first = checkout.setup()
    assert first.returncode == 0, first.stderr
    assert "Ready: .venv" in first.stdout
    assert [line.split()[-1] for line in checkout.installs()] == ["requirements.lock", "."]

    started = time.monotonic()
    second = checkout.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert len(checkout.installs()) == 2
    assert time.monotonic() - started < 1


def test_development_tools_come_on_top_and_then_serve_both(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE)
    checkout.setup("run")
    checkout.setup("dev")
    assert checkout.installs()[2].endswith("-r requirements-dev.lock")
    assert checkout.setup("run").stdout == checkout.setup("dev").stdout == ""


def test_a_changed_lock_file_installs_again(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE)
    checkout.setup()
    with (checkout.root / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert "Ready" in checkout.setup().stdout
    assert len(checkout.installs()) == 4


def test_an_environment_that_is_there_is_adopted(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE)
    checkout.setup()
    (checkout.root / ".venv" / "salesops-setup").unlink()
    (checkout.root / ".venv" / "kept").touch()
    assert "Creating" not in checkout.setup().stdout
    assert (checkout.root / ".venv" / "kept").exists()


def test_a_moved_checkout_gets_a_new_environment(checkout: Checkout, tmp_path: Path) -> None:
    checkout.program("python3", COMPLETE)
    checkout.setup()
    (checkout.root / ".venv" / "old").touch()
    checkout.root = checkout.root.rename(tmp_path / "elsewhere")
    assert "has moved" in checkout.setup().stdout
    assert not (checkout.root / ".venv" / "old").exists()


def test_a_failed_install_leaves_no_stamp(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE.replace('echo "$*" >>"$NOTES"', "echo no route to host; exit 1"))
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "no route to host" in failed.stderr
    assert "run the same command again" in failed.stderr
    assert not (checkout.root / ".venv" / "salesops-setup").exists()


def test_a_killed_set_up_does_not_block_the_next(checkout: Checkout) -> None:
    checkout.program("python3", COMPLETE)
    lock = checkout.root / ".state" / "setup.lock"
    lock.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (lock / "pid").write_text(str(ended.pid))
    assert "Ready" in checkout.setup().stdout
    assert not lock.exists()


def test_without_ensurepip_and_apt_the_remedy_is_named(checkout: Checkout) -> None:
    checkout.program("python3", WITHOUT_ENSUREPIP)
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "python3 (3.11) has neither ensurepip nor pip" in failed.stderr
    assert "brew install python@3.12" in failed.stderr


def test_where_apt_is_refused_the_command_to_run_is_named(checkout: Checkout) -> None:
    checkout.program("python3", WITHOUT_ENSUREPIP)
    checkout.program("apt-get", REFUSES)
    checkout.program("sudo", REFUSES)
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "apt-get install -y python3.11-venv" in failed.stderr


def test_apt_brings_what_is_missing_when_it_may(checkout: Checkout) -> None:
    checkout.program("python3", WITHOUT_ENSUREPIP)
    (checkout.root / "complete").write_text(COMPLETE)
    checkout.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    checkout.program("apt-get", f'#!/bin/sh\ncp "{checkout.root}/complete" "{checkout.bin}/python3"\n')
    done = checkout.setup()
    assert done.returncode == 0, done.stderr
    assert "Installing the Debian package python3.11-venv" in done.stdout


def test_a_python_that_is_complete_goes_before_a_newer_one_that_is_not(checkout: Checkout) -> None:
    checkout.program("python3.13", WITHOUT_ENSUREPIP)
    checkout.program("python3.11", COMPLETE)
    assert "Creating .venv with Python 3.11.9" in checkout.setup().stdout


def test_a_python_that_is_too_old_is_named(checkout: Checkout) -> None:
    checkout.program("python3", TOO_OLD)
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "salesops needs Python 3.11 or later; python3 is 3.9." in failed.stderr


def test_no_python_at_all(checkout: Checkout) -> None:
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "no python3 was found on PATH" in failed.stderr


def test_the_lock_files_answer_to_the_ranges() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "lock.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_script_can_be_started() -> None:
    for path in (*ROOT.glob("scripts/*.sh"), ROOT / ".ci" / "run"):
        assert os.access(path, os.X_OK), path
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0, path
