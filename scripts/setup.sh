#!/usr/bin/env bash
# Make .venv ready: find a Python, create the environment, install the locked packages and salesops itself.
#
#   scripts/setup.sh          what salesops needs to run
#   scripts/setup.sh dev      and what the tests and checks need
#
# An environment that is already there is adopted and completed, never recreated, unless this script made it for a
# checkout that has moved since. A stamp makes every later start instant until pyproject.toml or a lock file changes.
# Package sources are pip's own business (pip.conf, PIP_* variables).
set -euo pipefail
cd "$(dirname "$0")/.."

want=${1:-run}
case "$want" in run | dev) ;; *) echo "usage: scripts/setup.sh [run|dev]" >&2 && exit 2 ;; esac
venv=.venv
stamp=$venv/salesops-setup
lock=.state/setup.lock
log=.state/setup.log

say() { printf '%s\n' "$*"; }
die() { printf '\n%s\n' "$*" >&2; exit 1; }

# --- The stamp: "<run|dev> <digest of what was installed> <folder of the checkout>" ---------------------------------
digest() { cat pyproject.toml requirements.lock requirements-dev.lock | cksum | tr ' ' '-'; }

up_to_date() {
  local have have_digest have_root
  [ -f "$stamp" ] || return 1
  read -r have have_digest have_root <"$stamp" || return 1
  [ "$have_digest" = "$(digest)" ] && [ "$have_root" = "$PWD" ] || return 1
  [ "$have" = dev ] || [ "$have" = "$want" ] || return 1
  "$venv/bin/python" -c '' 2>/dev/null
}

