"""The ears of one session: microphone audio in, speech events and words out.

Two stages with a bounded queue each. The first (here) brings audio to 16 kHz, finds speech and publishes its
beginning, end and pauses; the second (``recognition``) carries segments to the recogniser. Everything happens
in audio order: a commit, a clear or a change of turn detection takes effect where it stands in the audio.

Speech is counted in audio time. Only when the audio itself stops in the middle of speech (a muted or suspended
client, a file without silence at its end) does the wall clock end it: a *stall*. No silence is made up for it, so
that audio time stays what the client sent; the pause that follows is counted by whoever hears ``SpeechStopped``.

``SpeechStarted`` and ``SpeechStopped`` come in pairs: speech that is cut by a commit, a clear or a change of mode
is stopped there first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from audio.asr.recognizer import Recognizer
from audio.echo import ECHO_SHARE, ECHO_SHARE_IN_SPEECH, EchoReference
from audio.end_of_turn.judge import TurnEndJudge
from audio.end_of_turn.model import EndOfTurnModel
from audio.input_buffer import Gap, InputBuffer
from audio.recognition import Recognition
from audio.resample import Resampler
from audio.segmenter import (
    Faded,
    PauseLengthened,
    Returned,
    SegmentBegan,
    SegmentEnded,
    Segmenter,
    SegmentEvent,
    SegmentSettings,
)
from audio.vad import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, VoiceDetector
from scheduler.events import Event, PauseGrew, SpeechStarted, SpeechStopped, VoiceFaded, VoiceReturned
from scheduler.pcm import Pcm
from scheduler.policy import TurnDetection, TurnMode
from scheduler.tasks import wait_for_event

log = logging.getLogger(__name__)

STEP_SECONDS = 0.1
"""Audio worked on between two looks at the loop: about 1 ms of work."""
HALF_A_SAMPLE_SECONDS = 0.5 / SAMPLE_RATE_HZ
"""Sums of seconds are that exact."""
SURELY_NO_VOICE = 0.05
"""A chunk less probable than this is no voice by any threshold: nobody asks whether it is echo."""


@dataclass(frozen=True, slots=True)
class EarsSettings:
    """``longest_backlog_seconds``: audio that may wait; then the oldest goes. ``final_seconds``: how long a
    recogniser may take for a final, ``stall_seconds``: for taking audio."""

    longest_backlog_seconds: float = 300.0
    min_pause_seconds: float = 0.2
    final_seconds: float = 15.0
    stall_seconds: float = 20.0
    missing_audio_seconds: float = 1.0
    """Speech is over when audio is overdue by this much. It is due when the audio before it has had time to sound
    (up to ``longest_lump_seconds``): a client that sends two seconds every two seconds is not stalled. Networks
    rarely hold audio back for a second; tuned."""
    longest_lump_seconds: float = 2.0
    verdict_seconds: float = 1.0
    """A verdict of the end-of-turn model that takes longer comes too late to be of use."""


@dataclass(frozen=True, slots=True)
class _Commit:
    pass


@dataclass(frozen=True, slots=True)
class _Clear:
    pass


@dataclass(frozen=True, slots=True)
class _Close:
    pass


@dataclass(frozen=True, slots=True)
class _Language:
    language: str | None


_Mark = _Commit | _Clear | _Close | _Language | TurnDetection


class Ears:
    def __init__(
        self,
        publish: Callable[[Event], None],
        recognizer: Recognizer,
        detector: VoiceDetector,
        turn_detection: TurnDetection,
        language: str | None = None,
        *,
        settings: EarsSettings | None = None,
        end_of_turn: EndOfTurnModel | None = None,
        echo_reference: bool = False,
    ) -> None:
        """``end_of_turn``: asked once in each pause of detected speech, warm. ``echo_reference``: the line does not
        cancel echo, so what is played is told by ``play_reference`` and does not count as voice."""
        self._settings = settings or EarsSettings()
        self._publish = publish
        self._judge = TurnEndJudge(publish, end_of_turn, verdict_seconds=self._settings.verdict_seconds)
        self._detector = detector
        self._turn_detection = turn_detection
        self._recognition = Recognition(
            publish,
            recognizer,
            language,
            final_seconds=self._settings.final_seconds,
            stall_seconds=self._settings.stall_seconds,
        )
        self._echo = EchoReference() if echo_reference else None
        self._buffer: InputBuffer[_Mark] = InputBuffer(self._settings.longest_backlog_seconds)
        self._arrived = asyncio.Event()
        self._heard_seconds = 0.0
        self._overflowing = False
        self._last_heard_at = 0.0
        """Loop time at which audio last arrived."""
        self._ahead_seconds = 0.0
        """Audio that had arrived by then ahead of the clock: the length of a lump."""
        self._busy = False
        self._unseen_seconds = 0.0
        """Audio worked on since the last look at the loop."""
        self._resampler: Resampler | None = None
        self._position = 0
        """Samples at 16 kHz that voice detection (or, by hand, the recogniser) has been through."""
        self._rest = np.zeros(0, np.int16)
        """Less than a chunk, after ``_position``."""
        self._segmenter = Segmenter(self._segment_settings())
        self._before: deque[NDArray[np.int16]] = deque()
        """The chunks just before ``_position``, none of which the recogniser has heard."""
        self._by_hand_open = False
        self._uncommitted_from_seconds = 0.0

    # --- for transports ---

    def hear(self, pcm: Pcm) -> None:
        """More audio, at any rate. Never waits; when the backlog is full the oldest audio becomes a gap."""
        self._heard_seconds += pcm.duration_seconds
        self._note_arrival(pcm.duration_seconds)
        fitted = self._buffer.put_audio(pcm)
        if not fitted and not self._overflowing:
            log.warning("ears: %g s of audio wait, the oldest is dropped", self._settings.longest_backlog_seconds)
        self._overflowing = not fitted
        if self._work_waits:
            self._arrived.set()

    def play_reference(self, pcm: Pcm, sounds_at_audio_seconds: float) -> None:
        """``pcm`` sounds at the caller's at this audio time; its echo may come up to 0.5 s later. To be told before its
        time, at most 3 s ahead, in order. Without ``echo_reference`` it is not looked at."""
        if self._echo is not None:
            self._echo.play(pcm, sounds_at_audio_seconds)

    def _note_arrival(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        passed = now - self._last_heard_at
        self._ahead_seconds = max(0.0, self._ahead_seconds - passed) + seconds
        self._last_heard_at = now

    def commit_by_hand(self) -> None:
        """The client ends its turn, after the audio heard so far. Answered by ``InputCommitted``."""
        self._mark(_Commit())

    def clear(self) -> None:
        """The client throws its uncommitted audio away. Answered by ``InputCleared``."""
        self._mark(_Clear())

    def configure(self, turn_detection: TurnDetection) -> None:
        """Find turns this way, from the audio that comes next."""
        self._mark(turn_detection)

    def set_language(self, language: str | None) -> None:
        """Recognise this language, from the next segment on."""
        self._mark(_Language(language))

    def close(self) -> None:
        """``run`` ends after what was heard has been worked on and all finals are out."""
        self._mark(_Close())

    @property
    def audio_seconds(self) -> float:
        """Audio time at the end of what was heard."""
        return self._heard_seconds

    @property
    def dropped_seconds(self) -> float:
        return self._buffer.dropped_seconds

    @property
    def idle(self) -> bool:
        """Nothing waits to be worked on, and every segment has its final or is open."""
        return not self._busy and not self._work_waits and self._recognition.idle

    @property
    def _work_waits(self) -> bool:
        """Audio is worked on in chunks: nobody is woken for less than one."""
        if self._buffer.has_marks or self._turn_detection.mode is TurnMode.MANUAL:
            return len(self._buffer) > 0
        waiting_seconds = self._buffer.audio_seconds + len(self._rest) / SAMPLE_RATE_HZ
        return waiting_seconds > CHUNK_SECONDS - HALF_A_SAMPLE_SECONDS

    def _mark(self, mark: _Mark) -> None:
        if not self._buffer.put_mark(mark):
            log.warning("ears: too many commits and changes wait; one was left out")
        self._arrived.set()

    # --- work ---

    async def run(self) -> None:
        """Listen until ``close``."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recognition.run())
            self._judge.start(group)
            await self._listen()

    async def _listen(self) -> None:
        while True:
            while not self._work_waits:
                self._unseen_seconds = 0.0
                self._arrived.clear()
                await self._wait_for_audio()
            self._busy = True
            item = self._buffer.take()
            match item:
                case Pcm():
                    await self._take_audio(item)
                case Gap(seconds):
                    await self._take_gap(seconds)
                case _Commit():
                    await self._commit()
                case _Clear():
                    await self._clear()
                case TurnDetection():
                    await self._configure(item)
                case _Language(language):
                    await self._recognition.set_language(language)
                case _Close():
                    await self._end_speech()
                    await self._recognition.stop()
                    self._busy = False
                    return
            self._busy = False

    async def _wait_for_audio(self) -> None:
        """Or for a mark. Open speech ends when none comes."""
        if not self._segmenter.speaking:
            await self._arrived.wait()
            return
        loop = asyncio.get_running_loop()
        await wait_for_event(self._arrived, self._stalls_at - loop.time())
        if not self._work_waits and loop.time() >= self._stalls_at:
            log.info("ears: the audio stopped in the middle of speech")
            await self._end_speech(loop.time() - self._last_heard_at)

    @property
    def _stalls_at(self) -> float:
        lump = min(self._ahead_seconds, self._settings.longest_lump_seconds)
        return self._last_heard_at + self._settings.missing_audio_seconds + lump

    async def _take_audio(self, pcm: Pcm) -> None:
        for block in _in_steps(pcm):
            for samples in self._to_16_khz(block):
                await self._take_samples(samples)
            self._unseen_seconds += block.duration_seconds
            if self._unseen_seconds >= STEP_SECONDS:
                self._unseen_seconds = 0.0
                await asyncio.sleep(0)

    def _to_16_khz(self, block: Pcm) -> list[NDArray[np.int16]]:
        if block.sample_rate_hz == SAMPLE_RATE_HZ and self._resampler is None:
            return [block.samples]
        flushed = []
        if self._resampler is not None and self._resampler.source_rate_hz != block.sample_rate_hz:
            flushed.append(self._resampler.flush().samples)
            self._resampler = None
        if self._resampler is None:
            self._resampler = Resampler(block.sample_rate_hz, SAMPLE_RATE_HZ)
        return [*flushed, self._resampler.process(block).samples]

    async def _take_gap(self, seconds: float) -> None:
        if self._resampler is not None:
            await self._take_samples(self._resampler.flush().samples)
        missing = round(seconds * SAMPLE_RATE_HZ)
        while missing > 0:
            await self._take_samples(np.zeros(min(missing, SAMPLE_RATE_HZ), np.int16))
            missing -= SAMPLE_RATE_HZ
            await asyncio.sleep(0)

    async def _take_samples(self, samples: NDArray[np.int16]) -> None:
        waiting = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        if self._turn_detection.mode is TurnMode.MANUAL:
            self._rest = waiting[:0]
            await self._take_by_hand(waiting)
            return
        self._judge.hear(samples)
        whole = len(waiting) - len(waiting) % CHUNK_SAMPLES
        for at in range(0, whole, CHUNK_SAMPLES):
            await self._take_chunk(waiting[at : at + CHUNK_SAMPLES])
        self._rest = waiting[whole:]

    async def _take_by_hand(self, samples: NDArray[np.int16]) -> None:
        if len(samples) == 0:
            return
        if not self._by_hand_open:
            self._by_hand_open = True
            await self._recognition.begin(self._position_seconds)
        await self._recognition.feed(samples, self._position_seconds)
        self._position += len(samples)

    async def _take_chunk(self, chunk: NDArray[np.int16]) -> None:
        was_speaking = self._segmenter.speaking
        at_seconds = self._position_seconds
        events = self._segmenter.process(CHUNK_SECONDS, self._voice_probability(chunk, at_seconds))
        self._position += CHUNK_SAMPLES
        if was_speaking:
            await self._recognition.feed(chunk, at_seconds)
        else:
            self._before.append(chunk)
        for event in events:
            await self._tell(event)
        while len(self._before) > self._chunks_before:
            self._before.popleft()

    def _voice_probability(self, chunk: NDArray[np.int16], at_seconds: float) -> float:
        probability = self._detector.probability(chunk)
        if self._echo is None:
            return probability
        self._echo.hear(chunk, at_seconds)
        echo_share = ECHO_SHARE_IN_SPEECH if self._segmenter.speaking else ECHO_SHARE
        is_echo = probability > SURELY_NO_VOICE and self._echo.explained >= echo_share
        return 0.0 if is_echo else probability

    async def _tell(self, event: SegmentEvent) -> None:
        match event:
            case SegmentBegan(audio_seconds, voiced_seconds):
                self._judge.take_back()
                self._publish(SpeechStarted(audio_seconds, voiced_seconds))
                await self._open_segment(audio_seconds)
            case SegmentEnded(audio_seconds, silence_seconds):
                await self._recognition.finish()
                self._publish(SpeechStopped(audio_seconds, silence_seconds))
                self._judge.speech_stopped()
            case PauseLengthened(silence_seconds):
                self._publish(PauseGrew(silence_seconds))
            case Faded(audio_seconds, silence_seconds):
                self._publish(VoiceFaded(audio_seconds, silence_seconds))
                self._judge.voice_faded()
            case Returned(audio_seconds):
                self._judge.take_back()
                self._publish(VoiceReturned(audio_seconds))
            case _:
                assert_never(event)

    async def _open_segment(self, onset_seconds: float) -> None:
        """Begin at the recogniser, with the audio before the onset."""
        start = self._position - len(self._before) * CHUNK_SAMPLES
        earliest = (onset_seconds - self._turn_detection.prefix_padding_seconds) * SAMPLE_RATE_HZ
        while len(self._before) > 1 and start + CHUNK_SAMPLES <= earliest:
            self._before.popleft()
            start += CHUNK_SAMPLES
        await self._recognition.begin(start / SAMPLE_RATE_HZ)
        for chunk in self._before:
            await self._recognition.feed(chunk, start / SAMPLE_RATE_HZ)
            start += CHUNK_SAMPLES
        self._before.clear()

    # --- marks ---

    async def _commit(self) -> None:
        await self._end_speech()
        end_seconds = self._position_seconds + len(self._rest) / SAMPLE_RATE_HZ
        await self._recognition.commit(self._uncommitted_from_seconds, end_seconds)
        self._uncommitted_from_seconds = end_seconds

    async def _clear(self) -> None:
        self._stop_speech()
        self._by_hand_open = False
        self._before.clear()
        await self._recognition.clear()
        self._uncommitted_from_seconds = self._position_seconds + len(self._rest) / SAMPLE_RATE_HZ

    async def _configure(self, turn_detection: TurnDetection) -> None:
        by_hand = {turn_detection.mode, self._turn_detection.mode} & {TurnMode.MANUAL}
        if by_hand and turn_detection.mode is not self._turn_detection.mode:
            await self._end_speech()
            self._before.clear()
            self._detector.reset()
            self._segmenter = Segmenter(self._segment_settings(), at_seconds=self._position_seconds)
        self._turn_detection = turn_detection
        self._segmenter.configure(self._segment_settings())

    async def _end_speech(self, unheard_seconds: float = 0.0) -> None:
        """Close what is open, as speech or by hand. ``unheard_seconds``: silence that no audio told of."""
        if self._by_hand_open or self._segmenter.speaking:
            await self._recognition.finish()
        self._stop_speech(unheard_seconds)
        self._by_hand_open = False

    def _stop_speech(self, unheard_seconds: float = 0.0) -> None:
        self._judge.take_back()
        ended = self._segmenter.cut()
        if ended is not None:
            self._publish(SpeechStopped(ended.audio_seconds, ended.silence_seconds + unheard_seconds))

    # --- settings ---

    def _segment_settings(self) -> SegmentSettings:
        return SegmentSettings(
            threshold=self._turn_detection.threshold,
            min_pause_seconds=self._settings.min_pause_seconds,
            offset_lag_seconds=self._detector.offset_lag_seconds,
        )

    @property
    def _chunks_before(self) -> int:
        onset_chunks = 2
        return int(self._turn_detection.prefix_padding_seconds / CHUNK_SECONDS) + 1 + onset_chunks

    @property
    def _position_seconds(self) -> float:
        return self._position / SAMPLE_RATE_HZ


def _in_steps(pcm: Pcm) -> Iterable[Pcm]:
    step = max(1, round(STEP_SECONDS * pcm.sample_rate_hz))
    if len(pcm.samples) <= step:
        return (pcm,)
    starts = range(0, len(pcm.samples), step)
    return (Pcm(pcm.samples[at : at + step], pcm.sample_rate_hz) for at in starts)
