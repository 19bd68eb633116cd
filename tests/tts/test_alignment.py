from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.alignment import Span, align, estimate_spans
from tts.speakable import SpokenToken, make_speakable


def test_a_word_said_in_several_lasts_from_the_first_to_the_last() -> None:
    tokens = make_speakable("It is 12:30 now").tokens
    words = align(tokens, [Span(number, number + 0.9) for number in range(5)])
    assert [(word.text, word.start_seconds, word.end_seconds) for word in words] == [
        ("It", 0, 0.9),
        (" is", 1, 1.9),
        (" 12:30", 2, 3.9),
        (" now", 4, 4.9),
    ]


def test_what_is_not_said_belongs_to_the_word_before_or_to_the_first() -> None:
    tokens = [SpokenToken("😀", ""), SpokenToken(" a", "a"), SpokenToken(" —", ""), SpokenToken(" b", "b")]
    words = align(tokens, [Span(0, 1), Span(1, 2)])
    assert [word.text for word in words] == ["😀 a —", " b"]


def test_a_wrong_count_is_told() -> None:
    with pytest.raises(ValueError, match="1 words"):
        align([SpokenToken("a", "a")], [])


token_lists = st.lists(
    st.builds(
        SpokenToken,
        st.text(min_size=1, max_size=5),
        st.lists(st.sampled_from(["a", "bee,", "sea."]), max_size=3).map(" ".join),
    ),
    max_size=20,
)


@given(tokens=token_lists, data=st.data())
def test_texts_join_to_the_source_and_times_never_run_backwards(tokens: list[SpokenToken], data: st.DataObject) -> None:
    count = sum(len(token.words) for token in tokens)
    times = st.floats(0, 100)
    spans = data.draw(st.lists(st.builds(Span, times, times), min_size=count, max_size=count))
    words = align(tokens, spans)
    if count:
        assert "".join(word.text for word in words) == "".join(token.source for token in tokens)
    else:
        assert words == ()
    for earlier, later in pairwise(words):
        assert earlier.start_seconds <= earlier.end_seconds <= later.start_seconds <= later.end_seconds


@given(words=st.lists(st.sampled_from(["a", "longer", "end."]), min_size=1), seconds=st.floats(0.1, 50))
def test_estimated_times_fill_the_interval(words: list[str], seconds: float) -> None:
    spans = estimate_spans(words, 1.0, 1.0 + seconds)
    assert len(spans) == len(words)
    assert spans[0].start_seconds == 1.0
    assert spans[-1].end_seconds == pytest.approx(1.0 + seconds)
