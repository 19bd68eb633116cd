"""What the words of a turn tell: whether it is over, and whether it wants the floor."""

from __future__ import annotations

from dataclasses import fields

import pytest

from scheduler.endpointing import end_probability, wait_seconds
from scheduler.policy import BALANCED, EAGER, EAGERNESS, PATIENT, PRESETS
from scheduler.words import TAKERS, bare, bare_words, is_backchannel

COMPLETE = """
when do I arrive
北京天气怎么样
你也去吗
多少钱谢谢
what is twelve times twelve
What time is it?
what's the weather like today
how are you
how old are you
where is the station
who was that
do you know
what is it like
can you help me please
is it raining
will it rain tomorrow
could you say that again
set a timer for five seconds
count to five
tell me a joke
convert ten miles to kilometres
remember that my name is Anna
spell necessary
repeat that please
yes
no
yeah sure
Okay.
thank you
thanks
stop
never mind, thank you very much
goodbye
hello there
That's great!
five plus six please
and what about Vienna
no wait what is the time
okay tell me about Paris
who said that
"""

UNDECIDED = """
the weather was nice yesterday
my name is Anna
I went home
we arrived last night
twelve
Anna
the blue one
in the morning
what did you say
where are you from
who is she
what do you want
how tall are they
would you
what I mean is
what did he tell me about
when I arrive in Berlin
when the train is late
and when I arrive in Berlin
i said that
and Boston
我想去北京
"""

UNFINISHED = """
I'd like to go to
I would like to
what is the
can you tell me the
set a timer for
book a table for two and
my name is
I think that's the one but
it costs about
um
well um
I want, uh
so
because
my number is five five five
it is zero one seven two
4 9 1
it is spelled b a r
A B C
and then...
I was going to—
first of all,
the thing is
there's a
please
the
no the
tell me
remind me
I'm
five plus
can you tell me about
could you get me to
it is four two
my number is 4 9
three one
and he said that
she told me that
that is j
请帮我订一张去
我想跟你说因为
告诉我北京和
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(COMPLETE))
def test_complete(text: str) -> None:
    assert wait_seconds(BALANCED, end_probability(text)) == BALANCED.wait_complete_seconds


@pytest.mark.parametrize("text", lines(UNDECIDED))
def test_undecided(text: str) -> None:
    assert wait_seconds(BALANCED, end_probability(text)) == BALANCED.wait_undecided_seconds


@pytest.mark.parametrize("text", lines(UNFINISHED))
def test_unfinished(text: str) -> None:
    assert wait_seconds(BALANCED, end_probability(text)) == BALANCED.wait_unfinished_seconds


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(lines(COMPLETE) + lines(UNDECIDED) + lines(UNFINISHED)) >= 60


def test_nothing_said_is_no_end() -> None:
    assert end_probability("") == end_probability(" … ") == 0.0


# --- single words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"), [("Hello,", "hello"), ("«Tür»", "tür"), ("...", ""), ("mm-hm.", "mm-hm"), ("it's", "it's")]
)
def test_bare(word: str, expected: str) -> None:
    assert bare(word) == expected


def test_bare_words_leave_punctuation_out() -> None:
    assert bare_words("Well … no, – WAIT!") == ("well", "no", "wait")


@pytest.mark.parametrize(
    "text", ["", "mm-hm", "Mm-hm.", "yeah", "uh huh", "okay okay", "I see", "got it", "oh really", "Right?"]
)
def test_backchannels(text: str) -> None:
    assert is_backchannel(bare_words(text), BALANCED.backchannel_max_words)


@pytest.mark.parametrize("text", ["yeah but", "I think", "see it", "what", "no", "okay okay okay", "yes I do", "hello"])
def test_no_backchannels(text: str) -> None:
    assert not is_backchannel(bare_words(text), BALANCED.backchannel_max_words)


def test_what_takes_the_floor_is_never_a_backchannel() -> None:
    assert not any(is_backchannel((word,), 2) for word in TAKERS)


# --- presets ------------------------------------------------------------------------------------------


def test_presets_differ_only_in_their_waits_and_in_order() -> None:
    waits = ("wait_complete_seconds", "wait_undecided_seconds", "wait_unfinished_seconds")
    for name in waits:
        assert getattr(EAGER, name) < getattr(BALANCED, name) < getattr(PATIENT, name)
    assert EAGER.wait_ready_seconds <= BALANCED.wait_ready_seconds < PATIENT.wait_ready_seconds
    for field in fields(BALANCED):
        if field.name not in (*waits, "wait_ready_seconds", "name"):
            assert getattr(EAGER, field.name) == getattr(BALANCED, field.name) == getattr(PATIENT, field.name)


def test_every_preset_is_consistent() -> None:
    for name, policy in PRESETS.items():
        assert policy.name == name
        assert policy.wait_complete_seconds < policy.wait_undecided_seconds < policy.wait_unfinished_seconds
        assert policy.unfinished_probability < policy.complete_probability
        assert policy.duck_deep_db < policy.duck_db < 0
        assert policy.duck_deep_after_seconds < policy.stop_after_voice_seconds
    assert set(EAGERNESS.values()) <= set(PRESETS)
