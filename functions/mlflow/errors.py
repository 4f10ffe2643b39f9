"""What is wrong with a request, in MLflow's words: those that its clients and their tests look for.

The house's codes are MLflow's own (mlflow 3.18 `protos/databricks.proto`), and so is the body in which
`app.py` speaks every error: `{"error_code", "message"}`. The `"field"` beside them is ours; clients skip it.
"""

import msgspec

from functions.errors import NotBuilt, Unacceptable

_DOCS = "See the API docs for more information about request parameters."


def missing(name: str) -> Unacceptable:
    """A needed parameter was not given."""
    return Unacceptable(f"Missing value for required parameter '{name}'. {_DOCS}", field=name)


def invalid(name: str, value: object, expected: str) -> Unacceptable:
    """A parameter is not what it must be; *expected* completes the sentence "expected …"."""
    message = f"Invalid value {_shown(value)} for parameter '{name}' supplied: expected {expected}. {_DOCS}"
    return Unacceptable(message, field=name)


def not_built(what: str) -> NotBuilt:
    """A part of MLflow's interface that this house does not serve; clients do not retry 501."""
    return NotBuilt(f"This Runhaven does not serve {what} yet.")


def _shown(value: object) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, TypeError, RecursionError):
        text = "(unprintable)"
    return text if len(text) <= 80 else text[:77] + "..."
