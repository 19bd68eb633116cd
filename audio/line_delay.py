"""Pure: how late packets come on a line, learned from when they came.

As WebRTC's NetEq does it (``packet_arrival_history``, ``underrun_optimizer``, ``histogram``): a packet's delay is
counted from the quickest of the last two seconds, so that neither the path's own delay nor clocks that run apart
matter; the latest of each half second goes into a histogram that forgets; a quantile of it is the delay to expect.
"""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 2.0
INTERVAL_SECONDS = 0.5
FORGET_FACTOR = 0.983
"""Of an old count's weight, this much is left after each interval: it halves in 20 s. The three are NetEq's."""
QUANTILE = 0.97
"""NetEq waits for 95 % and pays for each ms on every packet; here only what follows a gap waits. tuned"""
BUCKET_SECONDS = 0.01
BUCKETS = 50
"""Half a second; what is later counts as that."""
REORDERED_SECONDS = 30.0
"""So long after a packet was overtaken the line is taken for one where that happens. tuned"""
MOST_IN_WINDOW = 1024


class LineDelay:
    """The delays of one stream. ``transit``: seconds between arrival and timestamp, which only differences give sense."""

    def __init__(self) -> None:
        self._quickest: deque[tuple[float, float]] = deque(maxlen=MOST_IN_WINDOW)
        self._counts = [0.0] * BUCKETS
        self._interval_from: float | None = None
        self._latest = 0.0
        self._learned = 0.0
        self._reordered_at: float | None = None
        self.last_transit = 0.0
        """Of the packet with the highest number so far."""

    @property
    def base_transit(self) -> float:
        """The quickest packet's of the last two seconds."""
        return self._quickest[0][1] if self._quickest else self.last_transit

    @property
    def expected_seconds(self) -> float:
        """How much later than the quickest nearly all packets come."""
        return max(self._learned, self._latest)

    def reorders(self, now: float) -> bool:
        """Whether packets overtake one another on this line, so that what is missing may still come."""
        return self._reordered_at is not None and now - self._reordered_at < REORDERED_SECONDS

    def learn(self, transit: float, now: float, *, overtaken: bool) -> None:
        self._keep_quickest(transit, now)
        if overtaken:
            self._reordered_at = now
        else:
            self.last_transit = transit
        if self._interval_from is None:
            self._interval_from = now
        if now - self._interval_from >= INTERVAL_SECONDS:
            self._end_interval(now)
        self._latest = max(self._latest, transit - self.base_transit)

    def forget_path(self) -> None:
        """Timestamps begin anew: transits from before can't be compared with those that follow."""
        self._quickest.clear()

    def _keep_quickest(self, transit: float, now: float) -> None:
        """A queue of rising transits, its first the lowest of the window."""
        quickest = self._quickest
        while quickest and quickest[-1][1] >= transit:
            quickest.pop()
        quickest.append((now, transit))
        while quickest[0][0] < now - WINDOW_SECONDS:
            quickest.popleft()

    def _end_interval(self, now: float) -> None:
        self._counts = [count * FORGET_FACTOR for count in self._counts]
        self._counts[min(BUCKETS - 1, int(self._latest / BUCKET_SECONDS))] += 1.0 - FORGET_FACTOR
        self._learned = self._quantile()
        self._interval_from, self._latest = now, 0.0

    def _quantile(self) -> float:
        """The upper edge of the bucket that holds it."""
        wanted = QUANTILE * sum(self._counts)
        reached = 0.0
        for bucket, count in enumerate(self._counts):
            reached += count
            if reached >= wanted:
                return (bucket + 1) * BUCKET_SECONDS
        return BUCKETS * BUCKET_SECONDS
