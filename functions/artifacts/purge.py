"""Removing for good: the files of a path, and runs, logged models and experiments with all that they hold.

What is to be removed is condemned first, and exists for nobody from then on; the mark sets a job going
through the table's stream. The job empties the vault, lets native files go, removes the history, and last the
item with the mark. It may be broken off anywhere and done twice. When its time is up the deployment's queue
brings it again; where there is none it renews the mark, which the stream tells of.

A URL that was signed before the end is good for a quarter of an hour beyond it, and a call that began before
it may still write an entry. So an item for later is left behind; when it expires the place is emptied again.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from functions import durable, table
from functions.access.grants import Grant, for_job
from functions.artifacts import files, items, owners, paths, vaults
from functions.artifacts.content import unpacked
from functions.artifacts.items import Entry
from functions.artifacts.owners import Owner
from functions.artifacts.vaults import Vault
from functions.errors import Aborted, Busy, NotFound
from functions.experiments import service as experiments
from functions.ids import ModelId, RunId, now_ms, parse_experiment_id, parse_model_id, parse_run_id
from functions.logged_models import service as logged_models
from functions.metrics import service as metrics
from functions.runs import service as runs

# How long one piece of a job takes at the most: what else has changed waits for it.
PIECE_SECONDS = 10.0
LATER_SECONDS = 3600
_AT_ONCE = 200
# Of a transaction's 100 writes an entry takes two.
_TOGETHER = 50


class Kind(NamedTuple):
    """What can be purged, and how.

    Attributes:
        parse: its id from text.
        is_condemned: whether it is being removed; None where it does not exist.
        mark: condemns it, or sets its job going again.
        places: where all its files lie that MLflow clients sent.
        remove: removes the rest of it; whether there was time enough.
    """

    parse: Callable[[str], Any]
    is_condemned: Callable[[Grant, Any], bool | None]
    mark: Callable[[Grant, Any, int], int]
    places: Callable[[Any], tuple[str, ...]]
    remove: Callable[[Grant, Vault | None, Any, float], bool]


def work(team: str, kind: str, name: str) -> bool:
    """One piece of the job that removes something condemned; whether it is gone."""
    if piece(team, kind, name):
        return True
    renew(team, kind, name)
    return False


def piece(team: str, kind: str, name: str) -> bool:
    """The same for a caller who sees himself to the next piece."""
    grant, how = for_job(team), KINDS[kind]
    what = how.parse(name)
    return not how.is_condemned(grant, what) or _removed(grant, how, what)


def renew(team: str, kind: str, name: str) -> None:
    """Mark what is being removed anew, so that the table's stream calls for the next piece."""
    how = KINDS[kind]
    with suppress(NotFound):
        how.mark(for_job(team), how.parse(name), now_ms())


def again(team: str, kind: str, name: str) -> None:
    """Remove what came after the end of what was purged, unless it has been created anew."""
    grant, how = for_job(team), KINDS[kind]
    what = how.parse(name)
    if how.is_condemned(grant, what) is None and not _removed(grant, how, what):
        _look_later(grant, kind, name)


def unclaimed(team: str, addresses: bytes) -> None:
    """Remove what was offered a place in the vault and never committed.

    Raises:
        Busy: there is more; the same call goes on.
    """
    grant = for_job(team)
    vault = owners.vault_or_none(grant)
    if vault is not None:
        until = time.monotonic() + PIECE_SECONDS
        if not files.forsake(grant, vault, unpacked(addresses), until):
            raise Busy("There is more to remove.", retry_after=1)


def below(of: Owner, path: str, until: float) -> bool:
    """Delete a file or a directory, every version of it, whichever client sent it; "" is everything.

    Args:
        of: whose artifacts.
        path: in its one form.
        until: a moment of `time.monotonic()`.

    Returns:
        Whether all of it is gone; else the same call goes on.
    """
    if path:
        key = of.key(path)
        vaults.erase(of.vault, [(key, each.version) for each in vaults.versions(of.vault, key)])
    place = f"{of.root}{path}/" if path else of.root
    return vaults.delete_all(of.vault, place, deadline=until) and _let_go(
        of.grant, of.vault, of.id, path, until
    )


