"""Pure: cuts text that is still being written into sentences, each as soon as its end is certain.

Why not a library: pysbd, the best of those tried, works on whole texts and takes quadratic time (0.65 s for
20,000 characters), and a stream would have to be cut again with every token. Here each character is looked
at once, with a bounded look-ahead.

A full stop is certain when the next word has begun, "。" and "।" at once, a line break at once. A text
without any end is cut at a clause or word border after ``LONGEST_PIECE`` characters.
"""

from __future__ import annotations

import unicodedata

LONGEST_PIECE = 250
"""Characters after which a text without sentence ends is cut; about 16 s of speech."""
SHORTEST_CLAUSE = 80
"""A long text is not cut at a clause border that comes earlier than this."""
LOOK_AHEAD = 24
"""How many characters behind an end may be awaited before it is taken for one."""

_ENDS_AT_ONCE = frozenset("。｡।॥۔።။។៕᙮᠃")
_ENDS_WITHOUT_SPACE = frozenset("！？؟‼⁇⁈⁉՞")
_ENDS_BEFORE_SPACE = frozenset(".!?…։")
_ENDS = _ENDS_AT_ONCE | _ENDS_WITHOUT_SPACE | _ENDS_BEFORE_SPACE
_CLOSERS = frozenset("\"'”’»›)]}*_`~」』）】〉》〕｣”")
_CLAUSE_ENDS = frozenset(",;:，；：、،؛—–")
_CLAUSE_ENDS_WITHOUT_SPACE = frozenset("，；：、—")
_QUOTES_OPEN, _QUOTES_CLOSE = frozenset("「『｢（“"), frozenset("」』｣）”")


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEVER_LAST = _word_set(
    "mr mrs ms mx dr prof rev fr sr hon gen col maj capt cmdr lt sgt gov sen rep pres st mt ft e.g i.e eg ie cf vs viz "
    "approx ca fig figs eq vol pp ed eds trans ave blvd dept est msgr mme mlle hr nr bzw z.b d.h u.a ggf "
    "tel ext max min avg std incl excl resp op bd abb"
)
"""Abbreviations that something always follows."""
_BEFORE_NUMBERS = _word_set("no nos p ch sec art jan feb mar apr jun jul aug sep sept oct nov dec")
"""Abbreviations when a number follows, else (mostly) words."""
_MAYBE_LAST = _word_set("etc inc ltd co corp jr al a.m p.m am pm b.c a.d bros est usw")
"""Abbreviations after which a capital letter begins a new sentence."""
_STARTERS = _word_set(
    "a an and as at but by do does for he her here his how i if in is it it's its let let's my no not now of on or our "
    "she so some that the their then there these they this those to we well what when where which who why yes you your"
)
"""Words that begin sentences and hardly ever continue a name ("in the U.S. We went …")."""


