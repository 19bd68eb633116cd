"""The official ``openai`` client against a real server: typed and spoken turns, push to talk, barge-in, tools."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
import websockets
from openai import AsyncOpenAI

from realtime.talk import FRAME_SAMPLES, FRAME_SECONDS
from scheduler.commands import RecordHeard
from tests.e2e.calls import WAIT_SECONDS, Call, calling, encoded, transcript
from tests.e2e.patience import play
from tests.e2e.recognising import missed_words, recognised_in
from tests.e2e.serving import Served
from tests.e2e.sounds import Samples, silence, speech

pytestmark = pytest.mark.slow

SPOKEN_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def in_order(kinds: list[str], expected: list[str]) -> None:
    rest = iter(kinds)
    missing = [kind for kind in expected if kind not in rest]
    assert not missing, f"{missing} missing, or out of order, in {kinds}"


def test_typed_turns_out_of_band_and_cancelled_ones(served: Served) -> None:
    async def main() -> None:
        async with calling(served, None, microphone=False, output_modalities=["text"]) as call:
            await call.ask("what is twelve times twelve")
            assert "144" in transcript(await call.answer())
            aside: Any = {"conversation": "none", "input": [message("what is two plus two")], "metadata": {"n": "1"}}
            await call.connection.response.create(response=aside)
            response = await call.answer()
            assert "4" in transcript(response)
            assert (response.conversation_id, response.metadata) == (None, {"n": "1"})
            await call.ask("now divide that by three")  # by 144, and not by what was asked aside
            assert "48" in transcript(await call.answer())
            await call.connection.response.cancel()
            assert (await call.next_error()).code == "response_cancel_not_active"
            await call.write("count to thirty")
            await call.connection.response.create(response={"output_modalities": ["audio"]})
            await call.next("response.output_audio.delta")
            await call.connection.response.cancel()
            response = await call.answer()
            assert (response.status, response.status_details.reason) == ("cancelled", "client_cancelled")

    play(served, main)


def message(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


@pytest.mark.parametrize("mode", ["semantic_vad", "server_vad"])
def test_a_spoken_turn(served: Served, mode: str) -> None:
    async def main() -> None:
        async with calling(served, mode) as call:
            await call.say(speech("what is twelve times twelve"))
            response = await call.answer()
            assert "144" in transcript(response)
            (heard,) = await recognised_in(call.sound_of(response))
            assert missed_words("one hundred and forty four", heard) <= 1
            in_order([told.kind for told in call.told], SPOKEN_TURN)
            (asked,) = call.all_told("conversation.item.input_audio_transcription.completed")
            assert "twelve times twelve" in asked.event.transcript
            await call.say(speech("divide that by three"))
            assert "48" in transcript(await call.answer())

    play(served, main)


def at_pace(*sounds: Samples) -> list[Samples]:
    """Frames for a microphone. Whoever sends all at once makes the recogniser hurry: a commit waits for its final
    for 0.6 s, which a busy machine may not have."""
    samples = np.concatenate(sounds)
    return [samples[start : start + FRAME_SAMPLES] for start in range(0, len(samples), FRAME_SAMPLES)]


def test_push_to_talk(served: Served) -> None:
    async def main() -> None:
        async with calling(served, None, microphone=False) as call:
            for frame in at_pace(silence(0.3), speech("what is twelve times twelve"), silence(0.2)):
                await call.append(frame)
                await asyncio.sleep(FRAME_SECONDS)  # the pace of a microphone
            await call.connection.input_audio_buffer.commit()
            await call.connection.response.create()
            response = await call.answer()
            assert "144" in transcript(response)
            kinds = call.kinds()
            assert "input_audio_buffer.speech_started" not in kinds
            in_order(kinds, ["input_audio_buffer.committed", "response.created", "response.done"])

    play(served, main)


@pytest.mark.parametrize("mode", ["semantic_vad", "server_vad"])
def test_barge_in_with_truncation(served: Served, mode: str) -> None:
    async def main() -> None:
        async with calling(served, mode) as call:
            await call.say(speech("count to thirty"))
            await call.next("response.output_audio.delta")
            await asyncio.sleep(3.0)  # listens to some of the numbers
            await call.say(speech("what is twelve times twelve"))
            await call.next("input_audio_buffer.speech_started")
            cancelled = (await call.next("response.done")).response
            assert (cancelled.status, cancelled.status_details.reason) == ("cancelled", "turn_detected")
            answer = await call.answer()
            assert "144" in transcript(answer)
            await assert_history_is_what_was_played(call, served, cancelled)

    play(served, main)


async def assert_history_is_what_was_played(call: Call, served: Served, cancelled: Any) -> None:
    ((item_id, played_ms),) = call.truncated
    assert item_id == cancelled.output[0].id
    kept = (await call.retrieved(item_id)).strip()
    played = call.sound_of(cancelled)
    assert len(played) == pytest.approx(played_ms * 24, abs=24)
    (heard,) = await recognised_in(played)
    # a word may have been cut in two, and another be taken for two or none
    assert abs(len(heard.split()) - len(kept.replace("-", " ").split())) <= 2, (heard, kept)
    assert kept
    assert "thirty" not in kept
    recorded = [entry for _, entry in served.entries(call.session_id) if isinstance(entry, RecordHeard)]
    assert recorded[0].cut_off
    assert recorded[0].text.strip() == kept


def test_a_function_call_of_the_client(served: Served) -> None:
    async def main() -> None:
        async with calling(served, tools=[WEATHER]) as call:
            await call.say(speech("tell me the weather in paris"))
            asked = await call.next("response.function_call_arguments.done")
            assert asked.name == "get_weather"
            assert "paris" in json.loads(asked.arguments)["city"].lower()
            await call.next("response.done")
            output: Any = {"type": "function_call_output", "call_id": asked.call_id, "output": "sunny and warm"}
            await call.connection.conversation.item.create(item=output)
            await call.connection.response.create()
            response = await call.answer()
            assert transcript(response).endswith("Sunny and warm.")  # behind a filler, if the answer took its time
            (heard,) = await recognised_in(call.sound_of(response))
            assert missed_words("sunny and warm", heard) <= 1

    play(served, main)


def test_a_browser_with_a_client_secret(served: Served) -> None:
    async def main() -> None:
        client = AsyncOpenAI(api_key="none", base_url=f"http://{served.address}/v1")
        session: Any = {"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
        secret = await client.realtime.client_secrets.create(session=session)
        assert secret.value.startswith("ek_")
        browser = AsyncOpenAI(api_key=secret.value, base_url=f"http://{served.address}/v1")
        async with browser.realtime.connect(model="any") as connection:
            created: Any = await connection.recv()
            assert created.session.output_modalities == ["text"]
            assert created.session.instructions == "Be brief."

    play(served, main)


def test_a_beta_client(served: Served) -> None:
    """As old clients speak: a flat session, beta names, never both."""

    async def main() -> None:
        headers = {"OpenAI-Beta": "realtime=v1"}
        url = f"{served.url}/v1/realtime?model=any"
        async with websockets.connect(url, additional_headers=headers, max_size=None) as line:
            flat = {"modalities": ["text", "audio"], "turn_detection": None, "input_audio_format": "pcm16"}
            await line.send(json.dumps({"type": "session.update", "session": flat}))
            for frame in at_pace(silence(0.3), speech("what is twelve times twelve"), silence(0.2)):
                await line.send(json.dumps({"type": "input_audio_buffer.append", "audio": encoded(frame)}))
                await asyncio.sleep(FRAME_SECONDS)  # the pace of a microphone
            await line.send(json.dumps({"type": "input_audio_buffer.commit"}))
            await line.send(json.dumps({"type": "response.create"}))
            kinds, said = await beta_answer(line)
            assert "144" in said
            assert "response.audio.delta" in kinds
            assert not any(kind.startswith("response.output_audio") for kind in kinds)

    play(served, main)


async def beta_answer(line: Any) -> tuple[set[str], str]:
    kinds, said = set(), ""
    async with asyncio.timeout(WAIT_SECONDS):
        async for text in line:
            event = json.loads(text)
            kinds.add(event["type"])
            said += event["delta"] if event["type"] == "response.audio_transcript.delta" else ""
            if event["type"] == "response.done":
                return kinds, said
    raise AssertionError(f"no answer; told: {kinds}")
