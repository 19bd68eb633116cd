"""Pure: who yields when both speak: graded by the sound's length and its words (rule 9), and rejoining (rule 5)."""

from __future__ import annotations

from scheduler import answer_ending, giving, taking, turn_ending
from scheduler.commands import Duck, EndTurn, TurnOutcome
from scheduler.events import SoundHeard, SpeechStarted, TranscriptRevised
from scheduler.policy import TurnMode
from scheduler.state import Alarm, Phase, Turn
from scheduler.step import Step


def mark_rejoinable(step: Step, onset_at: float) -> None:
    """A user who goes on before the first sound of the answer, or right after it, had not finished (rule 5)."""
    for answer in step.state.answers:
        begun = answer.sounded_at is not None and onset_at - answer.sounded_at > step.policy.rejoin_seconds
        step.change_answer(answer, rejoinable=answer.turn is not None and not begun)


def hold_waiting(step: Step) -> None:
    """Answers that have not sounded wait for what the user has to add. What the voice has already is taken back."""
    for answer in step.state.answers:
        if giving.is_held(step, answer):
            answer_ending.stop(step, answer, "rejoined")


def sound_heard(step: Step, event: SoundHeard) -> None:
    """Duck first, judge later: whether it is voice is known too late for the ear."""
    turn, sounding = step.state.turn, step.state.sounding
    if sounding is None:
        _sound_in_pause(step, event)
        return
    listening = turn is None or (turn.over_agent and not turn.voiced)
    if not listening or not giving.interruptible(step) or not _counts(step):
        return
    if Alarm.SOUND in step.state.alarms:
        _one_more_sound(step)
        return
    step.order(Duck(sounding.utterance_id, step.policy.duck_db))
    step.set_alarm(Alarm.SOUND, step.now - event.sounded_seconds + step.policy.duck_on_sound_seconds)


def _one_more_sound(step: Step) -> None:
    """The one before was over without a voice. It is not waited for any longer than for that one: keys that are typed on
    would make it for ever."""
    step.change(false_sounds=step.state.false_sounds + 1)


def sound_was_no_voice(step: Step) -> None:
    step.change(false_sounds=step.state.false_sounds + 1)
    unduck(step)


def _counts(step: Step) -> bool:
    """Whether a sound may be somebody's, and not one of many in a noisy place."""
    return step.state.closing is None and step.state.false_sounds < step.policy.max_false_sounds


def _sound_in_pause(step: Step, event: SoundHeard) -> None:
    """The user may be going on: nothing is committed and nothing begins to sound before that is known."""
    turn = step.state.turn
    waiting = [each for each in step.state.answers if giving.is_about_to_sound(each)]
    paused = turn is not None and not (turn.voiced or turn.by_hand)
    semantic = step.state.turn_detection.mode is TurnMode.SEMANTIC
    if not semantic or not (paused or (turn is None and waiting)) or not giving.interruptible(step):
        return
    if not _counts(step):
        return
    if Alarm.SOUND_IN_PAUSE in step.state.alarms:
        _one_more_sound(step)
        return
    step.set_alarm(Alarm.SOUND_IN_PAUSE, step.now - event.sounded_seconds + step.policy.sound_in_pause_seconds)
    if turn is None:
        for answer in waiting:
            giving.pause(step, answer)


def may_pause(step: Step) -> bool:
    """Whether it is still to be found out what the user wants."""
    turn = step.state.turn
    return Alarm.SOUND_IN_PAUSE in step.state.alarms or (turn is not None and turn.over_agent)


def sound_in_pause_was_no_voice(step: Step) -> None:
    """What has waited for it goes on; answers are given when this event has been taken."""
    step.change(false_sounds=step.state.false_sounds + 1)
    giving.go_on(step)
    turn_ending.await_end(step)


def duck(step: Step, event: SpeechStarted) -> None:
    began_at = step.now - event.voiced_seconds
    onset_at = _sounds_since(step, began_at)
    step.clear_alarms(Alarm.SOUND)
    turn = step.change_turn(sound_at=began_at, onset_at=onset_at)
    if sounding := step.state.sounding:
        step.order(Duck(sounding.utterance_id, step.policy.duck_db))
    _await_deep(step, onset_at)
    _await_longer_sound(step, turn)


def _sounds_since(step: Step, voice_at: float) -> float:
    """Voice detectors find the onset late; the sound that ducked the agent was it."""
    ends_at = step.state.alarms.get(Alarm.SOUND)
    return voice_at if ends_at is None else min(voice_at, ends_at - step.policy.duck_on_sound_seconds)


def _await_deep(step: Step, sounds_since: float) -> None:
    step.set_alarm(Alarm.DUCK_DEEP, max(step.now, sounds_since + step.policy.duck_deep_after_seconds))


def _await_longer_sound(step: Step, turn: Turn) -> None:
    """Set what happens when the sound goes on; with words in it, it takes the floor sooner."""
    policy = step.policy
    seconds = policy.stop_after_words_seconds if taking.says_something(step, turn) else policy.stop_after_voice_seconds
    step.set_alarm(Alarm.STOP_ON_VOICE, max(step.now, turn.sound_at + seconds))
    if not any(answer.paused for answer in step.state.answers):
        step.set_alarm(Alarm.PAUSE_ON_VOICE, max(step.now, turn.onset_at + policy.pause_after_voice_seconds))


