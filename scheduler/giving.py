"""Pure: what the voice is given of an answer, and when: held, handed over, paused, taken up again."""

from __future__ import annotations

from scheduler import answer_ending
from scheduler.commands import (
    EndUtterance,
    GoOnSpeaking,
    PauseSpeaking,
    Purpose,
    Release,
    SkipSentence,
    Speak,
    SpeakSource,
)
from scheduler.policy import TurnMode
from scheduler.state import Alarm, Answer, Phase
from scheduler.step import Step


def is_held(step: Step, answer: Answer) -> bool:
    """Whether an answer that has not sounded must wait, because the user may not have finished after all.

    What the client asked for while the user spoke is its own affair, and so is a client that wants no
    interruption, or an answer beside the talk.
    """
    turn = step.state.turn
    return (
        turn is not None
        and not turn.over_agent
        and answer.asked_during != turn.turn_id
        and answer.in_conversation
        and answer.phase is Phase.WAITING
        and interruptible(step)
    )


def is_about_to_sound(answer: Answer) -> bool:
    """Whether it answers a turn that the user may not have finished after all, if they make a sound just now."""
    unbegun = answer.phase is Phase.WAITING and answer.sounded_at is None and answer.asked_during is None
    return unbegun and answer.audible and answer.in_conversation and answer.turn is not None


def interruptible(step: Step) -> bool:
    detection = step.state.turn_detection
    return detection.interrupt_response and detection.mode is not TurnMode.MANUAL


def pause(step: Step, answer: Answer) -> None:
    """Nothing more of it leaves for now; what the voice has not been given is kept back by ``_must_wait``."""
    if answer.is_handed_over and not answer.paused:
        step.order(PauseSpeaking(answer.utterance_id))
        step.change_answer(answer, paused=True)


def go_on(step: Step) -> None:
    """Whatever was paused goes on where it was."""
    for answer in step.state.answers:
        if answer.paused:
            if answer.phase in (Phase.WAITING, Phase.SOUNDING):
                step.order(GoOnSpeaking(answer.utterance_id))
            step.change_answer(answer, paused=False)


def _must_wait(step: Step, answer: Answer) -> bool:
    """Held, or behind an answer that was interrupted and may be taken up again.

    The server's own sentences wait until what was begun before has been said: clients know one response at a time.
    """
    if is_held(step, answer) or (Alarm.SOUND_IN_PAUSE in step.state.alarms and is_about_to_sound(answer)):
        return True
    before = step.state.answers[: step.state.answers.index(answer)]
    if answer.think_id is None and any(each.audible and each.in_conversation for each in before):
        return True
    unbegun = answer.phase is Phase.WAITING and answer.asked_during is None
    return unbegun and any(each.is_interrupted for each in before)


def give(step: Step, answer: Answer) -> Answer:
    """Hand the voice what is written and not yet given, and let sound what was rendered ahead, unless the answer must
    wait or is stopped."""
    if not answer.audible or answer.phase not in (Phase.WAITING, Phase.SOUNDING) or _must_wait(step, answer):
        return answer
    if answer.held:
        step.order(Release(answer.utterance_id))
        answer = step.change_answer(answer, held=False)
    answer = hand_over(step, answer, until=len(answer.sentences))
    if not answer.thinking and not answer.closed:
        step.order(EndUtterance(answer.utterance_id))
        answer = step.change_answer(answer, closed=True)
    return answer


def hand_over(step: Step, answer: Answer, *, until: int) -> Answer:
    """Order the speech of what is written and not yet given, of the first ``until`` sentences. A voice that takes
    streaming text gets the sentence that is being written, too."""
    if answer.given >= min(until, len(answer.sentences)) and answer.growing_given >= len(answer.growing):
        return answer
    given_before, goes_on = answer.rendered_ahead, answer.growing_given > 0
    for index in range(answer.given, min(until, len(answer.sentences))):
        text = answer.sentences[index]
        _speak(step, answer, index, text[answer.growing_given :], complete=True)
        answer = step.change_answer(answer, given=index + 1, growing_given=0)
    more = answer.growing[answer.growing_given :]
    if more and answer.given == len(answer.sentences):
        _speak(step, answer, answer.given, more, complete=False)
        answer = step.change_answer(answer, growing_given=len(answer.growing))
    last = len(answer.sentences) - 1 if not answer.growing else len(answer.sentences)
    follows_filler = last > answer.first and last - 1 in answer.fillers and last not in answer.fillers
    if answer.rendered_ahead != given_before and follows_filler and not goes_on:
        # substance comes: a filler that is still playing ends at the next word boundary
        step.order(SkipSentence(answer.utterance_id, last - 1 - answer.first))
    if answer.given_at is None and answer.rendered_ahead != given_before and answer.has_substance:
        answer = step.change_answer(answer, given_at=step.now)
    return answer


def _speak(step: Step, answer: Answer, index: int, text: str, *, complete: bool) -> None:
    if index in answer.fillers:
        source = SpeakSource.FILLER
    elif answer.purpose is Purpose.AFTERTHOUGHT:
        source = SpeakSource.AFTERTHOUGHT
    else:
        source = SpeakSource.MODEL if answer.think_id else SpeakSource.SERVER
    # An answer that is taken up again is a new message to clients: its think was told as over.
    think_id = None if answer.resumed else answer.think_id
    step.order(Speak(answer.utterance_id, index - answer.first, text, think_id, source, complete))


def give_held(step: Step) -> None:
    """Nobody speaks any more: held answers are spoken, suspended ones are taken up at the first unheard sentence."""
    for answer in step.state.answers:
        if answer.phase is Phase.SUSPENDED and answer.wanted:
            _resume(step, answer)
        else:
            give(step, answer)


def _resume(step: Step, answer: Answer) -> None:
    while answer.first in answer.fillers:  # what it was to bridge is over
        answer = step.change_answer(answer, first=answer.first + 1)
    if answer.first >= len(answer.sentences) and not answer.thinking:
        answer_ending.finish(step, answer)
        return
    answer = step.change_answer(
        answer,
        utterance_id=step.new_id("utterance"),
        phase=Phase.WAITING,
        given=answer.first,
        closed=False,
        growing_given=0,
        held=False,
        paused=False,
        resumed=True,
        heard_text="",
        corrected=None,
    )
    give(step, answer)
