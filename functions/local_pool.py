"""The laptop's user pool on moto. A key of the data folder signs its tokens, never moto's own.

The pool lives as long as the process, as its accounts do: nobody can reach it to sign in. What a user may do
stands in the table, which also knows the user of each e-mail address.
"""

import json
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from functions import aws
from functions.local_folder import CannotOpen
from functions.local_table import sign_with

_KEY_ID = "dummy"  # what moto writes into every token's header


def open_pool(region: str, directory: Path) -> tuple[str, str, str]:
    """Make the pool in this process's moto.

    Args:
        region: where moto keeps it.
        directory: where the signing key is kept, because making one takes long, and its public half.

    Returns:
        The pool's id, its app client's id, and the address of its public keys.

    Raises:
        CannotOpen: the folder's signing key cannot be used.
    """
    key = _key(directory / "signing-key.json")
    client = aws.client("cognito-idp", region, "", {})
    pool = client.create_user_pool(PoolName="runhaven", UsernameAttributes=["email"])["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = client.create_user_pool_client(UserPoolId=pool, ClientName="web", ExplicitAuthFlows=flows)
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
    try:
        return RSAKey.import_key(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise CannotOpen(f"{file} cannot be used ({error}); without it the house makes a new one.") from error
