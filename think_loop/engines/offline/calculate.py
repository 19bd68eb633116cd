"""Pure: sums in words ("12 times 12 and then divide that by 3"), found in noisy text and worked out exactly.

The text comes with numbers as digits (``heard.with_digits``). It is cut at "then" into steps; in each, phrases
such as "divide 8 by 2" are turned into infix order, the longest run of numbers and operators is taken, and read
with the usual precedence. ``that`` stands for the value so far.
"""

from __future__ import annotations

import re
from fractions import Fraction

from think_loop.engines.offline.evaluate import PREFIXES, CalculationError, evaluate
from think_loop.engines.offline.reply import Calculation

_N = r"(-?\d+(?:\.\d+)?|that)"
_MOST_TOKENS = 60

_MISHEARD = (
    (re.compile(r"\b(?:time is|times as|time says)\b(?= (?:\d|that))"), "times"),
    (re.compile(r"(?<=\d) time (?=\d)"), " times "),
    (re.compile(r"\b(?:multiplied|multiply it|multiply) (?=\d)(?!\d+ (?:by|with|times))"), "times "),
    (re.compile(r"\b(?:divide it|divided|divide) (?:buy|bye|my) (?=\d|that)"), "divided by "),
    (re.compile(r"\b(?:minors|minuses)\b"), "minus"),
    (re.compile(r"\b(?:pluss|plus sign)\b"), "plus"),
)
_HOMOPHONES = {
    "to": "2",
    "too": "2",
    "for": "4",
    "fore": "4",
    "won": "1",
    "ate": "8",
    "tree": "3",
    "sex": "6",
    "tin": "10",
}
_OPERATOR_WORDS = r"(?:plus|minus|times|divided by|multiplied by|over)"
_HOMOPHONE_AFTER = re.compile(rf"\b({_OPERATOR_WORDS}) ({'|'.join(_HOMOPHONES)})\b")
_HOMOPHONE_BEFORE = re.compile(rf"\b({'|'.join(_HOMOPHONES)}) ({_OPERATOR_WORDS} (?:\d|that))")

_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(?:the )?(?:last |previous |final )?(?:result|answer|total|number)\b|\b(?:it|this|those)\b", "that"),
        (r"\b(?:negative|minus) (?=\d)(?<!\d minus )(?<!that minus )", "-"),
        (rf"\badd {_N} (?:to|and|plus) {_N}", r"\2 plus \1"),
        (rf"\badd {_N}", r"that plus \1"),
        (rf"\b(?:subtract|take away|take) {_N} from {_N}", r"\2 minus \1"),
        (rf"\b(?:subtract|take away) {_N}", r"that minus \1"),
        (rf"\bmultiply {_N} (?:by|with|times|and) {_N}", r"\1 times \2"),
        (rf"\bmultiply (?:by|with) {_N}", r"that times \1"),
        (rf"\bdivide {_N} (?:by|through) {_N}", r"\1 divided by \2"),
        (rf"\b(?<!that )(?<!\d )divided? by {_N}", r"that divided by \1"),
        (rf"\b(?:double|twice) (?:of )?{_N}", r"2 times \1"),
        (rf"\b(?:triple|3 times|thrice) (?:of )?{_N}", r"3 times \1"),
        (rf"\b(?:halve|half of|a half of|1 half of) {_N}", r"\1 divided by 2"),
        (rf"\b(?:a third of|1 third of) {_N}", r"\1 divided by 3"),
        (rf"\b(?:a quarter of|1 quarter of) {_N}", r"\1 divided by 4"),
        (rf"\bsum of {_N} and {_N}", r"\1 plus \2"),
        (rf"\bproduct of {_N} and {_N}", r"\1 times \2"),
        (rf"\bdifference (?:between|of) {_N} and {_N}", r"\1 minus \2"),
        (r"\bsquare(?:d)? roots? (?:of|off)\b|\bsquare root\b", "sqrt"),
        (r"\bcube roots? (?:of|off)\b", "cbrt"),
        (r"(?<=\d) squared\b|(?<=that) squared\b", " ^ 2"),
        (r"(?<=\d) cubed\b|(?<=that) cubed\b", " ^ 3"),
        (r"\b(?:raised )?to the power (?:of )?(?=-?\d)|\bto the (?=\d+(?:st|nd|rd|th)? power)", "^ "),
        (r"(?<=\d)(?:st|nd|rd|th)? power\b", ""),
        (r"\bper ?cent (?:of|off)\b", "%of"),
        (r"\b(?:multiplied by|multiplied with)\b", "times"),
        (r"(?<=\d) x (?=\d)", " times "),
        (r"\b(?:divided by|over)\b", "/"),
        (r"\b(?:take away|less)\b", "minus"),
    )
)
_SQUARE = re.compile(rf"\bsquare (?!root)(?:of )?{_N}")
_CUBE = re.compile(rf"\bcube (?!root)(?:of )?{_N}")

