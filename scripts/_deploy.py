"""Builds the zip, applies the root module in a folder, and tries the address at which it answers.

The functions' alias moves to a new version when that one is ready, so nobody waits. If the new version does
not answer as it should, the alias moves back to what served before, unless settings changed with the code; if
that cannot be seen from here, it stays, and this says so.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import _trial
from _deployed import (
    FUNCTIONS,
    Caller,
    Deployment,
    initialised,
    place_of,
    planned,
    refuse_losses,
    refuse_others,
    resources,
    sha256,
    tofu,
)
from _trial import Outcome, Trial

ROOT = Path(__file__).parents[1]
# The one setting that a step back may take back. The others say who comes in and where data is.
FREE = "RUNHAVEN_LOG_LEVEL"
STAYS = "what was applied is in place and nothing was moved back; --back does that"
UNSEEN = "the alias was moved back"


def agreed(plan: dict[str, Any], package: Path, arch: str, python: str) -> None:
    """Look at what a plan would do.

    Raises:
        SystemExit: the functions are for another processor, Python or zip, or data would be deleted.
    """
    for each in resources(plan["planned_values"]):
        if each["type"] == "aws_lambda_function" and each["name"] == "runhaven":
            values = each["values"]
            if (values["architectures"], values["runtime"]) != ([arch], f"python{python}"):
                there = f"{values['architectures'][0]} and {values['runtime']}"
                right = f'set architecture = "{arch}" and python = "{python}" in the module'
                sys.exit(f"{each['address']} is {there}, the zip is for {arch} and python{python}: {right}")
    refuse_others(plan, package)
    refuse_losses(plan)


def tried(deployment: Deployment, client: Any, seconds: float, enough: int) -> Trial:
    """What a trial of the deployed functions shows, after a while of trying."""
    names = {name: deployment.function(name)["function_name"] for name in FUNCTIONS}
    return _trial.of_functions(client, names, deployment.settings, seconds, enough)


def unmoved(deployment: Deployment, client: Any) -> str:
    """That an alias does not point to what was applied, in words; "" where all do."""
    for name in FUNCTIONS:
        function = deployment.function(name)
        live = client.get_function_configuration(FunctionName=function["function_name"], Qualifier="live")
        if live["CodeSha256"] != function["source_code_hash"]:
            return f"{function['function_name']}:live runs another zip than the one that was applied"
    return ""


def shown(inside: Trial, address: Trial, url: str, otherwise: str = STAYS) -> int:
    """Say what could be seen of a house that nothing speaks against; gives 1 if that is too little."""
    said = [trial.said for trial in (inside, address) if trial.said]
    if inside.outcome is Outcome.REFUSED:
        said.append(
            "no more of that function was tried; behind an edge it wants the secret, which is not known here"
        )
    if address.outcome is Outcome.RIGHT:
        print("\n".join([*said, f"{url} answers"]))
        return 0
    if (inside.outcome, address.outcome) == (Outcome.RIGHT, Outcome.REFUSED):
        said.append(
            f"{url} lets nobody in from here; called as from an allowed network, the function answers"
        )
        print("\n".join(said))
        return 0
    said.append(otherwise)
    print("\n".join(said), file=sys.stderr)
    return 1


def versions(client: Any, name: str) -> list[int]:
    """A function's published versions, the oldest first."""
    found: list[int] = []
    asked: dict[str, Any] = {"FunctionName": name}
    while True:
        page = client.list_versions_by_function(**asked)
        found += [int(each["Version"]) for each in page["Versions"] if each["Version"].isdecimal()]
        if not page.get("NextMarker"):
            return sorted(found)
        asked["Marker"] = page["NextMarker"]


def served(client: Any, names: list[str]) -> dict[str, int]:
    """The version behind the alias of each function that has one."""
    found = {}
    for name in names:
        try:
            found[name] = int(client.get_alias(FunctionName=name, Name="live")["FunctionVersion"])
        except client.exceptions.ResourceNotFoundException:
            continue
    return found


def named(deployment: Deployment) -> list[str]:
    """The names of the functions that the state knows."""
    known = [f'aws_lambda_function.runhaven["{name}"]' for name in FUNCTIONS]
    return [deployment.made[each]["function_name"] for each in known if each in deployment.made]


def back(deployment: Deployment, client: Any) -> bool:
    """Let the alias of each function point to the version before; False where there is none.

    An apply that changed nothing but how one function runs has moved that one alone, and so does this: all
    functions run the same zip.
    """
    live = served(client, named(deployment))
    older = {name: [each for each in versions(client, name) if each < live[name]] for name in live}
    before = {name: found[-1] for name, found in older.items() if found}
    alike = {
        name: version
        for name, version in before.items()
        if _known(client, name, version)["CodeSha256"] == _known(client, name, live[name])["CodeSha256"]
    }
    if not alike and before.keys() != live.keys():
        print("there is no version before", file=sys.stderr)
        return False
    return moved(client, live, alike or before)


def moved(client: Any, live: dict[str, int], to: dict[str, int]) -> bool:
    """Let the alias of functions point to other versions; False, and none moves, if one could not serve.

    A version has its environment in it. What only the older or only the newer one knows goes with its code;
    any other setting was changed on purpose, and a move of the alias would take that back.
    """
    moves = {name: version for name, version in to.items() if live[name] != version}
    if not moves:
        print("no alias was moved back: none has moved", file=sys.stderr)
        return False
    for name, version in moves.items():
        now, then = (_known(client, name, each)["Environment"] for each in (live[name], version))
        other = [each for each in sorted(now.keys() & then.keys() - {FREE}) if now[each] != then[each]]
        if other:
            words = f"{name} {version} has another {' and '.join(other)}; apply what shall be instead"
            print(f"no alias was moved back: {words}", file=sys.stderr)
            return False
    for name, version in moves.items():
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=str(version))
        print(f"{name}:live is version {version} again; the next apply moves it forward")
    return True


