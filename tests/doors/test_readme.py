"""The README, word by word: its commands run in their order in a folder that holds what the repository holds, and print what it quotes.

A block that starts with a command is run; a block of anything else is quoted, and every line of it must have been printed by the block of
commands before it. `make` needs a machine of its own (tests/setup).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("salesops ", "export ", "sed ", "make ", "python ", "pip ")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
REFUSED = "salesops import examples/crm --workspace acme"
"""The one command that ends with data errors, as the text says."""


def test_readme_holds(tmp_path: Path) -> None:
    """Every command of the README ends well and prints what the README quotes."""
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(blocks) > 15
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    printed = ""
    for language, text in blocks:
        if language == "python":
            done = _run([sys.executable, "-c", text], tmp_path, environment)
            assert done.returncode == 0, done.stderr
        elif text.startswith(COMMANDS):
            printed = ""
            for line in text.splitlines():
                printed += _command(line, tmp_path, environment)
        else:
            for line in text.splitlines():
                assert _flat(line) in [_flat(said)[-len(_flat(line)) :] for said in printed.splitlines()], (
                    line,
                    printed,
                )


def _command(line: str, folder: Path, environment: dict[str, str]) -> str:
    if variable := re.fullmatch(r"export (\w+)=(.*)", line):
        if variable[1] != "PATH":  # the commands of this environment are on it already
            environment[variable[1]] = variable[2]
        return ""
    done = _run(["sh", "-c", line], folder, environment)
    assert done.returncode == (6 if line == REFUSED else 0), (line, done.stdout, done.stderr)
    return done.stdout + done.stderr


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def _flat(line: str) -> str:
    return " ".join(line.split())


@pytest.mark.parametrize("page", ["README.md", "docs/README.md", "docs/guides/start.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    """A link to a file of the repository names one that is there."""
    here = ROOT / page
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", here.read_text(encoding="utf-8"))
    assert targets
    missing = [one for one in targets if "://" not in one and not (here.parent / one).exists()]
    assert not missing
