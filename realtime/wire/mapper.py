"""Pure: from what happens in the kernel to the server events of the OpenAI Realtime protocol.

``WireMapper`` watches every event and command of a session, in order, and is told of the audio as it leaves.
It answers with the server events that are due, in the order clients rely on. One think is one response;
what sounds without one (a greeting, a failure said aloud, speech taken up again) is a response of its own.
A stopped response is closed at once: stock clients flush their playback when speech starts, and audio that came
later would be played over the user.

What is thought ahead or afterwards (drafts, notes, foresight, afterthoughts) is no response: a draft becomes one when
it is promoted, and speech rendered for it is told when it is released. Of all others nothing is ever told.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace

from realtime.drafts import Ahead, DraftWatch
from realtime.wire.audio_format import RATES_HZ, SAMPLE_BYTES
from realtime.wire.extensions import Extensions
from realtime.wire.output_buffer import OutputBuffer
from realtime.wire.responses import COMPLETED, OUT_OF_TOKENS, CancelReason, Closing, Response, cancelled, failed
from realtime.wire.session_types import Json
from realtime.wire.state import ResponseRequest, WireState
from realtime.wire.turns import Turns
from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.pcm import WordTime

MAX_HELD = 16
"""Utterances that are held back; there is one for each draft that is kept, and they are stopped in the end."""

REMEMBERED = 64
"""Utterances whose response is still known; they are heard for seconds after it is over."""

_NO_RESPONSE = (do.Purpose.DRAFT, do.Purpose.NOTES, do.Purpose.FORESIGHT, do.Purpose.AFTERTHOUGHT)


class WireMapper:
    def __init__(self, state: WireState) -> None:
        self._state = state
        self._turns = Turns(state)
        self._drafts = DraftWatch()
        self._extensions = Extensions(state)
        self._buffer = OutputBuffer(state) if state.media else None
        self._promoted: list[Response] = []
        """In the conductor's present step, of drafts that had ended."""
        self._held: OrderedDict[str, list[do.Speak]] = OrderedDict()
        """Speech that is rendered ahead and stays on the server, by utterance."""
        self._by_think: dict[str, Response] = {}
        self._by_utterance: dict[str, Response] = {}
        self._said_in: OrderedDict[str, str] = OrderedDict()
        """The responses of the latest utterances, running or not."""
        self._cause: Event | None = None
        self._unanswered: set[str] = set()
        """Requested responses of the conversation that have not begun: while the transcript of a turn or of a spoken
        item is awaited, that takes a moment."""
        self._taken_back: deque[frozenset[str]] = deque()
        """What the client's cancellations, which the kernel has yet to hear of, took back of these."""

    # --- what inbound asks ----------------------------------------------------------------------------

    @property
    def running(self) -> list[Response]:
        """Responses without their ``response.done``, oldest first."""
        return list(dict.fromkeys([*self._by_think.values(), *self._by_utterance.values()]))

    @property
    def conversation_is_busy(self) -> bool:
        """A response of the conversation is running, or was just asked for.

        What the server began to say by itself gives way to the client's request: it is no reason to refuse it.
        """
        return bool(self._unanswered) or any(
            response.in_conversation and not response.is_unasked for response in self.running
        )

    @property
    def awaits_response(self) -> bool:
        """The client asked for a response of the conversation that has not begun."""
        return bool(self._unanswered)

    def requested(self, request_id: str, request: ResponseRequest) -> None:
        """The client asked for a response, which ``Think.request_id`` will begin."""
        self._state.requests[request_id] = request
        if request.in_conversation:
            self._unanswered.add(request_id)

    def took_back(self) -> None:
        """The client cancels the running response of the conversation, and with it what it has asked for."""
        self._taken_back.append(frozenset(self._unanswered))
        self._unanswered.clear()

    # --- the kernel's facts ---------------------------------------------------------------------------

    def observe(self, at: float, happened: Event | Command) -> list[Json]:
        """``at``: session time in seconds."""
        if isinstance(happened, Event):
            self._cause = happened
        if isinstance(happened, ev.ResponseCancelled):
            self._forget_taken_back(happened)
        changed = self._drafts.observe(happened)
        events = self._finish_silent() if isinstance(happened, Event) else []
        events += self._turn_events(happened) or self._think_events(happened) or self._speech_events(happened)
        self._await_held()
        if self._buffer:
            events = events + self._buffer.observe(happened)
        if self._state.sends_extensions:
            events = events + self._extensions.observe(at, happened, changed, self._response_of, self._said_in.get)
        return events

    def audio(self, utterance_id: str, data: bytes, words: tuple[WordTime, ...]) -> list[Json]:
        """Audio leaves the server, in the session's output format, with the words that start in it."""
        audio_format = self._state.session.output_format
        seconds = len(data) / SAMPLE_BYTES[audio_format] / RATES_HZ[audio_format]
        return self._left(utterance_id, data, seconds, words)

    def audio_left(self, utterance_id: str, seconds: float, words: tuple[WordTime, ...]) -> list[Json]:
        """The same on a line that carries the audio itself: only the words are told."""
        return self._left(utterance_id, b"", seconds, words)

    def _left(self, utterance_id: str, data: bytes, seconds: float, words: tuple[WordTime, ...]) -> list[Json]:
        response = self._by_utterance.get(utterance_id)
        return response.speak(utterance_id, data, seconds, words) if response else []

    def item_unread(self, item_id: str) -> list[Json]:
        """The audio of a client's item could not be recognised."""
        return self._turns.item_unread(item_id)

    def close(self) -> list[Json]:
        """The call is over: every response gets its end."""
        self._held.clear()
        return [event for response in self.running for event in self._finish(response, cancelled(None))]

    def _forget_taken_back(self, cancelled: ev.ResponseCancelled) -> None:
        """What the kernel has not begun by now, it never will."""
        if cancelled.think_id is None and self._taken_back:
            for request_id in self._taken_back.popleft():
                self._state.requests.pop(request_id, None)

    # --- turns ----------------------------------------------------------------------------------------

    def _turn_events(self, happened: Event | Command) -> list[Json]:
        turns = self._turns
        match happened:
            case do.OpenTurn():
                return turns.opened(happened)
            case do.CommitTurn():
                return turns.committed(happened)
            case do.AmendTurn():
                return turns.amended(happened)
            case do.EndTurn():
                return turns.ended(happened)
            case do.TellTimeout(silence_seconds):
                return turns.timed_out(silence_seconds)
            case ev.TranscriptRevised():
                return turns.revised(happened)
            case ev.EarsFailed():
                return turns.ears_failed()
            case ev.SpeechStopped(audio_seconds):
                turns.speech_stopped(audio_seconds)
            case ev.InputCleared():
                turns.input_cleared()
            case _:
                pass
        return []

    # --- thinking -------------------------------------------------------------------------------------

    def _think_events(self, happened: Event | Command) -> list[Json]:
        match happened:
            case do.Think(purpose=purpose):
                return self._answer(happened) if purpose not in _NO_RESPONSE else []
            case do.PromoteThinking(think_id):
                return self._promote(self._drafts.get(think_id))
            case ev.WordsWritten(think_id, text) | ev.OpeningVerified(think_id, text):
                return self._write(think_id, text)
            case ev.ToolCalled(think_id, call_id, name, arguments, by_client):
                response = self._by_think.get(think_id)
                return response.call_function(call_id, name, arguments) if response and by_client else []
            case ev.ThinkEnded():
                return self._think_ended(happened)
            case do.StopThinking(think_id):
                return self._stop_thinking(think_id)
            case do.EndCall():
                return self.close()
            case _:
                return []

    def _answer(self, think: do.Think) -> list[Json]:
        return self._begin(think) + self._write(think.think_id, think.opening if think.opening_holds else "")

    def _begin(self, think: do.Think) -> list[Json]:
        request = self._state.requests.pop(think.request_id, None) if think.request_id else None
        self._unanswered.discard(think.request_id or "")
        fields = request.fields if request else self._fields_of_server(audible=think.audible)
        response = Response(
            self._state,
            fields,
            think_id=think.think_id,
            audible=think.audible,
            in_conversation=think.in_conversation,
            unasked=think.request_id is None and think.purpose is not do.Purpose.ANSWER,
        )
        self._by_think[think.think_id] = response
        return response.created()

    def _promote(self, draft: Ahead | None) -> list[Json]:
        """A draft is the answer now. It may have ended before, and have its beginning ready to sound."""
        if draft is None or draft.think.purpose is not do.Purpose.DRAFT or draft.think_id in self._by_think:
            return []
        events = self._begin(draft.think) + self._write(draft.think_id, draft.written)
        if draft.ended is None:
            return events
        response = self._by_think[draft.think_id]
        response.tokens = _tokens(draft.ended)
        response.closing = COMPLETED if draft.ended.ending is ev.ThinkEnding.STOPPED else _closing(draft.ended)
        self._promoted.append(response)
        return events

    def _finish_silent(self) -> list[Json]:
        """Promoted drafts that had ended: if the conductor had nothing of them spoken, nothing more comes."""
        promoted, self._promoted = self._promoted, []
        return [event for response in promoted for event in self._finish_if_said(response)]

    def _write(self, think_id: str, text: str) -> list[Json]:
        """Text of an answer that is not spoken."""
        response = self._by_think.get(think_id)
        return response.write(text) if text and response and not response.audible else []

    def _fields_of_server(self, *, audible: bool) -> Json:
        modality = "audio" if audible else "text"
        return self._state.session.response_defaults() | {"output_modalities": [modality], "metadata": None}

    def _think_ended(self, ended: ev.ThinkEnded) -> list[Json]:
        response = self._by_think.get(ended.think_id)
        if response is None:
            return []
        response.tokens = _tokens(ended)
        response.closing = response.closing or _closing(ended)
        return self._finish_if_said(response)

    def _stop_thinking(self, think_id: str) -> list[Json]:
        """What already sounds may go on; then the response ends with it, else now."""
        response = self._by_think.get(think_id)
        if response is None:
            return []
        response.closing = cancelled(self._reason())
        return self._finish_if_said(response)

    # --- speaking -------------------------------------------------------------------------------------

    def _speech_events(self, happened: Event | Command) -> list[Json]:
        match happened:
            case do.Speak():
                return self._speak_or_hold(happened)
            case do.Hold(utterance_id):
                self._hold(utterance_id)
            case do.Release(utterance_id):
                return self._release(utterance_id)
            case do.StopSpeaking(utterance_id, _, reason) if utterance_id in self._held:
                return self._give_up_held(utterance_id, None if reason == "abandoned" else _stopped(reason))
            case do.StopSpeaking(utterance_id, _, reason):
                response = self._by_utterance.get(utterance_id)
                return self._finish(response, _stopped(reason)) if response else []
            case do.SkipSentence(utterance_id, index):
                if response := self._by_utterance.get(utterance_id):
                    response.speech_skipped(utterance_id, index)
            case ev.VoiceFailed(utterance_id, index):
                if held := self._held.get(utterance_id):
                    held[:] = [speak for speak in held if speak.index != index]
                if response := self._by_utterance.get(utterance_id):
                    response.speech_failed(utterance_id, index)
            case ev.PlayoutSent(utterance_id):
                return self._through(utterance_id)
            case ev.PlayoutEnded(utterance_id, stopped):
                self._held.pop(utterance_id, None)
                response = self._by_utterance.get(utterance_id)
                if response and stopped:
                    return self._finish(response, cancelled(self._reason()))
                return self._through(utterance_id)
            case do.RecordHeard(utterance_id, text) | ev.HeardCorrected(utterance_id, text):
                self._record_heard(utterance_id, text)
            case _:
                pass
        return []

    def _speak(self, speak: do.Speak) -> list[Json]:
        response = self._by_utterance.get(speak.utterance_id) or self._by_think.get(speak.think_id or "")
        events: list[Json] = []
        if response is None:
            unasked = speak.source in (do.SpeakSource.AFTERTHOUGHT, do.SpeakSource.SERVER)
            response = Response(self._state, self._fields_of_server(audible=True), think_id=None, unasked=unasked)
            events = response.created()
        self._by_utterance[speak.utterance_id] = response
        self._remember(speak.utterance_id, response)
        if self._buffer:
            self._buffer.expect(speak.utterance_id, response)
        return events + response.expect_speech(speak.utterance_id, speak.index, speak.text)

    def _remember(self, utterance_id: str, response: Response) -> None:
        self._said_in[utterance_id] = response.id
        while len(self._said_in) > REMEMBERED:
            self._said_in.popitem(last=False)

    # --- speech held back -----------------------------------------------------------------------------

    def _hold(self, utterance_id: str) -> None:
        self._held[utterance_id] = []
        while len(self._held) > MAX_HELD:
            self._held.popitem(last=False)

    def _speak_or_hold(self, speak: do.Speak) -> list[Json]:
        held = self._held.get(speak.utterance_id)
        if held is None:
            return self._speak(speak)
        held.append(speak)
        return []

    def _release(self, utterance_id: str) -> list[Json]:
        """It belongs to the response of its draft, or of the think that took over what the draft wrote."""
        held = self._held.pop(utterance_id, None)
        if not held:
            return []
        owner = self._drafts.owner(utterance_id)
        # a release without a promotion: whatever sounds belongs to a response
        events = self._promote(self._drafts.get(owner)) if owner not in self._by_think else []
        for speak in held:
            events += self._speak(replace(speak, think_id=owner or speak.think_id))
        return events

    def _await_held(self) -> None:
        for utterance_id in self._held:
            if response := self._owner_of_held(utterance_id):
                response.await_speech(utterance_id)

    def _owner_of_held(self, utterance_id: str) -> Response | None:
        return self._by_think.get(self._drafts.owner(utterance_id) or "")

    def _give_up_held(self, utterance_id: str, closing: Closing | None) -> list[Json]:
        """Of a draft that is thrown away nobody has heard. An answer whose thinking is over ends with its speech;
        one that is still being thought may be spoken anew, or is stopped by an order of its own.
        ``closing=None``: as it would have ended anyway."""
        response = self._owner_of_held(utterance_id)
        del self._held[utterance_id]
        if response is None:
            return []
        response.give_up_speech(utterance_id)
        return [] if response.closing is None else self._finish(response, closing or response.closing)

    # --- what is through ------------------------------------------------------------------------------

    def _through(self, utterance_id: str) -> list[Json]:
        response = self._by_utterance.pop(utterance_id, None)
        if response is None:
            return []
        return response.speech_is_through(utterance_id) + self._finish_if_said(response)

    def _record_heard(self, utterance_id: str, text: str) -> None:
        """The history holds what was heard, and so does the item when it is retrieved."""
        record = self._state.conversation.find_spoken(utterance_id)
        if record is not None and len(record.spoken) == 1 and record.item["content"]:
            record.item["content"] = [{"type": "output_audio", "transcript": text}]

    # --- ends -----------------------------------------------------------------------------------------

    def _finish_if_said(self, response: Response) -> list[Json]:
        if response.closing is None or response.sounding:
            return []
        return self._finish(response, response.closing)

    def _finish(self, response: Response, closing: Closing) -> list[Json]:
        if response.think_id:
            self._by_think.pop(response.think_id, None)
        for utterance_id in [name for name, owner in self._by_utterance.items() if owner is response]:
            del self._by_utterance[utterance_id]
        return response.finish(closing)

    def _reason(self) -> CancelReason | None:
        match self._cause:
            case ev.ResponseCancelled() | ev.OutputCleared() | ev.ResponseRequested():
                return "client_cancelled"
            case ev.CallEnding() | ev.ReportReady():
                return None
            case _:
                return "turn_detected"

    def _response_of(self, think_id: str) -> str | None:
        response = self._by_think.get(think_id)
        return response.id if response else None


def _tokens(ended: ev.ThinkEnded) -> tuple[int, int, int]:
    return ended.input_tokens, ended.output_tokens, ended.cached_tokens


def _closing(ended: ev.ThinkEnded) -> Closing:
    match ended.ending:
        case ev.ThinkEnding.DONE | ev.ThinkEnding.TOOLS:
            return COMPLETED
        case ev.ThinkEnding.LENGTH:
            return OUT_OF_TOKENS
        case ev.ThinkEnding.STOPPED | ev.ThinkEnding.ABORTED:
            return cancelled(None)
        case ev.ThinkEnding.FAILED:
            return failed(ended.message)


def _stopped(reason: str) -> Closing:
    match reason:
        case "barge_in" | "rejoined":
            return cancelled("turn_detected")
        case "cancelled" | "cleared":
            return cancelled("client_cancelled")
        case _:
            return cancelled(None)
