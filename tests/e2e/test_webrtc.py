"""Calls over WebRTC with real engines: understood, answered, interrupted, cut off and taken up again."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from scheduler.commands import RecordHeard
from tests.e2e.patience import play
from tests.e2e.recognising import missed_words, word_errors
from tests.e2e.serving import Served
from tests.e2e.sounds import human_recording, silence, speech, trimmed
from tests.e2e.test_barge_in import ANSWER, QUESTION, word_ends
from tests.e2e.webrtc_calls import HEARD_HZ, LOUD, Caller, calling, transcript

pytestmark = pytest.mark.slow

COMPLETED = "conversation.item.input_audio_transcription.completed"
GAP_SECONDS = 0.4
"""Between the last sound before an interruption and what the server says was heard: packets on their way, and Opus'
look-ahead both ways; and room for a busy machine."""


def test_a_spoken_question_is_understood_and_its_answer_is_in_the_track(served: Served) -> None:
    async def main() -> None:
        async with calling(served) as caller:
            await caller.say(trimmed(speech("what is twelve times twelve")))
            assert (await caller.next(COMPLETED))["transcript"] == "what is twelve times twelve"
            response, words = await caller.answer()
            assert "144" in transcript(response)
            assert missed_words("one hundred and forty four", words) <= 1
            assert not caller.all_told("response.output_audio.delta")
            assert await caller.hang_up() == 200
            await caller.until(lambda: not served.health()["sessions"])
            assert await caller.hang_up() == 404

    play(served, main)


def test_a_person_is_understood(served: Served) -> None:
    clip, words = human_recording("ps_goforward.wav")

    async def main() -> None:
        async with calling(served) as caller:
            await caller.say(clip, silence(1.0))
            heard = (await caller.next(COMPLETED))["transcript"]
            assert word_errors(words, heard) <= 0.5, heard

    play(served, main)


def test_an_interruption_is_cut_by_the_server_where_it_was_heard(served: Served) -> None:
    async def main() -> None:
        async with calling(served) as caller:
            await caller.write(QUESTION)
            await caller.next("output_audio_buffer.started")
            await asyncio.sleep(2.0)  # listens
            await caller.say(trimmed(speech("what is twelve times twelve")))
            await caller.next("input_audio_buffer.speech_started")
            response = (await caller.next("response.done"))["response"]
            assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
            truncated = caller.all_told("conversation.item.truncated")[0].event
            assert len(caller.all_told("output_audio_buffer.cleared")) == 1
            kept = await caller.retrieved(truncated["item_id"])
            await words_are_those_of(kept, truncated["audio_end_ms"])
            assert heard_seconds(caller) == pytest.approx(truncated["audio_end_ms"] / 1000, abs=GAP_SECONDS)
            await caller.until(lambda: len(caller.all_told("output_audio_buffer.stopped")) == 1)
            assert "144" in transcript(caller.all_told("response.done")[-1].event["response"])
        (cut, *_) = [entry for _, entry in served.entries(caller.session_id) if isinstance(entry, RecordHeard)]
        assert cut.cut_off
        assert cut.text.strip() == kept.strip()

    play(served, main)


async def words_are_those_of(kept: str, played_ms: int) -> None:
    """By the voice's own word times."""
    ends, words = await word_ends(ANSWER), ANSWER.split()
    fewest, most = (sum(end <= played_ms / 1000 + margin for end in ends) for margin in (-0.03, 0.03))
    assert kept.split() in [words[:count] for count in range(fewest, most + 1)], (played_ms, ends)


def heard_seconds(caller: Caller) -> float:
    """Of the first stretch of sound: up to the first silence of half a second."""
    samples = caller.heard_since(0)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
    gaps = np.flatnonzero(np.diff(loud) > HEARD_HZ // 2)
    last = loud[gaps[0]] if len(gaps) else loud[-1]
    return float(last - loud[0]) / HEARD_HZ


def test_an_answer_goes_on_over_a_new_path_and_no_event_is_lost(served: Served) -> None:
    async def main() -> None:
        async with calling(served) as caller:
            await caller.write(QUESTION)
            await caller.next("output_audio_buffer.started")
            await asyncio.sleep(1.5)  # listens
            caller.cut()
            await asyncio.sleep(4.0)  # the server notices after 2 s
            before = len(caller.heard)
            await caller.reconnect(caller.told[-1].event["event_id"])
            await caller.next("output_audio_buffer.stopped")
            assert transcript(caller.all_told("response.done")[-1].event["response"]).startswith(ANSWER)
            assert np.abs(caller.heard_since(before).astype(np.int32)).max() > LOUD
            ids = [told.event["event_id"] for told in caller.told]
            assert len(ids) == len(set(ids)), "nothing is told twice"
            deltas = [told.event["delta"] for told in caller.all_told("response.output_audio_transcript.delta")]
            assert "".join(deltas).split() == transcript(caller.all_told("response.done")[-1].event["response"]).split()
            await caller.say(trimmed(speech("what is twelve times twelve")))
            assert "144" in transcript((await caller.next("response.done"))["response"])

    play(served, main)
