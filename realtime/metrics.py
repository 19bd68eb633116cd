"""What the server counts, in Prometheus' text format. Each server has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from realtime.drafts import Ahead, DraftWatch, Fate
from realtime.fillers import SubstanceWatch
from scheduler import commands as do
from scheduler import events as ev
from scheduler.commands import Command
from scheduler.events import Event
from think_loop.admission import AdmissionCounts, Priority

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
        self.drafts = Counter(
            "stretto_drafts",
            "Answers begun before the turn was over, by what became of them (each is also counted as started).",
            ["fate"],
            registry=self.registry,
        )
        self.output_tokens = Counter(
            "stretto_output_tokens", "Tokens that the language model wrote.", ["purpose"], registry=self.registry
        )
        self.extra_tokens = Counter(
            "stretto_extra_tokens",
            "Of these, tokens written ahead that came to nothing.",
            ["purpose"],
            registry=self.registry,
        )
        self.fillers = Counter(
            "stretto_fillers", "Fillers ordered while an answer was awaited.", registry=self.registry
        )
        self.backchannels = Counter("stretto_backchannels", "Backchannels of the agent.", registry=self.registry)
        self.bus_coalesced = Counter(
            "stretto_bus_coalesced", "Growth events merged because a reader lagged.", registry=self.registry
        )
        self.epochs = Counter(
            "stretto_epochs", "Epochs of trajectories (prompt prefixes that had to change).", registry=self.registry
        )

        self.thinking = Gauge(
            "stretto_thinking",
            "Streams of thinking now, over all sessions.",
            ["priority", "state"],
            registry=self.registry,
        )
        self.aborted = Gauge(
            "stretto_thinking_aborted",
            "Streams ever aborted because something committed needed their place.",
            ["priority"],
            registry=self.registry,
        )

    def render(self) -> bytes:
        return generate_latest(self.registry)

    def admission(self, counts: AdmissionCounts) -> None:
        """As the process's admission is just now; told before each ``render``."""
        for priority in Priority:
            name = priority.name.lower()
            self.thinking.labels(name, "running").set(counts.running[priority])
            self.thinking.labels(name, "waiting").set(counts.waiting[priority])
            self.aborted.labels(name).set(counts.aborted[priority])


class SessionMeter:
    """Measures one session from what happens in it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tokens = _TokenMeter(metrics)
        self._substance = SubstanceWatch()
        self._speech_ended_at: float | None = None
        self._awaiting_turn: str | None = None
        self._sound_awaited = False
        self._substance_awaited = False

    def observe(self, at: float, happened: Event | Command) -> None:
        """``at``: session time in seconds."""
        self._tokens.observe(happened)
        substance_at = self._substance.observe(at, happened)
        match happened:
            case ev.SpeechStopped(_, silence_seconds):
                self._speech_ended_at = at - silence_seconds
            case do.CommitTurn(turn_id):
                self._awaiting_turn = turn_id
                self._sound_awaited = self._substance_awaited = self._speech_ended_at is not None
            case do.Speak(source=do.SpeakSource.FILLER):
                self._metrics.fillers.inc()
            case do.Backchannel():
                self._metrics.backchannels.inc()
            case ev.PlayoutStarted():
                self._sounded(at)
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
        if substance_at is not None:
            self._said_something(substance_at)

    def _turn_ended(self, turn_id: str, outcome: do.TurnOutcome) -> None:
        """What sounds later (a timer) answers nothing; but a turn answered by a call of the client's tool is heard
        only after that tool's output."""
        goes_on = outcome is do.TurnOutcome.ANSWERED and self._sound_awaited
        if turn_id == self._awaiting_turn and not goes_on:
            self._sound_awaited = self._substance_awaited = False

    def _sounded(self, at: float) -> None:
        if self._sound_awaited and self._speech_ended_at is not None:
            self._sound_awaited = False
            self._metrics.first_sound.observe(max(at - self._speech_ended_at, 0.0))

    def _said_something(self, at: float) -> None:
        if self._substance_awaited and self._speech_ended_at is not None:
            self._substance_awaited = False
            self._metrics.first_substance.observe(max(at - self._speech_ended_at, 0.0))


class _TokenMeter:
    """What was written, what of it ahead, and what of that for nothing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._drafts = DraftWatch()
        self._purposes: dict[str, do.Purpose] = {}

    def observe(self, happened: Event | Command) -> None:
        changed = self._drafts.observe(happened)
        for ahead in changed:
            self._changed(ahead)
        match happened:
            case do.Think(think_id, purpose):
                self._purposes[think_id] = purpose
            case ev.ThinkEnded(think_id, _, _, _, output_tokens):
                purpose = self._purposes.pop(think_id, do.Purpose.ANSWER)
                self._metrics.output_tokens.labels(purpose.value).inc(output_tokens)
                self._ended(happened, purpose, settled_now=bool(changed))
            case _:
                pass

    def _changed(self, ahead: Ahead) -> None:
        if ahead.think.purpose is do.Purpose.DRAFT:
            fate = "started" if ahead.fate is Fate.OPEN else ahead.fate.value
            self._metrics.drafts.labels(fate).inc()
        if ahead.fate is Fate.ABANDONED:
            self._metrics.extra_tokens.labels(ahead.think.purpose.value).inc(ahead.output_tokens)

    def _ended(self, ended: ev.ThinkEnded, purpose: do.Purpose, *, settled_now: bool) -> None:
        """Of what had been given up before it ended, the tokens are known only now."""
        ahead = self._drafts.get(ended.think_id)
        late = ahead is not None and ahead.fate is Fate.ABANDONED and not settled_now
        if purpose is do.Purpose.FORESIGHT or late:
            self._metrics.extra_tokens.labels(purpose.value).inc(ended.output_tokens)
