"""What the caller is just hearing, as the model is told it."""

from __future__ import annotations

import pytest

from realtime.sounding import REMEMBERED, Sounding
from scheduler.commands import Command, Hold, Purpose, Release, Speak, StopSpeaking
from scheduler.events import Event, PlayoutEnded, PlayoutStarted, ResponseRequested
from tests.faults.scenes import ANSWER, calling, in_virtual_time, quiet, simulated_engines, tone
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Prompt, Words


def after(*happened: Event | Command) -> Sounding:
    sounding = Sounding()
    for each in happened:
        sounding.observe(0.0, each)
    return sounding


def test_what_sounds_is_what_the_voice_was_given_of_it() -> None:
    said = (Speak("u1", 0, "One."), PlayoutStarted("u1"), Speak("u1", 1, "Two."), Speak("u2", 0, "Three."))
    assert after(*said).text == "One. Two."
    assert after(*said, PlayoutEnded("u1", False, "One. Two.", 1.0, True), PlayoutStarted("u2")).text == "Three."


def test_what_is_only_rendered_does_not_sound() -> None:
    assert after(Hold("u1"), Speak("u1", 0, "One."), Release("u1")).text == ""


def test_what_is_stopped_is_not_being_heard_any_more() -> None:
    stopped = after(Speak("u1", 0, "One."), PlayoutStarted("u1"), StopSpeaking("u1", 0.2))
    assert stopped.text == ""


def test_a_streaming_voice_gets_sentences_in_pieces() -> None:
    pieces = (Speak("u1", 0, "It is", complete=False), Speak("u1", 0, " one.", complete=False), Speak("u1", 0, ""))
    assert after(*pieces, Speak("u1", 1, "Two."), PlayoutStarted("u1")).text == "It is one. Two."


def test_old_utterances_are_forgotten() -> None:
    sounding = after(*(Speak(f"u{number}", 0, "One.", complete=False) for number in range(REMEMBERED + 9)))
    sounding.observe(0.0, PlayoutStarted("u1"))
    assert sounding.text == ""
    assert len(sounding._growing) == len(sounding._given) == REMEMBERED


@pytest.mark.parametrize("in_conversation", [True, False])
def test_an_answer_that_is_asked_for_meanwhile_goes_on_from_it(in_conversation: bool) -> None:
    """Also a client's: its response was done when all audio had left, and it is still being heard."""
    prompts: list[Prompt] = []

    def answer(prompt: Prompt) -> list[Words]:
        prompts.append(prompt)
        return [Words(ANSWER)]

    async def main() -> None:
        model = SimulatedModel(SimulatedModelSettings(jitter=0.0), answer)
        async with calling(simulated_engines(model=model)) as call:
            await call.speak(tone(1.0))
            while not call.door.of(PlayoutStarted):
                await call.speak(quiet(0.1))
            call.session.publish(ResponseRequested("r1", True, in_conversation))
            await call.speak(quiet(2.0))

    in_virtual_time(main)
    told = [f'hearing you say: "{ANSWER}"' in prompt.hints for prompt in prompts if prompt.purpose is Purpose.ANSWER]
    assert told == [in_conversation]
