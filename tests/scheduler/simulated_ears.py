"""A user and the ears: sounds, pauses, words that grow and are revised, self-repairs, crashes, and a client's hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.events import (
    EarsFailed,
    InputCleared,
    InputCommitted,
    PauseGrew,
    SoundHeard,
    SpeechStarted,
    SpeechStopped,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFaded,
    VoiceReturned,
)
from scheduler.pcm import WordTime
from scheduler.policy import TurnMode
from tests.scheduler.surroundings import Surroundings, chance

SAID: tuple[tuple[str, ...], ...] = (
    ("what is twelve times twelve",),
    ("what is twelve times twelve", "please"),
    ("what is twelve times twelve please thank you",),
    ("i'd like to go to", "the airport"),
    ("book it for tuesday", "no thursday"),
    ("book it for tuesday no thursday",),
    ("book it for tuesday", "for two people please"),
    ("tell me more about it", "um", "thanks"),
    ("could you tell me the way to the station and how long it takes",),
    ("stop",),
    ("mm-hm",),
    ("yeah",),
    ("um",),
    ("",),
    ("",),
    ("hello",),
    ("my number is five five five",),
    ("no wait",),
    ("it is a hundred",),  # what the agent may be saying, too
)
"""What a user says; between two parts there is a pause, or the end of a turn."""
MISHEARD = ("tuesday", "well", "time")


@dataclass
class _Segment:
    number: int
    words: tuple[str, ...]
    shown: int = 0
    """Words of it that were told."""
    done: bool = False
    misheard: dict[int, str] = field(default_factory=dict)


class SimulatedEars:
    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._random = world.random
        self._mode = world.mode
        self._numbers = 0
        self._speaking = False
        self._hushed = False
        self._speech = 0
        self._uncommitted: _Segment | None = None
        self._pending: dict[int, _Segment] = {}
        self._parts: tuple[str, ...] = ()
        self._estimates = chance(world.random, 0.5)
        """There is an end-of-turn model."""

    @property
    def _by_hand(self) -> bool:
        return self._mode is TurnMode.MANUAL

    def rest_of(self, text: str) -> str:
        """What is about to be said behind ``text``, as only a good model could foresee it."""
        said = text.split()
        for segment in self._pending.values():
            for count in range(len(segment.words) - 1, 0, -1):
                if tuple(said[-count:]) == segment.words[:count]:
                    return " ".join(segment.words[count:])
        return ""

    # --- speech ---------------------------------------------------------------------------------------

    def say_something(self) -> None:
        if not (self._hushed or self._speaking):
            self._parts = self._random.choice(SAID)
            self._say_next()

    def make_a_noise(self) -> None:
        """A door, a cup: no voice."""
        if not self._hushed:
            self._world.publish(SoundHeard(0.02))

    def _say_next(self) -> None:
        """Sound for a while, pause, perhaps go on."""
        if self._hushed or self._speaking or not self._parts:
            return
        text, self._parts = self._parts[0], self._parts[1:]
        self._speaking = True
        self._speech += 1
        seconds = self._random.choice((0.2, 0.4, 1.0, 2.5))
        if not self._by_hand:
            self._world.publish(SoundHeard(0.1))
            self._world.publish(SpeechStarted(self._world.now - 0.1, 0.1))
        segment = self._begin_segment(text)
        self._grow(segment, seconds)
        speech = self._speech
        if chance(self._random, 0.05):
            self._world.after(seconds / 2, lambda: self._crash(text))
        if chance(self._random, 0.3):
            self._world.after(seconds / 3, lambda: self._fade(speech))
        self._world.after(seconds, lambda: self._pause(speech, segment))

    def _begin_segment(self, text: str) -> _Segment:
        segment = _Segment(self._numbers, tuple(text.split()))
        self._numbers += 1
        self._uncommitted = self._pending[segment.number] = segment
        return segment

    def _pause(self, speech: int, segment: _Segment) -> None:
        if not self._speaking or speech != self._speech:
            return
        if self._by_hand:
            if chance(self._random, 0.8):
                self.commit_by_hand()
            else:
                self.clear()
            self._world.after(0.3, lambda: self._finish(segment))
            return
        self._world.publish(VoiceFaded(self._world.now - 0.1, 0.1))
        if self._estimates and chance(self._random, 0.3):
            self._world.publish(TurnEndEstimated(self._random.random()))
        self._world.after(0.1, lambda: self._stop_after_fading(speech, segment))

    def _stop_after_fading(self, speech: int, segment: _Segment) -> None:
        if not self._speaking or speech != self._speech:
            return
        self._stop_speech(0.2)
        self._finish(segment)
        self._grow_pause(speech, 0.3)
        if self._estimates:
            self._world.publish(TurnEndEstimated(self._random.random()))
        if self._parts:
            self._world.after(self._random.choice((0.1, 0.3, 1.0)), self._say_next)
        elif chance(self._random, 0.3):
            self._world.after(self._random.choice((0.1, 0.3, 1.0, 2.0)), self.say_something)

    def _fade(self, speech: int) -> None:
        """For a moment no voice is heard."""
        if not self._speaking or speech != self._speech or self._by_hand:
            return
        self._world.publish(VoiceFaded(self._world.now - 0.1, 0.1))

        def come_back() -> None:
            if self._speaking and speech == self._speech:
                self._world.publish(VoiceReturned(self._world.now))

        self._world.after(self._random.choice((0.02, 0.08)), come_back)

    def _grow_pause(self, speech: int, silence_seconds: float) -> None:
        def grow() -> None:
            if not self._speaking and speech == self._speech:
                self._world.publish(PauseGrew(silence_seconds))
                self._grow_pause(speech, silence_seconds + 0.1)

        if silence_seconds < 1.5:
            self._world.after(0.1, grow)

    def _stop_speech(self, silence_seconds: float) -> None:
        if self._speaking:
            self._speaking = False
            if not self._by_hand:
                self._world.publish(SpeechStopped(self._world.now - silence_seconds, silence_seconds))

    # --- words ----------------------------------------------------------------------------------------

    def _grow(self, segment: _Segment, seconds: float) -> None:
        """Partials: word by word, in larger steps, or none at all."""
        count = self._random.choice((0, 1, 2, len(segment.words), 2 * len(segment.words)))
        for number in range(count):
            shown = -(-len(segment.words) * (number + 1) // count)
            at = seconds * (number + 1) / count + self._random.choice((0.0, 0.1))
            self._world.after(at, lambda shown=shown: self._show(segment, shown))  # type: ignore[misc]

    def _show(self, segment: _Segment, shown: int) -> None:
        if segment.number not in self._pending:
            return
        segment.shown = max(shown, segment.shown)
        words = list(segment.words[: segment.shown])
        if words and chance(self._random, 0.15):
            words[-1] = self._random.choice(MISHEARD)
        elif words and chance(self._random, 0.1):
            words += ["on", "the", "table"]  # to be taken back
        tentative = self._random.randint(0, min(2, len(words)))
        stable = len(words) - tentative
        self._world.publish(TranscriptRevised(segment.number, self._timed(words[:stable]), self._timed(words[stable:])))

    def _timed(self, words: list[str]) -> tuple[WordTime, ...]:
        return tuple(WordTime(word, 0.0, 0.1, self._random.choice((None, 0.2, 0.9))) for word in words)

    def _finish(self, segment: _Segment) -> None:
        """The final comes soon, late or never."""
        if chance(self._random, 0.95):
            delay = self._random.choice((0.0, 0.1, 0.5, 1.5))
            self._world.after(delay, lambda: self._close(segment, list(segment.words)))

    def _close(self, segment: _Segment, words: list[str]) -> None:
        if self._pending.pop(segment.number, None) is not None:
            if words and chance(self._random, 0.1):
                words[-1] = self._random.choice(MISHEARD)
            self._world.publish(TranscriptRevised(segment.number, self._timed(words), is_final=True))

    def _crash(self, text: str) -> None:
        """All that is pending gets its final; what is being said goes on as another segment."""
        if not self._pending:
            return
        self._world.publish(EarsFailed("the recogniser died", chance(self._random, 0.7)))
        for segment in list(self._pending.values()):
            self._close(segment, [])
        if self._speaking:
            segment = self._begin_segment(text)
            self._world.after(0.2, lambda: self._show(segment, len(segment.words)))
            self._finish(segment)

    # --- the client's hand ----------------------------------------------------------------------------

    def commit_by_hand(self) -> None:
        self._stop_speech(0.0)
        segment, self._uncommitted = self._uncommitted, None
        if segment is None:
            segment = self._begin_segment("")
            self._uncommitted = None
            self._world.publish(InputCommitted(segment.number, 0.0, self._world.now))
            self._close(segment, [])
        else:
            self._world.publish(InputCommitted(segment.number, 0.0, self._world.now))
            self._finish(segment)

    def clear(self) -> None:
        speaking = self._speaking
        self._stop_speech(0.0)
        if speaking and self._uncommitted is not None:
            self._close(self._uncommitted, [])
        self._uncommitted = None
        self._world.publish(InputCleared())

    def configure(self, mode: TurnMode) -> None:
        if mode is not self._mode and TurnMode.MANUAL in (mode, self._mode):
            segment, speaking = self._uncommitted, self._speaking
            self._stop_speech(0.0)
            if speaking and segment is not None:
                self._finish(segment)
        self._mode = mode

    def hush(self) -> None:
        """Nobody says anything more; what is being said by hand is committed."""
        self._hushed = True
        if self._by_hand:
            self.commit_by_hand()
        elif self._speaking:
            segment = self._uncommitted
            self._stop_speech(0.2)
            if segment is not None:
                self._finish(segment)
