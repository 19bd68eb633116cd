"""What thinking ahead brings and costs: how many turns are served from a draft, and how many tokens come to nothing.

``python -m bench.speculation --seeds 20 --turns 20``: a talk of random turns for each seed, with the simulated engines and
delays of the common work (``bench.duel_scenes``), in virtual time: plain questions, trailing courtesies, long turns, hard
ones that are reasoned about, endings that are foreseen rightly or wrongly, self-repairs, turns that go on after a pause,
and partials that were misheard. A draft that is promoted although it answers other words than the final transcript has,
is the worst error there is; what those words are the judge decides by its own list (``bench.turns_judge``).
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from random import Random

from rich.table import Table

from bench.duel_call import Watcher
from bench.duel_scenes import CITIES, DAYS, FORESEEN_RIGHT
from bench.table_console import make_console
from bench.turns_call import Call, Facts, Setup
from bench.turns_judge import Judge, contradicting_drafts
from bench.turns_script import Model, Say, Scene, turn
from scheduler import virtual_time
from scheduler.commands import Purpose, Think
from scheduler.events import OpeningVerified

REASONING_TOKENS = 75
"""1.5 s at 50 tokens a second."""
REASONED = "work out"
UNREASONED = "all but reasoned"
"""Reasoning is long, and done ahead it is hardly ever lost: it hides what is."""
TOPICS = ("weather", "trains", "hotels", "museums", "markets", "concerts", "parks", "theatres", "harbours", "streets")
SERVED_MARK, EXTRA_MARK, CONTRADICTING_MARK = 0.6, 0.3, 0.005


class _Talk:
    """Turns drawn one after the other; ``foresees`` grows with them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.foresees: dict[str, str] = {}
        self._topics: list[str] = []

    def city(self) -> str:
        return self.random.choice(CITIES)

    def two(self, of: Sequence[str]) -> tuple[str, str]:
        first, second = self.random.sample(of, 2)
        return first, second

    def topic(self) -> str:
        """No two turns foreseen begin alike until all topics were had."""
        if not self._topics:
            self._topics = self.random.sample(TOPICS, len(TOPICS))
        return self._topics.pop()

    def pause(self) -> str:
        return f"[{self.random.uniform(0.25, 1.2):.2f}]"


def _plain(talk: _Talk) -> Say:
    city = talk.city()
    asked = ("tell me the weather for {}", "what is the best time to visit {}", "how do i get to {}", "who lives in {}")
    return turn(talk.random.choice(asked).format(city), city)


def _courtesy(talk: _Talk) -> Say:
    city = talk.city()
    ending = talk.random.choice(("please thank you", "thank you very much", "please", "thanks a lot"))
    return turn(f"what is the weather in {city} {ending}", city)


def _long(talk: _Talk) -> Say:
    city = talk.city()
    details = ("with a garden and a quiet street", "near the river and the old town", "where small dogs may come along")
    begin = "we are going to travel with the children and i want to know about hotels in"
    pause = talk.pause() if talk.random.random() < 0.5 else ""
    return turn(f"{begin} {city} {pause} {talk.random.choice(details)}", city)


def _reasoned(talk: _Talk) -> Say:
    city = talk.city()
    return turn(
        f"could you {REASONED} for me how much we would have to pay for two weeks with the family in {city}", city
    )


def _foreseen(talk: _Talk) -> Say:
    city, other = talk.two(CITIES)
    beginning = f"tell me about the {talk.topic()}"  # three are foreseen from at most: words 3 to 5
    talk.foresees[beginning] = f"of {city if talk.random.random() < FORESEEN_RIGHT else other}"
    return turn(f"{beginning} of {city}", city)


def _repair(talk: _Talk) -> Say:
    wrong, right = talk.two(DAYS)
    marker = talk.random.choice(("no", "sorry", "i mean", "no wait", "or rather", "no i meant"))
    pause = talk.random.choice(("", "", "[0.25]", "[0.3]"))
    return turn(f"book it for {wrong} {pause} {marker} {right}", right, wrong=(wrong,))


def _continued(talk: _Talk) -> Say:
    first, second = talk.two(CITIES)
    scripts = (
        f"i would like to go to {talk.pause()} {second}",
        f"what is the weather in {first} [0.25] and in {second}",
        f"tell me about {talk.pause()} the city of {second}",
        f"i need a train to {talk.pause()} {second}",
    )
    return turn(talk.random.choice(scripts), second)


def _misheard(talk: _Talk) -> Say:
    city, other = talk.two(CITIES)
    return turn(f"what is the weather in {city}|{other}", city)


KINDS: Mapping[str, Callable[[_Talk], Say]] = {
    "plain": _plain,
    "courtesy": _courtesy,
    "long": _long,
    "reasoned": _reasoned,
    "foreseen": _foreseen,
    "repair": _repair,
    "continued": _continued,
    "misheard": _misheard,
}


def talk_of(seed: int, turns: int) -> tuple[Scene, tuple[str, ...]]:
    """A scene, and of which kind each of its turns is. Equal for equal arguments."""
    random = Random(f"speculation {seed}")
    talk = _Talk(random)
    kinds = tuple(random.choice(list(KINDS)) for _ in range(turns))
    says = tuple(KINDS[kind](talk) for kind in kinds)
    model = Model(
        keys=CITIES + DAYS, reasoning_tokens=REASONING_TOKENS, reasoned_about=REASONED, foresees=talk.foresees
    )
    return Scene(f"seed {seed}", "speculation", says, model), kinds


