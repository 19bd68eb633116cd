"""Pure: counts aloud, and has to think longer as the numbers get harder."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from num2words import num2words

from think_loop.engines.offline.reply import Ponder, Reply, Say, Step, say
from think_loop.engines.offline.talk import Scene, intent

MOST_NUMBERS = 100
GROUP = 5
"""Numbers that are counted in one breath."""

_MISHEARD = re.compile(
    r"^(?:can|come|kind|account|counter|counts|down|town|found) (?=(?:slowly |up |down )?(?:to|from) )"
)
"""What recognisers make of "count" at the beginning of a turn."""
_HOMOPHONES = {"for": 4, "fore": 4, "ate": 8, "won": 1, "to": 2, "too": 2, "tin": 10, "tree": 3}


@dataclass(frozen=True, slots=True)
class _Twist:
    """What is done with each number: "17 doubled is 34"."""

    name: str
    pattern: re.Pattern[str]
    work: Callable[[int], int]


_TWISTS = (
    _Twist("doubled", re.compile(r"\b(?:double|doubling|twice)\b"), lambda number: 2 * number),
    _Twist("tripled", re.compile(r"\b(?:triple|tripling)\b"), lambda number: 3 * number),
    _Twist("squared", re.compile(r"\b(?:square|squaring)\b"), lambda number: number * number),
    _Twist("cubed", re.compile(r"\b(?:cube|cubing)\b"), lambda number: number**3),
)


def count(scene: Scene) -> Reply | None:
    numbers = _numbers(_MISHEARD.sub("count ", scene.heard.numbers))
    if numbers is None:
        return say("I can count for you. From where to where?")
    shortened = numbers[:MOST_NUMBERS]
    twist = next((twist for twist in _TWISTS if twist.pattern.search(scene.heard.core)), None)
    slowly = re.search(r"\b(?:slow|slowly|slower)\b", scene.heard.core) is not None
    steps = _one_by_one(shortened, twist, slowly) if twist or slowly else _in_groups(shortened)
    if len(shortened) < len(numbers):
        steps.append(Say(" And so on; I'd rather stop here."))
    return Reply(tuple(steps))


def _numbers(text: str) -> list[int] | None:
    """The numbers asked for: "from 10 down to 1", "to 20 by 2s", "backwards from 5"."""
    text = re.sub(r"\b(?:two|2)s\b", "2", text).replace("fives", "5").replace("tens", "10").replace("threes", "3")
    step = int(found[1]) if (found := re.search(r"\b(?:by|in steps of) (\d{1,4})\b", text)) else 1
    start = _number_after(r"\bfrom", text)
    end = _number_after(r"\b(?:down|up|back)? ?(?:to|till|until|through)", re.sub(r"\bfrom \S+", " ", text))
    down = re.search(r"\b(?:down|back|backward|backwards|reverse)\b", text) is not None
    if start is None and end is None:
        return None
    if start is None and not down and step > 1:
        start = step
    if down and start is None:
        start, end = end, 1
    start = 1 if start is None else start
    end = (1 if down else start + 9) if end is None else end
    step = max(1, step)
    return list(range(start, end + 1, step)) if end >= start else list(range(start, end - 1, -step))


def _number_after(words: str, text: str) -> int | None:
    found = re.search(rf"{words} (?:number |a )?(-?\d{{1,9}}|{'|'.join(_HOMOPHONES)})\b", text)
    if found is None:
        return None
    return _HOMOPHONES[found[1]] if found[1] in _HOMOPHONES else int(found[1])


def _in_groups(numbers: list[int]) -> list[Step]:
    steps: list[Step] = []
    for begin in range(0, len(numbers), GROUP):
        group = numbers[begin : begin + GROUP]
        if begin:
            steps.append(Ponder(f"after {numbers[begin - 1]} comes {group[0]}", effort_seconds(group[0]) / 2))
        text = ", ".join(num2words(number) for number in group)
        steps.append(Say(f"{' ' if begin else ''}{text.capitalize()}."))
    return steps


def _one_by_one(numbers: list[int], twist: _Twist | None, slowly: bool) -> list[Step]:
    steps: list[Step] = []
    for place, number in enumerate(numbers):
        value = number if twist is None else twist.work(number)
        if place:
            thought = f"{number} {twist.name}: {value}. " if twist else f"next: {number}. "
            steps.append(Ponder(thought, effort_seconds(value) + (0.5 if slowly else 0.0)))
        text = f"{number} {twist.name} is {value}." if twist else f"{num2words(number).capitalize()}."
        steps.append(Say(f"{' ' if place else ''}{text}"))
    return steps


def effort_seconds(number: int) -> float:
    """How long a number is thought about: 0.1 s per digit and 10 ms for each of the first hundred."""
    return 0.1 * len(str(abs(number))) + 0.01 * min(abs(number), 100)


INTENTS = (
    intent("count", r"\b(?:count|counting)\b(?! on\b)", count),
    intent(
        "count, misheard",
        rf"{_MISHEARD.pattern}.*\b(?:\d|one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|\w+ty|hundred|for|ate)\b",
        count,
    ),
)
