"""The laptop's S3 and STS: moto's, with the objects of `local_objects.py` in them.

moto keeps accounts, buckets and roles, and takes what the house calls in its own process. What an S3 does
with objects is ours: moto would keep them in memory and lose them. One seam, the two methods through which
all of moto's S3 goes; behind it is the code that serves the port too.

The only file that knows the insides of moto's S3 and STS (5.2.5). For each bend
tests/functions/test_local_bucket_plain.py has a test that fails on the day a newer moto makes it unnecessary.

bend                      why
_key_response             moto's objects are gone with the process; it joins parts in memory, pages them by
                          position, checks no checksum, and lets a thread in between a condition and its write
_bucket_response          moto copies every object to list versions, mixes up two of one millisecond, and
                          shows folders whose objects are all deleted
_answered                 moto knows no session policy, and every account's buckets are open to everybody
_delete_bucket            moto does not know that there is something in the bucket: it is not in moto
_assume_role              moto lets everybody assume every role, also one that does not exist, and with any
                          ExternalId; and it has no list in which the port could find a session's secret
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from moto.core.exceptions import AccessDeniedError
from moto.iam.exceptions import NotFoundException
from moto.iam.models import Role, iam_backends
from moto.s3.models import FakeBucket, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.sts.models import AssumedRole, STSBackend
from moto.utilities.utils import get_partition

from functions import local_answers as answers
from functions.local_answers import Answer, Place
from functions.local_objects import Objects, Refused
from functions.local_requests import Asked
from functions.local_signed import Request, Session, allows, parameters
from functions.local_uploads import Uploads

_SESSION, _BUCKET = "session/", "bucket/"
_open: list["LocalBuckets"] = []


class LocalBuckets:
    """The open buckets of this process's moto, with what a folder has kept of them; moto is bent meanwhile.

    Args:
        directory: where index and objects are kept.

    Raises:
        RuntimeError: buckets are open already, or another process has the folder.
    """

    objects: Objects

    def __init__(self, directory: Path) -> None:
        if _open:
            raise RuntimeError(f"the buckets in {_open[0].objects.directory} are open already")
        self.objects = Objects(directory)
        self.uploads = Uploads(self.objects)
        _open.append(self)
        _bend(wanted=True)
        for name, kept in self.objects.notes(_BUCKET).items():
            self._open_bucket(name, *json.loads(kept))

    def close(self) -> None:
        """Straighten moto, and let go of the index."""
        with self.objects.lock:
            _bend(wanted=False)
            _open.remove(self)
        self.objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def bucket(self, name: str) -> FakeBucket:
        """A bucket, whosever it is.

        Raises:
            Refused: NoSuchBucket.
        """
        partition, account = s3_backends.bucket_accounts.get(name, ("aws", ""))
        found = s3_backends[account][partition].buckets.get(name) if account else None
        if found is None:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")
        return found

    def furnish(self, account: str, name: str, region: str, *, role: str, trust: str, policy: str) -> None:
        """Make a versioned bucket and a role in an account, unless they are there.

        Args:
            account: whose they are.
            name: the bucket's, unique in all accounts; what an earlier house kept is in it again.
            region: where it is said to be.
            role: the role's name.
            trust: who may assume it, as JSON.
            policy: what it may do, as JSON.
        """
        with self.objects.lock:
            if name not in s3_backends.bucket_accounts:
                self._open_bucket(name, account, region)
                self.objects.write_note(_BUCKET + name, json.dumps([account, region]))
            roles = iam_backends[account][get_partition(region)]
            if role not in {each.name for each in roles.get_roles()}:
                roles.create_role(role, trust, "/", None, "", [], None).put_policy("vault", policy)

    def permit(
        self, session: Session | None, wanted: str, bucket: FakeBucket, key: str, **known: str
    ) -> None:
        """See that a session may do what it wants with a bucket or, with a key, with an object.

        Raises:
            Refused: AccessDenied.
        """
        arn = f"arn:{bucket.partition}:s3:::{bucket.name}"
        if session and not session.may(wanted, f"{arn}/{key}" if key else arn, bucket.account_id, **known):
            raise Refused(403, "AccessDenied", "Access Denied")

    def read(self, session: Session | None, place: Place, asked: Request) -> Answer:
        """Answer GET or HEAD of an object, for a session, or for the house itself with None.

        Raises:
            Refused: as `answers.read`; and who may not list the whole bucket does not learn what is missing.
        """
        query = {name.lower(): value for name, value in parameters(asked.query)}
        try:
            return answers.read(self.objects, place, asked.headers, query, head=asked.method == "HEAD")
        except Refused as refused:
            if refused.code == "NoSuchKey":
                self.permit(session, "s3:ListBucket", self.bucket(place.bucket), "")
            raise

    def session(self, key: str) -> Session:
        """The session of an access key, also one that an earlier house in this folder has issued.

        Raises:
            Refused: InvalidAccessKeyId.
        """
        kept = self.objects.note(_SESSION + key)
        if not kept:
            raise Refused(403, "InvalidAccessKeyId", "The access key does not exist in our records.")
        return Session(key, **json.loads(kept))

    def _open_bucket(self, name: str, account: str, region: str) -> None:
        made = s3_backends[account][get_partition(region)].create_bucket(name, region)
        made.versioning_status = "Enabled"

    def remember(self, made: AssumedRole, role: Role) -> None:
        """Keep a session that STS has just issued, and forget those that have ended."""
        ends, policies = made.expiration.replace(tzinfo=UTC).timestamp(), list(role.policies.values())
        kept = Session(
            *(made.access_key_id, made.secret_access_key, made.session_token, made.account_id),
            *(ends, policies, made.policy or ""),
        )._asdict()
        now = datetime.now(UTC).timestamp()
        with self.objects.writing():
            for key, text in self.objects.notes(_SESSION).items():
                if json.loads(text)["ends"] < now:
                    self.objects.write_note(_SESSION + key, None)
            self.objects.write_note(_SESSION + kept.pop("key"), json.dumps(kept))


_plain_bucket, _plain_key = S3Response._bucket_response, S3Response._key_response  # noqa: SLF001  (the seam)
_plain_assume, _plain_delete = STSBackend.assume_role, S3Backend.delete_bucket


def _bucket_response(moto: S3Response, request: Any, full_url: str) -> Any:
    def answer(asked: Asked) -> Any:
        found = asked.of_bucket()
        return _plain_bucket(moto, request, full_url) if found is None else found

    return _answered(moto, request, "", answer)


def _key_response(moto: S3Response, request: Any, _full_url: str) -> Any:
    return _answered(moto, request, moto.parse_key_name(), Asked.of_object)


def _answered(moto: S3Response, request: Any, key: str, answer: Callable[[Asked], Any]) -> Any:
    headers = {name.lower(): value for name, value in request.headers.items()}
    sent = Request(request.method, b"", request.query_string, headers)
    with _open[0].objects.lock:
        try:
            asked = Asked(_open[0], moto.bucket_name, key, sent, moto.body or b"")
            asked.permit()
            return answer(asked)
        except Refused as refused:
            body = b"" if request.method == "HEAD" else refused.xml
            return refused.status, {"content-type": "application/xml"}, body


def _assume_role(backend: STSBackend, region_name: str, **asked: Any) -> AssumedRole:
    """Let in whom the role's trust policy lets in: who shows its ExternalId."""
    arn, external_id = asked["role_arn"], asked["external_id"]
    account = arn.split(":")[4] if arn.count(":") >= 5 else backend.account_id
    try:
        role = iam_backends[account][get_partition(region_name)].get_role_by_arn(arn)
    except NotFoundException:
        role = None
    shown = {} if external_id is None else {"sts:ExternalId": external_id}
    if role is None or not allows([role.assume_role_policy_document], "sts:AssumeRole", arn, shown):
        raise AccessDeniedError("the house", f"sts:AssumeRole on resource: {arn}")
    made = _plain_assume(backend, region_name, **asked)
    _open[0].remember(made, role)
    return made


def _delete_bucket(backend: S3Backend, bucket_name: str) -> FakeBucket | None:
    return (
        _plain_delete(backend, bucket_name) if not _open[0].objects.versions(bucket_name, limit=1) else None
    )


def _bend(*, wanted: bool) -> None:
    """Bend what moto has only once in a process, or put it back."""
    s3: Any = S3Response
    s3._bucket_response, s3._key_response = (  # noqa: SLF001
        (_bucket_response, _key_response) if wanted else (_plain_bucket, _plain_key)
    )
    STSBackend.assume_role = _assume_role if wanted else _plain_assume  # type: ignore[assignment,method-assign]
    S3Backend.delete_bucket = _delete_bucket if wanted else _plain_delete  # type: ignore[assignment,method-assign]
