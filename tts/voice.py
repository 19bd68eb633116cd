"""Pure: what a speech synthesis engine is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, TypeGuard

from scheduler.pcm import SpeechChunk


class Voice(Protocol):
    """A text-to-speech engine with one voice, shared by all sessions of the process."""

    @property
    def name(self) -> str:
        """The engine's spec, such as ``flite:slt``."""
        ...

    @property
    def simulated(self) -> bool: ...

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the PCM in every chunk."""
        ...

    async def warm_up(self) -> None:
        """Load what is needed. May be called twice."""
        ...

    def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        """Render one sentence. Closing the iterator stops the engine's work on it.

        ``text`` is the sentence as written; the engine's own speakable form is its affair, but the words of
        the chunks carry the source text (see ``WordTime``), each once, in order, times from the sentence's
        start. Text that holds nothing to say yields no audio. Raises ``VoiceError``.
        """
        ...

    async def close(self) -> None: ...


class StreamingVoice(Voice, Protocol):
    """A voice that speaks while its text is still being written."""

    @property
    def streaming(self) -> bool:
        """Whether ``speak_stream`` may be used; one class may serve voices of both kinds."""
        ...

    def speak_stream(self, text: AsyncIterator[str]) -> AsyncIterator[SpeechChunk]:
        """Render one sentence as it is written, otherwise like ``speak``.

        ``text`` comes in any pieces, also within words, and ends with the sentence. The first audio comes about
        the engine's time to first byte after the first text, not after the last.
        """
        ...


def streams(voice: Voice) -> TypeGuard[StreamingVoice]:
    """Whether the voice takes text as it is written."""
    return getattr(voice, "streaming", False) is True
