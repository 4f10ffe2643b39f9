"""What was deployed, as questions about it are asked of IAM's rules."""

import json

import pytest

from tests.functions.artifacts.judge import simulation
from tests.infra.conftest import PLATFORM, RED, REGION, VAULT

YES, NO, NEVER = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
BLUE = "333333333333"
ROLES = ["api", "stream", "jobs", "vaults", "data"]
# How S3 sees a presigned URL that our house made a moment ago.
FRESH = {"aws:SecureTransport": "true", "s3:signatureversion": "AWS4-HMAC-SHA256", "s3:signatureAge": "1000"}
# One apply serves all files that only ask.
MARKS = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("deployed")]


class Scene:
    """What was deployed, as questions about it are asked."""

    def __init__(self, made):
        """Find the policies; *made* is every resource by its address."""
        self.made = made
        self.table = made["module.control_plane.aws_dynamodb_table.runhaven"]["arn"]
        self.bucket = "arn:aws:s3:::" + self.of_red("aws_s3_bucket.vault")["bucket"]
        self.key = self.of_red("aws_kms_key.vault")["arn"]

    def of_red(self, name):
        """A resource of the team's account."""
        return self.made[f"module.red[0].{name}"]

    def at(self, kind, role):
        """A role of the control plane, or its policy."""
        suffix = f'function["{role}"]' if role in {"api", "stream", "jobs"} else role
        found = self.made.get(f"module.control_plane.{kind}.{suffix}")
        return found or self.made[f"module.control_plane.{kind}.{suffix}[0]"]

    def at_queue(self, name):
        """The ARN of a queue."""
        return self.made[f"module.control_plane.aws_sqs_queue.{name}"]["arn"]

    def policy(self, role):
        """What a role of the control plane may."""
        return json.loads(self.at("aws_iam_role_policy", role)["policy"])

    def trust(self, role):
        """Whom it lets in."""
        return json.loads(self.at("aws_iam_role", role)["assume_role_policy"])

    def items(self, role, action, keys, *, table=None, team="red"):
        """May a role do that to the items whose partitions are *keys*; None where a call names none."""
        tag = {"aws:PrincipalTag/team": team} if role == "data" and team else {}
        context = {**tag, **({} if keys is None else {"dynamodb:LeadingKeys": keys})}
        return simulation(
            action,
            table or self.table,
            PLATFORM,
            who=session(role),
            context=context,
            identity=[self.policy(role)],
        )

    def doing(self, role, action, resource, *, account=PLATFORM, **context):
        """May a role of the control plane do anything else."""
        who, identity = session(role), [self.policy(role)]
        return simulation(action, resource, account, who=who, context=context, identity=identity)

    def encrypting(self, role, action, by, **context):
        """May a role of the control plane use its key, on behalf of a service of AWS (*by*)."""
        key = self.made["module.control_plane.aws_kms_key.runhaven"]
        via = {"kms:ViaService": f"{by}.{REGION}.amazonaws.com"} if by else {}
        who, identity = session(role), [self.policy(role)]
        policy = json.loads(key["policy"])
        how = {"who": who, "context": {**via, **context}, "identity": identity, "resource_policy": policy}
        return simulation(action, key["arn"], PLATFORM, **how)

    def becoming(self, who, role, *, action="sts:AssumeRole", policy=None, **context):
        """May somebody become a role of the control plane."""
        arn = self.at("aws_iam_role", role)["arn"]
        identity = [policy or self.policy(who)]
        return simulation(
            action,
            arn,
            PLATFORM,
            who=session(who),
            context=context,
            identity=identity,
            resource_policy=self.trust(role),
        )

    def entering(self, *, who="vaults", account=PLATFORM, shown=VAULT["external_id"], at=None, policy=None):
        """May somebody become the role of red's vault, showing an ExternalId or none."""
        role, there = self.of_red("aws_iam_role.vault"), (at or f"::{RED}:").split(":")[-2]
        context = {"aws:ResourceAccount": there} | ({} if shown is None else {"sts:ExternalId": shown})
        return simulation(
            "sts:AssumeRole",
            at or role["arn"],
            there,
            who=session(who, account),
            context=context,
            identity=[policy or self.policy(who)],
            resource_policy=json.loads(role["assume_role_policy"]),
        )

    def object(
        self, action, key="runhaven/red/x", *, who=None, account=RED, policy=None, session=None, **context
    ):
        """May red's role, or *who* else, do that to an object."""
        mine = json.loads(self.of_red("aws_iam_role_policy.vault")["policy"])
        who = who or f"arn:aws:sts::{RED}:assumed-role/runhaven-red/runhaven-red"
        return simulation(
            action,
            f"{self.bucket}/{key}" if key is not None else self.bucket,
            RED,
            who=who,
            context={"s3:ResourceAccount": account, "aws:PrincipalArn": role_arn(who), **FRESH, **context},
            identity=[policy or mine],
            session=session,
            resource_policy=json.loads(self.of_red("aws_s3_bucket_policy.vault")["policy"]),
        )


def session(role, account=PLATFORM):
    """A session of a role of the control plane."""
    return f"arn:aws:sts::{account}:assumed-role/runhaven-{role}/x"


def role_arn(session):
    """What AWS says of a session's principal in a condition: the ARN of its role."""
    _, _, _, _, account, name = session.split(":")
    return f"arn:aws:iam::{account}:role/{name.split('/')[1]}"


def allowing(action, resource="*"):
    """A policy of somebody who may do that."""
    rule = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [rule]}
