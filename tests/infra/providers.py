"""The AWS provider's programs on this machine, where OpenTofu and Terraform find them without a registry."""

import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# Unpacked and packed, as a mirror has them: https://opentofu.org/docs/cli/config/config-file/#filesystem_mirror
NAME = re.compile(
    r"terraform-provider-aws_(?:v(?P<unpacked>\d+\.\d+\.\d+)(?:_x\d+)?|(?P<packed>\d+\.\d+\.\d+)_(?P<system>\w+)\.zip)"
)
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
# Where there are no files, or no end of them.
NO_FILES = ("/proc", "/sys", "/dev")


class Provider(NamedTuple):
    """A provider's program, or the zip that holds it.

    Attributes:
        version: as numbers, so that 5.100 comes after 5.99.
        path: where it is.
    """

    version: tuple[int, ...]
    path: Path

    def __str__(self) -> str:
        """The version, as its file's name has it."""
        return ".".join(map(str, self.version))

    def put_into(self, mirror: Path) -> None:
        """Have it found in a mirror, given by its folder of this provider."""
        packed = self.path.suffix == ".zip"
        place = mirror / self.path.name if packed else mirror / str(self) / system()
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(self.path if packed else self.path.parent)


def system() -> str:
    """This machine, as providers name it: linux_amd64."""
    processor = platform.machine()
    return f"{platform.system().lower()}_{PROCESSORS.get(processor, processor)}"


def among(paths: Iterable[Path]) -> list[Provider]:
    """The providers for this machine among files, by version."""
    found = []
    for path in paths:
        named = NAME.fullmatch(path.name)
        runs = named and (named["packed"] or os.access(path, os.X_OK))
        if runs and system() == (named["system"] or path.parent.name):
            version = named["packed"] or named["unpacked"]
            found.append(Provider(tuple(int(part) for part in version.split(".")), path))
    return sorted(found)


def newest(major: int, places: Iterable[Iterable[Path]]) -> Provider | None:
    """The newest provider of a major version in the first of these places that has one."""
    for paths in places:
        if found := [each for each in among(paths) if each.version[0] == major]:
            return found[-1]
    return None


def places(top: str = "") -> Iterator[Iterable[Path]]:
    """Where to look: as RUNHAVEN_TF_PLUGIN_DIR says, in the usual places, and on the whole machine."""
    if chosen := os.environ.get("RUNHAVEN_TF_PLUGIN_DIR"):
        yield Path(chosen).rglob("terraform-provider-aws_*")
    homes = [Path.home() / ".local/share", Path("/usr/local/share"), Path("/usr/share")]
    usual = [home / program / "plugins" for home in homes for program in ("opentofu", "terraform")]
    for folder in [Path.home() / ".terraform.d/plugins", *usual]:
        yield folder.rglob("terraform-provider-aws_*")
    yield everywhere(f"{top}/opt")
    yield everywhere(top)


@functools.cache
def everywhere(top: str) -> list[Path]:
    """Every file below a folder that is named as a provider is."""
    none = [word for path in NO_FILES for word in ("-path", path, "-prune", "-o")]
    look = ["find", top or "/", *none, "-type", "f", "-name", "terraform-provider-aws_*", "-print"]
    said = subprocess.run(look, capture_output=True, text=True, check=False).stdout
    return [Path(line) for line in said.splitlines()]
