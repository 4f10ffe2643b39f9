"""Makes the engines that engines.toml pins, outside the checkout, and says of each: ready, or why not.

They lie in the folder that RUNHAVEN_ENGINES names, else in `runhaven/engines` of the user's cache folder.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

PINS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("engines.toml").read_text("utf-8"))


def cache() -> Path:
    """The folder of all engines; each has one of its own in it, named after it and its version."""
    if chosen := os.environ.get("RUNHAVEN_ENGINES"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "runhaven", "engines")


def state(name: str, *, build: bool) -> dict[str, str]:
    """The engine's version, and its `path` when it is ready, else `why` it is not."""
    pin = PINS[name]
    home = cache() / f"{name}-{pin['version']}"
    why = "" if (home / pin["program"]).exists() else "not built yet (scripts/engines)"
    if why and not shutil.which(pin["build"][0]):
        why = f"no {pin['build'][0]}"
    elif why and build:
        why = make(name, home)
    return {"version": pin["version"], **({"why": why} if why else {"path": str(home / pin["program"])})}


def make(name: str, home: Path) -> str:
    """Build aside and move the whole into place, so that half an engine is never seen; answers why not."""
    pin = PINS[name]
    print(f"building {name} {pin['version']}, about {pin['minutes']} minutes ...", file=sys.stderr)
    home.parent.mkdir(parents=True, exist_ok=True)
    log = home.with_name(home.name + ".log")
    with tempfile.TemporaryDirectory(dir=home.parent) as aside, log.open("wb") as out:
        to = Path(aside, "made")
        for file, text in pin.get("files", {}).items():
            to.mkdir(exist_ok=True)
            (to / file).write_text(text.format(version=pin["version"]), "utf-8")
        command = [word.format(to=to, version=pin["version"]) for word in pin["build"]]
        world = {name: value.format(to=to) for name, value in pin.get("environment", {}).items()}
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **world},
            check=False,
        )
        if done.returncode or not (to / pin["program"]).exists():
            return f"{command[0]} failed, see {log}"
        if not home.exists():  # another process may have been quicker
            to.rename(home)
    return ""


def main() -> int:
    """Exit code 1 only when an engine is missing and `--require` or CI=true asks for it."""
    parser = argparse.ArgumentParser(prog="scripts/engines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"{', '.join(PINS)} (default: all)")
    parser.add_argument("--look", action="store_true", help="build nothing")
    parser.add_argument("--require", action="store_true", help="fail when one is missing (as with CI=true)")
    parser.add_argument("--json", action="store_true", help="answer for machines")
    options = parser.parse_args()
    if unknown := set(options.name) - set(PINS):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    states = {name: state(name, build=not options.look) for name in options.name or PINS}
    if options.json:
        print(json.dumps(states))
    else:
        for name, found in states.items():
            word = f"ready {found['path']}" if "path" in found else f"not here: {found['why']}"
            print(name, found["version"], word)
    missing = any("why" in found for found in states.values())
    return int(missing and (options.require or os.environ.get("CI") == "true"))


if __name__ == "__main__":
    sys.exit(main())
