"""Pure: the table of everything the offline brain can do, in the order in which it is tried.

Before all, it is asked what was meant, where that can't be told. Then comes what is said to the assistant about the talk
itself (wait, again, no I meant), then skills with telling words, then sums (which find numbers anywhere), then the
client's tools, then the honest fallback.
"""

from __future__ import annotations

from think_loop.engines.offline.skills import (
    client_tools,
    clock,
    counting,
    fallback,
    manners,
    memory,
    play,
    quiet,
    repair,
    sums,
    taken_back,
    timers,
    units,
)
from think_loop.engines.offline.talk import Intent

INTENTS: tuple[Intent, ...] = (
    *taken_back.INTENTS,
    *quiet.INTENTS,
    *repair.INTENTS,
    *sums.CORRECTIONS,
    *timers.INTENTS,
    *clock.INTENTS,
    *counting.INTENTS,
    *units.INTENTS,
    *sums.INTENTS,
    *play.INTENTS,
    *memory.INTENTS,
    *manners.INTENTS,
    *client_tools.INTENTS,
    *fallback.INTENTS,
)
