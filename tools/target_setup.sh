# shellcheck shell=bash
# What --setup runs on the board, from a terminal: root without a password for who deploys there.
set -euo pipefail
# shellcheck disable=SC2064
on_interrupt() { trap "$1"$'\n)' INT; } # as in deploy.sh
on_interrupt 'exit 130'
folder=${SUDOERS-/etc/sudoers.d}
user=$(id -un)
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
  echo "setup: $user becomes root without a password already"
  exit
fi
file=$(mktemp)
trap 'rm -f "$file"' EXIT
echo "$user ALL=(ALL) NOPASSWD: ALL" >"$file"
echo "setup: sudo may now ask for the password of $user on the board (as delivered: xilinx)"
# A broken file there would lock everyone out of sudo, so it is checked first.
sudo sh -c 'visudo -cqf "$1" && install -m 440 "$1" "$2/resnet8"' sh "$file" "$folder" || {
  echo "setup: nothing was changed; run it from a terminal, as a user that sudo lets become root" >&2
  exit 1
}
sudo -k
if ! sudo -n true 2>/dev/null; then
  echo "setup: sudo still asks for a password, in spite of $folder/resnet8" >&2
  exit 1
fi
echo "setup: $folder/resnet8 lets $user become root without a password; delete it to undo that"
