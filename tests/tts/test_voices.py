"""Real voices where they are installed, and the simulated one."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

from scheduler.errors import SettingsError
from scheduler.pcm import SpeechChunk, WordTime
from scheduler.virtual_time import run
from tts.engines import espeak, flite_library
from tts.engines.espeak import EspeakVoice
from tts.engines.flite import FliteVoice
from tts.engines.flite_library import SAMPLE_RATES_HZ
from tts.engines.simulated import SimulatedVoice
from tts.registry import default_voice_spec, make_voice, voice_names
from tts.voice import Voice

needs_flite = pytest.mark.skipif(not flite_library.is_installed(), reason="libflite is not installed")
needs_espeak = pytest.mark.skipif(not espeak.is_installed(), reason="espeak-ng is not installed")

TEXT = "On **May 5** it was 12 × 12 = 144, and the dogs' O'Brien ran 5 km 😀 in St. Mary's — didn't he?"
LONG = "The weather is fine, and so are you; the train leaves at nine. " * 40


async def rendered(voice: Voice, text: str) -> tuple[list[SpeechChunk], list[WordTime]]:
    chunks = [chunk async for chunk in voice.speak(text)]
    return chunks, [word for chunk in chunks for word in chunk.words]


def check(chunks: list[SpeechChunk], words: list[WordTime], text: str, rate: int) -> None:
    """What the contract of ``Voice.speak`` promises."""
    assert "".join(word.text for word in words) == text
    seconds = 0.0
    for chunk in chunks:
        assert chunk.pcm.sample_rate_hz == rate
        seconds += chunk.pcm.duration_seconds
        assert all(word.start_seconds <= seconds + 1e-6 for word in chunk.words)
    assert words[-1].end_seconds <= seconds + 0.01
    assert all(a.start_seconds <= a.end_seconds <= b.start_seconds for a, b in pairwise(words))


@needs_flite
@pytest.mark.parametrize("name", SAMPLE_RATES_HZ)
@pytest.mark.parametrize("text", [TEXT, LONG])
def test_flite_says_every_word_at_its_time(name: str, text: str) -> None:
    voice = FliteVoice(name)
    chunks, words = asyncio.run(rendered(voice, text))
    check(chunks, words, text, voice.sample_rate_hz)
    audio = np.concatenate([chunk.pcm.samples for chunk in chunks]).astype(float)
    for word in words[:8]:
        sound = audio[int(word.start_seconds * voice.sample_rate_hz) : int(word.end_seconds * voice.sample_rate_hz)]
        assert np.sqrt(np.mean(sound**2)) > 300, f"no sound where {word.text!r} should be"
    assert np.abs(audio[: int(0.01 * voice.sample_rate_hz)]).max() < 3000


@needs_flite
@pytest.mark.parametrize("text", ["", "  ", "😀🎉", "\x00\x07\x1b[31m", "'''", "!?.,", "()[]", "\u200b"])
def test_flite_says_nothing_where_there_is_nothing_to_say(text: str) -> None:
    assert asyncio.run(rendered(FliteVoice(), text)) == ([], [])


@needs_flite
@pytest.mark.parametrize("text", ["\ud800 x", "東京 is big", "%n %s %x", "a" * 3000, "IV. XII. lb ft St Dr A a", "ÿþ"])
def test_flite_survives_odd_text(text: str) -> None:
    chunks, words = asyncio.run(rendered(FliteVoice(), text))
    check(chunks, words, text, 16000)


@needs_flite
def test_flite_stops_in_the_middle_of_a_sentence() -> None:
    """The next sentence's first sound would wait for the whole rest if the worker did not stop."""

    async def main() -> tuple[float, float]:
        voice = FliteVoice()
        await voice.warm_up()
        long = "and so on we go with many words " * 6
        began = time.perf_counter()
        await rendered(voice, long)
        whole_seconds = time.perf_counter() - began
        stream = voice.speak(long)
        await anext(stream)
        began = time.perf_counter()
        await stream.aclose()  # type: ignore[attr-defined]
        close_seconds = time.perf_counter() - began
        assert whole_seconds > 0.03
        await anext(voice.speak("Hi."))
        next_seconds = time.perf_counter() - began
        assert next_seconds < whole_seconds
        return close_seconds, next_seconds

    close_seconds, _ = asyncio.run(main())
    assert close_seconds < 0.05


@needs_flite
def test_many_sessions_share_one_voice_fairly() -> None:
    """Twenty short sentences behind a very long text: all are heard long before it ends."""

    async def main() -> None:
        voice = FliteVoice()
        await voice.warm_up()
        finished: list[str] = []

        async def speak(name: str, text: str) -> None:
            chunks, words = await rendered(voice, text)
            check(chunks, words, text, 16000)
            finished.append(name)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speak("long", LONG))
            for number in range(20):
                tasks.create_task(speak(f"short {number}", f"This is number {number}."))
        assert finished[-1] == "long"

    asyncio.run(main())


