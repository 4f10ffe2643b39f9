"""What a metric, a param or a tag may be called."""

from typing import Annotated

from annotated_types import Len

KEY_LENGTH = 250

#: Letters, digits and `/ _ . - :` and space, and no path that would resolve to another one.
Key = Annotated[str, Len(1, KEY_LENGTH)]
