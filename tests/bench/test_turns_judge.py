"""The judge: each fault is found where it is, and nowhere else. The facts are made up: no session is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from audio.loopback import PlayedBlock
from bench.turns_call import Facts, Said, Span
from bench.turns_judge import Fault, Judge, contradicting_drafts, meaning
from bench.turns_script import Must, Say, Scene, words_of
from scheduler.commands import Command, CommitTurn, PromoteThinking, Purpose, RecordHeard, StopSpeaking, Think
from scheduler.events import Event, PlayoutEnded
from scheduler.pcm import Pcm, WordTime

RATE_HZ = 16_000
BLOCK_SECONDS = 0.04


def agent(utterance_id: str, text: str, begin: float, seconds: float) -> list[PlayedBlock]:
    """Its words spread evenly over a tone."""
    count = round(seconds / BLOCK_SECONDS)
    texts = text.split()
    words = [
        WordTime(f" {word}", seconds * number / len(texts), seconds * (number + 1) / len(texts))
        for number, word in enumerate(texts)
    ]
    tone = np.full(round(BLOCK_SECONDS * RATE_HZ), 6000, np.int16)
    return [
        PlayedBlock(
            begin + number * BLOCK_SECONDS,
            utterance_id,
            Pcm(tone, RATE_HZ),
            tuple(word for word in words if number <= word.start_seconds / BLOCK_SECONDS < number + 1),
        )
        for number in range(count)
    ]


def said(say: Say, at: float) -> Said:
    words = words_of(say.parts, say.rate)
    runs = tuple(Span(at + word.word.start_seconds, at + word.word.end_seconds) for word in words)
    return Said(say, at, runs[-1].end, runs[-1].end, runs)


def judged(
    caller: Sequence[Said], blocks: Sequence[PlayedBlock], history: Sequence[tuple[float, Event | Command]]
) -> Judge:
    scene = Scene("made up", "tests", tuple(each.say for each in caller))
    return Judge(Facts(scene, list(caller), list(history), list(blocks))).run()


def faults(
    caller: Sequence[Said], blocks: Sequence[PlayedBlock], history: Sequence[tuple[float, Event | Command]]
) -> list[Fault]:
    return [found.fault for found in judged(caller, blocks, history).found]


def heard(utterance_id: str, text: str, at: float, *, cut_off: bool = False) -> list[tuple[float, Event | Command]]:
    return [
        (at, PlayoutEnded(utterance_id, stopped=cut_off, text=text, heard_seconds=1.0, settled=True)),
        (at, RecordHeard(utterance_id, text, cut_off)),
    ]


def commit(text: str, at: float, turn_id: str = "turn_1") -> tuple[float, Command]:
    return at, CommitTurn(turn_id, text, 0.0, 1.0, final=True)


ASKED = Say("what about [0.5] lisbon", key="lisbon", wrong=("oslo",))
ENDED = said(ASKED, 1.0).ended_at
ANSWER = "Lisbon is nice"


def test_a_good_answer() -> None:
    blocks = agent("u1", ANSWER, ENDED + 0.6, 1.2)
    history = [commit("what about lisbon", ENDED + 0.4), *heard("u1", ANSWER, ENDED + 1.8)]
    assert faults([said(ASKED, 1.0)], blocks, history) == []


def test_no_answer_and_a_late_one() -> None:
    history = [commit("what about lisbon", ENDED + 0.4)]
    assert faults([said(ASKED, 1.0)], [], history) == [Fault.UNANSWERED]
    blocks = agent("u1", ANSWER, ENDED + 1.6, 1.2)
    assert faults([said(ASKED, 1.0)], blocks, [*history, *heard("u1", ANSWER, 5.0)]) == [Fault.TOO_LATE]


def test_the_turn_is_taken_over_in_its_pause() -> None:
    blocks = [*agent("u1", "Yes", 2.1, 0.2), *agent("u2", ANSWER, ENDED + 0.6, 1.2)]
    history = [
        commit("what about lisbon", ENDED + 0.4),
        *heard("u1", "Yes", 2.4, cut_off=True),
        *heard("u2", ANSWER, ENDED + 1.8),
    ]
    assert faults([said(ASKED, 1.0)], blocks, history) == [Fault.TOO_EARLY]


def test_a_turn_that_is_committed_too_early_and_rejoined_before_any_sound_is_no_fault_but_counted() -> None:
    blocks = agent("u1", ANSWER, ENDED + 0.6, 1.2)
    joined = CommitTurn("turn_2", "lisbon", 0.0, 1.0, final=True, joins="turn_1")
    history = [commit("what about", 2.1), (ENDED + 0.4, joined), *heard("u1", ANSWER, ENDED + 1.8)]
    judge = judged([said(ASKED, 1.0)], blocks, history)
    assert judge.found == []
    assert (judge.measures.pauses, judge.measures.taken_over, judge.measures.rejoined_unheard) == (1, 0, 1)


@pytest.mark.parametrize("answer", ["Oslo is nice", "Lisbon not Oslo"])
def test_an_answer_to_other_words(answer: str) -> None:
    blocks = agent("u1", answer, ENDED + 0.6, 1.2)
    history = [commit("what about lisbon", ENDED + 0.4), *heard("u1", answer, ENDED + 1.8)]
    assert set(faults([said(ASKED, 1.0)], blocks, history)) == {Fault.WRONG_ANSWER}


def test_a_draft_for_words_that_were_taken_back() -> None:
    history: list[tuple[float, Command]] = [
        (1.0, Think("t1", Purpose.DRAFT, basis="book it for tuesday")),
        commit("book it for tuesday no thursday please", 2.0),
        (2.0, PromoteThinking("t1", "turn_1")),
    ]
    assert contradicting_drafts(history) == {"t1"}
    history[0] = (1.0, Think("t1", Purpose.DRAFT, basis="book it for tuesday no thursday"))
    assert contradicting_drafts(history) == set()
    assert meaning("Thanks a lot, Lisbon.") == meaning("lisbon")


def test_stopped_by_a_cough_and_never_taken_up_again() -> None:
    cough = said(Say("mm-hm", must=Must.GO_ON), 2.0)
    blocks = agent("u1", "one two three four five six", 1.0, 1.6)
    text = "one two three four five six"
    stopped = (2.5, StopSpeaking("u1"))
    assert faults([cough], blocks, heard("u1", text, 3.0)) == []
    assert faults([cough], blocks, [stopped, *heard("u1", text, 2.6)]) == [Fault.WRONGLY_STOPPED, Fault.NOT_RESUMED]
    resumed = [*blocks, *agent("u2", "seven eight", 4.0, 0.8)]
    history = [stopped, *heard("u1", text, 2.6), *heard("u2", "seven eight", 4.8)]
    assert faults([cough], resumed, history) == [Fault.WRONGLY_STOPPED]


def test_an_agent_that_pauses_and_goes_on_at_the_very_word_hesitates() -> None:
    listener = said(Say("oh really", must=Must.GO_ON), 2.0)
    text = "one two three four five six"
    blocks = agent("u1", text, 1.0, 1.6)
    paused = [replace(block, starts_at=block.starts_at + 0.3 * (number > 30)) for number, block in enumerate(blocks)]
    for played, hesitated in ((blocks, 0), (paused, 1)):
        judge = judged([listener], played, heard("u1", text, 3.0))
        assert judge.found == []
        assert (judge.measures.survived, judge.measures.hesitated) == (1, hesitated)


def test_going_on_over_a_stop() -> None:
    stop = said(Say("stop", must=Must.STOP), 2.0)
    text = "one two three four five six"
    kept = [commit("stop", 2.9)]
    assert faults([stop], agent("u1", text, 1.0, 1.6), [*kept, *heard("u1", text, 2.6)]) == []
    assert faults([stop], agent("u1", text, 1.0, 3.0), [*kept, *heard("u1", text, 4.0)]) == [Fault.WRONGLY_GOING_ON]


def test_a_history_that_holds_other_words_than_were_heard() -> None:
    blocks = agent("u1", ANSWER, ENDED + 0.6, 1.2)
    history = [commit("what about lisbon", ENDED + 0.4), *heard("u1", f"{ANSWER} today", ENDED + 1.8)]
    assert faults([said(ASKED, 1.0)], blocks, history) == [Fault.HISTORY]
    history = [commit("what about boston", ENDED + 0.4), *heard("u1", ANSWER, ENDED + 1.8)]
    assert faults([said(ASKED, 1.0)], blocks, history) == [Fault.HISTORY]
