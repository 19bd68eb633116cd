"""The loudspeaker and microphone of this machine, through the optional ``sounddevice``."""

from __future__ import annotations

import queue
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.talk import FRAME_SAMPLES, RATE_HZ, TalkError

HELP = "Install it with: pip install 'stretto[mic]' (and on Debian: apt-get install libportaudio2)."
WAITING_BLOCKS = 3000
"""Bound of the loudspeaker's queue, a minute of 20 ms blocks. Overflow policy: the newest are not played."""

CLOSE_SECONDS = 1.0
"""A microphone that gives no frame for so long hangs, and is left to the end of the process."""


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise TalkError(f"The microphone and the loudspeaker need the package sounddevice. {HELP}") from None
    except OSError:
        raise TalkError(f"The sound library PortAudio is not installed. {HELP}") from None
    return sounddevice


def _opened(kind: str, **options: Any) -> Any:
    sounddevice = _sounddevice()
    try:
        stream = getattr(sounddevice, kind)(samplerate=RATE_HZ, channels=1, dtype="int16", **options)
        stream.start()
    except sounddevice.PortAudioError as error:
        what = "microphone" if kind == "InputStream" else "loudspeaker"
        raise TalkError(
            f"There is no {what} to be used here ({error}); give --wav FILE or --say TEXT instead."
        ) from None
    return stream


class DeviceLoudspeaker:
    """Plays what ``play`` is given, in order; ``flush`` drops what has not sounded."""

    def __init__(self) -> None:
        self._blocks: queue.Queue[NDArray[np.int16]] = queue.Queue(WAITING_BLOCKS)
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._stream = _opened("OutputStream", callback=self._fill, blocksize=FRAME_SAMPLES)

    def play(self, samples: NDArray[np.int16]) -> None:
        for start in range(0, len(samples), FRAME_SAMPLES):
            if not self._blocks.full():
                self._blocks.put_nowait(samples[start : start + FRAME_SAMPLES])

    def flush(self) -> None:
        while self._next() is not None:
            pass

    def _next(self) -> NDArray[np.int16] | None:
        """Both ``flush`` and PortAudio's thread take from the queue: it may be empty at any moment."""
        try:
            return self._blocks.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        self._stream.close()

    def _fill(self, out: NDArray[np.int16], frames: int, *_: object) -> None:
        """PortAudio's thread asks for the next samples."""
        parts = [self._rest]
        while sum(map(len, parts)) < frames and (block := self._next()) is not None:
            parts.append(block)
        samples = np.concatenate(parts)
        out[:, 0] = 0
        out[: min(frames, len(samples)), 0] = samples[:frames]
        self._rest = samples[frames:]


class DeviceMicrophone:
    """Frames of the microphone as they come, int16 [n] at 24 kHz."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._stream = _opened("InputStream", blocksize=FRAME_SAMPLES)

    def read(self) -> NDArray[np.int16]:
        """The next frame; waits for it (call it in a thread)."""
        with self._reading:
            samples, _ = self._stream.read(FRAME_SAMPLES)
        return np.asarray(samples[:, 0], np.int16)

    def close(self) -> None:
        """Waits for the frame that is being read: PortAudio crashes where a stream is closed under a reader."""
        if self._reading.acquire(timeout=CLOSE_SECONDS):
            self._stream.close()