_STEPS = re.compile(
    r"\b(?:and )?(?:then|after that|afterwards)\b|\band (?:now )?(?=(?:divide|multiply|subtract|take|double|halve|triple|square|add)\b)"
)
_OPERATORS = {
    "plus": "plus",
    "minus": "minus",
    "times": "times",
    "/": "divided by",
    "^": "to the power of",
    "%of": "percent of",
}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def calculate(numbers: str, last: Fraction | None) -> Calculation | None:
    """The sum in ``numbers`` and its value; ``None`` if there is none.

    Raises ``CalculationError`` for one that has no value: division by zero, numbers too large, "double that"
    with nothing before it.
    """
    done: Calculation | None = None
    for step in _STEPS.split(_corrected(numbers)):
        tokens = _tokens(step)
        if tokens is None:
            continue
        value = done.value if done is not None else last
        if "that" in tokens:
            if value is None:
                raise CalculationError("I have no earlier result to go on from. Which number do you mean?")
            tokens = [_plain(value) if token == "that" else token for token in tokens]
        done = Calculation(tuple(tokens), evaluate(tokens), value)
    return done


def spoken_sum(tokens: tuple[str, ...]) -> str:
    """The sum as it is said: "12 times 12"."""
    text = " ".join(_OPERATORS.get(token) or PREFIXES.get(token) or _spoken_token(token) for token in tokens)
    text = re.sub(r"\bto the power of 2(?![\d.])", "squared", text)
    return re.sub(r"\bto the power of 3(?![\d.])", "cubed", text)


def _spoken_token(token: str) -> str:
    return token.replace("-", "minus ")


def _corrected(numbers: str) -> str:
    for pattern, replacement in _MISHEARD:
        numbers = pattern.sub(replacement, numbers)
    numbers = _HOMOPHONE_AFTER.sub(lambda found: f"{found[1]} {_HOMOPHONES[found[2]]}", numbers)
    return _HOMOPHONE_BEFORE.sub(lambda found: f"{_HOMOPHONES[found[1]]} {found[2]}", numbers)


def _tokens(step: str) -> list[str] | None:
    """The longest run of tokens that make a sum, beginning with an operand."""
    step = _CUBE.sub(r"\1 cubed", _SQUARE.sub(r"\1 squared", step.replace(" it", " that")))
    for pattern, replacement in _REWRITES:
        step = pattern.sub(replacement, step)
    runs: list[list[str]] = [[]]
    for word in step.split():
        if _NUMBER.fullmatch(word) or word == "that" or word in _OPERATORS or word in PREFIXES:
            runs[-1].append(word)
        elif runs[-1] and word != "the":
            runs.append([])
    trimmed = [_trimmed(run) for run in runs]
    sums = [run for run in trimmed if _is_sum(run)]
    return _trimmed(max(sums, key=len)[:_MOST_TOKENS]) if sums else None


def _trimmed(run: list[str]) -> list[str]:
    """Without operators that lack an operand; a run that begins with an operator goes on from ``that``."""
    while run and (run[-1] in _OPERATORS or run[-1] in PREFIXES):
        run = run[:-1]
    while len(run) >= 2 and run[0] == "that" and run[1] not in _OPERATORS:
        run = run[1:]  # "that" of "tell me what that is", not the number
    if run and run[0] in _OPERATORS and run[0] != "%of":
        run = ["that", *run]
    return run


def _is_sum(run: list[str]) -> bool:
    """Operators and operands alternate, and something is said beside "that"."""
    if not any(token in _OPERATORS or token in PREFIXES for token in run):
        return False
    if not any(token in PREFIXES or _NUMBER.fullmatch(token) for token in run):
        return False
    expects_operand = True
    for token in run:
        if token in PREFIXES:
            if not expects_operand:
                return False
        elif token in _OPERATORS:
            if expects_operand:
                return False
            expects_operand = True
        elif expects_operand:
            expects_operand = False
        else:
            return False
    return not expects_operand


def _plain(value: Fraction) -> str:
    """The value as a token, to twelve digits that count (exact for whole numbers)."""
    if value.denominator == 1:
        return str(value.numerator)
    text = f"{float(value):.12f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"
