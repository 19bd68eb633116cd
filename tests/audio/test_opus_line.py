"""Speech through a bad line: encoder, loss and jitter, receive buffer, decoder with copies and concealment."""

from __future__ import annotations

import random
from typing import assert_never

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.jitter import JitterBuffer, Lost, Packet, Released, RtpAudio, Silence
from audio.opus import OpusDecoder, OpusEncoder
from audio.opus_packet import DTX_BYTES
from tests.audio.speech import speech_at_24_khz

Sound = NDArray[np.int16]
RATE_HZ = 16_000
SAMPLES_48_IN_ONE = 3
FRAME_SECONDS = 0.02


def sent(sound: Sound, *, dtx: bool) -> list[tuple[float, RtpAudio]]:
    """With DTX as browsers send it: of a silence's packets only the first, and those that renew its noise."""
    encoder = OpusEncoder(24_000, dtx=dtx)
    encoder.expect_loss(10)
    packets, sequence, was_silent = [], 65_500, False
    for number in range(len(sound) // 480):
        payload = encoder.encode(sound[number * 480 : (number + 1) * 480])
        is_silent = dtx and len(payload) <= DTX_BYTES
        if not (is_silent and was_silent):
            packet = RtpAudio(sequence % 2**16, (2**32 - 9600 + number * 960) % 2**32, payload)
            packets.append((number * FRAME_SECONDS, packet))
            sequence += 1
        was_silent = is_silent
    return packets


def arrived(packets: list[tuple[float, RtpAudio]], loss: float, jitter: float) -> list[tuple[float, RtpAudio]]:
    """The first and the last always, so that the ends are comparable."""
    chance, last = random.Random(7), len(packets) - 1
    kept = [one for number, one in enumerate(packets) if number in (0, last) or chance.random() >= loss]
    delays = [0.0, *(chance.random() * jitter for _ in kept[2:]), jitter]
    return sorted(
        ((at + delay, packet) for (at, packet), delay in zip(kept, delays, strict=True)), key=lambda one: one[0]
    )


class Receiver:
    """``conceals``: as it should be; else what is lost is filled with zeros."""

    def __init__(self, *, conceals: bool) -> None:
        self._decoder = OpusDecoder(RATE_HZ)
        self._conceals = conceals

    def hear(self, item: Released) -> Sound:
        match item:
            case Packet(payload):
                return self._decoder.decode(payload)
            case Lost(samples48, next_payload) if next_payload is not None and self._conceals:
                return self._decoder.recover(next_payload, samples48 // SAMPLES_48_IN_ONE)
            case Lost(samples48, _) if not self._conceals:
                return np.zeros(samples48 // SAMPLES_48_IN_ONE, np.int16)
            case Lost(samples48) | Silence(samples48):
                return self._decoder.conceal(samples48 // SAMPLES_48_IN_ONE)
            case _:
                assert_never(item)


def received(arrivals: list[tuple[float, RtpAudio]], *, conceals: bool = True) -> tuple[Sound, JitterBuffer]:
    buffer, receiver = JitterBuffer(), Receiver(conceals=conceals)
    items: list[Released] = []
    for at, packet in arrivals:
        while (due_at := buffer.deadline) is not None and due_at < at:
            items += buffer.due(due_at)
        items += buffer.push(packet, at)
    return np.concatenate([receiver.hear(item) for item in items]), buffer


def snr_db(heard: Sound, truth: Sound) -> float:
    noise = heard.astype(float) - truth
    return float(10 * np.log10(np.sum(np.square(truth.astype(float))) / max(1.0, np.sum(np.square(noise)))))


@pytest.mark.parametrize("jitter", [0.0, 0.1])
@pytest.mark.parametrize("dtx", [False, True])
def test_loss_is_covered_and_takes_no_time_away(jitter: float, dtx: bool) -> None:
    sound = speech_at_24_khz()
    packets = sent(sound, dtx=dtx)
    truth, _ = received(packets)
    assert len(truth) == pytest.approx(len(sound) // 480 * 320, abs=320 * 20 if dtx else 0)
    heard, buffer = received(arrived(packets, 0.05, jitter))
    zeros, _ = received(arrived(packets, 0.05, jitter), conceals=False)
    assert len(heard) == len(zeros) == len(truth)
    assert buffer.stats.lost >= 3
    assert buffer.stats.restarts == 0
    assert snr_db(heard, truth) > snr_db(zeros, truth) + 1.5
    assert np.corrcoef(heard.astype(float), truth.astype(float))[0, 1] > 0.95


def test_a_pause_that_is_not_sent_is_as_long_as_it_was() -> None:
    speech = speech_at_24_khz()[: 24_000 * 2]
    sound = np.concatenate([speech, np.zeros(24_000 * 3, np.int16), speech])
    packets = sent(sound, dtx=True)
    assert len(packets) < len(sound) / 480 * 0.75
    heard, buffer = received(packets)
    whole, _ = received(sent(sound, dtx=False))
    assert len(heard) == len(whole)
    assert buffer.stats.concealed_seconds == 0
    assert snr_db(heard[-RATE_HZ:], whole[-RATE_HZ:]) > 6
