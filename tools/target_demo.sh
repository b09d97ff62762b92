# shellcheck shell=bash
# The demo on the target: which runs, stopping it, starting it. Sent together with on_target.sh.
# shellcheck disable=SC2034,SC2154

demo_pid() { # print the process of the running demo; fail if there is none
  local pid
  pid=$(cat demo.pid 2>/dev/null) && [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
  [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *" -m $app serve "* ]] && echo "$pid"
}

running_release() { if demo_pid >/dev/null; then cut -d' ' -f1 demo; fi; }

answers() { # PORT [TEXT]: something listens there; with TEXT: and its answer to /healthz has that
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    [ $# -eq 2 ] || exit 0
    printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
    read -r -t 5 status <&3
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
  [ -e "${PYNQ_PROFILE:-/etc/profile.d}/pynq_venv.sh" ] || [ -n "$local_python" ] ||
    fail "this is no PYNQ board: it has no /etc/profile.d/pynq_venv.sh" \
      "the overlay's bitstream needs one; on a PC there are --sim and --local"
  [ -n "$local_python" ] || [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
    fail "the FPGA needs root, and sudo asks $(id -un) for a password on the target" \
      "once, from a terminal: ./deploy.sh --setup $(id -un)@$address   (or deploy as root)"
}

stop_demo() { # fail if there was none
  local pid try
  pid=$(demo_pid) || return 1
  for try in {0..100}; do
    case $try in
      0) kill "$pid" 2>/dev/null || sudo -n kill "$pid" || true ;;
      50) kill -KILL "$pid" 2>/dev/null || sudo -n kill -KILL "$pid" || true ;;
    esac
    sleep 0.1
    if ! demo_pid >/dev/null; then
      rm -f demo.pid
      return
    fi
  done
  fail "the demo (process $pid) cannot be stopped"
}

restart_demo() { # LINE: start the demo that the file `demo` had this line for, unless it runs
  if [ -z "$1" ] || demo_pid >/dev/null; then return; fi
  # shellcheck disable=SC2086  # words
  start_demo $1 || say "the demo before it does not start again"
}

start_demo() { # HASH OVERLAY HOST PORT [BACKEND [OPTION...]]: fail unless it answers within a minute
  local pidfile=$PWD/demo.pid end=$((SECONDS + 60))
  echo "$*" >demo
  rm -f demo.pid
  (
    cd "releases/$1" || exit
    backend=${5:-reference}
    board_python setsid nohup -- -m "$app" serve --overlay "$2" --host "$3" --port "$4" \
      --backend "$backend" "${@:6}"
  ) </dev/null >demo.log 2>&1 9>&- &
  until answers "$4" ' 200 '; do
    [ -n "$(jobs -pr)" ] && [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
  demo_pid >/dev/null
}
