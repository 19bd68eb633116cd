#!/usr/bin/env bash
# Sets up what running (base) or testing (dev) needs: Debian packages, .venv, the locked Python packages, and for dev
# the locked npm packages that check the browser page.
# Called by make, and done again only when a lock file, pyproject.toml or this script has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-base}
case "$kind" in
  base) lock=requirements.lock; packages=(libflite1) ;;
  dev) lock=requirements-dev.lock; packages=(libflite1 flite espeak-ng iproute2) ;;
  *) echo "usage: scripts/setup.sh base|dev" >&2; exit 2 ;;
esac

say() { printf '%s\n' "setup: $*" >&2; }

# Prints how to become root here, or fails.
root_prefix() {
  if [ "$(id -u)" -eq 0 ]; then echo env; elif sudo -n true 2>/dev/null; then echo sudo -n; else return 1; fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# Installs Debian packages where that is possible; fails with one clear sentence where it isn't.
need_packages() {
  local missing=() name prefix
  for name in "$@"; do installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || ! prefix=$(root_prefix); then
    say "please install ${missing[*]} (on Debian: apt-get install ${missing[*]}); there is no right to do it from here."
    return 1
  fi
  say "installing Debian packages: ${missing[*]}"
  local install=($prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  "${install[@]}" >/dev/null 2>&1 || { $prefix apt-get update -qq && "${install[@]}" >/dev/null; }
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  say "Python 3.11 or newer is needed; install it, or name it: make run PYTHON=/path/to/python3.12"
  return 1
}

if [ ! -x .venv/bin/python ]; then
  python=$(find_python)
  "$python" -c 'import ensurepip, venv' 2>/dev/null || need_packages python3-venv
  say "making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

need_packages "${packages[@]}" || say "going on without; 'stretto doctor' tells what that means."
if [ "$kind" = dev ] && ! command -v chromium-browser >/dev/null; then
  need_packages chromium || say "going on without; the tests of the browser page will be skipped."
fi

# The page needs no npm; checking it does. What was installed for this very lock file is not installed again.
need_node_modules() {
  local stamp=node_modules/.stretto-lock
  if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
      process.exit(major > 18 || (major === 18 && minor >= 18) ? 0 : 1)' 2>/dev/null || ! command -v npm >/dev/null; then
    say "there is no Node.js 18.18 or newer with npm: the page's types, lint and accessibility are not checked here."
    return 0
  fi
  ! cmp -s package-lock.json "$stamp" || return 0
  say "installing the tools that check the page (npm ci) ..."
  if npm ci --silent --no-progress --no-audit --no-fund; then
    cp package-lock.json "$stamp"
  else
    say "npm ci failed (no network?): the page's types, lint and accessibility are not checked here."
  fi
}

[ "$kind" = base ] || need_node_modules

started=$SECONDS
say "installing $(grep -c '^[a-z0-9].*==' "$lock") locked Python packages (about a minute the first time) ..."
quiet=(--quiet --quiet)
[ ! -t 2 ] || quiet=(--progress-bar on)
.venv/bin/python -m pip install "${quiet[@]}" --disable-pip-version-check --no-input --require-hashes -r "$lock"
.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
say "ready after $((SECONDS - started)) s."
touch ".venv/.stretto-$kind"
[ "$kind" = base ] || touch .venv/.stretto-base