def _known(client: Any, name: str, version: int) -> dict[str, Any]:
    known = client.get_function_configuration(FunctionName=name, Qualifier=str(version))
    return {**known, "Environment": known.get("Environment", {}).get("Variables", {})}


def pruned(client: Any, live: dict[str, int], before: dict[str, int]) -> None:
    """Delete what is older than what serves, besides what served before: each snapshot costs money.

    A version that failed and was moved back from is among the deleted as soon as another one serves. Where
    the apply has not moved a function, the newest older version of it is kept.
    """
    for name, version in live.items():
        older = [each for each in versions(client, name) if each < version]
        kept = before[name] if before.get(name, version) != version else max(older, default=0)
        for each in older:
            if each != kept:
                client.delete_function(FunctionName=name, Qualifier=str(each))


def invited(deployment: Deployment) -> str:
    """Invite the first admin that the settings name: Cognito sends a password for three days, to be replaced.

    Who has not come yet is invited again, as the first password may have ended; any other account that exists
    is left as it is. Nobody is invited where people sign in at the company's provider, which knows them.
    Gives the address, or "".
    """
    email = deployment.settings.get("RUNHAVEN_FIRST_ADMIN", "")
    if not email or deployment.settings.get("RUNHAVEN_FEDERATED") == "true":
        return email
    client, again = deployment.client("cognito-idp"), ""
    whom = {"UserPoolId": deployment.settings["RUNHAVEN_USER_POOL"], "Username": email}
    known = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    try:
        client.admin_create_user(**whom, UserAttributes=known, DesiredDeliveryMediums=["EMAIL"])
    except client.exceptions.UsernameExistsException:
        if client.admin_get_user(**whom)["UserStatus"] != "FORCE_CHANGE_PASSWORD":
            return email
        client.admin_create_user(**whom, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"])
        again = " again"
    print(f"{email} was invited by e-mail{again}")
    return email


def applied(options: argparse.Namespace) -> dict[str, int]:
    """Build, plan, ask, and apply; gives the version that served before of each function that there was.

    Raises:
        SystemExit: something of that failed, or was not wanted.
    """
    build = [ROOT / "scripts/build", "--arch", options.arch, "--python", options.python]
    if subprocess.run(build, check=False).returncode:
        sys.exit("the build failed")
    package = ROOT / f"dist/runhaven-{options.arch}.zip"
    initialised(options.folder)
    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside, "plan")
        plan = planned(options.folder, file, package)
        agreed(plan, package, options.arch, options.python)
        if place := place_of(plan, options.folder, options.module):
            Caller(options.role).client("lambda", *place)
        if not options.yes and input("Apply this? (yes) ") != "yes":
            sys.exit("nothing was applied")
        state = plan.get("prior_state", {}).get("values", {})
        old = Deployment.among(state, options.folder, options.role, options.module)
        before = served(old.client("lambda"), named(old)) if old else {}
        tofu(options.folder, "apply", str(file), said=True, package=package)
    print(f"applied {package.name}, {sha256(package)}")
    return before


def stepped_back(options: argparse.Namespace) -> int:
    """Move back, and say what is to be seen then; gives 1 if that is too little."""
    deployment = Deployment.read(options.folder, options.role, options.module)
    client, url = deployment.client("lambda"), deployment.url
    if not back(deployment, client):
        return 1
    inside = tried(deployment, client, options.patience, _trial.ENOUGH)
    if inside.outcome is Outcome.WRONG:
        print(inside.said, file=sys.stderr)
        return 1
    return shown(inside, _trial.of_address(url, options.patience), url, UNSEEN)


def main() -> int:
    """Exit code 1 when what was deployed does not answer as it should."""
    parser = argparse.ArgumentParser(prog="scripts/deploy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the root module")
    parser.add_argument("--yes", action="store_true", help="apply without asking")
    parser.add_argument("--arch", default="arm64", help="of the functions (arm64)")
    parser.add_argument("--python", default="3.13", help="of the functions (3.13)")
    parser.add_argument("--role", default="", help="assume this role in the control plane's account")
    parser.add_argument("--module", default="", help="the control plane, where there are several")
    parser.add_argument("--patience", type=int, default=120, help="seconds until it has to answer (120)")
    parser.add_argument("--back", action="store_true", help="build nothing: to the version before")
    options = parser.parse_args()
    if options.back:
        return stepped_back(options)
    before = applied(options)
    deployment = Deployment.read(options.folder, options.role, options.module)
    client, url = deployment.client("lambda"), deployment.url
    if said := unmoved(deployment, client):
        inside = Trial(Outcome.WRONG, said)
    else:
        inside = tried(deployment, client, options.patience, _trial.ENOUGH if before else 0)
    if inside.outcome is Outcome.WRONG:
        print(inside.said, file=sys.stderr)
        moved(client, served(client, list(before)), before)
        return 1
    code = shown(inside, _trial.of_address(url, options.patience), url)
    pruned(client, served(client, named(deployment)), before)
    if code:
        return code
    if email := invited(deployment):
        print(f"{email} becomes the first admin with: scripts/sign-in {options.folder} TEAM --first-admin")
    return 0


if __name__ == "__main__":
    sys.exit(main())
