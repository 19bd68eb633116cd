"""Sounds over the agent's speech: what ducks it, what stops it, and what it is not stopped by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.talk import RATE_HZ
from scheduler.commands import Duck, RecordHeard
from tests.e2e.calls import Call, calling, transcript
from tests.e2e.patience import play
from tests.e2e.serving import Served
from tests.e2e.sounds import Samples, cough, door_slam, mm_hm, phones, speech, trimmed
from think_loop.engines.offline.skills.manners import WHAT_I_CAN
from tts.registry import make_voice

pytestmark = pytest.mark.slow

QUESTION = "what can you do"
ANSWER = WHAT_I_CAN
"""Its answer begins with this sentence, and takes eleven seconds."""
WINDOW = RATE_HZ // 10
MAX_DUCK_SECONDS = 1.5
"""From the first sample of the sound at the caller's microphone to ducked speech at the caller's loudspeaker:
64 ms until the detector is sure, 40 ms of ramp, the lead of 200 ms that has left already, and room for a busy machine;
less than ``PAUSE_SECONDS`` and the word's length, or it could be the next sound's."""
PAUSE_SECONDS = 1.2
NO_INTERRUPTIONS: dict[str, Callable[[], Samples]] = {
    "a word": lambda: trimmed(speech("yes", "slt")),
    "a hum": mm_hm,
    "a cough": cough,
    "a door": door_slam,
    "a short hum": lambda: phones("hh ah m", "slt"),
}
"""The first is what the ears always take for speech: with it the ducking is measured.

They are what pocketsphinx hears as nothing else: it makes "yeah" and then "yes" of the word, 60 times of 60. Of "right"
it makes "bro i" for a moment, and "but" of "okay" and of other hums, with which the agent may well be stopped.
"""


def gains_db(played: Samples, undisturbed: Samples) -> NDArray[np.float64]:
    """The level of each 100 ms of an answer against the same answer undisturbed; NaN where that is nearly silent.

    Levels, not samples, are compared: flite's voices are not the same to the sample each time.
    """
    length = min(len(played), len(undisturbed)) // WINDOW * WINDOW
    now = played[:length].reshape(-1, WINDOW).astype(np.float64).std(axis=1)
    reference = undisturbed[:length].reshape(-1, WINDOW).astype(np.float64).std(axis=1)
    gains = 20 * np.log10(np.maximum(now, 1.0) / np.maximum(reference, 1.0))
    gains[reference < 500.0] = np.nan
    return np.asarray(gains)


@pytest.fixture(scope="module")
def undisturbed(served: Served) -> Samples:
    """The answer, heard in peace."""

    async def main() -> Samples:
        async with calling(served) as call:
            await call.ask(QUESTION)
            return call.sound_of(await call.answer(30))

    return asyncio.run(main())


async def ask_and_listen(call: Call, seconds: float = 2.0) -> None:
    await call.ask(QUESTION)
    await call.next("response.output_audio.delta")
    await asyncio.sleep(seconds)  # listens


async def make(call: Call, sound: Samples) -> float:
    """Gives when its first sample left the microphone."""
    began_at = call.now()
    await call.say(sound)
    return began_at


def ducked_at(call: Call, response: Any, gains: NDArray[np.float64]) -> float:
    """When the first ducked audio sounded at the caller's."""
    first = int(np.flatnonzero(gains < -6.0)[0]) * WINDOW
    for block in call.speaker.blocks:
        if block.response_id == response.id:
            if first < len(block.samples):
                return block.start_at + first / RATE_HZ
            first -= len(block.samples)
    raise AssertionError("the ducked audio was never played")


