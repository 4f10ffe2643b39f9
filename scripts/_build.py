"""Makes the zip that Lambda runs: the same checkout gives the same bytes, by the same Python and zlib.

It must be run by the Python that the functions will run on, for only that one can write its bytecode. The
processor may be another: every wheel is taken as it lies in the index, by the hash in locks/server.txt.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks/server.txt"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# What pip calls each processor, and the greatest glibc of each Python's Amazon Linux:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC = {"3.11": 26}
# Where Lambda unpacks it; tracebacks name files as they lie there.
TASK_ROOT = "/var/task"
BUDGET = 12 * 2**20

# The services that functions/ calls; botocore describes four hundred.
SERVICES = ("cognito-idp", "dynamodb", "s3", "sqs", "sts")
# What a wheel brings that no function imports. A test runs every part of the house from the unpacked zip.
UNUSED = re.compile(
    r"""
    .*\.(?:pyi|c|h|pxd)$ | .*/py\.typed$ | (?:.*/)?tests?/.*
    | [^/]+\.dist-info/(?!METADATA$|entry_points\.txt$|licenses/|LICENSE|NOTICE).*
    | [^/]+\.data/scripts/.*
    | botocore/data/[^/]+/.*/(?:examples|paginators|waiters)[-.].* # nobody pages or waits by botocore
    | cffi/.* | pycparser/.*          # compile C; cryptography needs the backend beside them alone
    | dateutil/zoneinfo/.*\.tar\.gz$  # times are UTC
    | anyio/_backends/_trio\.py$ | anyio/pytest_plugin\.py$ | starlette/testclient\.py$
    | pydantic/v1/.* | pydantic/mypy\.py$
    | aws_lambda_powertools/event_handler/.*
    | aws_lambda_powertools/utilities/(?:data_masking|feature_flags|idempotency|kafka|parameters)/.*
    | aws_lambda_powertools/utilities/(?:streaming|validation)/.*
    """,
    re.VERBOSE,
)
OURS = ("functions/", "runhaven/")
# Our own files that no function imports: the laptop's house.
LAPTOP = re.compile(r"functions/local\w*\.py$")


def wheels(arch: str, folder: Path) -> list[Path]:
    """The wheels that the lock pins, for the processor and this Python: an earlier build's, or the index's.

    Raises:
        SystemExit: pip found no such wheel, or one with another hash.
    """
    name = f"{arch}-{VERSION}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    home = folder / "wheels" / name
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as aside:
            processor, newest = PROCESSORS[arch], GLIBC.get(VERSION, 34)
            tags = [f"manylinux_2_{number}_{processor}" for number in range(newest, 16, -1)]
            tags.append(f"manylinux2014_{processor}")
            platforms = [word for tag in tags for word in ("--platform", tag)]
            tag = VERSION.replace(".", "")
            python = ["--python-version", VERSION, "--implementation", "cp"]
            abis = [word for abi in (f"cp{tag}", "abi3", "none") for word in ("--abi", abi)]
            only = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            made = Path(aside, "made")
            subprocess.run(
                [*command, *only, *platforms, *python, *abis, "--requirement", LOCK, "--dest", made],
                check=True,
                stdin=subprocess.DEVNULL,
            )
            if not home.exists():  # another build may have been quicker
                made.rename(home)
    return sorted(home.glob("*.whl"))


def files(arch: str, folder: Path) -> dict[str, bytes]:
    """What the zip holds but bytecode, by its path in there."""
    held: dict[str, bytes] = {}
    for wheel in wheels(arch, folder):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                place = re.sub(r"^[^/]+\.data/(?:purelib|platlib)/", "", name)
                if not name.endswith("/") and not UNUSED.match(place):
                    held[place] = archive.read(name)
    held = dict(_pruned(held))
    for path in ours():
        held[path.removeprefix("sdk/")] = (ROOT / path).read_bytes()
    return held


def ours() -> list[str]:
    """Our own files that belong into the zip: of a checkout those that git tracks, of an export all.

    Raises:
        SystemExit: git does not tell.
    """
    patterns = (
        "functions/**/*.py",
        "functions/ui/static/*",
        "sdk/runhaven/__init__.py",
        "sdk/runhaven/wire/**/*.py",
    )
    lying = {
        path.relative_to(ROOT).as_posix() for each in patterns for path in ROOT.glob(each) if path.is_file()
    }
    lying = {path for path in lying if not LAPTOP.match(path)}
    if (ROOT / ".git").exists():
        listing = ["git", "-C", str(ROOT), "ls-files", "-z"]
        told = subprocess.run(listing, capture_output=True, text=True, check=False)
        if told.returncode:
            sys.exit(f"git does not tell which files are its own: {told.stderr}")
        tracked = lying & set(told.stdout.split("\0"))
        for path in sorted(lying - tracked):
            print(f"{path} stays out of the zip: git does not track it", file=sys.stderr)
        return sorted(tracked)
    return sorted(lying)


def _pruned(held: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Of botocore's descriptions only those that are used, unpacked, for Lambda has more disk than time."""
    for name, body in held.items():
        parts = PurePosixPath(name).parts
        if name.endswith(".dist-info/METADATA"):
            yield name, body.partition(b"\n\n")[0] + b"\n"  # without the whole README
        elif parts[:2] != ("botocore", "data"):
            yield name, body
        elif name == "botocore/data/endpoints.json":
            yield name, _endpoints(json.loads(body))
        elif len(parts) == 3:
            yield name, body
        elif parts[2] in SERVICES:
            model = _undocumented(json.loads(gzip.decompress(body) if name.endswith(".gz") else body))
            yield name.removesuffix(".gz"), json.dumps(model, separators=(",", ":")).encode()


