"""Voices that clients ask for by name."""

from __future__ import annotations

import asyncio

import pytest

from realtime.voices import VoiceBook
from tts.engines import espeak
from tts.engines.espeak import EspeakVoice


@pytest.mark.skipif(not espeak.is_installed(), reason="espeak-ng is not installed")
def test_another_providers_name_that_looks_like_a_language_is_spoken_by_the_servers_own_voice() -> None:
    async def main() -> None:
        book, own = VoiceBook(), EspeakVoice("en")
        assert [book.named(name, own) for name in ("ash", "alloy", "sage", "marin")] == [own] * 4
        assert book.named("de", own).name == "espeak:de"
        await book.close()

    asyncio.run(main())
