"""Pocketsphinx: recognises English on any CPU without a download, if not well.

Measured on two cores: real-time factor 0.2 to 0.5 per talker, about 90 MB per open stream, word errors 4
to 9 % on synthetic and 34 to 38 % on human speech. It holds the interpreter's lock while it works, so it
lives in worker processes.
"""

from __future__ import annotations

import os

from audio.asr.pooled import Open, PooledStream
from audio.asr.recognizer import primary_language
from scheduler.errors import RecognizerError, WorkerError
from scheduler.workers import PoolSettings, WorkerPool

MOST_PROCESSES = 8
LIFELESS_SECONDS = 15.0
"""Making a decoder takes 0.4 s, in which the process shows no life, and five times as long and more on a machine with
other work: whoever is replaced for that makes decoders again. A process that died is noticed at once anyway."""


class PocketsphinxRecognizer:
    """``processes``: ``None`` for one per usable core, at most ``MOST_PROCESSES``; streams share them.
    ``spares``: decoders kept ready per process."""

    def __init__(self, *, processes: int | None = None, spares: int = 1) -> None:
        self._pool = WorkerPool(
            PoolSettings(
                "audio.asr.pocketsphinx_worker:make_keeper",
                {"spares": spares},
                processes=processes or min(len(os.sched_getaffinity(0)), MOST_PROCESSES),
                credit=50,  # ten seconds of audio
                silent_after_seconds=LIFELESS_SECONDS,
                hung_after_seconds=LIFELESS_SECONDS,
            ),
            name="pocketsphinx",
        )

    @property
    def name(self) -> str:
        return "pocketsphinx"

    @property
    def simulated(self) -> bool:
        return False

    def process_ids(self) -> list[int]:
        return self._pool.process_ids()

    def knows_language(self, language: str) -> bool:
        return primary_language(language) == "en"

    async def warm_up(self) -> None:
        try:
            await self._pool.start()
        except WorkerError as error:
            raise RecognizerError(str(error)) from error

    async def open(self, *, language: str | None = None) -> PooledStream:
        """Raises ``RecognizerError`` for any language but English."""
        if language is not None and not self.knows_language(language):
            raise RecognizerError(f"pocketsphinx knows English only, not {language!r}; choose another --asr engine")
        return await PooledStream.open(self._pool, Open(language))

    async def close(self) -> None:
        await self._pool.close()
