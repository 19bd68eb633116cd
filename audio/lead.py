"""Pure: how far ahead of the caller's ear audio is sent."""

from __future__ import annotations

START_LEAD_SECONDS = 0.2
MIN_LEAD_SECONDS = 0.1
MAX_LEAD_SECONDS = 1.0
"""The lead moves between these. Below 100 ms a late wake-up of the loop is heard, above 1 s ducking and
stopping reach nothing."""
EXACT_START_SECONDS = 0.04
EXACT_MIN_SECONDS = 0.04
EXACT_MAX_SECONDS = 0.2
"""The same for lines that play by their own clock: two packets of 20 ms. No network is to be outwaited there, only the
loop, and whoever talks over the agent shall hear it give way within 120 ms."""
_GROWTH = 1.5
_SHRINK = 0.9
_CALM_SECONDS = 5.0


class LeadController:
    """Grows the lead at once when sending stalls or the client ran dry, shrinks it slowly while all is calm.

    Told of each block once it has been sent. It has no clock: calm is counted in seconds of audio.
    """

    def __init__(
        self,
        start_seconds: float = START_LEAD_SECONDS,
        *,
        min_seconds: float = MIN_LEAD_SECONDS,
        max_seconds: float = MAX_LEAD_SECONDS,
    ) -> None:
        self._min_seconds = min_seconds
        self._max_seconds = max_seconds
        self._lead_seconds = min(max(start_seconds, min_seconds), max_seconds)
        self._calm_seconds = 0.0
        self.underruns = 0
        """How often the caller heard a gap although audio was there."""

    @classmethod
    def for_exact_line(cls) -> LeadController:
        return cls(EXACT_START_SECONDS, min_seconds=EXACT_MIN_SECONDS, max_seconds=EXACT_MAX_SECONDS)

    @property
    def lead_seconds(self) -> float:
        return self._lead_seconds

    def block_sent(self, block_seconds: float, *, send_seconds: float, gap_seconds: float) -> None:
        """A block of ``block_seconds`` has left.

        ``send_seconds``: how long the transport held it up. ``gap_seconds``: how long the client had been dry
        when it left, 0 when it was not, or when there had been nothing to send.
        """
        if gap_seconds > 0:
            self.underruns += 1
        if gap_seconds > 0 or send_seconds > self._lead_seconds / 2:
            needed = max(self._lead_seconds * _GROWTH, send_seconds * _GROWTH)
            self._lead_seconds = min(needed, self._max_seconds)
            self._calm_seconds = 0.0
            return
        self._calm_seconds += block_seconds
        if self._calm_seconds >= _CALM_SECONDS:
            self._calm_seconds = 0.0
            self._lead_seconds = max(self._lead_seconds * _SHRINK, self._min_seconds)
