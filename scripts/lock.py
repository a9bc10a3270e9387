"""Write the lock files from what is installed in this environment, or check that they answer to pyproject.toml.

`requirements.lock` holds what salesops needs to run (and to install itself), `requirements-dev.lock` adds what the
tests and checks need. Each is the closure of the ranges in pyproject.toml, at the versions found here.

    python scripts/lock.py            write both
    python scripts/lock.py --check    exit 1 and say what differs between the ranges and the pins
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
RUN = "requirements.lock"
DEV = "requirements-dev.lock"
HEAD = "# Written by `make lock`; the ranges are in pyproject.toml. Not edited by hand.\n"


def wanted(root: Path) -> tuple[list[Requirement], list[Requirement]]:
    """Return the ranges of pyproject.toml: (needed to run and to install, needed to develop)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    run = project["build-system"]["requires"] + project["project"]["dependencies"]
    dev = project["project"]["optional-dependencies"]["dev"]
    return [Requirement(text) for text in run], [Requirement(text) for text in dev]


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Return {name: installed version} of the requirements and of everything that they need in turn.

    Raises SystemExit naming what is missing or outside its range.
    """
    pins: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = list(requirements)
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            sys.exit(f"{requirement} is not installed here. Install it, then run this again.")
        if not requirement.specifier.contains(found.version, prereleases=True):
            sys.exit(f"{name} {found.version} is installed, but {requirement} is asked for.")
        pins[name] = found.version
        for text in found.requires or []:
            inner = Requirement(text)
            extras = requirement.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                queue.append(inner)
    return pins


def read_pins(path: Path) -> dict[str, str]:
    """Return {name: version} of the `name==version` lines of a lock file; a missing file has none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name.strip()): version.strip() for name, version in pairs}


def check(root: Path) -> list[str]:
    """Return one line for each range of pyproject.toml that its lock file does not answer; empty when all is well."""
    run, dev = wanted(root)
    run_pins = read_pins(root / RUN)
    dev_pins = run_pins | read_pins(root / DEV)
    found = []
    for requirements, pins, lock in ((run, run_pins, RUN), (dev, dev_pins, DEV)):
        for requirement in requirements:
            pin = pins.get(canonicalize_name(requirement.name))
            if pin is None:
                found.append(f"{lock} has no {requirement.name}. Install it in .venv and run `make lock`.")
            elif not requirement.specifier.contains(pin, prereleases=True):
                found.append(f"{lock} pins {requirement.name} {pin}, outside {requirement.specifier}. Run `make lock`.")
    return found


def write(root: Path) -> None:
    """Write both lock files, sorted by name."""
    run, dev = wanted(root)
    run_pins = closure(run)
    dev_pins = {name: version for name, version in closure(dev).items() if name not in run_pins}
    for name, first, pins in ((RUN, "", run_pins), (DEV, f"-r {RUN}\n", dev_pins)):
        lines = "".join(f"{package}=={pins[package]}\n" for package in sorted(pins))
        (root / name).write_text(HEAD + first + lines, encoding="utf-8")
        print(f"{name}: {len(pins)} packages")


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    if not parser.parse_args().check:
        write(ROOT)
        return 0
    problems = check(ROOT)
    print("\n".join(problems) or "The lock files answer to pyproject.toml.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