def _removed(grant: Grant, how: Kind, what: Any) -> bool:
    until, vault = time.monotonic() + PIECE_SECONDS, owners.vault_or_none(grant)
    durable.settle()
    empty = vault is None or all(vaults.delete_all(vault, one, deadline=until) for one in how.places(what))
    return empty and how.remove(grant, vault, what, until)


def _remove_run(grant: Grant, vault: Vault | None, run: RunId, until: float) -> bool:
    if not (_let_go(grant, vault, run.text, "", until) and metrics.erase(grant, run, until)):
        return False
    if runs.is_condemned(grant, run):  # not while looking once more: that would go on for ever
        _look_later(grant, "run", run.text)
    runs.erase(grant, run)
    return True


def _remove_model(grant: Grant, vault: Vault | None, model: ModelId, until: float) -> bool:
    if not _let_go(grant, vault, model.text, "", until):
        return False
    if logged_models.is_condemned(grant, model):
        _look_later(grant, "model", model.text)
    logged_models.erase(grant, model)
    return True


def _remove_experiment(grant: Grant, vault: Vault | None, experiment_id: str, until: float) -> bool:
    for run in runs.every(grant, experiment_id):
        runs.mark(grant, run, 0)
        if not _remove_run(grant, vault, run, until):
            return False
    for model in logged_models.every(grant, experiment_id):
        logged_models.mark(grant, model, 0)
        if not _remove_model(grant, vault, model, until):
            return False
    if experiments.is_condemned(grant, experiment_id):
        _look_later(grant, "experiment", experiment_id)
    experiments.erase(grant, experiment_id)
    return True


KINDS = {
    "run": Kind(
        parse_run_id,
        runs.is_condemned,
        runs.mark,
        lambda run: (paths.all_of_run(run),),
        _remove_run,
    ),
    "model": Kind(
        parse_model_id,
        logged_models.is_condemned,
        logged_models.mark,
        lambda model: (paths.all_of_model(model),),
        _remove_model,
    ),
    "experiment": Kind(
        parse_experiment_id,
        experiments.is_condemned,
        experiments.mark,
        paths.all_of_experiment,
        _remove_experiment,
    ),
}


def _let_go(grant: Grant, vault: Vault | None, owner: str, path: str, until: float) -> bool:
    """Let go of the native versions of a path and all below it, an entry after what it needs."""
    place = items.entries(grant, owner)
    found = (Entry.from_raw_data(raw) for raw in table.query(place.pk, place.sk))
    chosen = (one for one in found if not path or f"{one.path}/".startswith(f"{path}/"))
    while some := list(islice(chosen, _AT_ONCE)):
        if time.monotonic() > until:
            return False
        lying = [items.entry(grant, owner, one.path, int(one.t), one.address) for one in some]
        left = [(where, one.address) for one, where in zip(some, lying, strict=True)]
        while left:
            if time.monotonic() > until:
                return False
            files.release(grant, vault, [(address, items.owner_of(where)) for where, address in left])
            left = [one for part in _parts(left) for one in _dropped(grant, part)]
    return True


def _parts(left: Sequence[tuple[table.Key, str]]) -> list[Sequence[tuple[table.Key, str]]]:
    return [left[start : start + _TOGETHER] for start in range(0, len(left), _TOGETHER)]


def _dropped(grant: Grant, lying: Sequence[tuple[table.Key, str]]) -> Sequence[tuple[table.Key, str]]:
    """Remove entries whose needs are gone; gives back those that a late completion has written again."""
    needs = [items.need(grant, address, items.owner_of(where)) for where, address in lying]
    checks = [table.Check(one, items.Need.PK.does_not_exist()) for one in needs]
    try:
        table.transact(*checks, *(table.Delete(where) for where, _ in lying))
    except (table.Lost, Aborted):
        return lying
    return ()


def _look_later(grant: Grant, kind: str, name: str) -> None:
    now = now_ms()
    place = items.later(grant, now)
    ttl = now // 1000 + LATER_SECONDS
    table.put(items.Later(place.pk, place.sk, ttl=ttl, place=f"{kind} {name}"))
