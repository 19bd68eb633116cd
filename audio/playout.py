"""Playout: sends rendered speech ahead of the caller's ear, and knows which words were heard.

Utterances sound in the order in which their first audio arrived, one after another: the next one is sent
only when the last has been heard or stopped. One that is held takes its place in that order when it is
released, and until then nothing of it leaves. Rendered audio waits here up to ``max_buffered_seconds`` per
utterance; beyond that its producer waits in ``enqueue``. Every utterance ends in exactly one
``PlayoutEnded``. An utterance id that was stopped stays stopped.

While nothing is said or waits to be, a clip may be mixed in (``mix``): it is no utterance, nobody is told of it.

The deciding parts are pure and stand in ``audio/utterance_track.py`` (words, cuts), ``audio/lead.py`` (how
far ahead) and ``audio/gain.py`` (levels).
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from audio.lead import LeadController
from audio.resample import Resampler
from audio.transport import AudioTransport, PlayoutPosition
from audio.utterance_track import Block, UtteranceTrack, WordTable
from scheduler.commands import (
    Command,
    Duck,
    GoOnSpeaking,
    Hold,
    PauseSpeaking,
    Release,
    SkipSentence,
    StopSpeaking,
)
from scheduler.events import Event, HeardCorrected, PlayoutEnded, PlayoutSent, PlayoutStarted, WordsHeard
from scheduler.pcm import Pcm, SpeechChunk
from scheduler.tasks import TICK_SECONDS, wait_for_event

__all__ = ["AudioTransport", "Playout", "PlayoutPosition"]

T = TypeVar("T")

BLOCK_SECONDS = 0.04
"""Audio leaves in blocks of this length: short enough to duck and stop between two, long enough to be cheap."""
EXACT_BLOCK_SECONDS = 0.02
"""The same on a line with a clock of its own: one packet of RTP."""
MAX_BUFFERED_SECONDS = 8.0
_POLL_SECONDS = 0.02
"""How often an exact or reported position is asked for while it should be moving."""
_SENDING_POLL_SECONDS = 0.1
"""The same where nothing is due before."""
_STOP_GRACE_SECONDS = 0.25
"""A stop is answered this long after its time even if the line's position does not move."""
MAX_SILENT_UTTERANCES = 64
"""Held, or ordered about before their first audio. Overflow policy: the oldest is stopped."""
CLIP_ID = ""
"""What a mixed clip is sent as: the id of no utterance, which doors that send text beside audio leave out."""
_REMEMBERED_UTTERANCES = 32
_REMEMBERED_STOPS = 1024
_TIME_TOLERANCE_SECONDS = 1e-6


@dataclass(slots=True)
class _OnLine:
    """An utterance that is known here, and how far it has come."""

    track: UtteranceTrack
    held: bool = False
    begun: bool = False
    """Something of it has come: audio, or its end."""
    place: int | None = None
    """Among those that may sound; ``None`` while it is held or has not begun."""
    line_origin_samples: int = 0
    """How much the line had been given before this utterance's first block."""
    resampler: Resampler | None = None
    resampler_rate_hz: int = 0
    on_the_line: bool = False
    """Its first block has been given to the transport."""
    blocks_left: int = 0
    """Blocks that the transport has taken."""
    sending: bool = False
    started: bool = False
    sent_told: bool = False
    words_told: int = 0
    heard_text: str = ""
    stop_due_at: float | None = None
    truncated_seconds: float | None = None
    room: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Ended:
    """What is kept of an utterance that has ended, for a client's late truncation."""

    words: WordTable
    sent_seconds: float


