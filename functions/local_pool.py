"""The laptop's user pool on moto. A key of the data folder signs its tokens, never moto's own.

It is put into moto's back end: two calls of AWS's API took a third of the CPU in which a house opens.
The pool lives as long as the process, as its accounts do: nobody can reach it to sign in. What a user may do
stands in the table, which also knows the user of each e-mail address.
"""

import json
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from moto.cognitoidp.models import cognitoidp_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from functions.local_folder import CannotOpen

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
    backend = cognitoidp_backends[DEFAULT_ACCOUNT_ID][region]
    pool = backend.create_user_pool("runhaven", {"UsernameAttributes": ["email"]})
    pool.json_web_key = key  # anybody can read the one that moto ships
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    how: Any = {"ClientName": "web", "ExplicitAuthFlows": flows}
    client = backend.create_user_pool_client(pool.id, generate_secret=False, extended_config=how)
    public = directory / "jwks.json"
    public.write_text(
        json.dumps({"keys": [{**key.as_dict(private=False), "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]})
    )
    return pool.id, client.id, public.resolve().as_uri()


def _key(file: Path) -> RSAKey:
    if not file.exists():
        made = RSAKey.generate_key(2048, private=True)
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made.as_dict(private=True)), "utf-8")
        draft.replace(file)
        return made
    try:
        return RSAKey.import_key(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise CannotOpen(f"{file} cannot be used ({error}); without it the house makes a new one.") from error
