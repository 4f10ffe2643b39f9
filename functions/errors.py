"""Errors that callers may see, each with its HTTP status and MLflow's word for it.

HouseError               500  INTERNAL_ERROR
├─ Unacceptable          400  INVALID_PARAMETER_VALUE
│  └─ AlreadyExists      400  RESOURCE_ALREADY_EXISTS
├─ Unauthenticated       401  UNAUTHENTICATED
├─ NotAllowed            403  PERMISSION_DENIED
├─ NotFound              404  RESOURCE_DOES_NOT_EXIST
├─ NoSuchRoute           404  ENDPOINT_NOT_FOUND
├─ WrongMethod           405  BAD_REQUEST
├─ Aborted               409  ABORTED
├─ TooLarge              413  BAD_REQUEST
├─ Busy                  429  REQUEST_LIMIT_EXCEEDED
├─ NotBuilt              501  NOT_IMPLEMENTED
└─ Unavailable           503  TEMPORARILY_UNAVAILABLE
   └─ Outdated           503  TEMPORARILY_UNAVAILABLE

Verbs raise them, `app.py` answers them. A message names what was wrong and what would be right;
it never carries a secret or the text of an unknown exception.
"""


class HouseError(Exception):
    """The root of all errors that are answered on purpose.

    Args:
        message: a sentence for the caller.
        field: the request field that is to blame, where there is one.
        retry_after: whole seconds after which a retry makes sense, where it does.
    """

    status = 500
    code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class Unacceptable(HouseError):
    """The request itself is wrong; sending it again will not help."""

    status = 400
    code = "INVALID_PARAMETER_VALUE"


class AlreadyExists(Unacceptable):
    """The name is taken."""

    code = "RESOURCE_ALREADY_EXISTS"


class Unauthenticated(HouseError):
    """No credential, or one that does not verify."""

    status = 401
    code = "UNAUTHENTICATED"


class NotAllowed(HouseError):
    """The caller is known and is in the team, but the role or scope is too small."""

    status = 403
    code = "PERMISSION_DENIED"


class NotFound(HouseError):
    """It does not exist, or it is another team's, which is the same answer."""

    status = 404
    code = "RESOURCE_DOES_NOT_EXIST"


class NoSuchRoute(HouseError):
    """The path leads nowhere."""

    status = 404
    code = "ENDPOINT_NOT_FOUND"


class WrongMethod(HouseError):
    """The path exists, but not for this method."""

    status = 405
    code = "BAD_REQUEST"


class Aborted(HouseError):
    """Somebody else changed the same thing at the same time; trying again is right."""

    status = 409
    code = "ABORTED"


class TooLarge(HouseError):
    """The request is larger than the house takes in one piece."""

    status = 413
    code = "BAD_REQUEST"


class Busy(HouseError):
    """Too many requests at once for this item; `Retry-After` says when to come back."""

    status = 429
    code = "REQUEST_LIMIT_EXCEEDED"


class NotBuilt(HouseError):
    """A part of MLflow's interface that this deployment does not serve."""

    status = 501
    code = "NOT_IMPLEMENTED"


class Unavailable(HouseError):
    """A service behind the house does not answer right now."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"


class Outdated(Unavailable):
    """What is stored was written by a newer version of the house than the one that reads it."""
