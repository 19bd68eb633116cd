"""What a turn comes to when its speaker takes something back in it, typed and as recognisers write it."""

from __future__ import annotations

import json
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.tools import cancel_order, order_status
from think_loop.engines.offline.answer import answer
from think_loop.engines.offline.reply import Call, Quiet, Reply, Say
from think_loop.engines.offline.self_repair import Repaired, repaired
from think_loop.language_model import Message, Prompt
from think_loop.timers import SET_TIMER
from think_loop.tools import Toolbox

TOOLS = (*Toolbox((order_status, cancel_order)).specs, SET_TIMER)

REPLACED = {
    # a number, with and without what it counts
    "cancel order twelve, I mean order seven": "cancel order seven",
    "cancel order seven i mean order twelve": "cancel order twelve",
    "cancel order seven wait no order twelve": "cancel order twelve",
    "cancel order seven make that order twelve": "cancel order twelve",
    "cancel order seven scratch that twelve": "cancel order twelve",
    "cancel order twelve or rather order seven please": "cancel order seven",
    "cancel twelve i mean order seven": "cancel order seven",
    "cancel order one two no one three": "cancel order one three",
    "Cancel order 12. I mean order 7.": "Cancel order 7.",
    "Cancel order 12… no, 7!": "Cancel order 7!",
    "what is the status of order 7, no, 12": "what is the status of order 12",
    "what is the status of order seven sorry twelve": "what is the status of order twelve",
    "what is the status of order seven, it's, uh, no, sorry, order twelve": "what is the status of order twelve",
    "order 7 no 12 no 13": "order 13",
    "set a timer for five minutes no ten": "set a timer for ten minutes",
    "set a timer for five minutes no make that ten seconds": "set a timer for ten seconds",
    "set a timer for five minutes actually make it ten": "set a timer for ten minutes",
    "set a timer for two minutes no one minute": "set a timer for one minute",
    "set a timer for one hour and thirty minutes no forty minutes": "set a timer for one hour and forty minutes",
    "set an alarm for half past seven no half past eight": "set an alarm for half past eight",
    "convert five miles no ten miles to kilometers": "convert ten miles to kilometers",
    "two coffees no three teas": "three teas",
    # a sum, or part of one
    "seven times eight no wait I mean nine times eight": "nine times eight",
    "7*8, no, 9*8": "9 times 8",
    "what is twelve times twelve no i mean fifteen": "what is twelve times fifteen",
    "what is 12 times 12, sorry, plus 12": "what is 12 plus 12",
    "2 plus 3 times 4 no 5 times 6": "5 times 6",
    "what is 10 percent of 200 no 20 percent": "what is 20 percent of 200",
    "what is two hundred and fifty no two hundred and sixty divided by five": (
        "what is two hundred and sixty divided by five"
    ),
    # names and other words
    "what's the weather in Paris, I mean Rome": "what's the weather in Rome",
    "what is the weather in paris tomorrow no in rome": "what is the weather in rome tomorrow",
    "my name is anna no hannah": "my name is hannah",
    "call anna no bob": "call bob",
    "remind me on monday no tuesday to call mum": "remind me on tuesday to call mum",
    "convert five miles to kilometers no to meters": "convert five miles to meters",
    "switch the lights off in the kitchen no in the bedroom": "switch the lights off in the bedroom",
    "turn on the light no off": "turn off the light",
    "tell me the joke no the time": "tell me the time",
    # a whole request
    "cancel order seven no cancel order twelve": "cancel order twelve",
    "cancel order seven actually what is the time": "what is the time",
    "what is the time in paris no what is the date": "what is the date",
    "no no set a timer for five minutes no ten minutes": "no no set a timer for ten minutes",
    # nothing instead
    "cancel order 12 never mind": "never mind",
    "cancel order seven no don't": "never mind",
    "cancel order 7, no, I don't want that": "never mind",
    "cancel order seven forget it what is the time": "what is the time",
}

ASKED = {
    "cancel order twelve no wait": "cancel order twelve",
    "Cancel order 12. No, wait.": "Cancel order 12",
    "cancel order seven i mean my subscription": "cancel my subscription",
    "cancel order seven i mean ticket nine": "cancel ticket nine",
    "cancel order 7 no the other one": "cancel the other one",
    "cancel order 7 i mean the one with two litres": "cancel the one with two litres",
    "set a timer for seven thirty no eight": "set a timer for eight",
    "count to ten no from five to ten": "count from five to ten",
    "turn on the light no turn it off": "turn it off",
}

