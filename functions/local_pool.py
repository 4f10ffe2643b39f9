"""The laptop's user pool on moto. Its tokens are signed with a key of this data folder, never with moto's own."""

import json
from pathlib import Path

import botocore.session
from joserfc.jwk import RSAKey

from functions.local_table import sign_with

_KEY_ID = "dummy"  # what moto writes into every token's header


def open_pool(region: str, directory: Path) -> tuple[str, str, str]:
    """Make the pool in this process's moto.

    Args:
        region: where moto keeps it.
        directory: where the signing key is kept, so that tokens verify after a restart.

    Returns:
        The pool's id, its app client's id, and the address of its public keys.
    """
    client = botocore.session.get_session().create_client("cognito-idp", region_name=region)
    pool = client.create_user_pool(PoolName="runhaven", UsernameAttributes=["email"])["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = client.create_user_pool_client(UserPoolId=pool, ClientName="web", ExplicitAuthFlows=flows)
    key = _key(directory / "signing-key.json")
    sign_with(region, pool, key)
    public = directory / "jwks.json"
    public.write_text(
        json.dumps({"keys": [{**key.as_dict(private=False), "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]})
    )
    return pool, made["UserPoolClient"]["ClientId"], public.resolve().as_uri()


def _key(file: Path) -> RSAKey:
    if not file.exists():
        made = RSAKey.generate_key(2048, private=True)
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made.as_dict(private=True)), "utf-8")
        draft.replace(file)
    return RSAKey.import_key(json.loads(file.read_text("utf-8")))
