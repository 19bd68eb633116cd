"""Pure: where audio is loud, sample by sample."""

from __future__ import annotations

import numpy as np

from scheduler.pcm import Pcm


def loud_span_seconds(pcm: Pcm, gate_dbfs: float) -> tuple[float, float] | None:
    """Beginning and end of what has samples above the gate (dB of full scale), from the block's start; ``None``: all
    is quiet."""
    gate = 32768.0 * 10.0 ** (gate_dbfs / 20.0)
    loud = np.flatnonzero((pcm.samples > gate) | (pcm.samples < -gate))
    if len(loud) == 0:
        return None
    return int(loud[0]) / pcm.sample_rate_hz, (int(loud[-1]) + 1) / pcm.sample_rate_hz
