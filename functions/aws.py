"""AWS as the house meets it: how a client is made, and what a refusal means.

Making a client is not safe among threads, and the first of a service reads its whole model; so clients are
made one after the other, late, from one session of botocore.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import unquote, urlsplit

# What AWS says when the house's own credentials or clock are at fault, not somebody's role.
OWN_FAULT = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
    "RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
_SLOWER = frozenset({
    "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests",
    "TooManyRequestsException", "KMS.ThrottlingException",
})  # fmt: skip
_FAILED = frozenset({"InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"})

_sessions: list[Any] = []
_making = threading.Lock()


class Refused(Exception):
    """What AWS answered instead: its code, HTTP status (0 without an answer) and words."""

    def __init__(self, code: str, status: int, words: str) -> None:
        super().__init__(code)
        self.code, self.status, self.words = code, status, words

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed later without anybody doing anything."""
        return not self.status or self.status >= 500 or self.slower or self.code in _FAILED

    @property
    def slower(self) -> bool:
        """Whether there were too many calls."""
        return self.code in _SLOWER


def client(service: str, region: str, url: str, keys: dict[str, str], **config: Any) -> Any:
    """A new client.

    Args:
        service: its name in botocore.
        region: where it is.
        url: address of a server that stands for AWS, also with `key:secret@` in it; "" is AWS.
        keys: as whom it calls; without any as the function itself, or with the keys in *url*.
        config: how, as `botocore.config.Config` takes it.
    """
    import botocore.config
    import botocore.session

    plain, own = _address(url)
    how = botocore.config.Config(**config)
    with _making:
        if not _sessions:
            _sessions.append(botocore.session.get_session())
        make = _sessions[0].create_client
        return make(service, region_name=region, endpoint_url=plain or None, config=how, **(keys or own))


def forget() -> None:
    """Drop the session of botocore, so that the next client finds other credentials (a fork, the tests)."""
    _sessions.clear()


def asked(client: Any, operation: str, asked: dict[str, Any]) -> Any:
    """Call AWS.

    Raises:
        Refused: it said no, or did not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, operation)(**asked)
    except ClientError as error:
        said: Any = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise Refused(str(said.get("Code", "")), status, str(said.get("Message", ""))) from error
    except BotoCoreError as error:
        raise Refused(type(error).__name__, 0, "") from error


def _address(url: str) -> tuple[str, dict[str, str]]:
    """A server's address, and the house's own keys there, where they stand in it as `key:secret@`."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    key, secret = unquote(parts.username), unquote(parts.password or "")
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return plain, {"aws_access_key_id": key, "aws_secret_access_key": secret}
