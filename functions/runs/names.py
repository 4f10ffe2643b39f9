"""Names for runs that were given none (pure)."""

import random

_FIRST = """
    amber brave bright calm clever cosy crisp deft eager early fair fleet fond gentle glad golden grand happy
    honest keen kind lively lucid mellow merry mild neat nimble noble patient placid proud quick quiet rapid
    ready silver sleek snug steady still stout sunny swift tidy trusty upbeat vivid warm wise witty young
"""
_SECOND = """
    anchor atoll bay beacon berth bight boat bollard bow breeze brig buoy canoe cape cliff coast compass coral
    cove crane current cutter dock drift dune estuary ferry fjord gale gull harbour haven heron horizon hull
    inlet island jetty keel ketch kite lagoon lantern lighthouse mast mooring oar ocean otter pearl pelican
    pier pilot port quay reef ridge rudder sail sextant shell shore sloop sound spar spray star stern tern
    tide tiller voyage wave wharf wind yawl
"""


def invented() -> str:
    """A run name such as `calm-harbour-417`. Names need not be unique; ids are."""
    return f"{random.choice(_FIRST.split())}-{random.choice(_SECOND.split())}-{random.randrange(1000)}"