@needs_flite
@pytest.mark.slow
@pytest.mark.parametrize("bomb", ["word ", "a", "1", "(", "東", "\x00", "a.", "A, "])
def test_a_million_characters_start_at_once_and_stop_at_once(bomb: str) -> None:
    async def main() -> None:
        voice = FliteVoice()
        await voice.warm_up()
        stream = voice.speak(bomb * (1_000_000 // len(bomb)))
        began = time.perf_counter()
        first = await anext(stream, None)
        assert (first is None) == (bomb in "(\x00")
        if first is not None:
            assert time.perf_counter() - began < 2.0
            await stream.aclose()  # type: ignore[attr-defined]
        await anext(voice.speak("Hi."))

    asyncio.run(main())


@pytest.fixture(params=[False, True], ids=["program", "library"])
def espeak_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """espeak-ng as the program, and as the library in a child."""
    child = request.param
    if child and find_spec("espeakng_loader") is None:
        pytest.skip("espeakng-loader is not installed")
    if not child and shutil.which("espeak-ng") is None:
        pytest.skip("the program espeak-ng is not installed")
    if child:
        monkeypatch.setattr(espeak.shutil, "which", lambda _: None)


@pytest.mark.usefixtures("espeak_kind")
def test_espeak_knows_which_voices_it_has() -> None:
    for name in ("en", "en-us", "EN-GB", "de", "fr", "pt-br", "cmn"):
        assert EspeakVoice(name).name == f"espeak:{name}"
    for name in ("ash", "xx", "en-nowhere"):
        with pytest.raises(SettingsError, match=rf"no voice '{name}'; it has .*\bde\b.*in all\.$"):
            make_voice(f"espeak:{name}")


@pytest.mark.usefixtures("espeak_kind")
def test_espeak_says_every_word() -> None:
    async def main() -> None:
        voice = EspeakVoice()
        chunks, words = await rendered(voice, TEXT)
        check(chunks, words, TEXT, voice.sample_rate_hz)
        assert sum(chunk.pcm.duration_seconds for chunk in chunks) > 3
        assert await rendered(voice, "😀 \x00") == ([], [])

    asyncio.run(main())


def test_an_espeak_that_tells_no_voices_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak.shutil, "which", lambda _: "/nowhere/espeak-ng")
    with pytest.raises(SettingsError, match="does not tell its voices"):
        EspeakVoice("en")


@needs_espeak
def test_espeak_leaves_no_process_behind_when_closed() -> None:
    async def main() -> None:
        async def speak() -> None:
            await rendered(EspeakVoice(), "word " * 40)

        task = asyncio.get_running_loop().create_task(speak())
        await asyncio.sleep(0.005)  # real: let the process start
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())


def test_the_simulated_voice_takes_its_time_and_is_the_same_every_time() -> None:
    async def main() -> tuple[float, bytes]:
        voice = SimulatedVoice(seed=4)
        began = asyncio.get_running_loop().time()
        stream = voice.speak("One two, **three** 4.")
        first = await anext(stream)
        delay = asyncio.get_running_loop().time() - began
        chunks = [first, *[chunk async for chunk in stream]]
        check(chunks, [word for chunk in chunks for word in chunk.words], "One two, **three** 4.", 16000)
        return delay, b"".join(chunk.pcm.to_bytes() for chunk in chunks)

    delay, audio = run(main)
    assert delay == pytest.approx(0.1)
    assert len(audio) / 2 / 16000 == pytest.approx(21 / 15, abs=0.01)
    assert run(main) == (delay, audio)


def test_voices_are_made_by_spec() -> None:
    assert make_voice("simulated").simulated
    assert make_voice("simulated:7").name == "simulated:7"
    for spec in ("kokoro9", "", "simulated:x", "simulated:streaming:x", "flite:bob", "espeak:../x"):
        with pytest.raises(SettingsError) as error:
            make_voice(spec)
        assert str(error.value).endswith(".")


@needs_flite
def test_flite_is_the_default_where_it_is_there() -> None:
    assert default_voice_spec() == "flite:slt"
    assert make_voice("flite").name == "flite:slt"


def test_what_is_missing_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flite_library, "find_library", lambda _: None)
    monkeypatch.setattr(flite_library.ctypes, "CDLL", _no_library)
    monkeypatch.setattr(espeak, "is_installed", lambda: False)
    with pytest.raises(SettingsError, match="apt-get install libflite1"):
        make_voice("flite")
    with pytest.raises(SettingsError, match="apt-get install libflite1"):
        default_voice_spec()
    with pytest.raises(SettingsError, match="apt-get install espeak-ng"):
        make_voice("espeak")


def _no_library(*_: object, **__: object) -> None:
    raise OSError(f"not found on {sys.platform}")


@needs_flite
def test_the_voices_of_an_engine_can_be_named_and_had() -> None:
    assert "slt" in voice_names("flite:rms")
    for name in voice_names("flite:rms"):
        assert make_voice(f"flite:{name}").name == f"flite:{name}"
    assert voice_names("simulated") == voice_names("espeak:en") == ()
