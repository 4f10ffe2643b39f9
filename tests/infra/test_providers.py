"""The AWS provider is found as mirrors hold it: unpacked or packed, the newest of its major version."""

import pytest

from tests.infra import providers

HERE = providers.system()
# The major versions are of no provider, so that nobody who looks for one meanwhile finds these.


def put(folder, version, *, packed=False, system=HERE):
    """A provider in a mirror."""
    place, name = ("", f"{version}_{system}.zip") if packed else (f"{version}/{system}", f"v{version}_x5")
    path = folder / "host/hashicorp/aws" / place / f"terraform-provider-aws_{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o700)
    return path


def test_versions_are_compared_as_numbers(tmp_path):
    """905.100 is newer than 905.99; another major version or machine, and what cannot run, do not count."""
    put(tmp_path, "905.99.1")
    newest = put(tmp_path, "905.100.0")
    put(tmp_path, "906.2.0")
    put(tmp_path, "905.200.0", system="plan9_mips")
    put(tmp_path, "905.201.0", system="plan9_mips", packed=True)
    put(tmp_path, "905.202.0").chmod(0o600)
    found = providers.newest(905, [providers.everywhere(str(tmp_path))])
    assert (found.path, str(found)) == (newest, "905.100.0")
    assert providers.newest(907, [providers.everywhere(str(tmp_path))]) is None


@pytest.mark.parametrize("packed", [True, False])
def test_a_mirror_is_made_of_what_is_found(tmp_path, packed):
    """A packed provider lies there as it is, an unpacked one in a folder of its version and machine."""
    there = put(tmp_path / "found", "906.2.0", packed=packed)
    found = providers.newest(906, [providers.everywhere(str(tmp_path / "found"))])
    for _ in range(2):
        found.put_into(tmp_path / "mirror")
    (entry,) = (tmp_path / "mirror").iterdir()
    assert entry.name == (there.name if packed else "906.2.0")
    assert (entry if packed else entry / HERE / there.name).resolve() == there


def test_the_chosen_mirror_comes_first(tmp_path, monkeypatch):
    """RUNHAVEN_TF_PLUGIN_DIR comes before the usual places, those before all others, which serve as well."""
    chosen, home, rest = (tmp_path / name for name in ("chosen", "home", "rest"))
    monkeypatch.setenv("RUNHAVEN_TF_PLUGIN_DIR", str(chosen))
    monkeypatch.setenv("HOME", str(home))
    first = put(chosen, "905.90.0")
    usual = put(home / ".terraform.d/plugins", "906.1.0")
    for version in ("905.99.0", "906.2.0", "907.0.0"):
        optional = put(rest / "opt", version)
    for version in ("905.99.1", "906.2.1", "907.0.1", "908.0.0"):
        last = put(rest, version)
    found = [providers.newest(major, providers.places(str(rest))).path for major in (905, 906, 907, 908)]
    assert found == [first, usual, optional, last]
