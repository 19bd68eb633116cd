"""Reads the files with what is said while an answer is awaited: one per language in ``realtime/fillers``, and a user's.

A file is read once in a process, when the settings are; what can't be used raises ``SettingsError`` with one sentence. ``docs/fillers.md``
describes the keys.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from realtime.settings_errors import KeySources, explain
from scheduler.errors import SettingsError
from scheduler.filler_lines import Doing, FillerLines, RequestKind, RequestLines, ToolLines, Verb
from scheduler.filler_vocabulary import LONGEST_LINE
from scheduler.words import bare_words

FOLDER = Path(__file__).parent / "fillers"


def known_languages() -> tuple[str, ...]:
    """Languages (BCP 47, the first part) that have a file here."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@functools.lru_cache(maxsize=32)
def load_filler_lines(language: str, file: Path | None = None) -> FillerLines:
    """The lines of ``language`` (BCP 47; "zh-TW" is read as "zh"), with what ``file`` sets in their place.

    A language without a file here, and no ``file``: no lines at all, since a word of another language is worse than
    silence. Raises ``SettingsError``.
    """
    primary = language.replace("_", "-").partition("-")[0].casefold()
    built_in = FOLDER / f"{primary}.toml"
    table = _read(built_in) if primary in known_languages() else {"language": primary}
    if file is None:
        return _checked(table, {}, built_in)
    own = _read(file)
    return _checked(_merged(table, own), _sources(own, f"in {file}"), file)


def _line(text: str) -> str:
    if not bare_words(text) or "\n" in text or len(text) > LONGEST_LINE:
        raise ValueError(
            f"The line {text[:LONGEST_LINE]!r} must be words, on one line, of {LONGEST_LINE} characters at most"
        )
    return text


def _cue(text: str) -> str:
    if not text.strip("^$= ") or (text[0] in "^=" and text[-1] == "$"):
        raise ValueError(f"The cue {text!r} is none: write words, alone or as ^words, words$ or =words")
    return text.casefold()


def _word(text: str) -> str:
    if not text.strip():
        raise ValueError("A word must not be empty")
    return text.casefold()


def _template(text: str) -> str:
    rest = text.replace("{doing}", "").replace("{plain}", "")
    if text and (rest == text or "{" in rest or "}" in rest or text[-1] == "}"):
        raise ValueError(f"The line {text!r} needs {{doing}} or {{plain}} and a mark at its end, and no other braces")
    return text


Line = Annotated[str, AfterValidator(_line)]
Cue = Annotated[str, AfterValidator(_cue)]
Word = Annotated[str, AfterValidator(_word)]
Template = Annotated[str, AfterValidator(_template)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RequestTable(_Table):
    cues: tuple[Cue, ...] = ()
    unless: tuple[Cue, ...] = ()
    acknowledgements: tuple[Line, ...] = ()
    rare: tuple[Line, ...] = ()
    phrases: tuple[Line, ...] = ()
    progress: tuple[Line, ...] = ()
    content_free: tuple[Line, ...] = ()
    may_quote_thoughts: bool = True


class _ToolTable(_Table):
    names: tuple[Word, ...] = ()
    phrases: tuple[Line, ...] = ()
    progress: tuple[Line, ...] = ()


class _DoingTable(_Table):
    phrase: Template = ""
    phrase_of_unknown: Template = ""
    progress: Template = ""
    thought: Template = ""
    already: tuple[Word, ...] = ()
    verbs: dict[Word, Word] = Field(default_factory=dict)
    intents: tuple[Word, ...] = ()
    determiners: tuple[Word, ...] = ()
    ends: tuple[Word, ...] = ()
    never_inside: tuple[Word, ...] = ()
    unsafe: tuple[Word, ...] = ()
    longest_object: int = Field(default=5, ge=2, le=20)


class _FileTable(_Table):
    language: str = ""
    skipped: tuple[Word, ...] = ()
    rare_every: int = Field(default=8, ge=1)
    distress: _RequestTable = _RequestTable(may_quote_thoughts=False)
    anger: _RequestTable = _RequestTable(may_quote_thoughts=False)
    complaint: _RequestTable = _RequestTable()
    smalltalk: _RequestTable = _RequestTable()
    request: _RequestTable = _RequestTable()
    command: _RequestTable = _RequestTable()
    open_question: _RequestTable = _RequestTable()
    question: _RequestTable = _RequestTable()
    statement: _RequestTable = _RequestTable()
    tools: tuple[_ToolTable, ...] = ()
    doing: _DoingTable = _DoingTable()


def _checked(table: Mapping[str, Any], sources: KeySources, file: Path) -> FillerLines:
    try:
        return _as_lines(_FileTable.model_validate(table))
    except ValidationError as error:
        what = explain(error, sources, _known_keys()).replace("examples/stretto.example.toml", "docs/fillers.md")
        raise SettingsError(what if str(file) in what else f"{file}: {what}") from None


def _as_lines(table: _FileTable) -> FillerLines:
    """Kinds without cues find nothing, and are left out: only the last one is for all the rest."""
    tables = {kind: getattr(table, kind.value) for kind in RequestKind}
    requests = (RequestLines(kind, **dict(of_kind)) for kind, of_kind in tables.items())
    doing = dict(table.doing) | {"verbs": tuple(Verb(*forms) for forms in table.doing.verbs.items())}
    return FillerLines(
        language=table.language,
        skipped=table.skipped,
        requests=tuple(lines for lines in requests if lines.cues or lines.kind is RequestKind.STATEMENT),
        tools=tuple(ToolLines(**dict(tool)) for tool in table.tools),
        doing=Doing(**doing),
        rare_every=table.rare_every,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no fillers file {file}.") from None
    except OSError as error:
        raise SettingsError(f"The fillers file {file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The fillers file {file} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The fillers file {file} is no valid TOML: {error}.") from None


def _merged(table: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``table``, key by key; a list takes the other's place."""
    merged = dict(table)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _sources(table: Mapping[str, Any], source: str, prefix: tuple[str, ...] = ()) -> KeySources:
    sources: KeySources = {}
    for key, value in table.items():
        if isinstance(value, dict):
            sources |= _sources(value, source, (*prefix, key))
        else:
            sources[(*prefix, key)] = source
    return sources


def _known_keys() -> list[str]:
    keys: list[str] = []
    for name, field in _FileTable.model_fields.items():
        inner = (
            field.annotation if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) else None
        )
        keys += [f"{name}.{key}" for key in inner.model_fields] if inner else [name]
    return keys
