"""Pure: the scenes of ``bench.turns``. Each is a short script of what the caller says, what the model answers and what
must hold (see ``bench.turns_script``). They are what a change of turn taking is judged by: a scene that fails stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bench.turns_script import AfterOwn, AtRest, BeforeAgentEnds, Model, Must, Say, Scene, over, turn

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CITIES = ("lisbon", "oslo", "vienna", "dublin", "athens", "cairo", "boston", "paris", "london", "berlin")
PLACES = Model(keys=CITIES + DAYS, silent_on=("mm-hm",))
LONG = Model(keys=CITIES + DAYS, long=True, silent_on=("stop", "hold on", "wait", "hold on a second", "that is enough"))
UNFINISHED_SECONDS = 3.1
"""Until the first sound after words that sound unfinished: 2.5 s of silence and the time of a model."""
STORY = turn("tell me all about oslo", "oslo")


def _pauses() -> list[Scene]:
    def scene(name: str, script: str, key: str, **more: Any) -> Scene:
        return Scene(f"pause: {name}", "pauses", (turn(script, key, **more),), PLACES, real=True)

    return [
        scene("0.3 s at a preposition", "i would like to go to [0.3] lisbon", "lisbon"),
        scene("0.8 s at a preposition", "i would like to go to [0.8] lisbon", "lisbon"),
        scene("1.5 s at a preposition", "i would like to go to [1.5] lisbon", "lisbon"),
        scene("2 s at an article", "could you book me a [2.0] train to vienna", "vienna"),
        scene("0.6 s at a conjunction", "i need a hotel in oslo and [0.6] a train to paris", "paris"),
        scene("1.2 s after because", "i have to leave early because [1.2] i must be in dublin", "dublin"),
        scene("1 s after um", "i want to fly to um [1.0] athens", "athens"),
        scene("two pauses", "please tell me [0.7] about the weather in [0.9] cairo", "cairo"),
        scene("three pauses", "i want [0.5] to go to [0.5] the city of [0.5] boston", "boston"),
        scene("0.5 s at a clause end", "i was in paris last year [0.5] and now i want to see london", "london"),
        scene("0.9 s at a clause end", "i was in paris last year [0.9] and now i want to see london", "london"),
        scene("0.5 s after a subordinate clause", "when i arrive in berlin [0.5] who will meet me there", "berlin"),
        scene("0.4 s before a place", "what is the weather like [0.4] in oslo", "oslo"),
        scene("a cough inside", "i would like to go to [0.3] <cough> [0.3] lisbon", "lisbon"),
    ]


def _slow() -> list[Scene]:
    def scene(name: str, script: str, key: str, rate: float) -> Scene:
        says = (turn(script, key, rate=rate, latest_seconds=1.6),)
        return Scene(f"slow: {name}", "slow speakers", says, PLACES)

    return [
        scene("half as fast", "please tell me about the weather in vienna", "vienna", 0.5),
        scene(
            "a pause after each word",
            "please [0.3] tell me [0.35] about [0.3] the [0.3] weather in [0.4] oslo",
            "oslo",
            0.7,
        ),
        scene("long pauses at phrases", "what is [0.6] the best time [0.6] to go to [0.6] london", "london", 0.7),
        scene("searching for the name", "i want to talk about [1.4] uh [1.0] the city of berlin", "berlin", 0.8),
    ]


def _numbers() -> list[Scene]:
    digits = Model(keys=("seven", "nine", "two", "zero", "eight"))

    def scene(name: str, script: str, key: str, model: Model = digits, **more: Any) -> Scene:
        says = (turn(script, key, latest_seconds=UNFINISHED_SECONDS, **more),)
        return Scene(f"read out: {name}", "read out and spelled", says, model)

    letters = Model(keys=("h", "n", "z"))
    return [
        scene("a telephone number", "my number is five five five [0.8] one two three [0.8] four nine seven", "seven"),
        scene("pairs of digits", "it is four two [0.6] five one [0.6] three six [0.6] one nine", "nine"),
        scene("digits one by one", "three [0.5] one [0.5] four [0.5] one [0.5] five [0.5] nine [0.5] two", "two"),
        scene("an order, with a long pause", "the order is six six one [1.6] four zero zero", "zero"),
        scene("a spelled name", "my name is s m i [0.7] t h", "h", letters),
        scene("a spelled name, letter by letter", "that is j [0.6] e [0.6] n [0.6] s [0.6] e [0.6] n", "n", letters),
    ]


def _repairs() -> list[Scene]:
    def scene(name: str, script: str, key: str, *wrong: str, **more: Any) -> Scene:
        return Scene(f"repair: {name}", "self-repairs", (turn(script, key, wrong=wrong, **more),), PLACES, real=True)

    return [
        scene("no, at once", "book it for tuesday no thursday", "thursday", "tuesday"),
        scene("after a pause", "book it for tuesday [0.5] no thursday", "thursday", "tuesday"),
        scene("no wait", "a ticket to paris please [0.3] no wait to london", "london", "paris"),
        scene("i mean", "what is the weather in oslo i mean in vienna", "vienna", "oslo"),
        scene("sorry", "put it down for monday sorry friday", "friday", "monday"),
        scene("twice", "let us meet on monday no tuesday [0.3] no wednesday", "wednesday", "monday", "tuesday"),
        scene("never mind the whole", "tell me about cairo [0.3] actually tell me about athens", "athens", "cairo"),
        scene("a partial misheard", "what is the weather in dublin|double", "dublin"),
        scene("a partial that sounds complete", "could you tell me about lisbon|today", "lisbon"),
    ]


def _trailing() -> list[Scene]:
    def scene(name: str, script: str, key: str, **more: Any) -> Scene:
        return Scene(f"trailing: {name}", "trailing courtesies", (turn(script, key, **more),), PLACES, real=True)

    return [
        scene("please", "what is the weather in lisbon please", "lisbon"),
        scene("thank you", "what is the weather in oslo thank you", "oslo"),
        scene("please after a pause", "what is the weather in vienna [0.3] please", "vienna"),
        scene("thanks after a pause", "tell me the weather for dublin [0.25] thanks", "dublin"),
        scene("you know", "i would like to see athens, you know", "athens"),
        scene("thank you very much", "could you tell me about berlin [0.2] thank you very much", "berlin"),
    ]


def _backchannels() -> list[Scene]:
    def scene(name: str, *says: Say) -> Scene:
        return Scene(f"backchannel: {name}", "backchannels", (STORY, *says), LONG)

    go_on = Must.GO_ON
    return [
        scene("mm-hm", over("mm-hm", 1.2, go_on)),
        scene("right", over("right", 1.5, go_on)),
        scene("yeah okay", over("yeah okay", 1.2, go_on)),
        scene("oh really", over("oh really", 2.0, go_on)),
        scene("i see", over("i see", 1.0, go_on)),
        scene("three times", over("mm-hm", 1.0, go_on), over("right", 2.0, go_on), over("yeah", 2.0, go_on)),
        scene("a hum without words", over("<hum>", 1.3, go_on)),
        scene("a hum taken for a word", over("<hum=and>", 1.3, go_on)),
        scene("a long mm-hm", over("mm-hm [0.12] mm-hm", 1.2, Must.RESUME)),
        scene("yeah, misheard at first", over("yeah|the", 1.2, go_on)),
        scene("okay, slowly", over("okay", 1.2, go_on, rate=0.7)),
    ]


def _noises() -> list[Scene]:
    def scene(name: str, *says: Say) -> Scene:
        return Scene(f"noise: {name}", "noises over the agent", (STORY, *says), LONG)

    go_on = Must.GO_ON
    return [
        scene("a cough", over("<cough>", 1.0, go_on)),
        scene("a cough taken for a word", over("<cough=but>", 1.0, go_on)),
        scene("two coughs", over("<cough> [0.25] <cough>", 1.2, go_on)),
        scene("a cough taken for 'the'", over("<cough=the>", 1.8, go_on)),
        scene("a door", over("<slam>", 1.0, go_on)),
        scene("a door taken for a word", over("<slam=what>", 1.0, go_on)),
        scene("a burst of 0.6 s", over("<burst>", 1.4, go_on)),
        scene("a click", over("<click>", 1.0, go_on)),
        scene("laughter", over("<laugh>", 1.5, go_on)),
        scene("a keyboard", over("<typing>", 1.5, Must.RESUME)),
        scene(
            "a cough, a door and a cough",
            over("<cough>", 1.0, go_on),
            over("<slam>", 1.0, go_on),
            over("<cough>", 1.0, go_on),
        ),
        Scene(
            "noise: while nobody speaks",
            "noises over the agent",
            (Say("<slam>", AtRest(0.5), Must.NOTHING), Say("<cough>", AtRest(0.5), Must.NOTHING)),
            LONG,
        ),
    ]


def _echoes() -> list[Scene]:
    def scene(name: str, *says: Say) -> Scene:
        return Scene(
            f"echo: {name}",
            "echo of the agent",
            (turn("tell me about oslo", "oslo", latest_seconds=1.4), *says),
            PLACES,
            echo=True,
        )

    return [
        scene("nobody speaks over it"),
        scene("a question after it", turn("and what about vienna", "vienna", when=AtRest(1.0))),
        scene(
            "a question over it", over("and what about vienna", 1.2, Must.TURN, key="vienna", silent_within_seconds=1.8)
        ),
    ]


def _asides() -> list[Scene]:
    aside = Model(
        keys=CITIES,
        silent_on=(
            "dinner is ready",
            "over there",
            "the keys",
            "hold on",
            "hold on a second",
            "just a moment",
            "let me think",
        ),
    )

    def scene(name: str, *says: Say) -> Scene:
        return Scene(f"aside: {name}", "side talk and hold on", says, aside)

    nothing = Must.NOTHING
    return [
        scene("to somebody else", Say("no put it over there", must=nothing)),
        scene("to somebody else, in two parts", Say("mum said [0.5] dinner is ready", must=nothing)),
        scene("hold on", Say("hold on", must=nothing), turn("what is the weather in oslo", "oslo", when=AtRest(2.0))),
        scene(
            "hold on a second, then on",
            Say("hold on a second", must=nothing),
            turn("okay tell me about paris", "paris", when=AfterOwn(4.0)),
        ),
        scene(
            "thinking aloud",
            Say("let me think", must=nothing),
            turn("tell me about vienna", "vienna", when=AfterOwn(2.5)),
        ),
        Scene(
            "aside: hold on, over the agent", "side talk and hold on", (STORY, over("hold on", 1.5, Must.STOP)), LONG
        ),
    ]


def _interruptions() -> list[Scene]:
    def scene(name: str, *says: Say, **more: Any) -> Scene:
        return Scene(f"interruption: {name}", "interruptions with a reason", (STORY, *says), LONG, **more)

    return [
        scene("stop", over("stop", 1.5, Must.STOP)),
        scene("wait", over("wait", 2.0, Must.STOP)),
        scene("stop, and the last word is long", over("stop", 1.7, Must.STOP)),
        scene("stop stop stop", over("stop stop stop", 1.0, Must.STOP)),
        scene("that is enough", over("okay that is enough", 1.5, Must.STOP, silent_within_seconds=1.2)),
        scene("a new question", over("what about the weather in vienna", 1.5, Must.TURN, key="vienna")),
        scene("a question, early", over("and how is the weather there in dublin", 0.6, Must.TURN, key="dublin")),
        scene("no wait i meant", over("no wait i meant paris", 1.5, Must.TURN, key="paris")),
        scene(
            "a question with a pause", over("can you tell me about [0.7] london instead", 1.5, Must.TURN, key="london")
        ),
        scene(
            "after a backchannel",
            over("mm-hm", 1.0, Must.GO_ON),
            over("but what about athens", 1.5, Must.TURN, key="athens"),
        ),
        scene("yes but", over("yes but what about berlin", 1.5, Must.TURN, key="berlin")),
        scene("one word, a choice", over("wednesday", 1.5, Must.TURN, key="wednesday", silent_within_seconds=1.3)),
        scene(
            "a second one",
            over("what about cairo", 1.2, Must.TURN, key="cairo"),
            over("and boston", 1.2, Must.TURN, key="boston", silent_within_seconds=1.2),
        ),
        scene("slowly", over("what about paris", 1.5, Must.TURN, key="paris", rate=0.6, silent_within_seconds=1.3)),
        scene("misheard at first", over("what about vienna|then", 1.5, Must.TURN, key="vienna")),
    ]


def _resumptions() -> list[Scene]:
    def scene(name: str, *says: Say) -> Scene:
        return Scene(f"no reason: {name}", "interruptions without a reason", (STORY, *says), LONG)

    return [
        scene("a siren of 2 s", over("<siren>", 1.5, Must.RESUME)),
        scene("a hum of 1.2 s", over("<long_hum>", 1.5, Must.RESUME)),
        scene("a long mm-hm", over("mm-hm", 1.5, Must.RESUME, rate=0.4)),
        scene("a siren in the first sentence", over("<siren>", 0.6, Must.RESUME)),
        scene("twice", over("<long_hum>", 1.5, Must.RESUME), over("<long_hum>", 1.5, Must.RESUME)),
        scene("yeah right, drawn out", over("yeah right", 1.5, Must.RESUME, rate=0.6)),
        scene(
            "then a question",
            over("<long_hum>", 1.5, Must.RESUME),
            over("what about vienna", 1.5, Must.TURN, key="vienna"),
        ),
    ]


def _last_words() -> list[Scene]:
    first = turn("tell me about oslo", "oslo")

    def scene(name: str, *says: Say) -> Scene:
        return Scene(f"last word: {name}", "over the last word", (first, *says), PLACES)

    return [
        scene("a question", Say("and what about vienna", BeforeAgentEnds(0.3), Must.EITHER, key="vienna")),
        scene("a question, just at the end", Say("what about paris", BeforeAgentEnds(0.1), Must.EITHER, key="paris")),
        scene("thanks", Say("thanks", BeforeAgentEnds(0.2), Must.EITHER)),
        scene("one word", Say("vienna", BeforeAgentEnds(0.25), Must.EITHER, key="vienna")),
        scene("mm-hm", Say("mm-hm", BeforeAgentEnds(0.25), Must.NOTHING)),
        scene("a cough", Say("<cough>", BeforeAgentEnds(0.15), Must.NOTHING)),
    ]


def _rejoinders() -> list[Scene]:
    def scene(name: str, first: str, after: float, second: str, key: str, **more: Any) -> Scene:
        says = (
            turn(first, latest_seconds=2.0),
            over(second, after, Must.JOIN, key=key, silent_within_seconds=0.5, **more),
        )
        return Scene(f"going on: {name}", "gone on within 400 ms", says, LONG)

    return [
        scene("100 ms into the answer", "what is the weather like", 0.1, "in vienna on friday", "friday"),
        scene("300 ms into the answer", "tell me about the trains to oslo", 0.3, "and about those to paris", "paris"),
        scene("50 ms into the answer", "i would like to see athens", 0.05, "and berlin", "berlin"),
        Scene(
            "going on: before the first sound",
            "gone on within 400 ms",
            (
                Say("tell me about the trains to oslo", must=Must.NOTHING),
                Say("and to london", AfterOwn(0.5), Must.JOIN, key="london"),
            ),
            Model(keys=CITIES, first_token_seconds=1.2),
        ),
        scene(
            "a repair into the answer", "book it for tuesday", 0.2, "no i mean thursday", "thursday", wrong=("tuesday",)
        ),
    ]


def _doubles() -> list[Scene]:
    return [
        Scene(
            "double: two questions in one breath",
            "double questions",
            (turn("what is the weather in oslo and how do i get to paris", "paris"),),
            PLACES,
            real=True,
        ),
        Scene(
            "double: 0.6 s between",
            "double questions",
            (turn("what is the weather in oslo [0.6] and how do i get to paris", "paris"),),
            PLACES,
            real=True,
        ),
        Scene(
            "double: the same again",
            "double questions",
            (turn("where is athens [0.5] where is athens", "athens"),),
            PLACES,
        ),
        Scene(
            "double: hello first",
            "double questions",
            (turn("hello [0.3] what is the weather in dublin", "dublin"),),
            PLACES,
            real=True,
        ),
    ]


def _silences() -> list[Scene]:
    return [
        Scene(
            "silence: three turns",
            "silence",
            (
                turn("hello"),
                turn("what is the weather in oslo", "oslo", when=AtRest(4.0)),
                turn("thank you", when=AtRest(4.0)),
            ),
            PLACES,
            real=True,
        ),
        Scene(
            "silence: a sound and 4 s",
            "silence",
            (Say("<hum>", AtRest(1.0), Must.NOTHING), turn("tell me about cairo", "cairo", when=AtRest(3.0))),
            PLACES,
        ),
        Scene(
            "silence: um, and nothing",
            "silence",
            (Say("um", AtRest(1.0), Must.NOTHING), turn("tell me about boston", "boston", when=AtRest(3.0))),
            PLACES,
        ),
    ]


def _long_turns() -> list[Scene]:
    trip = "we are going to travel with the children this summer and i want to know about hotels in vienna"
    return [
        Scene(
            "long: with detail",
            "long turns",
            (turn(f"{trip} with a garden and a quiet street near the river", "vienna"),),
            PLACES,
            real=True,
        ),
        Scene(
            "long: with pauses and detail",
            "long turns",
            (turn(f"{trip} [0.4] with a garden [0.4] and a quiet street [0.3] near the river", "vienna"),),
            PLACES,
            real=True,
        ),
        Scene(
            "long: corrected at its end",
            "long turns",
            (turn(f"{trip} with a garden [0.4] no wait i mean in london", "london", wrong=("vienna",)),),
            PLACES,
        ),
        Scene(
            "long: reasoned about",
            "long turns",
            (turn(f"{trip} with a garden and a quiet street near the river", "vienna"),),
            Model(keys=CITIES, reasoning_tokens=75),
        ),
        Scene(
            "long: a story with pauses",
            "long turns",
            (
                turn(
                    "yesterday i came home late [0.5] and the heating was cold [0.6] so i called my landlord [0.5] and he said that [0.7] he is in athens",
                    "athens",
                ),
            ),
            PLACES,
        ),
    ]


def _foreseen() -> list[Scene]:
    right = Model(keys=CITIES, foresees={"could you tell me about the weather": "in london"})
    wrong = Model(keys=CITIES, foresees={"could you tell me about the weather": "in paris"})
    return [
        Scene(
            "foreseen: rightly",
            "foreseen endings",
            (turn("could you tell me about the weather in london", "london"),),
            right,
        ),
        Scene(
            "foreseen: wrongly",
            "foreseen endings",
            (turn("could you tell me about the weather in dublin", "dublin", wrong=("paris",)),),
            wrong,
        ),
        Scene(
            "foreseen: the caller breaks off",
            "foreseen endings",
            (turn("could you tell me about the weather [0.8] in dublin", "dublin", wrong=("paris",)),),
            wrong,
        ),
        Scene(
            "foreseen: rightly, with thanks",
            "foreseen endings",
            (turn("could you tell me about the weather in london [0.2] thank you", "london"),),
            right,
        ),
    ]


def _waits() -> list[Scene]:
    def scene(name: str, model: Model, fillers: bool | None, latest: float) -> Scene:
        says = (turn("what is the weather in oslo", "oslo", fillers=fillers, latest_seconds=latest),)
        return Scene(f"wait: {name}", "waits and fillers", says, model)

    return [
        scene("an easy answer", PLACES, False, 1.0),
        scene("a first token 2 s late", Model(keys=CITIES, first_token_seconds=2.3), None, 2.8),
        scene("a first token 4 s late", Model(keys=CITIES, first_token_seconds=4.3), None, 2.5),
        scene("a fast tool", Model(keys=CITIES, tool_seconds=0.1), None, 1.8),
        scene("a tool of 3 s", Model(keys=CITIES, tool_seconds=3.0), None, 2.5),
        scene("a tool of 8 s", Model(keys=CITIES, tool_seconds=8.0), True, 2.5),
        Scene(
            "wait: hard again and again",
            "waits and fillers",
            (
                turn("what is the weather in oslo", "oslo", latest_seconds=6.0),
                turn("and what is it in vienna", "vienna", latest_seconds=6.0),
                turn("and what is it like in paris", "paris", fillers=True, latest_seconds=1.4),
            ),
            Model(keys=CITIES, first_token_seconds=4.3),
        ),
        Scene(
            "wait: backchannel over a filler",
            "waits and fillers",
            (turn("what is the weather in oslo", "oslo", latest_seconds=6.0), over("okay", 0.5, Must.GO_ON)),
            Model(keys=CITIES, tool_seconds=6.0),
        ),
    ]


def _chinese() -> list[Scene]:
    cities = Model(keys=("北 京", "上 海"))

    def scene(name: str, *says: Say, model: Model = cities) -> Scene:
        return Scene(f"chinese: {name}", "Chinese", says, model, language="zh")

    answered = turn("北 京 天 气 怎 么 样")
    long = Model(long=True, silent_on=("停", "等 一 下"))
    return [
        scene("a question", answered),
        scene("a pause inside", turn("我 想 去 [0.6] 北 京", latest_seconds=1.6)),
        scene("a pause of 1.2 s after 去", turn("请 帮 我 订 一 张 去 [1.2] 上 海 的 票", latest_seconds=1.6)),
        scene("mm over the agent", answered, over("嗯", 1.2, Must.GO_ON), model=long),
        scene("right right over the agent", answered, over("对 对", 1.2, Must.GO_ON), model=long),
        scene("wait", answered, over("等 一 下", 1.2, Must.STOP), model=long),
        scene("a new question", answered, over("那 上 海 呢 怎 么 样", 1.2, Must.TURN), model=long),
        scene("a repair", turn("订 星 期 二 [0.3] 不 对 星 期 四", latest_seconds=1.6)),
    ]


def _all() -> Mapping[str, Scene]:
    groups: list[Callable[[], list[Scene]]] = [
        *(_pauses, _slow, _numbers, _repairs, _trailing, _backchannels, _noises, _echoes, _asides, _interruptions),
        *(_resumptions, _last_words, _rejoinders, _doubles, _silences, _long_turns, _foreseen, _waits, _chinese),
    ]
    made = [scene for group in groups for scene in group()]
    named = {scene.name: scene for scene in made}
    assert len(named) == len(made), "two scenes have one name"
    return MappingProxyType(named)


SCENES: Mapping[str, Scene] = _all()
