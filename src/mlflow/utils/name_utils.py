"""Names for runs that were given none: `quiet-heron-417`."""

from __future__ import annotations

import os

_ADJECTIVES = """
agile amber ample azure balmy bold bouncy brave breezy bright brisk bubbly calm candid cheery
chirpy civic comfy cosmic cozy crisp curious daring dapper dreamy eager earnest easy epic fair
famous fleet fluent fond fresh gentle giddy glad golden graceful grand happy hardy hearty honest
humble ideal jolly jovial keen kind lively loyal lucid lucky mellow merry mighty mild modest
neat nimble noble patient peppy perky placid plucky polite proud quick quiet rapid rosy serene
shiny silky smart snappy spry steady sunny swift tidy upbeat vivid warm wise witty
"""
_NOUNS = """
acorn alpaca apple aspen badger beaver birch bison brook canyon cedar cherry cliff clover comet
coral cove crane cricket dahlia delta dolphin dune eagle ember fern finch fjord forest gecko
ginger glacier harbor hare hazel heron hill ibis island ivy jasmine kiwi lagoon lake lantern
lark lemur lily linden lotus lynx maple marmot meadow mint moose moss newt oak ocean olive
orchid otter owl panda peach pebble pine planet plum pond poppy puffin quail quartz rabbit raven
reef river robin sable sage seal sequoia spruce star stork thistle tide tulip turtle valley
violet walnut willow wren
"""
_WORDS = (_ADJECTIVES.split(), _NOUNS.split())
_ATTEMPTS = 10


def _below(bound: int) -> int:
    """A random number from 0 to `bound` - 1, from the system's source.

    `random` is left alone: a script that seeds it must neither get the same names each time
    nor find its own numbers shifted by ours.
    """
    return int.from_bytes(os.urandom(8), "big") % bound


def _generate_unique_integer_id() -> int:
    """A random number of 18 decimal digits."""
    return 10**17 + _below(9 * 10**17)


def _generate_string(sep: str, integer_scale: int) -> str:
    number = _below(10**integer_scale)
    adjective, noun = (words[_below(len(words))] for words in _WORDS)
    return f"{adjective}{sep}{noun}{sep}{number}"


def _generate_random_name(sep: str = "-", integer_scale: int = 3, max_length: int = 20) -> str:
    """A random name: adjective, noun and number.

    Args:
        sep: Stands between the parts.
        integer_scale: The number has at most so many digits.
        max_length: Most characters; a name that is still longer after some attempts is cut.
    """
    for _ in range(_ATTEMPTS):
        name = _generate_string(sep, integer_scale)
        if len(name) <= max_length:
            return name
    return name[:max_length]
