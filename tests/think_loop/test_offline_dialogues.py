"""Talks with the offline brain, as they are recognised (lower case, no punctuation, wrong words) and as they are typed.

A line ``> …`` is what the caller says; the line under it is what the brain answers: its words as a regular
expression, ``(silence)``, or ``tool(arguments)``, after which ``= …`` is the tool's output and the next line what is said.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.commands import Purpose
from think_loop.engines.offline.answer import answer
from think_loop.engines.offline.reply import Call, Ponder, Quiet, Reply, Say
from think_loop.language_model import Message, Prompt, ToolCall, ToolSpec
from think_loop.prompt import hints
from think_loop.timers import CANCEL_TIMER, LIST_TIMERS, SET_TIMER

NOW = datetime(2026, 11, 21, 17, 42)
WEATHER = ToolSpec(
    "get_weather",
    "Get the current weather in a city",
    {
        "type": "object",
        "properties": {
            "location": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer"},
        },
        "required": ["location"],
    },
    by_client=True,
)
LIGHTS = ToolSpec(
    "switchLights",
    "Switch the lights of a room on or off",
    {
        "type": "object",
        "properties": {"room": {"type": "string"}, "on": {"type": "boolean"}},
        "required": ["room", "on"],
    },
    by_client=True,
)
TOOLS = (SET_TIMER, LIST_TIMERS, CANCEL_TIMER, WEATHER, LIGHTS)


def said(reply: Reply) -> str:
    return "".join(step.text for step in reply.steps if isinstance(step, Say))


def shown(reply: Reply) -> str:
    for step in reply.steps:
        if isinstance(step, Quiet):
            return "(silence)"
        if isinstance(step, Call):
            return f"{step.name}({json.dumps(step.arguments)})"
    return said(reply)


def reply_to(messages: list[Message], seed: int = 1) -> Reply:
    return answer(Prompt(tuple(messages), tools=TOOLS), NOW, seed)


def check(script: str) -> None:
    messages: list[Message] = []
    last_call: Call | None = None
    for line in filter(None, (line.strip() for line in script.splitlines())):
        if line.startswith(">"):
            messages.append(Message("user", line[1:].strip()))
        elif line.startswith("="):
            assert last_call is not None
            call = ToolCall(f"c{len(messages)}", last_call.name, json.dumps(last_call.arguments))
            messages.append(Message("assistant", "", (call,)))
            messages.append(Message("tool", line[1:].strip(), tool_call_id=call.call_id))
        else:
            reply = reply_to(messages)
            exact = line.startswith("(") or re.match(r"\w+\(\{", line)
            assert (shown(reply) == line) if exact else re.search(line, shown(reply)), (messages[-1].text, shown(reply))
            last_call = next((step for step in reply.steps if isinstance(step, Call)), None)
            if said(reply):
                messages.append(Message("assistant", said(reply)))


DIALOGUES = {
    "sums that depend on one another": """
        > what is twelve times twelve
        ^12 times 12 is 144\\.$
        > and then divide that by three
        ^144 divided by 3 is 48\\.$
        > now double it
        ^2 times 48 is 96\\.$
        > half of that
        is 48\\.$
        > square root of sixteen plus that
        is 52\\.$
    """,
    "sums in many words": """
        > but is seven plus for
        7 plus 4 is 11\\.
        > um what is uh twelve times twelve
        is 144\\.
        > what is to times three
        2 times 3 is 6\\.
        > subtract two from twenty
        20 minus 2 is 18\\.
        > what's the sum of three and four
        is 7\\.
        > what is ten percent of two hundred
        is 20\\.
        > two to the power of ten
        is 1024\\.
        > what is the square root of two
        is about 1\\.41\\.
        > twelve squared
        12 squared is 144\\.
        > minus five plus three
        Minus 5 plus 3 is minus 2\\.
        > two and a half times four
        2\\.5 times 4 is 10\\.
        > can you tell me what two hundred and fifty divided by five is
        is 50\\.
        > what is twenty one minus thirty two point five
        21 minus 32\\.5 is minus 11\\.5\\.
    """,
    "sums as typed": """
        > What's 12*12?
        12 times 12 is 144\\.
        > 2 + 3 × 4
        2 plus 3 times 4 is 14\\.
        > What is 1,000 + 2,500.5?
        is 3500\\.5\\.
        > 10/4
        is 2\\.5\\.
        > 7-3
        is 4\\.
        > 20% of 50
        is 10\\.
        > 2^8
        is 256\\.
    """,
    "sums that can't be done": """
        > double that
        no earlier result
        > what is five divided by zero
        divided by zero
        > what is 2^5000
        too large
        > square root of minus four
        not a real number
    """,
    "no I meant": """
        > what is twelve times twelve
        is 144
        > no i meant fifteen
        12 times 15 is 180\\.
        > no, not twelve but ten
        10 times 15 is 150\\.
        > sorry i meant plus
        10 plus 15 is 25\\.
        > divide it by five
        25 divided by 5 is 5
        > no i meant multiply it by five
        25 times 5 is 125\\.
        > no actually set a timer for five minutes
        set_timer({"seconds": 300})
    """,
    "as pocketsphinx really heard flite say it": """
        > what is twelve times twelve
        is 144
        > no divide that by three
        144 divided by 3 is 48\\.
        > she added timers for five seconds
        set_timer({"seconds": 5})
        > down to five
        ^One, two, three, four, five\\.$
        > down from ten down to one
        ^Ten, .*, one\\.$
        > count slowly to ten and double each member
        10 doubled is 20\\.$
        > child on a second
        (silence)
        > one is ten percent of two hundred
        is 20\\.
        > remembered that my dog is called rex
        your dog is called rex
        > flip the korean
        heads|tails
        > sent you very much
        welcome|pleasure|Gladly
        > what is the day to day
        November 21st
    """,
    "wrong, and again": """
        > what is two plus two
        2 plus 2 is 4
        > say that again
        2 plus 2 is 4
        > pardon
        2 plus 2 is 4
        > that's wrong
        What I heard was: pardon
        > what did i say
        You said: that's wrong
    """,
    "no sums": """
        > i had three dogs and two cats
        offline|rules
        > it was the best of times
        offline|rules
        > what is twelve times
        offline|rules
    """,
    "timers": """
        > set a timer for five seconds
        set_timer({"seconds": 5})
        = Timer 1 is set for 5 seconds.
        ^Okay, 5 seconds, starting now\\.$
        > set a timer
        ^For how long\\?$
        > one and a half minutes
        set_timer({"seconds": 90})
        > set a ten minute timer for the pasta
        set_timer({"seconds": 600, "label": "pasta"})
        > remind me in half an hour to call mum
        set_timer({"seconds": 1800, "label": "call mum"})
        > said a timer for for seconds
        set_timer({"seconds": 4})
        > Set a timer for 1 hour and 30 minutes.
        set_timer({"seconds": 5400})
        > how much time is left
        list_timers({})
        = timer 1 (5 second timer): 3 seconds left
        ^The 5 second timer has 3 seconds left\\.$
        > cancel the pasta timer
        cancel_timer({"timer": "pasta"})
        = Error: there is no timer 'pasta'.
        ^Sorry, there is no timer 'pasta'\\.$
        > stop all timers
        cancel_timer({})
        = All 2 timers are cancelled.
        All 2 timers are cancelled
    """,
    "counting": """
        > count to five
        ^One, two, three, four, five\\.$
        > can you count to ate
        ^One, two, three, four, five\\. Six, seven, eight\\.$
        > count from ten down to one
        ^Ten, .*, one\\.$
        > count backwards from three
        ^Three, two, one\\.$
        > count to ten by twos
        ^Two, four, six, eight, ten\\.$
        > count slowly to three and double each number
        ^1 doubled is 2\\. 2 doubled is 4\\. 3 doubled is 6\\.$
        > count to one million
        one hundred\\. And so on
        > count
        From where to where
    """,
    "units": """
        > convert five miles to kilometers
        5 miles is about 8\\.05 kilometers
        > double that
        is about 16\\.09
        > how many feet in a mile
        1 mile is 5280 feet
        > what is one hundred degrees fahrenheit in celsius
        is about 37\\.78 degrees Celsius
        > minus forty celsius to fahrenheit
        is minus 40 degrees Fahrenheit
        > ten kilos in pounds
        is about 22\\.05 pounds
        > how many minutes are in three hours
        is 180 minutes
        > what is five miles and kilometers
        8\\.05 kilometers
        > sixty miles per hour in kilometers per hour
        is about 96\\.56 kilometers per hour
        > convert five miles to pounds
        can't be converted
    """,
    "memory": """
        > what's my name
        haven't told me your name
        > my name is anna
        Anna
        > remember that my dog is called rex
        your dog is called rex
        > my favourite color is blue
        your favorite color is blue
        > remember that i parked on level three
        you parked on level three
        > what's my name
        Your name is Anna
        > what is my favorite color
        is blue
        > what did i tell you
        your name is Anna; your dog is called rex; your favorite color is blue; you parked on level three
        > forget everything
        forgotten
        > who am i
        haven't told me your name
    """,
    "silence": """
        > hold on a second
        (silence)
        > wait
        (silence)
        > hang on let me find a pen
        (silence)
        > just a moment please
        (silence)
        > hmm let me think
        (silence)
        > i'm not talking to you
        (silence)
        > okay i'm back
        hear you|here|Still
        > are you there
        hear you|here|Still
        > wait what is two plus two
        is 4
    """,
    "time and date": """
        > what time is it
        ^It's 5:42 PM\\.$
        > what's the date
        ^Today is Saturday, November 21st, 2026\\.$
        > what day is it tomorrow
        ^Tomorrow is Sunday, November 22nd, 2026\\.$
        > what year is it
        2026
    """,
    "manners": """
        > Hello!
        ^Hello! I'm Stretto's offline brain
        > how are you
        fine|Very well
        > who are you
        offline brain
        > what can you do
        sums.*real language model
        > thank you
        welcome|pleasure|Gladly
        > goodbye
        Goodbye|Bye
    """,
    "play": """
        > spell apple
        A, P, P, L, E
        > how do you spell cat
        C, A, T
        > flip a coin
        heads|tails
        > roll two dice
        I rolled \\d and \\d
        > pick a number between five and five
        I pick 5
        > tell me a joke
        \\w+
    """,
    "tools of the client": """
        > What's the weather in Paris?
        get_weather({"location": "Paris"})
        = {"temperature": 21, "sky": "clear", "alerts": []}
        ^Temperature is 21, sky is clear and alerts is nothing\\.$
        > what is the weather like in new york for three days in fahrenheit
        get_weather({"location": "new york", "unit": "fahrenheit", "days": 3})
        > switch the lights off in the kitchen
        switchLights({"room": "kitchen", "on": false})
        = ok
        ^Ok\\.$
    """,
    "beyond the rules": """
        > what is the capital of france
        I heard: "what is the capital of france".*stretto doctor
        > who was napoleon
        I understood "who was napoleon"
        > do you like cheese
        real language model
        >
        catch|no words
    """,
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogues(name: str) -> None:
    check(DIALOGUES[name])


def test_fallbacks_are_never_the_same_twice_in_a_row() -> None:
    messages: list[Message] = []
    answers = []
    for _ in range(8):
        messages.append(Message("user", "what is the capital of france"))
        answers.append(said(reply_to(messages)))
        messages.append(Message("assistant", answers[-1]))
    assert all(first != second for first, second in itertools.pairwise(answers))


def test_it_opens_the_talk_reports_and_asks_back() -> None:
    def unasked(hint: str) -> str:
        return said(answer(Prompt((Message("user", "hello"),), hints=hint), NOW, 1))

    assert said(answer(Prompt(()), NOW, 1)).startswith("Hello! I'm Stretto's offline brain")
    assert unasked(hints(NOW, Purpose.REPORT, report="Your tea timer is done.")) == "Your tea timer is done."
    assert unasked(hints(NOW, Purpose.NUDGE)) == "Are you still there?"
    assert unasked(hints(NOW, Purpose.OPENING)).startswith("Hello!")


def test_a_long_talk_is_remembered_and_answered_quickly() -> None:
    messages = [Message("user", "my name is anna")]
    seconds = []
    for number in range(300):
        messages += [Message("assistant", "ok."), Message("user", f"what is {number} times two")]
        begun = time.process_time()
        assert said(reply_to(messages)) == f"{number} times 2 is {2 * number}."
        seconds.append(time.process_time() - begun)
    assert said(reply_to([*messages, Message("user", "what's my name")])) == "Your name is Anna."
    assert sorted(seconds)[len(seconds) // 2] < 0.05


def test_without_timer_tools_it_says_so() -> None:
    assert "can't set timers" in said(answer(Prompt((Message("user", "set a timer for ten seconds"),)), NOW, 1))


def test_tool_choice_is_obeyed() -> None:
    def chosen(tool_choice: str, text: str) -> str:
        return shown(answer(Prompt((Message("user", text),), tools=TOOLS, tool_choice=tool_choice), NOW, 1))

    assert chosen("switchLights", "hello") == 'switchLights({"room": "", "on": true})'
    assert chosen("required", "weather in rome") == 'get_weather({"location": "rome"})'
    assert "stretto doctor" in chosen("none", "weather in rome")


def test_counting_takes_longer_as_numbers_get_harder() -> None:
    reply = reply_to([Message("user", "count slowly to thirty and double each number")])
    ponders = [step.seconds for step in reply.steps if isinstance(step, Ponder)]
    assert len(ponders) == 29
    assert ponders == sorted(ponders)
    assert ponders[-1] > 1.5 * ponders[0]


def test_equal_seeds_give_equal_answers() -> None:
    messages = [Message("user", "roll two dice")]
    assert reply_to(messages, seed=5) == reply_to(messages, seed=5)
    assert len({said(reply_to(messages, seed)) for seed in range(20)}) > 5


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
def test_no_text_breaks_it(texts: list[str]) -> None:
    reply = reply_to([Message("user", text) for text in texts])
    assert reply.steps


WORDS = (
    "what is twelve times two plus minus the square root of that it divided by zero set a timer for five seconds count to "
    "ten from down no i meant not my name remember convert miles kilometers in and then double half percent hold on again "
    "cancel power hundred point wait spell roll dice number between how many feet"
)


@given(st.lists(st.lists(st.sampled_from(WORDS.split()), max_size=12), min_size=1, max_size=4))
def test_no_salad_of_its_own_words_breaks_it(turns: list[list[str]]) -> None:
    reply = reply_to([Message("user", " ".join(turn)) for turn in turns])
    assert reply.steps
    assert all(not isinstance(step, Say) or step.text for step in reply.steps)


def test_a_long_hostile_turn_is_quick() -> None:
    reply_to([Message("user", "twelve times " * 100_000), Message("user", "for the in of " * 100_000)])