@dataclass(slots=True)
class Count:
    """Of one kind of turns, or of all. ``spent``: tokens that were decoded, ``extra``: those of them that were neither
    said nor kept as notes."""

    turns: int = 0
    served: int = 0
    """Answered from a draft: one that was promoted, or whose beginning was verified."""
    begun: int = 0
    accepted: int = 0
    abandoned: int = 0
    contradicting: int = 0
    spent: int = 0
    extra: int = 0

    def add(self, other: Count) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def served_share(self) -> float:
        return self.served / max(1, self.turns)

    @property
    def extra_share(self) -> float:
        return self.extra / max(1, self.spent - self.extra)

    @property
    def contradicting_share(self) -> float:
        return self.contradicting / max(1, self.accepted)

    @property
    def tokens_per_served(self) -> float:
        return self.spent / max(1, self.served)


@dataclass(slots=True)
class TalkResult:
    """``faults``: what the judge found wrong, in words. ``kinds``: counts of each kind of turns."""

    seed: int
    kinds: dict[str, Count] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def run_talk(seed: int, turns: int) -> TalkResult:
    """In virtual time."""
    scene, kinds = talk_of(seed, turns)
    call = Call(scene, Setup())
    virtual_time.run(call.play)
    judge = Judge(call.facts).run()
    found = [f"{each.fault}: {each.what}" for each in judge.found]
    return TalkResult(seed, counted(call.facts, kinds), found)


def counted(facts: Facts, kinds: Sequence[str]) -> dict[str, Count]:
    """What was thought belongs to the turn that the caller spoke last when it began."""
    counts = {kind: Count(turns=count) for kind, count in Counter(kinds).items()}
    watcher = Watcher()
    begun_in: dict[str, int] = {}
    for at, each in facts.history:
        watcher.observe(at, each)
        if isinstance(each, Think):
            begun_in[each.think_id] = max(0, sum(said.began_at <= at for said in facts.said) - 1)
    contradicting = contradicting_drafts(facts.history)
    for think_id, think in watcher.thinks.items():
        count = counts[kinds[begun_in[think_id]]]
        kept = think_id in watcher.promoted or think_id in watcher.adopted
        count.spent += watcher.tokens.get(think_id, 0) + (think_id in watcher.discarded)
        count.extra += watcher.extra(think_id)
        if think.purpose is Purpose.DRAFT:
            count.begun += 1
            count.accepted += kept
            count.abandoned += not kept
            count.contradicting += think_id in contradicting
    for number in served_turns(facts, watcher, begun_in):
        counts[kinds[number]].served += 1
    return counts


def served_turns(facts: Facts, watcher: Watcher, begun_in: Mapping[str, int]) -> set[int]:
    """Turns whose answer is a draft that was promoted, or goes on behind a draft's verified beginning."""
    served = {begun_in[think_id] for think_id in watcher.promoted if watcher.thinks[think_id].purpose is Purpose.DRAFT}
    verified = (each for _, each in facts.history if isinstance(each, OpeningVerified) and each.text)
    return served | {begun_in[each.think_id] for each in verified if watcher.thinks[each.think_id].turn_id is not None}


# --- the report -----------------------------------------------------------------------------------


def added_up(results: Iterable[TalkResult]) -> dict[str, Count]:
    total: dict[str, Count] = {kind: Count() for kind in (*KINDS, UNREASONED, "all")}
    for result in results:
        for kind, count in result.kinds.items():
            total[kind].add(count)
            total["all"].add(count)
            if kind != "reasoned":
                total[UNREASONED].add(count)
    return total


def table(total: Mapping[str, Count], title: str) -> Table:
    made = Table(title=title, caption="marks: served ≥ 60 %, extra ≤ 30 %, contradicting ≤ 0.5 % of those accepted")
    columns = ("turns", "served", "drafts", "accepted", "abandoned", "contradicting", "extra tokens", "per turn served")
    for column in ("kind", *columns):
        made.add_column(column, justify="left" if column == "kind" else "right")
    for kind, count in total.items():
        if kind == UNREASONED:
            made.add_section()
        made.add_row(
            kind,
            f"{count.turns}",
            f"{100 * count.served_share:.0f} %",
            f"{count.begun}",
            f"{count.accepted}",
            f"{count.abandoned}",
            f"{count.contradicting}",
            f"{100 * count.extra_share:.0f} %",
            f"{count.tokens_per_served:.0f}",
        )
    return made


def main() -> int:
    arguments = parse()
    seeds = range(1, arguments.seeds + 1)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(partial(run_talk, turns=arguments.turns), seeds))
    total = added_up(results)
    if arguments.json:
        told = {kind: asdict(count) for kind, count in total.items()}
        faults = {f"seed {each.seed}": each.faults for each in results if each.faults}
        print(json.dumps({"engines": "simulated", "cores": os.cpu_count(), "counts": told, "faults": faults}))
        return 0
    console = make_console()
    for each in results:
        for fault in each.faults:
            console.print(f"seed {each.seed}: {fault}", markup=False, highlight=False)
    console.print(table(total, f"simulated engines, virtual time, {arguments.seeds} talks of {arguments.turns} turns"))
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="talks at once")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
