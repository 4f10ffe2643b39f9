"""One of several processes that log to one run; its arguments are URL, team, run, its number, and calls."""

import sys
import time

from functions import settings
from functions.access.policy import Role
from functions.access.principal import Principal
from functions.errors import Busy
from functions.metrics import service

POINTS = 5


def points(number, call):
    """What writer *number* logs with its n-th call: a metric of its own and one of all."""
    step = 1000 * call + number
    own = [(f"own/{number}", step / 7, step, POINTS * call + at) for at in range(POINTS)]
    return [*own, ("loss", float(-step), step, step)]


def write(who, run_id, number, calls):
    """Make so many calls, every fourth with a tag, again where it is told so; gives the slowest in s."""
    slowest = 0.0
    for call in range(calls):
        began = time.monotonic()
        for _ in range(8):
            try:
                tags = {f"tag/{number}": str(call)} if call % 4 == 0 else {}
                service.log_batch(who, run_id, points=points(number, call), tags=tags)
            except Busy:
                continue
            break
        else:
            raise Busy("for ever")
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def main():
    """Log as a member of the team."""
    url, team, run_id, number, calls = sys.argv[1:]
    settings.use(settings.Settings("runhaven", "eu-central-1", dynamodb_url=url))
    who = Principal("writer", "writer", team, Role.CONTRIBUTOR)
    write(who, run_id, int(number), int(calls))


if __name__ == "__main__":
    main()
