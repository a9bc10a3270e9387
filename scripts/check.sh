#!/usr/bin/env bash
# Run every check, show what each one found, and fail at the end if any did.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()

check() { # name, command...
  local name=$1 started=$SECONDS output
  shift
  if output=$("$@" 2>&1 </dev/null); then
    printf '%-18s ok      %3d s\n' "$name" $((SECONDS - started))
  else
    printf '%-18s FAILED  %3d s\n%s\n\n' "$name" $((SECONDS - started)) "$output"
    failed+=("$name")
  fi
}

code=(src tests scripts)
[ -d benchmarks ] && code+=(benchmarks)
check "format" "$bin/ruff" format --check "${code[@]}"
check "lint" "$bin/ruff" check "${code[@]}"
check "types" "$bin/mypy"
check "imports" "$bin/lint-imports"
check "lock files" "$bin/python" scripts/lock.py --check
if [ -e src/salesops/metrics/lint.py ] || [ -e src/salesops/metrics/lint/__main__.py ]; then
  check "metric definitions" "$bin/python" -m salesops.metrics.lint
fi

[ ${#failed[@]} -eq 0 ] && exit 0
printf '%d of the checks failed: %s\n' "${#failed[@]}" "$(IFS=,; echo "${failed[*]}")"
printf '%s\n' "make format mends formatting, import order and simple findings of the linter."
exit 1
