"""What thinking ahead costs those who wait for an answer: many sessions on one simulated engine, in virtual time.

``python -m bench.admission --sessions 50 --turns 20``: each session speaks, is answered and rests, again and again. With
drafts on it begins up to three drafts a turn, notes in a long turn and an afterthought when all is said. Measured is
the *committed time to first token*: from the commit of a turn to the first token of its answer, the waiting for
admission included. A promoted draft that has written already counts 0. The engine is ``think_loop/engines/queueing.py``:
everything here is **simulated**.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from statistics import median, quantiles

from rich.table import Table

from bench.table_console import make_console
from scheduler import virtual_time
from scheduler.tasks import closing_stream
from think_loop.admission import Admission, AdmissionCounts, Priority, Ticket
from think_loop.engines.queueing import QueueingModel, QueueingModelSettings
from think_loop.language_model import Finished, Message, Piece, Prompt, Words


@dataclass(frozen=True, slots=True)
class Load:
    """What the sessions do. Pairs are the bounds of an even distribution."""

    sessions: int = 50
    turns: int = 20
    seed: int = 0
    speech_seconds: tuple[float, float] = (1.5, 5.0)
    draft_shares: tuple[float, ...] = (0.5, 0.8)
    """Drafts begin when this share of the speech is over, and one more in the pause behind it."""
    pause_seconds: float = 0.16
    """The conductor's rule 1."""
    notes_after_seconds: float = 4.0
    """Rule 4."""
    commit_after_seconds: float = 0.35
    """From the end of speech. Rule 5."""
    playout_seconds: tuple[float, float] = (3.0, 7.0)
    rest_seconds: tuple[float, float] = (0.5, 2.0)
    tokens: tuple[int, int, int] = (30, 60, 150)
    """Of an answer (a draft is one), of notes, of an afterthought."""
    promoted_share: float = 0.0
    """Turns whose last draft turns out right. 0 is the worst case: all drafts are in vain."""


@dataclass(frozen=True, slots=True)
class Setup:
    drafts: bool = True
    caps: tuple[int, int] | None = (32, 24)
    """Slots and speculative slots; ``None``: no admission, every stream goes to the engine at once."""
    starts: int | None = None
    """Streams below ``COMMIT`` that may wait for their first token at once."""
    engine: QueueingModelSettings = field(default_factory=QueueingModelSettings)


@dataclass(frozen=True, slots=True)
class Waits:
    """Committed times to first token in seconds."""

    every: tuple[float, ...]
    fresh: tuple[float, ...]
    """Of the answers that no draft was promoted for: what drafts cost those who get nothing of them."""
    speculative: int
    """Streams below ``COMMIT`` that wrote something."""
    counts: AdmissionCounts | None

    def ratios(self, base: Waits) -> Ratios:
        return Ratios(
            median(self.every) / median(base.every),
            p95(self.every) / p95(base.every),
            median(self.fresh) / median(base.fresh),
            p95(self.fresh) / p95(base.fresh),
        )


@dataclass(frozen=True, slots=True)
class Ratios:
    """To the same with drafts off."""

    every_p50: float
    every_p95: float
    fresh_p50: float
    fresh_p95: float


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


@dataclass(slots=True, eq=False)
class _Stream:
    priority: Priority
    first_at: float | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)
    ticket: Ticket | None = None
    task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def promote(self) -> bool:
        if self.task is None or self.task.cancelled() or self.task.cancelling():
            return False
        return self.ticket is None or self.task.done() or self.ticket.promote()


class _World:
    """The engine, the admission, and what was measured."""

    def __init__(self, load: Load, setup: Setup) -> None:
        self.load = load
        self.setup = setup
        self.model = QueueingModel(setup.engine, script=_script(load.tokens))
        self.admission = None
        if setup.caps is not None:
            self.admission = Admission(
                slots=setup.caps[0], speculative_slots=setup.caps[1], speculative_starts=setup.starts
            )
        self.every: list[float] = []
        self.fresh: list[float] = []
        self.speculative = 0

    def room(self, session_id: str, stream: _Stream) -> AbstractAsyncContextManager[Ticket | None]:
        if self.admission is None:
            return nullcontext()
        stream.ticket = self.admission.enter(session_id, stream.priority, on_abort=stream.stop)
        return stream.ticket

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self.load.sessions):
                group.create_task(_Session(self, f"session {number}", group).call())


