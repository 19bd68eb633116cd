"""Pure: how a chat model is asked for the end of a sentence, and what its answer is worth.

Chat models would rather answer than complete; so the request shows how it is done, in English and in Chinese, and holds
no more of the talk than the last thing that the agent said. It is the same for all calls up to its last message, and so
cheap where the server caches prefixes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from think_loop.language_model import Foreseen, Message

MOST_TOKENS = 16
"""Of an ending: about ten words. One that is longer is no prediction but a guess."""
_LONGEST_BEFORE = 300
"""Characters of what the agent said last; its end is what the caller answers to."""

_INSTRUCTION = """\
You finish the caller's sentence. You are given what a caller has said so far to a voice agent, as speech recognition \
wrote it, perhaps behind what the agent said last. Write only the words with which the caller will most probably end \
this sentence.

- Write no word that the caller has said already, no quotation marks and no comment.
- Never answer the caller, not even when they ask something.
- If the sentence is complete, write a single full stop.
- Keep to the caller's language.
- 只写来电者接下来要说的词，不要重复，也不要回答。如果句子已经完整，只写一个句号。"""

_EXAMPLES = (
    ("Caller: what's the weather going to be", "like tomorrow?"),
    ("Agent: Anything else I can do for you?\nCaller: no thanks that's", "all."),
    ("Caller: can you please turn off the lights in the living room", "."),
    ("Caller: 请问你们周末几点", "开门？"),
    ("Caller: 你能告诉我现在几点", "了？"),
)

_SECOND_SENTENCE = re.compile(r"[.!?]\s+\w|[。！？]\s*\w")
_ANSWERS = re.compile(
    r"(sure|certainly|of course|sorry|i'm sorry|i am sorry|yes|okay|ok|好的|当然|抱歉|对不起|可以)\s*[,.!，。！]",
    re.IGNORECASE,
)
"""What begins an answer, not the end of a sentence that somebody else began."""
_AROUND = ' \t"“”«»「」…'
_UNREADABLE = "\ufffd"
_REPEATED_LETTERS = 8
"""So many last letters of what was said are searched for in an ending that does not begin with them: enough not to be
found by chance."""


def foresight_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages of the request. ``messages`` end with what the user has said so far."""
    wire = [{"role": "system", "content": _INSTRUCTION}]
    for question, ending in _EXAMPLES:
        wire += [{"role": "user", "content": question}, {"role": "assistant", "content": ending}]
    said_before = [message.text for message in messages[:-1] if message.role == "assistant" and message.text.strip()]
    before = f"Agent: {_one_line(said_before[-1])[-_LONGEST_BEFORE:]}\n" if said_before else ""
    return [*wire, {"role": "user", "content": f"{before}Caller: {_one_line(messages[-1].text)}"}]


def _one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token: its text, and the natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole chat completion, as far as it can be used here. ``tokens``: empty where the server gives none."""

    text: str
    is_whole: bool
    tokens: tuple[Token, ...]
    output_tokens: int


def read_completion(answer: object) -> Completion | None:
    """The first choice of a decoded ``chat.completion``; ``None`` for anything else."""
    if not isinstance(answer, Mapping):
        return None
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        return None
    text, logprobs, usage = message.get("content"), choice.get("logprobs"), answer.get("usage")
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    written = usage.get("completion_tokens") if isinstance(usage, Mapping) else None
    tokens = tuple(_tokens(content)) if isinstance(content, list) else ()
    return Completion(
        text if isinstance(text, str) else "",
        choice.get("finish_reason") == "stop",
        tokens,
        written if isinstance(written, int) and written > 0 else len(tokens),
    )


def _tokens(content: Iterable[object]) -> Iterable[Token]:
    for item in content:
        if isinstance(item, Mapping) and isinstance(logprob := item.get("logprob"), int | float):
            yield Token(str(item.get("token") or ""), float(logprob))


def ending_of(said: str, completion: Completion) -> Foreseen | None:
    """What ``completion`` adds to ``said``. ``None`` if it is cut off, adds nothing, or is no continuation.

    The probability is the product over the tokens of the ending that hold a letter or a digit: what is repeated of
    ``said`` needs no foresight, and punctuation is not heard. Where the tokens can't be laid over the text (damaged
    characters) all of them count, so that it is rather too low.
    """
    line = completion.text.strip(_AROUND + "\n").split("\n", 1)[0]
    begins_at = _repeated(said, line)
    ending = line[begins_at:].strip(_AROUND).lstrip(_AROUND + ".,，、。")
    if not completion.is_whole or not _is_continuation(ending):
        return None
    at = completion.text.find(line) + begins_at
    logprob = sum(token.logprob for token in _over(completion, at) if _is_heard(token.text))
    return Foreseen(ending, math.exp(min(logprob, 0.0)), completion.output_tokens)


def _is_continuation(ending: str) -> bool:
    return bool(_letters(ending)) and not _SECOND_SENTENCE.search(ending) and not _ANSWERS.match(ending)


def _is_heard(token: str) -> bool:
    """Not punctuation. A part of a sign may be written as nothing, or as U+FFFD."""
    return not token or _UNREADABLE in token or bool(_letters(token))


def _over(completion: Completion, begins_at: int) -> Sequence[Token]:
    """The tokens of the text from ``begins_at`` on, without what marks the end of the message."""
    tokens, place = completion.tokens, 0
    if not "".join(token.text for token in tokens).startswith(completion.text):
        return tokens
    kept: list[Token] = []
    for token in tokens:
        ends_at = place + len(token.text)
        if ends_at + (not token.text) > begins_at and place < len(completion.text):
            kept.append(token)
        place = ends_at
    return kept


def _repeated(said: str, line: str) -> int:
    """Where in ``line`` stands what was not said already. Case, spaces and punctuation don't count."""
    places = [place for place, letter in enumerate(line) if letter.isalnum()]
    spoken, written = _letters(said), _letters(line)
    if len(written) != len(places):  # folding made one letter two
        return 0
    for count in range(min(len(spoken), len(written)), 0, -1):
        if spoken.endswith(written[:count]) and _is_word_end(line, places[count - 1]):
            return places[count - 1] + 1
    last = spoken[-_REPEATED_LETTERS:]
    found = written.rfind(last) if len(last) == _REPEATED_LETTERS else -1
    ends_at = found + _REPEATED_LETTERS - 1
    return places[ends_at] + 1 if found >= 0 and _is_word_end(line, places[ends_at]) else 0


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum()).casefold()


def _is_word_end(line: str, place: int) -> bool:
    """Whether a word ends with the letter there. Every sign of a script without spaces ends one."""
    behind = line[place + 1 : place + 2]
    return not behind.isalnum() or not behind.isascii() or not line[place].isascii()
