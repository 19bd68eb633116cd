"""Pure: what is said and answered in each scene of the duel: the common work on which voice agents are compared.

The constants are those of ``docs/performance.md``: they were used to measure other frameworks on the same work, and are
not to be changed. Every turn has words with times, so that what is known when is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from scheduler.commands import Effort, Purpose
from scheduler.pcm import WordTime
from think_loop.language_model import Foreseen, Piece, Prompt, Thought, Words

SPEECH_SECONDS = 1.5
LONG_SPEECH_SECONDS = 6.0
LONG_QUESTION_SECONDS = 4.0
"""After this much of a long turn the question is clear."""
COURTESY_SECONDS = 0.7
PARTIAL_SECONDS = 0.2
PARTIAL_LAG_SECONDS = 0.15
FINAL_LAG_SECONDS = 0.15
EAGER_LAG_SECONDS = 0.1
VERDICT_SECONDS = 0.3
FIRST_TOKEN_SECONDS = 0.3
TOKENS_PER_SECOND = 50.0
FIRST_SENTENCE_TOKENS = 6
FIRST_BYTE_SECONDS = 0.1
REASONING_SECONDS = 1.5
HARD_SECONDS = 4.0
"""How much later than usual the first token of a hard question comes."""
FORESEEN_RIGHT = 0.7
FORESEEN_WORDS = 3
"""So many words tell how the sentence will end, rightly or not."""

CITIES: tuple[str, ...] = (
    "lisbon",
    "oslo",
    "vienna",
    "dublin",
    "athens",
    "cairo",
    "delhi",
    "tokyo",
    "sydney",
    "toronto",
    "boston",
)
CITIES += ("denver", "paris", "london", "madrid", "berlin", "warsaw", "prague", "zurich", "geneva")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class DuelTurn:
    """``said``: the words as they are spoken, with times from the first voice. ``key``: what the answer is about: it stands
    in the answer's first sentence. ``wrong``: words that an answer must not hold."""

    said: tuple[WordTime, ...]
    key: str
    wrong: str = ""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.said)

    @property
    def seconds(self) -> float:
        return self.said[-1].end_seconds


@dataclass(frozen=True, slots=True)
class Scene:
    """``mark_ms``: first substance, p50 and p95, as asked for. ``floor_ms``: what the constants allow."""

    name: str
    what: str
    turns: Callable[[Random, int], list[DuelTurn]]
    floor_ms: Callable[[Floor], float]
    mark_ms: tuple[float, float]
    reasons: bool = False
    hard: bool = False
    foreseen: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """What the floors follow from."""

    eager: bool
    streaming: bool

    @property
    def last_word(self) -> float:
        """When the last word is known, in seconds after the end of speech."""
        return EAGER_LAG_SECONDS if self.eager else FINAL_LAG_SECONDS

    @property
    def verdict(self) -> float:
        return EAGER_LAG_SECONDS if self.eager else VERDICT_SECONDS

    @property
    def model(self) -> float:
        """From known words to first audio."""
        sentence = 0.0 if self.streaming else FIRST_SENTENCE_TOKENS / TOKENS_PER_SECOND
        return FIRST_TOKEN_SECONDS + sentence + FIRST_BYTE_SECONDS


def spoken(text: str, seconds: float, begin: float = 0.0) -> tuple[WordTime, ...]:
    """Words spread evenly."""
    words = text.split()
    step = seconds / len(words)
    return tuple(
        WordTime(word, begin + index * step, begin + (index + 1) * step, 0.95) for index, word in enumerate(words)
    )


def _plain(random: Random, count: int) -> list[DuelTurn]:
    cities = _drawn(random, count)
    return [DuelTurn(spoken(f"tell me the weather for {city}", SPEECH_SECONDS), city) for city in cities]


def _courtesy(random: Random, count: int) -> list[DuelTurn]:
    endings = ("please thank you", "thank you very much", "please", ", you know")
    head = SPEECH_SECONDS - COURTESY_SECONDS
    return [
        DuelTurn(
            spoken(f"what is the weather in {city}{_comma(endings[index % len(endings)])}", head)
            + spoken(endings[index % len(endings)].lstrip(", "), COURTESY_SECONDS, begin=head),
            city,
        )
        for index, city in enumerate(_drawn(random, count))
    ]


def _comma(ending: str) -> str:
    """Recognisers write one before "you know": without it, "the people you know" would mean something else."""
    return "," if ending.startswith(",") else ""


