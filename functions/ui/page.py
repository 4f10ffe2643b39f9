"""The page, put together once from the files in `static/` and kept in memory.

Style and script stand in the document itself, so that a visit is one request, and the Content-Security-Policy
names their hashes: nothing else runs, is drawn or is called, whatever a run's name holds.
"""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import NamedTuple

_STATIC = Path(__file__).parent / "static"
# In this order they are one script: each file may use what stands in those before it.
_SCRIPTS = ("text", "elements", "house", "line", "runs", "home", "experiment", "run", "main")


class Page(NamedTuple):
    """The document, the header by which a browser knows whether it still has it, and what it may do."""

    body: bytes
    etag: str
    policy: str


@cache
def page() -> Page:
    """The page as it is served; the first call reads the files."""
    style = _read("page.css")
    script = '"use strict";\n{\n' + "\n".join(_read(f"{name}.js") for name in _SCRIPTS) + "}\n"
    body = _read("page.html").replace("<style></style>", f"<style>{style}</style>")
    body = body.replace("<script></script>", f"<script>{script}</script>")
    policy = (
        "default-src 'none'",
        f"script-src {_hash(script)}",
        f"style-src {_hash(style)}",
        "img-src data:",  # the icon
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    digest = hashlib.sha256(body.encode()).hexdigest()[:32]
    return Page(body.encode(), f'"{digest}"', "; ".join(policy))


def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
