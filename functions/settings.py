"""What a deployment may set: one frozen object, the only reader of the environment."""

import os
import re
from dataclasses import dataclass, fields
from typing import Annotated, get_type_hints

PREFIX = "RUNHAVEN_"
# As many as fit into the policy of a session, which has 2,048 characters.
NETWORKS = 20
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its meaning. The variable is the field's name in capitals after `RUNHAVEN_`."""

    table: Annotated[str, "Name of the DynamoDB table. Needed."]
    region: Annotated[str, "AWS region of the control plane. Needed."]
    dynamodb_url: Annotated[str, "Address of a DynamoDB-compatible server; empty means AWS."] = ""
    s3_url: Annotated[str, "Address of an S3-compatible server for all vaults; empty means AWS."] = ""
    s3_public_url: Annotated[str, "That server's address in presigned URLs; empty means the same."] = ""
    sts_url: Annotated[
        str, "Address of an STS-compatible server, with `key:secret@` in it; empty means AWS."
    ] = ""
    control_role: Annotated[str, "ARN of the role as which this deployment enters the teams' vaults."] = ""
    assume_control_role: Annotated[
        bool, "Whether a function takes that role on first, because it has one of its own."
    ] = False
    data_role: Annotated[
        str,
        "ARN of the role that a team's data takes, with its name as session tag; empty means the own one.",
    ] = ""
    jobs_queue: Annotated[
        str, "URL of the SQS queue that takes long work; empty means it is done at once."
    ] = ""
    allowed_cidrs: Annotated[
        tuple[str, ...], "Networks from which this house answers, at most 20; empty means from all."
    ] = ()
    edge_secret: Annotated[
        tuple[str, ...], "SHA-256 (hex) of what the edge sends as X-Runhaven-Edge; two while it is changed."
    ] = ()
    first_admin: Annotated[
        str, "E-mail address whose verified account may become deployment admin while there is none."
    ] = ""
    user_pool: Annotated[str, "Id of the Cognito user pool; empty means Runhaven tokens only."] = ""
    federated: Annotated[
        bool, "Whether people sign in at the company's provider, which vouches for their e-mail addresses."
    ] = False
    user_pool_clients: Annotated[
        tuple[str, ...], "Cognito app client ids whose access tokens are taken."
    ] = ()
    issuer: Annotated[str, "The `iss` that access tokens must carry."] = ""
    jwks_url: Annotated[str, "Where the pool's public keys are read (https: or file:)."] = ""
    hosts: Annotated[tuple[str, ...], "Host names that are answered; empty means any."] = ()
    origins: Annotated[tuple[str, ...], "Origins whose pages may call the API; others are refused."] = ()
    local_user: Annotated[
        str, "Laptop only: who a caller without credentials is; empty asks for credentials."
    ] = ""
    auto_teams: Annotated[
        bool, "Laptop only: a deployment admin's request creates the team that it names."
    ] = False
    log_level: Annotated[str, "Least severe level that is logged."] = "INFO"

    def __post_init__(self) -> None:
        """Refuse what would open or close the house by mistake.

        Raises:
            RuntimeError: a network or a digest is none, or there are too many.
        """
        if self.allowed_cidrs:
            _check_networks(self.allowed_cidrs)
        if len(self.edge_secret) > 2 or not all(_DIGEST.fullmatch(one) for one in self.edge_secret):
            message = (
                f"{PREFIX}EDGE_SECRET takes one or two SHA-256 digests, each of 64 lower-case hex digits"
            )
            raise RuntimeError(message)


_used: list[Settings] = []


def settings() -> Settings:
    """The settings of this process, read from the environment at the first call.

    Raises:
        RuntimeError: a needed variable is missing.
    """
    if not _used:
        use(_from_environment(dict(os.environ)))
    return _used[0]


def use(chosen: Settings) -> None:
    """Take these settings instead of the environment's (the local house and the tests)."""
    _used[:] = [chosen]


def _check_networks(networks: tuple[str, ...]) -> None:
    from ipaddress import ip_network

    try:
        for each in networks:
            ip_network(each)
    except ValueError as error:
        raise RuntimeError(f"{PREFIX}ALLOWED_CIDRS: {error}") from error
    if len(networks) > NETWORKS:
        raise RuntimeError(f"{PREFIX}ALLOWED_CIDRS takes at most {NETWORKS} networks")


def aws_keys() -> tuple[str, str]:
    """AWS's key id and secret in this process's environment; "" for what it does not have."""
    return os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")


def _from_environment(environment: dict[str, str]) -> Settings:
    given: dict[str, object] = {}
    kinds = get_type_hints(Settings)
    for field in fields(Settings):
        text = environment.get(PREFIX + field.name.upper())
        if text is None:
            continue
        if kinds[field.name] is bool:
            given[field.name] = text.lower() in {"1", "true", "yes"}
        elif kinds[field.name] is str:
            given[field.name] = text
        else:
            given[field.name] = tuple(part.strip() for part in text.split(",") if part.strip())
    missing = [PREFIX + name.upper() for name in ("table", "region") if name not in given]
    if missing:
        message = f"set {' and '.join(missing)}"
        raise RuntimeError(message)
    return Settings(**given)  # type: ignore[arg-type]
