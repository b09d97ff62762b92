# shellcheck shell=bash
# The demo on the target: which runs, stopping it, starting it. Sent together with on_target.sh.
# shellcheck disable=SC2034,SC2154

demo_pid() { # print the process of the running demo; fail if there is none
  local pid
  pid=$(cat demo.pid 2>/dev/null) && [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
  [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") =~ \ -m\ [^\ ]+\ (demo|serve)\  ]] && echo "$pid"
}

demo_release() { cut -d' ' -f1 demo 2>/dev/null || true; } # the service starts it at the next boot

answers() { # PORT [TEXT]: something listens there; with TEXT: and its answer to /healthz has that
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    [ $# -eq 2 ] || exit 0
    printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
    # A chip simulated on this machine takes seconds for a picture, more beside other work.
    read -r -t "$([ "$host" = 127.0.0.1 ] && echo 120 || echo 5)" status <&3
    [[ $status == *"$2"* ]]
  ) 2>/dev/null
}

require_port() { # fail if another program has it
  if answers "$port" && ! { demo_pid >/dev/null && [ "$(cut -d' ' -f4 demo)" = "$port" ]; }; then
    fail "port $port is taken by another program on the target; choose one with --web-port" \
      "(a demo of --sim or --local on this machine ends with --stop --sim or --stop --local)"
  fi
}

require_root() { # fail unless the FPGA can be used: that needs root
  is_pynq || [ -n "$local_python" ] ||
    fail "this is no PYNQ board: it has no /etc/profile.d/pynq_venv.sh" \
      "the overlay's bitstream needs one; on a PC there are --sim and --local"
  [ -n "$local_python" ] || can_be_root ||
    fail "the FPGA needs root, and sudo asks $(id -un) for a password on the target" \
      "once, from a terminal: ./deploy.sh --setup $(id -un)@$address   (or deploy as root)"
}

stop_demo() { # fail if there was none; a demo finishes what is in work, as the service may
  local pid try
  pid=$(demo_pid) || pid=''
  stopping=yes
  if has_service; then as_root systemctl stop "$SERVICE" || true; fi
  [ -n "$pid" ] || return 1
  for try in {0..450}; do
    case $try in
      0) signal TERM "$pid" ;;
      400) signal KILL "-$pid" ;; # its halves are in its group
    esac
    sleep 0.1
    if ! demo_pid >/dev/null; then
      rm -f demo.pid
      return
    fi
  done
  fail "the demo (process $pid) cannot be stopped"
}

restart_demo() { # start the demo that was remembered, unless it runs
  if [ -z "$demo_before" ] || demo_pid >/dev/null; then return; fi
  service=$service_before
  # shellcheck disable=SC2086  # words
  start_demo $demo_before || { demo_output && say "the demo before it does not start again (see above)"; }
}

write() { # FILE TEXT: all of it or nothing, and nothing where it has that: the card may be full
  [ "$(cat "$1" 2>/dev/null)" != "$2" ] || return 0
  printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1" && return 0
  rm -f "$1.new"
  return 1
}

keep_token() { # a file of its own for each: a demo that is put back has the one it had
  local file
  [ -n "$token" ] || return 0
  file=token-$(sha256sum <<<"$token" | cut -c 1-16)
  [ -e "$file" ] || (umask 077 && write "$file" "$token") || fail "cannot write to $PWD/$file"
  serving+=" --token-file ../$file"
}

own_files() { # OPTION...: what only the page reads and writes becomes its user's
  [[ " $* " != *" --access-log "* ]] || mkdir -p log || return 1
  [ -z "$user" ] || as_root find log token-* ! -user "$user" -exec chown -h "$user" {} + 2>/dev/null || true
}