def _endpoints(known: Any) -> bytes:
    for partition in known["partitions"]:
        partition["services"] = {
            name: where for name, where in partition["services"].items() if name in SERVICES
        }
    return json.dumps(known, separators=(",", ":")).encode()


def _undocumented(model: Any) -> Any:
    """A service's description without its prose, half of what a cold start would read."""
    if isinstance(model, dict):
        spoken = {name for name, part in model.items() if name == "documentation" and isinstance(part, str)}
        return {name: "" if name in spoken else _undocumented(part) for name, part in model.items()}
    return [_undocumented(part) for part in model] if isinstance(model, list) else model


def compiled(held: dict[str, bytes]) -> dict[str, bytes]:
    """The same with bytecode, which Python takes without a look at the source (PEP 552).

    Ours lies beside its source, so that a traceback shows it; of others' modules, whose versions are pinned,
    the bytecode alone.
    """
    made = dict(held)
    with tempfile.TemporaryDirectory() as aside:
        source, target = Path(aside, "source.py"), Path(aside, "made.pyc")
        for name in sorted(name for name in held if name.endswith(".py")):
            source.write_bytes(held[name])
            unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
            place = f"{TASK_ROOT}/{name}"
            py_compile.compile(str(source), str(target), place, doraise=True, invalidation_mode=unchecked)
            path = PurePosixPath(name)
            if name.startswith(OURS):
                cached = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
                made[str(cached)] = target.read_bytes()
            else:
                del made[name]
                made[f"{name}c"] = target.read_bytes()
    return made


def packed(held: dict[str, bytes], to: Path) -> None:
    """Write the zip: names in order, no times, and rights that let Lambda read and nobody write."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(held):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = (0o100755 if ".so" in PurePosixPath(name).suffixes else 0o100644) << 16
            archive.writestr(entry, held[name], zipfile.ZIP_DEFLATED, 9)


def sizes(zipped: Path) -> dict[str, tuple[int, int]]:
    """Bytes in the zip and unpacked of each part, the largest first."""
    found: dict[str, tuple[int, int]] = {}
    with zipfile.ZipFile(zipped) as archive:
        for entry in archive.infolist():
            top = entry.filename.split("/")[0].split(".")[0]
            top = "licences and names" if ".dist-info/" in entry.filename else top
            small, large = found.get(top, (0, 0))
            found[top] = (small + entry.compress_size, large + entry.file_size)
    return dict(sorted(found.items(), key=lambda part: -part[1][0]))


def report(zipped: Path, arch: str, say: Callable[[str], None]) -> None:
    """Say what has become how large, and what the module wants to know."""
    parts = sizes(zipped)
    for name, (small, large) in list(parts.items())[:12]:
        say(f"{small / 2**20:8.2f} MB {large / 2**20:8.2f} MB unpacked  {name}")
    unpacked = sum(large for _, large in parts.values())
    whole = zipped.stat().st_size / 2**20
    say(f"{whole:8.2f} MB {unpacked / 2**20:8.2f} MB unpacked  of at most {BUDGET // 2**20} MB")
    digest = hashlib.sha256(zipped.read_bytes()).hexdigest()
    say(f'{zipped}  sha256 {digest}  architecture = "{arch}"  python = "{VERSION}"')
    # Another of these may compile or pack the same files to other bytes.
    say(f"made by Python {platform.python_version()} and zlib {zlib.ZLIB_RUNTIME_VERSION}")


def main() -> int:
    """Exit code 1 when the zip is larger than its budget."""
    parser = argparse.ArgumentParser(prog="scripts/build", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--arch", choices=PROCESSORS, default="arm64", help="of the functions (arm64)")
    parser.add_argument("--python", default="3.13", help="of the functions (3.13)")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="where the zip goes (dist)")
    options = parser.parse_args()
    if options.python != VERSION:
        parser.error(f"this is Python {VERSION}, which writes no bytecode for {options.python}")
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set in bytecode
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-P", *sys.argv])  # noqa: S606  (itself)
    options.to.mkdir(parents=True, exist_ok=True)
    held = files(options.arch, ROOT / "dist")
    zipped = options.to / f"runhaven-{options.arch}.zip"
    with tempfile.TemporaryDirectory(dir=options.to) as aside:
        packed(compiled(held), Path(aside, "made.zip"))
        shutil.move(Path(aside, "made.zip"), zipped)
    report(zipped, options.arch, print)
    return int(zipped.stat().st_size > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
