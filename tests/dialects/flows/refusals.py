"""What a client's program asks of a call that must fail."""

from mlflow.exceptions import MlflowException


def refused(code, call, *arguments, **named):
    """The message with which a call is refused; it must be refused, with this code."""
    found = None
    try:
        call(*arguments, **named)
    except MlflowException as error:
        found = error
    assert found is not None, f"{call} was not refused"
    assert found.error_code == code, (found.error_code, str(found))
    return str(found)
