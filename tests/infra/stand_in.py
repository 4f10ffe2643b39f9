"""AWS's stand-in for the modules: moto's server, bent where it forgets or misjudges what the modules ask for.

python stand_in.py PORT. Each bend says what moto 5.2 does instead; none makes a module easier than AWS would.
"""

import copy
import json
import os
import re
import sys
from fnmatch import fnmatchcase
from urllib.parse import parse_qs

os.environ |= {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1"}

from moto.apigatewayv2.models import DomainName
from moto.awslambda import urls as lambda_urls
from moto.awslambda.models import EventSourceMapping, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.budgets.responses import BudgetsResponse
from moto.cloudfront import models as cloudfront
from moto.cloudfront import urls
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.responses import ActionResult
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue
from moto.sts.exceptions import STSClientError
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse
from werkzeug.serving import WSGIRequestHandler, run_simple


def queues():
    """A queue tells both of its redrive policies as they were sent; moto drops one and rewrites the other."""
    attributes, change = Queue.attributes.fget, Queue._set_attributes
    kept = ("RedrivePolicy", "RedriveAllowPolicy")

    def told(self):
        return {
            **attributes(self),
            **{name: text for name, text in self.__dict__.get("sent", {}).items() if text},
        }

    def changed(self, given, now=None):
        self.sent = self.__dict__.get("sent", {}) | {name: given[name] for name in kept if name in given}
        change(self, given, now)

    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
    Queue.redrive_allow_policy = None
    Queue.attributes, Queue._set_attributes = property(told), changed


def tables():
    """A table tells the throughput to which it is held; moto forgets it."""
    describe = Table.describe

    def told(self, base_key="TableDescription"):
        said = describe(self, base_key)
        if self.__dict__.get("on_demand"):
            said[base_key]["OnDemandThroughput"] = self.on_demand
        return said

    def keeping(plain):
        def kept(self):
            answer = plain(self)
            if given := self.body.get("OnDemandThroughput"):
                self.dynamodb_backend.get_table(self.body["TableName"].split("/")[-1]).on_demand = given
            return answer

        return kept

    Table.describe = told
    for name in ("create_table", "update_table"):
        setattr(DynamoHandler, name, keeping(getattr(DynamoHandler, name)))


def restores():
    """A restored table is encrypted as was asked for; moto forgets it."""
    restore = DynamoHandler.restore_table_to_point_in_time

    def kept(self):
        answer = restore(self)
        table = self.dynamodb_backend.get_table(self.body["TargetTableName"])
        table.sse_specification = self.body.get("SSESpecificationOverride")
        return answer

    DynamoHandler.restore_table_to_point_in_time = kept


def functions():
    """A function tells when it starts from a snapshot; moto forgets it."""
    made, told = LambdaFunction.__init__, LambdaFunction.get_configuration

    def keep(self, account_id, spec, region, *rest, **more):
        made(self, account_id, spec, region, *rest, **more)
        self.snap = spec.get("SnapStart", {}).get("ApplyOn", "None")

    def tell(self, *args, **more):
        said = told(self, *args, **more)
        said["SnapStart"] = {
            "ApplyOn": self.snap,
            "OptimizationStatus": "On" if self.snap != "None" else "Off",
        }
        return said

    LambdaFunction.__init__, LambdaFunction.get_configuration = keep, tell


def versions():
    """A version's number is never used again; moto counts those that are left."""

    def publish(self, name_or_arn, description=""):
        latest = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
        held = self._functions[latest.function_name]["versions"]
        if held and not latest.code_or_config_updated:
            return held[-1]
        latest.code_or_config_updated = False
        latest.published = latest.__dict__.get("published", 0) + 1
        made = copy.copy(latest)
        made.set_version(latest.published)
        made.description = description or made.description
        held.append(made)
        self._arns[made.function_arn] = made
        return made

    LambdaStorage.publish_version = publish


def circles():
    """A function may call itself in a circle where that is allowed; moto has no such setting."""

    def allow(self):
        return tell(self, json.loads(self.body)["RecursiveLoop"])

    def tell(self, chosen=None):
        function = self.backend.get_function(self.path.split("/")[-2])
        function.circles = chosen or function.__dict__.get("circles", "Terminate")
        return 200, {}, json.dumps({"RecursiveLoop": function.circles})

    LambdaResponse.put_function_recursion_config = allow
    LambdaResponse.get_function_recursion_config = tell
    path = r"{0}/2024-08-31/functions/(?P<function_name>[\w_:%-]+)/recursion-config$"
    lambda_urls.url_paths[path] = LambdaResponse.dispatch


def mappings():
    """What a queue or a stream calls is the alias that was named, and it is the tests that call it.

    moto tells the version behind the alias, and starts a container for each message.
    """
    told = EventSourceMapping.get_configuration

    def tell(self):
        said = told(self)
        return {
            **said,
            "FunctionArn": self.function_name if ":" in self.function_name else said["FunctionArn"],
        }

    EventSourceMapping.get_configuration = tell
    for source in (Queue, Table):
        source.lambda_event_source_mappings = property(lambda _self: {}, lambda _self, _given: None)


def domains():
    """A domain of an API becomes available, and says nothing of what it does not have, unlike in moto."""
    told = DomainName.to_json

    def tell(self):
        said = {name: each for name, each in copy.deepcopy(told(self)).items() if each != {}}
        for each in said["domainNameConfigurations"]:
            each |= {
                "domainNameStatus": "AVAILABLE",
                "apiGatewayDomainName": "d-1.execute-api.example",
                "hostedZoneId": "Z1",
            }
        return said

    DomainName.to_json = tell


def budgets():
    """A budget tells who hears of it, and that it has no tags; moto has no such calls."""

    def told(self):
        asked, budget = self._get_param("Notification"), self._get_param("BudgetName")
        found = self.backend.budgets[self._get_param("AccountId")][budget].notifications
        same = ("NotificationType", "Threshold", "ThresholdType", "ComparisonOperator")
        told = [each for each in found if all(each.details[name] == asked[name] for name in same)]
        return json.dumps({"Subscribers": [who for each in told for who in each.subscribers]})

    BudgetsResponse.describe_subscribers_for_notification = told
    BudgetsResponse.list_tags_for_resource = lambda _self: json.dumps({"ResourceTags": []})


def edges():
    """A function of CloudFront can be published and belongs to a distribution; moto knows neither.

    It also tells of what a cache policy replaces, and how a certificate of one's own would be shown.
    """
    made, certified = cloudfront.DefaultCacheBehaviour.__init__, cloudfront.ViewerCertificate.__init__

    def publish(self):
        found = self.backend.describe_function(self._get_param("Name"))
        found.status, found.stage = "UNASSOCIATED", "LIVE"
        return ActionResult({"FunctionSummary": found.function_summary})

    def keep(self, config):
        made(self, config)
        self.function_associations = config.get("FunctionAssociations") or {"Quantity": 0}
        if self.cache_policy_id:
            self.forwarded_values = None

    def certify(self, config):
        certified(self, config)
        self.ssl_support_method = config.get("SSLSupportMethod")
        if self.acm_certificate_arn:
            self.cloud_front_default_certificate = False

    CloudFrontResponse.publish_function = publish
    cloudfront.DefaultCacheBehaviour.__init__, cloudfront.ViewerCertificate.__init__ = keep, certify
    urls.url_paths["{0}/2020-05-31/function/(?P<function_name>[^/]+)/publish$"] = CloudFrontResponse.dispatch


def policies_of_buckets():
    """A denial in a bucket's policy has a condition; moto denies everything whether it holds or not."""
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL


def trusts():
    """A role lets in whom its trust names with what that demands; moto lets everybody into another account.

    Keys of no session stand for AWS itself: Lambda enters its functions' roles, an administrator his own.
    """
    assume = TokenResponse.assume_role

    def judged(self):
        role = made_role(self._get_param("RoleArn"))
        tags = self.querystring.get("Tags.member.1.Key", [])
        if role is not None and not trusted(
            role, session_of(self.access_key), self._get_param("ExternalId"), tags
        ):
            raise STSClientError("AccessDenied", f"not authorized to perform: sts:AssumeRole on {role.arn}")
        return assume(self)

    TokenResponse.assume_role = judged


def session_of(key):
    """The role that temporary credentials are of, with its session's policy; None for others."""
    backends = [each for account in sts_backends.values() for each in account.values()]
    found = (backend.get_assumed_role_from_access_key(key) for backend in backends)
    return next((session for session in found if session), None)


def made_role(arn):
    """The role that was made under that ARN, or None."""
    roles = iam_backends[arn.split(":")[4]]["aws"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def trusted(role, caller, external_id, tags):
    """Whether a role's trust lets the caller in."""
    for rule in json.loads(role.assume_role_policy_document)["Statement"]:
        named = words(rule["Principal"].get("AWS", []))
        needed = rule.get("Condition", {})
        demanded = needed.get("StringEquals", {}).get("sts:ExternalId")
        untagged = "aws:RequestTag/team" in needed.get("Null", {}) and tags != ["team"]
        if (caller is None or caller.role_arn in named) and demanded in {None, external_id} and not untagged:
            return True
    return False


class Objects:
    """S3 as a role's policies and its session's narrow it to prefixes; moto ignores the session's."""

    def __init__(self, server):
        self.server = server

    def __call__(self, environ, start):
        """Refuse what the caller may not do to an object, and hand everything else on."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        signed = environ.get("HTTP_AUTHORIZATION", "") + query.get("X-Amz-Credential", [""])[0]
        if found := re.search(r"([A-Z0-9]{20})/\d{8}/[a-z0-9-]+/s3/", signed):
            session, path = session_of(found[1]), environ["PATH_INFO"].lstrip("/")
            bucket, named, _ = environ.get("HTTP_HOST", "").partition(".s3.")
            path = f"{bucket}/{path}" if named else path
            role = session and made_role(session.role_arn)
            if (
                role
                and path.partition("/")[2]
                and not may(role, session, environ["REQUEST_METHOD"], path, query)
            ):
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]
        return self.server(environ, start)


def may(role, session, method, path, query):
    """Whether the role's own policies and its session's allow what is asked of an object."""
    verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(method, "Put")
    action = f"s3:{verb}Object{'Version' if 'versionId' in query else ''}"
    if "uploadId" in query and verb in {"Get", "Delete"}:
        action = {"Get": "s3:ListMultipartUploadParts", "Delete": "s3:AbortMultipartUpload"}[verb]
    policies = [[json.loads(text) for text in role.policies.values()]]
    if session.policy:
        policies.append([json.loads(session.policy)])
    return all(any(allows(policy, action, f"arn:aws:s3:::{path}") for policy in each) for each in policies)


def allows(policy, action, what):
    """Whether a policy's statements name an action and a place."""
    return any(
        rule["Effect"] == "Allow"
        and action in words(rule["Action"])
        and any(fnmatchcase(what, place) for place in words(rule["Resource"]))
        for rule in policy["Statement"]
    )


def words(said):
    """One word or several, as a list."""
    return [said] if isinstance(said, str) else said


def serve(port):
    """Answer on loopback until the process is ended."""
    for bend in (
        queues,
        tables,
        restores,
        functions,
        versions,
        circles,
        mappings,
        domains,
        budgets,
        edges,
        policies_of_buckets,
        trusts,
    ):
        bend()
    app = Objects(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, app, threaded=True, request_handler=Quiet)


class Quiet(WSGIRequestHandler):
    """Says nothing of each request, and keeps connections open: OpenTofu makes thousands of calls."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        """Say nothing."""


if __name__ == "__main__":
    serve(int(sys.argv[1]))
