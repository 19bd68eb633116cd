"""Pure: says things again, and takes being wrong well."""

from __future__ import annotations

import re

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, intent

_AGAIN = re.compile(r"^(?:Again|I said): ")


def repeat(scene: Scene) -> Reply:
    answer = _AGAIN.sub("", scene.last_answer.rstrip("…").strip())
    if not answer:
        return say("I haven't said anything yet.")
    return say(f"{scene.pick(('Again', 'I said'))}: {answer}")


def repeat_heard(scene: Scene) -> Reply:
    if scene.last_heard is None or not scene.last_heard.raw:
        return say("You haven't said anything before.")
    return say(f"You said: {scene.last_heard.raw.rstrip('.')}.")


def own_up(scene: Scene) -> Reply:
    if scene.last_heard is None:
        return say("Sorry. What should it have been?")
    return say(f"I'm sorry. What I heard was: {scene.last_heard.raw.rstrip('.?!')}. What did you mean?")


INTENTS = (
    intent("what I said", r"\bwhat (?:did|have) i (?:just )?(?:say|said)\b(?!.*\bremember\b)", repeat_heard),
    intent(
        "again",
        r"^(?:can you |could you |would you )?(?:say|tell me|repeat)(?: (?:that|it|this|what you said|the last (?:part|one|thing)))?(?: (?:again|once more|one more time|back))*$|\bwhat did you (?:just )?say\b|^(?:pardon|pardon me|come again|what was that|sorry what|what|excuse me|once more|i (?:didn't|did not) (?:hear|get|catch|understand)(?: (?:that|you|it|what you said))?)$",
        repeat,
    ),
    intent(
        "wrong",
        r"\bthat(?:'s| is| was| isn't| is not|'s not| wasn't)? (?:not )?(?:wrong|incorrect|not right|not correct|false|a mistake|right at all|not what i (?:said|meant|asked).*)|^(?:wrong|no that's not (?:it|right)|that isn't right|you(?:'re| are) wrong|you made a mistake|that's not (?:it|right|correct|what i (?:said|meant|asked).*))$",
        own_up,
    ),
)