def test_hums_coughs_and_doors_do_not_stop_the_answer(served: Served, undisturbed: Samples) -> None:
    async def main() -> None:
        async with calling(served, "semantic_vad") as call:
            await ask_and_listen(call, 1.0)
            began_at = []
            for sound in NO_INTERRUPTIONS.values():
                began_at.append(await make(call, sound()))
                await asyncio.sleep(PAUSE_SECONDS)  # a while for each
            response = await call.answer(30)
            played = call.sound_of(response)
            assert response.status == "completed"
            assert len(played) == pytest.approx(len(undisturbed), abs=RATE_HZ / 50), "it was not heard to its end"
            assert not call.all_told("input_audio_buffer.speech_started")
            gains = gains_db(played, undisturbed)
            assert np.nanmin(gains) <= -8.0, "the word ducks it"
            assert np.nanmedian(gains[-10:]) == pytest.approx(0.0, abs=1.0), "the level came back"
            delay = ducked_at(call, response, gains) - began_at[0]
            print(f"lowest {np.nanmin(gains):.1f} dB, {delay * 1000:.0f} ms after the word")
            assert 0 < delay <= MAX_DUCK_SECONDS
        (said,) = [entry for _, entry in served.entries(call.session_id) if isinstance(entry, RecordHeard)]
        assert not said.cut_off
        ducks = [entry.gain_db for _, entry in served.entries(call.session_id) if isinstance(entry, Duck)]
        assert ducks[0] == -9.0
        assert ducks[-1] == 0.0

    play(served, main)


@pytest.mark.parametrize("words", ["stop", "what is twelve times twelve"])
def test_words_duck_the_answer_then_stop_it(served: Served, undisturbed: Samples, words: str) -> None:
    """History holds what was played, and nothing more."""

    async def main() -> None:
        async with calling(served, "semantic_vad") as call:
            await ask_and_listen(call)
            began_at = await make(call, trimmed(speech(words)))
            await call.next("input_audio_buffer.speech_started")
            stopped_at = call.all_told("input_audio_buffer.speech_started")[0].at
            response = (await call.next("response.done")).response
            assert (response.status, response.status_details.reason) == ("cancelled", "turn_detected")
            print(f"{words!r}: stopped after {(stopped_at - began_at) * 1000:.0f} ms")
            if words != "stop":  # after that one it is silent before ducked speech could arrive
                gains = gains_db(call.sound_of(response), undisturbed)
                assert np.nanmin(gains) <= -8.0
                assert ducked_at(call, response, gains) - began_at <= MAX_DUCK_SECONDS
            kept = await history_is_what_was_played(call, response)
            if words != "stop":
                assert "144" in transcript(await call.answer())
        entries = [entry for _, entry in served.entries(call.session_id)]
        assert next(entry.gain_db for entry in entries if isinstance(entry, Duck)) == -9.0
        (cut, *_) = [entry for entry in entries if isinstance(entry, RecordHeard)]
        assert cut.cut_off
        assert cut.text.strip() == kept.strip()

    play(served, main)


async def history_is_what_was_played(call: Call, response: Any) -> str:
    """By the voice's own word times. The words that are kept."""
    await call.next("conversation.item.truncated")
    ((item_id, played_ms),) = call.truncated
    assert item_id == response.output[0].id
    assert len(call.sound_of(response)) == pytest.approx(played_ms * RATE_HZ / 1000, abs=RATE_HZ / 1000)
    kept = await call.retrieved(item_id)
    ends = await word_ends(ANSWER)
    fewest, most = (sum(end <= played_ms / 1000 + margin for end in ends) for margin in (-0.03, 0.03))
    words = ANSWER.split()
    assert kept.split() in [words[:count] for count in range(fewest, most + 1)], (played_ms, ends)
    return kept


async def word_ends(sentence: str) -> list[float]:
    """When each word of it ends, in seconds, as the server's voice speaks it."""
    voice = make_voice("flite:slt")
    await voice.warm_up()
    try:
        return [word.end_seconds async for chunk in voice.speak(sentence) for word in chunk.words]
    finally:
        await voice.close()


def test_in_server_vad_any_speech_stops_the_answer_at_once(served: Served) -> None:
    async def main() -> None:
        async with calling(served, "server_vad") as call:
            await ask_and_listen(call)
            began_at = await make(call, trimmed(speech("right")))
            started = await call.next("input_audio_buffer.speech_started")
            assert started.audio_start_ms > 0
            told_at = call.all_told("input_audio_buffer.speech_started")[0].at
            print(f"server_vad: told after {(told_at - began_at) * 1000:.0f} ms")
            assert told_at - began_at <= MAX_DUCK_SECONDS
            response = (await call.next("response.done")).response
            assert (response.status, response.status_details.reason) == ("cancelled", "turn_detected")

    play(served, main)
