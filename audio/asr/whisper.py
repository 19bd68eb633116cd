"""Whisper through faster-whisper (CTranslate2), in a worker process, streaming by LocalAgreement-2.

The model is a folder, or a name of faster-whisper's ("small.en", "large-v3-turbo", or a repository of the
Hugging Face hub), which is downloaded once, with a progress bar; an interrupted download is taken up again.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from faster_whisper import download_model

from audio.asr.pooled import Open, PooledStream
from audio.asr.recognizer import primary_language
from scheduler.errors import RecognizerError, WorkerError
from scheduler.workers import PoolSettings, WorkerPool

LONGEST_DECODE_SECONDS = 60.0
"""A run that takes longer counts as hung."""
LOAD_SECONDS = 300.0


class WhisperRecognizer:
    """``model``: see the module. ``device``: ``auto``, ``cpu`` or ``cuda``. ``compute_type``: as in CTranslate2;
    ``auto`` takes the fastest that the device has (int8 on a CPU, float16 on a GPU)."""

    def __init__(self, model: str, *, device: str = "auto", compute_type: str = "auto") -> None:
        self._model = model
        self._device = device
        self._compute_type = compute_type
        self._pool: WorkerPool | None = None
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        return f"whisper:{self._model}"

    @property
    def simulated(self) -> bool:
        return False

    def knows_language(self, language: str) -> bool:
        """By the model's name: those in ``.en`` know English only. The others are told what they know when loaded,
        and find a language that they don't know by ear."""
        return primary_language(language) == "en" or not self._model.endswith(".en")

    async def warm_up(self) -> None:
        """Downloads the model if need be, and loads it. Raises ``RecognizerError``."""
        async with self._starting:
            if self._pool is None:
                self._pool = self._make_pool(await asyncio.to_thread(find_model, self._model))
        try:
            await self._pool.start()
        except WorkerError as error:
            raise RecognizerError(f"Whisper model {self._model!r} can't be loaded: {error}") from error

    async def open(self, *, language: str | None = None) -> PooledStream:
        await self.warm_up()
        assert self._pool is not None
        return await PooledStream.open(self._pool, Open(language))

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _make_pool(self, folder: str) -> WorkerPool:
        options: dict[str, object] = {
            "model": folder,
            "device": self._device,
            "compute_type": self._compute_type,
        }
        settings = PoolSettings(
            "audio.asr.whisper_worker:make_holder",
            options,
            credit=100,
            hung_after_seconds=LONGEST_DECODE_SECONDS,
            start_seconds=LOAD_SECONDS,
        )
        return WorkerPool(settings, name="whisper")


def find_model(model: str) -> str:
    """The model's folder; blocks while it is downloaded. Raises ``RecognizerError``."""
    if Path(model).is_dir():
        return model
    if model.startswith((".", "/", "~")):
        raise RecognizerError(f"There is no folder {model!r} with a Whisper model.")
    try:
        folder = Path(str(download_model(model, local_files_only=True)))
    except ValueError as error:
        raise RecognizerError(f"There is no Whisper model {model!r}: {error}") from error
    except Exception:  # noqa: BLE001 not there yet; the hub's client has many ways to say so
        return _download(model)
    return str(folder) if (folder / "model.bin").exists() else _download(model)


def _download(model: str) -> str:
    """From the hub. Its own progress bars show, and it resumes what an earlier try left half done."""
    from faster_whisper.utils import _MODELS
    from huggingface_hub import snapshot_download

    patterns = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
    try:
        return str(snapshot_download(_MODELS.get(model, model), allow_patterns=patterns))
    except Exception as error:
        raise RecognizerError(
            f"Whisper model {model!r} can't be downloaded ({type(error).__name__}); "
            "check the network, or give the folder of a model: --asr whisper:/path/to/folder"
        ) from error