UNTOUCHED = """
    no
    no, thank you
    no wait
    i mean
    yes no
    okay no cancel order 7
    actually, what is the time
    can you actually tell me the time
    what's seven times eight actually
    what does 'I mean' mean
    what does i mean mean
    you know what i mean
    how do i say "no wait" in french
    how do you spell sorry
    say yes or no
    no i meant fifteen
    no, not twelve but ten
    that's not right no i meant fifteen
    i mean what is seven times eight
    there is no time left
    i have no idea
    is there no way to cancel order 12
    order no 7
    i'm sorry to hear that
    remember that sorry is a hard word
    set a timer for ten minutes sorry for the noise
    would you rather have 5 or 7
    i would rather cancel order 7
    hold on a second wait
    cancel order twelve, no?
    cancel order 7 and order 12
    cancel order 7, I'm in a hurry
"""


@pytest.mark.parametrize("said", REPLACED)
def test_what_follows_takes_the_place_of_what_was_taken_back(said: str) -> None:
    assert repaired(said) == Repaired(REPLACED[said])


@pytest.mark.parametrize("said", ASKED)
def test_when_it_cannot_be_told_what_was_replaced_it_asks(said: str) -> None:
    assert repaired(said) == Repaired(said, f'Did you mean "{ASKED[said]}"?')


@pytest.mark.parametrize("said", [line.strip() for line in UNTOUCHED.strip().splitlines()])
def test_the_words_of_repairs_are_said_for_other_reasons_too(said: str) -> None:
    assert repaired(said) == Repaired(said)


def reply_to(*turns: str) -> Reply:
    """To the last of ``turns``, of which every second is the brain's own."""
    messages = [Message("assistant" if number % 2 else "user", text) for number, text in enumerate(turns)]
    return answer(Prompt(tuple(messages), tools=TOOLS), datetime(2026, 11, 21, 17, 42), 1)


def shown(reply: Reply) -> str:
    (step,) = reply.steps
    match step:
        case Call(name, arguments):
            return f"{name}({json.dumps(arguments)})"
        case Say(text):
            return text
        case _:
            return "(silence)" if isinstance(step, Quiet) else repr(step)


@pytest.mark.parametrize(
    ("said", "does"),
    [
        ("cancel order twelve, I mean order seven", 'cancel_order({"number": 7})'),
        ("cancel order seven i mean order twelve", 'cancel_order({"number": 12})'),
        ("what is the status of order 7, no, 12", 'order_status({"number": 12})'),
        ("set a timer for five minutes no ten", 'set_timer({"seconds": 600})'),
        ("seven times eight no wait I mean nine times eight", "9 times 8 is 72."),
        ("cancel order twelve no wait", 'Did you mean "cancel order twelve"?'),
        ("cancel order twelve actually what is the time", "It's 5:42 PM."),
    ],
)
def test_no_skill_sees_what_was_taken_back(said: str, does: str) -> None:
    assert shown(reply_to(said)) == does


@pytest.mark.parametrize("said", ["cancel order twelve, never mind", "cancel order twelve no don't"])
def test_what_was_taken_back_altogether_is_not_done(said: str) -> None:
    assert shown(reply_to(said)) in ("No problem.", "That's all right.")


def test_a_guess_is_acted_upon_when_it_is_confirmed() -> None:
    asked = shown(reply_to("cancel order seven no wait"))
    assert shown(reply_to("cancel order seven no wait", asked, "yes please")) == 'cancel_order({"number": 7})'
    assert shown(reply_to("cancel order seven no wait", asked, "no")) == "Then just tell me what you'd like."
    assert shown(reply_to("cancel order seven no wait", asked, "what is the time")) == "It's 5:42 PM."


def test_what_was_said_is_remembered_as_it_was_said() -> None:
    said = "two plus two no three"
    assert shown(reply_to(said, shown(reply_to(said)), "what did i say")) == f"You said: {said}."


SALAD = (
    "no i mean sorry wait actually never mind make that order seven twelve times in paris the cancel one it's , . ' …"
)


@given(st.lists(st.sampled_from(SALAD.split()), max_size=16))
def test_no_salad_of_repairs_breaks_it(words: list[str]) -> None:
    outcome = repaired(" ".join(words))
    assert outcome.text.strip() or not words or outcome.text == " ".join(words)
    assert reply_to(" ".join(words)).steps


def test_a_long_hostile_turn_is_quick() -> None:
    begun = time.process_time()
    for part in ("no i mean order 7 ", "7 ", "no ", "seven and ", "7 plus 7 no "):
        repaired(part * 100_000)
    assert time.process_time() - begun < 2
