"""Makes AWS answer what it answers on a bad day: a hook of botocore before each request is sent."""

import io

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError

from functions import aws


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_):
        """All of it."""
        yield self.read()


def body(request):
    """A request's body as text."""
    return request.body.decode() if isinstance(request.body, bytes) else request.body


class Weather:
    """What each operation answers instead, and every request that was sent."""

    def __init__(self):
        self.seen, self.rules = [], {}
        aws.client(
            "sts", "us-east-1", "", {}
        )  # so that there is a botocore session, whose clients take the hooks
        aws._sessions[0].get_component("event_emitter").register_first("before-send", self.send)

    def send(self, event_name, request, **_):
        """Note the request, and answer it where there is a rule."""
        operation = event_name.rsplit(".", 1)[-1]
        self.seen.append((operation, request))
        told = self.rules.get(operation)
        if callable(told):
            told = told(request)
        if not told:
            return None
        status, code = told
        if not status:
            raise EndpointConnectionError(endpoint_url=request.url)
        said = f"<Error><Code>{code}</Code><Message>said the weather</Message></Error>"
        if operation == "AssumeRole":
            said = f"<ErrorResponse>{said}</ErrorResponse>"
        return AWSResponse(request.url, status, {"content-type": "text/xml"}, Raw(said.encode()))

    def count(self, operation):
        """How many such requests were sent."""
        return sum(name == operation for name, _ in self.seen)

    def bodies(self, operation):
        """The bodies of such requests."""
        return [body(request) for name, request in self.seen if name == operation]
