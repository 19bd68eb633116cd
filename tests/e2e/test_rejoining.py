"""A caller who pauses in the middle of a question."""

from __future__ import annotations

import pytest

from scheduler.commands import EndTurn, TurnOutcome
from tests.e2e.calls import calling, transcript
from tests.e2e.patience import play
from tests.e2e.recognising import missed_words, recognised_in
from tests.e2e.serving import Served
from tests.e2e.sounds import silence, speech, trimmed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pause_seconds", [0.6, 0.9])
def test_a_question_with_a_pause_is_one_turn_with_one_answer(served: Served, pause_seconds: float) -> None:
    """ "What is twelve times" sounds unfinished: it is waited for the rest."""

    async def main() -> None:
        async with calling(served, "semantic_vad") as call:
            first, second = trimmed(speech("what is twelve times")), trimmed(speech("twelve"))
            await call.say(first, silence(pause_seconds), second)
            response = await call.answer()
            assert "144" in transcript(response)
            (heard,) = await recognised_in(call.sound_of(response))
            assert missed_words("one hundred and forty four", heard) <= 1
            assert len(call.all_told("input_audio_buffer.speech_started")) == 1
            assert len(call.all_told("response.created")) == 1

    play(served, main)


def test_a_question_that_seemed_complete_is_answered_once_with_all_its_words(served: Served) -> None:
    """ "What is twelve plus twelve" is complete, and answered; who goes on right then is heard as one question."""

    async def main() -> None:
        async with calling(served, "semantic_vad") as call:
            await call.say(trimmed(speech("what is twelve times twelve")))
            await call.next("response.output_audio.delta")
            await call.say(trimmed(speech("plus one")))
            cancelled = await call.next("response.done")
            assert cancelled.response.status == "cancelled"
            assert "145" in transcript(await call.answer())
        outcomes = [entry.outcome for _, entry in served.entries(call.session_id) if isinstance(entry, EndTurn)]
        assert outcomes[0] is TurnOutcome.REJOINED

    play(served, main)
