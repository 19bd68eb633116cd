"""Pure: jokes, spelling, coins and dice."""

from __future__ import annotations

import re

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, intent

JOKES = (
    "Why did the voice assistant stop talking? It lost its train of thought at the next station.",
    "I would tell you a joke about silence, but you would hear nothing.",
    "Two microphones met. One said: I hear you.",
    "My favorite number is one hundred forty-four. It's two gross.",
    "I know a joke about echoes. Echoes. Echoes.",
)
_SPELL = re.compile(r"\bspell(?:ed|ing of|s)?(?: out)?(?: the)?(?: word| name)? (?P<word>[\w'-]{1,40})")
_MOST_DICE = 10


def joke(scene: Scene) -> Reply:
    return say(scene.pick(JOKES, "joke"))


def spell(scene: Scene) -> Reply | None:
    found = _SPELL.search(scene.heard.core)
    if found is None:
        return None
    word = found["word"]
    letters = ", ".join(character.upper() for character in word if character.isalnum())
    return say(f"{word.capitalize()} is spelled {letters}.")


def flip_coin(scene: Scene) -> Reply:
    return say(f"It's {'heads' if scene.chance(2, 'coin') == 1 else 'tails'}.")


def roll_dice(scene: Scene) -> Reply | None:
    numbers = scene.heard.numbers
    count = int(found[1]) if (found := re.search(r"\b(\d{1,2}) (?:dice|die)\b", numbers)) else 1
    sides = int(found[1]) if (found := re.search(r"\b(\d{1,3})[- ]sided\b|\bd(\d{1,3})\b", numbers)) and found[1] else 6
    count, sides = max(1, min(count, _MOST_DICE)), max(2, sides)
    rolled = [scene.chance(sides, f"die {number}") for number in range(count)]
    if count == 1:
        return say(f"I rolled a {rolled[0]}.")
    return say(f"I rolled {', '.join(map(str, rolled[:-1]))} and {rolled[-1]}, that makes {sum(rolled)}.")


def pick_number(scene: Scene) -> Reply | None:
    found = re.search(
        r"\bbetween (-?\d{1,9}) (?:and|to|in) (-?\d{1,9})\b|\bfrom (-?\d{1,9}) to (-?\d{1,9})\b", scene.heard.numbers
    )
    low, high = sorted((int(found[1] or found[3]), int(found[2] or found[4]))) if found else (1, 10)
    return say(f"I pick {low + scene.chance(high - low + 1, 'number') - 1}.")


INTENTS = (
    intent("joke", r"\bjokes?\b|\bmake me laugh\b|\bsomething funny\b", joke),
    intent("spell", r"\bspell", spell),
    intent("coin", r"\b(?:flip|toss|throw)\b.*\bcoin\b|\bheads or tails\b|^coin$|^flip (?:a|the) \w+$", flip_coin),
    intent("dice", r"\b(?:roll|throw)\b.*\b(?:die|dice|d\d+|sided)\b|^dice$", roll_dice),
    intent("random number", r"\b(?:pick|choose|give me|think of|tell me)\b.*\bnumber\b|\brandom number\b", pick_number),
)
