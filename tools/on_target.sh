# shellcheck shell=bash
# What runs on the target: the board, or this machine with --local. deploy.sh sends a bash there the
# assignments of the variables below, this file, target_demo.sh and one call. In the folder $root:
#
#   releases/HASH[.partial]  board_app, one overlay, notebooks, perhaps sample pictures; SHA256SUMS
#   current -> releases/HASH switched only after that release's self-test
#   token-* log              the demo's token, its access log: the page's user's
#   demo demo.sh demo.pid demo.log
#                            "HASH OVERLAY HOST PORT BACKEND [OPTION...]" of the demo started
#                            last, the script that runs it, its process, its output
#   run                      the folder the app works in
#   finished                 of the deployment that came last: its number, and what was before it
set -euo pipefail
export LC_ALL=C
umask 022
# shellcheck disable=SC2064
on_interrupt() { trap "$1"$'\n)' INT; } # as in deploy.sh
on_interrupt 'exit 130'

root=${root-} hash=${hash-} overlay=${overlay-} # where; which release
deployment=${deployment-}                       # the argument of the bash that activates it
start=${start-} host=${host-} port=${port-}     # start: yes or no; what the demo listens on
service=${service-}                             # whether systemd starts the demo: yes or no
unit=${unit-}                                   # the text of its unit
serving=${serving-}                             # more options of serve
token=${token-}                                 # what whoever asks must bring, or nothing
address=${address-}                             # the target's, as the user sees it
benchmark=${benchmark-} images=${images-}       # benchmark: yes or no; on how many, or nothing
cifar10=${cifar10-}                             # a folder, or nothing
app=${app-} backend=${backend-}                 # the module to run; what executes the network
local_python=${local_python-}                   # the Python to use with --local and --sim,
local_path=${local_path-}                       # and where it finds more modules than the release's
stopping=no                                     # whether the demo was told to end
before='' demo_before='' service_before=no      # what is remembered to be used again

say() { printf '%s\n' "$*" || true; } # a lost connection must not stop what is under way

fail() {
  printf 'deploy: %s\n' "$@" >&2 || true
  exit 1
}

enter() { # go to the folder everything here is relative to
  mkdir -p "$root/releases" "$root/run" || fail "cannot write to $root"
  cd -P "$root"
  [ -w . ] || fail "cannot write to $PWD: is the card's file system read-only? (dmesg says why)"
}

can_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

signal() { # SIGNAL PROCESS: or -GROUP. As root where that can be, as what has the FPGA is root's
  { can_be_root && as_root kill "-$1" -- "$2"; } 2>/dev/null || kill "-$1" -- "$2" 2>/dev/null || true
}

is_pynq() { [ -z "$local_python" ] && [ -e "${PYNQ_PROFILE:-/etc/profile.d}/pynq_venv.sh" ]; }