# --- One set-up at a time: a second one waits, and takes over from one that was killed ------------------------------
take_turn() {
  local holder waited=0
  mkdir -p .state
  until mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; continue; fi
    if [ -z "$holder" ] && [ "$waited" -ge 10 ]; then rm -rf "$lock"; continue; fi
    [ "$waited" -gt 0 ] || say "Another set-up is running here; waiting for it."
    sleep 1
    waited=$((waited + 1))
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# --- Finding a Python ----------------------------------------------------------------------------------------------
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() { # prints the interpreter to use; one that can create an environment by itself goes first
  local name usable=""
  for name in ${SALESOPS_PYTHON:-python3.13 python3.12 python3.11 python3}; do
    command -v "$name" >/dev/null 2>&1 && new_enough "$name" || continue
    if can_venv "$name"; then echo "$name"; return; fi
    [ -n "$usable" ] || usable=$name
  done
  [ -z "$usable" ] || echo "$usable"
}

# --- Debian packages, when that is allowed without asking -----------------------------------------------------------
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

apt_install() { # with the lists at hand first; a machine without lists fetches them
  command -v apt-get >/dev/null 2>&1 && as_root true || return 1
  say "Installing the Debian package $* ..."
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
  as_root "${install[@]}" >>"$log" 2>&1 </dev/null && return 0
  as_root apt-get update -q >>"$log" 2>&1 </dev/null && as_root "${install[@]}" >>"$log" 2>&1 </dev/null
}

# --- The environment ------------------------------------------------------------------------------------------------
has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

pip_elsewhere() { # "$py -m pip" or a pip on PATH that can install into another environment (pip 22.3 and later)
  local name path
  path=$(command -v "$1") # pip wants a path here
  if "$1" -m pip --python "$path" --version >/dev/null 2>&1; then echo "$1 -m pip"; return; fi
  for name in pip3 pip; do
    if command -v "$name" >/dev/null 2>&1 && "$name" --python "$path" --version >/dev/null 2>&1; then echo "$name"; return; fi
  done
}

remedy() { # what to say when a Python cannot create an environment
  local py=$1 version sudo="sudo "
  version=$("$py" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ "$(id -u)" != 0 ] || sudo=""
  if command -v apt-get >/dev/null 2>&1; then
    tail -n 5 "$log" >&2 # what apt-get said, where it could be tried
    die "$py ($version) has neither ensurepip nor pip, so it cannot create an environment.
Run this once, then the same command again:

    ${sudo}apt-get install -y python$version-venv"
  fi
  die "$py ($version) has neither ensurepip nor pip, so it cannot create an environment.
Install a complete Python 3.11 or later (macOS: brew install python@3.12; Fedora: sudo dnf install python3-pip), then
run the same command again. SALESOPS_PYTHON=/path/to/python names one that is not on PATH."
}

create_venv() {
  local py pip version
  py=$(find_python)
  if [ -z "$py" ]; then
    local found
    found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
    if [ -n "$found" ]; then found="python3 is $found"; else found="no python3 was found on PATH"; fi
    die "salesops needs Python 3.11 or later; $found.
Debian 12 or Ubuntu 24.04: sudo apt-get install -y python3 python3-venv      macOS: brew install python@3.12
SALESOPS_PYTHON=/path/to/python names one that is not on PATH."
  fi
  version=$("$py" -c 'import platform; print(platform.python_version())')
  say "Creating $venv with Python $version ..."
  if can_venv "$py"; then
    "$py" -m venv "$venv" >>"$log" 2>&1 </dev/null && has_pip && return
  fi
  pip=$(pip_elsewhere "$py")
  if [ -n "$pip" ] && "$py" -m venv --without-pip "$venv" >>"$log" 2>&1; then
    # shellcheck disable=SC2086 # two words on purpose
    $pip --python "$venv/bin/python" install --quiet --no-input pip >>"$log" 2>&1 </dev/null && has_pip && return
  fi
  if apt_install "python${version%.*}-venv" || apt_install python3-venv; then
    "$py" -m venv "$venv" >>"$log" 2>&1 </dev/null && has_pip && return
  fi
  remedy "$py"
}

# --- Packages -------------------------------------------------------------------------------------------------------
install() { # a line that counts, on a terminal; the whole output goes to the log
  local title=$1 count=0 started=$SECONDS line
  shift
  say "$title"
  if [ -t 1 ]; then
    "$venv/bin/python" -m pip install --no-input --disable-pip-version-check "$@" 2>&1 </dev/null | tee -a "$log" |
      while IFS= read -r line; do
        case "$line" in
          Collecting*) count=$((count + 1)) && line=${line#Collecting } && printf '\r  %3d  %-60.60s' "$count" "${line%% (*}" ;;
          Installing*) printf '\r  %-66s' "unpacking ..." ;;
        esac
      done && printf '\r%-70s\r' ''
  else
    "$venv/bin/python" -m pip install --no-input --disable-pip-version-check "$@" >>"$log" 2>&1 </dev/null
  fi || {
    tail -n 15 "$log" >&2
    die "Installing stopped. The whole output is in $log. When the network was the reason, run the same command again:
it goes on where it stopped. A company's own package source belongs in pip's configuration (pip config set ...)."
  }
  say "  done in $((SECONDS - started)) s"
}

up_to_date && exit 0
take_turn
up_to_date && exit 0 # the one we waited for did it

: >"$log"
if [ -f "$stamp" ] && read -r _ _ made_for <"$stamp" && [ "$made_for" != "$PWD" ]; then
  say "The checkout has moved; making $venv anew."
  rm -rf "$venv"
fi
has_pip || create_venv
new_enough "$venv/bin/python" || die "$venv holds a Python older than 3.11. Remove it (rm -rf $venv) and run this again."

rm -f "$stamp"
if [ "$want" = dev ]; then
  install "Installing salesops' packages and the tools for tests and checks (about 900 MB unpacked) ..." -r requirements-dev.lock
else
  install "Installing salesops' packages (about 700 MB unpacked, a minute or so on a good connection) ..." -r requirements.lock
fi
install "Installing salesops itself ..." --no-deps --no-build-isolation --editable .
printf '%s %s %s\n' "$want" "$(digest)" "$PWD" >"$stamp"
say "Ready: $venv"
