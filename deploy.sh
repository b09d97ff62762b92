#!/usr/bin/env bash
# Bring an overlay and the board's program to a board, or run them here; see --help.
# shellcheck disable=SC2034  # on_target sends its variables by their names
set -euo pipefail

usage() {
  cat <<'END'
Put an overlay and board_app on a PYNQ-Z2, check them there, and start the demo.

  ./deploy.sh OVERLAY [USER@HOST]      default: xilinx@192.168.2.99
  ./deploy.sh OVERLAY --sim            onto a simulated board: pynq over the circuit; benchmark it
  ./deploy.sh OVERLAY --local          on this machine, without a board or circuit; benchmark it
  ./deploy.sh --setup [USER@HOST]      let USER become root without a password, once for each board
  ./deploy.sh --doctor [USER@HOST | --sim]
                                       what is wrong with the board and what to do, and doctor.json
  ./deploy.sh --status [USER@HOST | --sim | --local]
  ./deploy.sh --stop [USER@HOST | --sim | --local]

  --bitstream          with --sim: the circuit read back from the overlay's .bit, in place of the
                       generated one, by --prjxray-db DIR, Project X-Ray's (docs/bitstream.md)
  --web-port PORT      the demo's port (default 8000)
  --https              serve over HTTPS, which browsers ask for before they hand out a camera
  --camera             show what a camera plugged into the board sees
  --token-file FILE    whoever asks must bring the token on FILE's first line (docs/server.md)
  --access-log         write a line for each request, 4 MB at most, to a file that --status names
  --no-start           leave the demo as it is
  --no-service         start the demo now, but not at each boot of the board by systemd
  --benchmark          measure on the board too, briefly, before the demo starts
  --no-benchmark       do not measure with --local and --sim: a quick start
  --images N           the same, on the first N test images (default: all; with --sim 100)
  --cifar10 DIR        the folder with test_batch.bin or cifar-10-batches-bin/ in it
                       (default: ~/.cache/cifar10, else downloaded where the benchmark runs, else 20
                       sample pictures)
  --port PORT          ssh's port
  --ssh-option OPTION  passed to ssh as -o OPTION; may be repeated
  -F CONFIG            ssh's configuration file

Only files that changed are copied. The new release takes over only after every file's sha256 and
its self-test were right on the board; until then the one before stays in use. A run that was
interrupted is continued by the next one.

Exit status: 0 done; 1 a check failed on the target, or something is missing there; 2 wrong call or
overlay; 3 the board cannot be reached, or the connection was lost; 130 interrupted by Ctrl-C.
END
}

say() { printf '%s\n' "$*"; }

fail() { # CODE MESSAGE...
  local code=$1
  shift
  printf 'deploy: %s\n' "$@" >&2
  exit "$code"
}

deployment=$$.$RANDOM activating=''
interrupted() {
  trap '' INT
  if [ -n "$activating" ]; then
    activating=''
    (on_target cancel) || true # in a shell of its own, which ends where it fails
  fi
  fail 130 "interrupted"
}
# At Ctrl-C do COMMAND, which exits. Its second line is for a fault of bash 5.2: while it looks for
# the end of a $(...) it takes the trap for a part of it, and goes on for want of the parenthesis.
# shellcheck disable=SC2064
on_interrupt() { trap "$1"$'\n)' INT; }
on_interrupt interrupted # without it bash goes on where a program ends well in spite of Ctrl-C

read_token() { # FILE: print the token on its first line
  local word=''
  [ -r "$1" ] || fail 2 "there is no token file $1"
  read -r word <"$1" || true
  [[ $word =~ ^[A-Za-z0-9]{16,}$ ]] ||
    fail 2 "$1: a token is 16 letters and digits or more, on a line of its own" \
      "make one with: openssl rand -hex 16 >$1"
  printf %s "$word"
}

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/transport.sh
. "$here/tools/transport.sh"
# shellcheck source=tools/stage.sh
. "$here/tools/stage.sh"

command='' places=() ssh_options=() is_local=no is_simulated=no is_read_back=no database=''
start=yes service=yes port=8000 serving='' token='' benchmark='' images='' cifar10=''
while [ $# -gt 0 ]; do
  case $1 in
    --web-port | --token-file | --images | --cifar10 | --prjxray-db | --port | --ssh-option | -F)
      [ $# -ge 2 ] || fail 2 "$1 needs a value; see --help"
      ;;
  esac
  case $1 in
    -h | --help) usage && exit ;;
    --status | --stop | --setup | --doctor) command=${1#--} ;;
    --local) is_local=yes ;;
    --sim) is_simulated=yes ;;
    --bitstream) is_read_back=yes ;;
    --prjxray-db) database=$2 && shift ;;
    --https | --camera) serving+=" $1" ;;
    --access-log) serving+=" --access-log ../log/access.log" ;;
    --token-file) token=$(read_token "$2") || exit && shift ;;
    --no-start) start=no ;;
    --no-service) service=no ;;
    --benchmark) benchmark=yes ;;
    --no-benchmark) benchmark=no ;;
    --images) images=$2 && shift ;;
    --web-port) port=$2 && shift ;;
    --cifar10) cifar10=$2 && shift ;;
    --port) ssh_options+=(-p "$2") && shift ;;
    --ssh-option) ssh_options+=(-o "$2") && shift ;;
    -F) ssh_options+=(-F "$2") && shift ;;
    -*) fail 2 "unknown option $1; see --help" ;;
    *) places+=("$1") ;;
  esac
  shift
