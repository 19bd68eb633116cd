"""The speaker: renders sentences in order, ahead of what sounds as far as its sink lets it.

Each utterance has a task of its own. Where several want the voice, the one that sounds sooner goes first, and what
is held goes last; one that waits, for its sink to take more or for more of its text, holds nobody up. So neither an
utterance that is left open nor one that is rendered far ahead can keep the voice from the others.

A sentence that comes in parts (``Speak.complete``) is spoken while it is written by a voice that streams, and
rendered when it is complete by any other.

At most ``MAX_WAITING_SENTENCES`` wait; one more is refused with ``VoiceFailed``. At most ``MAX_OPEN_UTTERANCES`` are
open; for one more the oldest is finished.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import numpy as np

from scheduler.commands import Backchannel, Command, EndUtterance, Speak, SpeakSource
from scheduler.errors import VoiceError
from scheduler.events import Event, SpeechReady, SpeechRendered, VoiceFailed
from scheduler.pcm import Pcm, SpeechChunk
from scheduler.tasks import closing_stream, engine_edge
from tts.clips import ClipBook
from tts.sentence import Sentence, SpokenUtterance
from tts.voice import Voice, streams

MAX_WAITING_SENTENCES = 256
MAX_OPEN_UTTERANCES = 32
CHUNK_TIMEOUT_SECONDS = 5.0
"""A voice that has text and gives no audio for this long has failed."""
BACKCHANNEL_LATEST_SECONDS = 0.3
"""A listener's "mm-hm" whose clip comes later than this is not given: the pause it was meant for (0.25 to 0.45 s, rule
13) is over."""

logger = logging.getLogger(__name__)


class SpeechSink(Protocol):
    """Where rendered speech goes: playout."""

    async def enqueue(self, utterance_id: str, index: int, chunk: SpeechChunk) -> bool:
        """Take a chunk; waits while too much is buffered. ``False``: the utterance was stopped."""
        ...

    def end_sentence(self, utterance_id: str, index: int) -> None:
        """The sentence has been rendered whole, or failed."""
        ...

    def finish(self, utterance_id: str) -> None:
        """No more sentences come for this utterance."""
        ...

    def place_of(self, utterance_id: str) -> float:
        """The lower, the sooner it sounds; infinite for one that is held."""
        ...

    def mix(self, pcm: Pcm) -> bool:
        """Play a clip if nothing else sounds; ``False`` if something does."""
        ...

    def on_end(self, told: Callable[[str], None]) -> None:
        """Call ``told`` with the id of every utterance that has ended, played out or stopped."""
        ...


class Speaker:
    """Owns ``Speak``, ``EndUtterance`` and ``Backchannel``. ``publish`` must not block.

    ``clips``: of this voice; without them it keeps some of its own. What is in it needs no rendering.
    """

    def __init__(
        self,
        publish: Callable[[Event], None],
        voice: Voice,
        sink: SpeechSink,
        *,
        clips: ClipBook | None = None,
        chunk_timeout_seconds: float = CHUNK_TIMEOUT_SECONDS,
    ) -> None:
        self._publish = publish
        self._voice = voice
        self._clips = clips or ClipBook(voice)
        self._sink = sink
        self._chunk_timeout_seconds = chunk_timeout_seconds
        self._open: OrderedDict[str, SpokenUtterance] = OrderedDict()
        self._begun: deque[SpokenUtterance] = deque()
        """Utterances that have no task yet."""
        self._backchannels: deque[str] = deque(maxlen=1)
        """The last one asked for, until its task takes it."""
        self._count = 0
        self._changed = asyncio.Event()
        sink.on_end(self._utterance_ended)

    def set_voice(self, voice: Voice, clips: ClipBook | None = None) -> None:
        """Sentences not yet begun are rendered with this voice."""
        if voice is not self._voice or clips is not None:
            self._clips = clips or ClipBook(voice)
        self._voice = voice
        self._wake()

    def handle(self, command: Command) -> None:
        """Carry out a command; never waits."""
        match command:
            case Speak():
                self._take(command)
            case EndUtterance(utterance_id):
                self._utterance(utterance_id).end()
            case Backchannel(text):
                self._backchannels.append(text)
            case _:
                raise ValueError(f"the speaker does not own {type(command).__name__}")
        self._wake()

    def _take(self, command: Speak) -> None:
        utterance = self._utterance(command.utterance_id)
        if utterance.takes_part(command):
            return
        full = sum(len(one.waiting) for one in self._open.values()) >= MAX_WAITING_SENTENCES
        sentence = utterance.add(command, refused=full)
        if full:
            self._tell_failure(sentence, f"{MAX_WAITING_SENTENCES} sentences wait for the voice already")

    def _utterance(self, utterance_id: str) -> SpokenUtterance:
        if utterance_id in self._open:
            return self._open[utterance_id]
        if len(self._open) >= MAX_OPEN_UTTERANCES:
            next(iter(self._open.values())).end()
        utterance = SpokenUtterance(utterance_id, self._count)
        self._count += 1
        self._open[utterance_id] = utterance
        self._begun.append(utterance)
        return utterance

    def _utterance_ended(self, utterance_id: str) -> None:
        """Whatever the voice still makes of it is for nothing."""
        if (utterance := self._open.get(utterance_id)) is not None:
            utterance.give_up()
            if utterance.task is not None:
                utterance.task.cancel()
            self._wake()

    def _wake(self) -> None:
        """Everybody who waits looks again; each new waiter gets a new event."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Render until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                changed = self._changed
                while self._begun:
                    utterance = self._begun.popleft()
                    utterance.task = tasks.create_task(self._speak_utterance(utterance))
                while self._backchannels:
                    tasks.create_task(self._give_backchannel(self._backchannels.popleft()))
                await changed.wait()

    # --- one utterance ----------------------------------------------------------------------------

    async def _speak_utterance(self, utterance: SpokenUtterance) -> None:
        try:
            while (sentence := await self._next_sentence(utterance)) is not None:
                utterance.current = sentence
                with self._clips.voice_in_use():
                    await self._speak_sentence(utterance, sentence)
                utterance.current = None
                self._wake()
            self._sink.finish(utterance.utterance_id)
        finally:
            if self._open.get(utterance.utterance_id) is utterance:
                del self._open[utterance.utterance_id]
            self._wake()

    async def _next_sentence(self, utterance: SpokenUtterance) -> Sentence | None:
        """The next one once it is this utterance's turn; ``None`` when no more come."""
        while True:
            changed = self._changed
            if utterance.is_ready(streaming=streams(self._voice)) and self._is_turn_of(utterance):
                return utterance.waiting.popleft()
            if not utterance.waiting and utterance.ended:
                return None
            await changed.wait()

    def _is_turn_of(self, utterance: SpokenUtterance) -> bool:
        streaming = streams(self._voice)
        own = self._order(utterance)
        busy = (one for one in self._open.values() if one is not utterance and one.wants_voice(streaming=streaming))
        return all(self._order(one) > own for one in busy)

    def _order(self, utterance: SpokenUtterance) -> tuple[float, int]:
        return self._sink.place_of(utterance.utterance_id), utterance.number

    async def _speak_sentence(self, utterance: SpokenUtterance, sentence: Sentence) -> None:
        seconds = 0.0
        try:
            async with closing_stream(self._rendered(sentence)) as chunks:
                async for chunk in chunks:
                    if not seconds and len(chunk.pcm.samples):
                        self._publish(SpeechReady(sentence.utterance_id, sentence.index))
                    if not await self._give(utterance, sentence, chunk):
                        utterance.give_up()
                        return
                    seconds += chunk.pcm.duration_seconds
        except VoiceError as error:
            self._tell_failure(sentence, str(error))
        else:
            self._publish(SpeechRendered(sentence.utterance_id, sentence.index, seconds))
        self._sink.end_sentence(sentence.utterance_id, sentence.index)

    async def _give(self, utterance: SpokenUtterance, sentence: Sentence, chunk: SpeechChunk) -> bool:
        """Others may have the voice while the sink takes no more."""
        utterance.giving = True
        self._wake()
        try:
            return await self._sink.enqueue(sentence.utterance_id, sentence.index, chunk)
        finally:
            utterance.giving = False

    # --- the voice's side -------------------------------------------------------------------------

    async def _rendered(self, sentence: Sentence) -> AsyncIterator[SpeechChunk]:
        """The sentence's audio, from a clip if there is one. Raises ``VoiceError``, and closes the voice's stream."""
        is_filler = sentence.source is SpeakSource.FILLER and sentence.complete
        if is_filler and (clip := self._clips.get(sentence.text)) is not None:
            for kept in clip:
                yield kept
            return
        async with closing_stream(self._voiced(sentence)) as chunks:
            while (chunk := await self._next_chunk(sentence, chunks)) is not None:
                yield chunk

    def _voiced(self, sentence: Sentence) -> AsyncIterator[SpeechChunk]:
        if not sentence.complete and streams(self._voice):
            return self._voice.speak_stream(self._written(sentence))
        return self._voice.speak(sentence.take())

    async def _written(self, sentence: Sentence) -> AsyncIterator[str]:
        """The sentence's text as it comes. While it is awaited, others may have the voice, and the clock stands."""
        while True:
            if sentence.text:
                yield sentence.take()
            elif sentence.complete:
                sentence.clock.start()
                return
            else:
                await self._more_of(sentence)

    async def _more_of(self, sentence: Sentence) -> None:
        if not sentence.clock.stands:
            sentence.clock.stop()
            self._wake()
        await self._changed.wait()

    async def _next_chunk(self, sentence: Sentence, chunks: AsyncIterator[SpeechChunk]) -> SpeechChunk | None:
        """The edge of the engine: whatever it does wrong becomes a ``VoiceError``."""
        try:
            async with sentence.clock.running(self._chunk_timeout_seconds):
                with engine_edge():
                    return await anext(chunks, None)
        except VoiceError:
            raise
        except TimeoutError as error:
            raise VoiceError(f"the voice gave no audio for {self._chunk_timeout_seconds:g} s") from error
        except Exception as error:
            logger.exception("the voice %s broke", self._voice.name)
            raise VoiceError(f"the voice broke: {type(error).__name__}") from error

    def _tell_failure(self, sentence: Sentence, message: str) -> None:
        logger.warning("sentence %d of %s was not rendered: %s", sentence.index, sentence.utterance_id, message)
        self._publish(VoiceFailed(sentence.utterance_id, sentence.index, message))

    async def _give_backchannel(self, text: str) -> None:
        now = asyncio.get_running_loop().time
        asked_at = now()
        clip = await self._clips.rendered(text)
        if clip and now() - asked_at <= BACKCHANNEL_LATEST_SECONDS:
            samples = np.concatenate([chunk.pcm.samples for chunk in clip])
            self._sink.mix(Pcm(samples, clip[0].pcm.sample_rate_hz))
