#!/usr/bin/env bash
# Make the file system of a small Debian for armhf unless it is in the cache; print its folder.
#
#   tests/armv7l/make_root.sh SUITE
#
# SUITE is bookworm (Python 3.11, numpy 1.24, Flask 2.2) or bullseye (3.9, 1.19, 1.1). Needs root,
# mmdebstrap, apt, and a Debian mirror: the one in this system's apt sources, else mmdebstrap's.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/armv7l/make_root.sh SUITE" >&2 && exit 2; }
suite=$1
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
recipe=$(sha256sum tests/armv7l/make_root.sh | cut -c 1-12)
folder=$PWD/.cache/armhf-$suite-$recipe

# What the board's image has of what deploy.sh and board_app use, and the two BLAS that numpy may be
# given there.
packages=(python3 python3-numpy python3-flask python3-pil libblas3 liblapack3 libopenblas0-pthread
  openssh-server rsync bash coreutils findutils grep gzip procps sed tar util-linux)

mkdir -p .cache
exec 9>"$folder.lock"
flock 9
if [ ! -d "$folder" ]; then
  partial=$folder.partial
  rm -rf "$partial"
  # shellcheck disable=SC2016  # it is for apt
  mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  # Extracting does not run a program of the other architecture, which takes a tenth of the time.
  mmdebstrap --quiet --architectures=armhf --variant=extract \
    --include="$(IFS=,; echo "${packages[*]}")" \
    "$suite" "$partial" ${mirror:+"deb $mirror $suite main"} >&2

  # What the packages' scripts would have done, as far as it is needed.
  echo 'root:x:0:0:root:/root:/bin/bash' >"$partial/etc/passwd"
  echo 'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin' >>"$partial/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$partial/etc/group"
  echo 'root:*:19000:0:99999:7:::' >"$partial/etc/shadow"
  libraries=$partial/usr/lib/arm-linux-gnueabihf
  for library in blas/libblas.so.3 lapack/liblapack.so.3; do
    ln -s "$library" "$libraries"
  done
  mv -T "$partial" "$folder"
fi
echo "$folder"