class SentenceSplitter:
    """``feed`` text as it is written, ``finish`` at its end; both return the sentences that became certain.

    The pieces, one behind the other, are the text, except for white space around each of them. No piece is
    empty. Time is linear in the text, memory bounded by ``LONGEST_PIECE`` and the longest ``feed``.
    ``streamed``: ``certain`` is used; a text that is cut for its length is then cut behind all that was certain.
    """

    def __init__(self, *, streamed: bool = False) -> None:
        self._streamed = streamed
        self._text = ""
        self._start = 0
        """Where the piece begins that is being read."""
        self._scan = 0
        """The first character not judged yet."""
        self._over = False
        self._begin_piece()

    def _begin_piece(self) -> None:
        self._has_word = False
        self._quotes_open = 0

    def feed(self, text: str) -> list[str]:
        self._text = self._text[self._start :] + text
        self._scan -= self._start
        self._start = 0
        return self._pieces()

    @property
    def certain(self) -> str:
        """The beginning of the piece that is being read, as far as it surely belongs to it."""
        return self._text[self._start : self._scan].rstrip()

    @property
    def may_be_over(self) -> bool:
        """What waits ends as sentences do: when the writer pauses here to think, it may be taken for one."""
        waiting = self._text[self._start :].rstrip()
        while waiting and waiting[-1] in _CLOSERS:
            waiting = waiting[:-1]
        return bool(waiting) and waiting[-1] in _ENDS

    def finish(self) -> list[str]:
        """The last pieces. The splitter is then as new."""
        self._over = True
        pieces = self._pieces()
        rest = self._text[self._start :].strip()
        if rest:
            pieces.append(rest)
        self._text, self._start, self._scan, self._over = "", 0, 0, False
        self._begin_piece()
        return pieces

    def _pieces(self) -> list[str]:
        pieces: list[str] = []
        while self._scan < len(self._text):
            if self._scan == self._start and self._text[self._scan].isspace():
                self._start = self._scan = self._scan + 1
                continue
            end = self._end_at(self._scan)
            if end is None:
                break
            if end:
                self._emit(end, pieces)
            else:
                self._pass(self._text[self._scan])
            if self._scan - self._start > LONGEST_PIECE:
                piece = self._text[self._start : self._scan]
                self._emit(self._start + (len(piece) if self._streamed else _long_cut(piece)), pieces)
        return pieces

    def _pass(self, character: str) -> None:
        self._scan += 1
        self._has_word = self._has_word or character.isalnum()
        if character in _QUOTES_OPEN:
            self._quotes_open += 1
        elif character in _QUOTES_CLOSE:
            self._quotes_open = max(0, self._quotes_open - 1)

    def _emit(self, end: int, pieces: list[str]) -> None:
        piece = self._text[self._start : end].strip()
        if piece:
            pieces.append(piece)
        self._start = end
        self._scan = max(self._scan, end)
        self._begin_piece()
        self._has_word = any(character.isalnum() for character in self._text[end : self._scan])

    def _end_at(self, place: int) -> int | None:
        """Where the sentence ends if it ends at ``place``; 0: it does not; ``None``: more text must tell."""
        character = self._text[place]
        if character == "\n":
            return place + 1 if self._has_word else 0
        if character not in _ENDS or not self._has_word:
            return 0
        if place > self._start and self._text[place - 1] in _ENDS:
            return 0  # the run of ends that this one belongs to has been judged already
        after = self._after_run(place)
        if after is None:
            return None
        if character in _ENDS_AT_ONCE:
            return 0 if self._quotes_open and not _closes_quote(self._text[place:after]) else after
        if character in _ENDS_WITHOUT_SPACE:
            return after
        return self._end_before_space(place, after)

    def _after_run(self, place: int) -> int | None:
        """Where the ends and closing quotes that begin at ``place`` are over."""
        after = place + 1
        if self._text[place] in _ENDS_AT_ONCE and not self._quotes_open:
            return after
        while after < len(self._text) and (self._text[after] in _ENDS or self._text[after] in _CLOSERS):
            after += 1
            if after - self._start > LONGEST_PIECE:
                return after
        if after < len(self._text) or self._over:
            return after
        return None

    def _end_before_space(self, place: int, after: int) -> int | None:
        following = after
        while following < len(self._text) and self._text[following].isspace():
            if self._text[following] == "\n" or following - after > LOOK_AHEAD:
                return after
            following += 1
        if following >= len(self._text):
            return after if self._over else None
        if following == after:
            return after if _is_unspaced(self._text[after]) and self._text[place] != "." else 0
        if self._text[place : place + 2] == ".." or self._text[place] == "…":
            return 0 if self._text[following].islower() else after
        if self._text[place] != ".":
            return 0 if self._text[following].islower() and after > place + 1 else after
        return self._end_at_full_stop(place, after, following)

    def _end_at_full_stop(self, place: int, after: int, following: int) -> int | None:
        word = _word_before(self._text, self._start, place)
        lower, next_character = word.lower(), self._text[following]
        if self._is_list_number(place) or lower in _NEVER_LAST:
            return 0
        if lower in _BEFORE_NUMBERS:
            return 0 if next_character.isdigit() else after
        if lower in _MAYBE_LAST:
            return after if next_character.isupper() or next_character in "\"“'" else 0
        if _is_initial(word) or ("." in word and all(len(part) == 1 for part in word.split("."))):
            return self._end_after_initials(word, after, following)
        if next_character.islower() and (after > place + 1 or len(word) < 2):
            return 0
        return after

    def _end_after_initials(self, word: str, after: int, following: int) -> int | None:
        """ "J. R. Smith" goes on, "in the U.S. We …" and "so do I. Then …" do not."""
        if not self._text[following].isupper():
            return 0
        end = following
        while end < len(self._text) and (self._text[end].isalpha() or self._text[end] in "'’"):
            end += 1
            if end - following > LOOK_AHEAD:
                break
        if end == len(self._text) and not self._over:
            return None
        next_word = self._text[following:end].lower().replace("’", "'")
        ended = self._text[end : end + 1] != "." and next_word in _STARTERS
        return after if ended or (word == "I" and len(next_word) > 1) else 0

    def _is_list_number(self, place: int) -> bool:
        marker = self._text[self._start : place].strip(" \t*_#-(")
        return 0 < len(marker) <= 2 and marker.isdigit()


def _closes_quote(run: str) -> bool:
    return any(character in _QUOTES_CLOSE for character in run)


def _word_before(text: str, start: int, place: int) -> str:
    begin = place
    while begin > start and (text[begin - 1].isalnum() or text[begin - 1] in ".-'’") and place - begin < LOOK_AHEAD:
        begin -= 1
    return text[begin:place]


def _is_initial(word: str) -> bool:
    return len(word) == 1 and word.isupper()


def _is_unspaced(character: str) -> bool:
    """Scripts that put no space between sentences: Han, Kana, Thai, Lao, Khmer, Burmese."""
    return "\u2e80" <= character <= "\u9fff" or "\u0e00" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"


def _long_cut(piece: str) -> int:
    """Where to cut a piece that has grown too long: behind a clause, else a word, else between two characters."""
    for place in range(len(piece) - 1, SHORTEST_CLAUSE, -1):
        if piece[place - 1] in _CLAUSE_ENDS_WITHOUT_SPACE or (
            piece[place - 1] in _CLAUSE_ENDS and piece[place].isspace()
        ):
            return place
    for place in range(len(piece) - 1, 0, -1):
        if piece[place].isspace():
            return place
    for place in range(len(piece) - 1, len(piece) - LOOK_AHEAD, -1):
        if not _joins_left(piece[place]) and piece[place - 1] != "\u200d":
            return place
    return len(piece) - 1


def _joins_left(character: str) -> bool:
    """Combining marks, variation selectors, joiners and skin tones belong to the character before them."""
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") or "\U0001f3fb" <= character <= "\U0001f3ff"
