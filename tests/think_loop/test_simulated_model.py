from __future__ import annotations

import asyncio

from scheduler import virtual_time
from think_loop.engines.simulated import SimulatedModel, SimulatedModelSettings
from think_loop.language_model import Finished, Message, Piece, Prompt, Thought, ToolCall, Words
from think_loop.sentences import SentenceSplitter

PROMPT = Prompt((Message("user", "hello"),))


def timed(model: SimulatedModel, prompt: Prompt = PROMPT) -> list[tuple[float, Piece]]:
    async def main() -> list[tuple[float, Piece]]:
        loop = asyncio.get_running_loop()
        return [(loop.time(), piece) async for piece in model.generate(prompt)]

    return virtual_time.run(main)


def test_first_token_and_rate() -> None:
    pieces = timed(SimulatedModel(SimulatedModelSettings(jitter=0.0)))
    assert abs(pieces[0][0] - 0.3) < 1e-9
    assert abs(pieces[50 - 24][0] - pieces[0][0] - (50 - 24) / 50) < 1e-6
    text = "".join(piece.text for _, piece in pieces if isinstance(piece, Words))
    splitter = SentenceSplitter()
    sentences = splitter.feed(text) + splitter.finish()
    assert [len(sentence.split()) for sentence in sentences] == [6, 12, 12]
    assert pieces[-1][1] == Finished("stop", 2, 30)


def test_delays_are_seeded() -> None:
    runs = [timed(SimulatedModel(SimulatedModelSettings(seed=seed))) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_reasoning_comes_first() -> None:
    pieces = timed(SimulatedModel(SimulatedModelSettings(reasoning_tokens=4)))
    assert [type(piece) for _, piece in pieces[:5]] == [Thought] * 4 + [Words]


def test_scripted_answers() -> None:
    call = ToolCall("c", "f", "{}")
    model = SimulatedModel(
        script=lambda prompt: (Words(f"You said {prompt.messages[-1].text}."), call, Finished("tools"))
    )
    pieces = [piece for _, piece in timed(model)]
    assert pieces == [Words("You"), Words(" said"), Words(" hello."), call, Finished("tools")]


def test_the_token_budget_is_kept() -> None:
    pieces = timed(SimulatedModel(), Prompt((), max_output_tokens=3))
    assert len(pieces) == 4
    assert pieces[-1][1] == Finished("length", 0, 3)
