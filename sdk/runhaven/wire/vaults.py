"""A team's vault: where its artifacts lie, in a bucket and an AWS account of its own."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Len

#: What is proved before a vault is used, in this order.
StepName = Literal[
    "role",
    "wrong_external_id",
    "no_external_id",
    "bucket",
    "versioning",
    "write",
    "read",
    "delete",
    "above",
    "one_team",
]


@dataclass(frozen=True, slots=True)
class VaultVariables:
    """What the module of the team's account needs to know: save it as `vault.auto.tfvars.json`.

    Attributes:
        team: whose vault it is.
        control_role: ARN of the only role that may assume the vault's role.
        control_account: the AWS account of that role.
        external_id: what that role must show, made for this team.
        prefix: what every key in the bucket begins with.
    """

    team: str
    control_role: str
    control_account: str
    external_id: str
    prefix: str


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where a vault is: what the module of the team's account has made.

    Attributes:
        account: 12 digits; bucket, role and key are this AWS account's.
        bucket: its name, without dots.
        region: where the bucket is.
        role_arn: the role that may use the bucket.
        kms_key: ARN of the key that encrypts the bucket; left out, S3's own keys do.
    """

    account: Annotated[str, Len(12, 12)]
    bucket: Annotated[str, Len(3, 63)]
    region: Annotated[str, Len(1, 32)]
    role_arn: Annotated[str, Len(1, 600)]
    kms_key: Annotated[str, Len(1, 200)] | None = None


@dataclass(frozen=True, slots=True)
class VaultStep:
    """One proof.

    Attributes:
        step: what was proved.
        ok: whether it holds; None where an earlier failure left it untried.
        fix: what is wrong and what makes it right; empty where it holds.
    """

    step: StepName
    ok: bool | None
    fix: str = ""


@dataclass(frozen=True, slots=True)
class VaultReport:
    """How the check of a vault went; if every step holds, the vault is in use from then on."""

    active: bool
    steps: list[VaultStep] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VaultState:
    """How far a team's vault is.

    Attributes:
        state: `none`; `new` after its ExternalId was made; `active` after its check.
        external_id: what the deployment shows when it assumes the vault's role.
        prefix: what every key in the bucket begins with.
        place: where it is, once it is active.
        active_at: since when, in milliseconds since 1970 UTC.
        active_by: who had it checked.
        trouble: why it cannot be entered right now; None if it can.
    """

    state: Literal["none", "new", "active"]
    external_id: str | None = None
    prefix: str | None = None
    place: VaultPlace | None = None
    active_at: int | None = None
    active_by: str | None = None
    trouble: str | None = None
