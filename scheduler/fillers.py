"""Pure: what is said while an answer is awaited: nothing, an acknowledgement, a phrase, a line of progress (rule 6)."""

from __future__ import annotations

from scheduler import answers, giving
from scheduler.events import PlayoutStarted, SpeechReady, ThoughtGrown, WordsHeard
from scheduler.filler_lines import FillerKind, filler
from scheduler.state import Alarm, Answer, Phase
from scheduler.step import ROUNDING_SECONDS, Step
from scheduler.words import bare_words

_KEPT_THOUGHT = 300
"""Characters of the latest thought that a line of progress is made from."""


def await_substance(step: Step, answer: Answer) -> None:
    """The turn is committed and the caller waits from now on. Estimate for how long, and plan what to do about it."""
    if not (step.policy.fillers and answer.audible and answer.in_conversation) or answer.turn is None:
        return
    answer = step.change_answer(answer, waits_since=step.now)
    if answer.given:
        return  # it is rendered: it sounds at once
    expected = _expected_seconds(step, answer)
    if expected < step.policy.filler_short_seconds:
        late_at = answer.begun_at + step.state.pace.late_words_seconds
        if answer.adopts is not None:  # what is rendered may be released at any moment: a filler would undo that
            late_at = max(late_at, step.now + step.policy.filler_short_seconds)
        if late_at > step.now:
            step.set_alarm(Alarm.FILLER, late_at)
        else:
            due(step)
    elif expected < step.policy.filler_long_seconds:
        _say(step, answer, FillerKind.ACKNOWLEDGEMENT)
    else:
        _say(step, answer, FillerKind.PHRASE)


def _expected_seconds(step: Step, answer: Answer) -> float:
    """Until the first words of substance sound, by the engines' running medians. What is being verified is rendered."""
    pace = step.state.pace
    if answer.has_substance:
        return pace.voice_seconds
    voice_seconds = 0.0 if answer.adopts is not None else pace.voice_seconds
    return max(0.0, answer.begun_at + pace.words_seconds - step.now) + voice_seconds


def due(step: Step) -> None:
    """The answer is later than was foreseen, or the caller has heard nothing for long."""
    if not step.policy.fillers:
        return
    if any(each.is_interrupted and each.waits_since is not None for each in step.state.answers):
        step.set_alarm(Alarm.FILLER, step.now + step.policy.filler_short_seconds)  # it may be taken up again
        return
    answer = _waiting(step)
    if answer is None or answer.waits_since is None:
        return
    waited = step.now - answer.waits_since + ROUNDING_SECONDS
    if giving.is_held(step, answer) or step.state.turn is not None:
        step.set_alarm(Alarm.FILLER, step.now + step.policy.filler_short_seconds)
    elif waited < step.policy.progress_after_seconds and not answer.has_substance:
        _say(step, answer, FillerKind.PHRASE)
    else:
        _say(step, answer, FillerKind.PROGRESS)


def _waiting(step: Step) -> Answer | None:
    """The answer of the conversation that is to sound next and has nothing to sound."""
    for answer in step.state.answers:
        if answer.in_conversation and answer.audible and answer.wanted:
            silent = answer.thinking and not _has_unheard(answer)
            return answer if silent and answer.phase in (Phase.WAITING, Phase.SOUNDING) else None
    return None


def _has_unheard(answer: Answer) -> bool:
    """Words of substance are written that the caller has not heard to their end. Fillers before them may have been cut
    short."""
    if len(answer.sentences) - 1 in answer.fillers and not answer.growing:
        return False
    heard = bare_words(answer.heard_text)
    texts = [*enumerate(answer.sentences[answer.first :], answer.first), (len(answer.sentences), answer.growing)]
    if len(heard) >= sum(len(bare_words(text)) for _, text in texts):
        return False
    ends = {0}  # how many words may have been heard up to here: of a filler any beginning
    for index, text in texts:
        words = bare_words(text)
        least = 0 if index in answer.fillers else len(words)
        ends = {
            end + said
            for end in ends
            for said in range(least, len(words) + 1)
            if heard[end : end + said] == words[:said]
        }
    return len(heard) not in ends


def _say(step: Step, answer: Answer, kind: FillerKind) -> None:
    policy = step.policy
    assert answer.turn is not None or kind is FillerKind.PROGRESS
    if answer.adopts is not None and kind is not FillerKind.PROGRESS:
        kind = FillerKind.CONTENT_FREE  # what it says is written, and will hardly go on from "Let me check"
    text = filler(
        policy.filler_lines,
        kind,
        request=answer.turn.whole_text if answer.turn else "",
        said=tuple(answer.sentences[index] for index in answer.fillers),
        tool=answer.tool,
        tool_progress=answer.tool_progress,
        thought=answer.thought,
        seed=step.state.counter,
    )
    _plan_next(step, answer, kind)
    if text is None or answer.growing or answer.given < len(answer.sentences):
        return
    fillers = (*answer.fillers, len(answer.sentences))
    answer = step.change_answer(answer, sentences=(*answer.sentences, text), fillers=fillers)
    giving.give(step, answer)


def _plan_next(step: Step, answer: Answer, kind: FillerKind) -> None:
    policy = step.policy
    assert answer.waits_since is not None
    match kind:
        case FillerKind.ACKNOWLEDGEMENT:
            at = max(step.now + policy.filler_short_seconds, answer.waits_since + policy.filler_long_seconds)
        case FillerKind.PHRASE | FillerKind.CONTENT_FREE:
            at = answer.waits_since + policy.progress_after_seconds
        case _:
            at = step.now + policy.progress_every_seconds
    step.set_alarm(Alarm.FILLER, max(at, step.now + policy.filler_short_seconds))


# --- what is told -------------------------------------------------------------------------------------


def thought_grown(step: Step, answer: Answer, event: ThoughtGrown) -> None:
    step.change_answer(answer, thought=(answer.thought + event.text)[-_KEPT_THOUGHT:])


def await_tool_no_more(step: Step, answer: Answer) -> None:
    """It has ended, or the answer goes on without it: what it does is no reason any more why the caller waits."""
    step.change_answer(answer, tool="", tool_progress="")


def speech_ready(step: Step, answer: Answer, event: SpeechReady) -> None:
    if answer.first + event.index not in answer.fillers:
        answers.measure_voice(step, answer)


def playout_started(step: Step, event: PlayoutStarted) -> None:
    answer = step.answer_of(event.utterance_id)
    if answer is not None and answer.has_substance and not answer.fillers:
        step.clear_alarms(Alarm.FILLER)


def words_heard(step: Step, event: WordsHeard) -> None:
    """All that was written has been heard and a thought is still open: the silence begins here."""
    answer = step.answer_of(event.utterance_id)
    if answer is None or not answer.thinking or answer.turn is None or not step.policy.fillers:
        return
    if answer is _waiting(step) and answer.has_substance:
        step.change_answer(answer, waits_since=step.now)
        step.set_alarm(Alarm.FILLER, step.now + step.policy.progress_after_seconds)
