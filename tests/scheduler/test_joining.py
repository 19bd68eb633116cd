"""Pieces of text put together, in scripts with and without spaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.utterance_track import UtteranceTrack
from realtime.conversation import Conversation
from realtime.wire.transcript import SpokenText
from scheduler.clock import SourceClock
from scheduler.commands import CommitTurn
from scheduler.endpointing import end_probability
from scheduler.pcm import WordTime, join_words
from scheduler.state import CommittedTurn, Turn
from scheduler.words import bare_words, is_backchannel, join_texts, speaks_up
from think_loop.trajectory import Entry, EntryKind, Trajectory

HELLO, BYE = "你好。", "再见。"


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (("Hello.", "Bye."), "Hello. Bye."),
        (("Hello. ", "Bye."), "Hello. Bye."),
        (("", "a", "", "b"), "a b"),
        ((HELLO, BYE), "你好。再见。"),
        (("你", "好", "吗"), "你好吗"),
        (("你好…", "再见"), "你好…再见"),
        (("我用", "Python", "写"), "我用 Python 写"),
        ((HELLO, "OK"), "你好。OK"),
        (("ありがとう", "ございます"), "ありがとうございます"),
        (("안녕하세요.", "네"), "안녕하세요. 네"),
        (("안녕", "하세요"), "안녕 하세요"),
        (("Nice 😀", "Go on"), "Nice 😀 Go on"),
        (("สวัส", "ดี"), "สวัสดี"),
    ],
)
def test_pieces_are_joined_as_their_script_is_written(texts: tuple[str, ...], joined: str) -> None:
    assert join_texts(*texts) == joined


@given(st.lists(st.text(max_size=5), max_size=5))
def test_joining_changes_nothing_but_spaces(texts: list[str]) -> None:
    assert join_texts(*texts).replace(" ", "") == "".join(texts).replace(" ", "")


def test_what_was_heard_said_and_written_reads_the_same_everywhere() -> None:
    words = tuple(WordTime(text, number, number + 1) for number, text in enumerate((HELLO, BYE)))
    assert join_words(words) == HELLO + BYE

    track = UtteranceTrack("u", 100)
    for index, text in enumerate((HELLO, BYE)):
        track.add(index, np.zeros(100, np.int16), (WordTime(text, 0.0, 1.0),))
    assert track.heard_text(200) == HELLO + BYE

    spoken = SpokenText()
    for index, text in enumerate((HELLO, BYE)):
        spoken.expect("u", index, text)
    assert spoken.say(HELLO) + spoken.say(BYE) == HELLO + BYE

    trajectory = Trajectory()
    trajectory.append(Entry("a", EntryKind.SAID, HELLO))
    trajectory.append(Entry("b", EntryKind.SAID, BYE))
    assert [message.text for message in trajectory.messages("")] == [HELLO + BYE]


def test_a_turn_that_goes_on_is_joined_as_it_is_written() -> None:
    committed = CommittedTurn("t1", HELLO)
    assert CommittedTurn("t2", BYE, joined=committed).whole_text == HELLO + BYE
    assert Turn("t3", 0.0, 1.0, joined=committed).whole_text == HELLO

    trajectory = Trajectory()
    conversation = Conversation(trajectory, SourceClock(lambda: 0.0))
    conversation.handle(CommitTurn("t1", HELLO, 0.0, 1.0, final=True))
    conversation.handle(CommitTurn("t2", BYE, 1.0, 2.0, final=True, joins="t1"))
    assert [entry.text for entry in trajectory] == [HELLO + BYE]


def test_chinese_characters_count_as_words() -> None:
    assert bare_words("你好吗？ OK, 再见。") == ("你", "好", "吗", "ok", "再", "见")
    assert is_backchannel(bare_words("嗯嗯"), 3)
    assert not speaks_up(bare_words("嗯"))
    assert speaks_up(bare_words("等一下"))


@pytest.mark.parametrize(
    ("text", "mark"),
    [("你好吗？", "?"), ("好的！", "!"), ("我想，", ","), ("苹果、", ","), ("比如：", ":"), ("我想……", "…")],
)
def test_full_width_marks_end_a_turn_as_others_do(text: str, mark: str) -> None:
    assert end_probability(text) == end_probability(f"whatever it was{mark}")
    assert end_probability(text) != end_probability(text.rstrip("？！，、：…"))


def test_chinese_is_no_spelling() -> None:
    assert end_probability("今天天气很好。") > end_probability("my name is k o")
