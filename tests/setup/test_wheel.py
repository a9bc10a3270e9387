"""The wheel holds all that salesops needs to run: every file of the package, the command, the licence."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout with what is installed, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("salesops-*.whl")
    return built


@pytest.mark.slow
def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    source = ROOT / "src"
    files = (path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    wanted = {str(path.relative_to(source)) for path in files if path.suffix != ".pyc"}
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


@pytest.mark.slow
def test_the_wheel_names_the_command_the_licence_and_python(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    info = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
    commands = ConfigParser()
    commands.read_string(archive.read(f"{info}/entry_points.txt").decode())
    metadata = archive.read(f"{info}/METADATA").decode()
    assert commands["console_scripts"]["salesops"] == "salesops.cli:main"
    assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata


@pytest.mark.slow
def test_the_wheel_installs_and_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """A fresh environment with the wheel alone; what it depends on is lent by this environment, after its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SALESOPS"))}
    # A .pth line is not followed on PYTHONPATH, so the editable checkout stays out of sight.
    command = [str(python), "-c", "import salesops; print(salesops.__file__, salesops.__version__)"]
    done = subprocess.run(
        command, env=environment | {"PYTHONPATH": lent}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "venv") in done.stdout
    if (ROOT / "src" / "salesops" / "cli.py").exists():
        command = [str(tmp_path / "venv" / "bin" / "salesops"), "--help"]
        helped = subprocess.run(
            command, env=environment | {"PYTHONPATH": lent}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert helped.returncode == 0, helped.stderr
        assert "Usage" in helped.stdout
