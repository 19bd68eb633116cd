"""Pure: time and date."""

from __future__ import annotations

from datetime import datetime, timedelta

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, intent


def tell_time(scene: Scene) -> Reply:
    return say(f"It's {spoken_time(scene.now)}.")


def tell_date(scene: Scene) -> Reply:
    core = scene.heard.core
    for word, days in (("tomorrow", 1), ("yesterday", -1)):
        if word in core:
            is_word = "is" if days > 0 else "was"
            return say(f"{word.capitalize()} {is_word} {spoken_date(scene.now + timedelta(days=days))}.")
    if "year" in core:
        return say(f"It's {scene.now.year}.")
    if "month" in core:
        return say(f"It's {scene.now:%B}.")
    return say(f"Today is {spoken_date(scene.now)}.")


def spoken_time(now: datetime) -> str:
    """ "5:07 PM"; midday and midnight by name."""
    if now.minute == 0 and now.hour in (0, 12):
        return "midnight" if now.hour == 0 else "noon"
    half = "AM" if now.hour < 12 else "PM"
    return f"{now.hour % 12 or 12}:{now.minute:02d} {half}"


def spoken_date(now: datetime) -> str:
    suffix = "th" if 11 <= now.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(now.day % 10, "th")
    return f"{now:%A}, {now:%B} {now.day}{suffix}, {now.year}"


INTENTS = (
    intent(
        "time",
        r"\bwhat(?:'s| is|s)? (?:the )?(?:current )?time\b(?! is left)|\bwhat time\b|\b(?:tell|give) me the time\b|\b(?:have|got|know) (?:you )?the time\b|^(?:the )?time$",
        tell_time,
    ),
    intent(
        "date",
        r"\bwhat(?:'s| is|s| was)? (?:the |today's |tomorrow's )?(?:current )?(?:date|day|year|month)\b(?! of)|\b(?:today|tomorrow|today's)(?:'s)? date\b"
        r"|\bwhat (?:day|date|year|month) (?:is|was|do)\b|\bwhat is (?:today|tomorrow)\b|^(?:the )?date$",
        tell_date,
    ),
)
