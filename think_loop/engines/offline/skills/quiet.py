"""Pure: when nothing should be said."""

from __future__ import annotations

from think_loop.engines.offline.reply import Quiet, Reply
from think_loop.engines.offline.talk import Scene, Skill, intent


def _quiet(reason: str) -> Skill:
    def stay_quiet(_scene: Scene) -> Reply:
        return Reply((Quiet(reason),))

    return stay_quiet


_SPAN = r"(?: (?:a|one|just a|for a|on a|half a|his|the|is a))?(?: (?:second|sec|seconds|minute|moment|bit|mo))?"
_TAIL = r"(?: (?:there|here|please|okay|will you|would you|a second|a minute|a moment|let me .*|i'm .*|i have to .*|i need to .*|i'll .*|someone .*|somebody .*))*$"

INTENTS = (
    intent(
        "wait, misheard",
        r"^(?:\w+ )?on a (?:second|minute|moment)$",
        _quiet("the caller asked me to wait"),
    ),
    intent(
        "wait",
        rf"^(?:no |just )*(?:hold on|hang on|wait|wait up|hold the line|hold it|stand by|bear with me|stay on the line|old on){_SPAN}{_TAIL}",
        _quiet("the caller asked me to wait"),
    ),
    intent(
        "a moment",
        rf"^(?:just )?(?:a|one|give me a|give me one|gimme a|i need a|just a|just one)(?: more)? (?:second|sec|minute|moment|mo){_TAIL}",
        _quiet("the caller asked for a moment"),
    ),
    intent(
        "thinking aloud",
        r"^(?:hmm+|hm+|mm+|let me (?:think|see|check|look)|let's see|where was i|what was i (?:going to say|saying)|i(?:'m| am) (?:just )?thinking|how (?:do|did|should) i (?:put|say) (?:this|that|it))\b(?!.*\byou\b)",
        _quiet("the caller is thinking aloud"),
    ),
    intent(
        "not addressed",
        r"\b(?:i'm|i am|i was) (?:not )?talking to (?:somebody|someone|my|him|her|them|the)\b|\bi(?:'m| am| was)?(?: not|n't) (?:talking|speaking) to you\b|^not you\b",
        _quiet("the caller was talking to somebody else"),
    ),
    intent(
        "be quiet",
        r"^(?:be quiet|quiet|shut up|stop talking|hush|shush|silence|stop|stop it|enough|that's enough)$",
        _quiet("the caller asked me to be quiet"),
    ),
)
