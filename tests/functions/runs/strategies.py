"""Points as anybody may log them, the hard ones first."""

import math
import struct

from hypothesis import strategies as st

INT64 = st.sampled_from([-(2**63), 2**63 - 1, 0, -1, 1]) | st.integers(-(2**63), 2**63 - 1)
TIMES = st.sampled_from([0, 2**63 - 1, 1_700_000_000_000]) | st.integers(0, 2**63 - 1)
VALUES = st.sampled_from([0.1, 0.0, -0.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]) | st.floats()
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
POINTS = st.tuples(KEYS, VALUES, TIMES, INT64)
# Few values, steps and times, so that many points tie.
TYING = st.tuples(
    st.sampled_from(["loss", "acc"]),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, math.inf, -math.inf, math.nan]),
    st.integers(0, 3),
    st.integers(-2, 2),
)


def bits(value):
    """A float64 as its eight bytes, which tell NaN from NaN and 0.0 from -0.0."""
    return struct.pack("<d", value)


def exactly(points):
    """Points that can be compared bit by bit."""
    return [(key, bits(value), time, step) for key, value, time, step in points]
