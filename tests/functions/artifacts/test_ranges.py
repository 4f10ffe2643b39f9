"""Presigned URLs where only some networks may call: the session that signs them is bound to the same ones."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from functions import settings
from functions.artifacts import sessions, vaults
from functions.artifacts.vaults import Vault
from functions.settings import NETWORKS
from tests.functions.artifacts import towns
from tests.functions.artifacts.weather import Weather

ALLOWED = ("198.51.100.0/24", "2001:db8:1::/48")


@pytest.fixture
def town():
    """Vaults on an AWS in this process, whose URLs may be used from two networks."""
    with towns.on_moto() as town:
        settings.use(replace(settings.settings(), allowed_cidrs=ALLOWED))
        sessions.forget()
        yield town


def policies(weather):
    """The policies of the sessions that were asked for."""
    return [json.loads(parse_qs(each)["Policy"][0])["Statement"] for each in weather.bodies("AssumeRole")]


def signer(url):
    """Whose key signed a URL."""
    return dict(parse_qsl(urlsplit(url).query))["X-Amz-Credential"].split("/")[0]


def test_urls_are_signed_by_a_session_that_is_bound_to_the_networks(town):
    """It may do what URLs are for and no more; S3 compares the address of who follows the URL."""
    weather = Weather()
    urls = [vaults.presign_get(town.red, "a").url, vaults.presign_put(town.red, "a").url]
    urls.append(vaults.presign_part(town.red, "a", "upload", 1).url)
    (rules,) = policies(weather)
    assert rules[0]["Action"] == ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    assert rules[0]["Condition"]["IpAddress"] == {"aws:SourceIp": list(ALLOWED)}
    assert len(rules) == 1
    assert {signer(url) for url in urls} == {sessions.signer(town.red).access_key}


def test_the_house_s_own_calls_are_not_bound(town):
    """They come from the function, which is in none of those networks: another session makes them."""
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    assert vaults.presign_get(town.red, "a")
    own, bound = policies(weather)
    assert "IpAddress" not in json.dumps(own)
    assert "IpAddress" in json.dumps(bound)
    assert sessions.session(town.red) is not sessions.signer(town.red)


def test_without_networks_one_session_does_both(town):
    """Nothing is asked for twice where everybody may call."""
    settings.use(replace(settings.settings(), allowed_cidrs=()))
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    assert signer(vaults.presign_get(town.red, "a").url) == sessions.session(town.red).access_key
    assert weather.count("AssumeRole") == 1


def test_the_longest_policy_is_taken():
    """As many networks as the settings take, with the longest names there can be, fit into STS's 2,048."""
    networks = [
        f"ffff:ffff:ffff:ffff:ffff:ffff:ffff:{number:04x}/128" for number in range(0xFFF0, 0xFFF0 + 16)
    ]
    networks += [f"255.255.255.{number}/32" for number in range(NETWORKS - 16)]
    region, name, account = "ap-southeast-99", "a" * 63, "1" * 12
    role = f"arn:aws-us-gov:iam::{account}:role/" + "r" * 512
    key = f"arn:aws-us-gov:kms:{region}:{account}:key/" + "k" * 100
    vault = Vault("t" * 63, account, name, region, role, "x" * 41, f"runhaven/{'t' * 63}/", key)
    assert len(sessions.session_policy(vault, only_from=networks)) <= 2048
    assert len(sessions.session_policy(vault, inspect=True)) <= 2048


def test_kms_is_not_asked_for_an_address():
    """S3 calls KMS from no address of the caller's: the key is bound to S3 instead."""
    key = "arn:aws:kms:us-east-1:111111111111:key/1"
    rules = json.loads(sessions.session_policy(towns.vault("red", kms_key=key), only_from=ALLOWED))[
        "Statement"
    ]
    assert [rule["Condition"] for rule in rules if "kms:Decrypt" in rule["Action"]] == [
        {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    ]


def test_a_withdrawn_trust_ends_both_sessions(town):
    """What is forgotten of a vault is forgotten for URLs too."""
    known = sessions.signer(town.red), sessions.session(town.red)
    sessions.forget(town.red)
    assert sessions.signer(town.red) is not known[0]
    assert sessions.session(town.red) is not known[1]
