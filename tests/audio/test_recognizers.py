"""Pure parts of the recognisers, the simulated engine and the specs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.asr.local_agreement import LocalAgreement
from audio.asr.recognizer import Hypothesis
from audio.asr.registry import make_recognizer
from audio.asr.simulated import SimulatedRecognizer, SimulatedSettings
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


async def simulated_run(recognizer: SimulatedRecognizer) -> list[tuple[float, Hypothesis]]:
    import asyncio

    stream = await recognizer.open()
    loop, heard = asyncio.get_running_loop(), []

    async def talk() -> None:
        await stream.begin(0, 10.0)
        for _ in range(10):
            await asyncio.sleep(0.2)  # virtual: the pace of speech
            await stream.feed(Pcm.silence(0.2, 16_000))
        await stream.finish()

    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        async for hypothesis in stream.hypotheses():
            heard.append((loop.time(), hypothesis))
            if hypothesis.is_final:
                break
    await stream.close()
    return heard


def test_the_simulated_engine_keeps_its_delays_and_its_seed() -> None:
    def run(seed: int) -> list[tuple[float, Hypothesis]]:
        settings = SimulatedSettings(seed=seed, revision_probability=0.5)
        return virtual_time.run(lambda: simulated_run(SimulatedRecognizer(["one two three four"], settings)))

    heard = run(1)
    assert heard == run(1)
    assert heard != run(2)
    at, final = heard[-1]
    assert at == pytest.approx(2.15)
    assert join_words(final.stable) == "one two three four"
    assert final.stable[-1].end_seconds == pytest.approx(12.0)
    first_at, first = heard[0]
    assert first_at == pytest.approx(0.4 + 0.15)
    assert len(first.tentative) == 1
    stable: tuple[WordTime, ...] = ()
    for _, hypothesis in heard[:-1]:
        assert hypothesis.stable[: len(stable)] == stable
        stable = hypothesis.stable


def test_specs() -> None:
    assert make_recognizer("simulated").simulated
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

    import asyncio

    with pytest.raises(RecognizerError, match="no folder"):
        asyncio.run(main())
