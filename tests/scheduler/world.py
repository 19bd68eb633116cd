"""A world around the conductor, in which everything happens that can happen, in every order in which it can.

``World`` moves its own time. The user, the ears, the thinker, the voice with its playout and the client act at
random, but causally: nothing is answered before it was asked, nothing sounds that was not given. Events go
through a bus that may lag, as the real one does. ``Monitor`` (in ``monitor.py``) watches every command.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from scheduler.commands import Command, Duck, EndCall, EndUtterance, Speak, StopSpeaking, StopThinking, Think
from scheduler.conductor import decide, initial_state
from scheduler.events import (
    CallEnding,
    CallStarted,
    DeadlineReached,
    EarsFailed,
    Event,
    HeardCorrected,
    InputCleared,
    InputCommitted,
    OutputCleared,
    PauseGrew,
    PlayoutEnded,
    PlayoutSent,
    PlayoutStarted,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SentenceWritten,
    SessionConfigured,
    SilenceChosen,
    SpeechRendered,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    ToolCalled,
    ToolEnded,
    TranscriptRevised,
    TurnEndEstimated,
    VoiceFailed,
    WordsHeard,
    WordsWritten,
)
from scheduler.floor import Floor
from scheduler.pcm import WordTime
from scheduler.policy import PRESETS, Policy, TurnDetection, TurnMode
from scheduler.state import State
from tests.scheduler.monitor import Monitor

SAID = (
    "what is twelve times twelve",
    "i'd like to go to",
    "stop",
    "mm-hm",
    "yeah",
    "um",
    "",
    "",
    "hello",
    "my number is five five five",
    "no wait",
    "tell me more about it",
)
WRITTEN = ("It is a hundred and forty four.", "Yes.", "One moment please, I am looking.", "Two. Three.")
SETTLING_SECONDS = 60.0
"""All that was begun comes to its end within this time, when nobody begins anything more."""


class World:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = 0.0
        self.monitor = Monitor()
        self.state = initial_state(self._policy(), self._detection())
        self.dialogue: list[str] = []
        self._numbers = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._bus: deque[Event] = deque()
        self._laggy = random.random() < 0.3
        self._reading = False
        self.thinker = SimulatedThinker(self)
        self.playout = SimulatedPlayout(self)
        self.ears = SimulatedEars(self)

    # --- time -----------------------------------------------------------------------------------------

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._numbers), act))

    def run_until(self, at: float) -> None:
        while not self.state.ended:
            due = self._agenda[0][0] if self._agenda else float("inf")
            deadline = float("inf") if self.state.deadline is None or self._bus else max(self.now, self.state.deadline)
            if min(due, deadline) > at:
                break
            if deadline < due:
                self.now = deadline
                self._decide(DeadlineReached())
                after = self.state.deadline
                assert after is None or after > self.now, f"{self.state.alarms} stay due at {self.now}"
            else:
                self.now, _, act = heapq.heappop(self._agenda)
                act()
        self.now = max(self.now, at)

    # --- the bus --------------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        self._bus.append(event)
        if not self._reading:
            self._reading = True
            self.after(self.random.choice((0.0, 0.02, 0.3)) if self._laggy else 0.0, self._read)

    def _read(self) -> None:
        while self._bus and not self.state.ended:
            self._decide(self._bus.popleft())
        self._reading = False

    def _decide(self, event: Event) -> None:
        self.dialogue.append(f"{self.now:8.3f} >> {event}")
        before = self.state
        self.state, commands = decide(before, event, self.now)
        self.dialogue.extend(f"{self.now:8.3f} << {command}" for command in commands)
        self.monitor.watch(before, event, self.state, commands)
        for command in commands:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Think():
                self.thinker.think(command)
            case StopThinking(think_id):
                self.thinker.stop(think_id)
            case Speak():
                self.playout.speak(command)
            case EndUtterance(utterance_id):
                self.playout.close(utterance_id)
            case StopSpeaking(utterance_id, within_seconds):
                self.playout.stop(utterance_id, within_seconds)
            case Duck() | EndCall():
                pass
            case _:
                pass

    # --- what may happen ------------------------------------------------------------------------------

    def live(self, seconds: float) -> None:
        """A call of this length, then silence until all is settled, then its end."""
        self.publish(CallStarted(self.random.choice((None, "", "Hello, how can I help?"))))
        for _ in range(self.random.randint(1, 4)):
            self.after(self.random.uniform(0, seconds), self.ears.say_something)
        for _ in range(self.random.randint(0, 3)):
            self.after(self.random.uniform(0, seconds), self._client_acts)
        self.run_until(seconds)
        self.ears.hush()
        self.run_until(seconds + SETTLING_SECONDS)

    def end(self) -> None:
        self.publish(CallEnding("the line was closed", self.random.choice(("", "Goodbye."))))
        self.run_until(self.now + 10.0)

    def _client_acts(self) -> None:
        acts: tuple[Callable[[], None], ...] = (
            lambda: self.publish(self._request()),
            lambda: self.publish(self._request()),
            lambda: self.publish(ResponseCancelled(self.random.choice((None, *self.thinker.known)))),
            lambda: self.publish(OutputCleared()),
            self.playout.truncate,
            self.ears.commit_by_hand,
            self.ears.clear,
            self._reconfigure,
            lambda: self.publish(ReportReady(f"report_{next(self._numbers)}", self.random.random() < 0.5)),
            lambda: self.publish(ReportReady(f"report_{next(self._numbers)}")),
            lambda: self.publish(TurnEndEstimated(self.random.random())),
            lambda: self.publish(CallEnding("it was enough", self.random.choice(("", "Goodbye.")))),
        )
        self.random.choice(acts)()

    def _request(self) -> ResponseRequested:
        audible, in_conversation = self.random.random() < 0.7, self.random.random() < 0.8
        return ResponseRequested(f"request_{next(self._numbers)}", audible, in_conversation)

    def _reconfigure(self) -> None:
        detection = self._detection()
        self.publish(SessionConfigured(self._policy(), detection, self.random.random() < 0.8))
        self.ears.configure(detection.mode)

    def _policy(self) -> Policy:
        policy = PRESETS[self.random.choice(tuple(PRESETS))]
        return replace(policy, idle_prompt_seconds=self.random.choice((None, None, 3.0)))

    def _detection(self) -> TurnDetection:
        return TurnDetection(
            mode=self.random.choice((TurnMode.SEMANTIC, TurnMode.SEMANTIC, TurnMode.SILENCE, TurnMode.MANUAL)),
            create_response=self.random.random() < 0.8,
            interrupt_response=self.random.random() < 0.8,
        )


class SimulatedThinker:
    def __init__(self, world: World) -> None:
        self._world = world
        self._live: set[str] = set()
        self.known: list[str] = []

    def think(self, think: Think) -> None:
        self._live.add(think.think_id)
        self.known.append(think.think_id)
        random = self._world.random
        plot = random.choice(("speak", "speak", "speak", "silence", "nothing", "fail", "tools"))
        count = random.randint(1, 3) if plot == "speak" else random.choice((0, 0, 1, 2))
        self._later(think, lambda: self._write(think, 0, count, plot))

    def stop(self, think_id: str) -> None:
        if think_id in self._live:
            self._end(think_id, ThinkEnding.STOPPED)

    def _later(self, think: Think, act: Callable[[], None]) -> None:
        def if_live() -> None:
            if think.think_id in self._live:
                act()

        self._world.after(self._world.random.choice((0.0, 0.05, 0.3, 1.0, 2.5)), if_live)

    def _write(self, think: Think, index: int, count: int, plot: str) -> None:
        publish = self._world.publish
        if index < count:
            text = self._world.random.choice(WRITTEN)
            publish(WordsWritten(think.think_id, text))
            if think.audible:  # the real one writes no sentences for text
                publish(SentenceWritten(think.think_id, index, text))
            self._later(think, lambda: self._write(think, index + 1, count, plot))
            return
        match plot:
            case "silence":
                publish(SilenceChosen(think.think_id, "not for me"))
                self._end(think.think_id, ThinkEnding.DONE)
            case "fail":
                self._end(think.think_id, ThinkEnding.FAILED, "the model is down")
            case "tools":
                by_client = self._world.random.random() < 0.5
                publish(ToolCalled(think.think_id, "call_1", "look", "{}", by_client))
                if by_client:
                    self._end(think.think_id, ThinkEnding.TOOLS)
                else:
                    publish(ToolEnded(think.think_id, "call_1", "found"))
                    self._later(think, lambda: self._write(think, index, index + 1, "speak"))
            case _:
                self._end(think.think_id, ThinkEnding.DONE)

    def _end(self, think_id: str, ending: ThinkEnding, message: str = "") -> None:
        self._live.discard(think_id)
        self._world.publish(ThinkEnded(think_id, ending, message))


@dataclass
class _Utterance:
    utterance_id: str
    sentences: list[tuple[int, deque[str]]] = field(default_factory=list)
    """Rendered, and not yet played to their end."""
    written: int = 0
    closed: bool = False
    rendering: int = 0
    played: int = 0
    """Sentences that were heard to their end, or could not be rendered before them."""
    started: bool = False
    stopping: bool = False
    heard: list[str] = field(default_factory=list)
    truncated: int | None = None

    @property
    def text(self) -> str:
        return " ".join(self.heard if self.truncated is None else self.heard[: self.truncated])


class SimulatedPlayout:
    """Voice and playout in one: utterances sound one after another, a word each 0.2 s."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._line: dict[str, _Utterance] = {}
        self._ended: dict[str, _Utterance] = {}
        self._playing = False
        self.settles = world.random.random() < 0.5

    def speak(self, speak: Speak) -> None:
        utterance = self._line.setdefault(speak.utterance_id, _Utterance(speak.utterance_id))
        utterance.written += 1
        utterance.rendering += 1
        delay = self._world.random.choice((0.0, 0.1, 0.5))
        self._world.after(delay, lambda: self._rendered(utterance, speak))

    def _rendered(self, utterance: _Utterance, speak: Speak) -> None:
        utterance.rendering -= 1
        if utterance.utterance_id not in self._line or utterance.stopping:
            return
        if self._world.random.random() < 0.05:
            self._world.publish(VoiceFailed(speak.utterance_id, speak.index, "the voice broke"))
        else:
            self._world.publish(SpeechRendered(speak.utterance_id, speak.index, 1.0))
            utterance.sentences.append((speak.index, deque(speak.text.split())))
            utterance.sentences.sort()
        self._play()

    def close(self, utterance_id: str) -> None:
        self._line[utterance_id].closed = True
        self._play()

    def stop(self, utterance_id: str, within_seconds: float) -> None:
        utterance = self._line.get(utterance_id)
        if utterance is None:
            return
        utterance.stopping = True
        if not utterance.started or within_seconds == 0:
            self._end(utterance, stopped=True)
        else:
            self._world.after(within_seconds, lambda: self._end(utterance, stopped=True))

    def truncate(self) -> None:
        known = [*self._line.values(), *self._ended.values()]
        if known:
            utterance = self._world.random.choice(known)
            longest = len(utterance.heard) if utterance.truncated is None else utterance.truncated
            utterance.truncated = self._world.random.randint(0, longest)
            self._world.publish(HeardCorrected(utterance.utterance_id, utterance.text, 0.0))

    def _play(self) -> None:
        if not self._playing:
            self._playing = True
            self._world.after(0.0, self._tick)

    def _tick(self) -> None:
        self._playing = False
        head = next(iter(self._line.values()), None)
        if head is None or head.stopping:
            return  # its end goes on with the next
        if not head.sentences:
            if head.closed and not head.rendering:
                self._world.publish(PlayoutSent(head.utterance_id, 1.0))
                self._end(head, stopped=False)
            return
        if not head.started:
            head.started = True
            self._world.publish(PlayoutStarted(head.utterance_id))
        self._playing = True
        self._world.after(0.2, lambda: self._word_heard(head))

    def _word_heard(self, utterance: _Utterance) -> None:
        self._playing = False
        if utterance.utterance_id in self._line:
            left = utterance.sentences[0][1]
            utterance.heard.append(left.popleft())
            if not left:
                utterance.played = utterance.sentences.pop(0)[0] + 1
            self._world.publish(WordsHeard(utterance.utterance_id, " ".join(utterance.heard), 0.2))
        self._play()

    def _end(self, utterance: _Utterance, *, stopped: bool) -> None:
        if self._line.pop(utterance.utterance_id, None) is None:
            return
        self._ended[utterance.utterance_id] = utterance
        settled = self.settles or utterance.truncated is not None or not utterance.started
        unheard = utterance.sentences[0][0] if utterance.sentences else utterance.played
        self._world.publish(
            PlayoutEnded(utterance.utterance_id, stopped, utterance.text, 1.0, settled, unheard if stopped else None)
        )
        self._play()


