# shellcheck shell=bash
# What deploy.sh brings to the target, put together in a folder. Uses deploy.sh's fail and here.
# shellcheck disable=SC2154

known_overlays() {
  local file found=''
  for file in "$here"/overlays/*/*.json; do
    if [ -f "$file" ] && [ "$(basename "$file" .json)" = "$(basename "$(dirname "$file")")" ]; then
      found+=" $(basename "$file" .json)"
    fi
  done
  found=${found# }
  echo "${found:-none yet}"
}

stage() { # OVERLAY FOLDER: the app and the overlay's files, checked against its manifest
  local folder=$here/overlays/$1 sums
  if [[ ! $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ || ! -f $folder/$1.json ]]; then
    fail 2 "unknown overlay '$1'; known: $(known_overlays)"
  fi
  sums=$("${PYTHON:-python3}" -c '
import json, sys
for name, digest in sorted(json.load(open(sys.argv[1], encoding="utf-8"))["files"].items()):
    print(f"{digest}  {name}")' "$folder/$1.json" 2>&1) ||
    fail 2 "${sums##*$'\n'}" "$folder/$1.json is no readable manifest"
  (cd "$folder" && sha256sum --check --strict --quiet) <<<"$sums" >&2 ||
    fail 2 "overlays/$1 is not what its manifest says (see above); get or build it again"
  mkdir -p "$2/overlays/$1"
  { echo "$1.json" && cut -c 67- <<<"$sums"; } |
    (cd "$folder" && xargs -d '\n' cp --parents -t "$2/overlays/$1" --)
  cp -R "$here/board_app" "$2"
  cp -R "$here/overlays/notebooks" "$2"
  find "$2/board_app" '(' -name __pycache__ -o -name '.*' ')' -prune -exec rm -rf {} +
  find "$2" -type f -exec chmod 644 {} +
}

simulate_board() { # OVERLAY FOLDER [DATABASE]: add the simulated board's chip; sets local_python
  local compiler host found=''
  for compiler in ${CXX:+"$CXX"} g++ clang++; do
    if command -v "$compiler" >/dev/null; then found=$compiler && break; fi
  done
  [ -n "$found" ] || fail 1 "the simulated board needs a C++ compiler, and there is no g++" \
    "install it (Debian, Ubuntu: sudo apt install g++), or look at ./deploy.sh $1 --local"
  local_python=$("$here/tools/environment.sh" pynq312) ||
    fail 1 "the simulated board's Python environment is missing"
  if [ -n "${3-}" ]; then
    host=$("$here/tools/environment.sh" host) || fail 1 "the host's Python environment is missing"
    say "the circuit of $1: read back from its bitstream"
    PYTHONPATH=$here "$host" -m host_build.readback.stage "$2" "$1" "$3" ||
      fail 1 "there is no simulated board for the bitstream of $1 (see above)"
    return
  fi
  say "the circuit of $1: Verilator makes a simulation of it, unless it has one"
  PYTHONPATH=$here "$local_python" -m host_build.simulation.stage "$2" "$1" ||
    fail 1 "there is no simulated board for $1 (see above)"
}

stage_samples() { # FOLDER: the sample pictures, where the board's environment here has them
  local picture
  for picture in "$here"/.venv/{board,pynq312}/lib/python*/site-packages/foolbox/data/cifar10_*; do
    [ -e "$picture" ] || continue
    mkdir -p "$1/samples"
    cp "$picture" "$1/samples"
  done
}

cifar10_folder() { # FOLDER: where in it test_batch.bin is; fail if nowhere
  local folder
  for folder in "$1" "$1/cifar-10-batches-bin"; do
    if [ -f "$folder/test_batch.bin" ]; then
      (cd "$folder" && pwd)
      return
    fi
  done
  return 1
}
