"""Pure: the one exception tree of the project.

A provider translates its own errors into one of these at its edge. Everything else that
escapes is a bug, and ends the session it happened in (never the server).
"""

from __future__ import annotations


class StrettoError(Exception):
    """Root of every error this project raises on purpose. Its text is a clear sentence for a person."""


class SettingsError(StrettoError):
    """A setting, flag or engine spec that can't be used. The command line exits with status 2."""


class EngineError(StrettoError):
    """An engine (recogniser, language model, voice) failed. The session lives on."""


class RecognizerError(EngineError):
    """Speech recognition failed."""


class LanguageModelError(EngineError):
    """The language model failed: unreachable, timed out, refused, or ended mid-stream."""


class VoiceError(EngineError):
    """Speech synthesis failed."""


class WorkerError(EngineError):
    """A worker process died or answered with an error."""


class OpusMissingError(StrettoError):
    """libopus is not installed: no sound over WebRTC."""


class CorruptPacketError(StrettoError):
    """A packet from the line can't be decoded. It counts as lost."""


class BusOverflowError(StrettoError):
    """The control lane of a session's bus is full: its reader is stuck. Ends that session."""


class IllegalFloorTransitionError(StrettoError):
    """The conductor tried a floor transition that its table doesn't hold: a bug, and it ends the session."""
