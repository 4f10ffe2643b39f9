"""What CloudFront does to a request, by the firewall and the function that were made."""

import json
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

DISTRIBUTION = "module.edge.aws_cloudfront_distribution.edge"
FUNCTION = "module.edge.aws_cloudfront_function.viewer"
FIREWALL = "module.edge.aws_wafv2_web_acl.edge"
SETS = "module.edge.aws_wafv2_ip_set.allowed"


def is_blocked(made: dict[str, dict], address: str) -> bool:
    """Whether the firewall's rule of networks blocks an address."""
    held = {each["arn"]: each["addresses"] for name, each in made.items() if name.startswith(SETS)}
    (rule,) = [each for each in made[FIREWALL]["rule"] if each["name"] == "elsewhere"]
    return bool(rule["action"][0]["block"]) and matches(rule["statement"][0], held, address)


def matches(statement: dict[str, Any], held: dict[str, list[str]], address: str) -> bool:
    """Whether a statement holds for an address, by the three kinds that the rule uses."""
    ((kind, (said,)),) = [(name, value) for name, value in statement.items() if value]
    if kind == "not_statement":
        return not matches(said["statement"][0], held, address)
    if kind == "or_statement":
        return any(matches(each, held, address) for each in said["statement"])
    assert kind == "ip_set_reference_statement", kind
    return any(ip_address(address) in ip_network(network) for network in held[said["arn"]])


def passed_on(made: dict[str, dict], address: str, headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers with which a viewer's request arrives at the API."""
    request = {"headers": {name.lower(): {"value": text} for name, text in headers.items()}}
    event = {"version": "1.0", "viewer": {"ip": address}, "request": request}
    code = f"{made[FUNCTION]['code']}\nconsole.log(JSON.stringify(handler({json.dumps(event)}).headers))"
    node = shutil.which("node") or pytest.skip("no node, in which to run CloudFront's function")
    said = subprocess.run([node, "-e", code], capture_output=True, text=True, check=True).stdout
    sent = {name: each["value"] for name, each in json.loads(said).items()}
    sent |= {each["name"]: each["value"] for each in made[DISTRIBUTION]["origin"][0]["custom_header"]}
    return [(name.lower().encode(), text.encode()) for name, text in sent.items()]
