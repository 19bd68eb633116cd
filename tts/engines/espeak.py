"""espeak-ng, the fallback where libflite is missing. It is GPL-3, so that it only ever runs in a process of its own.

The program ``espeak-ng`` is used where it is installed, else the library of the optional PyPI package
``espeakng-loader`` in a child Python (``tts/engines/espeak_child.py``). One process renders one phrase and
ends; closing the iterator kills it. espeak-ng tells no word times here, so they are estimated from the
lengths of the words.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import SettingsError, VoiceError
from scheduler.pcm import Pcm, SpeechChunk, WordTime
from scheduler.tasks import clean_up
from tts.alignment import Span, align, estimate_spans
from tts.engines.plain_words import plain_phrases
from tts.phrases import phrases
from tts.speakable import SpokenToken, make_speakable, split_source

SAMPLE_RATE_HZ = 22050
WORDS_PER_MINUTE = 165
PHRASE_SECONDS = 10.0
"""A phrase of 200 characters takes some 30 ms; a process that needs this long hangs."""
LIST_SECONDS = 10.0
"""Listing the voices takes less than a second; a process that needs this long hangs."""
_WELL_KNOWN = ("en-us", "en-gb", "de", "fr-fr", "es", "it", "pt-br", "cmn", "ja")
_PART_CHARACTERS = 1000
_CHUNK_SAMPLES = 2205
_WAV_HEADER_BYTES = 44
_QUIET = 100
"""Samples below this level at the beginning and the end count as silence."""
_KEPT_SILENCE_SECONDS = 0.15


def is_installed() -> bool:
    return shutil.which("espeak-ng") is not None or find_spec("espeakng_loader") is not None


class EspeakVoice:
    """``language``: a voice of espeak-ng such as ``en``, ``en-us``, ``de``.

    Raises ``SettingsError`` for one that espeak-ng does not list. The first voice of a process waits for that list.
    """

    def __init__(self, language: str = "en") -> None:
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}", language, re.IGNORECASE):
            raise SettingsError(f"{language!r} is no espeak-ng voice; give a language such as en or de.")
        if not is_installed():
            raise SettingsError(
                "espeak-ng is not installed: apt-get install espeak-ng, or pip install stretto[espeak]."
            )
        known = _known_languages(shutil.which("espeak-ng"))
        if language.lower() not in known:
            some = ", ".join(name for name in _WELL_KNOWN if name in known)
            raise SettingsError(f"espeak-ng has no voice {language!r}; it has {some} and {len(known)} in all.")
        self._language = language

    @property
    def name(self) -> str:
        return f"espeak:{self._language}"

    @property
    def simulated(self) -> bool:
        return False

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def warm_up(self) -> None:
        """Render a word, which also finds out whether espeak-ng knows the language."""
        async for _ in self.speak("Hello."):
            pass

    async def close(self) -> None:
        """Nothing is held."""

    async def speak(self, text: str) -> AsyncIterator[SpeechChunk]:
        """See ``Voice.speak``."""
        at_seconds = 0.0
        unsaid: tuple[SpokenToken, ...] = ()
        for part in split_source(text, _PART_CHARACTERS):
            for phrase in await asyncio.to_thread(self._phrases, part):
                tokens = unsaid + phrase
                spoken = " ".join(token.spoken for token in tokens if token.spoken)
                if not spoken:
                    unsaid = tokens
                    continue
                unsaid = ()
                for chunk in _chunks(tokens, await self._render(spoken), at_seconds):
                    at_seconds += chunk.pcm.duration_seconds
                    yield chunk
        if unsaid and at_seconds > 0:
            rest = WordTime("".join(token.source for token in unsaid), at_seconds, at_seconds)
            yield SpeechChunk(Pcm.silence(0.0, SAMPLE_RATE_HZ), (rest,))

    def _phrases(self, part: str) -> list[tuple[SpokenToken, ...]]:
        if self._language.lower().startswith("en"):
            return plain_phrases(part)
        return list(phrases(make_speakable(part, self._language).tokens))

    async def _render(self, spoken: str) -> NDArray[np.int16]:
        """int16 ``[n]``, silence at both ends cut short."""
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(self._language),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise VoiceError(f"espeak-ng could not be started: {error}.") from error
        try:
            async with asyncio.timeout(PHRASE_SECONDS):
                output, complaint = await process.communicate(spoken.encode())
        except TimeoutError as error:
            raise VoiceError(f"espeak-ng took more than {PHRASE_SECONDS:.0f} s for a phrase.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await clean_up(process.wait())
        if process.returncode:
            raise VoiceError(
                f"espeak-ng failed: {complaint.decode(errors='replace').strip()[:200] or 'no reason given'}"
            )
        return _trimmed(np.frombuffer(output[_WAV_HEADER_BYTES:][: len(output) // 2 * 2], "<i2").astype(np.int16))


@cache
def _known_languages(program: str | None) -> frozenset[str]:
    """The languages that espeak-ng speaks, in lower case; ``program``: where it is, ``None`` for the library."""
    command = (program,) if program is not None else (sys.executable, "-m", "tts.engines.espeak_child")
    try:
        done = subprocess.run((*command, "--voices"), capture_output=True, timeout=LIST_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise SettingsError(f"espeak-ng does not tell its voices ({error}); install it anew.") from None
    return _listed(done.stdout.decode(errors="replace"))


def _listed(table: str) -> frozenset[str]:
    """Lines such as " 5  pt-br  --/M  Portuguese_(Brazil)  roa/pt-BR  (pt 6)": a language, and others it serves."""
    lines = [line for line in table.splitlines() if re.match(r"\s*\d", line)]
    others = (name for line in lines for name in re.findall(r"\(([\w-]+) \d+\)", line))
    return frozenset(name.lower() for name in (*(line.split()[1] for line in lines), *others))


def _command(language: str) -> Sequence[str]:
    if (program := shutil.which("espeak-ng")) is not None:
        return (program, "-v", language, "-s", str(WORDS_PER_MINUTE), "--stdin", "--stdout")
    return (sys.executable, "-m", "tts.engines.espeak_child", language, str(WORDS_PER_MINUTE))


def _trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - 200) : loud[-1] + round(_KEPT_SILENCE_SECONDS * SAMPLE_RATE_HZ)]


def _chunks(tokens: Sequence[SpokenToken], samples: NDArray[np.int16], at_seconds: float) -> list[SpeechChunk]:
    seconds = len(samples) / SAMPLE_RATE_HZ
    spoken = [word for token in tokens for word in token.words]
    spans = estimate_spans(spoken, 0.0, max(0.0, seconds - _KEPT_SILENCE_SECONDS))
    words = align(tokens, [Span(at_seconds + s.start_seconds, at_seconds + s.end_seconds) for s in spans])
    chunks: list[SpeechChunk] = []
    given = 0
    for start in range(0, len(samples), _CHUNK_SAMPLES):
        until_seconds = at_seconds + (start + _CHUNK_SAMPLES) / SAMPLE_RATE_HZ
        first = given
        while given < len(words) and words[given].start_seconds < until_seconds:
            given += 1
        chunks.append(SpeechChunk(Pcm(samples[start : start + _CHUNK_SAMPLES], SAMPLE_RATE_HZ), words[first:given]))
    return chunks
