"""Whose artifacts: a run or a logged model that was just read, and the vault in which its files lie."""

from collections.abc import Callable
from dataclasses import astuple
from functools import partial
from typing import NamedTuple

from functions import table
from functions.access.grants import Grant, grant
from functions.access.memory import MEMORY
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.artifacts import items, paths
from functions.artifacts.vaults import Vault
from functions.errors import NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.ids import ModelId, RunId, parse_model_id, parse_run_id
from functions.logged_models import service as logged_models
from functions.parallel import together
from functions.runs import service as runs

#: Who gives a team its vault, or sees to the one that it has: the laptop's house. Elsewhere an owner does.
givers: list[Callable[[Grant, Vault | None], Vault]] = []


class Owner(NamedTuple):
    """A run or a logged model that is there and not deleted, and what the caller may do with its artifacts.

    Attributes:
        grant: the right to do it.
        id: the run's or the logged model's.
        root: where its artifacts begin, below the vault's prefix.
        vault: the team's.
    """

    grant: Grant
    id: str
    root: str
    vault: Vault

    def key(self, path: str) -> str:
        """Where an MLflow client's file of this path lies, below the vault's prefix."""
        return paths.key(self.vault.prefix, self.root, path)


def to_read(who: Principal, owner: str) -> Owner:
    """Demand that the caller may see the artifacts.

    Raises:
        NotFound: there is no such run or logged model in the team, or it is deleted.
        NotAllowed: the role or the token's scope is too small.
        Unacceptable: the team has no vault.
    """
    return _opened(who, owner, Action.READ_RUN, Action.READ)


def to_write(who: Principal, owner: str) -> Owner:
    """Demand that the caller may add to the artifacts. Raises as `to_read` does."""
    return _opened(who, owner, Action.LOG, Action.EDIT)


def to_delete(who: Principal, owner: str) -> Owner:
    """Demand that the caller may remove artifacts for good. Raises as `to_read` does."""
    return _opened(who, owner, Action.DELETE, Action.DELETE)


def vault_of(grant: Grant) -> Vault:
    """The team's vault, as it was at most a minute ago.

    Raises:
        Unacceptable: the team has none yet.
    """
    found = vault_or_none(grant)
    if found is None:
        message = (
            f"Team '{grant.team}' has no vault for artifacts yet: its owner begins with POST /v1/vault/new."
        )
        raise Unacceptable(message)
    return found


def vault_or_none(grant: Grant) -> Vault | None:
    """The team's vault, as it was at most a minute ago; None while it has none that was proved."""
    known = _remembered(grant)
    if known is not None:
        return known
    mark = MEMORY.mark()
    item = table.get(items.VaultItem, items.vault(grant))
    found = None
    if item is not None and item.active_at is not None:
        found = Vault(
            grant.team,
            item.account,
            item.bucket,
            item.region,
            item.role_arn,
            item.external_id,
            item.prefix,
            item.kms_key,
        )
    for give in givers:
        found = give(grant, found)
    if found is not None:
        MEMORY.keep(("vault", grant.team), astuple(found), mark)
    return found


def _remembered(grant: Grant) -> Vault | None:
    known = MEMORY.recall(("vault", grant.team))
    return None if known is None else Vault(*known)


def _opened(who: Principal, owner: str, of_run: Action, of_model: Action) -> Owner:
    is_model = isinstance(owner, str) and owner.startswith("m-")
    g = grant(who, of_model if is_model else of_run)
    if is_model:
        model = parse_model_id(owner)
        look, root = partial(_look_at_model, who, g, model), paths.of_model(model)
    else:
        run = parse_run_id(owner)
        look, root = partial(_look_at_run, who, run), paths.of_run(run)
    vault = _remembered(g)
    if vault is None:
        _, vault = together(look, partial(vault_of, g))
    else:
        look()
    return Owner(g, owner, root, vault)


def _look_at_run(who: Principal, run: RunId) -> None:
    if runs.lifecycle(who, run.text) != "active":
        message = f"Run '{run.text}' is deleted, and its artifacts with it."
        raise NotFound(message, field="run_id")


def _look_at_model(who: Principal, g: Grant, model: ModelId) -> None:
    _, experiment = together(
        partial(logged_models.get, who, model.text), partial(experiments.known, g, model.experiment)
    )
    if experiment.lifecycle != "active":
        message = f"Logged model '{model.text}' is deleted with its experiment."
        raise NotFound(message, field="model_id")