done
overlay=''
if [ -z "$command" ]; then
  [ ${#places[@]} -gt 0 ] || fail 2 "which overlay? known: $(known_overlays); see --help"
  overlay=${places[0]}
  places=("${places[@]:1}")
fi
[ ${#places[@]} -le 1 ] || fail 2 "too many arguments: ${places[*]}; see --help"
[ $is_local$is_simulated != yesyes ] || fail 2 "either --local or --sim, not both"
if [ $is_local$is_simulated != nono ]; then
  [ ${#places[@]} -eq 0 ] || fail 2 "either --local, --sim or ${places[0]}, not both"
  [ "$command" != setup ] || fail 2 "--setup is for a board; nothing here needs root"
  [ "$command$is_local" != doctoryes ] || fail 2 "--doctor is for a board or --sim"
fi
if [ $is_read_back = yes ]; then
  [ $is_simulated = yes ] || fail 2 "--bitstream is for --sim"
  [ -n "$database" ] || fail 2 "--bitstream needs --prjxray-db DIR, the folder with zynq7/ in it"
  [ -d "$database/zynq7" ] || fail 2 "there is no zynq7/ in $database"
  [ -f "$here/overlays/$overlay/$overlay.bit" ] || fail 2 "$overlay has no bitstream to read back"
  database=$(cd "$database" && pwd)
elif [ -n "$database" ]; then
  fail 2 "--prjxray-db is for --bitstream"
fi
[[ $port =~ ^[1-9][0-9]{0,4}$ && $port -le 65535 ]] || fail 2 "$port is no port number"
[[ $images =~ ^([1-9][0-9]{0,8})?$ ]] || fail 2 "$images is no number of images"
[ "$benchmark" != no ] || [ -z "$images" ] || fail 2 "either --images or --no-benchmark, not both"
[ -z "$images" ] || benchmark=yes
if [ -n "$cifar10" ]; then
  folder=$(cifar10_folder "$cifar10") || fail 2 "there is no test_batch.bin in $cifar10"
  cifar10=$folder
fi

scratch=$(mktemp -d /tmp/deploy.XXXXXX) # short: ssh's socket is in it
trap 'disconnect; rm -rf "$scratch"' EXIT
[ -n "$command" ] || stage "$overlay" "$scratch/stage"

unit=$(<"$here/tools/resnet8.service")
local_python='' local_path='' app=board_app backend=reference
if [ $is_simulated = yes ]; then
  is_local=yes root=$here/.simulated-board
  app=host_build.simulation.on_board local_path=$here
elif [ $is_local = yes ]; then
  root=$here/.local-board
else
  root=resnet8 host=0.0.0.0
  connect "${places[0]:-xilinx@192.168.2.99}"
fi
if [ $is_local = yes ]; then
  host=127.0.0.1 address=127.0.0.1 benchmark=${benchmark:-yes}
  mkdir -p "$root"
  echo '*' >"$root/.gitignore"
fi
case $command in
  '') ;;
  setup)
    set_up || { [ $? -ne 130 ] && exit 1; } || interrupted
    exit
    ;;
  doctor)
    if [ $is_simulated = yes ]; then
      local_python=$("$here/tools/environment.sh" pynq312) ||
        fail 1 "the simulated board's Python environment is missing"
    fi
    code=0 activating=yes
    (on_target doctor) || code=$?
    activating=''
    [ "$code" -ne 3 ] || exit 3 # it has said so
    on_target doctor_report >"$scratch/doctor.json"
    if [ -s "$scratch/doctor.json" ]; then
      cp "$scratch/doctor.json" doctor.json
      say "all of it is in doctor.json, to be sent"
    fi
    exit "$code"
    ;;
  *)
    on_target "$command"
    exit
    ;;
esac

if [ $is_simulated = yes ]; then
  images=${images:-100}
  simulate_board "$overlay" "$scratch/stage" "$database"
elif [ $is_local = yes ]; then
  local_python=$("$here/tools/environment.sh" board) ||
    fail 1 "the board's Python environment is missing"
fi
if [ -e "$scratch/stage/overlays/$overlay/$overlay.bit" ]; then
  [ $is_local$is_simulated = yesno ] || backend=fpga
elif [ $is_local = no ]; then
  say "note: $overlay has no bitstream yet, so the board's processor computes it, not its FPGA"
fi

not_copied() { fail 1 "copying failed on the target; what was in use before stays in use"; }

stage_samples "$scratch/stage"
sums=$(cd "$scratch/stage" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum)
hash=$(sha256sum <<<"$sums" | cut -c 1-16)
answer=$(on_target prepare "$sums")
transport=$(head -n 1 <<<"$answer")
needed=$(tail -n +2 <<<"$answer")
count=$(grep -c . <<<"$needed" || true)
say "$overlay, release $hash: $count of $(wc -l <<<"$sums") files to copy"
copy "$scratch/stage" "releases/$hash.partial" "$needed" || {
  needed=$(on_target prepare "$sums" | tail -n +2) # nothing where another deployment has done it
  [ -z "$needed" ] || not_copied
}

if [ $is_local = no ]; then
  [ -n "$cifar10" ] || cifar10=$(cifar10_folder "${XDG_CACHE_HOME:-$HOME/.cache}/cifar10") || true
  if [ -n "$cifar10" ]; then
    sum=$(sha256sum <"$cifar10/test_batch.bin" | cut -c 1-64)
    needed=$(on_target cifar10_lacking "$sum")
    [ -z "$needed" ] || say "CIFAR-10's test images: to copy"
    copy "$cifar10" cifar10.partial "$needed" ||
      [ -z "$(on_target cifar10_lacking "$sum")" ] || not_copied
    on_target cifar10_settle "$sum"
    cifar10=
  elif [ ! -d "$scratch/stage/samples" ]; then
    say "note: neither CIFAR-10 nor sample pictures are here, so none were copied" \
      "(tools/environment.sh board gets the pictures)"
  fi
fi

activating=yes
on_target activate
trap '' INT # all is done and said
