"""Short texts rendered once per voice and kept, so that they can sound at once: fillers, backchannels."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scheduler.tasks import closing_stream, engine_edge
from tts.clip_format import Clip, ClipFormatError, ClipKey, from_bytes, to_bytes
from tts.voice import Voice

MAX_CLIPS = 256
"""Kept in memory. Overflow policy: the one not asked for the longest is forgotten."""
MAX_CLIP_SECONDS = 8.0
"""What is longer is no filler, and is not kept."""
RENDER_TIMEOUT_SECONDS = 10.0
REST_RATIO = 1.0
"""``prepare`` rests for so many times as long as a clip took to render, so that sessions get the voice in between."""

PATIENCE_SECONDS = 5.0
"""For so long ``prepare`` waits with each clip while the voice is in use; then it takes its turn, so that a server that
is never quiet has its clips, too."""

logger = logging.getLogger(__name__)


class ClipBook:
    """The clips of one voice, shared by the sessions that use it. ``folder``: where they are kept between runs.

    A folder that can't be read or written costs time only: it is logged, and clips are rendered anew.
    """

    def __init__(self, voice: Voice, folder: Path | None = None, *, max_clips: int = MAX_CLIPS) -> None:
        self._voice = voice
        self._folder = folder
        self._max_clips = max_clips
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    def get(self, text: str) -> Clip | None:
        """The clip of exactly this text, white space around it left out; ``None`` if it is not there."""
        clip = self._clips.get(text.strip())
        if clip is not None:
            self._clips.move_to_end(text.strip())
        return clip

    @contextmanager
    def voice_in_use(self) -> Iterator[None]:
        """A session has something rendered: what is prepared ahead can wait."""
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def prepare(self, texts: Iterable[str]) -> None:
        """Have the clips of these texts, one after another. What can't be rendered is left out. May be cancelled."""
        now = asyncio.get_running_loop().time
        for text in texts:
            if self.get(text) is None:
                await self._quiet()
                began_at = now()
                await self.rendered(text)
                await asyncio.sleep((now() - began_at) * REST_RATIO)

    async def _quiet(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._unused.wait()

    async def rendered(self, text: str) -> Clip | None:
        """The clip, from memory, from the folder or from the voice; ``None`` when that fails or nothing is said."""
        async with self._one_at_a_time:
            if (clip := self.get(text)) is not None:
                return clip
            key = ClipKey(self._voice.name, text.strip(), self._voice.sample_rate_hz)
            clip = await (self._render(key.text) if self._folder is None else self._from(self._folder, key))
            if clip is not None:
                self._keep(key.text, clip)
            return clip

    async def _from(self, folder: Path, key: ClipKey) -> Clip | None:
        """From the folder, else from the voice and then into the folder."""
        path = folder / _file_name(key)
        if (clip := await asyncio.to_thread(_read, path, key)) is not None:
            return clip
        if (clip := await self._render(key.text)) is not None:
            await asyncio.to_thread(_write, path, key, clip)
        return clip

    def _keep(self, text: str, clip: Clip) -> None:
        self._clips[text] = clip
        while len(self._clips) > self._max_clips:
            self._clips.popitem(last=False)

    async def _render(self, text: str) -> Clip | None:
        try:
            async with asyncio.timeout(RENDER_TIMEOUT_SECONDS):
                with engine_edge():
                    return await self._spoken(text)
        except Exception as error:  # noqa: BLE001  the edge of an engine
            logger.warning("the voice %s did not render a clip: %s", self._voice.name, error or type(error).__name__)
            return None

    async def _spoken(self, text: str) -> Clip | None:
        chunks, seconds = [], 0.0
        async with closing_stream(self._voice.speak(text)) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                if (seconds := seconds + chunk.pcm.duration_seconds) > MAX_CLIP_SECONDS:
                    logger.warning("a clip would be longer than %g s", MAX_CLIP_SECONDS)
                    return None
        return tuple(chunks) if seconds else None


def _file_name(key: ClipKey) -> str:
    named = f"{key.voice}\0{key.sample_rate_hz}\0{key.text}".encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(named).hexdigest()[:40]}.npz"


def _read(path: Path, key: ClipKey) -> Clip | None:
    try:
        return from_bytes(key, path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ClipFormatError) as error:
        logger.info("the kept clip %s is rendered anew: %s", path.name, error)
        return None


def _write(path: Path, key: ClipKey, clip: Clip) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, to_bytes(key, clip))
    except OSError as error:
        logger.warning("a clip could not be kept in %s: %s", path.parent, error)


def _write_whole(path: Path, data: bytes) -> None:
    """Whoever reads ``path`` sees the old file or the new one, never a part."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".clip-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
