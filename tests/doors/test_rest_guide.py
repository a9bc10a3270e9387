"""The REST guide, word by word: its calls run in their order against a served workspace, none is refused but where the text says so,
and what it quotes of an answer is in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Door, Served

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "api.md"
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_guide_holds(acme: Door, rest: Served, tmp_path: Path) -> None:
    """Every call is answered; a quoted answer is that of the last call before it."""
    here = f"http://127.0.0.1:{rest.port}"
    environment = {**os.environ, "API": f"{here}/api/v1", "TOKEN": rest.tokens["owner"]}
    last, quoted = "", 0
    for kind, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        if kind == "json":
            quoted += 1
            holds(json.loads(text), json.loads(last))
            continue
        told = [_run(call, tmp_path, environment, here) for call in _calls(text)]
        last = told[-1]
        problems = [one for one in told if one.startswith('{"type": "urn:salesops:problem')]
        assert not problems or "abc" in text, problems
    assert quoted >= 6


def _calls(text: str) -> list[str]:
    """The commands of a block, those over several lines as one; what is assigned is kept for the next."""
    lines = text.replace("\\\n", " ").splitlines()
    return [
        "\n".join([line for line in lines[:n] if re.match(r"[A-Z]+=", line)] + [lines[n]]) for n in range(len(lines))
    ]


def _run(call: str, folder: Path, environment: dict[str, str], here: str) -> str:
    if call.splitlines()[-1].startswith(("TAG=", "UPLOAD=")):  # run with the call that needs it
        return ""
    call = call.replace("http://127.0.0.1:8000", here)
    done = subprocess.run(
        ["sh", "-ec", call], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, (call, done.stderr)
    return done.stdout


def holds(part: Any, whole: Any) -> None:
    """Everything of a quoted answer is in the answer; lists by place."""
    if isinstance(part, dict):
        for name, one in part.items():
            assert name in whole, (name, whole)
            holds(one, whole[name])
    elif isinstance(part, list):
        assert len(whole) >= len(part)
        for one, other in zip(part, whole, strict=False):
            holds(one, other)
    else:
        assert part == whole
