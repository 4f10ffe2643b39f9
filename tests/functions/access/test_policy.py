"""Who may do what, as a table."""

import itertools

import pytest

from functions.access import grants
from functions.access.policy import Action, Deployment, Role, Scope, decide, may_found, may_write, role, scope
from functions.access.principal import Principal
from functions.errors import NotAllowed, Unacceptable

LEAST = {
    Action.READ: Role.VIEWER,
    Action.READ_EXPERIMENT: Role.VIEWER,
    Action.READ_RUN: Role.VIEWER,
    Action.CREATE_EXPERIMENT: Role.CONTRIBUTOR,
    Action.CREATE_RUN: Role.CONTRIBUTOR,
    Action.LOG: Role.CONTRIBUTOR,
    Action.EDIT: Role.CONTRIBUTOR,
    Action.DELETE: Role.MAINTAINER,
    Action.MANAGE: Role.OWNER,
}
LOGS = {
    Action.READ_EXPERIMENT,
    Action.READ_RUN,
    Action.CREATE_EXPERIMENT,
    Action.CREATE_RUN,
    Action.LOG,
}
READS = {Action.READ, Action.READ_EXPERIMENT, Action.READ_RUN}


def who(role=Role.OWNER, scope=Scope.ALL, *deployment, token=None):
    return Principal("ann", "ann", "red", role, scope, frozenset(deployment), token)


def test_the_table_has_every_action():
    """No action is without a rule."""
    assert set(LEAST) == set(Action)


@pytest.mark.parametrize(("action", "role"), list(itertools.product(Action, Role)))
def test_a_greater_role_may_all_that_a_smaller_one_may(action, role):
    """Each action takes its role or a greater one."""
    assert decide(who(role), action).allowed is (role >= LEAST[action])


@pytest.mark.parametrize(("action", "scope"), list(itertools.product(Action, Scope)))
def test_a_scope_narrows_a_role(action, scope):
    """An owner's token of a scope may what the scope holds and nothing else."""
    holds = {Scope.ALL: set(Action), Scope.READ: READS, Scope.LOG: LOGS}[scope]
    assert decide(who(scope=scope), action).allowed is (action in holds)


@pytest.mark.parametrize(("action", "scope"), list(itertools.product(Action, Scope)))
def test_a_scope_never_widens_a_role(action, scope):
    """A viewer's token of any scope changes nothing."""
    assert not decide(who(Role.VIEWER, scope), action).allowed or action in READS


@pytest.mark.parametrize("action", Action)
def test_a_deployment_reader_reads_every_team(action):
    """Who is no member but a deployment reader may read, and nothing more."""
    assert decide(who(None, Scope.ALL, Deployment.READER), action).allowed is (action in READS)


@pytest.mark.parametrize("action", Action)
def test_a_deployment_admin_has_no_say_in_a_team(action):
    """Who is no member may do nothing in a team, admin or not."""
    assert not decide(who(None, Scope.ALL, Deployment.ADMIN), action).allowed


@pytest.mark.parametrize(("role", "scope"), list(itertools.product([None, *Role], Scope)))
def test_the_first_look_at_a_writer_refuses_no_one_who_may(role, scope):
    """What every writing route asks at first is no stricter than the action itself."""
    caller = who(role, scope)
    may = {action for action in set(Action) - READS if decide(caller, action).allowed}
    assert may_write(caller).allowed is bool(may) or scope is Scope.LOG


@pytest.mark.parametrize(("scope", "deployment"), list(itertools.product(Scope, [*Deployment, None])))
def test_only_an_admin_with_a_whole_credential_creates_teams(scope, deployment):
    """A reader, or an admin's narrowed token, creates none."""
    caller = who(Role.OWNER, scope, *([deployment] if deployment else []))
    allowed = deployment is Deployment.ADMIN and scope is Scope.ALL
    assert may_found(caller).allowed is allowed


def test_a_refusal_says_what_it_takes():
    """The sentence names the action, the team, the role that it takes and the caller's own."""
    verdict = decide(who(Role.VIEWER), Action.LOG)
    assert verdict.reason == (
        "To log to a run in team 'red' takes the role 'contributor'; yours is 'viewer'."
    )


def test_a_log_token_touches_only_its_own_runs():
    """A run that was made with another credential is out of its reach; other scopes do not care."""
    grants.own(who(scope=Scope.LOG, token="mine"), "mine")
    grants.own(who(scope=Scope.ALL, token="mine"), None)
    for made_by in ("other", None):
        with pytest.raises(NotAllowed):
            grants.own(who(scope=Scope.LOG, token="mine"), made_by)


@pytest.mark.parametrize("word", ["Owner", "", "admin", None, 4, ["owner"]])
def test_an_unknown_role_or_scope_is_refused(word):
    """A word that means no role and no scope is 400 and names the field."""
    with pytest.raises(Unacceptable) as refused:
        role(word)
    assert refused.value.field == "role"
    with pytest.raises(Unacceptable) as refused:
        scope(word)
    assert refused.value.field == "scope"
