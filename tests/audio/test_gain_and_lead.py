from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.gain import DUCK_RAMP_SECONDS, GainRamp, fade_out, fade_part
from audio.lead import MAX_LEAD_SECONDS, MIN_LEAD_SECONDS, LeadController

FULL = np.full(4800, 20000, np.int16)


@given(gains=st.lists(st.sampled_from([0.0, -9.0, -18.0, 6.0]), min_size=1, max_size=6), block=st.integers(1, 700))
def test_the_level_never_jumps(gains: list[float], block: int) -> None:
    ramp = GainRamp(24000)
    out = []
    for gain in gains:
        ramp.set_gain(gain)
        out += [ramp.process(FULL[:block]) for _ in range(4)]
    steps = np.abs(np.diff(np.concatenate(out).astype(int)))
    assert steps.max(initial=0) <= 20000 / (DUCK_RAMP_SECONDS * 24000) + 2


def test_the_level_arrives_in_time_and_full_level_leaves_samples_alone() -> None:
    ramp = GainRamp(24000)
    assert ramp.process(FULL) is FULL
    ramp.set_gain(-9.0)
    ramp.process(FULL[:960])
    assert ramp.amplitude == pytest.approx(10 ** (-9 / 20))
    ramp.set_gain(0.0)
    ramp.process(FULL[:960])
    assert ramp.process(FULL) is FULL


@given(cuts=st.lists(st.integers(0, 4800), max_size=5), fade=st.integers(1, 1000))
def test_a_fade_is_the_same_however_it_is_cut_into_blocks(cuts: list[int], fade: int) -> None:
    edges = [0, *sorted(cuts), len(FULL)]
    parts = [fade_part(FULL[a:b], len(FULL) - b, fade) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), fade_out(FULL, fade))
    assert fade_out(FULL, fade)[-1] == 0
    assert np.array_equal(fade_out(FULL, fade)[: len(FULL) - fade], FULL[: len(FULL) - fade])


@given(
    blocks=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 2)), max_size=200),
)
def test_the_lead_stays_within_its_bounds(blocks: list[tuple[float, float]]) -> None:
    lead = LeadController()
    for send_seconds, gap_seconds in blocks:
        lead.block_sent(0.04, send_seconds=send_seconds, gap_seconds=gap_seconds)
        assert MIN_LEAD_SECONDS <= lead.lead_seconds <= MAX_LEAD_SECONDS


def test_the_lead_grows_at_a_gap_and_shrinks_in_calm() -> None:
    lead = LeadController()
    lead.block_sent(0.04, send_seconds=0.0, gap_seconds=0.05)
    grown = lead.lead_seconds
    assert grown > 0.2
    assert lead.underruns == 1
    for _ in range(200):
        lead.block_sent(0.04, send_seconds=0.0, gap_seconds=0.0)
    assert lead.lead_seconds < grown
    for _ in range(20_000):
        lead.block_sent(0.04, send_seconds=0.0, gap_seconds=0.0)
    assert lead.lead_seconds == MIN_LEAD_SECONDS
