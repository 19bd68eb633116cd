"""Pure: sets, lists and cancels timers through the server's tools, and reads their results back."""

from __future__ import annotations

import re

from think_loop.durations import spoken_duration
from think_loop.engines.offline.reply import Call, Reply, say
from think_loop.engines.offline.talk import Scene, intent

ASK_DURATION = "For how long?"
_TIMER = r"(?:timers?|time her|time are|timer's|alarms?|countdown)"
_UNIT_SECONDS = {"second": 1.0, "sec": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "day": 86400.0}
_UNITS = "seconds?|secs?|minutes?|mins?|minute's|hours?|days?"
_PART = re.compile(
    rf"\b(?:(?P<number>\d+(?:\.\d+)?)|(?P<half>half(?: an?)?)|(?P<one>an?)|(?P<misheard>for|to|too))[ -](?P<unit>{_UNITS})\b(?P<more> and a half)?"
)
_MISHEARD = {"for": 4.0, "to": 2.0, "too": 2.0}
_TOPIC = re.compile(r"\b(?:remind me|reminder)\b.*?\bto (?P<what>(?!\d).+)$")
_NAMED = re.compile(
    r"\b(?:called|named|labelled|labeled) (?P<what>\w+(?: \w+)?)$|\bfor (?:the |my )?(?P<thing>(?!\d|for\b|an?\b|half\b|how\b)[a-z]+)\b|\b(?P<kind>[a-z]+) timer\b"
)
_NO_LABEL = {
    "a",
    "the",
    "my",
    "this",
    "that",
    "any",
    "second",
    "minute",
    "hour",
    "seconds",
    "minutes",
    "hours",
    "set",
    "start",
    "new",
    "another",
    "it",
    "me",
    "us",
    "please",
    "all",
    "every",
    "of",
    "cancel",
    "stop",
    "delete",
    "remove",
    "what",
    "which",
    "no",
    "your",
    "our",
}


def seconds_in(numbers: str) -> float | None:
    """The span of time in ``numbers``; all its parts are added. ``None`` if there is none."""
    total = 0.0
    if _PART.search(numbers) is None:
        return None
    for part in _PART.finditer(numbers):
        unit = part["unit"].removesuffix("'s").removesuffix("s")
        amount = (
            float(part["number"])
            if part["number"]
            else 0.5
            if part["half"]
            else _MISHEARD.get(part["misheard"] or "", 1.0)
        )
        total += (amount + (0.5 if part["more"] else 0.0)) * _UNIT_SECONDS[unit]
    return int(total) if total.is_integer() else total


def set_timer(scene: Scene) -> Reply | None:
    if not scene.offers("set_timer"):
        return say("I can't set timers in this call, sorry.")
    seconds = seconds_in(scene.heard.numbers)
    if seconds is None:
        return say(ASK_DURATION)
    label = _label(scene.heard.numbers)
    return Reply((Call("set_timer", {"seconds": seconds, **({"label": label} if label else {})}),))


def answer_duration(scene: Scene) -> Reply | None:
    """ "Five minutes", after it was asked for."""
    if not scene.last_answer.endswith(ASK_DURATION) or seconds_in(scene.heard.numbers) is None:
        return None
    return set_timer(scene)


def list_timers(scene: Scene) -> Reply | None:
    return Reply((Call("list_timers", {}),)) if scene.offers("list_timers") else None


def cancel_timer(scene: Scene) -> Reply | None:
    if not scene.offers("cancel_timer"):
        return say("There are no timers in this call.")
    label = _label(scene.heard.numbers)
    number = re.search(r"\b(?:timer|number) (\d{1,3})\b", scene.heard.numbers)
    which = number[1] if number else label
    return Reply((Call("cancel_timer", {"timer": which} if which else {}),))


def _label(numbers: str) -> str:
    if found := _TOPIC.search(numbers):
        return re.sub(rf"\b(?:in|for|after) (?:\d+|an?|half an?) (?:{_UNITS})\b.*", "", found["what"]).strip()
    for found in _NAMED.finditer(numbers):
        label = found["what"] or found["thing"] or found["kind"] or ""
        if label not in _NO_LABEL and not re.fullmatch(_UNITS, label):
            return label
    return ""


def told_result(name: str, arguments: dict[str, object], output: str) -> str:
    """What is said after one of the timer tools ran."""
    if output.startswith("Error: "):
        reason = output.removeprefix("Error: ")
        return f"Sorry, {reason[0].lower()}{reason[1:]}"
    if name == "set_timer":
        seconds = arguments.get("seconds")
        span = spoken_duration(float(seconds)) if isinstance(seconds, int | float) else "that"
        return f"Okay, {span}, starting now."
    if name == "list_timers":
        spoken = re.sub(r"\btimer \d+ \((?P<title>[^)]*)\): ", r"the \g<title> has ", output)
        return f"{spoken[0].upper()}{spoken[1:].rstrip('.')}."
    return f"Okay. {output}"


_SECONDS = rf"\b(?:{_UNITS})\b"
INTENTS = (
    intent(
        "timers left",
        rf"\bhow (?:long|much time|many minutes|much longer)\b.*(?:left|remain|go|{_TIMER})|\b(?:list|which|what|any|check|show)\b.*\b{_TIMER}\b(?!.* for \w+ (?:{_UNITS}))",
        list_timers,
    ),
    intent(
        "timer cancelled",
        rf"\b(?:cancel|stop|delete|remove|clear|kill|turn off|forget|cancelled|canceled)\b.*\b(?:{_TIMER}|reminder)\b",
        cancel_timer,
    ),
    intent(
        "timer",
        rf"\b{_TIMER}\b|\b(?:remind|reminder|wake) ?(?:me)?\b.*{_SECONDS}|\b(?:set|said|sat|start)\b.*\bfor\b.*{_SECONDS}|\btell me (?:in|when)\b.*{_SECONDS}",
        set_timer,
    ),
    intent("timer's length", _SECONDS, answer_duration),
)
