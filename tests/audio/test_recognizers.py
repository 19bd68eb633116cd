"""Pure parts of the recognisers, the simulated engine and the specs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.asr.local_agreement import LocalAgreement
from audio.asr.recognizer import Hypothesis
from audio.asr.registry import make_recognizer
from audio.asr.simulated import EAGER, SimulatedRecognizer, SimulatedSettings
from audio.asr.stability import StablePrefix
from scheduler import virtual_time
from scheduler.errors import RecognizerError, SettingsError
from scheduler.pcm import Pcm, WordTime, join_words


def words(text: str, *, start: float = 0.0, step: float = 0.5) -> tuple[WordTime, ...]:
    return tuple(
        WordTime(word, start + index * step, start + (index + 1) * step) for index, word in enumerate(text.split())
    )


def test_old_words_that_survive_become_stable() -> None:
    prefix = StablePrefix(updates=3, age_seconds=1.0)
    assert prefix.update(words("the cat"), 1.0) == ((), words("the cat"))
    assert prefix.update(words("the cat sat"), 1.5)[0] == ()
    stable, tentative = prefix.update(words("the cat sat on"), 2.0)
    assert (join_words(stable), join_words(tentative)) == ("the cat", "sat on")


def test_a_rewritten_word_is_not_stable_yet() -> None:
    prefix = StablePrefix(updates=2, age_seconds=0.0)
    prefix.update(words("the cab"), 10)
    stable, tentative = prefix.update(words("the cat"), 10)
    assert (join_words(stable), join_words(tentative)) == ("the", "cat")


def test_the_final_keeps_what_was_stable() -> None:
    prefix = StablePrefix(updates=2, age_seconds=0.0)
    for _ in range(2):
        prefix.update(words("the cat"), 10)
    assert join_words(prefix.finish(words("a cat sat"))) == "the cat sat"


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=20), st.integers(1, 4), st.floats(0, 2))
def test_stable_words_stay_for_good(runs: list[list[str]], updates: int, age: float) -> None:
    prefix = StablePrefix(updates=updates, age_seconds=age)
    before: tuple[WordTime, ...] = ()
    for index, run in enumerate(runs):
        stable, _ = prefix.update(words(" ".join(run)), index * 0.3)
        assert stable[: len(before)] == before
        before = stable
    assert prefix.finish(words("a b c"))[: len(before)] == before


def test_two_runs_that_agree_settle_their_common_beginning() -> None:
    agreement = LocalAgreement()
    agreement.update(words("and so my fellow"))
    assert (agreement.stable, join_words(agreement.tentative)) == ((), "and so my fellow")
    agreement.update(words("And so, my friend"))
    assert join_words(agreement.stable) == "And so, my"
    assert join_words(agreement.tentative) == "friend"
    assert agreement.prompt(4) == ", my"


def test_repeated_words_at_the_seam_are_dropped() -> None:
    agreement = LocalAgreement()
    for _ in range(2):
        agreement.update(words("ask not what"))
    again = words("what your country", start=1.45)  # the decoder's times moved a little
    assert join_words(agreement.finish(again)) == "ask not what your country"


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), max_size=20))
def test_settled_words_stay_for_good(runs: list[list[str]]) -> None:
    agreement = LocalAgreement()
    before: tuple[WordTime, ...] = ()
    for run in runs:
        agreement.update(words(" ".join(run)))
        assert agreement.stable[: len(before)] == before
        before = agreement.stable


RATE_HZ = 16_000


def tone(seconds: float) -> Pcm:
    return Pcm(
        (8000 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.int16), RATE_HZ
    )


def quiet(seconds: float) -> Pcm:
    return Pcm.silence(seconds, RATE_HZ)


def simulated_run(
    recognizer: SimulatedRecognizer, *sound: Pcm, block_seconds: float = 0.02, finish_after_seconds: float = 0.0
) -> list[tuple[float, Hypothesis]]:
    """A segment from 10.0 s on, fed at the pace of a microphone from 0.0 s on the clock."""

    async def main() -> list[tuple[float, Hypothesis]]:
        stream = await recognizer.open()
        loop, heard = asyncio.get_running_loop(), []

        async def talk() -> None:
            samples = np.concatenate([pcm.samples for pcm in sound])
            await stream.begin(0, 10.0)
            step = round(block_seconds * RATE_HZ)
            for at in range(0, len(samples), step):
                block = Pcm(samples[at : at + step], RATE_HZ)
                await asyncio.sleep(block.duration_seconds)  # virtual: the pace of speech
                await stream.feed(block)
            await asyncio.sleep(finish_after_seconds)  # virtual
            await stream.finish()

        async with asyncio.TaskGroup() as group:
            group.create_task(talk())
            async for hypothesis in stream.hypotheses():
                heard.append((loop.time(), hypothesis))
                if hypothesis.is_final:
                    break
        await stream.close()
        return heard

    return virtual_time.run(main)


def test_the_simulated_engine_keeps_its_delays_and_its_seed() -> None:
    def run(seed: int) -> list[tuple[float, Hypothesis]]:
        settings = SimulatedSettings(seed=seed, revision_probability=0.5)
        return simulated_run(SimulatedRecognizer(["one two three four"], settings), tone(2.0))

    heard = run(1)
    assert heard == run(1)
    assert heard != run(2)
    at, final = heard[-1]
    assert at == pytest.approx(2.15, abs=0.002)
    assert join_words(final.stable) == "one two three four"
    assert final.stable[-1].end_seconds == pytest.approx(12.0, abs=0.002)
    first_at, first = heard[0]
    assert first_at == pytest.approx(0.4 + 0.15)
    assert len(first.tentative) == 1
    stable: tuple[WordTime, ...] = ()
    for _, hypothesis in heard[:-1]:
        assert hypothesis.stable[: len(stable)] == stable
        stable = hypothesis.stable


@pytest.mark.parametrize(("settings", "lag"), [(SimulatedSettings(), 0.15), (EAGER, 0.1)])
@pytest.mark.parametrize("block_seconds", [0.02, 0.032, 0.1])
def test_all_words_are_stable_soon_after_the_true_end_of_voice(
    settings: SimulatedSettings, lag: float, block_seconds: float
) -> None:
    """However the audio is cut into blocks, and though nobody has said yet that the segment is over."""
    recognizer = SimulatedRecognizer(["what does it cost to fly there"], settings)
    heard = simulated_run(recognizer, quiet(0.3), tone(1.5), quiet(0.7), block_seconds=block_seconds)
    (at, last), (final_at, final) = heard[-2:]
    assert at == pytest.approx(1.8 + lag, abs=0.005)
    assert (join_words(last.stable), last.tentative, last.is_final) == ("what does it cost to fly there", (), False)
    assert final_at == pytest.approx(2.5, abs=0.005), "at once"
    assert final == replace(last, is_final=True)
    assert all(hypothesis.tentative for _, hypothesis in heard[:-2])


def test_a_final_waits_for_the_last_words() -> None:
    heard = simulated_run(SimulatedRecognizer(["one two three"]), tone(1.0))
    at, final = heard[-1]
    assert (at, final.is_final) == (pytest.approx(1.15, abs=0.005), True)
    assert not any(hypothesis.stable == final.stable for _, hypothesis in heard[:-1])


def test_words_are_known_when_they_have_been_said() -> None:
    script = (WordTime("yes", 0.0, 0.3), WordTime("but", 0.9, 1.1), WordTime("later", 1.1, 1.5))
    heard = simulated_run(SimulatedRecognizer([script]), quiet(0.3), tone(0.3), quiet(0.6), tone(0.6), quiet(0.4))
    told = [(at, join_words(hypothesis.stable), join_words(hypothesis.tentative)) for at, hypothesis in heard]
    settled_at = next(at for at, stable, _ in told if stable == "yes")
    assert settled_at == pytest.approx(0.75, abs=0.005), "a pause settles what was said before it, and no more"
    assert next(at for at, stable, rest in told if "but" in (stable + rest)) == pytest.approx(1.4 + 0.15, abs=0.005)
    assert next(at for at, stable, _ in told if stable == "yes but later") == pytest.approx(1.95, abs=0.005)
    assert heard[-1][1].stable[0].start_seconds == pytest.approx(10.3, abs=0.002)


def test_a_segment_without_voice_has_its_words_in_its_final_only() -> None:
    ((at, final),) = simulated_run(SimulatedRecognizer(["one two"]), quiet(1.0))
    assert (at, final.is_final, join_words(final.stable)) == (pytest.approx(1.15), True, "one two")


def test_specs() -> None:
    assert make_recognizer("simulated").simulated
    assert make_recognizer("simulated").name == "simulated"
    assert make_recognizer("simulated:eager").simulated
    assert make_recognizer("simulated:eager").name == "simulated:eager"
    assert make_recognizer("pocketsphinx").name == "pocketsphinx"
    assert not make_recognizer("whisper:small.en").simulated
    assert make_recognizer("whisper:small.en").name == "whisper:small.en"


@pytest.mark.parametrize("spec", ["", "siri", "whisper", "whisper:", "pocketsphinx:fr", "simulated:7"])
def test_unknown_specs_are_refused_in_one_sentence(spec: str) -> None:
    with pytest.raises(SettingsError, match=r"There is no recogniser .*Known: pocketsphinx; whisper:MODEL.*simulated"):
        make_recognizer(spec)


def test_a_whisper_folder_that_is_not_there_is_told() -> None:
    async def main() -> None:
        await make_recognizer("whisper:/no/such/folder").warm_up()

    with pytest.raises(RecognizerError, match="no folder"):
        asyncio.run(main())
