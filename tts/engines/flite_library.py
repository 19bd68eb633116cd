"""libflite through ctypes: one call that renders a text and hands its audio out while it is being made.

ctypes releases the interpreter's lock during the call and takes it again for each piece of audio. libflite
itself keeps global state (its lexicon, ``rand``, one streaming record per voice), so that ``synthesize`` must
never run in two threads at once; ``tts/engines/flite.py`` sees to that with its one thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes.util import find_library
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import SettingsError, VoiceError
from tts.alignment import Span

SAMPLE_RATES_HZ = {"slt": 16000, "rms": 16000, "awb": 16000, "kal16": 16000, "kal": 8000}
"""Voices of Debian's libflite1 and their rates. ``slt`` and ``rms`` sound best."""
_LIBRARIES = {name: f"flite_cmu_us_{name}" for name in SAMPLE_RATES_HZ}

_CONTINUE, _STOP = 0, -1
_FIRST_BUFFER = 640
_BUFFER = 1600
"""Samples per call back: 40 ms to be quick at first, then 100 ms to take the interpreter's lock less often."""
_WORD_START = b"daughter1.R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_WORD_END = b"daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end"

OnAudio = Callable[[NDArray[np.int16], tuple[Span, ...]], bool]
"""Gets samples (int16 ``[n]``, its own copy) and the times of all words; returns whether to go on."""


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Voice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


class _StreamingInfo(ctypes.Structure):
    pass


_StreamCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(_StreamingInfo)
)
_StreamingInfo._fields_ = (
    ("min_buffsize", ctypes.c_int),
    ("asc", _StreamCallback),
    ("utt", ctypes.c_void_p),
    ("item", ctypes.c_void_p),
    ("userdata", ctypes.c_void_p),
)

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "flite_init": (ctypes.c_int, []),
    "new_audio_streaming_info": (ctypes.POINTER(_StreamingInfo), []),
    "audio_streaming_info_val": (ctypes.c_void_p, [ctypes.POINTER(_StreamingInfo)]),
    "feat_set": (None, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]),
    "flite_synth_text": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
    "delete_utterance": (None, [ctypes.c_void_p]),
    "utt_relation": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "relation_head": (ctypes.c_void_p, [ctypes.c_void_p]),
    "item_next": (ctypes.c_void_p, [ctypes.c_void_p]),
    "flite_ffeature_float": (ctypes.c_float, [ctypes.c_void_p, ctypes.c_char_p]),
}


def is_installed() -> bool:
    """Whether libflite and its English are there, without loading a voice."""
    try:
        for name in ("flite", "flite_cmulex", "flite_usenglish"):
            _open(name)
    except SettingsError:
        return False
    return True


class FliteLibrary:
    """libflite with one of its voices. Raises ``SettingsError`` when it is not installed."""

    def __init__(self, voice_name: str) -> None:
        self._flite = _open("flite")
        for needed in ("flite_cmulex", "flite_usenglish"):
            _open(needed)
        for function, (result, arguments) in _SIGNATURES.items():
            bound = getattr(self._flite, function)
            bound.restype, bound.argtypes = result, arguments
        self._flite.flite_init()
        register = getattr(_open(_LIBRARIES[voice_name]), f"register_cmu_us_{voice_name}")
        register.restype, register.argtypes = ctypes.POINTER(_Voice), [ctypes.c_char_p]
        self._voice = register(None)
        self._info = self._flite.new_audio_streaming_info()
        streaming = self._flite.audio_streaming_info_val(self._info)
        self._flite.feat_set(self._voice.contents.features, b"streaming_info", streaming)

    def synthesize(self, text: str, on_audio: OnAudio) -> None:
        """Render ``text``: ASCII words with single spaces between, of letters, apostrophes and ``.,;:?!``.

        ``on_audio`` is called in this thread. Raises ``VoiceError``.
        """
        call = _Call(self._flite, on_audio)
        callback = _StreamCallback(call.audio)
        self._info.contents.min_buffsize = _FIRST_BUFFER
        self._info.contents.asc = callback
        utterance = self._flite.flite_synth_text(text.encode("ascii"), self._voice)
        if utterance:
            self._flite.delete_utterance(utterance)
        if call.error is not None:
            raise call.error
        if not utterance:
            raise VoiceError("flite could not render this sentence.")


class _Call:
    """One rendering: what libflite calls back while it works."""

    def __init__(self, flite: ctypes.CDLL, on_audio: OnAudio) -> None:
        self.error: BaseException | None = None
        self._flite = flite
        self._on_audio = on_audio
        self._spans: tuple[Span, ...] | None = None

    def audio(self, wave: Any, start: int, size: int, last: int, info: Any) -> int:
        """An exception must not fly through C: it is kept, and the rendering stopped."""
        try:
            return self._audio(wave, start, size, info)
        except BaseException as error:  # noqa: BLE001
            self.error = error
            return _STOP

    def _audio(self, wave: Any, start: int, size: int, info: Any) -> int:
        if self._spans is None:
            self._spans = self._read_spans(info.contents.utt)
            info.contents.min_buffsize = _BUFFER
        if size <= 0:
            return _CONTINUE
        samples = np.ctypeslib.as_array(wave.contents.samples, shape=(start + size,))[start:].astype(np.int16)
        return _CONTINUE if self._on_audio(samples, self._spans) else _STOP

    def _read_spans(self, utterance: int | None) -> tuple[Span, ...]:
        """Times of the tokens: one for each run of characters between spaces. They are known before the audio."""
        spans: list[Span] = []
        relation = self._flite.utt_relation(utterance, b"Token") if utterance else None
        token = self._flite.relation_head(relation) if relation else None
        while token:
            start = float(self._flite.flite_ffeature_float(token, _WORD_START))
            end = float(self._flite.flite_ffeature_float(token, _WORD_END))
            spans.append(Span(start, max(start, end)))
            token = self._flite.item_next(token)
        return tuple(spans)


def _open(name: str) -> ctypes.CDLL:
    for file in (find_library(name), f"lib{name}.so.1", f"lib{name}.so"):
        if file is None:
            continue
        try:
            return ctypes.CDLL(file, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    raise SettingsError(
        f"lib{name} is not installed: install Debian's libflite1 (apt-get install libflite1), or use --tts espeak."
    )
