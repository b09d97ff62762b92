#!/usr/bin/env bash
# Make .venv/NAME from requirements/NAME.txt unless it is there and up to date; print its python.
#
#   tools/environment.sh NAME
#
# NAME-nodeps.txt (installed without dependencies) and NAME-constraints.txt beside it are used where
# they exist. PYTHON names the interpreter to build with (default: what it was built with, or python3).
set -euo pipefail
# shellcheck disable=SC2064
on_interrupt() { trap "$1"$'\n)' INT; } # as in deploy.sh
on_interrupt 'exit 130'

fail() { # CODE MESSAGE...
  local code=$1
  shift
  printf 'environment: %s\n' "$@" >&2
  exit "$code"
}

cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -eq 1 ] || fail 2 "usage: tools/environment.sh NAME"
name=$1
if [[ ! $name =~ ^[A-Za-z0-9_]+$ || ! -f requirements/$name.txt ]]; then
  known=$(find requirements -name '*.txt' ! -name '*-*' -printf '%f\n' 2>/dev/null | sort | tr '\n' ' ')
  fail 2 "there is no requirements/$name.txt; known: ${known//.txt/}"
fi
base=${PYTHON:-python3}
command -v "$base" >/dev/null ||
  fail 1 "there is no $base on the PATH; install Python 3.11 or 3.12"

inputs=()
for input in "requirements/$name"{,-nodeps,-constraints}.txt; do
  [ ! -f "$input" ] || inputs+=("$input")
done
version_of() { "$1" -c 'import sys; print(sys.version.replace("\n", " "), sys.base_prefix)'; }

mkdir -p .venv
folder=$PWD/.venv/$name
python=$folder/bin/python
stamp=$folder/made-of
exec 9>"$folder.lock"
if ! flock -n 9; then
  echo "environment: waiting for another run that makes $name" >&2
  flock 9
fi

if [ -n "${PYTHON:-}" ] || ! version=$(version_of "$python" 2>/dev/null); then
  version=$(version_of "$base")
fi
wanted=$(sha256sum "${inputs[@]}" && echo "$version")

# The stamp is written last: an environment without it is unfinished, and made anew.
if [ ! -f "$stamp" ] || [ "$(<"$stamp")" != "$wanted" ] || ! "$python" -c '' 2>/dev/null; then
  "$base" -c 'import venv, ensurepip' 2>/dev/null ||
    fail 1 "$base has no venv module; install it (Debian, Ubuntu: sudo apt install python3-venv)"
  echo "environment: making .venv/$name" >&2
  rm -rf "$folder"
  "$base" -m venv "$folder" >&2 ||
    fail 1 "$base -m venv could not make .venv/$name (its message is above)"
  for input in "${inputs[@]}"; do
    how=()
    case $input in
      *-constraints.txt) continue ;;
      *-nodeps.txt) how=(--no-deps) ;;
    esac
    [ ! -f "requirements/$name-constraints.txt" ] || how+=(-c "requirements/$name-constraints.txt")
    "$python" -m pip install --quiet --disable-pip-version-check --no-input \
      "${how[@]}" -r "$input" >&2 ||
      fail 1 "pip could not install $input with Python ${version%% *} (its message is above)" \
        "PYTHON=python3.12 tools/environment.sh $name would try another Python"
  done
  echo "$wanted" >"$stamp"
fi
echo "$python"