class Playout:
    """Owns ``Hold``, ``Release``, ``PauseSpeaking``, ``GoOnSpeaking``, ``SkipSentence``, ``Duck`` and ``StopSpeaking``;
    takes speech from the speaker (its ``SpeechSink``).

    ``publish`` must not block. Instants are the running loop's time.
    """

    def __init__(
        self,
        publish: Callable[[Event], None],
        transport: AudioTransport,
        *,
        max_buffered_seconds: float = MAX_BUFFERED_SECONDS,
        block_seconds: float | None = None,
        lead: LeadController | None = None,
    ) -> None:
        exact = transport.position == "exact"
        block_seconds = block_seconds or (EXACT_BLOCK_SECONDS if exact else BLOCK_SECONDS)
        self.lead = lead or (LeadController.for_exact_line() if exact else LeadController())
        self._publish = publish
        self._transport = transport
        self._rate = transport.sample_rate_hz
        self._max_buffered_samples = round(max_buffered_seconds * self._rate)
        self._block_samples = max(1, round(block_seconds * self._rate))
        self._line: OrderedDict[str, _OnLine] = OrderedDict()
        """Those that may sound, in their order."""
        self._silent: OrderedDict[str, _OnLine] = OrderedDict()
        """Those that are held, or have not begun."""
        self._places = 0
        self._clip: UtteranceTrack | None = None
        self._told_of_ends: list[Callable[[str], None]] = []
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._ended: OrderedDict[str, _Ended] = OrderedDict()
        self._given_samples = 0
        self._dry_at = 0.0
        """When the client will have played all it was given (estimated lines)."""
        self._starved = True
        """Nothing was there to send when the last block had left."""
        self._sender_wake = asyncio.Event()
        self._progress_wake = asyncio.Event()
        self._progress_timed = False
        """Whoever tells of progress will look again without being woken."""

    # --- the speaker's side -----------------------------------------------------------------------

    async def enqueue(self, utterance_id: str, index: int, chunk: SpeechChunk) -> bool:
        """Take a chunk of sentence ``index``. Waits while too much is buffered. ``False``: it was stopped."""
        entry = self._entry(utterance_id)
        while entry is not None and entry.track.buffered_samples >= self._max_buffered_samples:
            entry.room.clear()
            await entry.room.wait()
            entry = self._entry(utterance_id)
        if entry is None:
            return False
        pcm = self._at_line_rate(entry, chunk.pcm)
        entry.track.add(index, pcm.samples, chunk.words)
        self._wake()
        return True

    def end_sentence(self, utterance_id: str, index: int) -> None:
        """Sentence ``index`` has been rendered whole, or failed."""
        if (entry := self._entry(utterance_id)) is not None:
            if entry.resampler is not None:
                entry.track.add(index, entry.resampler.flush().samples, ())
            entry.track.end_sentence(index)
            self._wake()

    def finish(self, utterance_id: str) -> None:
        """No more sentences come."""
        if (entry := self._entry(utterance_id)) is not None:
            entry.track.finished = True
            self._wake()

    def place_of(self, utterance_id: str) -> float:
        """The lower, the sooner it sounds. Those of which nothing has come share the last place but that of the held,
        which is infinite."""
        entry = self._known(utterance_id)
        if entry is not None and entry.held:
            return math.inf
        return self._places if entry is None or entry.place is None else entry.place

    def on_end(self, told: Callable[[str], None]) -> None:
        """Call ``told`` with the id of every utterance that ends here, played out or stopped. It must not wait."""
        self._told_of_ends.append(told)

    def mix(self, pcm: Pcm) -> bool:
        """Play a clip while no utterance sounds or waits to; one that comes fades it out. ``False``: there is one,
        or another clip, or the line is an estimated one: such clients are sent answers only."""
        if self._head() is not None or self._clip is not None or self._transport.position == "estimated":
            return False
        self._clip = self._as_clip(pcm)
        self._wake()
        return True

    def _as_clip(self, pcm: Pcm) -> UtteranceTrack:
        clip = UtteranceTrack(CLIP_ID, self._rate)
        resampler = Resampler(pcm.sample_rate_hz, self._rate)
        for part in (resampler.process(pcm), resampler.flush()):
            clip.add(0, part.samples, ())
        return clip

    def _entry(self, utterance_id: str) -> _OnLine | None:
        """The utterance of which something comes now; ``None`` when it has ended or is being stopped."""
        if utterance_id in self._gone:
            return None
        entry = self._known(utterance_id) or self._make(utterance_id)
        entry.begun = True
        self._line_up(entry)
        return None if entry.stop_due_at is not None else entry

    def _known(self, utterance_id: str) -> _OnLine | None:
        return self._line.get(utterance_id) or self._silent.get(utterance_id)

    def _make(self, utterance_id: str) -> _OnLine:
        entry = self._silent[utterance_id] = _OnLine(UtteranceTrack(utterance_id, self._rate))
        return entry

    def _line_up(self, entry: _OnLine) -> None:
        """Give it its place among those that may sound, if it is one of them and has none."""
        if entry.held or not entry.begun or entry.place is not None:
            return
        utterance_id = entry.track.utterance_id
        self._silent.pop(utterance_id, None)
        self._line[utterance_id] = entry
        entry.place = self._places
        self._places += 1

    def _at_line_rate(self, entry: _OnLine, pcm: Pcm) -> Pcm:
        if pcm.sample_rate_hz == self._rate:
            return pcm
        if entry.resampler is None or entry.resampler_rate_hz != pcm.sample_rate_hz:
            entry.resampler = Resampler(pcm.sample_rate_hz, self._rate)
            entry.resampler_rate_hz = pcm.sample_rate_hz
        return entry.resampler.process(pcm)

    # --- the conductor's side ---------------------------------------------------------------------

    def handle(self, command: Command) -> None:
        """Carry out a command; never waits."""
        match command:
            case Hold(utterance_id):
                self._hold(utterance_id)
            case Release(utterance_id):
                self._release(utterance_id)
            case PauseSpeaking(utterance_id):
                self._pause(utterance_id)
            case GoOnSpeaking(utterance_id):
                self._go_on(utterance_id)
            case SkipSentence(utterance_id, index):
                self._skip(utterance_id, index)
            case Duck(utterance_id, gain_db):
                if (entry := self._known(utterance_id)) is not None:
                    entry.track.gain.set_gain(gain_db)
            case StopSpeaking(utterance_id, within_seconds):
                self._stop(utterance_id, within_seconds)
            case _:
                raise ValueError(f"playout does not own {type(command).__name__}")

    def clear(self) -> None:
        """The client threw away what has not been played: everything on the line is stopped at once. What is held is
        not on it."""
        for utterance_id in list(self._line):
            self._stop(utterance_id, 0.0)

    def client_truncated(self, utterance_id: str, audio_end_seconds: float) -> None:
        """The client says that it played this much of an utterance. Clamped to what was sent, never an error."""
        entry = self._line.get(utterance_id)
        if entry is not None:
            words, sent_seconds = entry.track.words, entry.track.sent_seconds
        elif (ended := self._ended.get(utterance_id)) is not None:
            words, sent_seconds = ended.words, ended.sent_seconds
        else:
            return
        seconds = min(max(0.0, audio_end_seconds), sent_seconds)
        if entry is not None:
            entry.truncated_seconds = seconds
        self._publish(HeardCorrected(utterance_id, words.text(words.count_heard(seconds)), seconds))

    def _hold(self, utterance_id: str) -> None:
        """One that is on the line already stays there."""
        entry = self._ahead_of_audio(utterance_id)
        if entry is None or entry.on_the_line:
            return
        entry.held, entry.place = True, None
        self._line.pop(utterance_id, None)
        self._silent[utterance_id] = entry

    def _release(self, utterance_id: str) -> None:
        if (entry := self._silent.get(utterance_id)) is not None:
            entry.held = False
            self._line_up(entry)
            self._wake()

    def _pause(self, utterance_id: str) -> None:
        """One that sounds on a line to which audio is sent far ahead could only fall silent when nobody wants it to."""
        entry = self._ahead_of_audio(utterance_id)
        if entry is None or entry.stop_due_at is not None:
            return
        if self._transport.position == "exact" or not entry.on_the_line:
            entry.track.pause()

    def _go_on(self, utterance_id: str) -> None:
        if (entry := self._known(utterance_id)) is not None:
            entry.track.go_on()
            self._wake()

    def _skip(self, utterance_id: str, index: int) -> None:
        if (entry := self._ahead_of_audio(utterance_id)) is not None:
            entry.track.skip(index)
            entry.room.set()
            self._wake()

    def _ahead_of_audio(self, utterance_id: str) -> _OnLine | None:
        """The utterance that is ordered about, perhaps before anything of it has come; ``None`` when it has ended."""
        if utterance_id in self._gone:
            return None
        if (entry := self._known(utterance_id)) is not None:
            return entry
        if len(self._silent) >= MAX_SILENT_UTTERANCES:
            self._stop(next(iter(self._silent)), 0.0)
        return self._make(utterance_id)

    def _stop(self, utterance_id: str, within_seconds: float) -> None:
        if utterance_id in self._gone:
            return
        entry = self._known(utterance_id)
        if entry is None or not entry.on_the_line:
            entry = entry or _OnLine(UtteranceTrack(utterance_id, self._rate))
            self._end(utterance_id, entry, 0, stopped=True)
            return
        now = self._now()
        flushes = self._transport.position == "estimated"
        position = self._heard_samples(entry, now)
        entry.track.cut_at_word(position, round(within_seconds * self._rate), flushes=flushes)
        due_at = now + within_seconds + _STOP_GRACE_SECONDS
        entry.stop_due_at = due_at if entry.stop_due_at is None else min(due_at, entry.stop_due_at)
        entry.room.set()
        self._advance(now)
        self._wake()

    # --- the line ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send and tell, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_blocks())
            tasks.create_task(self._tell_progress())

    async def _send_blocks(self) -> None:
        while True:
            self._sender_wake.clear()
            entry = self._head()
            if not self._has_audio(entry) and self._clip is None:
                self._starved = True
                await self._sender_wake.wait()
                continue
            delay_seconds = self._seconds_too_early()
            if delay_seconds > 0:
                await wait_for_event(self._sender_wake, delay_seconds, tick_seconds=TICK_SECONDS)
                continue
            if self._clip is not None:
                await self._send_clip(self._clip, fade=self._has_audio(entry))
            elif entry is not None and (block := entry.track.take(self._block_samples)) is not None:
                await self._send(entry, block)

    def _has_audio(self, entry: _OnLine | None) -> bool:
        return entry is not None and entry.track.sendable_samples > 0

    def _seconds_too_early(self) -> float:
        """How long the next block must wait so that no more than the lead is ahead of the caller's ear. It is cut off
        only then, so that ducking and stopping reach it until it leaves."""
        too_early = self._ahead_seconds() + self._block_samples / self._rate - self.lead.lead_seconds
        return too_early if too_early > _TIME_TOLERANCE_SECONDS else 0.0

    def _ahead_seconds(self) -> float:
        """Audio that was given and has not sounded; not above 0: the line is dry."""
        if self._transport.position == "exact":
            return self._given_samples / self._rate - self._transport.played_seconds()
        return self._dry_at - self._now()

    async def _send(self, entry: _OnLine, block: Block) -> None:
        if not entry.on_the_line:
            entry.line_origin_samples = self._given_samples
            entry.on_the_line = True
        if entry.track.buffered_samples < self._max_buffered_samples:
            entry.room.set()
        entry.sending = True
        try:
            await self._give(entry.track.utterance_id, block)
        finally:
            entry.sending = False
        entry.blocks_left += 1
        self._advance(self._now())
        if not self._progress_timed and not self._blocks_tell(entry):
            self._progress_wake.set()

    async def _send_clip(self, clip: UtteranceTrack, *, fade: bool) -> None:
        """A block of the clip; with ``fade`` no more than its end."""
        if fade:
            clip.cut_at_word(clip.sent_samples, 0, flushes=False)
        if (block := clip.take(self._block_samples)) is not None:
            await self._give(CLIP_ID, block)
        if clip.buffered_samples <= 0:
            self._clip = None

    async def _give(self, utterance_id: str, block: Block) -> None:
        asked_at, ahead_seconds = self._now(), self._ahead_seconds()
        await self._transport.send(utterance_id, Pcm(block.samples, self._rate), block.words)
        self._given_samples += len(block.samples)
        if self._transport.position == "exact":
            self._count_sent_exactly(len(block.samples) / self._rate, ahead_seconds)
        else:
            self._count_sent(len(block.samples) / self._rate, asked_at)

    def _count_sent(self, block_seconds: float, asked_at: float) -> None:
        now = self._now()
        gap_seconds = 0.0 if self._starved else max(0.0, now - self._dry_at)
        if gap_seconds <= _TIME_TOLERANCE_SECONDS:
            gap_seconds = 0.0
        self._starved = False
        self._dry_at = max(self._dry_at, now) + block_seconds
        self.lead.block_sent(block_seconds, send_seconds=now - asked_at, gap_seconds=gap_seconds)

    def _count_sent_exactly(self, block_seconds: float, ahead_seconds: float) -> None:
        """Such a line tells when it has run dry, but not for how long; and that it makes a send wait, is its pace."""
        gap_seconds = block_seconds if ahead_seconds <= _TIME_TOLERANCE_SECONDS and not self._starved else 0.0
        self._starved = False
        self.lead.block_sent(block_seconds, send_seconds=0.0, gap_seconds=gap_seconds)

    def _head(self) -> _OnLine | None:
        return next(iter(self._line.values()), None)

    def _heard_samples(self, entry: _OnLine, now: float) -> int:
        """How much of this utterance the caller has heard, as far as the line can know."""
        if not entry.on_the_line:
            return 0
        if self._transport.position == "estimated":
            ahead = max(0.0, self._dry_at - now)
            played = self._given_samples - round(ahead * self._rate)
        else:
            played = round(self._transport.played_seconds() * self._rate)
        return min(max(0, played - entry.line_origin_samples), entry.track.sent_samples)

    # --- what is told -----------------------------------------------------------------------------

    async def _tell_progress(self) -> None:
        while True:
            self._progress_wake.clear()
            now = self._now()
            self._advance(now)
            seconds = self._seconds_to_next(now)
            self._progress_timed = seconds is not None
            await wait_for_event(self._progress_wake, seconds, tick_seconds=TICK_SECONDS)

    def _advance(self, now: float) -> None:
        """Publish everything that has become true by ``now``, utterance after utterance."""
        while (entry := self._head()) is not None:
            position = self._heard_samples(entry, now)
            self._tell_heard(entry, position)
            track = entry.track
            all_left = track.wholly_sent and not entry.sending
            if all_left and not entry.sent_told:
                entry.sent_told = True
                self._publish(PlayoutSent(track.utterance_id, track.sent_seconds))
            if all_left and position >= track.rendered_samples:
                self._end(track.utterance_id, entry, position, stopped=False)
            elif self._stop_is_done(entry, position, now):
                self._end(track.utterance_id, entry, position, stopped=True)
            else:
                return

    def _stop_is_done(self, entry: _OnLine, position: int, now: float) -> bool:
        if entry.stop_due_at is None or entry.track.cut_sample is None:
            return False
        return position >= entry.track.cut_sample or now >= entry.stop_due_at

    def _tell_heard(self, entry: _OnLine, position: int) -> None:
        track = entry.track
        left_unseen = self._transport.position == "estimated" and entry.blocks_left > 0
        if not entry.started and (position > 0 or left_unseen):
            entry.started = True
            self._publish(PlayoutStarted(track.utterance_id))
        if track.cut_sample is not None:
            position = min(position, track.cut_sample)
        heard = track.words.count_heard(position / self._rate)
        if heard > entry.words_told:
            entry.heard_text += "".join(word.text for word in track.words.slice(entry.words_told, heard))
            entry.words_told = heard
            self._publish(WordsHeard(track.utterance_id, entry.heard_text, position / self._rate))

    def _end(self, utterance_id: str, entry: _OnLine, position: int, *, stopped: bool) -> None:
        track = entry.track
        if track.cut_sample is not None:
            position = min(position, track.cut_sample)
        if entry.truncated_seconds is not None:
            position = min(position, round(entry.truncated_seconds * self._rate))
        text = track.heard_text(position) if stopped or entry.truncated_seconds is not None else _all_text(track)
        never_left = not entry.on_the_line
        settled = self._transport.position != "estimated" or never_left or entry.truncated_seconds is not None
        unheard_index = track.unheard_index(position) if stopped else None
        self._forget(utterance_id, entry)
        self._publish(PlayoutEnded(utterance_id, stopped, text, position / self._rate, settled, unheard_index))

    def _forget(self, utterance_id: str, entry: _OnLine) -> None:
        was_head = entry is self._head()
        self._line.pop(utterance_id, None)
        self._silent.pop(utterance_id, None)
        _remember(self._gone, utterance_id, None, _REMEMBERED_STOPS)
        if entry.on_the_line:
            _remember(
                self._ended, utterance_id, _Ended(entry.track.words, entry.track.sent_seconds), _REMEMBERED_UTTERANCES
            )
        if was_head and entry.on_the_line and self._transport.position == "estimated":
            self._dry_at = min(self._dry_at, self._now())
        entry.room.set()
        self._wake()
        for told in self._told_of_ends:
            told(utterance_id)

    def _seconds_to_next(self, now: float) -> float | None:
        """When something may become true without any call from outside; ``None``: never."""
        entry = self._head()
        if entry is None or not entry.on_the_line:
            return None
        track = entry.track
        position = self._heard_samples(entry, now)
        waits = [entry.stop_due_at - now] if entry.stop_due_at is not None else []
        if position < track.sent_samples and not self._blocks_tell(entry):
            waits.append(self._seconds_to_play(track, position) if entry.started else _POLL_SECONDS)
        if not waits:
            return None
        return max(min(waits), _TIME_TOLERANCE_SECONDS)

    def _blocks_tell(self, entry: _OnLine) -> bool:
        """While block follows block on a line that knows its position, that is asked for with each of them."""
        flows = entry.started and entry.track.sendable_samples > 0 and entry.track.cut_sample is None
        return flows and self._transport.position != "estimated"

    def _seconds_to_play(self, track: UtteranceTrack, position: int) -> float:
        is_sent = track.wholly_sent or track.cut_sample is not None
        if self._transport.position != "estimated" and not is_sent:
            return _SENDING_POLL_SECONDS
        ends = [track.sent_samples / self._rate]
        if (word_end := track.words.end_of(track.words.count_heard(position / self._rate))) is not None:
            ends.append(word_end)
        if track.cut_sample is not None:
            ends.append(track.cut_sample / self._rate)
        played_seconds = position / self._rate
        seconds = min((end - played_seconds for end in ends if end > played_seconds), default=_POLL_SECONDS)
        if self._transport.position != "estimated":
            return min(max(seconds, _POLL_SECONDS), _SENDING_POLL_SECONDS)
        return seconds + 1 / self._rate

    def _wake(self) -> None:
        self._sender_wake.set()
        self._progress_wake.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _all_text(track: UtteranceTrack) -> str:
    return track.words.text(len(track.words))


def _remember(memory: OrderedDict[str, T], key: str, value: T, capacity: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > capacity:
        memory.popitem(last=False)
