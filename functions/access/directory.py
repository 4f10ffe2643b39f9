"""Who has an account: the only file that talks to Cognito."""

import re
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from functions import table
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

    Args:
        email: an address as `address` gives it.

    Raises:
        Unacceptable: the deployment has no user pool, or the account's address was never verified.
        Busy: Cognito is throttled.
        Unavailable: Cognito does not answer.
    """
    known = table.get(items.Address, items.address(email))
    if known is not None:
        return known.user
    if not settings().user_pool:
        message = "This deployment has no user pool, so nobody can be invited by e-mail."
        raise Unacceptable(message, field="email")
    user = _account(email) or _invite(email)
    members.enrol(user, email=email)
    pk, sk = items.address(email)
    table.put(items.Address(PK=pk, SK=sk, user=user))
    return user


def _account(email: str) -> str | None:
    """The id of the account that owns the address. An unverified one proves nothing: anybody can claim it."""
    found = _call("list_users", Filter=f'email = "{email}"', Limit=10)["Users"]
    accounts = [{each["Name"]: each["Value"] for each in user["Attributes"]} for user in found]
    for account in accounts:
        if account.get("email_verified") == "true" and account.get("email", "").lower() == email:
            return str(account["sub"])
    if accounts:
        raise Unacceptable(f"The account of {shown(email)} has not verified that address yet.", field="email")
    return None


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
        found = _account(email)
        if found is None:
            raise Busy("The account is being created; try again.", retry_after=1) from None
        return found
    return str(next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub"))


class _UserExists(Exception):
    pass


def _client() -> Any:
    region = settings().region
    if region not in _clients:
        config = botocore.config.Config(
            connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
        )
        _clients[region] = botocore.session.get_session().create_client(
            "cognito-idp", region_name=region, config=config
        )
    return _clients[region]


def _call(operation: str, **asked: Any) -> Any:
    try:
        return getattr(_client(), operation)(UserPoolId=settings().user_pool, **asked)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "UsernameExistsException":
            raise _UserExists from error
        if code == "InvalidParameterException":
            raise Unacceptable("The user pool does not take this e-mail address.", field="email") from error
        if code in _BUSY:
            raise Busy("The user pool is throttled; slow down.", retry_after=1) from error
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise Unavailable("The user pool does not answer right now.", retry_after=2) from error
        raise
    except BotoCoreError as error:
        raise Unavailable("The user pool cannot be reached right now.", retry_after=2) from error
