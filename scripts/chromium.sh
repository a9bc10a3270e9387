#!/usr/bin/env bash
# Look for Chromium for the tests of pages, and install Debian's when we are root and there is none. Always exits 0: without
# it the tests that need a browser are left out, and the closing summary says so.
set -uo pipefail

command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Chromium is not installed; tests of pages in a browser will be left out. To run them too: sudo apt-get install -y chromium"
  exit 0
fi
echo "Installing Chromium for the tests ..."
install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium </dev/null 2>&1
}
if ! output=$(install || { apt-get update -q </dev/null 2>&1 && install; }); then
  printf '%s\n' "$output" | tail -n 5
  echo "Chromium could not be installed; tests of pages in a browser will be left out."
fi
exit 0
