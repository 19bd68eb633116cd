"""The journal of a real call, at the command line: it replays without a difference, and can be drawn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.calls import calling
from tests.e2e.patience import play
from tests.e2e.serving import Served, run_stretto
from tests.e2e.sounds import mm_hm, speech, trimmed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def journal(served: Served) -> Path:
    """A question, an answer with a hum over it, and an interruption."""
    told: list[str] = []

    async def main() -> None:
        async with calling(served) as call:
            await call.say(speech("count to thirty"))
            await call.next("response.output_audio.delta")
            await asyncio.sleep(1.5)  # listens
            await call.say(mm_hm())
            await asyncio.sleep(1.0)
            await call.say(trimmed(speech("what is twelve times twelve")))
            await call.next("response.done")
            await call.answer()
        told.append(call.session_id)

    play(served, main)
    return served.journal(told[-1])


def test_it_replays_without_a_difference(journal: Path) -> None:
    assert run_stretto("replay", str(journal)).startswith("no difference")


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_it_is_drawn(journal: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"turn.{kind}"
    run_stretto("timeline", str(journal), "-o", str(out))
    drawn = out.read_text(encoding="utf-8")
    if kind == "svg":
        drawn = "".join(ElementTree.fromstring(drawn).itertext())
    for words in ("count", "thirty", "seven", "twelve"):
        assert words in drawn.lower()


def test_it_holds_no_audio_and_the_words_of_both_sides(journal: Path) -> None:
    text = journal.read_text(encoding="utf-8")
    assert "count to thirty" in text
    assert "One, two, three" in text
    assert len(text) < 500_000
