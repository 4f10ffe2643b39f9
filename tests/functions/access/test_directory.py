"""Accounts: who is invited by e-mail, in Cognito as moto plays it."""

from dataclasses import replace

import botocore.session
import pytest

from functions import settings
from functions.access import directory, members
from functions.errors import AlreadyExists, NotAllowed, Unacceptable
from functions.teams import service
from tests.functions import people, signin


@pytest.fixture(scope="module")
def cognito():
    """A user pool, which makes no second account of somebody who is reminded, as moto would."""
    from moto import mock_aws
    from moto.cognitoidp.models import CognitoIdpBackend

    make = CognitoIdpBackend.admin_create_user

    def made_once(self, pool_id, username, message_action, *more):
        if message_action == "RESEND":
            return self.admin_get_user(pool_id, username)
        return make(self, pool_id, username, message_action, *more)

    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "true")
        environment.setattr(CognitoIdpBackend, "admin_create_user", made_once)
        directory._clients.clear()
        client = botocore.session.get_session().create_client("cognito-idp", region_name="eu-central-1")
        made = client.create_user_pool(
            PoolName="runhaven", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"]
        )
        client.pool = made["UserPool"]["Id"]
        yield client
    directory._clients.clear()


@pytest.fixture
def pool(engine, cognito):
    """A deployment with that pool."""
    before = settings.settings()
    settings.use(settings.Settings(before.table, before.region, before.dynamodb_url, user_pool=cognito.pool))
    yield cognito
    settings.use(before)


@pytest.fixture
def company(pool):
    """The same where people sign in at the company's provider."""
    settings.use(replace(settings.settings(), federated=True))
    return pool


@pytest.fixture
def ann(engine):
    """The owner of a new team."""
    return people.found()


def address():
    """An address that nobody has."""
    return f"{people.fresh('eve')}@example.org"


def account(client, email, verified="true"):
    """The id of a new account."""
    claims = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": verified}]
    made = client.admin_create_user(UserPoolId=client.pool, Username=email, UserAttributes=claims)["User"]
    return next(each["Value"] for each in made["Attributes"] if each["Name"] == "sub")


def signed_in(client, email):
    """The id of an account that the company's provider has made."""
    sub = account(client, address(), "false")
    signin.come_from_provider(client.pool, sub, email)
    return sub


def accounts(client, email):
    """The ids of the accounts with that address."""
    found = client.list_users(UserPoolId=client.pool, Filter=f'email = "{email}"')["Users"]
    return [each["Value"] for user in found for each in user["Attributes"] if each["Name"] == "sub"]


def test_who_has_no_account_is_invited(pool, ann):
    """An account is made, and its user is a member with that address."""
    email = address()
    member = service.invite(ann, email, "maintainer")
    assert accounts(pool, email) == [member.user]
    assert (member.email, member.role) == (email, "maintainer")
    assert member in service.list_members(ann).members


def test_who_has_an_account_is_found(pool, ann):
    """The account that a person has is the one that becomes a member, in every team."""
    email = address()
    made = pool.admin_create_user(
        UserPoolId=pool.pool,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )["User"]
    sub = next(each["Value"] for each in made["Attributes"] if each["Name"] == "sub")
    assert service.invite(ann, email).user == sub
    assert service.invite(people.found(), email).user == sub
    assert accounts(pool, email) == [sub]


def test_an_address_that_was_never_verified_proves_nothing(pool, ann):
    """An account that only claims an address does not get what its owner is invited to."""
    email = address()
    pool.admin_create_user(
        UserPoolId=pool.pool,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "false"}],
    )
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, email)
    assert "verified" in refused.value.message


def test_an_address_has_one_form(pool, ann):
    """Capitals and outer spaces make no second account, and decomposed letters are composed."""
    email = address()
    first = service.invite(ann, email)
    with pytest.raises(AlreadyExists):
        service.invite(ann, f"  {email.upper()} ")
    assert accounts(pool, email) == [first.user]
    assert directory.address("Jose\u0301@Example.org") == "jos\xe9@example.org"


def test_one_person_is_invited_once_by_many_at_once(pool, ann, back_end):
    """Eight owners who invite one address at once make one account and one membership."""
    email = address()
    outcomes = back_end.at_once(lambda _: service.invite(ann, email), range(8))
    assert len(accounts(pool, email)) == 1
    assert len([one for one in outcomes if not isinstance(one, Exception)]) == 1
    assert [each.email for each in service.list_members(ann).members].count(email) == 1


