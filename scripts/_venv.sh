# Sourced by the other scripts: the checkout's folder in $root, a Python that will do, and virtual environments
# that hold exactly what a lock pins. With `uv` on PATH it is quicker; without, Python alone is enough.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

find_python() { # prints a Python >= 3.11 that can make environments
  local name needs='import sys, ensurepip; sys.exit(sys.version_info < (3, 11))'
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c "$needs" 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  echo "Runhaven needs Python 3.11 or newer, with its venv module (Debian: apt install python3-venv)." >&2
  return 1
}

find_version() { # find_version 3.13: prints a Python of exactly that version that can make environments
  local found needs='import sys, ensurepip; sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])'
  for found in "python$1" python3 "$(uv python find --no-project "$1" 2>/dev/null || :)" \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if [ -n "$found" ] && command -v "$found" >/dev/null && "$found" -c "$needs" "$1" 2>/dev/null; then
      command -v "$found"
      return
    fi
  done
  echo "Python $1 is not here. Install it (uv python install $1), or name another that the functions shall run on." >&2
  return 1
}

environment() { # environment DIR LOCK [WIDER]: DIR holds what locks/LOCK.txt pins, or the WIDER lock that contains it
  local dir=$root/$1 lock=$root/locks/$2.txt wider=$root/locks/${3:-$2}.txt base
  local stamp=$dir/installed.txt
  if [ -x "$dir/bin/python" ] && { cmp -s "$lock" "$stamp" || cmp -s "$wider" "$stamp"; }; then
    return
  fi
  echo "Installing locks/$2.txt into $1 ..." >&2
  if ! { [ -x "$dir/bin/python" ] && [ -e "$stamp" ]; }; then # absent, or left half made
    base=$(find_python)
    if command -v uv >/dev/null; then uv venv --quiet --clear --python "$base" "$dir"; else "$base" -m venv --clear "$dir"; fi
  fi
  rm -f "$stamp"
  set -- --quiet --no-deps --require-hashes --only-binary :all: --requirement "$lock"
  if command -v uv >/dev/null; then
    uv pip install --python "$dir/bin/python" --compile-bytecode "$@"
  else
    "$dir/bin/python" -m pip --version >/dev/null 2>&1 || "$dir/bin/python" -m ensurepip >/dev/null # uv leaves pip out
    "$dir/bin/python" -m pip install --disable-pip-version-check "$@"
  fi
  cp "$lock" "$stamp"
}
