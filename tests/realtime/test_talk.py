"""``stretto talk`` measures what a caller would hear."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from realtime.stereo import AGENT, CALLER, StereoTimeline
from realtime.talk import RATE_HZ, Question, Talk, TalkError, TalkOptions, read_recording, realtime_url
from realtime.talk_measure import Loudspeaker, TurnReport, end_of_speech_seconds, first_sound_seconds
from tests.realtime.fake_realtime_server import LEADING_SILENCE_SECONDS, SILENCE_SECONDS, FakeCall, fake_server


def tone(seconds: float, rate: int = RATE_HZ, level: float = 0.3) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (level * 32767 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def quiet(seconds: float, rate: int = RATE_HZ) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.zeros(round(seconds * rate), np.int16)


def test_speech_ends_where_it_is_last_loud() -> None:
    speech = np.concatenate([quiet(0.2), tone(0.5), quiet(0.4), tone(0.1), quiet(0.3), tone(0.2, level=0.002)])
    assert end_of_speech_seconds(speech, RATE_HZ) == pytest.approx(1.2, abs=0.011)
    assert end_of_speech_seconds(quiet(1), RATE_HZ) == 0.0
    assert end_of_speech_seconds(quiet(0), RATE_HZ) == 0.0


def test_sound_begins_where_it_is_first_loud() -> None:
    assert first_sound_seconds(np.concatenate([quiet(0.25), tone(0.1)]), RATE_HZ) == pytest.approx(0.25, abs=0.002)
    assert first_sound_seconds(tone(0.3, level=0.003), RATE_HZ) is None


def test_what_arrives_early_waits_for_what_plays() -> None:
    speaker = Loudspeaker(1000)
    speaker.play(1.0, "r", "a", tone(0.5, 1000))
    later = speaker.play(1.1, "r", "a", tone(0.5, 1000))
    assert later.start_at == pytest.approx(1.5)
    assert speaker.play(5.0, "r", "a", tone(0.1, 1000)).start_at == 5.0


def test_a_flush_drops_what_did_not_sound() -> None:
    speaker = Loudspeaker(1000)
    for _ in range(4):
        speaker.play(1.0, "r", "a", tone(0.5, 1000))
    assert speaker.flush(1.7) == ("a", pytest.approx(0.7))
    assert speaker.busy_until == pytest.approx(1.7)
    assert speaker.flush(1.8) is None


def test_blocks_that_sounded_are_taken_and_those_of_a_sounding_item_stay() -> None:
    speaker = Loudspeaker(1000)
    for item in ("a", "a", "b", "b"):
        speaker.play(1.0, "r", item, tone(0.5, 1000))
    assert [block.item_id for block in speaker.take_blocks(sounded_until=2.2)] == ["a", "a"]
    item_id, seconds = speaker.flush(2.2) or ("", 0.0)
    assert (item_id, round(seconds, 6)) == ("b", 0.2), "both blocks of b were still known"
    assert [block.item_id for block in speaker.take_blocks()] == ["b"]
    assert speaker.busy_until == pytest.approx(2.2)


def test_what_is_dropped_of_a_recording_leaves_the_rest_in_its_place() -> None:
    timeline = StereoTimeline(1000)
    for second in range(4):
        timeline.add(CALLER, second, np.full(1000, second + 1, np.int16))
    timeline.add(AGENT, 0.5, np.full(200, 7, np.int16))
    timeline.drop(1.5)
    timeline.add(AGENT, 3.0, np.full(200, 8, np.int16))
    assert (timeline.begin_seconds, timeline.end_seconds(CALLER)) == (1.5, 4.0)
    stereo = timeline.take_all()
    assert [int(stereo[at, CALLER]) for at in (0, 499, 500, 1500)] == [2, 2, 3, 4]
    assert list(np.flatnonzero(stereo[:, AGENT])) == list(range(1500, 1700))


@given(st.lists(st.tuples(st.sampled_from([CALLER, AGENT]), st.floats(0, 3), st.integers(1, 400)), max_size=12))
def test_nothing_recorded_is_lost_however_it_arrives(blocks: list[tuple[Any, float, int]]) -> None:
    timeline, taken = StereoTimeline(1000), []
    blocks.sort(key=lambda block: block[1])
    for number, (side, at, count) in enumerate(blocks):
        timeline.add(side, at, np.ones(count, np.int16))
        if number % 3 == 2:
            taken.append(timeline.take(at - 0.5))
    stereo = np.concatenate([*taken, timeline.take_all()])
    for side in (CALLER, AGENT):
        assert stereo[:, side].sum() == sum(count for its, _, count in blocks if its == side)


def test_recordings_of_any_rate_and_channels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    soundfile.write(path, np.stack([tone(1.0, 44_100), tone(1.0, 44_100)], axis=1), 44_100)
    samples = read_recording(path)
    assert len(samples) == pytest.approx(RATE_HZ, abs=50)
    assert np.abs(samples).max() == pytest.approx(0.3 * 32767, rel=0.05)


@pytest.mark.parametrize("content", [None, b"no sound"])
def test_what_is_no_recording_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TalkError, match="can't be read as audio"):
        read_recording(path)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/realtime?model=stretto"),
        ("http://localhost:8080/", "ws://localhost:8080/v1/realtime?model=stretto"),
        ("localhost:9", "ws://localhost:9/v1/realtime?model=stretto"),
        ("wss://x/v1/realtime?model=m", "wss://x/v1/realtime?model=m"),
    ],
)
def test_addresses_as_people_type_them(typed: str, url: str) -> None:
    assert realtime_url(typed) == url


def test_no_address() -> None:
    with pytest.raises(TalkError, match="no address"):
        realtime_url("ftp://x")


async def held(
    questions: list[Question], *, server: dict[str, Any], **options: Any
) -> tuple[Any, list[TurnReport], FakeCall]:
    reports: list[TurnReport] = []
    async with fake_server(**server) as (url, calls):
        talk = Talk(TalkOptions(url, timeout_seconds=10, **options), questions, report=reports.append)
        await talk.run()
    return talk.recording(), reports, calls[0]


SPEECH = Question("hello.wav", np.concatenate([quiet(0.1), tone(0.4), quiet(0.15)]))
FROM_END_TO_SOUND_MS = (SILENCE_SECONDS + LEADING_SILENCE_SECONDS) * 1000


@pytest.mark.slow
def test_the_wait_is_measured_from_sound_to_sound() -> None:
    recording, (first, second), _ = asyncio.run(held([SPEECH, SPEECH], server={}, gap_seconds=0.2))
    for report in (first, second):
        assert report.heard == "what you said"
        assert report.said == "spoken answer"
        assert report.status == "completed"
        assert report.interruptions == 0
        assert report.first_sound_ms is not None
        assert FROM_END_TO_SOUND_MS - 5 <= report.first_sound_ms <= FROM_END_TO_SOUND_MS + 150
    caller, agent = recording[:, CALLER], recording[:, AGENT]
    spoken = end_of_speech_seconds(caller[: round(1.0 * RATE_HZ)], RATE_HZ)
    answered = first_sound_seconds(agent, RATE_HZ)
    assert answered is not None
    assert (answered - spoken) * 1000 == pytest.approx(first.first_sound_ms, abs=15)


@pytest.mark.slow
def test_a_question_over_the_answer_stops_it_and_says_what_was_heard() -> None:
    questions = [SPEECH, SPEECH]
    _, reports, call = asyncio.run(held(questions, server={"tone_seconds": 3.0}, interrupt_seconds=0.5))
    assert [report.interruptions for report in reports] == [0, 1]
    (truncate,) = [event for event in call.received if event["type"] == "conversation.item.truncate"]
    assert truncate["item_id"] == "item_1"
    assert 500 <= truncate["audio_end_ms"] <= 1100


@pytest.mark.slow
def test_a_silent_answer_to_its_beginning_is_not_the_end_of_a_question() -> None:
    """ "Stop." (a turn of its own, answered by silence) "What is the time?": the second half is answered, too."""
    question = Question("q", np.concatenate([tone(0.3), quiet(0.6), tone(0.9), quiet(0.1)]))
    _, (report,), _ = asyncio.run(held([question], server={"silent_first": True}))
    assert (report.said, report.silence) == ("spoken answer", "was told to stop")
    assert report.first_sound_ms is not None


@pytest.mark.slow
def test_silence_is_told_with_its_reason() -> None:
    _, (report,), _ = asyncio.run(held([SPEECH], server={"silent_first": True}))
    assert (report.said, report.silence, report.status) == ("", "was told to stop", "completed")


@pytest.mark.slow
@pytest.mark.parametrize("interrupts", [False, True])
def test_a_greeting_is_heard_to_its_end_unless_the_caller_interrupts(interrupts: bool) -> None:
    options = {"interrupt_seconds": 0.3} if interrupts else {}
    recording, reports, _ = asyncio.run(held([SPEECH], server={"greets": True, "tone_seconds": 1.5}, **options))
    begins = first_sound_seconds(recording[:, CALLER], RATE_HZ) or 0.0
    if interrupts:
        assert begins < 1.0
    else:
        assert (reports[0].turn, reports[0].asked, reports[0].said) == (0, None, "greeting answer")
        assert begins > 1.5
    assert reports[-1].said.endswith("spoken answer")


@pytest.mark.slow
def test_typed_questions_and_what_is_said_unasked() -> None:
    server = {"unasked_after": 0.7}
    _, reports, call = asyncio.run(held([SPEECH, Question("typed", text="hi")], server=server, linger_seconds=1.5))
    assert [report.asked for report in reports][:2] == ["hello.wav", "typed"]
    assert any("unasked" in report.said for report in reports)
    assert "conversation.item.create" in [event["type"] for event in call.received]


def test_where_there_is_no_server_it_says_so() -> None:
    with pytest.raises(TalkError, match=r"no server at ws://127.0.0.1:1/.*stretto serve"):
        asyncio.run(Talk(TalkOptions("ws://127.0.0.1:1"), [], report=lambda _: None).run())


@pytest.mark.parametrize("ready", [True, False])
def test_a_call_that_the_server_ends_is_told_in_one_sentence(ready: bool) -> None:
    async def main() -> None:
        async with fake_server(closes_at="input_audio_buffer.append" if ready else "session.update") as (url, _):
            await Talk(TalkOptions(url), [SPEECH], report=lambda _: None).run()

    with pytest.raises(TalkError, match=r"^The server ended the call \(enough\)\.$"):
        asyncio.run(main())


def test_a_server_that_never_agrees_to_the_session_is_told() -> None:
    async def main() -> None:
        async with fake_server(ignores="session.update") as (url, _):
            await Talk(TalkOptions(url, timeout_seconds=0.1), [SPEECH], report=lambda _: None).run()

    with pytest.raises(TalkError, match=r"did not answer session\.update"):
        asyncio.run(main())
