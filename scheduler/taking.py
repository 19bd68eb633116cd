"""Pure: whether what was said over the agent takes the floor, and what becomes of the interrupted then (rule 9)."""

from __future__ import annotations

from scheduler import answer_ending, answers, giving
from scheduler.commands import TurnOutcome
from scheduler.events import TranscriptRevised
from scheduler.pcm import WordTime
from scheduler.state import Answer, Phase, Turn
from scheduler.step import Step
from scheduler.words import (
    HESITATIONS,
    bare_words,
    begins_backchannel,
    is_backchannel,
    is_echo,
    is_telling,
    join_texts,
    speaks_up,
)

ECHO_WORDS = 12
"""So many words around what is being heard count as the agent's own: about four seconds, for slow recognisers."""


def says_something(step: Step, turn: Turn) -> bool:
    """Whether anything was recognised that is no listener's "go on", no hum, and not the agent's own."""
    said = _said(turn.bare)
    if not turn.all_final and begins_backchannel(said):
        return False
    return not (is_backchannel(said, step.policy.backchannel_max_words) or _is_own(step, said))


def takes_floor(step: Step, turn: Turn) -> bool:
    """Whether these words, said over the agent, want the floor.

    Others than those of somebody who speaks up must be final and long enough to be words at all, and a lone one
    must be trusted by the recogniser: coughs and hums are recognised as short words, too. "Stop" and its like may be
    shorter, unless the recogniser itself doubts them; of many tentative words no confidence is known, and they count.
    """
    if not says_something(step, turn):
        return False
    said, least = _said(turn.bare), step.policy.lone_word_voice_seconds
    confidences = _confidences(turn, said)
    if speaks_up(said):
        doubted = all(known is not None and known < step.policy.doubted_confidence for known in confidences)
        return not (confidences and doubted) or _voiced_seconds(step, turn) >= least
    trusted = all(known is None or known >= step.policy.word_confidence for known in confidences)
    certain = trusted or (len(said) >= 2 and is_telling(said))
    return turn.all_final and certain and turn.voiced_seconds >= least


def _confidences(turn: Turn, said: tuple[str, ...]) -> list[float | None]:
    words = (word for segment in turn.segments for word in segment.words)
    return [word.confidence for word in words if set(said) & set(bare_words(word.text))]


def _voiced_seconds(step: Step, turn: Turn) -> float:
    """Of the whole turn, with what is being said right now."""
    going_on = turn.voiced and not turn.faded
    return turn.voiced_seconds + (max(0.0, step.now - turn.sound_at) if going_on else 0.0)


def is_certain(step: Step, turn: Turn, event: TranscriptRevised) -> bool:
    """Whether the words that take the floor will not go away again: they are final, or those that are stable do."""
    if not takes_floor(step, turn):
        return False
    stable = _said(_bare(event.stable))
    spoken_up = not is_backchannel(stable, step.policy.backchannel_max_words) and speaks_up(stable)
    return turn.all_final or (spoken_up and not event.is_final)


def is_mistaken(step: Step, turn: Turn) -> bool:
    """The agent was stopped by a sound in which nothing takes the floor after all: it will go on."""
    return awaits_words(step) and not takes_floor(step, turn)


def awaits_words(step: Step) -> bool:
    """An answer was stopped that is well begun: by a turn of its own, if these words are one."""
    stopped = [each for each in step.state.answers if each.is_interrupted]
    return bool(stopped) and not any(each.rejoinable for each in stopped)


def give_up_interrupted(step: Step) -> None:
    """It is certain that the user has taken the floor: what was stopped or held for it is not taken up again."""
    for answer in step.state.answers:
        if answer.is_interrupted or giving.is_held(step, answer):
            _give_up(step, answer)


def end_asked_during(step: Step, turn: Turn) -> None:
    """What the client had asked for while the user still spoke knew nothing of these words: the answer to them takes its
    place, as clients know of one response at a time."""
    for answer in step.state.answers:
        if answer.asked_during == turn.turn_id and answer.wanted and answer.in_conversation:
            within = step.policy.stop_within_seconds if answer.phase is Phase.SOUNDING else 0.0
            answer_ending.drop(step, answer, TurnOutcome.ANSWERED, "interrupted", "barge_in", within)


def went_on(step: Step, pause_seconds: float) -> None:
    """The caller has paused for so long, and had not finished. Nobody pauses so long that the longest wait ends: they
    wondered where the answer was."""
    if pause_seconds > step.policy.wait_unfinished_seconds:
        return
    step.change(patience=step.state.patience.after_pause(step.policy, pause_seconds))


def _give_up(step: Step, answer: Answer) -> None:
    if answer.rejoinable and answer.turn is not None:
        turn = step.change_turn(joined=answer.turn)
        if step.state.last_pause_at is not None:
            went_on(step, turn.begun_at - step.state.last_pause_at)
        answer_ending.drop(step, answer, TurnOutcome.REJOINED, "the user went on", "rejoined")
        return
    if answer.report_id is not None and answer.sounded_at is None:
        answers.tell_later(step, answer.report_id, first=True)
    answer_ending.drop(step, answer, TurnOutcome.ANSWERED, "interrupted", "barge_in")


def _said(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in HESITATIONS)


def _bare(words: tuple[WordTime, ...]) -> tuple[str, ...]:
    return bare_words(join_texts(*(word.text for word in words)))


def _is_own(step: Step, said: tuple[str, ...]) -> bool:
    return step.policy.hears_itself and is_echo(said, _just_said(step))


def _just_said(step: Step) -> tuple[str, ...]:
    """What the agent is saying right now, or was when it was stopped: the last words that were heard, and the sentences
    that sound next."""
    sounding = step.state.sounding or next((each for each in step.state.answers if each.is_interrupted), None)
    if sounding is None:
        return ()
    written = bare_words(join_texts(*sounding.sentences[sounding.first : sounding.given], sounding.growing))
    heard = len(bare_words(sounding.heard_text))
    return written[max(0, heard - ECHO_WORDS) : heard + ECHO_WORDS]
