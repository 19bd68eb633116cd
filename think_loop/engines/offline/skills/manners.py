"""Pure: greetings, thanks, goodbyes, and who it is. Every sentence is honest about being an offline brain of rules."""

from __future__ import annotations

import re

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, Skill, intent

WHAT_I_CAN = (
    "I can do sums, count, convert units, tell the time, set timers, spell words, flip a coin, and remember what you "
    "tell me."
)


def _one_of(*options: str) -> Skill:
    return lambda scene: say(scene.pick(options))


def greet(scene: Scene) -> Reply:
    name = f", {scene.facts['name']}" if "name" in scene.facts else ""
    if scene.turn and scene.last_answer:
        return say(scene.pick((f"Hello again{name}. What can I do for you?", f"I'm here{name}. Go ahead.")))
    part = re.search(r"\bgood (morning|afternoon|evening)\b", scene.heard.core)
    opener = f"Good {part[1]}" if part else "Hello"
    return say(f"{opener}{name}! I'm Stretto's offline brain. Ask me for a sum, the time or a timer.")


def greet_first(scene: Scene) -> Reply:
    """When the model is to open the talk."""
    return say("Hello! I'm Stretto's offline brain. What can I do for you?")


def answer_yes_or_no(scene: Scene) -> Reply | None:
    if scene.last_answer.rstrip("…").endswith("?"):
        return say("Then just tell me what you'd like.")
    return say(scene.pick(("Okay.", "All right.", "Good.")))


INTENTS = (
    intent(
        "goodbye",
        r"^(?:(?:thanks|thank you|no thanks) )?(?:bye|good ?bye|bye bye|see you|good night|talk to you later|see you later|that's all|that is all)\b|\b(?:bye|goodbye)$",
        _one_of("Goodbye! It was nice talking to you.", "Bye! Call again any time."),
    ),
    intent(
        "how are you",
        r"\b(?:how|hello) are you\b|\bhow(?:'s| is) it going\b|\bhow do you do\b|\bhow are things\b",
        _one_of(
            "I'm fine, thank you; rules never tire. What can I do for you?",
            "Very well, thanks. What would you like to know?",
        ),
    ),
    intent(
        "are you there",
        r"\b(?:can|do) you hear me\b|\bare you (?:still )?(?:there|here)\b|^(?:i'm back|i am back|is (?:anybody|anyone|somebody) there|go on|continue|you there)\b",
        _one_of("I'm here. Go ahead.", "Yes, I can hear you.", "Still here. What's next?"),
    ),
    intent(
        "hello",
        r"^(?:hello|hi|hey|good (?:morning|afternoon|evening)|greetings|howdy)(?: (?:there|again|you|everybody|stretto|assistant))*$",
        greet,
    ),
    intent(
        "thanks",
        r"\byou very much$|^(?:thanks|thank you|many thanks|great thanks|thank you very much|thanks a lot|cheers|perfect|great|nice|cool|well done|good job|awesome|wonderful)(?: (?:so|very|much|a lot|you|for .*|that's .*|thanks|thank))*$",
        _one_of("You're welcome.", "My pleasure.", "Gladly."),
    ),
    intent(
        "who",
        r"\b(?:who|what) are you\b|\bwhat(?:'s| is) your name\b|\bare you (?:a |an )?(?:real|human|robot|person|machine|ai|bot|computer|language model|llm|intelligent)\b|\bintroduce yourself\b|\bwho am i (?:talking|speaking) (?:to|with)\b",
        _one_of(
            "I'm Stretto's offline brain: a set of rules, not a language model, and I run without any download.",
            "I'm the offline brain of Stretto. I follow rules; a real language model can be put in my place.",
        ),
    ),
    intent(
        "help",
        r"\bwhat (?:else )?(?:can|could|do) you do\b|\bwhat (?:can|could|may) i (?:ask|say|do)\b|^(?:help|help me|i need help)$|\bhow (?:can|do) you (?:help|work)\b",
        lambda scene: say(f"{WHAT_I_CAN} For anything else, a real language model is needed."),
    ),
    intent(
        "sorry",
        r"^(?:i'm |i am )?sorry$|^my (?:fault|bad|mistake)$|^(?:no worries|never ?mind|forget it|it doesn't matter)$",
        _one_of("No problem.", "That's all right."),
    ),
    intent(
        "yes or no",
        r"^(?:yes|no|yeah|yep|nope|sure|okay|ok|right|exactly|correct|all right|of course|no thank you|no thanks|fine)(?: (?:yes|no|sure|okay|thanks|thank you|that's right|it is))*$",
        answer_yes_or_no,
    ),
)
