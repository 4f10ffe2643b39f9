"""How a team's vault is begun, checked, adopted and told, and who may do that."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions import settings
from functions.access import grants
from functions.access.policy import Role, Scope
from functions.artifacts import owners, registering
from functions.errors import AlreadyExists, NotAllowed, NotBuilt, Unacceptable
from runhaven.wire.vaults import VaultPlace
from tests.functions import people
from tests.functions.artifacts import towns
from tests.functions.calls import table_on_moto

CONTROL = "arn:aws:iam::999999999999:role/runhaven-api"


@pytest.fixture(scope="module")
def empty():
    """A table without vaults."""
    with table_on_moto(control_role=CONTROL):
        yield


@pytest.fixture
def ann(empty):
    """The owner of a new team."""
    return people.found()


def test_an_external_id_is_made_once(ann):
    """Asked again, or by a retry, it is the same; another team's is another; nobody can guess it."""
    one, two, other = registering.new(ann), registering.new(ann), registering.new(people.found())
    assert one == two
    assert (one.control_role, one.control_account) == (CONTROL, "9" * 12)
    assert one.prefix == f"runhaven/{ann.team}/"
    assert one.external_id != other.external_id
    assert len(one.external_id) >= len("runhaven-") + 32


@pytest.mark.parametrize("control_role", ["", "runhaven", "arn:aws:iam::1:role/x"])
def test_without_a_control_role_no_vault_is_begun(ann, control_role):
    """A deployment that does not say who enters vaults is 501, and the message says what is missing."""
    before = settings.settings()
    settings.use(replace(before, control_role=control_role))
    with pytest.raises(NotBuilt, match="RUNHAVEN_CONTROL_ROLE"):
        registering.new(ann)
    settings.use(before)


def test_only_an_owner_has_to_do_with_the_vault(ann):
    """A maintainer, and an owner's token that only reads, neither see nor change it."""
    place = VaultPlace("1" * 12, "bucket", "eu-central-1", f"arn:aws:iam::{'1' * 12}:role/x")
    for who in (replace(ann, role=Role.MAINTAINER), replace(ann, scope=Scope.READ)):
        for verb in (registering.new, registering.state, lambda who: registering.check(who, place)):
            with pytest.raises(NotAllowed):
                verb(who)


RIGHT = {
    "account": "1" * 12,
    "bucket": "red-bucket",
    "region": "eu-central-1",
    "role_arn": f"arn:aws:iam::{'1' * 12}:role/path/runhaven",
    "kms_key": f"arn:aws:kms:eu-central-1:{'1' * 12}:key/1-2-3",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "11111111111a"), ("account", "\u0661" * 12), ("bucket", "Red"), ("bucket", "a.b.c"),
        ("bucket", "-ab"), ("bucket", "a/b"), ("bucket", "red\nx"), ("bucket", "red-bucket\n"),
        ("region", "Frankfurt"), ("region", "eu-central-1/x"), ("region", "eu-central-1.evil.example"),
        ("role_arn", f"arn:aws:iam::{'2' * 12}:role/x"), ("role_arn", f"arn:aws:iam::{'1' * 12}:user/x"),
        ("role_arn", "x"), ("role_arn", f"arn:aws:iam::{'1' * 12}:role/x*"), ("kms_key", "alias/x"),
        ("kms_key", f"arn:aws:kms:us-east-1:{'1' * 12}:key/1"), ("kms_key", ""),
        ("kms_key", f"arn:aws:kms:eu-central-1:{'2' * 12}:key/1"),
        ("kms_key", f"arn:aws:kms:eu-central-1:{'1' * 12}:key/*"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_refused(ann, field, value):
    """What no account, bucket, role or key is called, or what is another account's, is 400 for its field."""
    registering.new(ann)
    with pytest.raises(Unacceptable) as wrong:
        registering.check(ann, VaultPlace(**{**RIGHT, field: value}))
    assert wrong.value.field == field


def test_a_check_needs_an_external_id(ann):
    """Who checks before he has begun hears where to begin."""
    with pytest.raises(Unacceptable, match="/v1/vault/new"):
        registering.check(ann, VaultPlace(**RIGHT))
    assert registering.state(ann).state == "none"


def test_an_adopted_vault_is_the_team_s_at_once(ann):
    """The laptop's house needs no proofs; doing it again changes nothing, and its bucket is taken."""
    grant, vault = grants.for_job(ann.team), towns.vault(ann.team)
    for _ in range(2):
        registering.adopt(grant, vault)
    assert owners.vault_of(grant) == vault
    assert registering.state(ann).state == "active"
    other = people.found()
    stolen = replace(towns.vault(other.team), bucket=vault.bucket)
    with pytest.raises(AlreadyExists) as taken:
        registering.adopt(grants.for_job(other.team), stolen)
    assert taken.value.field == "bucket"
    assert registering.state(other).state == "new"
    with pytest.raises(Unacceptable, match="no vault"):
        owners.vault_of(grants.for_job(other.team))


def test_a_vault_does_not_move(ann):
    """Once artifacts may lie in it, no other bucket is adopted or even tried."""
    grant, vault = grants.for_job(ann.team), towns.vault(ann.team)
    registering.adopt(grant, vault)
    with pytest.raises(Unacceptable, match="does not move"):
        registering.adopt(grant, towns.vault(ann.team))
    with pytest.raises(Unacceptable, match="does not move"):
        registering.check(ann, VaultPlace(**RIGHT))
    assert registering.state(ann).place.bucket == vault.bucket


@pytest.mark.parametrize("shared", ["bucket", "role_arn"])
def test_one_of_many_teams_gets_a_bucket_and_a_role(empty, shared):
    """Of eight teams that claim the same one at once one has it, and the others hear so."""
    same = getattr(towns.vault("same"), shared)

    def claim(_):
        team = people.found().team
        vault = replace(towns.vault(team), **{shared: same})
        try:
            registering.adopt(grants.for_job(team), vault)
        except AlreadyExists as taken:
            return taken.field
        return ""

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(claim, range(8))) == ["", *[shared] * 7]
