"""What a deployment may set: one frozen object, the only reader of the environment."""

import os
from dataclasses import dataclass, fields
from typing import Annotated, get_type_hints

PREFIX = "RUNHAVEN_"


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
    user_pool: Annotated[str, "Id of the Cognito user pool; empty means Runhaven tokens only."] = ""
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
