"""Pure: the ``stretto.*`` events, which show what the standard protocol keeps inside. Sent only on request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from realtime.drafts import Ahead, Fate
from realtime.wire.session_types import Json
from realtime.wire.state import WireState
from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command, Purpose, SpeakSource
from scheduler.events import Event
from scheduler.pcm import WordTime, join_words

ResponseOf = Callable[[str], str | None]
"""The running response of a think, if it has one; or the response that an utterance is said in, running or not."""

_NOT_TOLD = (
    *(ev.PauseGrew, ev.DeadlineReached, ev.SessionConfigured),
    *(ev.ThoughtGrown, ev.WordsWritten, ev.SentenceGrew),
)
"""Too frequent for the timeline, or told by an event of their own."""

REMEMBERED = 64
"""Thinks and utterances; only those that go on matter."""


class Phase(StrEnum):
    """How far an answer has come. Writing and sounding overlap: the first sentence sounds while the next is written."""

    THINKING = "thinking"
    WRITING = "writing"
    WRITTEN = "written"
    READY = "ready"
    """Its first audio has been rendered."""
    SOUNDING = "sounding"
    HEARD = "heard"
    CUT_OFF = "cut_off"


@dataclass(slots=True)
class _Known:
    """A think. ``speaks_for``: it is an answer, or a draft that was promoted. ``ready_in``: the utterance whose first
    audio was rendered before that. ``waiting``: tools that begin when it is promoted, ``running``: those that were told."""

    purpose: Purpose
    turn_id: str | None
    speaks_for: bool
    committed: bool
    phase: Phase | None = None
    words: str = ""
    ready_in: str = ""
    silence: str | None = None
    waiting: list[ev.ToolCalled] = field(default_factory=list)
    running: list[str] = field(default_factory=list)


class Extensions:
    """Follows a session from when the client asked: of a think that had begun before only its name is told."""

    def __init__(self, state: WireState) -> None:
        self._state = state
        self._thinks: OrderedDict[str, _Known] = OrderedDict()
        self._thinks_of: OrderedDict[str, str | None] = OrderedDict()
        """The think of an utterance; ``None``: nobody's."""
        self._floor = ""
        self._response_of: ResponseOf = lambda _: None
        self._said_in: ResponseOf = lambda _: None

    def observe(
        self,
        at: float,
        happened: Event | Command,
        changed: Sequence[Ahead],
        response_of: ResponseOf,
        said_in: ResponseOf,
    ) -> list[Json]:
        """``at``: session time in seconds. ``changed``: what ``DraftWatch`` gave for it. ``response_of``: of a think,
        ``said_in``: of an utterance."""
        self._response_of, self._said_in = response_of, said_in
        events = self._ears(happened)
        events += self._mind(happened)
        events += [event for ahead in changed for event in self._ahead(ahead)]
        events += self._mouth(happened)
        events += self._floor_now()
        if not isinstance(happened, _NOT_TOLD):
            told = {"at_seconds": round(at, 3), "name": type(happened).__name__, "fields": _plain_fields(happened)}
            events.append(self._state.event("stretto.timeline", **told))
        return events

    # --- heard ----------------------------------------------------------------------------------------

    def _ears(self, happened: Event | Command) -> list[Json]:
        match happened:
            case ev.TranscriptRevised(segment, stable, tentative, is_final):
                words = {"stable": join_words(stable), "tentative": join_words(tentative)}
                return [self._state.event("stretto.heard", segment=segment, **words, is_final=is_final)]
            case do.EndTurn(turn_id, outcome, reason):
                return [self._state.event("stretto.turn", turn_id=turn_id, outcome=outcome.value, reason=reason)]
            case do.Backchannel(text):
                return [self._state.event("stretto.backchannel", text=text)]
            case _:
                return []

    def _floor_now(self) -> list[Json]:
        """The kernel's state is known after each step only: a change that ordered nothing is told with the next one."""
        floor = self._state.floor()
        if not floor or floor == self._floor:
            return []
        self._floor = floor
        return [self._state.event("stretto.floor", floor=floor)]

    # --- thought --------------------------------------------------------------------------------------

    def _mind(self, happened: Event | Command) -> list[Json]:
        match happened:
            case do.Think():
                return self._begin(happened)
            case ev.ThoughtGrown(think_id, text):
                return self._thought(think_id, text)
            case ev.WordsWritten(think_id, text):
                return self._written(think_id, text)
            case ev.SilenceChosen(think_id, reason):
                return self._silence(think_id, reason)
            case ev.ToolCalled(by_client=False):
                return self._tool_called(happened)
            case ev.ToolLeftBehind(think_id, call_id):
                self._runs_no_more(think_id, call_id)  # for its think: it may outlive it
                return []
            case ev.ToolEnded(think_id) if think_id:  # a client's own tool is its own affair
                return self._tool_ended(happened)
            case ev.EndingForeseen(think_id, ending, probability):
                return [self._of_think("stretto.foresight", think_id, ending=ending, probability=round(probability, 3))]
            case ev.ThinkEnded(think_id, ending):
                return self._stopped_tools(think_id) + self._ended(think_id, ending)
            case do.PromoteThinking(think_id):
                return self._promoted(think_id)
            case _:
                return []

    def _thought(self, think_id: str, text: str) -> list[Json]:
        known = self._thinks.get(think_id)
        if known is None or known.purpose is not Purpose.NOTES:
            return [self._of_think("stretto.thought.delta", think_id, delta=text)]
        known.words += text
        return [self._of_think("stretto.note.delta", think_id, delta=text)]

    def _tool_called(self, called: ev.ToolCalled) -> list[Json]:
        """When it really begins: what does more than read awaits the promotion of its draft."""
        known = self._thinks.get(called.think_id)
        if known is not None and called.awaits_commit and not known.committed:
            known.waiting.append(called)
            return []
        if known is not None:
            known.running.append(called.call_id)
        progress = {"progress": called.progress} if called.progress else {}
        what: Json = {"call_id": called.call_id, "name": called.name, "arguments": called.arguments, **progress}
        return [self._of_think("stretto.tool.called", called.think_id, **what)]

    def _tool_ended(self, ended: ev.ToolEnded) -> list[Json]:
        """One that has not begun (it was cancelled before) was not told, and has no end."""
        known = self._thinks.get(ended.think_id)
        if known is not None and ended.call_id in [called.call_id for called in known.waiting]:
            known.waiting = [called for called in known.waiting if called.call_id != ended.call_id]
            return []
        self._runs_no_more(ended.think_id, ended.call_id)
        return [self._end_of_tool(ended.think_id, ended.call_id, failed=ended.failed)]

    def _end_of_tool(self, think_id: str, call_id: str, *, failed: bool) -> Json:
        return self._of_think("stretto.tool.ended", think_id, call_id=call_id, failed=failed)

    def _runs_no_more(self, think_id: str, call_id: str) -> None:
        known = self._thinks.get(think_id)
        if known is not None and call_id in known.running:
            known.running.remove(call_id)

    def _stopped_tools(self, think_id: str) -> list[Json]:
        """Nothing outlives what was never promoted. An answer's tool may, which is not known here."""
        known = self._thinks.get(think_id)
        if known is None or known.committed:
            return []
        running, known.running = known.running, []
        known.waiting.clear()
        return [self._end_of_tool(think_id, call_id, failed=True) for call_id in running]

    def _begin(self, think: do.Think) -> list[Json]:
        answers = not (think.purpose.is_speculative or think.purpose is Purpose.AFTERTHOUGHT)
        _remember(
            self._thinks,
            think.think_id,
            _Known(think.purpose, think.turn_id, answers, not think.purpose.is_speculative),
        )
        effort = think.effort.value if think.effort else "auto"
        return [
            self._of_think("stretto.effort", think.think_id, effort=effort),
            *self._reach(think.think_id, Phase.THINKING),
        ]

    def _written(self, think_id: str, text: str) -> list[Json]:
        known = self._thinks.get(think_id)
        if known is None:
            return []
        if known.purpose is Purpose.AFTERTHOUGHT:
            known.words += text
        if known.purpose is Purpose.DRAFT and not known.speaks_for:
            known.phase = Phase.WRITING
            return [self._of_think("stretto.draft.delta", think_id, delta=text)]
        return self._reach(think_id, Phase.WRITING) if known.phase is Phase.THINKING else []

    def _silence(self, think_id: str, reason: str) -> list[Json]:
        """A draft's silence is one only if it is promoted."""
        known = self._thinks.get(think_id)
        if known is not None and known.purpose is Purpose.DRAFT and not known.speaks_for:
            known.silence = reason
            return []
        return [self._of_think("stretto.silence", think_id, reason=reason)]

    def _ended(self, think_id: str, ending: ev.ThinkEnding) -> list[Json]:
        """An afterthought that came to no end of its own says nothing: neither that there is something to correct, nor
        that there is not."""
        known = self._thinks.get(think_id)
        if known is None:
            return []
        if known.purpose is Purpose.AFTERTHOUGHT:
            if ending is not ev.ThinkEnding.DONE:
                return []
            return [self._of_think("stretto.afterthought", think_id, text=known.words.strip())]
        return self._reach(think_id, Phase.WRITTEN)

    def _promoted(self, think_id: str) -> list[Json]:
        """What was reached before is told now, and what has waited for it begins."""
        known = self._thinks.get(think_id)
        if known is None or known.purpose is not Purpose.DRAFT:
            return []
        known.speaks_for = known.committed = True
        events = self._reach(think_id, known.phase or Phase.THINKING)
        if known.ready_in:
            events += self._sound(known.ready_in, Phase.READY)
        waiting, known.waiting = known.waiting, []
        events += [event for called in waiting for event in self._tool_called(called)]
        return events if known.silence is None else [*events, *self._silence(think_id, known.silence)]

    def _ahead(self, ahead: Ahead) -> list[Json]:
        if ahead.think.purpose is Purpose.NOTES:
            return self._notes(ahead)
        turn_id = {"turn_id": ahead.think.turn_id} if ahead.think.turn_id else {}
        match ahead.fate:
            case Fate.OPEN:
                more: Json = {"basis": ahead.think.basis, "foreseen": ahead.foreseen, **turn_id}
                return [self._of_think("stretto.draft.started", ahead.think_id, **more)]
            case Fate.FROZEN | Fate.ABANDONED:
                return [self._of_think(f"stretto.draft.{ahead.fate.value}", ahead.think_id, reason=ahead.reason)]
            case Fate.VERIFIED:
                return [self._of_think("stretto.draft.verified", ahead.think_id, taken_by=ahead.taken_by)]
            case Fate.PROMOTED:
                return [self._of_think("stretto.draft.promoted", ahead.think_id, **turn_id)]

    def _notes(self, ahead: Ahead) -> list[Json]:
        match ahead.fate:
            case Fate.PROMOTED if self._has_words(ahead.think_id):
                return [self._of_think("stretto.note.kept", ahead.think_id)]
            case Fate.ABANDONED:
                return [self._of_think("stretto.note.dropped", ahead.think_id, reason=ahead.reason)]
            case _:
                return []

    def _has_words(self, think_id: str) -> bool:
        """Of notes that began before the client asked for events, what is in them is not known."""
        known = self._thinks.get(think_id)
        return known is None or bool(known.words.strip())

    def _purpose(self, think_id: str) -> Purpose | None:
        known = self._thinks.get(think_id)
        return known.purpose if known else None

    def _of_think(self, kind: str, think_id: str, **more: object) -> Json:
        """The response's id is left out where the think has none (any more), the purpose where it is not known."""
        response_id, purpose = self._response_of(think_id), self._purpose(think_id)
        where = ({"response_id": response_id} if response_id else {}) | ({"purpose": purpose.value} if purpose else {})
        return self._state.event(kind, think_id=think_id, **where, **more)

    def _reach(self, think_id: str, phase: Phase) -> list[Json]:
        known = self._thinks[think_id]
        known.phase = phase
        return [self._of_think("stretto.phase", think_id, phase=phase.value)] if known.speaks_for else []

    # --- said -----------------------------------------------------------------------------------------

    def _mouth(self, happened: Event | Command) -> list[Json]:
        match happened:
            case do.Speak(utterance_id, think_id=think_id, source=source):
                _remember(self._thinks_of, utterance_id, think_id)
                return self._filler(happened) if source is SpeakSource.FILLER else []
            case do.SkipSentence(utterance_id, index):
                return [self._of_utterance("stretto.filler.skipped", utterance_id, index=index)]
            case ev.SpeechReady(utterance_id, index) if index == 0:
                return self._sound(utterance_id, Phase.READY)
            case ev.PlayoutStarted(utterance_id):
                return self._sound(utterance_id, Phase.SOUNDING)
            case ev.WordsHeard(utterance_id, text, seconds) | ev.HeardCorrected(utterance_id, text, seconds):
                return [self._said(utterance_id, text, seconds)]
            case ev.PlayoutEnded(utterance_id, stopped, text, seconds):
                said = [self._said(utterance_id, text, seconds)] if text or seconds else []
                return said + self._sound(utterance_id, Phase.CUT_OFF if stopped else Phase.HEARD)
            case _:
                return []

    def _said(self, utterance_id: str, text: str, seconds: float) -> Json:
        """What the caller has heard of the utterance so far; after its end, for good."""
        response_id = self._said_in(utterance_id)
        where = {"utterance_id": utterance_id} | ({"response_id": response_id} if response_id else {})
        return self._state.event("stretto.said", **where, text=text, seconds=round(seconds, 3))

    def _filler(self, speak: do.Speak) -> list[Json]:
        return [self._of_utterance("stretto.filler", speak.utterance_id, index=speak.index, text=speak.text)]

    def _sound(self, utterance_id: str, phase: Phase) -> list[Json]:
        """Speech of a draft that nobody has promoted is none."""
        known = self._thinks.get(self._thinks_of.get(utterance_id) or "")
        if known and not known.speaks_for:
            known.ready_in = utterance_id
        if utterance_id not in self._thinks_of or (known and not known.speaks_for):
            return []
        return [self._of_utterance("stretto.phase", utterance_id, phase=phase.value)]

    def _of_utterance(self, kind: str, utterance_id: str, **more: object) -> Json:
        think_id = self._thinks_of.get(utterance_id)
        if think_id is None:
            return self._state.event(kind, utterance_id=utterance_id, **more)
        return self._of_think(kind, think_id, utterance_id=utterance_id, **more)


def _remember(memory: OrderedDict[str, Any], name: str, value: object) -> None:
    memory[name] = value
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _plain_fields(happened: Event | Command) -> Json:
    named = {field.name: _plain(getattr(happened, field.name)) for field in fields(happened)}
    return {name: value for name, value in named.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, WordTime):
        return {"text": value.text, "start_seconds": value.start_seconds, "end_seconds": value.end_seconds}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
