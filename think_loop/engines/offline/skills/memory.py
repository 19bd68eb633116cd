"""Pure: remembers for the length of the call what it is told."""

from __future__ import annotations

import re

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, intent

_NAME = re.compile(
    r"\b(?:my name is|my name's|i am called|i'm called|call me|people call me) (?P<name>[\w'-]+(?: [\w'-]+)?)$"
)
_FACT = re.compile(
    r"^(?:remember |remembered |know |note )?(?:that )?my (?P<what>[\w' ]{1,60}?) (?:is|are|was|'s) (?P<value>.{1,200})$"
)
_NOTE = re.compile(
    r"^(?:can you |could you |i want you to )?(?:remember(?:ed)?|note|keep in mind|don't forget)(?: that| this)? (?P<note>(?!my\b).{2,200})$"
)
_QUESTION = re.compile(r"\b(?:what|who|where|when)(?:'s| is|s| are| was)? my (?P<what>[\w' ]{1,60})$")
_SWAPS = {
    "my": "your",
    "i": "you",
    "i'm": "you're",
    "me": "you",
    "mine": "yours",
    "i've": "you've",
    "am": "are",
    "your": "my",
    "you": "I",
    "you're": "I'm",
    "myself": "yourself",
}
_NOT_KEPT = re.compile(r"^(?:question|problem|point|guess|bad|turn|fault|answer|idea)\b")


def learn_name(scene: Scene) -> Reply | None:
    found = _NAME.search(scene.heard.core)
    if found is None or re.match(r"(?:what|back|again|not|a|later)\b", found["name"]):
        return None
    name = found["name"].title()
    return say(scene.pick((f"Nice to meet you, {name}.", f"Hello {name}, good to know you.")), facts={"name": name})


def learn_fact(scene: Scene) -> Reply | None:
    core = scene.heard.core
    if (found := _FACT.search(core)) and not _NOT_KEPT.match(found["what"]):
        what, value = _key(found["what"]), turned_round(found["value"])
        return say(f"Okay, I'll remember that your {what} is {value}.", facts={what: value})
    if found := _NOTE.search(core):
        note = turned_round(found["note"])
        return say(f"Okay, I'll remember: {note}.", facts={f"note {len(scene.facts)}": note})
    return None


def recall(scene: Scene) -> Reply | None:
    found = _QUESTION.search(scene.heard.core)
    what = "name" if re.search(r"\bwho am i\b", scene.heard.core) else _key(found["what"]) if found else ""
    if what in scene.facts:
        return say(f"Your {what} is {scene.facts[what]}.")
    if what == "name" or (found and scene.facts):
        return say(f"You haven't told me your {what} yet.")
    return None


def recall_all(scene: Scene) -> Reply:
    if not scene.facts:
        return say("You haven't told me anything to remember yet. Try: my name is, and then your name.")
    told = [value if name.startswith("note ") else f"your {name} is {value}" for name, value in scene.facts.items()]
    return say(f"You told me that {'; '.join(told)}.")


def forget(scene: Scene) -> Reply | None:
    if not scene.facts:
        return say("There was nothing to forget.")
    found = re.search(r"\bmy (?P<what>[\w' ]{1,60})$", scene.heard.core)
    what = _key(found["what"]) if found else ""
    if what and what not in scene.facts:
        return say(f"I don't know your {what} anyway.")
    return say("Okay, it's forgotten.", facts=dict.fromkeys([what] if what else scene.facts, ""))


def _key(what: str) -> str:
    return what.replace("favourite", "favorite").strip()


def turned_round(text: str) -> str:
    """The caller's words as the assistant says them: "my dog" becomes "your dog"."""
    words = [_SWAPS.get(word, word) for word in text.split()]
    return " ".join("are" if word == "am" else word for word in words)


INTENTS = (
    intent("forget", r"^(?:forget|erase|delete) (?:everything|all|it all|my .+|what i (?:said|told you).*)$", forget),
    intent(
        "recall all",
        r"\bwhat (?:did|have) i (?:tell|told|say)\b|\bwhat (?:do you|did you) (?:know|remember|learn)\b|\bdo you remember (?:what|anything|me)\b",
        recall_all,
    ),
    intent("recall", r"\bmy [\w' ]+$|\bwho am i\b", recall),
    intent("name", r"\b(?:name|call|called)\b", learn_name),
    intent(
        "fact",
        r"\bmy\b|^(?:can you |could you |i want you to )?(?:remember(?:ed)?|note|keep in mind|don't forget)\b",
        learn_fact,
    ),
)
