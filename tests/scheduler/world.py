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
from dataclasses import replace
from random import Random

from scheduler.commands import (
    Command,
    EndUtterance,
    GoOnSpeaking,
    Hold,
    PauseSpeaking,
    PromoteThinking,
    Release,
    SkipSentence,
    Speak,
    StopSpeaking,
    StopThinking,
    Think,
)
from scheduler.conductor import decide, initial_state
from scheduler.events import (
    CallEnding,
    CallStarted,
    DeadlineReached,
    Event,
    OutputCleared,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SessionConfigured,
    TurnEndEstimated,
)
from scheduler.floor import Floor
from scheduler.policy import PRESETS, Policy, TurnDetection, TurnMode
from scheduler.state import State
from tests.scheduler.monitor import Monitor
from tests.scheduler.simulated_ears import SimulatedEars
from tests.scheduler.simulated_playout import SimulatedPlayout
from tests.scheduler.simulated_thinker import SimulatedThinker
from tests.scheduler.surroundings import chance

SETTLING_SECONDS = 60.0
"""All that was begun comes to its end within this time, when nobody begins anything more."""


class World:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = 0.0
        self.state = initial_state(self._policy(), self._detection())
        self._happened: list[tuple[float, Event, tuple[Command, ...]]] = []
        self._numbers = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._bus: deque[Event] = deque()
        self._laggy = random.random() < 0.3
        self._reading = False
        self.thinker = SimulatedThinker(self)
        self.playout = SimulatedPlayout(self)
        self.ears = SimulatedEars(self)
        self.monitor = Monitor()

    @property
    def dialogue(self) -> list[str]:
        """For people to read."""
        return [
            line
            for at, event, commands in self._happened
            for line in (f"{at:8.3f} >> {event}", *(f"{at:8.3f} << {command}" for command in commands))
        ]

    # --- what its parts see of it ---------------------------------------------------------------------

    @property
    def mode(self) -> TurnMode:
        return self.state.turn_detection.mode

    def rest_of(self, text: str) -> str:
        return self.ears.rest_of(text)

    def may_act(self, think_id: str) -> bool:
        return self.monitor.may_act(think_id)

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
                assert after is None or after > self.now, f"an alarm stays due: {self.state.alarms}"
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
        before = self.state
        self.state, commands = decide(before, event, self.now)
        self._happened.append((self.now, event, commands))
        self.monitor.watch(before, event, self.state, commands, self.now)
        for command in commands:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Think():
                self.thinker.think(command)
            case StopThinking(think_id):
                self.thinker.stop(think_id)
            case PromoteThinking(think_id):
                self.thinker.promote(think_id)
            case Speak():
                self.playout.speak(command)
            case EndUtterance(utterance_id):
                self.playout.close(utterance_id)
            case Hold(utterance_id):
                self.playout.hold(utterance_id)
            case PauseSpeaking(utterance_id):
                self.playout.pause(utterance_id)
            case GoOnSpeaking(utterance_id):
                self.playout.go_on(utterance_id)
            case Release(utterance_id):
                self.playout.release(utterance_id)
            case SkipSentence(utterance_id, index):
                self.playout.skip(utterance_id, index)
            case StopSpeaking(utterance_id, within_seconds):
                self.playout.stop(utterance_id, within_seconds)
            case _:
                pass  # for clients and the history, which the monitor watches

    # --- what may happen ------------------------------------------------------------------------------

    def live(self, seconds: float) -> None:
        """A call of this length, then silence until all is settled, then its end."""
        self.publish(CallStarted(self.random.choice((None, "", "Hello, how can I help?"))))
        for _ in range(self.random.randint(1, 4)):
            self.after(self.random.uniform(0, seconds), self.ears.say_something)
        for _ in range(self.random.choice((0, 0, 1, 2, 3))):
            self.after(self.random.uniform(0, seconds), self._client_acts)
        for _ in range(self.random.choice((0, 0, 2, 5))):
            self.after(self.random.uniform(0, seconds), self.ears.make_a_noise)
        self.run_until(seconds)
        self.ears.hush()
        self.run_until(seconds + SETTLING_SECONDS)

    def end(self) -> None:
        self.publish(CallEnding("the line was closed", self.random.choice(("", "Goodbye."))))
        self.run_until(self.now + 10.0)

    def check_what_was_said(self) -> None:
        self.monitor.ahead.check_what_was_said(self.thinker.texts)

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
        """Small thresholds, so that everything happens often."""
        pick, policy = self.random.choice, PRESETS[self.random.choice(tuple(PRESETS))]
        return replace(
            policy,
            idle_prompt_seconds=pick((None, None, 3.0)),
            drafts=chance(self.random, 0.85),
            max_drafts=pick((2, 3, 5)),
            draft_window_turns=pick((2, 8)),
            foresight=chance(self.random, 0.7),
            foresight_min_words=2,
            notes=chance(self.random, 0.8),
            notes_after_seconds=pick((0.5, 2.5)),
            notes_ceiling_seconds=pick((1.0, 4.0)),
            notes_step_words=3,
            fillers=chance(self.random, 0.8),
            filler_short_seconds=pick((0.2, 0.5)),
            filler_long_seconds=pick((0.5, 1.5)),
            progress_after_seconds=pick((1.0, 4.0)),
            progress_every_seconds=pick((1.0, 5.0)),
            hears_itself=chance(self.random, 0.3),
            afterthoughts=pick((False, True, True)),
            afterthought_seconds=pick((0.3, 1.0)),
            backchannels=chance(self.random, 0.5),
            backchannel_after_seconds=0.5,
            backchannel_every_seconds=pick((1.0, 6.0)),
        )

    def _detection(self) -> TurnDetection:
        return TurnDetection(
            mode=self.random.choice((*[TurnMode.SEMANTIC] * 4, TurnMode.SILENCE, TurnMode.MANUAL)),
            create_response=self.random.random() < 0.85,
            interrupt_response=self.random.random() < 0.8,
        )


def is_at_rest(state: State) -> bool:
    """Nothing is said, thought, held or awaited."""
    speculation = state.drafts or state.foresight or state.afterthought
    going_on = state.turn or state.answers or state.unsettled or speculation
    return state.floor is Floor.RESTING and not going_on
