"""Written text is said as a person would read it, every character keeps its place, and nothing hangs."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tts.engines.plain_words import plain_phrases
from tts.phrases import LONGEST_PHRASE, phrases
from tts.speakable import SpokenToken, make_speakable, split_source


def said(text: str) -> str:
    return make_speakable(text).text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("12 × 12 = 144.", "twelve times twelve equals one hundred and forty four."),
        ("10 - 3 = 7", "ten minus three equals seven"),
        ("60 / 5 < 2^4", "sixty divided by five less than two to the power of four"),
        ("7 x 8", "seven times eight"),
        ("2 + -2", "two plus minus two"),
        ("**Bold** and *it* and `code_x()`", "Bold and it and code x"),
        ("## Plan\n- one\n- two", "Plan, one, two"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b, one, two,"),
        ("```py\nx = 1\n``` Done.", "Done."),
        ("See [the docs](https://docs.example.com/a_b).", "See the docs."),
        ("Go to https://www.example.org/x?y=1.", "Go to example dot org."),
        ("Write to bob.lee@ex-a.com now", "Write to bob dot lee at ex dash a dot com now"),
        ("1,234,567", "one million two hundred and thirty four thousand five hundred and sixty seven"),
        ("3.14", "three point one four"),
        ("-5°C", "minus five degrees Celsius"),
        ("20°C, 1 km and 5 km/h", "twenty degrees Celsius, one kilometer and five kilometers per hour"),
        ("the 1st, 22nd", "the first, twenty second"),
        ("20%", "twenty percent"),
        ("$5.50 or €3 million or £0.99", "five dollars and fifty cents or three million euros or ninety nine pence"),
        ("2024-05-06", "May sixth twenty twenty four"),
        ("Dec. 5, 2024 at 3:30 p.m.", "December fifth twenty twenty four at three thirty p m"),
        ("25/12/2023", "December twenty fifth twenty twenty three"),
        ("at 15:04, 7:00 or 9am", "at fifteen oh four, seven o'clock or nine a m"),
        ("5-10 km", "five to ten kilometers"),
        ("2010–2015", "twenty ten to twenty fifteen"),
        ("in the 1990s", "in the nineteen nineties"),
        ("1/2 and 3/4", "one half and three quarters"),
        ("call 555-1234", "call five five five, one two three four"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("Dr. Smith vs. Mr. X", "doctor Smith versus mister X"),
        ("Oh no. I forgot", "Oh no. I forgot"),
        ("No. 7", "number seven"),
        ("e.g. the U.S.", "for example the U S"),
        ("nice 👍🏽 day\x00!", "nice day!"),
        ("café — naïve…", "cafe, naive,"),
        ("Привет", "Privet"),
        ("I'm ok; it’s “fine”", "I'm ok; it's fine"),
        ("Tom &amp; Jerry &lt; 3", "Tom and Jerry less than three"),
        ("<b>hi</b><br/>", "hi"),
        ("½ of 3½ or ¾ cups", "one half of three and a half or three quarters cups"),
        ("5 m² and 10²", "five square meters and ten squared"),
        ("007", "zero zero seven"),
        ("192.168.1.1", "one hundred and ninety two dot one hundred and sixty eight dot one dot one"),
        ("😀", ""),
        ("", ""),
        ("\x00\x1b\u200b\u202e", ""),
    ],
)
def test_it_is_said_as_a_person_reads_it(written: str, spoken: str) -> None:
    assert said(written) == spoken


def test_other_languages_keep_their_letters_and_lose_their_markup() -> None:
    assert make_speakable("**Schöne** Grüße, 3 Äpfel!", "de").text == "Schöne Grüße, 3 Äpfel!"


def test_each_token_covers_its_piece_of_the_source() -> None:
    tokens = make_speakable("It is **12** 😀 km, or 5 miles.").tokens
    assert [(token.source, token.spoken) for token in tokens] == [
        ("It", "It"),
        (" is", "is"),
        (" **12**", "twelve"),
        (" 😀 km,", "km,"),
        (" or", "or"),
        (" 5", "five"),
        (" miles.", "miles."),
    ]


hostile = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(list("*_`#[]()<>|&;$€%°×-–./:,'\"@~^ \n\t0123456789xXabAM\x00\u200b😀東é½")),
    ),
    max_size=400,
)


@settings(max_examples=300, deadline=None)
@given(text=hostile, language=st.sampled_from(["en", "de"]))
@example(text="\ud800 lone", language="en")
@example(text="13/13/2020 99:99 0/0 1/0 $. €,5 1,2,3", language="en")
def test_whatever_the_text_its_sources_join_to_it(text: str, language: str) -> None:
    speakable = make_speakable(text, language)
    assert "".join(token.source for token in speakable.tokens) == text
    for token in speakable.tokens:
        assert token.source
        assert token.spoken == " ".join(token.spoken.split())
        assert all(any(char.isalnum() for char in word) or language != "en" for word in token.words)
    if language == "en":
        assert speakable.text.isascii()


@settings(max_examples=100, deadline=None)
@given(text=hostile)
def test_phrases_hold_plain_words_only_and_join_to_the_text(text: str) -> None:
    tokens = [token for phrase in plain_phrases(text) for token in phrase]
    assert "".join(token.source for token in tokens) == text
    for word in (word for token in tokens for word in token.words):
        assert any(char.isascii() and char.isalpha() for char in word)
        assert not set(word) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.,;:?!")


@settings(max_examples=100, deadline=None)
@given(text=hostile, longest=st.integers(1, 50))
def test_parts_of_a_long_text_join_to_it(text: str, longest: int) -> None:
    parts = list(split_source(text, longest))
    assert "".join(parts) == text
    assert all(0 < len(part) <= longest for part in parts)


@given(lengths=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", ",", "."])), max_size=80))
def test_phrases_are_short_and_complete(lengths: list[tuple[int, str]]) -> None:
    tokens = tuple(SpokenToken(f" {n}", "a" * n + mark if n else "") for n, mark in lengths)
    cut = list(phrases(tokens))
    assert tuple(token for phrase in cut for token in phrase) == tokens
    assert all(sum(len(token.spoken) + 1 for token in phrase) <= LONGEST_PHRASE for phrase in cut)


BOMBS = {
    "words": "hello world ",
    "one letter": "a",
    "brackets": "(",
    "stars": "*",
    "links": "[a](",
    "ticks": "`",
    "fences": "```\n",
    "digits": "1",
    "numbers": "123456 ",
    "addresses": "a@",
    "dots": "a.",
    "dashes": "-",
    "spaces": " ",
    "ideographs": "東",
    "emoji": "😀",
    "control characters": "\x00",
    "commas": "111,",
    "tags": "<a",
    "links again": "http://",
    "plus": "+1 ",
    "rules": "- - \n",
    "entities": "&a",
    "lines": "\n",
    "table": "|-",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_time_grows_with_the_length_and_no_faster(bomb: str) -> None:
    """A tenfold text takes tenfold time; a quadratic pattern would take a hundredfold. The best of three runs each, in
    CPU time, and a bound far from both, since the machine is busy with other things."""

    def seconds(size: int) -> float:
        text = BOMBS[bomb] * (size // len(BOMBS[bomb]))
        began = time.process_time()
        assert "".join(token.source for token in make_speakable(text).tokens) == text
        return time.process_time() - began

    small = min(seconds(10_000) for _ in range(3))
    large = min(seconds(100_000) for _ in range(3))
    assert large < 60 * max(small, 0.004)


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_very_long_texts_are_no_harm(bomb: str) -> None:
    text = BOMBS[bomb] * (300_000 // len(BOMBS[bomb]))
    began = time.process_time()
    assert "".join(token.source for token in make_speakable(text).tokens) == text
    assert time.process_time() - began < 20