# Print a script that becomes the app's Python with the arguments it is given: launcher HASH [CACHE]
# On a PYNQ image that is its venv's Python, with XRT's settings; with --local it is $local_python;
# anywhere else it is the system's. It works in the folder `run`: pynq writes into where it works.
launcher() {
  local release=$PWD/releases/$1 samples='' script profile=${PYNQ_PROFILE:-/etc/profile.d}
  if [ -d "$release/samples" ]; then samples=$release/samples; fi
  printf 'export PYTHONDONTWRITEBYTECODE=1 BOARD_APP_SAMPLES=%q PYTHONPATH=%q\n' \
    "$samples" "$release${local_path:+:$local_path}"
  [ $# -lt 2 ] || printf 'export XDG_CACHE_HOME=%q\n' "$2"
  printf 'cd %q || exit\n' "$PWD/run"
  if is_pynq; then
    for script in "$profile"/{pynq_venv,xrt_setup}.sh; do
      [ ! -e "$script" ] || printf '. %q >/dev/null\n' "$script"
    done
  fi
  # shellcheck disable=SC2016  # it is for the launcher
  printf 'exec ${limit:+timeout --foreground "$limit"} %q "$@"\n' "${local_python:-python3}"
}

# --- files ---

intact() { # FOLDER SUMS: those files of SUMS that are in FOLDER, unaltered
  [ -d "$1" ] || return 0
  (cd "$1" && sha256sum -c --ignore-missing 2>/dev/null <<<"$2") |
    sed -n 's/: OK$//p' | sort || true
}

missing() { # FOLDER SUMS: the other ones
  comm -13 <(intact "$1" "$2") <(cut -c 67- <<<"$2" | sort)
}

prepare() { # SUMS: begin release $hash; print "rsync" or "tar", then the files it lacks
  local release=releases/$hash partial=releases/$hash.partial basis file
  [ "$start" != yes ] || require_port
  [ "$backend" != fpga ] || require_root
  if command -v rsync >/dev/null; then echo rsync; else echo tar; fi
  exec 8>files.lock
  flock 8
  if [ -z "$(missing "$release" "$1")" ]; then
    rm -rf "$partial"
    return
  fi
  mkdir -p "$partial"
  printf '%s\n' "$1" >"$partial/SHA256SUMS" || fail "cannot write to $PWD/$partial"
  for basis in "$release" current; do
    while read -r file; do
      mkdir -p "$partial/$(dirname "$file")"
      [ "$basis/$file" -ef "$partial/$file" ] ||
        ln -f "$basis/$file" "$partial/$file" 2>/dev/null ||
        cp --remove-destination "$basis/$file" "$partial/$file"
    done < <(intact "$basis" "$1")
  done
  missing "$partial" "$1"
}

listed() { # FOLDER: its list of files is the one that $hash is of
  [ -e "$1/SHA256SUMS" ] && [[ $(sha256sum <"$1/SHA256SUMS") == "$hash"* ]]
}

settle() { # give the complete release $hash its name
  local release=releases/$hash damaged
  exec 8>files.lock
  flock 8
  if listed "$release" && [ -z "$(missing "$release" "$(<"$release/SHA256SUMS")")" ]; then
    rm -rf "$release.partial" # of two deployments of one release the other has finished it
  elif [ -d "$release.partial" ]; then
    listed "$release.partial" ||
      fail "the list of files was damaged on the way; run deploy.sh again"
    damaged=$(missing "$release.partial" "$(<"$release.partial/SHA256SUMS")")
    [ -z "$damaged" ] || fail "these files were damaged on the way:" "$damaged" \
      "nothing was switched; run deploy.sh again to copy them again"
    sync -f . # a board may lose its power at any time
    [ ! -d "$release" ] || mv -T "$release" "$release.damaged.partial"
    mv -T "$release.partial" "$release"
  fi
  [ -d "$release" ] || fail "release $hash is not there; run deploy.sh again"
  exec 8>&-
}

prune() { # remove all but: current, the demo's, $before, two more, and copies of the last day
  local kept=0 release file
  for file in token-*; do
    [[ "$(cat demo 2>/dev/null) $demo_before" == *"../$file"* ]] || rm -f "$file" || true
  done
  while read -r release; do
    case $release in "$(basename "$(readlink current)")" | "$(demo_release)") continue ;; esac
    kept=$((kept + 1))
    [ "$kept" -le 2 ] || [ "$release" = "${before##*/}" ] || rm -rf "releases/$release" || true
  done < <(
    find releases -mindepth 1 -maxdepth 1 ! -name '*.partial' -printf '%T@ %f\n' |
      sort -rn | cut -d' ' -f2
  )
  find releases -mindepth 1 -maxdepth 1 -name '*.partial' -mmin +1440 -exec rm -rf {} + || true
  rm -rf releases/*.damaged.partial || true
}

cache() { echo "${XDG_CACHE_HOME:-$HOME/.cache}"; }

cifar10_lacking() { # SHA256: print the test set's file name unless the cache has it
  local cache
  cache=$(cache)/cifar10/cifar-10-batches-bin
  mkdir -p cifar10.partial
  [ -z "$(missing "$cache" "$1  test_batch.bin")" ] || missing cifar10.partial "$1  test_batch.bin"
}

cifar10_settle() { # SHA256: put the copied file into the cache
  local cache
  cache=$(cache)/cifar10/cifar-10-batches-bin
  [ -e cifar10.partial/test_batch.bin ] || return 0
  [ -z "$(missing cifar10.partial "$1  test_batch.bin")" ] ||
    fail "test_batch.bin was damaged on the way; run deploy.sh again"
  mkdir -p "$cache"
  mv cifar10.partial/test_batch.bin "$cache"
  rmdir cifar10.partial 2>/dev/null || true # another deployment may be copying, too
}

# --- the commands of deploy.sh beyond `prepare` ---

point_current() { # RELEASE
  ln -sfn "$1" current.new
  mv -T current.new current
}

deliver_notebooks() { # FOLDER: to where Jupyter looks; a notebook that the user changed stays too
  local folder=$1/resnet8 name file
  [ -d "$1" ] && [ -z "$local_python" ] || return 0
  mkdir -p "$folder"
  for name in board_app overlays samples; do ln -sfn "$PWD/current/$name" "$folder/$name"; done
  for file in "releases/$hash"/notebooks/*.ipynb; do
    name=${file##*/}
    if [ -e "$folder/$name" ] && cmp -s "$file" "$folder/.$name"; then continue; fi
    cp --backup=numbered "$file" "$folder/$name"
    cp "$file" "$folder/.$name" # what was delivered, to know a new one by
  done
}

