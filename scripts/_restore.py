"""Brings the table back as it was at a moment of the last 35 days, as a new table, and switches over to it.

AWS restores into a table of another name, without stream, expiry, protection or further backups: they come
from table.json, as at the first apply. What may no longer be true is said (who may come in) or marked (which
files are held). The switch is an apply with the zip that serves, whatever lies in dist. A drill ends before
it and removes the new table again. Every step may be done again after a run that broke off.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from _deployed import (
    FUNCTIONS,
    RENEWED_SECONDS,
    Deployment,
    initialised,
    planned,
    refuse_losses,
    refuse_others,
    resources,
    sha256,
    tofu,
)
from _restored import Client, doubt_content, looked_through, scanned, show_again
from botocore.exceptions import ClientError

ROOT = Path(__file__).parents[1]
TABLE = json.loads((ROOT / "infra/modules/control_plane/table.json").read_text("utf-8"))
ADDRESS = "aws_dynamodb_table.runhaven"
# Where botocore looks for keys first, and for the moment at which it looks again.
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")


def restored(client: Client, source: dict[str, Any], new: str, at: datetime | None) -> None:
    """Ask for the new table, under the key of the old one, and wait until it is there.

    One that an earlier run has asked for is taken as it is.

    Raises:
        SystemExit: AWS cannot go back to that moment, or a table of that name is another's.
    """
    if known := described(client, new):
        if known.get("RestoreSummary", {}).get("SourceTableArn") != source["arn"]:
            sys.exit(f"there is a table {new} already, and it was not restored from {source['arn']}")
        if known["TableStatus"] not in {"CREATING", "ACTIVE", "UPDATING"}:
            sys.exit(f"{new} is {known['TableStatus']}: try again when it is gone")
        print(f"{new} was asked for before: going on with it, whatever --at says now")
    else:
        _ask(client(), source, new, at)
    until_active(client, new)


def _ask(client: Any, source: dict[str, Any], new: str, at: datetime | None) -> None:
    old = source["name"]
    window = client.describe_continuous_backups(TableName=old)["ContinuousBackupsDescription"]
    window = window["PointInTimeRecoveryDescription"]
    if window["PointInTimeRecoveryStatus"] != "ENABLED":
        sys.exit(f"{old} has no continuous backup")
    first, last = window.get("EarliestRestorableDateTime"), window.get("LatestRestorableDateTime")
    if at is not None and first and last and not first <= at <= last:
        sys.exit(f"{old} can be brought back to any second from {first} to {last}")
    asked: dict[str, Any] = {"SourceTableName": old, "TargetTableName": new}
    asked |= {"UseLatestRestorableTime": True} if at is None else {"RestoreDateTime": at}
    asked["SSESpecificationOverride"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": source["key"]}
    client.restore_table_to_point_in_time(**asked)


def described(client: Client, name: str) -> dict[str, Any] | None:
    """What is known of a table; None where there is none."""
    try:
        known: dict[str, Any] = client().describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return known


def until_active(client: Client, name: str) -> None:
    """Wait until a table can be used; a large one takes hours."""
    while client().describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(5)


def completed(client: Client, name: str) -> None:
    """Give the new table what a restore leaves out: stream, expiry, continuous backup."""
    known = client().describe_table(TableName=name)["Table"]
    if not known.get("StreamSpecification", {}).get("StreamEnabled"):
        client().update_table(TableName=name, StreamSpecification=TABLE["StreamSpecification"])
        until_active(client, name)
    expiry = client().describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
        client().update_time_to_live(TableName=name, TimeToLiveSpecification=TABLE["TimeToLiveSpecification"])
    kept(client, name)


def kept(client: Client, name: str, seconds: float = 3600) -> None:
    """Switch the continuous backup on, as soon as AWS takes that: it may be busy with its own for a while.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html

    Raises:
        ClientError: it does not take it in that time, or says something else.
    """
    backup, end = {"PointInTimeRecoveryEnabled": True}, time.monotonic() + seconds
    while True:
        try:
            client().update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=backup)
        except ClientError as error:
            passing = error.response["Error"]["Code"] == "ContinuousBackupsUnavailableException"
            if not passing or time.monotonic() > end:
                raise
            time.sleep(5)
        else:
            return


def compared(client: Client, old: str, new: str) -> tuple[int, int]:
    """How many items each table has, all of them counted; says who is let in again by the new one.

    Raises:
        SystemExit: the new table has other keys, or nothing although the old one has something.
    """
    shapes = [client().describe_table(TableName=name)["Table"]["KeySchema"] for name in (old, new)]
    if shapes != [TABLE["KeySchema"]] * 2:
        sys.exit(f"{new} has the keys {shapes[1]}")
    seen, brought = (looked_through(client, name) for name in (old, new))
    counts = seen.items, brought.items
    print(f"{old}: {counts[0]} items now; {new}: {counts[1]} items")
    if counts[0] and not counts[1]:
        sys.exit(f"{new} is empty")
    show_again(seen.let_in, brought.let_in)
    return counts


def resumed(deployment: Deployment, client: Client, table: str) -> int:
    """Send the jobs of all that is due or condemned, whose changes stand in no stream any more.

    It is the rooms' own reaction to an item that says so, as if the item were new, and a job may come twice.
    Gives how many items there were.
    """
    from functions import aws, jobs
    from functions.artifacts import reactions as artifacts
    from functions.datasets import reactions as datasets
    from functions.metrics import reactions as metrics
    from functions.settings import Settings, use

    queue = deployment.made["aws_sqs_queue.jobs"]["url"]
    use(Settings(table, deployment.region, jobs_queue=queue))
    wanted = {"FilterExpression": "attribute_exists(due) OR attribute_exists(purge)", "ConsistentRead": True}
    found, until = 0, 0.0
    keys: dict[str, str] = {}
    for page in scanned(client, table, **wanted):
        if time.monotonic() > until:
            keys, until = deployment.keys(), time.monotonic() + RENEWED_SECONDS
            jobs.forget()
            aws.forget()
        with calling_with(keys):  # the rooms' own client takes its keys from the environment
            for item in page["Items"]:
                for room in (metrics, artifacts, datasets):
                    room.on_change(None, item)
                found += 1
    return found


@contextmanager
def calling_with(keys: dict[str, str]) -> Iterator[None]:
    """Have these keys in the environment, if there are any, and no others until the context ends.

    A role may not assume itself: what is asked for anew has to be asked for with the caller's own keys.
    """
    own = {name: os.environ.pop(name) for name in KEYS if keys and name in os.environ}
    os.environ.update({name.upper(): value for name, value in keys.items()})
    try:
        yield
    finally:
        for name in keys:
            del os.environ[name.upper()]
        os.environ.update(own)


def serving(deployment: Deployment) -> set[str]:
    """The tables with which the functions work under their alias: two while a switch is not over."""
    client, found = deployment.client("lambda"), set()
    for name in FUNCTIONS:
        live = client.get_function_configuration(
            FunctionName=deployment.function(name)["function_name"], Qualifier="live"
        )
        found.add(str(live["Environment"]["Variables"]["RUNHAVEN_TABLE"]))
    return found


@contextmanager
def serving_package(deployment: Deployment) -> Iterator[Path]:
    """The zip that serves: the file that was applied, or where that is another by now, Lambda's own copy.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html

    Raises:
        SystemExit: what Lambda gives is not what it says.
    """
    function = deployment.function("api")
    live = deployment.client("lambda").get_function(FunctionName=function["function_name"], Qualifier="live")
    wanted, file = live["Configuration"]["CodeSha256"], Path(function["filename"])
    if file.is_absolute() and file.is_file() and sha256(file) == wanted:
        yield file
        return
    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside, "runhaven.zip")
        urllib.request.urlretrieve(live["Code"]["Location"], file)  # noqa: S310  (https, from Lambda)
        if sha256(file) != wanted:
            sys.exit(f"what Lambda gives for {function['function_name']}:live has another hash than it says")
        yield file


def agreed(deployment: Deployment, new: str) -> None:
    """Demand that the root module names the new table already, and that nothing else would be lost.

    Raises:
        SystemExit: it does not; switching over would then remove what was restored.
    """
    address = deployment.module + ADDRESS
    with tempfile.TemporaryDirectory() as aside, serving_package(deployment) as package:
        plan = planned(deployment.folder, Path(aside, "plan"), package)
        refuse_others(plan, package)
    (table,) = (each for each in resources(plan["planned_values"]) if each["address"] == address)
    if table["values"]["name"] != new:
        sys.exit(f'set table_name = "{new}" in {address.removesuffix(ADDRESS)[:-1] or "the root"} first')
    refuse_losses(plan, besides=address)


def switched(deployment: Deployment, new: str) -> None:
    """Let the state know the new table instead of the old one, which stays; apply with the zip that serves.

    An earlier run may have ended after any of these steps.

    Raises:
        SystemExit: the plan would delete data, or run another zip.
    """
    address = deployment.module + ADDRESS
    known = deployment.made.get(ADDRESS, {}).get("name")
    if known not in {None, new}:
        tofu(deployment.folder, "state", "rm", address, said=True)
    with tempfile.TemporaryDirectory() as aside, serving_package(deployment) as package:
        if known != new:
            tofu(deployment.folder, "import", address, new, said=True, package=package)
        file = Path(aside, "plan")
        plan = planned(deployment.folder, file, package)
        refuse_others(plan, package)
        refuse_losses(plan)
        tofu(deployment.folder, "apply", str(file), said=True, package=package)


def brought_back(deployment: Deployment, client: Client, options: argparse.Namespace, old: str) -> None:
    """Restore, complete, compare, and doubt."""
    begun, new = time.monotonic(), options.table
    arn = client().describe_table(TableName=old)["Table"]["TableArn"]
    source = {"name": old, "arn": arn, "key": deployment.made["aws_kms_key.runhaven"]["arn"]}
    restored(client, source, new, options.at)
    completed(client, new)
    compared(client, old, new)
    print(f"{doubt_content(client, new)} contents are asked for again before they count as held")
    print(f"{new} is there after {time.monotonic() - begun:.0f} s")


def chosen() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/restore", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the root module")
    parser.add_argument("table", help="name of the new table; table_name of the module must say the same")
    parser.add_argument("--at", type=datetime.fromisoformat, help="the moment (the latest there is)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--drill", action="store_true", help="try it, and remove the new table again")
    only.add_argument("--resume", action="store_true", help="only send the jobs of the table that serves")
    parser.add_argument("--role", default="", help="assume this role in the control plane's account")
    parser.add_argument("--module", default="", help="the control plane, where there are several")
    options = parser.parse_args()
    if options.at is not None and options.at.tzinfo is None:
        parser.error("--at needs a time zone: 2026-11-20T09:30:00Z")
    return options


def main() -> None:
    """Bring the table back; then switch over, or remove the new table again."""
    options = chosen()
    if not (options.folder / ".terraform").exists():
        initialised(options.folder)
    deployment, new = Deployment.read(options.folder, options.role, options.module), options.table
    client, tables = deployment.lasting("dynamodb"), serving(deployment)
    serves = " and ".join(sorted(tables))
    if options.resume:
        if tables != {new}:
            sys.exit(f"{serves} serves: --resume wants that table")
        print(f"{resumed(deployment, client, new)} items were due; their jobs were sent")
        return
    if options.drill:
        if new in tables | {deployment.made.get(ADDRESS, {}).get("name")}:
            sys.exit(f"{new} serves, or shall serve: a drill wants a name of its own")
    else:
        agreed(deployment, new)
    if new in tables:
        print(f"{new} serves already; what is left of the switch is done now")
    elif len(tables) == 1:
        brought_back(deployment, client, options, serves)
    else:
        sys.exit(f"{serves} serve at once: finish the switch to one of them first")
    if options.drill:
        client().delete_table(TableName=new)
        print(f"that was a drill: {new} is being removed, {serves} serves as before")
        return
    switched(deployment, new)
    print(f"{resumed(deployment, client, new)} items were due at that moment; their jobs were sent")
    print(f"{new} serves. The one before it is still there, out of the state, until you delete it")


if __name__ == "__main__":
    main()
