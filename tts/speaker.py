"""The speaker: renders sentences in order, ahead of what sounds as far as its sink lets it.

Each utterance has a task of its own, and the sentences of older utterances go first; so an utterance that is
left open can't hold up the next one. At most ``MAX_WAITING_SENTENCES`` wait; one more is refused with
``VoiceFailed``. At most ``MAX_OPEN_UTTERANCES`` are open; for one more the oldest is finished.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from scheduler.commands import Command, EndUtterance, Speak
from scheduler.errors import VoiceError
from scheduler.events import Event, SpeechRendered, VoiceFailed
from scheduler.pcm import SpeechChunk
from scheduler.tasks import closing_stream
from tts.voice import Voice

MAX_WAITING_SENTENCES = 256
MAX_OPEN_UTTERANCES = 32
CHUNK_TIMEOUT_SECONDS = 5.0
"""A voice that gives no audio for this long has failed."""

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


@dataclass(slots=True)
class _Utterance:
    utterance_id: str
    number: int
    waiting: deque[Speak] = field(default_factory=deque)
    rendering: bool = False
    ended: bool = False
    """No more sentences come, or it was stopped."""

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.rendering


class Speaker:
    """Owns ``Speak`` and ``EndUtterance``. ``publish`` must not block."""

    def __init__(
        self,
        publish: Callable[[Event], None],
        voice: Voice,
        sink: SpeechSink,
        *,
        chunk_timeout_seconds: float = CHUNK_TIMEOUT_SECONDS,
    ) -> None:
        self._publish = publish
        self._voice = voice
        self._sink = sink
        self._chunk_timeout_seconds = chunk_timeout_seconds
        self._open: OrderedDict[str, _Utterance] = OrderedDict()
        self._begun: deque[_Utterance] = deque()
        """Utterances that have no task yet."""
        self._count = 0
        self._changed = asyncio.Event()

    def set_voice(self, voice: Voice) -> None:
        """Sentences not yet begun are rendered with this voice."""
        self._voice = voice

    def handle(self, command: Command) -> None:
        """Carry out ``Speak`` or ``EndUtterance``; never waits."""
        match command:
            case Speak():
                self._queue(command)
            case EndUtterance(utterance_id):
                self._utterance(utterance_id).ended = True
            case _:
                raise ValueError(f"the speaker does not own {type(command).__name__}")
        self._wake()

    def _queue(self, command: Speak) -> None:
        utterance = self._utterance(command.utterance_id)
        if sum(len(one.waiting) for one in self._open.values()) >= MAX_WAITING_SENTENCES:
            message = f"{MAX_WAITING_SENTENCES} sentences wait for the voice already"
            self._publish(VoiceFailed(command.utterance_id, command.index, message))
            return
        utterance.waiting.append(command)

    def _utterance(self, utterance_id: str) -> _Utterance:
        if utterance_id in self._open:
            return self._open[utterance_id]
        if len(self._open) >= MAX_OPEN_UTTERANCES:
            next(iter(self._open.values())).ended = True
        utterance = _Utterance(utterance_id, self._count)
        self._count += 1
        self._open[utterance_id] = utterance
        self._begun.append(utterance)
        return utterance

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
                    tasks.create_task(self._speak_utterance(self._begun.popleft()))
                await changed.wait()

    async def _speak_utterance(self, utterance: _Utterance) -> None:
        while (command := await self._next_sentence(utterance)) is not None:
            utterance.rendering = True
            try:
                await self._speak_sentence(utterance, command)
            finally:
                utterance.rendering = False
                self._wake()
        self._open.pop(utterance.utterance_id, None)
        self._sink.finish(utterance.utterance_id)

    async def _next_sentence(self, utterance: _Utterance) -> Speak | None:
        """The next one once it is this utterance's turn; ``None`` when no more come."""
        while True:
            changed = self._changed
            if utterance.waiting and self._is_turn_of(utterance):
                return utterance.waiting.popleft()
            if not utterance.waiting and utterance.ended:
                return None
            await changed.wait()

    def _is_turn_of(self, utterance: _Utterance) -> bool:
        older = (one for one in self._open.values() if one.number < utterance.number)
        return all(one.idle for one in older)

    async def _speak_sentence(self, utterance: _Utterance, command: Speak) -> None:
        seconds = 0.0
        try:
            async with closing_stream(self._voice.speak(command.text)) as chunks:
                while (chunk := await self._next_chunk(chunks)) is not None:
                    if not await self._sink.enqueue(command.utterance_id, command.index, chunk):
                        utterance.waiting.clear()
                        utterance.ended = True
                        return
                    seconds += chunk.pcm.duration_seconds
        except VoiceError as error:
            self._tell_failure(command, str(error))
        else:
            self._publish(SpeechRendered(command.utterance_id, command.index, seconds))
        self._sink.end_sentence(command.utterance_id, command.index)

    async def _next_chunk(self, chunks: AsyncIterator[SpeechChunk]) -> SpeechChunk | None:
        """The edge of the engine: whatever it does wrong becomes a ``VoiceError``."""
        try:
            async with asyncio.timeout(self._chunk_timeout_seconds):
                return await anext(chunks, None)
        except VoiceError:
            raise
        except TimeoutError as error:
            raise VoiceError(f"the voice gave no audio for {self._chunk_timeout_seconds:g} s") from error
        except Exception as error:
            logger.exception("the voice %s broke", self._voice.name)
            raise VoiceError(f"the voice broke: {type(error).__name__}") from error

    def _tell_failure(self, command: Speak, message: str) -> None:
        logger.warning("sentence %d of %s was not rendered: %s", command.index, command.utterance_id, message)
        self._publish(VoiceFailed(command.utterance_id, command.index, message))
