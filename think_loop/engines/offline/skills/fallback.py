"""Pure: the honest answer to what no rule understands."""

from __future__ import annotations

from think_loop.engines.offline.reply import Reply, Say
from think_loop.engines.offline.skills.manners import WHAT_I_CAN
from think_loop.engines.offline.talk import Scene, intent

HOW = "The command stretto doctor tells how to give me one."
"""A flag with a URL is nothing to be read aloud."""
_LONGEST_QUOTE = 80

_NOT_HEARD = ("Sorry, I didn't catch any words.", "I heard something, but no words. Could you say it again?")
_MISSES = (
    'I heard: "{heard}". My rules don\'t cover that; a real language model would. ' + HOW,
    "I understood \"{heard}\", but I'm only an offline brain and can't answer it. " + WHAT_I_CAN,
    'That\'s beyond my rules: "{heard}". With a real language model I could talk about anything.',
    'I got "{heard}", and no rule fits. Try a sum, the time, a timer, or ask what I can do.',
    '"{heard}" is more than I can handle offline. A real language model would add open talk, facts and reasoning.',
)


def admit(scene: Scene) -> Reply:
    if not scene.heard.words:
        return Reply((Say(_NOT_HEARD[scene.turn % len(_NOT_HEARD)]),), understood=False)
    return Reply((Say(_MISSES[scene.misses % len(_MISSES)].format(heard=_quoted(scene.heard.raw))),), understood=False)


def _quoted(raw: str) -> str:
    text = " ".join(raw.split()).rstrip(" .!?").replace('"', "")
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE].rsplit(' ', 1)[0]}, and so on"


INTENTS = (intent("fallback", r"", admit),)
