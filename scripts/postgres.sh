#!/usr/bin/env bash
# Look for a PostgreSQL server program for the tests, and install Debian's when we are root and there is none.
# The tests start their own server from it (tests/conftest.py); nothing is left running. Always exits 0: without
# PostgreSQL the tests that need it are left out, and the closing summary says so.
set -uo pipefail

found() {
  local folder
  command -v initdb >/dev/null 2>&1 && return 0
  for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    [ -x "$folder/initdb" ] && return 0
  done
  return 1
}

found && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "PostgreSQL is not installed; its tests will be left out. To run them too: sudo apt-get install -y postgresql"
  exit 0
fi
echo "Installing PostgreSQL for the tests ..."
# RUNLEVEL=1 keeps the package from starting a server of its own.
install() {
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql </dev/null 2>&1
}
if ! output=$(install || { apt-get update -q </dev/null 2>&1 && install; }); then
  printf '%s\n' "$output" | tail -n 5
  echo "PostgreSQL could not be installed; its tests will be left out."
fi
exit 0
