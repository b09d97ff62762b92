#!/usr/bin/env bash
# Set up the host environment where it is missing, then lint, type-check and test everything.
#
#   ./test.sh [PYTEST ARGUMENTS]      ./test.sh -m "not slow and not rtl"   is the quick part
#
# As root on Debian or Ubuntu it installs the missing system packages too; otherwise it names them,
# and the tests that need them are skipped.
set -euo pipefail
cd "$(dirname "$0")"

declare -A package_of=([chromium]=chromium [g++]=g++ [mmdebstrap]=mmdebstrap [qemu-arm-static]=qemu-user-static
  [rsync]=rsync [shellcheck]=shellcheck [ssh]=openssh-client [sshd]=openssh-server
  [tclsh]=tcl)
missing=()
for program in "${!package_of[@]}"; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  else
    echo "test.sh: some tests will be skipped; for all of them: sudo apt install ${missing[*]}" >&2
  fi
fi

python=$(tools/environment.sh host)
"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
# A process for each core, and a thread in each of them; the tests of a file share what they set up.
export OMP_NUM_THREADS=1
"$python" -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile "$@"
