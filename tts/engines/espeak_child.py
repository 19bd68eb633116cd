"""The child process around the library of ``espeakng-loader``: text on stdin, a WAV file on stdout.

Run as ``python -m tts.engines.espeak_child LANGUAGE WORDS_PER_MINUTE``; with ``--voices`` instead, it lists the
languages it knows, in the first two columns of espeak-ng's own table. Constants are those of espeak-ng's
``speak_lib.h``.
"""

from __future__ import annotations

import ctypes
import io
import re
import sys
import wave
from pathlib import Path

import espeakng_loader

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE = 1
_EE_OK = 0


def main() -> int:
    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    data_path = str(espeakng_loader.get_data_path()).encode()
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data_path, 0)
    if rate <= 0:
        return _fail("its data could not be loaded")
    if sys.argv[1:] == ["--voices"]:
        return _list_voices(library, Path(data_path.decode()) / "lang")
    language, words_per_minute = sys.argv[1], int(sys.argv[2])
    if not _choose(library, language):
        return _fail(f"it knows no voice {language}")
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    audio = _render(library, sys.stdin.buffer.read())
    with io.BytesIO() as file:
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(audio)
        sys.stdout.buffer.write(file.getvalue())
    return 0


class _Voice(ctypes.Structure):
    """``espeak_VOICE``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def _choose(library: ctypes.CDLL, language: str) -> bool:
    """By the name of a voice's file, else by the languages a voice serves; the program does the same."""
    if library.espeak_SetVoiceByName(language.encode()) == _EE_OK:
        return True
    wanted = _Voice(languages=language.encode())
    return bool(library.espeak_SetVoiceByProperties(ctypes.byref(wanted)) == _EE_OK)


def _list_voices(library: ctypes.CDLL, languages: Path) -> int:
    """Each language that a voice file names and that the library then takes."""
    named: set[str] = set()
    for file in languages.rglob("*"):
        if file.is_file():
            named |= set(re.findall(r"^language\s+([\w-]+)", file.read_text(errors="replace"), re.MULTILINE))
    for name in sorted(named):
        if _choose(library, name):
            sys.stdout.write(f" 5  {name}\n")
    return 0


def _render(library: ctypes.CDLL, text: bytes) -> bytes:
    audio = bytearray()

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
        if samples and count > 0:
            audio.extend(ctypes.string_at(samples, count * 2))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, _CHARS_UTF8, None, None)
    library.espeak_Synchronize()
    return bytes(audio)


def _fail(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