relay() { # say each line of standard input as it comes
  local line
  while IFS= read -r line; do say "$line"; done
}

in_release() ( # COMMAND OPTION...: run the app's command of release $hash, as root if for the FPGA
  via=()
  if [ "$backend" = fpga ] && is_pynq && [ "$(id -u)" != 0 ]; then via=(sudo -n); fi
  exec "${via[@]}" env limit="${limit:-}" bash -c "$(launcher "$hash")" bash \
    -m "$app" "$1" --overlay "$overlay" "${@:2}"
)

remember() { # what is in use, for put_back
  local file
  rm -f finished
  for file in demo demo.sh; do # by links, which take no room on a card that is full
    rm -f $file.before
    [ ! -e $file ] || ln $file $file.before
  done
  before=$(readlink current || true) demo_before='' service_before=no
  if demo_pid >/dev/null; then demo_before=$(<demo); fi
  if has_service; then service_before=yes; fi
}

put_back() { # use again what was remembered
  local process file
  trap '' INT
  trap - EXIT
  set +e # each step, whatever became of those before
  rm -f finished
  for process in $(jobs -pr); do signal TERM "$process"; done # a demo that starts
  wait
  # One that was told to end still runs, and will not for long.
  if [ "$stopping" = yes ] || [ "$(cat demo 2>/dev/null)" != "$demo_before" ]; then
    stop_demo || true
  fi
  for file in demo demo.sh; do [ ! -e $file.before ] || mv -f $file.before $file; done
  if [ -n "$before" ]; then point_current "$before"; else rm -f current; fi
  [ "$service_before" = yes ] || remove_service
  restart_demo
}

activate() { # uses hash overlay; start host port; benchmark cifar10
  local release=releases/$hash
  trap '' HUP PIPE # a lost connection must not leave this half done
  exec 9>lock
  if ! flock -n 9; then
    say "waiting for another deployment that is under way on the target"
    flock -w 900 9 || fail "another deployment is under way on the target"
  fi
  settle "$hash"

  remember
  trap put_back EXIT # however it ends before it is done
  # One process at a time has the FPGA, so a demo that has it makes room for the self-test.
  if [[ $demo_before =~ ^([^ ]+ ){4}fpga && $backend = fpga ]]; then stop_demo || true; fi
  say "self-test of $overlay"
  # On a board that boots it waits for bootpy.service first, and says so. A simulated chip has some
  # thousand cycles a second, fewer beside other work.
  local seconds=420 code=0
  [ -z "$local_python" ] || seconds=3600
  limit=$seconds in_release selftest --backend "$backend" 2>&1 | relay || code=$?
  [ "$code" -ne 124 ] || say "it was not through after $seconds seconds"
  [ "$code" -eq 0 ] ||
    fail "the self-test of release $hash failed; what was in use before stays in use"
  if [ "$benchmark" = yes ]; then
    # Named, as root would look for them in a cache of its own, and must not write to this one.
    if [ -z "$cifar10" ] && [ -e "$(cache)/cifar10/cifar-10-batches-bin/test_batch.bin" ]; then
      cifar10=$(cache)/cifar10
    fi
    in_release benchmark --backend "$backend" --quick ${images:+--images "$images"} ${cifar10:+--cifar10 "$cifar10"} ||
      fail "the benchmark of release $hash failed; what was in use before stays in use"
  fi

  touch "$release"
  point_current "$release"
  if [ "$start" = yes ]; then
    stop_demo || true
    keep_token
    # shellcheck disable=SC2086  # options, each a word
    if ! start_demo "$hash" "$overlay" "$host" "$port" "$backend" $serving; then
      demo_output
      fail "the demo of release $hash did not start (its output is above)" \
        "${before:-nothing} is in use"
    fi
  else
    restart_demo
  fi
  prune
  deliver_notebooks "$HOME/jupyter_notebooks" || say "note: the notebooks could not be delivered"
  sync -f . # a board that is switched off now has all of it when it boots
  printf '%s\n' "$deployment" "$before" "$demo_before" "$service_before" >finished || true
  trap - EXIT
  status
}

