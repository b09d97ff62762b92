# shellcheck shell=bash
# How deploy.sh reaches the target: by ssh, or, with is_local=yes, by a bash on this machine.
# Uses deploy.sh's fail, here, scratch, is_local, ssh_options, root.
# shellcheck disable=SC2034,SC2154

connect() { # USER@HOST: open one connection for everything that follows; sets target, address
  target=$1
  ssh_options+=(
    -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3
    -o ControlMaster=auto -o ControlPath="$scratch/ssh" -o ControlPersist=60
  )
  address=$(ssh "${ssh_options[@]}" -G -- "$target" | sed -n 's/^hostname //p') ||
    fail 2 "ssh does not accept this target or these options: $target"
  # rsync calls it with a host name first, which is dropped.
  {
    echo shift
    printf 'exec ssh %s-- %q "$@"\n' "$(printf '%q ' "${ssh_options[@]}")" "$target"
  } >"$scratch/rsh"
  run true </dev/null || fail 3 "cannot reach $target (ssh's message is above)" \
    "is the board on, and is this its address?"
}

set_up() { # run target_setup.sh there, on this terminal: sudo asks for a password
  local code=0
  ssh "${ssh_options[@]}" -t -- "$target" "$(<"$here/tools/target_setup.sh")" || code=$?
  [ $code -ne 255 ] || lost
  return $code
}

disconnect() {
  [ ! -e "$scratch/ssh" ] || ssh "${ssh_options[@]}" -O exit board 2>/dev/null || true
}

run() { # COMMAND: run it in a shell of the target
  if [ "$is_local" = yes ]; then bash -c "$1"; else bash "$scratch/rsh" - "$1"; fi
}

lost() { fail 3 "the connection was lost; run the same again to continue"; }

on_target() { # FUNCTION ARGUMENT...: call a function of on_target.sh there
  local name code=0
  [ "$BASH_SUBSHELL" = 0 ] || [ "$1" = cancel ] || on_interrupt 'exit 130'
  {
    for name in root hash deployment overlay app backend start service unit host port serving token address \
      benchmark images cifar10 \
      local_python local_path; do
      printf '%s=%q\n' "$name" "${!name-}"
    done
    cat "$here/tools/on_target.sh" "$here/tools/target_demo.sh"
    # In braces, so that a bash that gets only a part of this runs none of it.
    printf '{ enter; %s; exit; }\n' "$(printf '%q ' "$@")"
  } | run "exec bash -s ${activating:+$deployment}" || code=$?
  case $code in
    0) ;;
    255) lost ;;
    *) exit 1 ;; # it has said why
  esac
}

copy() { # FROM TO FILES: copy these files, one a line, from FROM to TO in $root; fail if it cannot
  local to
  [ -n "$3" ] || return 0
  if [ "$transport" = rsync ] && [ "$is_local" = no ] && command -v rsync >/dev/null; then
    rsync --checksum --compress --partial --perms --chmod=D755,F644 --files-from=- \
      -e "bash $scratch/rsh" "$1/" "board:$root/$2/" <<<"$3" && return
    ssh "${ssh_options[@]}" -O check board 2>/dev/null || lost
  else
    to=$(printf %q "$root/$2")
    tar -czf - -C "$1" --verbatim-files-from -T - <<<"$3" |
      run "tar -xzf - --touch --no-same-owner -C $to" && return # its clock may be years behind
    [ $? -ne 255 ] || lost
  fi
  return 1
}