def _long(random: Random, count: int) -> list[DuelTurn]:
    question = "we are going to travel with the children and i want to know about hotels in {}"
    details = ("with a garden and a quiet street", "near the river and the old town", "where small dogs may come along")
    return [
        DuelTurn(
            spoken(question.format(city), LONG_QUESTION_SECONDS)
            + spoken(
                details[index % len(details)], LONG_SPEECH_SECONDS - LONG_QUESTION_SECONDS, begin=LONG_QUESTION_SECONDS
            ),
            city,
        )
        for index, city in enumerate(_drawn(random, count))
    ]


def _foreseen(random: Random, count: int) -> list[DuelTurn]:
    return [
        DuelTurn(spoken(f"could you tell me about the weather for {city}", SPEECH_SECONDS), city)
        for city in _drawn(random, count)
    ]


def _repair(random: Random, count: int) -> list[DuelTurn]:
    turns = []
    for _ in range(count):
        wrong, right = random.sample(DAYS, 2)
        turns.append(DuelTurn(spoken(f"book it for {wrong} no {right}", SPEECH_SECONDS), right, wrong))
    return turns


def _drawn(random: Random, count: int) -> list[str]:
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += random.sample(CITIES, len(CITIES))
    return drawn[:count]


def _plain_floor(floor: Floor) -> float:
    return 1000 * (floor.last_word + floor.model)


def _verdict_floor(floor: Floor) -> float:
    return 1000 * floor.verdict


def _verified_floor(floor: Floor) -> float:
    return 1000 * (floor.last_word + FIRST_TOKEN_SECONDS)


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("plain", "the last word matters", _plain, _plain_floor, (575, 625)),
        Scene("courtesy", "the last 700 ms add nothing", _courtesy, _verdict_floor, (325, 375)),
        Scene("long", "6 s; clear after 4 s, then detail", _long, _verified_floor, (475, 550)),
        Scene("reasoning", "as long, and 1.5 s of reasoning", _long, _plain_floor, (600, 750), reasons=True),
        Scene(
            "foreseen", "the ending is predicted, right in 70 %", _foreseen, _verdict_floor, (325, 645), foreseen=True
        ),
        Scene("repair", "the user corrects the last words", _repair, _plain_floor, (595, 645)),
        Scene("hard", "the first token comes 4 s late", _plain, _plain_floor, (4850, 4850), hard=True),
    )
}


def answer_script(turns: Sequence[DuelTurn], scene: Scene) -> Callable[[Prompt], Sequence[Piece]]:
    """What the simulated model writes: a first sentence about what was asked, and a second about every word of it."""

    def script(prompt: Prompt) -> Sequence[Piece]:
        asked = prompt.messages[-1].text.casefold().replace(",", "") if prompt.messages else ""
        key = _key(asked)
        pieces: list[Piece] = []
        if scene.reasons and prompt.effort is not Effort.REFLEX:
            pieces.append(Thought(" ".join(["so"] * round(REASONING_SECONDS * TOKENS_PER_SECOND))))
        if prompt.purpose is not Purpose.NOTES:
            last = asked.split()[-1] if asked.split() else "nothing"
            pieces.append(Words(f"{key.capitalize()} is easily told this time. And so it is with {last}."))
        return pieces

    return script


def _key(asked: str) -> str:
    """The last city or day that was named."""
    named = [word for word in asked.split() if word in CITIES or word in DAYS]
    return named[-1] if named else "that"


def foresight(turns: Sequence[DuelTurn], seed: int, current: Callable[[], int]) -> Callable[[Prompt], Foreseen | None]:
    """Foresees the rest of a sentence once half of it was said; right in 70 % of the turns, and never doubtful.
    ``current``: the number of the turn that is going on."""
    random = Random(f"foresight {seed}")
    right = [random.random() < FORESEEN_RIGHT for _ in turns]

    def foresee(prompt: Prompt) -> Foreseen | None:
        said = prompt.messages[-1].text.split()
        words = [word.text for word in turns[current()].said]
        if words[: len(said)] != said or not FORESEEN_WORDS <= len(said) < len(words):
            return None
        last = words[-1] if right[current()] else CITIES[(CITIES.index(words[-1]) + 1) % len(CITIES)]
        ending = " ".join((*words[len(said) : -1], last))
        return Foreseen(ending, 0.8, output_tokens=len(ending.split()))

    return foresee