cancel() { # after Ctrl-C: end what may be under way, or undo it, and say what is in use
  local process group whose
  if process=$(pgrep -o -f -x "bash -s $deployment"); then
    group=$(ps -o pgid= -p "$process") || group='' # it may just have ended
    [ -z "$group" ] || signal INT "-${group// /}"
    while [ -e "/proc/$process" ]; do sleep 0.1; done
  fi
  exec 9>lock
  if [ -e finished ] && flock -n 9; then
    { read -r whose && read -r before && read -r demo_before && read -r service_before; } <finished
    [ "$whose" != "$deployment" ] || put_back
  fi
  status
}

status() {
  local release='' pid line scheme
  if [ -e current ]; then release=$(basename "$(readlink current)"); fi
  say "release: ${release:-none}${release:+ ($(ls "current/overlays"))}"
  if pid=$(demo_pid); then
    read -r -a line <demo
    if [[ " ${line[*]} " == *" --https "* ]]; then scheme=https; else scheme=http; fi
    say "demo: running (process $pid) at $scheme://$address:${line[3]}/"
    [ "${line[0]}" = "$release" ] || say "demo: it is of release ${line[0]} (${line[1]})"
    [[ ${line[*]} != *" --token-file "* ]] || say "demo: open it once as /?token=TOKEN"
    [[ ${line[*]} != *" --access-log "* ]] || say "demo: its access log is $PWD/log/access.log"
    answers "${line[3]}" ' 200 ' || say "demo: it does not answer; see $(demo_log)"
  else
    say "demo: not running"
  fi
  if has_service; then say "demo: starts at boot (its log: $(demo_log))"; fi
}

stop() {
  if stop_demo; then say "demo: stopped"; else say "demo: was not running"; fi
  if has_service; then
    remove_service
    say "demo: does not start at boot any more"
  fi
}

doctor() { # of the release in use, or the one copied last; the demo that has the FPGA makes room
  trap '' HUP PIPE # a lost connection must not leave the demo stopped
  local code=0 backend=fpga
  hash=$(basename "$(readlink current || true)")
  [ -n "$hash" ] || hash=$(find releases -mindepth 1 -maxdepth 1 ! -name '*.partial' -printf '%T@ %f\n' |
    sort -rn | head -n 1 | cut -d' ' -f2)
  [ -n "$hash" ] || fail "nothing was copied there yet: deploy first, it need not succeed"
  overlay=$(basename "$(echo "releases/$hash/overlays/"*)")
  [ -n "$local_python" ] || can_be_root || backend=reference # it says so itself
  rm -f run/doctor.json
  exec 9>lock
  flock -n 9 || fail "a deployment is under way on the target"
  remember
  trap put_back EXIT
  if [[ $demo_before =~ ^([^ ]+ ){4}fpga ]]; then stop_demo || true; fi
  in_release doctor --json doctor.json 2>&1 | relay || code=$?
  restart_demo
  trap - EXIT
  return "$code"
}

doctor_report() { cat run/doctor.json 2>/dev/null || true; }
