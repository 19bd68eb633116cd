from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from think_loop.sentences import LONGEST_PIECE, LOOK_AHEAD, SentenceSplitter


def split(text: str, chunk: int | None = None) -> list[str]:
    splitter = SentenceSplitter()
    pieces: list[str] = []
    for begin in range(0, len(text), chunk or len(text) or 1):
        pieces += splitter.feed(text[begin : begin + (chunk or len(text))])
    return pieces + splitter.finish()


# "|" stands where the text is to be cut
TEXTS = [
    "It's 12. |And what else?",
    "Dr. Smith met J. R. R. Tolkien at 3.14 p.m. in Oxford. |He left.",
    "See https://example.org/a.b?x=1. |Then call me.",
    "Mail me at a.b@example.org or visit example.org today. |Thanks!",
    "Wait... what? |I see… |Fine.",
    "“Yes.” |She nodded. |He said “No!” |Then he left.",
    '"Yes!" he said. |"Really?" |She nodded.',
    "He paid $3.50. |Then he left.",
    "1. First item\n|2. Second item\n|- **Bold.** |Third",
    "It's 5 p.m. |Let's go.",
    "The U.S. Army is big. |I live in the U.S. |We go home.",
    "So do I. |Then we agree.",
    "See no. 5 and fig. 3, e.g. this one. |No. |I won't.",
    "Acme Inc. makes traps, anvils, etc. |They sell well.",
    "Really?! |Yes!! |OK.",
    "What (if any.) |Nothing.",
    "你好。|今天天气很好！|真的吗？！|是的",
    "他说：「好。我来。」|然后他走了。",
    "これはペンです。|あれは本です。",
    "Das kostet 1.000 Euro, d.h. viel. |Zu viel, z.B. für mich.",
    "नमस्ते। |आप कैसे हैं? |मैं ठीक हूँ।",
    "مرحبا؟ |نعم. |شكرا۔",
    "Version 2.0.1 is out. |Get it.",
    "The temperature is -3.5 degrees. |Brr.",
    "no capitals here. |then more of it. |and so on",
    "👍 Great. |🎉 |Party!".replace("|P", "P"),
]


@pytest.mark.parametrize("marked", TEXTS)
def test_texts(marked: str) -> None:
    expected = [piece.strip() for piece in marked.split("|")]
    text = marked.replace("|", "")
    assert split(text) == expected
    assert split(text, 1) == expected
    assert split(text, 3) == expected


def test_a_sentence_comes_as_soon_as_it_is_certain() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("It costs 3.") == []
    assert splitter.feed("5 euros.") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("T") == ["It costs 3.5 euros."]
    assert splitter.finish() == ["T"]
    assert splitter.feed("好。") == ["好。"]
    assert splitter.feed("A line\n") == ["A line"]


def test_a_finished_splitter_is_as_new() -> None:
    splitter = SentenceSplitter()
    splitter.feed("「Open")
    assert splitter.finish() == ["「Open"]
    assert splitter.feed("One. Two") == ["One."]


def test_a_long_text_without_ends_is_cut_at_clauses_then_words_then_characters() -> None:
    clauses = split("and then we went on and on, " * 40)
    assert all(piece.endswith(",") for piece in clauses)
    words = split("word " * 200)
    assert all(set(piece.split()) == {"word"} for piece in words)
    assert "".join(split("字" * 1000)) == "字" * 1000
    family = "👨‍👩‍👧"
    assert all(piece.replace(family, "") == "" for piece in split(family * 200))


TRICKY = st.text(st.sampled_from(list("ab AZ.!?…。？\"')」「\n\t1,;:。।*U.S")), max_size=600)


@given(st.one_of(TRICKY, st.text(max_size=400)), st.lists(st.integers(1, 40), max_size=50))
def test_nothing_is_lost_however_it_is_cut_into_chunks(text: str, sizes: list[int]) -> None:
    splitter, pieces, begin = SentenceSplitter(), [], 0
    for size in sizes:
        pieces += splitter.feed(text[begin : begin + size])
        begin += size
    pieces += splitter.feed(text[begin:]) + splitter.finish()
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece and piece == piece.strip() for piece in pieces)
    assert all(len(piece) <= LONGEST_PIECE + 2 * LOOK_AHEAD for piece in pieces[:-1])
    assert pieces == split(text)


HOSTILE = [
    'a.("',
    ".",
    " ",
    "a. " + " " * 50,
    "a",
    "U.S.",
    "U.S. A",
    "\n",
    "「。",
    "a?",
    "e.g. ",
    "1. ",
    "\u0301",
    "a...",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_linear_time(part: str) -> None:
    """Ten times the text may take about ten times as long, never a hundred times."""

    def seconds(length: int) -> float:
        text = part * (length // len(part))
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            split(text, 7)
            best = min(best, time.process_time() - begun)
        return best

    assert seconds(40_000) < 35 * seconds(4_000) + 0.02


def test_a_pause_for_thinking_ends_what_sounds_ended() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed(" One.") == []
    assert splitter.may_be_over
    assert splitter.finish() == ["One."]
    assert not splitter.may_be_over
    assert splitter.feed('He said "so.”') == []
    assert splitter.may_be_over
    splitter.feed(" And then")
    assert not splitter.may_be_over
