"""Who has an account: the only file that talks to Cognito."""

import re
from contextlib import suppress
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from functions import aws, table
from functions.access import items, members
from functions.errors import Busy, Unacceptable, Unavailable
from functions.ids import nfc, shown
from functions.limits import text
from functions.settings import settings
from runhaven.wire.teams import EMAIL_LENGTH

# No quotes and no backslash: the address stands in a filter of Cognito.
_PART = r"[^\s@\"'\\<>(),;:\[\]\x00-\x1f\x7f]+"
_EMAIL = re.compile(rf"{_PART}@{_PART}\.{_PART}")
_BUSY = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException"})
# What Cognito says of an account that a provider of identities has made.
_FEDERATED = "EXTERNAL_PROVIDER"
# What it says of one that waits for its owner, whose first password ends after days.
_INVITED = "FORCE_CHANGE_PASSWORD"
_clients: dict[str, Any] = {}


def address(email: str) -> str:
    """The one form of an e-mail address: NFC, lower case, without outer spaces.

    Raises:
        Unacceptable: it is none.
    """
    plain = nfc(text(email, "email", EMAIL_LENGTH)).strip().lower()
    if not _EMAIL.fullmatch(plain):
        why = f"Invalid value {shown(email)} for 'email': it is no e-mail address."
        raise Unacceptable(why, field="email")
    return plain


def invited(email: str) -> str:
    """The id of the user with that address; who has no account yet is invited by e-mail to make one.

    Who was invited and has not come is invited again: the first password may have ended.
    Where people sign in at the company's provider, their accounts come into being there and are only found.

    Args:
        email: an address as `address` gives it.

    Raises:
        Unacceptable: the deployment has no user pool, the account's address was never verified, or who has
            it has never signed in at the company's provider.
        Busy: Cognito is throttled.
        Unavailable: Cognito does not answer.
    """
    federated = settings().federated
    # An address that was written down before there was a provider belongs to an account that is no way in.
    known = None if federated else table.get(items.Address, items.address(email))
    if known is not None:
        if settings().user_pool:
            _remind(_accounts(email), email)
        return known.user
    if not settings().user_pool:
        message = "This deployment has no user pool, so nobody can be invited by e-mail."
        raise Unacceptable(message, field="email")
    accounts = _accounts(email)
    user = _owner(accounts, email)
    if user is None and federated:
        why = f"Nobody with the address {shown(email)} has signed in yet: let the person sign in once first."
        raise Unacceptable(why, field="email")
    if user is None:
        user = _invite(email)
    else:
        _remind(accounts, email)
    remember(user, email)
    return user


def remember(user: str, email: str) -> None:
    """Write down whose an address is."""
    members.enrol(user, email=email)
    pk, sk = items.address(email)
    table.put(items.Address(PK=pk, SK=sk, user=user))


def owner(email: str) -> str | None:
    """The id of the account that owns the address. An unverified one proves nothing: anybody can claim it.

    Where people sign in at the company's provider, its accounts alone count: it vouches for their addresses,
    which Cognito itself calls unverified, and nobody can sign in as another account.

    Raises as `invited` does.
    """
    return _owner(_accounts(email), email)


class _Account(NamedTuple):
    """What Cognito says of an account, its state among it."""

    status: str
    sub: str
    verified: bool


def _accounts(email: str) -> list[_Account]:
    found = _call("list_users", Filter=f'email = "{email}"', Limit=60)["Users"]
    said = [(user, {each["Name"]: each["Value"] for each in user["Attributes"]}) for user in found]
    return [
        _Account(user["UserStatus"], of["sub"], of.get("email_verified") == "true")
        for user, of in said
        if of.get("email", "").lower() == email
    ]


def _owner(accounts: list[_Account], email: str) -> str | None:
    if settings().federated:
        accounts = [account for account in accounts if account.status == _FEDERATED]
        if len(accounts) > 1:
            why = f"Several accounts have the address {shown(email)}: its provider has to make them one."
            raise Unacceptable(why, field="email")
        return accounts[0].sub if accounts else None
    sub = next((account.sub for account in accounts if account.verified), None)
    if accounts and sub is None:
        raise Unacceptable(f"The account of {shown(email)} has not verified that address yet.", field="email")
    return sub


def _invite(email: str) -> str:
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    try:
        made = _call(
            "admin_create_user",
            Username=email,
            UserAttributes=attributes,
            DesiredDeliveryMediums=["EMAIL"],
        )
    except _UserExists:
        found = owner(email)
        if found is None:
            raise Busy("The account is being created; try again.", retry_after=1) from None
        return found
    return str(next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub"))


def _remind(accounts: list[_Account], email: str) -> None:
    """Send another first password to who was invited and has not come: it ends after days, for good.

    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
    """
    how = {"MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]}
    if any(account.status == _INVITED and account.verified for account in accounts):
        with suppress(_HasCome):  # this very moment
            _call("admin_create_user", Username=email, **how)


class _UserExists(Exception):
    pass


class _HasCome(Exception):
    pass


def _client() -> Any:
    region = settings().region
    if region not in _clients:
        retries = {"mode": "standard", "total_max_attempts": 3}
        _clients[region] = aws.client(
            "cognito-idp", region, "", {}, connect_timeout=2, read_timeout=5, retries=retries
        )
    return _clients[region]


def _call(operation: str, **asked: Any) -> Any:
    try:
        return getattr(_client(), operation)(UserPoolId=settings().user_pool, **asked)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "UsernameExistsException":
            raise _UserExists from error
        if code == "UnsupportedUserStateException":
            raise _HasCome from error
        if code == "InvalidParameterException":
            raise Unacceptable("The user pool does not take this e-mail address.", field="email") from error
        if code in _BUSY:
            raise Busy("The user pool is throttled; slow down.", retry_after=1) from error
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise Unavailable("The user pool does not answer right now.", retry_after=2) from error
        raise
    except BotoCoreError as error:
        raise Unavailable("The user pool cannot be reached right now.", retry_after=2) from error
