#!/usr/bin/env bash
# Make Spark ready for `make test-engines`: Java, which Debian's package gives when we are root and there is none, and the extra
# `salesops[spark]` in .venv. Nothing else needs either. Always exits 0: without Spark its tests are left out, and the closing
# summary says so.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

java_found() { # 17 or later, as `java -version` says: openjdk version "17.0.15"
  local java=java version
  [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
  version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] && [ "$version" -ge 17 ]
}

install_java() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends openjdk-17-jre-headless </dev/null 2>&1
}

if ! java_found; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Java 17 is not installed; Spark's tests will be left out. To run them too: sudo apt-get install -y openjdk-17-jre-headless"
    exit 0
  fi
  echo "Installing Java for the tests of Spark ..."
  if ! output=$(install_java || { apt-get update -q </dev/null 2>&1 && install_java; }); then
    printf '%s\n' "$output" | tail -n 5
    echo "Java could not be installed; Spark's tests will be left out."
    exit 0
  fi
fi

wanted=$("$bin/python" - <<'PYTHON'
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

for text in tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]["spark"]:
    requirement = Requirement(text)
    try:
        found = requirement.specifier.contains(metadata.version(requirement.name)) and metadata.version("grpcio-status")
    except metadata.PackageNotFoundError:
        found = ""
    if not found:
        print(text)
PYTHON
)
if [ -n "$wanted" ]; then
  echo "Installing $wanted into .venv (about 500 MB unpacked) ..."
  # The pins of the lock file hold for what is there already.
  if ! output=$("$bin/python" -m pip install --no-input --disable-pip-version-check -q -c requirements-dev.lock "$wanted" </dev/null 2>&1); then
    printf '%s\n' "$output" | tail -n 5
    echo "PySpark could not be installed; Spark's tests will be left out."
  fi
fi
exit 0
