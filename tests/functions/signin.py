"""A user pool on moto whose access tokens a key of the test's signs."""

import json
import time
from dataclasses import replace

import botocore.session
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.cognitoidp.models import cognitoidp_backends
from moto.core import DEFAULT_ACCOUNT_ID

from functions import settings
from functions.access import directory, signatures

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def come_from_provider(pool, sub, email):
    """Make an account a provider's, with an address that others may have; moto lets nobody ask for that."""
    backend = cognitoidp_backends[DEFAULT_ACCOUNT_ID][settings.settings().region]
    account = next(each for each in backend.user_pools[pool].users.values() if each.id == sub)
    account.status = "EXTERNAL_PROVIDER"
    account.update_attributes([{"Name": "email", "Value": email}])


class Pool:
    """The pool of a deployment, which is made known to its settings.

    Args:
        folder: where the public half of the key is laid.
        more: settings beside.
    """

    def __init__(self, folder, **more):
        before = settings.settings()
        directory._clients.clear()
        signatures._rings.clear()
        make = botocore.session.get_session().create_client
        self.client = make("cognito-idp", region_name=before.region)
        said = {"UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
        self.id = self.client.create_user_pool(PoolName="runhaven", **said)["UserPool"]["Id"]
        self.issuer = f"https://cognito-idp.{before.region}.amazonaws.com/{self.id}"
        public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        keys = folder / "jwks.json"
        keys.write_text(json.dumps({"keys": [{**public, "kid": "k1", "alg": "RS256", "use": "sig"}]}))
        known = {"user_pool": self.id, "user_pool_clients": ("web",), "issuer": self.issuer}
        settings.use(replace(before, jwks_url=keys.as_uri(), **known, **more))

    def account(self, email, *, verified=True):
        """The id of a new account with that address."""
        claims = {"email": email, "email_verified": str(verified).lower()}
        made = self.client.admin_create_user(
            UserPoolId=self.id,
            Username=email,
            UserAttributes=[{"Name": name, "Value": value} for name, value in claims.items()],
        )
        return next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")

    def federated(self, email):
        """The id of a new account that the company's provider has made: its address is not verified."""
        sub = self.account(f"new-{email}", verified=False)
        come_from_provider(self.id, sub, email)
        return sub

    def token(self, sub):
        """An access token of the account with that id."""
        now = int(time.time())
        claims = {"sub": sub, "iss": self.issuer, "client_id": "web", "token_use": "access", "username": sub}
        return jwt.encode({**claims, "iat": now, "exp": now + 600}, KEY, "RS256", {"kid": "k1"})
