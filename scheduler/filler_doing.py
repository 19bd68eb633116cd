"""Pure: lines that say what is being done, made from what a tool says it does and from thoughts."""

from __future__ import annotations

import re

from scheduler.filler_vocabulary import LONGEST_LINE, Doing, FillerKind, FillerLines, ToolLines, Verb
from scheduler.words import is_spaceless, join_texts

_SENTENCE = re.compile(r"[^.!?;:\n。！？；：，]+")
_TOKEN = re.compile(r"[\w'’-]+|[^\w\s]")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HAN_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿")
_COMMAS = (",", "、")
_LATEST_SENTENCES = 3
"""Of a thought; older ones no longer say what is happening."""


def tool_lines(lines: FillerLines, tool: str) -> ToolLines:
    """What may be said while the tool of this name runs."""
    parts = {part.casefold() for part in _NAME_PART.findall(tool)}
    return next((known for known in lines.tools if not known.names or parts & set(known.names)), ToolLines())


def from_tool(lines: FillerLines, progress: str, kind: FillerKind) -> tuple[str, ...]:
    """A line of what a tool says it does: one that begins like "checking your order" is put into a sentence, any other
    is taken for one. ``()`` if it is too long, or of another script than the lines."""
    doing, text = lines.doing, " ".join(progress.split()).rstrip(".…。")
    if not text or len(text) > LONGEST_LINE or not doing.phrase or is_spaceless(text[0]) != _is_dense(doing):
        return ()
    text = _without_beginning(text, doing.already)
    verb = _verb_of(text, doing)
    rest = text[len(verb.doing) if _begins(text, verb.doing) else len(verb.plain) :].strip() if verb else ""
    whole = join_texts(verb.doing, rest) if verb else _decapitalised(text)
    if verb is None and not (_is_dense(doing) or text.split()[0].endswith("ing")):
        return (_as_sentence(text, doing),)
    if kind is FillerKind.PROGRESS:
        return (doing.progress.format(doing=whole, plain=whole),)
    template = doing.phrase if verb else doing.phrase_of_unknown
    return (template.format(doing=whole, plain=join_texts(verb.plain, rest) if verb else whole),)


def _is_dense(doing: Doing) -> bool:
    return any(map(is_spaceless, doing.phrase))


def _without_beginning(text: str, beginnings: tuple[str, ...]) -> str:
    for beginning in beginnings:
        if _begins(text, beginning) and len(text) > len(beginning):
            return text[len(beginning) :].lstrip()
    return text


def _verb_of(text: str, doing: Doing) -> Verb | None:
    known = sorted(doing.verbs, key=lambda verb: len(verb.doing), reverse=True)
    return next((verb for verb in known if _begins(text, verb.doing) or _begins(text, verb.plain)), None)


def _begins(text: str, beginning: str) -> bool:
    """Whether ``text`` begins with these words, in any case."""
    if not text.casefold().startswith(beginning.casefold()):
        return False
    after = text[len(beginning) :]
    return not after or is_spaceless(beginning[-1]) or not after[0].isalnum()


def _decapitalised(text: str) -> str:
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _as_sentence(text: str, doing: Doing) -> str:
    return text[0].upper() + text[1:] + doing.phrase[-1]


# --- thoughts -------------------------------------------------------------------------------------


def from_thought(lines: FillerLines, thought: str) -> tuple[str, ...]:
    """A line of the latest sentence that is safe to say one of. While a thought grows its end may be half a word: so an
    unfinished sentence counts only when there is no other. So may its beginning, where only its end was kept."""
    pieces = [(match.group().strip(), match.end()) for match in _SENTENCE.finditer(thought)]
    sentences = [text for text, _ in pieces if text]
    if len(sentences) > 1 and pieces[-1][1] == len(thought):
        sentences.pop()
    if len(sentences) > 1 and sentences[0][0].islower():
        sentences.pop(0)
    for sentence in reversed(sentences[-_LATEST_SENTENCES:]):
        line = _from_sentence(lines, sentence)
        if line:
            return (line,)
    return ()


def _from_sentence(lines: FillerLines, sentence: str) -> str:
    doing = lines.doing
    tokens = tuple(token for part in _TOKEN.findall(sentence.replace("’", "'")) for token in _split_dense(part))
    small = tuple(token.casefold() for token in tokens)
    if not doing.thought or _has_unsafe(small, doing.unsafe):
        return ""
    start = _after_intent(small, lines)
    for verb in sorted(doing.verbs, key=lambda verb: len(verb.doing), reverse=True):
        for form in (verb.doing, verb.plain):
            end = _after(small, start, form)
            thing = _object(tokens[end:], doing) if end > start else ""
            if thing:
                return doing.thought.format(doing=join_texts(verb.doing, thing))
    return ""


def _split_dense(token: str) -> tuple[str, ...]:
    return tuple(token) if is_spaceless(token[0]) else (token,)


def _after_intent(small: tuple[str, ...], lines: FillerLines) -> int:
    """Where the verb stands: behind words that say nothing and "I need to"."""
    start, moved = 0, True
    while moved:
        ends = [_after(small, start, text) for text in (*lines.doing.intents, *lines.skipped, *_COMMAS)]
        moved = max(ends, default=0) > start
        start = max(ends, default=0) if moved else start
    return start


def _after(small: tuple[str, ...], start: int, text: str) -> int:
    """The place behind ``text`` if it stands at ``start``; else ``start``."""
    words = tuple(token for part in text.split() for token in _split_dense(part))
    return start + len(words) if small[start : start + len(words)] == words else start


def _object(tokens: tuple[str, ...], doing: Doing) -> str:
    """What is being done something to, such as "the two train connections"; ``""`` if it can't be said."""
    small = tuple(token.casefold() for token in tokens)
    places = range(len(small))
    end = next(
        (place for place in places if any(_after(small, place, text) > place for text in doing.ends)), len(small)
    )
    thing = tokens[:end]
    if (
        not 2 <= len(thing) <= doing.longest_object
        or thing[0] not in doing.determiners
        or set(thing) & set(doing.never_inside)
    ):
        return ""
    return join_texts(*thing) if all(map(_is_plain, thing)) and _count_numerals(thing) < 2 else ""


def _is_plain(token: str) -> bool:
    """No digit, no code, and no capital letter, as names have."""
    return token.replace("-", "").replace("'", "").isalpha() and token == token.lower()


def _count_numerals(tokens: tuple[str, ...]) -> int:
    return sum(token in _HAN_NUMERALS for token in tokens)


def _has_unsafe(small: tuple[str, ...], unsafe: tuple[str, ...]) -> bool:
    words = {part.removesuffix("'s") for token in small for part in token.split("-")}
    dense = "".join(small)
    return any(text in dense if is_spaceless(text[0]) else text in words for text in unsafe)
