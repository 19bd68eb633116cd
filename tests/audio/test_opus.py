"""libopus by ctypes: what goes in comes out, losses are filled, and nothing that a line brings can do harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio import opus
from audio.opus import LIBRARY_VARIABLE, OpusDecoder, OpusEncoder, has_fec, load_library, packet_seconds
from audio.opus_packet import packet_samples
from scheduler.errors import CorruptPacketError, OpusMissingError
from tests.audio.speech import speech_at_24_khz

Sound = NDArray[np.int16]
RATE_HZ = 16_000
FRAME = RATE_HZ // 50


def tone(seconds: float, rate_hz: int, frequency_hz: float = 440.0) -> Sound:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * frequency_hz * at)).astype(np.int16)


def packets_of(sound: Sound, encoder: OpusEncoder, seconds: float = 0.02) -> list[bytes]:
    step = round(encoder.sample_rate_hz * seconds)
    return [encoder.encode(sound[at : at + step]) for at in range(0, len(sound) - step + 1, step)]


def likeness(one: Sound, other: Sound) -> float:
    """The highest correlation with up to 20 ms between them."""
    ones, others = one.astype(float), other.astype(float)
    shifted = (np.corrcoef(ones[: len(ones) - by], others[by:])[0, 1] for by in range(FRAME))
    return float(max(shifted))


def level(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound.astype(float)))))


@pytest.mark.parametrize("seconds", [0.01, 0.02, 0.04, 0.06])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
def test_a_tone_comes_back_at_another_rate(rate_hz: int, seconds: float) -> None:
    decoder = OpusDecoder(RATE_HZ)
    packets = packets_of(tone(1.2, rate_hz), OpusEncoder(rate_hz, dtx=False), seconds)
    assert {packet_seconds(packet) for packet in packets} == {seconds}
    decoded = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(decoded) == round(1.2 * RATE_HZ)
    assert likeness(tone(1.2, RATE_HZ)[FRAME * 5 :], decoded[FRAME * 5 :]) > 0.95


def test_what_was_decoded_stays_as_it_is() -> None:
    packets = packets_of(tone(0.1, 24_000), OpusEncoder())
    decoder = OpusDecoder()
    first = decoder.decode(packets[0])
    kept = first.copy()
    decoder.decode(packets[1])
    assert np.array_equal(first, kept)


def test_other_lengths_and_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="10, 20, 40 or 60 ms"):
        OpusEncoder().encode(np.zeros(481, np.int16))
    with pytest.raises(ValueError, match="44100"):
        OpusDecoder(44_100)
    with pytest.raises(ValueError, match="refuses setting"):
        OpusEncoder(complexity=11)


def test_silence_is_not_sent() -> None:
    sizes = [len(packet) for packet in packets_of(np.zeros(48_000, np.int16), OpusEncoder())]
    assert min(sizes) <= 2
    assert sum(size <= 2 for size in sizes) > len(sizes) / 2


def test_no_loud_piece_of_speech_is_left_out() -> None:
    said = speech_at_24_khz()
    loud = [level(said[at : at + 480]) > 300 for at in range(0, len(said) - 479, 480)]
    assert sum(loud) > 50
    left_out = [len(packet) <= 2 for packet in packets_of(said, OpusEncoder())]
    assert not any(is_loud and is_silent for is_loud, is_silent in zip(loud, left_out, strict=True))


def test_more_loss_puts_more_copies_in() -> None:
    def share(percent: int) -> float:
        encoder = OpusEncoder()
        encoder.expect_loss(percent)
        packets = packets_of(speech_at_24_khz(), encoder)
        return sum(map(has_fec, packets)) / len(packets)

    assert share(0) == 0
    assert share(20) > 0.5
    assert not any(map(has_fec, packets_of(speech_at_24_khz(), OpusEncoder(fec=False))))


def test_copies_are_found_as_libopus_finds_them() -> None:
    library = load_library()
    if not hasattr(library, "opus_packet_has_lbrr"):
        pytest.skip("this libopus can't tell")
    for seconds in (0.01, 0.02, 0.04, 0.06):
        encoder = OpusEncoder(bitrate=24_000)
        encoder.expect_loss(20)
        for packet in packets_of(speech_at_24_khz(), encoder, seconds):
            assert has_fec(packet) == bool(library.opus_packet_has_lbrr(packet, len(packet)))


@given(st.binary(max_size=1500))
def test_any_packet_is_described_as_libopus_describes_it(payload: bytes) -> None:
    library = load_library()
    if payload and hasattr(library, "opus_packet_has_lbrr"):
        assert has_fec(payload) == (library.opus_packet_has_lbrr(payload, len(payload)) > 0) or not valid(payload)
    samples = library.opus_packet_get_nb_samples(payload, len(payload), 48_000) if payload else -1
    if samples <= 0:
        with pytest.raises(ValueError):
            packet_samples(payload)
    else:
        assert packet_samples(payload) == samples


def valid(payload: bytes) -> bool:
    try:
        OpusDecoder().decode(payload)
    except CorruptPacketError:
        return False
    return True


@given(st.binary(max_size=1500), st.integers(0, 6000))
def test_no_packet_does_harm(payload: bytes, lost: int) -> None:
    decoder = OpusDecoder()
    actions: list[Callable[[], Sound]] = [lambda: decoder.decode(payload), lambda: decoder.recover(payload, lost)]
    for action in actions:
        try:
            assert len(action()) <= max(lost, RATE_HZ * 0.12)
        except CorruptPacketError:
            continue
    assert len(decoder.conceal(lost)) == lost


@pytest.mark.parametrize("cut", [1, 2, 5, 20])
def test_a_cut_packet_is_decoded_or_refused(cut: int) -> None:
    decoder = OpusDecoder()
    for packet in packets_of(tone(0.4, 24_000), OpusEncoder()):
        assert len(decoder.decode(packet[:cut])) == FRAME
    with pytest.raises(CorruptPacketError):
        decoder.decode(b"")
    with pytest.raises(CorruptPacketError):
        decoder.decode(b"\xff\xff")
    with pytest.raises(CorruptPacketError):
        decoder.recover(b"", FRAME)


@pytest.mark.parametrize("lost", [1, 39, 40, 41, FRAME, 3 * FRAME, 6 * FRAME, 20 * FRAME + 1])
def test_as_much_is_filled_in_as_was_lost(lost: int) -> None:
    packets = packets_of(speech_at_24_khz()[: 24_000 * 2], OpusEncoder())
    decoder = OpusDecoder()
    for packet in packets[:50]:
        decoder.decode(packet)
    assert len(decoder.recover(packets[51], lost)) == lost
    assert len(decoder.conceal(lost)) == lost


def test_what_is_concealed_dies_away() -> None:
    decoder = OpusDecoder()
    before = np.concatenate([decoder.decode(packet) for packet in packets_of(tone(0.5, 24_000), OpusEncoder())])
    filled = decoder.conceal(RATE_HZ)
    assert level(filled[:FRAME]) > 0.3 * level(before[-FRAME:])
    assert level(filled[RATE_HZ // 2 :]) < 0.05 * level(before)


def test_a_copy_is_nearer_to_the_truth_than_concealment_and_that_than_nothing() -> None:
    encoder = OpusEncoder()
    encoder.expect_loss(10)
    packets = packets_of(speech_at_24_khz(), encoder)
    whole = OpusDecoder()
    truth = np.concatenate([whole.decode(packet) for packet in packets])
    errors = {way: level_of_error(packets, truth, way) for way in ("copied", "concealed", "zero")}
    assert errors["copied"] < 0.8 * errors["concealed"]
    assert errors["concealed"] < errors["zero"]


def level_of_error(packets: list[bytes], truth: Sound, way: str) -> float:
    """Every tenth packet is lost; the root mean square of what differs within those."""
    decoder, out = OpusDecoder(), []
    for number, packet in enumerate(packets):
        if number % 10 != 5 or number + 1 == len(packets):
            out.append(decoder.decode(packet))
        elif way == "copied":
            out.append(decoder.recover(packets[number + 1], FRAME))
        else:
            filled = decoder.conceal(FRAME)
            out.append(filled if way == "concealed" else np.zeros_like(filled))
    made = np.concatenate(out)
    assert len(made) == len(truth)
    lost = np.arange(len(truth)) // FRAME % 10 == 5
    return level((made.astype(np.int32) - truth)[lost])


@pytest.fixture
def unloaded() -> Iterator[None]:
    load_library.cache_clear()
    yield
    load_library.cache_clear()


@pytest.mark.usefixtures("unloaded")
def test_the_library_in_pyavs_wheel_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(opus.ctypes.util, "find_library", lambda name: None)
    found = list(opus._candidates())
    if not found:
        pytest.skip("this PyAV carries no libopus")
    assert len(OpusDecoder().decode(OpusEncoder().encode(np.zeros(480, np.int16)))) == FRAME
    assert load_library()._name == found[0]


@pytest.mark.usefixtures("unloaded")
def test_a_missing_library_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, "/nowhere/libopus.so")
    with pytest.raises(OpusMissingError, match="apt-get install libopus0"):
        OpusEncoder()


@pytest.mark.usefixtures("unloaded")
def test_a_library_that_is_none_of_opus_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, "libm.so.6")
    with pytest.raises(OpusMissingError, match=LIBRARY_VARIABLE):
        OpusEncoder()
