"""Pure: what a prompt says about the talk so far. The offline brain keeps no state of its own."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from think_loop.engines.offline.heard import Heard, hear
from think_loop.engines.offline.reply import Calculation, Reply
from think_loop.engines.offline.self_repair import guessed, repaired
from think_loop.language_model import Message, ToolSpec

REPLAYED_TURNS = 50
"""The last 50 to 100 turns are replayed; of older ones only those that may have told something to remember."""
_TELLS = re.compile(r"\b(?:my|remember(?:ed)?|call|called|note|forget|mind)\b", re.IGNORECASE)
_YES = re.compile(
    r"^(?:yes|yeah|yep|yup|right|correct|exactly|sure|i did|i do|of course|that's (?:right|it))(?: .{0,30})?$"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a skill is told: what was ``heard`` now, and what went before.

    ``last_answer``: what the assistant said last (as far as it was heard), ``last_heard``: the turn before this
    one. ``calculation``: the last sum. ``facts``: what the caller told about themselves. ``misses``: how many
    turns were not understood so far. ``turn``: number of the turn, from 0. ``now``: local time.
    """

    heard: Heard
    now: datetime
    seed: int
    tools: tuple[ToolSpec, ...] = ()
    turn: int = 0
    last_answer: str = ""
    last_heard: Heard | None = None
    calculation: Calculation | None = None
    just_calculated: bool = False
    """The turn before this one was a sum."""
    facts: dict[str, str] = field(default_factory=dict)
    misses: int = 0

    def offers(self, tool_name: str) -> bool:
        return any(tool.name == tool_name for tool in self.tools)

    def pick(self, options: Sequence[str], about: str = "") -> str:
        """One of ``options``, by seed and turn: never the same one in two turns in a row."""
        offset = zlib.crc32(f"{self.seed} {about}".encode())
        return options[(offset + self.turn) % len(options)]

    def chance(self, sides: int, about: str = "") -> int:
        """A number from 1 to ``sides`` that depends on the seed, the turn and its words."""
        digest = zlib.crc32(f"{self.seed} {self.turn} {about} {self.heard.raw}".encode())
        return zlib.crc32(digest.to_bytes(4, "big")) % sides + 1


Skill = Callable[[Scene], Reply | None]


@dataclass(frozen=True, slots=True)
class Intent:
    """A row of the table: ``skill`` is asked when ``pattern`` is found in the turn's ``core`` words. It may
    decline with ``None``; then the next row is tried."""

    name: str
    pattern: re.Pattern[str]
    skill: Skill


def intent(name: str, pattern: str, skill: Skill) -> Intent:
    return Intent(name, re.compile(pattern), skill)


def understand(scene: Scene, intents: Sequence[Intent]) -> Reply:
    """The reply of the first row that takes the turn. The last row must take any."""
    for row in intents:
        if row.pattern.search(scene.heard.core):
            reply = row.skill(scene)
            if reply is not None:
                return reply
    raise AssertionError("the last intent takes every turn")


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier turns left behind; see ``Scene`` for the fields. Hashable, so that replaying a talk can be cached."""

    last_heard: Heard | None = None
    calculation: Calculation | None = None
    just_calculated: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    misses: int = 0


def scene_of(
    messages: Sequence[Message],
    intents: tuple[Intent, ...],
    now: datetime,
    seed: int,
    tools: tuple[ToolSpec, ...] = (),
) -> Scene:
    """The scene of the last user turn: the turns before it are understood again, one after the other."""
    users = [place for place, message in enumerate(messages) if message.role == "user"]
    memory, answered, previous = Memory(), "", 0
    for place in _replayed(users, messages):
        answered = _last_answer(messages[previous:place]) or answered
        if place != users[-1]:
            memory = _after(memory, messages[place].text, answered, intents)
        previous = place
    heard = _heard(messages[users[-1]].text if users else "", answered)
    return _scene(memory, heard, now, seed, tools, max(0, len(users) - 1), answered)


def _replayed(users: list[int], messages: Sequence[Message]) -> list[int]:
    """The window moves in steps, so that most replays are found in the cache."""
    begin = max(0, len(users) // REPLAYED_TURNS - 1) * REPLAYED_TURNS
    return [place for place in users[:begin] if _TELLS.search(messages[place].text[:1000])] + users[begin:]


@lru_cache(maxsize=2048)
def _after(memory: Memory, text: str, last_answer: str, intents: tuple[Intent, ...]) -> Memory:
    """What is known after one more turn. Neither time nor tools matter for that."""
    heard = _heard(text, last_answer)
    reply = understand(_scene(memory, heard, datetime.min, 0, (), 0, last_answer), intents)
    facts = {**dict(memory.facts), **reply.facts}
    return Memory(
        last_heard=heard,
        calculation=reply.calculation or memory.calculation,
        just_calculated=reply.calculation is not None,
        facts=tuple((name, value) for name, value in facts.items() if value),
        misses=memory.misses + (0 if reply.understood else 1),
    )


def _heard(text: str, last_answer: str) -> Heard:
    """The turn without what was taken back in it; a "yes" to a guess stands for what was guessed."""
    guess = guessed(last_answer)
    if guess and _YES.search(hear(text).core):
        return replace(hear(guess), raw=text.strip())
    left = repaired(text)
    return replace(hear(left.text), raw=text.strip(), question=left.question)


def _scene(
    memory: Memory, heard: Heard, now: datetime, seed: int, tools: tuple[ToolSpec, ...], turn: int, last_answer: str
) -> Scene:
    return Scene(
        heard,
        now,
        seed,
        tools,
        turn,
        last_answer,
        memory.last_heard,
        memory.calculation,
        memory.just_calculated,
        dict(memory.facts),
        memory.misses,
    )


def _last_answer(messages: Sequence[Message]) -> str:
    answers = (message.text for message in reversed(messages) if message.role == "assistant" and message.text)
    return next(answers, "")
