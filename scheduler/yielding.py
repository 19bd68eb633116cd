"""Pure: who yields when both speak: graded by the sound's length and its words (rule 9), and rejoining (rule 5)."""

from __future__ import annotations

from scheduler import answers, turn_ending
from scheduler.commands import Duck, EndTurn, TurnOutcome
from scheduler.events import SpeechStarted
from scheduler.state import Alarm, Answer, Phase, Turn
from scheduler.step import Step
from scheduler.words import HESITATIONS, bare_words, is_backchannel, is_echo, is_telling, join_texts, speaks_up

ECHO_WORDS = 12
"""So many words around what is being heard count as the agent's own: about four seconds, for slow recognisers."""


def mark_rejoinable(step: Step, onset_at: float) -> None:
    """A user who goes on before the first sound of the answer, or right after it, had not finished (rule 5)."""
    for answer in step.state.answers:
        begun = answer.sounded_at is not None and onset_at - answer.sounded_at > step.policy.rejoin_seconds
        step.change_answer(answer, rejoinable=answer.turn is not None and not begun)


def hold_waiting(step: Step) -> None:
    """Answers that have not sounded wait for what the user has to add. What the voice has already is taken back."""
    for answer in step.state.answers:
        if answers.is_held(step, answer):
            answers.stop(step, answer, "rejoined")


def duck(step: Step, event: SpeechStarted) -> None:
    began_at = step.now - event.voiced_seconds
    if sounding := step.state.sounding:
        step.order(Duck(sounding.utterance_id, step.policy.duck_db))
    step.set_alarm(Alarm.DUCK_DEEP, began_at + step.policy.duck_deep_after_seconds)
    step.set_alarm(Alarm.STOP_ON_VOICE, began_at + step.policy.stop_after_voice_seconds)


def voice_faded(step: Step) -> None:
    """The sound may be over: it does not grow longer while nothing is heard."""
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.STOP_ON_VOICE)


def voice_returned(step: Step, turn: Turn, voiced_seconds: float) -> None:
    """``voiced_seconds``: from the beginning of this sound until now."""
    policy = step.policy
    step.set_alarm(Alarm.DUCK_DEEP, step.now + max(0.0, policy.duck_deep_after_seconds - voiced_seconds))
    step.set_alarm(Alarm.STOP_ON_VOICE, step.now + max(0.0, policy.stop_after_voice_seconds - voiced_seconds))


def duck_deep(step: Step) -> None:
    if step.state.turn and step.state.turn.over_agent and (sounding := step.state.sounding):
        step.order(Duck(sounding.utterance_id, step.policy.duck_deep_db))


def stop_on_voice(step: Step) -> None:
    """So long a sound is no backchannel, even if its words are not known yet."""
    turn = step.state.turn
    if turn and turn.over_agent and turn.voiced:
        interrupt(step, certain=False, within_seconds=step.policy.stop_within_seconds)


def restore(step: Step) -> None:
    """The sound is over and has not interrupted; its words may still come, and then they may interrupt."""
    if not (step.state.turn and step.state.turn.over_agent):
        return
    unduck(step)
    if step.state.turn.all_final:
        dismiss(step)


def unduck(step: Step) -> None:
    if sounding := step.state.sounding:
        step.order(Duck(sounding.utterance_id, 0.0))


def agent_fell_silent(step: Step) -> None:
    """The agent's speech has ended over the user's sound: that is no interruption but a turn like any other."""
    step.change_turn(over_agent=False)
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.STOP_ON_VOICE, Alarm.RESTORE)
    turn = step.state.turn
    if turn is not None and (turn.voiced or turn_ending.has_words(turn)):
        turn_ending.announce(step)
    hold_waiting(step)
    turn_ending.await_end(step)


def takes_floor(step: Step, turn: Turn) -> bool:
    """Whether these words, said over the agent, want the floor (rule 9).

    Others than those of somebody who speaks up must be final and long enough to be words at all, and a lone one
    must be trusted by the recogniser: coughs and hums are recognised as short words, too.
    """
    said = tuple(word for word in turn.bare if word not in HESITATIONS)
    if step.policy.hears_itself and is_echo(said, _just_said(step)):
        return False
    if is_backchannel(said, step.policy.backchannel_max_words):
        return False
    if speaks_up(said):
        return True
    words = (word for segment in turn.segments for word in segment.words if set(said) & set(bare_words(word.text)))
    trusted = all(word.confidence is None or word.confidence >= step.policy.word_confidence for word in words)
    certain = trusted or (len(said) >= 2 and is_telling(said))
    return turn.all_final and certain and turn.voiced_seconds >= step.policy.lone_word_voice_seconds


def _just_said(step: Step) -> tuple[str, ...]:
    """What the agent is saying right now: the last words that were heard, and the sentences that sound next."""
    sounding = step.state.sounding
    if sounding is None:
        return ()
    written = bare_words(join_texts(*sounding.sentences[sounding.first : sounding.given], sounding.growing))
    heard = len(bare_words(sounding.heard_text))
    return written[max(0, heard - ECHO_WORDS) : heard + ECHO_WORDS]


def heard_over_agent(step: Step, turn: Turn) -> None:
    if takes_floor(step, turn):
        interrupt(step, certain=True, within_seconds=step.policy.stop_within_seconds)
    elif not turn.voiced and turn.all_final and Alarm.RESTORE not in step.state.alarms:
        dismiss(step)


def interrupt(step: Step, *, certain: bool, within_seconds: float) -> None:
    """The user takes the floor. ``certain=False``: only by the length of the sound; it may be given back."""
    turn_ending.announce(step)  # before anything is stopped: clients expect to hear first why
    for answer in step.state.answers:
        if answer.phase is Phase.SOUNDING:
            answers.stop(step, answer, "barge_in", within_seconds)
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.STOP_ON_VOICE, Alarm.RESTORE)
    step.change_turn(over_agent=False)
    hold_waiting(step)
    if certain:
        give_up_interrupted(step)
    turn_ending.await_end(step)


def give_up_interrupted(step: Step) -> None:
    """It is certain that the user has taken the floor: what was stopped or held for it is not taken up again."""
    for answer in step.state.answers:
        if answer.is_interrupted or answers.is_held(step, answer):
            _give_up(step, answer)


def _give_up(step: Step, answer: Answer) -> None:
    if answer.rejoinable and answer.turn is not None:
        step.change_turn(joined=answer.turn)
        answers.drop(step, answer, TurnOutcome.REJOINED, "the user went on", "rejoined")
        return
    if answer.report_id is not None and answer.sounded_at is None:
        answers.tell_later(step, answer.report_id, first=True)
    answers.drop(step, answer, TurnOutcome.ANSWERED, "interrupted", "barge_in")


def dismiss(step: Step) -> None:
    """What was heard was no turn: a cough, or a listener's "mm-hm". Nobody is told."""
    turn = step.state.turn
    if turn is None:
        return
    turn_ending.think_no_more(step, turn)
    reason = f"a backchannel: {turn.text}" if turn.text else "a sound without words"
    step.order(EndTurn(turn.turn_id, TurnOutcome.SILENT, reason))
    turn_ending.forget(step)
