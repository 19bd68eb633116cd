"""What the server counts, in Prometheus' text format. Each server has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event

_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("stretto_sessions", "Sessions open now.", registry=self.registry)
        self.sessions_opened = Counter("stretto_sessions_opened", "Sessions ever opened.", registry=self.registry)
        self.sessions_refused = Counter(
            "stretto_sessions_refused", "Sessions refused.", ["reason"], registry=self.registry
        )
        self.sessions_failed = Counter(
            "stretto_sessions_failed", "Sessions ended by a bug of the server.", registry=self.registry
        )
        self.slow_clients = Counter(
            "stretto_slow_clients", "Clients disconnected because they did not read.", registry=self.registry
        )
        self.client_errors = Counter(
            "stretto_client_errors", "Client events answered by an error.", ["code"], registry=self.registry
        )
        self.turns = Counter("stretto_turns", "Turns of users by outcome.", ["outcome"], registry=self.registry)
        self.failures = Counter("stretto_failures", "Failures of engines.", ["part"], registry=self.registry)
        self.first_sound = Histogram(
            "stretto_first_sound_seconds",
            "From the end of the user's speech to the first sound of the answer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.first_substance = Histogram(
            "stretto_first_substance_seconds",
            "From the end of the user's speech to the first sound of the model's own words.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.bus_coalesced = Counter(
            "stretto_bus_coalesced", "Growth events merged because a reader lagged.", registry=self.registry
        )
        self.epochs = Counter(
            "stretto_epochs", "Epochs of trajectories (prompt prefixes that had to change).", registry=self.registry
        )

    def render(self) -> bytes:
        return generate_latest(self.registry)


class SessionMeter:
    """Measures one session from what happens in it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._speech_ended_at: float | None = None
        self._sources: dict[str, do.SpeakSource] = {}
        self._awaiting_turn: str | None = None
        self._sound_awaited = False
        self._substance_awaited = False

    def observe(self, at: float, happened: Event | Command) -> None:
        """``at``: session time in seconds."""
        match happened:
            case ev.SpeechStopped(_, silence_seconds):
                self._speech_ended_at = at - silence_seconds
            case do.CommitTurn(turn_id):
                self._awaiting_turn = turn_id
                self._sound_awaited = self._substance_awaited = self._speech_ended_at is not None
            case do.Speak(utterance_id, 0, source=source):
                self._sources[utterance_id] = source
            case ev.PlayoutStarted(utterance_id):
                self._sounded(at, self._sources.get(utterance_id))
            case ev.PlayoutEnded(utterance_id):
                self._sources.pop(utterance_id, None)
            case do.EndTurn(turn_id, outcome):
                self._metrics.turns.labels(outcome.value).inc()
                self._turn_ended(turn_id, outcome)
            case ev.EarsFailed():
                self._metrics.failures.labels("ears").inc()
            case ev.VoiceFailed():
                self._metrics.failures.labels("voice").inc()
            case ev.ThinkEnded(_, ev.ThinkEnding.FAILED):
                self._metrics.failures.labels("language_model").inc()
            case _:
                pass

    def _turn_ended(self, turn_id: str, outcome: do.TurnOutcome) -> None:
        """What sounds later (a timer) answers nothing; but a turn answered by a call of the client's tool is heard
        only after that tool's output."""
        goes_on = outcome is do.TurnOutcome.ANSWERED and self._sound_awaited
        if turn_id == self._awaiting_turn and not goes_on:
            self._sound_awaited = self._substance_awaited = False

    def _sounded(self, at: float, source: do.SpeakSource | None) -> None:
        if self._speech_ended_at is None:
            return
        waited = max(at - self._speech_ended_at, 0.0)
        if self._sound_awaited:
            self._sound_awaited = False
            self._metrics.first_sound.observe(waited)
        if self._substance_awaited and source is do.SpeakSource.MODEL:
            self._substance_awaited = False
            self._metrics.first_substance.observe(waited)