class SimulatedEars:
    def __init__(self, world: World) -> None:
        self._world = world
        self._mode = world.state.turn_detection.mode
        self._segment = 0
        self._speaking = False
        self._hushed = False
        self._speech = 0
        self._uncommitted: int | None = None
        self._pending: set[int] = set()

    @property
    def _by_hand(self) -> bool:
        return self._mode is TurnMode.MANUAL

    def _begin_segment(self) -> int:
        number = self._segment
        self._segment += 1
        self._uncommitted = number
        self._pending.add(number)
        return number

    def say_something(self) -> None:
        """Sound for a while, pause, perhaps go on."""
        world = self._world
        if self._hushed or self._speaking:
            return
        self._speaking = True
        self._speech += 1
        text = world.random.choice(SAID)
        seconds = world.random.choice((0.2, 0.4, 1.0, 2.5))
        if not self._by_hand:
            world.publish(SpeechStarted(world.now - 0.1, 0.1))
        number = self._begin_segment()
        for part in range(world.random.randint(0, 2)):
            world.after(seconds * (part + 1) / 3, lambda: self._revise(number, text, is_final=False))
        if world.random.random() < 0.05:
            world.after(seconds / 2, lambda: self._crash(text))
        speech = self._speech
        world.after(seconds, lambda: self._pause(speech, number, text))

    def _pause(self, speech: int, number: int, text: str) -> None:
        if not self._speaking or speech != self._speech:
            return
        world = self._world
        if self._by_hand:
            if world.random.random() < 0.8:
                self.commit_by_hand()
            else:
                self.clear()
            world.after(0.3, lambda: self._finish(number, text))
            return
        self._stop_speech(0.2)
        self._finish(number, text)
        self._grow_pause(speech, 0.3)
        if world.random.random() < 0.5:
            world.after(world.random.choice((0.1, 0.3, 1.0, 2.0)), self.say_something)

    def _finish(self, number: int, text: str) -> None:
        """The final comes soon, late or never."""
        if self._world.random.random() > 0.05:
            delay = self._world.random.choice((0.0, 0.1, 0.5, 1.5))
            self._world.after(delay, lambda: self._revise(number, text, is_final=True))

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

    def _revise(self, number: int, text: str, *, is_final: bool) -> None:
        if number not in self._pending:
            return
        said = text.split() if is_final else self._world.random.choice((text.split(), text.split()[:1]))
        revised = tuple(
            WordTime(word, 0.0, 0.1, self._world.random.choice((None, 0.2, 0.9))) for number, word in enumerate(said)
        )
        if is_final:
            self._pending.discard(number)
        self._world.publish(
            TranscriptRevised(number, revised if is_final else (), () if is_final else revised, is_final)
        )

    def _crash(self, text: str) -> None:
        """All that is pending gets its final; what is being said goes on as another segment."""
        if not self._pending:
            return
        self._world.publish(EarsFailed("the recogniser died", self._world.random.random() < 0.7))
        for number in sorted(self._pending):
            self._revise(number, "", is_final=True)
        if self._speaking:
            number = self._begin_segment()
            self._world.after(0.2, lambda: self._revise(number, text, is_final=False))
            self._finish(number, text)

    def commit_by_hand(self) -> None:
        self._stop_speech(0.0)
        number, self._uncommitted = self._uncommitted, None
        if number is None:
            number = self._begin_segment()
            self._uncommitted = None
            self._world.publish(InputCommitted(number, 0.0, self._world.now))
            self._revise(number, "", is_final=True)
        else:
            self._world.publish(InputCommitted(number, 0.0, self._world.now))
            self._finish(number, "what about this")

    def clear(self) -> None:
        speaking = self._speaking
        self._stop_speech(0.0)
        if speaking and self._uncommitted is not None:
            self._revise(self._uncommitted, "", is_final=True)
        self._uncommitted = None
        self._world.publish(InputCleared())

    def configure(self, mode: TurnMode) -> None:
        if mode is not self._mode and TurnMode.MANUAL in (mode, self._mode):
            number, speaking = self._uncommitted, self._speaking
            self._stop_speech(0.0)
            if speaking and number is not None:
                self._finish(number, "what about this")
        self._mode = mode

    def hush(self) -> None:
        """Nobody says anything more; what is being said by hand is committed."""
        self._hushed = True
        if self._by_hand:
            self.commit_by_hand()
        elif self._speaking:
            number = self._uncommitted
            self._stop_speech(0.2)
            if number is not None:
                self._finish(number, "and so on")


def is_at_rest(state: State) -> bool:
    return state.floor is Floor.RESTING and state.turn is None and not state.answers and not state.unsettled
