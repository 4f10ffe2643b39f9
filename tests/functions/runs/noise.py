"""Text that fills a run."""

import random

CHANCE = random.Random(7)
SIGNS = [chr(code) for code in range(0x4E00, 0x9FFF)]


def noise(length):
    """Text that no compression makes smaller than about 1.8 bytes a character."""
    return "".join(CHANCE.choices(SIGNS, k=length))


def params(count, start=0):
    """So many params of 6,000 characters, each about 11 KB when packed; 35 outgrow an item."""
    return {f"p{number}": noise(6000) for number in range(start, start + count)}