def voice_faded(step: Step) -> None:
    """The sound may be over: it does not grow longer while nothing is heard."""
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.PAUSE_ON_VOICE, Alarm.STOP_ON_VOICE)


def voice_returned(step: Step, turn: Turn) -> None:
    """The sound that had begun goes on."""
    _await_deep(step, turn.sound_at)
    _await_longer_sound(step, turn)


def duck_deep(step: Step) -> None:
    if step.state.turn and step.state.turn.over_agent and (sounding := step.state.sounding):
        step.order(Duck(sounding.utterance_id, step.policy.duck_deep_db))


def pause_on_voice(step: Step) -> None:
    """So long a sound is probably somebody who wants to say something; their words are told later than that. To pause
    loses nothing: if it was a listener's "oh really" after all, the speech goes on at the very word."""
    turn, sounding = step.state.turn, step.state.sounding
    if turn and turn.over_agent and turn.voiced and sounding:
        giving.pause(step, sounding)


def stop_on_voice(step: Step) -> None:
    """So long a sound is no backchannel, even if its words are not known yet."""
    turn = step.state.turn
    if turn and turn.over_agent and turn.voiced:
        if taking.says_something(step, turn):
            _stop_for_words(step, turn, certain=False)
        else:
            interrupt(step, certain=False, within_seconds=step.policy.stop_within_seconds)


def sound_ended(step: Step, turn: Turn) -> None:
    """The level comes back in a moment. Who has paused waits a little longer, for the words, if they are not known."""
    assert turn.stopped_at is not None
    if taking.takes_floor(step, turn):  # its words were known before its length
        _stop_for_words(step, turn, certain=turn.all_final)
        return
    paused = any(answer.paused for answer in step.state.answers)
    awaited = paused and not turn.all_final
    seconds = step.policy.words_within_seconds if awaited else step.policy.restore_after_seconds
    step.set_alarm(Alarm.RESTORE, max(step.now, turn.stopped_at + seconds))


def restore(step: Step) -> None:
    """The sound is over and has not interrupted; its words may still come, and then they may interrupt."""
    if not (step.state.turn and step.state.turn.over_agent):
        return
    unduck(step)
    if step.state.turn.all_final:
        dismiss(step)


def unduck(step: Step) -> None:
    giving.go_on(step)
    if sounding := step.state.sounding:
        step.order(Duck(sounding.utterance_id, 0.0))


def agent_fell_silent(step: Step) -> None:
    """The agent's speech has ended over the user's sound: that is no interruption but a turn like any other."""
    step.change_turn(over_agent=False)
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.PAUSE_ON_VOICE, Alarm.STOP_ON_VOICE, Alarm.RESTORE)
    turn = step.state.turn
    if turn is not None and (turn.voiced or turn_ending.has_words(turn)):
        turn_ending.announce(step)
    hold_waiting(step)
    turn_ending.await_end(step)


def _stop_for_words(step: Step, turn: Turn, *, certain: bool) -> None:
    """``certain=False``: they may still be revised; what is stopped for them is taken up again if they vanish."""
    policy = step.policy
    left = (
        max(0.0, turn.sound_at + policy.silent_after_seconds - step.now) if turn.voiced else policy.stop_within_seconds
    )
    interrupt(step, certain=certain, within_seconds=min(policy.stop_within_seconds, left))


def heard_over_agent(step: Step, turn: Turn, event: TranscriptRevised) -> None:
    if taking.takes_floor(step, turn):
        _stop_for_words(step, turn, certain=taking.is_certain(step, turn, event))
    elif turn.voiced and not turn.faded:
        _await_longer_sound(step, turn)
    elif not turn.voiced and turn.all_final:
        if Alarm.RESTORE in step.state.alarms:
            sound_ended(step, turn)
        else:
            dismiss(step)


def interrupt(step: Step, *, certain: bool, within_seconds: float) -> None:
    """The user takes the floor. ``certain=False``: by the length of the sound, or by words that may still be revised;
    it may be given back."""
    turn_ending.announce(step)  # before anything is stopped: clients expect to hear first why
    for answer in step.state.answers:
        if answer.phase is Phase.SOUNDING:
            answer_ending.stop(step, answer, "barge_in", within_seconds)
    step.clear_alarms(Alarm.DUCK_DEEP, Alarm.PAUSE_ON_VOICE, Alarm.STOP_ON_VOICE, Alarm.RESTORE)
    step.change_turn(over_agent=False)
    hold_waiting(step)
    if certain:
        taking.give_up_interrupted(step)
    turn_ending.await_end(step)


def words_after_stop(step: Step, turn: Turn, event: TranscriptRevised) -> None:
    """The agent has given way, or holds what it has to say. Nothing is given up for words that may vanish again, but a
    turn that was hardly answered is simply one that goes on."""
    if not taking.awaits_words(step) or taking.is_certain(step, turn, event):
        taking.give_up_interrupted(step)


def dismiss(step: Step) -> None:
    """What was heard was no turn: a cough, or a listener's "mm-hm". Nobody is told."""
    turn = step.state.turn
    if turn is None:
        return
    turn_ending.think_no_more(step, turn)
    reason = f"a backchannel: {turn.text}" if turn.text else "a sound without words"
    step.order(EndTurn(turn.turn_id, TurnOutcome.SILENT, reason))
    turn_ending.forget(step)
