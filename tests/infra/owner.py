"""What an owner of team red does at the house, run as the API function is, in its environment.

python -m tests.infra.owner new | check PLACE; prints the house's answer as JSON.
"""

import dataclasses
import json
import sys
from typing import Any

from functions import tenancy
from functions.access.policy import Role
from functions.access.principal import Principal
from functions.artifacts import registering
from functions.errors import AlreadyExists
from runhaven.wire.vaults import VaultPlace
from tests.functions import people


def answer(verb: str, *words: str) -> Any:
    """The house's answer to a verb of the vault."""
    with tenancy.inside("red"):
        try:
            owner = people.found("red")
        except AlreadyExists:
            owner = Principal("owner", "owner@example.org", "red", Role.OWNER)
        if verb == "new":
            return registering.new(owner)
        return registering.check(owner, VaultPlace(**json.loads(words[0])))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dataclasses.asdict(answer(*sys.argv[1:]))))
