#!/usr/bin/env bash
# Be an armv7l machine with an sshd until stdin ends: run in new user, mount and process namespaces.
#
#   inside.sh ROOT KEYS PORT
#
# ROOT is left as it is: what the machine writes is in memory. KEYS has the files host and user.pub.
# Exit status: 77 if this kernel cannot run armv7l's programs here.
set -euo pipefail

root=$1 keys=$2 port=$3

# A user namespace has interpreters of its own, so this machine's are not touched (Linux 6.7).
# Where it cannot, they may be set up on this machine already.
handlers=/proc/sys/fs/binfmt_misc
if mount -t binfmt_misc binfmt_misc $handlers 2>/dev/null; then
  # ELF, 32 bits, little-endian, executable, ARM; F: opened now, so that it is found in ROOT too.
  zeros='\x00\x00\x00\x00\x00\x00\x00\x00' ones='\xff\xff\xff\xff\xff\xff\xff'
  printf '%s' ":qemu-arm:M::\x7fELF\x01\x01\x01\x00$zeros\x02\x00\x28\x00" \
    ":$ones\x00$ones\xff\xfe\xff\xff\xff:$(command -v qemu-arm-static):F" >$handlers/register
fi

mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
for folder in root run tmp; do
  mount -t tmpfs tmpfs "$root/$folder"
done

# The board's processor: no FMA, which a newer one would have, and 32-bit vectors.
export QEMU_CPU=cortex-a9
chroot "$root" /bin/true || exit 77

# A board's packages are compiled when they are installed; these were only extracted. The modules
# are those that the program imports, whatever this machine's environment says of caches.
cache=/run/pycache
env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$cache chroot "$root" /usr/bin/python3 -c '
import argparse, flask, http.server, importlib.metadata, json, numpy, PIL.Image, PIL.PngImagePlugin
import tarfile, urllib.request'
[ -d "$root$cache" ]

mkdir "$root/run/sshd" "$root/run/keys"
install -m 600 "$keys/host" "$keys/user.pub" "$root/run/keys"
cat >"$root/run/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey /run/keys/host
AuthorizedKeysFile /run/keys/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
SetEnv QEMU_CPU=$QEMU_CPU PYTHONPYCACHEPREFIX=$cache
END
chroot "$root" /usr/sbin/sshd -D -e -f /run/sshd_config </dev/null &
read -r || true # the namespace's first process, whose end is that of all others
