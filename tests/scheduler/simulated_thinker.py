"""A thinker that answers everything, at random: it thinks, writes, calls tools, is silent, fails, is aborted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scheduler.commands import Purpose, Think
from scheduler.events import (
    EndingForeseen,
    OpeningVerified,
    SentenceGrew,
    SentenceWritten,
    SilenceChosen,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    WordsWritten,
)
from scheduler.words import join_texts
from tests.scheduler.surroundings import Surroundings, chance

WRITTEN = (
    "It is a hundred and forty four.",
    "Yes.",
    "One moment please, I am looking.",
    "Two, three.",
    "Just a moment.",
    "You are welcome, it is done.",
)
THOUGHT = ("I need to check the order. ", "It is ", "a sum. ", "Comparing the two trains.")
_SENTENCE_ENDS = (".", "?", "!")


@dataclass
class _Stream:
    think: Think
    live: bool = True
    promoted: bool = False
    sentences: int = 0
    begun: str = ""
    """The beginning of a sentence that the opening ended in."""
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """What goes on when the turn is committed."""


class SimulatedThinker:
    """As the real one it promises: one ``ThinkEnded`` per stream and nothing behind it; before its promotion a draft
    runs only tools without side effects, and may stop and wait."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._random = world.random
        self._streams: dict[str, _Stream] = {}
        self._delays = self._random.choice(((0.0, 0.02, 0.1), (0.0, 0.05, 0.3, 1.0, 2.5)))
        self._streams_text = chance(world.random, 0.5)
        self.texts: dict[str, list[str]] = {}
        """The sentences of each think, those of an opening that held before them."""
        self.aborted: set[str] = set()

    @property
    def known(self) -> list[str]:
        return list(self._streams)

    # --- what is ordered ------------------------------------------------------------------------------

    def think(self, think: Think) -> None:
        stream = self._streams[think.think_id] = _Stream(think, promoted=not think.purpose.is_speculative)
        self.texts[think.think_id] = []
        if (think.purpose.is_speculative or think.purpose is Purpose.AFTERTHOUGHT) and chance(self._random, 0.15):
            self._world.after(self._random.choice((0.0, 0.1, 0.4, 1.5)), lambda: self._abort(stream))
        match think.purpose:
            case Purpose.FORESIGHT:
                self._later(stream, lambda: self._foresee(stream))
            case Purpose.NOTES:
                self._later(stream, lambda: self._take_notes(stream, self._random.randint(0, 3)))
            case _:
                self._later(stream, lambda: self._begin(stream))

    def stop(self, think_id: str) -> None:
        stream = self._streams[think_id]
        if stream.live:
            self._end(stream, ThinkEnding.STOPPED)

    def promote(self, think_id: str) -> None:
        stream = self._streams[think_id]
        stream.promoted = True
        for go_on in stream.waiting:
            self._later(stream, go_on)
        stream.waiting.clear()

    def _abort(self, stream: _Stream) -> None:
        """What is committed needs its place. The conductor may be promoting it at this very moment."""
        if stream.live and not (stream.promoted and stream.think.purpose.is_speculative):
            self.aborted.add(stream.think.think_id)
            self._end(stream, ThinkEnding.ABORTED)

    def _later(self, stream: _Stream, act: Callable[[], None]) -> None:
        def if_live() -> None:
            if stream.live:
                act()

        self._world.after(self._random.choice(self._delays), if_live)

    def _once_committed(self, stream: _Stream, act: Callable[[], None]) -> None:
        if stream.promoted:
            act()
        else:
            stream.waiting.append(act)

    def _end(self, stream: _Stream, ending: ThinkEnding, message: str = "") -> None:
        stream.live = False
        self._world.publish(ThinkEnded(stream.think.think_id, ending, message))

    # --- foresight and notes --------------------------------------------------------------------------

    def _foresee(self, stream: _Stream) -> None:
        if chance(self._random, 0.8):
            right = self._world.rest_of(stream.think.basis)
            ending = right if chance(self._random, 0.7) else self._random.choice(("", "thank you", "on monday"))
            self._world.publish(EndingForeseen(stream.think.think_id, ending, self._random.choice((0.3, 0.9))))
        self._end(stream, ThinkEnding.DONE)

    def _take_notes(self, stream: _Stream, count: int) -> None:
        if count == 0:
            self._end(stream, self._random.choice((ThinkEnding.DONE, ThinkEnding.LENGTH, ThinkEnding.FAILED)))
            return
        self._world.publish(ThoughtGrown(stream.think.think_id, self._random.choice(THOUGHT)))
        self._later(stream, lambda: self._take_notes(stream, count - 1))

    # --- answers --------------------------------------------------------------------------------------

    def _begin(self, stream: _Stream) -> None:
        plot = self._random.choice(("speak", "speak", "speak", "silence", "nothing", "fail", "tools", "length"))
        count = self._random.randint(1, 3) if plot == "speak" else self._random.choice((0, 0, 1, 2))
        think = stream.think
        if think.opening and (think.opening_holds or self._verified(stream)):
            self._go_on_from(stream, think.opening)
            plot, count = "speak", max(1, count)
        self._go_on(stream, count, plot)

    def _verified(self, stream: _Stream) -> bool:
        holds = chance(self._random, 0.6)
        self._world.publish(OpeningVerified(stream.think.think_id, stream.think.opening if holds else ""))
        return holds

    def _go_on_from(self, stream: _Stream, opening: str) -> None:
        """As sentences are counted here: an opening is one sentence, or the beginning of one."""
        if opening.endswith(_SENTENCE_ENDS):
            stream.sentences = 1
            self.texts[stream.think.think_id].append(opening)
        else:
            stream.begun = opening

    def _go_on(self, stream: _Stream, count: int, plot: str) -> None:
        if chance(self._random, 0.4):
            self._world.publish(ThoughtGrown(stream.think.think_id, self._random.choice(THOUGHT)))
        if count:
            self._write(stream, lambda: self._after_sentence(stream, count - 1, plot))
        else:
            self._close(stream, plot)

    def _after_sentence(self, stream: _Stream, count: int, plot: str) -> None:
        if chance(self._random, 0.3):  # as much as may be written ahead
            self._once_committed(stream, lambda: self._go_on(stream, count, plot))
        else:
            self._later(stream, lambda: self._go_on(stream, count, plot))

    def _close(self, stream: _Stream, plot: str) -> None:
        match plot:
            case "silence":
                self._world.publish(SilenceChosen(stream.think.think_id, "not for me"))
                self._end(stream, ThinkEnding.DONE)
            case "fail":
                self._end(stream, ThinkEnding.FAILED, "the model is down")
            case "length":
                self._end(stream, ThinkEnding.LENGTH)
            case "tools":
                self._call(stream)
            case _:
                self._end(stream, ThinkEnding.DONE)

    # --- words ----------------------------------------------------------------------------------------

    def _write(self, stream: _Stream, then: Callable[[], None]) -> None:
        """One sentence. The real one tells none where nothing is to be spoken."""
        begun, stream.begun = stream.begun, ""
        text = "and so on." if begun else self._random.choice(WRITTEN)
        if not stream.think.audible:
            self._world.publish(WordsWritten(stream.think.think_id, text))
            then()
        elif self._streams_text:
            self._grow(stream, begun, text.split(), join_texts(begun, text), then)
        else:
            self._world.publish(WordsWritten(stream.think.think_id, text))
            self._write_whole(stream, join_texts(begun, text), then)

    def _grow(self, stream: _Stream, so_far: str, words: list[str], whole: str, then: Callable[[], None]) -> None:
        """The last word comes together with the sentence: only then its end is certain."""
        count = self._random.randint(1, len(words))
        space = " " if so_far else ""
        piece = space + " ".join(words[:count])
        self._world.publish(WordsWritten(stream.think.think_id, piece))
        self._world.publish(SentenceGrew(stream.think.think_id, stream.sentences, piece))
        if words[count:]:
            self._later(stream, lambda: self._grow(stream, so_far + piece, words[count:], whole, then))
        else:
            self._write_whole(stream, whole, then)

    def _write_whole(self, stream: _Stream, text: str, then: Callable[[], None]) -> None:
        self._world.publish(SentenceWritten(stream.think.think_id, stream.sentences, text))
        self.texts[stream.think.think_id].append(text)
        stream.sentences += 1
        then()

    # --- tools ----------------------------------------------------------------------------------------

    def _call(self, stream: _Stream) -> None:
        match self._random.choice(("client", "read only", "side effect")):
            case "client":
                self._once_committed(stream, lambda: self._call_client(stream))
            case "read only":
                self._run(stream)
            case _:
                self._once_committed(stream, lambda: self._run_with_effect(stream))

    def _call_client(self, stream: _Stream) -> None:
        assert self._world.may_act(stream.think.think_id)
        self._world.publish(ToolCalled(stream.think.think_id, "call_1", "look", "{}", by_client=True))
        self._end(stream, ThinkEnding.TOOLS)

    def _run_with_effect(self, stream: _Stream) -> None:
        assert self._world.may_act(stream.think.think_id), "a side effect without a commit"
        self._run(stream)

    def _run(self, stream: _Stream) -> None:
        think_id, progress = stream.think.think_id, self._random.choice(("", "checking your order"))
        self._world.publish(ToolCalled(think_id, "call_1", "look", "{}", False, progress))

        def found() -> None:
            self._world.publish(ToolEnded(think_id, "call_1", "found"))
            self._later(stream, lambda: self._go_on(stream, 1, "speak"))

        self._later(stream, found)