@pytest.mark.parametrize("email", [
    "", "a", "a@b", "@b.c", "a@.c", "a b@c.de", "a@b.c d", 'a"@b.cd', "a'@b.cd", "a\\@b.cd", "a@b.c\n",
    "a@b@c.de",
    "a@b.c" + "d" * 300, "a\0@b.cd", "\ud800@b.cd", "<a@b.cd>", "a,b@c.de", 'x" or email ^= "',
])  # fmt: skip
def test_what_is_no_address_is_refused(ann, email):
    """Nothing but an address reaches Cognito's filter: 400, and nobody is written down."""
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, email)
    assert refused.value.field == "email"
    assert len(service.list_members(ann).members) == 1


def test_without_a_pool_nobody_is_invited(ann):
    """A deployment without a user pool says so, in a 400."""
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, address())
    assert "no user pool" in refused.value.message


def test_a_known_address_needs_no_pool(pool, ann):
    """Who was invited before is found in the table."""
    email = address()
    user = service.invite(ann, email).user
    before = settings.settings()
    settings.use(settings.Settings(before.table, before.region, before.dynamodb_url))
    assert service.invite(people.found(), email).user == user


def test_only_owners_invite(pool, ann):
    """A maintainer's invitation is refused before any account is made."""
    email = address()
    bob = people.join(ann, "maintainer")
    with pytest.raises(NotAllowed):
        service.invite(people.enter(people.token(ann, user=bob)), email)
    assert accounts(pool, email) == []


def test_an_invited_person_is_called_by_the_address(pool, ann):
    """What the person makes will carry the address."""
    email = address()
    user = service.invite(ann, email).user
    assert people.enter(people.token(ann, user=user)).name == email
    assert members.primary_of(user) is None


def test_who_has_signed_in_at_the_provider_is_found(company, ann):
    """The provider's account becomes a member, though Cognito calls its address unverified."""
    email = address()
    sub = signed_in(company, email)
    assert service.invite(ann, email).user == sub
    assert accounts(company, email) == [sub]


def test_who_has_never_signed_in_at_the_provider_is_not_invited(company, ann):
    """No account is made that the person could not sign in as; the 400 says what to do."""
    email = address()
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, email)
    assert (refused.value.field, "sign in once first" in refused.value.message) == ("email", True)
    assert accounts(company, email) == []


def test_the_provider_s_account_is_preferred(pool, ann):
    """An account of the pool's own, and what was remembered of it, give way to the provider's account."""
    email = address()
    own = service.invite(ann, email).user
    settings.use(replace(settings.settings(), federated=True))
    with pytest.raises(Unacceptable):
        service.invite(people.found(), email)
    theirs = signed_in(pool, email)
    assert service.invite(people.found(), email).user == theirs != own


def test_two_accounts_of_one_address_are_nobody(company, ann):
    """Where the provider gives two people one address, it is not guessed which of them is meant."""
    email = address()
    signed_in(company, email)
    signed_in(company, email)
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, email)
    assert "Several accounts" in refused.value.message


def test_without_a_provider_its_accounts_prove_nothing(pool, ann):
    """The status of an account counts only where the settings say that there is a provider."""
    email = address()
    signed_in(pool, email)
    with pytest.raises(Unacceptable) as refused:
        service.invite(ann, email)
    assert "verified" in refused.value.message


@pytest.fixture
def mails(monkeypatch):
    """Which addresses got an invitation, and whether it was another one."""
    sent, call = [], directory._call

    def noting(operation, **asked):
        answer = call(operation, **asked)
        if operation == "admin_create_user":
            sent.append(asked.get("MessageAction", "first"))
        return answer

    monkeypatch.setattr(directory, "_call", noting)
    return sent


def test_who_has_not_come_is_invited_again(pool, ann, mails):
    """The first password ends after days, so every invitation until then sends another, also to a member."""
    email = address()
    user = service.invite(ann, email).user
    assert service.invite(people.found(), email).user == user
    with pytest.raises(AlreadyExists):
        service.invite(ann, email)
    assert mails == ["first", "RESEND", "RESEND"]
    pool.admin_set_user_password(
        UserPoolId=pool.pool, Username=email, Password="aA1-aA1-aA1-aA1", Permanent=True
    )
    assert service.invite(people.found(), email).user == user
    assert len(mails) == 3


def test_who_comes_at_that_moment_is_left_alone(pool, ann, mails, monkeypatch):
    """Somebody who has come since Cognito was asked is no member less for the reminder that it refuses."""
    email = address()
    user = service.invite(ann, email).user
    noting = directory._call

    def come(operation, **asked):
        if "MessageAction" in asked:
            raise directory._HasCome
        return noting(operation, **asked)

    monkeypatch.setattr(directory, "_call", come)
    assert service.invite(people.found(), email).user == user
