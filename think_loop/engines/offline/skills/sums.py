"""Pure: arithmetic, and sums that are corrected."""

from __future__ import annotations

import re

from think_loop.engines.offline.calculate import calculate, spoken_sum
from think_loop.engines.offline.evaluate import CalculationError, evaluate
from think_loop.engines.offline.heard import with_digits
from think_loop.engines.offline.numbers import is_exact, spoken_number
from think_loop.engines.offline.reply import Calculation, Reply, say
from think_loop.engines.offline.talk import Scene, intent

_NUMBER = r"-?\d+(?:\.\d+)?"
_INSTEAD = re.compile(
    rf"\bnot ({_NUMBER})(?: but)? ({_NUMBER})|({_NUMBER})(?: and)? not ({_NUMBER})\b|({_NUMBER}) instead of ({_NUMBER})"
)
_GOES_ON = re.compile(r"^no (?:\w+ )?(?:that|it)\b(?!'s)")
"""Recognisers hear "no" for "now": "no divide that by 3" goes on from the last result."""
_LEAD_IN = re.compile(r"^.*?\b(?:meant|mean|said|no|sorry|actually)\b(?: (?:that|to say|it))?")
_CORRECTIVE = (
    "no not i meant mean said sorry actually make it that but instead of and rather was should be have been the number "
    "for to too ate won plus minus times divided by over oh wait"
)
_CORRECTING = frozenset(_CORRECTIVE.split())
_OPERATORS = {"plus": "plus", "minus": "minus", "times": "times", "divided": "/", "over": "/"}


def solve(scene: Scene) -> Reply | None:
    """ "12 times 12", "and then divide that by 3", "now double it"."""
    last = scene.calculation.value if scene.calculation is not None else None
    try:
        done = calculate(scene.heard.numbers, last)
    except CalculationError as error:
        return say(str(error))
    return None if done is None else _told(done)


def correct(scene: Scene) -> Reply | None:
    """ "No, I meant fifteen" behind a sum: the same with another number (the last, if none is named) or operator."""
    if scene.calculation is None or not scene.just_calculated:
        return None
    numbers, old = scene.heard.numbers, scene.calculation
    if _GOES_ON.search(numbers):
        return None
    try:
        whole = calculate(_LEAD_IN.sub("", numbers), old.before)
    except CalculationError:
        return None
    if whole is not None:
        return _told(whole, "Right, ")
    tokens = _amended(old.tokens, numbers)
    if tokens is None:
        return None
    try:
        return _told(Calculation(tokens, evaluate(tokens), old.before), "Right, ")
    except CalculationError as error:
        return say(str(error))


def _amended(tokens: tuple[str, ...], numbers: str) -> tuple[str, ...] | None:
    if len([word for word in numbers.split() if word not in _CORRECTING and not re.fullmatch(_NUMBER, word)]) > 1:
        return None  # too much else is said: it is a new request
    places = [place for place, token in enumerate(tokens) if re.fullmatch(_NUMBER, token)]
    if found := _INSTEAD.search(numbers):
        wrong, right = (found[1] or found[4] or found[6]), (found[2] or found[3] or found[5])
        places = [place for place in places if tokens[place] == wrong] or places
        return _with_token(tokens, places[-1], right)
    amended = tokens
    number = re.search(_NUMBER, _after_meant(numbers))
    if number is not None and places:
        amended = _with_token(amended, places[-1], number[0])
    operators = [place for place, token in enumerate(tokens) if token in _OPERATORS.values()]
    for word, operator in _OPERATORS.items():
        if operators and re.search(rf"\b{word}\b", numbers):
            amended = _with_token(amended, operators[-1], operator)
    return amended if number is not None or amended != tokens else None


def _after_meant(numbers: str) -> str:
    """Behind "meant", "for" and "to" may be a number that was misheard."""
    found = re.search(r"\b(?:meant|mean|said|make it|make that)\b(.*)", numbers)
    rest = found[1].strip() if found is not None else numbers
    return {"for": "4", "to": "2", "too": "2", "ate": "8", "won": "1"}.get(rest, with_digits(rest))


def _with_token(tokens: tuple[str, ...], place: int, token: str) -> tuple[str, ...]:
    return (*tokens[:place], token, *tokens[place + 1 :])


def _told(done: Calculation, opener: str = "") -> Reply:
    is_word = "is" if is_exact(done.value) else "is about"
    sentence = f"{opener}{spoken_sum(done.tokens)} {is_word} {spoken_number(done.value)}."
    return say(sentence[0].upper() + sentence[1:], calculation=done)


CORRECTIONS = (
    intent(
        "corrected sum",
        r"\b(?:i (?:meant|mean|said)|make (?:it|that)|(?:no|not|sorry|actually|rather|instead)\b.*\S)",
        correct,
    ),
)
INTENTS = (intent("sum", r".", solve),)
