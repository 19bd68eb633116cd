"""The comparison of receive buffers: lines are as they are called, and both buffers meet the same arrivals."""

from __future__ import annotations

import numpy as np
import pytest

from bench.jitter import LINES, Line, arrivals_of, bursts, through_aiortc, through_ours


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_arrivals_come_in_time_and_order(line: Line) -> None:
    arrivals = arrivals_of(line, 20.0, seed=1)
    assert [one.at for one in arrivals] == sorted(one.at for one in arrivals)
    assert all(-1e-9 <= one.at - one.number * 0.02 <= 0.1 for one in arrivals)
    if line.keeps_order:
        assert [one.number for one in arrivals] == sorted(one.number for one in arrivals)


def test_bursts_lose_their_share_in_a_row() -> None:
    lost = bursts(0.2)(100_000, np.random.default_rng(1))
    assert lost.mean() == pytest.approx(0.2, abs=0.02)
    begins = np.flatnonzero(np.diff(lost.astype(int)) == 1)
    assert lost.sum() / len(begins) == pytest.approx(5.0, abs=0.3)


def test_one_lost_packet_delays_aiortc_and_not_ours() -> None:
    arrivals = [one for one in arrivals_of(LINES[0], 60.0, seed=1) if one.number != 500]
    ours, theirs = through_ours(arrivals), through_aiortc(arrivals)
    assert ours.milliseconds(100) == 0
    assert ours.missing == 0
    assert theirs.milliseconds(95) > 200
