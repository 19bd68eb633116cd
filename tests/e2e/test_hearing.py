"""Recordings of people through a transcription-only session."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI

from scheduler.tasks import cancel_and_wait
from tests.e2e.calls import PCM, Call
from tests.e2e.patience import play
from tests.e2e.recognising import word_errors
from tests.e2e.serving import Served
from tests.e2e.sounds import human_recording, silence

pytestmark = pytest.mark.slow

CLIPS = ("ps_goforward.wav", "lj0001.wav")
MAX_WORD_ERRORS = 0.35
"""Over both: pocketsphinx's average on human speech. It makes 10 % on these two, and 95 % on others: ``bench.hear``
measures all of them; here it is shown that words get through as they are recognised."""


def test_people_are_transcribed_in_deltas_and_as_a_whole(served: Served) -> None:
    clips = [human_recording(name) for name in CLIPS]

    async def main() -> str:
        client = AsyncOpenAI(api_key="none", base_url=f"http://{served.address}/v1")
        query: Any = {"intent": "transcription"}
        async with client.realtime.connect(extra_query=query) as connection:
            call = Call(connection)
            hearing = {"format": PCM, "turn_detection": {"type": "server_vad"}}
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(call.listen())
                await call.next("session.created")
                session: Any = {"type": "transcription", "audio": {"input": hearing}}
                await connection.session.update(session=session)
                await call.next("session.updated")
                microphone = tasks.create_task(call.speak_line())
                for samples, _ in clips:
                    await call.say(silence(0.5), samples, silence(2.5))
                await call.until(lambda: are_all_completed(call))
                await cancel_and_wait(microphone, listening)
        kinds = set(call.kinds())
        assert not any(kind.startswith("response.") for kind in kinds)
        return transcript_of(call)

    heard = asyncio.run(main())
    said = " ".join(text for _, text in clips)
    errors = word_errors(said, heard)
    print(f"word errors {errors:.0%}: {heard}")
    assert errors <= MAX_WORD_ERRORS, heard


def are_all_completed(call: Call) -> bool:
    """The recogniser has caught up."""
    completed = call.all_told("conversation.item.input_audio_transcription.completed")
    stopped = call.all_told("input_audio_buffer.speech_stopped")
    return 0 < len(call.all_told("input_audio_buffer.speech_started")) == len(stopped) == len(completed)


def transcript_of(call: Call) -> str:
    """All that was completed; the deltas of each item, put together, are the same words."""
    prefix = "conversation.item.input_audio_transcription"
    completed = [told.event for told in call.all_told(f"{prefix}.completed")]
    deltas = [told.event for told in call.all_told(f"{prefix}.delta")]
    assert len(deltas) > len(completed), "no words came before the item was complete"
    for item in completed:
        streamed = "".join(delta.delta for delta in deltas if delta.item_id == item.item_id)
        assert word_errors(item.transcript, streamed) <= 0.5, "deltas may be corrected, but are no other words"
    return " ".join(item.transcript for item in completed)


def test_sound_without_speech_is_transcribed_as_nothing(served: Served) -> None:
    """An hour of it stands in the tests of virtual time; here it is what a microphone gives in an empty room."""
    hiss = np.random.default_rng(1).normal(0, 30, 24_000 * 3).astype(np.int16)

    async def main() -> None:
        client = AsyncOpenAI(api_key="none", base_url=f"http://{served.address}/v1")
        query: Any = {"intent": "transcription"}
        async with client.realtime.connect(extra_query=query) as connection:
            call = Call(connection)
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(call.listen())
                await call.next("session.created")
                for start in range(0, len(hiss), 2400):
                    await call.append(hiss[start : start + 2400])
                await asyncio.sleep(1.0)  # more than the ears need for it
                await cancel_and_wait(listening)
        assert set(call.kinds()) <= {"session.created"}

    play(served, main)