class _Session:
    def __init__(self, world: _World, session_id: str, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._load = world.load
        self._id = session_id
        self._group = group
        self._chance = random.Random(f"{world.load.seed} {session_id}")
        self._live: dict[Priority, _Stream] = {}

    async def call(self) -> None:
        await asyncio.sleep(self._between((0.0, 10.0)))
        for _ in range(self._load.turns):
            await self._turn()

    async def _turn(self) -> None:
        """The same draws with drafts on and off."""
        load = self._load
        speech_seconds, playout_seconds = self._between(load.speech_seconds), self._between(load.playout_seconds)
        rest_seconds, right = self._between(load.rest_seconds), self._chance.random() < load.promoted_share
        await self._listen(speech_seconds)
        await self._answer(right)
        await asyncio.sleep(playout_seconds)
        self._begin(Priority.AFTERTHOUGHT)
        await asyncio.sleep(rest_seconds)

    async def _listen(self, speech_seconds: float) -> None:
        load = self._load
        plan = [(share * speech_seconds, Priority.DRAFT) for share in load.draft_shares]
        plan.append((speech_seconds + load.pause_seconds, Priority.DRAFT))
        if speech_seconds > load.notes_after_seconds:
            plan.append((load.notes_after_seconds, Priority.NOTES))
        passed_seconds = 0.0
        for at_seconds, priority in sorted(plan):
            await asyncio.sleep(at_seconds - passed_seconds)
            passed_seconds = at_seconds
            self._begin(priority)
        await asyncio.sleep(speech_seconds + load.commit_after_seconds - passed_seconds)

    async def _answer(self, right: bool) -> None:
        """Commit the turn and wait for the end of the answer."""
        committed_at = asyncio.get_running_loop().time()
        draft = self._live.pop(Priority.DRAFT, None)
        promoted = right and draft is not None and draft.promote()
        for stream in (*self._live.values(), *([draft] if draft is not None and not promoted else [])):
            stream.stop()
        self._live.clear()
        answer = draft if promoted and draft is not None else self._start(Priority.COMMIT)
        await answer.began.wait()
        assert answer.first_at is not None
        waited_seconds = max(0.0, answer.first_at - committed_at)
        self._world.every.append(waited_seconds)
        if not promoted:
            self._world.fresh.append(waited_seconds)
        if answer.task is not None:
            await asyncio.wait([answer.task])

    def _begin(self, priority: Priority) -> None:
        """Think ahead; the one before of that kind is over."""
        if not self._world.setup.drafts:
            return
        if (before := self._live.pop(priority, None)) is not None:
            before.stop()
        self._live[priority] = self._start(priority)

    def _start(self, priority: Priority) -> _Stream:
        stream = _Stream(priority)
        stream.task = self._group.create_task(self._think(stream))
        return stream

    async def _think(self, stream: _Stream) -> None:
        async with self._world.room(self._id, stream):
            prompt = Prompt((Message("user", self._id),), priority=stream.priority)
            async with closing_stream(self._world.model.generate(prompt)) as pieces:
                async for _ in pieces:
                    if stream.first_at is None:
                        stream.first_at = asyncio.get_running_loop().time()
                        stream.began.set()
                        if stream.ticket is not None:
                            stream.ticket.wrote()
                        self._world.speculative += stream.priority is not Priority.COMMIT

    def _between(self, bounds: tuple[float, float]) -> float:
        return self._chance.uniform(*bounds)


def _script(tokens: tuple[int, int, int]) -> Callable[[Prompt], list[Piece]]:
    answer, notes, afterthought = (Words(" ".join(["word"] * count)) for count in tokens)
    of_priority = (answer, answer, notes, afterthought)
    return lambda prompt: [of_priority[prompt.priority], Finished("stop")]


def measure(load: Load, setup: Setup) -> Waits:
    """Run the sessions in virtual time."""

    async def main() -> Waits:
        world = _World(load, setup)
        await world.run()
        counts = world.admission.counts() if world.admission is not None else None
        return Waits(tuple(world.every), tuple(world.fresh), world.speculative, counts)

    return virtual_time.run(main)


def setups(engine: QueueingModelSettings, caps: tuple[int, int]) -> dict[str, Setup]:
    by_arrival = replace(engine, knows_priority=False)
    return {
        "drafts off": Setup(drafts=False, caps=caps, engine=engine),
        "no admission, engine by arrival": Setup(caps=None, engine=by_arrival),
        "no admission, engine by priority": Setup(caps=None, engine=engine),
        "admission, engine by arrival": Setup(caps=caps, engine=by_arrival),
        "the same, 2 starts at once": Setup(caps=caps, starts=2, engine=by_arrival),
        "admission, engine by priority": Setup(caps=caps, engine=engine),
        "the same, 2 starts at once ": Setup(caps=caps, starts=2, engine=engine),
    }


def _row(name: str, waits: Waits, base: Waits) -> tuple[str, ...]:
    """Milliseconds, and the ratio to ``base``."""
    ratios = waits.ratios(base)
    return (
        name,
        f"{median(waits.every) * 1000:.0f} ({ratios.every_p50:.2f})",
        f"{p95(waits.every) * 1000:.0f} ({ratios.every_p95:.2f})",
        f"{median(waits.fresh) * 1000:.0f} ({ratios.fresh_p50:.2f})",
        f"{p95(waits.fresh) * 1000:.0f} ({ratios.fresh_p95:.2f})",
        str(waits.speculative),
        "-" if waits.counts is None else str(sum(waits.counts.aborted.values())),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--promoted", type=float, default=0.0, help="share of turns whose last draft is right")
    parser.add_argument("--tokens", default="30,60,150", help="of an answer, of notes, of an afterthought")
    parser.add_argument("--batch", type=int, default=32, help="the engine's places")
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--speculative", type=int, default=24)
    parser.add_argument("--prefill-ms", type=float, default=30.0)
    return parser


def main() -> None:
    given = _parser().parse_args()
    answer, notes, afterthought = (int(count) for count in given.tokens.split(","))
    load = Load(
        given.sessions,
        given.turns,
        given.seed,
        tokens=(answer, notes, afterthought),
        promoted_share=given.promoted,
    )
    engine = QueueingModelSettings(max_running=given.batch, prefill_seconds=given.prefill_ms / 1000)
    table = Table("simulated", "p50 ms", "p95 ms", "fresh p50", "fresh p95", "ahead", "aborted")
    base: Waits | None = None
    for name, setup in setups(engine, (given.slots, given.speculative)).items():
        waits = measure(load, setup)
        base = base or waits
        table.add_row(*_row(name, waits, base))
    make_console().print(table)


if __name__ == "__main__":
    main()
