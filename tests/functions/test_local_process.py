"""`scripts/run`'s command as who types it sees it: what it prints, when it refuses, how it ends."""

import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from functions import local, local_server, settings, table
from functions.local import Options
from functions.local_folder import CannotOpen
from tests.functions.calls import search
from tests.house_process import begun


@pytest.fixture(autouse=True)
def forgotten():
    """Leave no house behind in this process."""
    yield
    table.forget_clients()
    settings._used.clear()


def refusal(folder, *options, port=0):
    """What a house says that does not open; it says it in one line, and ends with a code of its own."""
    process = begun(folder, *options, port=port)
    said, _ = process.communicate(timeout=60)
    complaint = (folder.parent / f"{folder.name}.err").read_text("utf-8")
    assert (process.returncode, said, complaint.count("\n")) == (1, "", 1), complaint
    assert complaint.startswith("Runhaven cannot open: ")
    return complaint


def test_it_says_where_it_is(house_process):
    """Quickly one line says that the house is ready, and the two below it can be pasted into a shell."""
    before = os.times()
    house = house_process()
    first, second, third = house.said
    assert first == f"Runhaven is ready at {house.url}"
    assert second.strip() == f"export MLFLOW_TRACKING_URI={house.url}"
    assert shlex.split(third)[:2] == ["python3", "-c"]
    compile(shlex.split(third)[2], "pasted", "exec")
    assert httpx.get(f"{house.url}/health").text == "OK"
    assert (house.end(), house.complaint()) == (0, "")
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2.5


def test_the_token_can_be_pasted(house_process):
    """With credentials demanded, the third line puts the token of a team's owner into the shell."""
    house = house_process("--auth")
    pasted = f"{house.said[1]}\n{house.said[2]}\necho $MLFLOW_TRACKING_URI $MLFLOW_TRACKING_TOKEN"
    url, token = (
        subprocess.run(["bash", "-ec", pasted], capture_output=True, check=True).stdout.decode().split()
    )
    assert (url, token) == (house.url, house.credentials()["teams"]["red"]["owner"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_it_ends_in_order(house_process, number):
    """Ctrl-C, SIGTERM and a closed terminal end it without a word, although a client is connected."""
    house = house_process()
    with httpx.Client(base_url=house.url) as client:
        client.post("/api/2.0/mlflow/experiments/create", json={"name": "last word"}).raise_for_status()
        began = time.monotonic()
        assert house.end(number) == 0
        assert time.monotonic() - began < 5
    assert house.complaint() == ""
    assert (house.folder / "open").read_text() == ""
    with local.opened(Options(data=house.folder), 5000) as again:
        assert "last word" in {each["name"] for each in search(again.app).json["experiments"]}


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"]
)
def test_a_taken_port_is_said(family, host):
    """A port where somebody listens, on either loopback, is refused with the option that helps."""
    with socket.socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            return  # a machine without IPv6 has nobody to listen there
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotOpen, match=f"port {port} is taken; choose another one with --port"):
            local_server.listening(port)


def test_a_free_port_is_the_same_everywhere():
    """Port 0 takes one that is free on each loopback."""
    sockets = local_server.listening(0)
    assert len({each.getsockname()[1] for each in sockets}) == 1
    assert {each.getsockname()[0] for each in sockets} <= {"127.0.0.1", "::1"}
    for each in sockets:
        each.close()


def test_a_folder_has_one_house(house_process):
    """A second house on the same data is refused in one line, whatever keeps its table; the first goes on."""
    house = house_process()
    assert f"another house has the data folder {house.folder} open" in refusal(house.folder)
    for more in ({"auth": True}, {"dynamodb": "http://127.0.0.1:9"}):
        with (
            pytest.raises(CannotOpen, match="another house"),
            local.opened(Options(data=house.folder, **more), 1),
        ):
            pass
    assert httpx.get(f"{house.url}/health").text == "OK"


def file(place):
    """A file stands in the place of the data folder."""
    place.write_text("x")
    return {}, "cannot be used (it is a file)"


def not_a_table(place):
    """What should be the table's file is none."""
    place.mkdir()
    (place / "table.sqlite").write_text("x" * 5000)
    return {}, "table.sqlite cannot be opened"


def torn_table(place):
    """The table's file is torn."""
    with local.opened(Options(data=place, auth=True), 5000):
        pass
    table = place / "table.sqlite"
    table.write_bytes(table.read_bytes()[:4096] + b"\xff" * 40_960)
    return {}, "malformed"


def no_key(place):
    """The signing key is none."""
    place.mkdir()
    (place / "signing-key.json").write_text("{}")
    return {}, "signing-key.json cannot be used"


def unwritable(place):
    """A file that the house writes cannot be written."""
    (place / "jwks.json").mkdir(parents=True)
    return {}, "jwks.json cannot be used (Is a directory)"


def credentials_nowhere(place):
    """The credentials shall lie where nothing can be."""
    chosen = {"auth": True, "credentials": Path("/proc/nowhere/file")}
    return chosen, "the credentials cannot be written to /proc/nowhere"


def credentials_in_a_folder(place):
    """The credentials shall be written over a folder."""
    return {"auth": True, "credentials": place.parent}, "the credentials cannot be written to"


def no_engine(place):
    """Nobody answers at the address of the engine."""
    return {"dynamodb": "http://127.0.0.1:9"}, "it does not work with the table at http://127.0.0.1:9"


BROKEN = [
    file,
    not_a_table,
    torn_table,
    no_key,
    unwritable,
    credentials_nowhere,
    credentials_in_a_folder,
    no_engine,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_what_is_broken_is_said(tmp_path, broken):
    """What cannot be used is named, and a house that could not open has let go of everything."""
    more, why = broken(tmp_path / "data")
    for _ in range(2):
        with (
            pytest.raises(CannotOpen) as said,
            local.opened(Options(**{"data": tmp_path / "data", **more}), 5000),
        ):
            pass
        assert why in str(said.value)
        assert str(said.value).endswith(".")


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "70000"],
        ["--port", "-1"],
        ["--port", "x"],
        ["--dynamodb", "nonsense"],
        ["--dynamodb", "http://host:port"],
        ["--dynamodb", "http://127.0.0.1:1/path"],
        ["--credentials", "x"],
        ["--demo", "--auth"],
        ["--unknown"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_said(tmp_path, capsys, options):
    """Options that mean nothing, or nothing together, are refused before anything is opened."""
    with pytest.raises(SystemExit) as ended:
        local.main(["--data", str(tmp_path / "data"), *options])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: scripts/run")
    assert not (tmp_path / "data").exists()