start_demo() { # HASH OVERLAY HOST PORT [BACKEND [OPTION...]]: fail unless it answers in 4 minutes
  local end=$((SECONDS + 240)) via=() user='' what
  local backend=${5:-reference}
  choose_user "$1"
  own_files "${@:6}" || return 1
  what="board_app demo --fpga-program $app ${user:+--user $user} --"
  # A release that was deployed before the command demo came has the page and the FPGA in one.
  [ -d "releases/$1/board_app/service" ] || what="$app serve"
  what=$(
    printf 'echo $$ >%q\n' "$PWD/demo.pid"
    printf 'set -- -m %s' "$what"
    printf ' %q' --overlay "$2" --host "$3" --port "$4" --backend "$backend" "${@:6}"
    printf '\n'
    launcher "$1" "$(cache)"
  )
  write demo "$*" && write demo.sh "$what" || return 1
  rm -f demo.pid
  if wants_service; then
    install_service
    as_root systemctl restart "$SERVICE" || return 1
    until answers "$4" ' 200 '; do
      systemctl --quiet is-active "$SERVICE" && [ "$SECONDS" -lt "$end" ] || return 1
      sleep 0.2
    done
  else
    [ "$service" = no ] || ! is_pynq ||
      say "note: the demo does not start at boot: that needs root and systemd"
    remove_service
    if is_pynq && [ "$(id -u)" != 0 ] && [ "$backend$user" != reference ]; then
      via=(sudo -n) # not as_root, whose job would be a shell around it that ends without it
    fi
    "${via[@]}" setsid nohup bash demo.sh </dev/null >demo.log 2>&1 9>&- &
    until answers "$4" ' 200 '; do
      [ -n "$(jobs -pr)" ] && [ "$SECONDS" -lt "$end" ] || return 1
      sleep 0.1
    done
  fi
  demo_pid >/dev/null
}

# Set user to whose the page's process is, which decodes strangers' pictures: choose_user HASH
# On a board one of its own; with --local and --sim nobody, where root starts it and that one may
# read what it runs; otherwise it stays empty: who starts it.
choose_user() {
  user=''
  if is_pynq && can_be_root; then
    getent passwd resnet8 >/dev/null ||
      as_root env PATH="$PATH:/usr/sbin" \
        useradd --system --no-create-home --shell /usr/sbin/nologin resnet8 ||
      fail "the demo's page has no privileges, but its user resnet8 cannot be made (see above)"
    user=resnet8
  elif [ -n "$local_python" ] && [ "$(id -u)" = 0 ] && nobody_may_run "$1"; then
    user=nobody
  fi
}

nobody_may_run() ( # HASH
  cd "releases/$1" && "$local_python" -c '
import pwd, subprocess, sys
user = pwd.getpwnam("nobody")
command = [sys.executable, "-m", "board_app", "--help"]
sys.exit(subprocess.run(command, user=user.pw_uid, group=user.pw_gid, extra_groups=[]).returncode)
' >/dev/null 2>&1
)

# --- the service: systemd on a PYNQ image ---

SERVICE=resnet8
UNITS=${SYSTEMD_UNITS:-/etc/systemd/system}

wants_service() {
  [ "$service" = yes ] && is_pynq && can_be_root && [ -d "${SYSTEMD_RUNS:-/run/systemd/system}" ]
}

has_service() { is_pynq && [ -e "$UNITS/$SERVICE.service" ]; }

install_service() {
  printf '%s\n' "${unit//DEMO/"$PWD/demo.sh"}" >run/$SERVICE.service
  as_root install -m 644 run/$SERVICE.service "$UNITS/$SERVICE.service.new"
  as_root mv "$UNITS/$SERVICE.service.new" "$UNITS/$SERVICE.service"
  as_root systemctl daemon-reload
  as_root systemctl --quiet enable "$SERVICE"
}

remove_service() {
  has_service || return 0
  as_root systemctl --quiet disable --now "$SERVICE" || true
  as_root rm -f "$UNITS/$SERVICE.service"
  as_root systemctl daemon-reload
}

demo_log() { if has_service; then echo "journalctl -u $SERVICE"; else echo "$PWD/demo.log"; fi; }

demo_output() { # the end of it
  if has_service; then
    as_root journalctl -u "$SERVICE" -n 20 --no-pager -o cat || true
  else
    tail -n 20 demo.log || true
  fi
}
