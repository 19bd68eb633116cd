"""What is said while an answer is awaited: only what fits, never twice, and nothing of a thought that is private."""

from __future__ import annotations

import pytest

from realtime.filler_files import load_filler_lines
from realtime.journal_format import decode_fields, encode_fields
from scheduler.filler_lines import (
    SMALL_ENGLISH,
    FillerKind,
    FillerLines,
    RequestKind,
    all_texts,
    filler,
    request_kind,
    request_lines,
)

EN, ZH = load_filler_lines("en"), load_filler_lines("zh")
K = RequestKind
SURE = {"Sure.", "Of course.", "Certainly.", "Okay.", "All right.", "好的。", "好。", "没问题。", "当然可以。"}


def say(kind: FillerKind, request: str, lines: FillerLines = EN, said: tuple[str, ...] = (), **more: str) -> str | None:
    return filler(lines, kind, request=request, said=said, **more)  # type: ignore[arg-type]


def all_said(kind: FillerKind, request: str, lines: FillerLines) -> set[str | None]:
    return {filler(lines, kind, request=request, said=(), seed=seed) for seed in range(24)}


REQUESTS = [
    (EN, "What time is it?", K.QUESTION),
    (EN, "so um what's the weather like", K.QUESTION),
    (EN, "it's open today, isn't it", K.QUESTION),
    (EN, "You are open today?", K.QUESTION),
    (EN, "can I return it without a receipt", K.QUESTION),
    (EN, "Why is the sky blue?", K.OPEN_QUESTION),
    (EN, "what do you think about jazz", K.OPEN_QUESTION),
    (EN, "Could you book a table for two?", K.REQUEST),
    (EN, "Hello, I’d like to order a pizza", K.REQUEST),
    (EN, "please turn off the lights", K.REQUEST),
    (EN, "Play some jazz.", K.COMMAND),
    (EN, "okay tell me a joke", K.COMMAND),
    (EN, "Don't do that", K.COMMAND),
    (EN, "My order never arrived.", K.COMPLAINT),
    (EN, "Could you tell me why it's broken", K.COMPLAINT),
    (EN, "I want my money back", K.COMPLAINT),
    (EN, "This is ridiculous, you're useless", K.ANGER),
    (EN, "My father died yesterday", K.DISTRESS),
    (EN, "Could you call an ambulance", K.DISTRESS),
    (EN, "Can you tell me how to kill myself", K.DISTRESS),
    (EN, "hello", K.SMALLTALK),
    (EN, "Okay, thank you very much!", K.SMALLTALK),
    (EN, "hi, can you hear me?", K.SMALLTALK),
    (EN, "yes yes yes", K.SMALLTALK),
    (EN, "My cat is gone", K.STATEMENT),
    (EN, "When I was young we had no phones", K.STATEMENT),
    (EN, "What a lovely day", K.STATEMENT),
    (EN, "", K.STATEMENT),
    (ZH, "现在几点？", K.QUESTION),
    (ZH, "请问附近有什么好吃的", K.QUESTION),
    (ZH, "明天开门吗", K.QUESTION),
    (ZH, "为什么天是蓝的", K.OPEN_QUESTION),
    (ZH, "為什麼會下雨", K.OPEN_QUESTION),
    (ZH, "能不能帮我订一张桌子", K.REQUEST),
    (ZH, "你好，请把音乐关掉", K.REQUEST),
    (ZH, "幫我訂一張票", K.REQUEST),
    (ZH, "播放一首歌", K.COMMAND),
    (ZH, "打开客厅的灯", K.COMMAND),
    (ZH, "我的订单怎么还没到", K.COMPLAINT),
    (ZH, "我要投诉", K.COMPLAINT),
    (ZH, "你们真是垃圾", K.ANGER),
    (ZH, "我爸爸昨天去世了", K.DISTRESS),
    (ZH, "我不想活了", K.DISTRESS),
    (ZH, "好的，谢谢", K.SMALLTALK),
    (ZH, "你好，你能听到我吗？", K.SMALLTALK),
    (ZH, "我的订单号是五五二", K.STATEMENT),
    (SMALL_ENGLISH, "what time is it", K.QUESTION),
    (SMALL_ENGLISH, "Could you play some jazz", K.REQUEST),
    (SMALL_ENGLISH, "my father died", K.DISTRESS),
    (FillerLines(), "what time is it", K.STATEMENT),
]


@pytest.mark.parametrize(("lines", "request_text", "kind"), REQUESTS)
def test_requests_are_told_apart(lines: FillerLines, request_text: str, kind: RequestKind) -> None:
    assert request_kind(lines, request_text) is kind


@pytest.mark.parametrize(("lines", "request_text", "kind"), REQUESTS)
def test_an_acknowledgement_fits_or_nothing_is_said(lines: FillerLines, request_text: str, kind: RequestKind) -> None:
    said = all_said(FillerKind.ACKNOWLEDGEMENT, request_text, lines)
    if kind in (K.DISTRESS, K.ANGER, K.SMALLTALK, K.STATEMENT):
        assert said == {None}
    elif kind not in (K.REQUEST, K.COMMAND):
        assert None not in said
        assert not said & SURE
    else:
        assert said <= SURE


@pytest.mark.parametrize(("lines", "question"), [(EN, "Why is the sky blue?"), (ZH, "为什么天是蓝的")])
def test_a_question_is_called_a_good_one_rarely(lines: FillerLines, question: str) -> None:
    rare = request_lines(lines, question).rare[0]
    said = [filler(lines, FillerKind.ACKNOWLEDGEMENT, request=question, said=(), seed=seed) for seed in range(80)]
    assert said.count(rare) == 10
    assert rare not in all_said(FillerKind.ACKNOWLEDGEMENT, "what time is it" if lines is EN else "现在几点", lines)


@pytest.mark.parametrize(
    ("lines", "tool", "progress", "phrase", "later"),
    [
        (EN, "get_order", "checking your order", "Let me check your order.", "I'm still checking your order."),
        (EN, "f", "I'm checking your order…", "Let me check your order.", "I'm still checking your order."),
        (EN, "f", "look up the train", "Let me look up the train.", "I'm still looking up the train."),
        (EN, "f", "warming up the oven", "I'm warming up the oven.", "I'm still warming up the oven."),
        (EN, "f", "Your tea is brewing", "Your tea is brewing.", "Your tea is brewing."),
        (EN, "get_order", "查询您的订单", "Let me check your order.", "I'm still checking your order."),
        (EN, "searchWeb", "", "Let me look that up.", "I'm still looking that up."),
        (EN, "get_weather", "", "Let me check the weather.", "I'm still checking the weather."),
        (EN, "place_order", "", "One moment, please.", "I'm still on it."),
        (EN, "frobnicate", "", "One moment, please.", "I'm still on it."),
        (ZH, "f", "查询您的订单", "我来查询您的订单。", "还在查询您的订单。"),
        (ZH, "f", "正在查询您的订单", "我来查询您的订单。", "还在查询您的订单。"),
        (ZH, "f", "联系快递公司", "正在联系快递公司。", "还在联系快递公司。"),
        (ZH, "get_order", "checking your order", "我查一下您的订单。", "还在查您的订单。"),
        (ZH, "web_search", "", "我查一下。", "还在查。"),
    ],
)
def test_a_tool_is_told_of(lines: FillerLines, tool: str, progress: str, phrase: str, later: str) -> None:
    asked = "where is my parcel" if lines is EN else "我的包裹在哪里"
    assert say(FillerKind.PHRASE, asked, lines, tool=tool, tool_progress=progress) == phrase
    assert say(FillerKind.PROGRESS, asked, lines, tool=tool, tool_progress=progress) == later


@pytest.mark.parametrize(
    ("lines", "thought", "line"),
    [
        (EN, "I need to compare the two train connections", "I'm comparing the two train connections."),
        (EN, "Okay, so first I should look up the timetable. Then", "I'm looking up the timetable."),
        (EN, "Let me check both prices and then answer.", "I'm checking both prices."),
        (EN, "I need to compare the offers from Acme.", "I'm comparing the offers."),
        (EN, "I need to find the cheapest ticket for Anna in row 12", "I'm looking for the cheapest ticket."),
        (EN, "The two are near. I'm comparing the options now.", "I'm comparing the options."),
        (EN, "Let me check the two trains. Then I will look up the sea", "I'm checking the two trains."),
        (ZH, "我需要比较这两趟火车", "我在比较这两趟火车。"),
        (ZH, "首先，我应该查一下那几家餐厅的价格。", "我在查那几家餐厅的价格。"),
    ],
)
def test_a_thought_is_named_in_a_few_safe_words(lines: FillerLines, thought: str, line: str) -> None:
    asked = "which one is better" if lines is EN else "哪一个好"
    assert say(FillerKind.PROGRESS, asked, lines, thought=thought) == line
    assert say(FillerKind.PROGRESS, asked, lines, said=(line,), thought=thought) != line


@pytest.mark.parametrize(
    ("lines", "thought"),
    [
        (EN, "I need to find Anna Meyer in row 12."),
        (EN, "I need to look up the Miller file."),
        (EN, "Let me look up the 5 trains."),
        (EN, "I should check the user's account for fraud."),
        (EN, "I need to compare the two lies he told me."),
        (EN, "I need to check the `get_order` function."),
        (EN, "I must not check the timetable."),
        (EN, "The caller wants to compare the two trains."),
        (EN, "I need to compare the very many different and quite remarkable train connections"),
        (EN, "ot check the timetable. 12"),
        (EN, "{"),
        (EN, ""),
        (ZH, "我要查张伟的订单。"),
        (ZH, "用户想要比较这两趟火车。"),
        (ZH, "我得算一下这一百二十三块。"),
        (ZH, "我需要查这iPhone的价格。"),
        (ZH, "我不能查这个订单。"),
    ],
)
def test_any_other_thought_stays_private(lines: FillerLines, thought: str) -> None:
    asked = "which one is better" if lines is EN else "哪一个好"
    assert say(FillerKind.PROGRESS, asked, lines, thought=thought) in request_lines(lines, asked).progress


@pytest.mark.parametrize(
    ("lines", "request_text"), [(EN, "my father died"), (EN, "you are useless"), (ZH, "我爸爸去世了")]
)
def test_over_grief_and_anger_thoughts_are_not_named(lines: FillerLines, request_text: str) -> None:
    thought = "I need to compare the two options." if lines is EN else "我需要比较这两个选项。"
    line = say(FillerKind.PROGRESS, request_text, lines, thought=thought)
    assert line in request_lines(lines, request_text).progress


@pytest.mark.parametrize("lines", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("kind", list(FillerKind))
def test_no_line_is_said_twice_in_a_turn(lines: FillerLines, kind: FillerKind) -> None:
    asked = "which one is better" if lines is EN else "哪一个好"
    said: tuple[str, ...] = ()
    while (line := filler(lines, kind, request=asked, said=said, seed=len(said))) is not None:
        assert line not in said
        said = (*said, line)
    assert 3 <= len(said) < 20


def test_the_same_line_in_another_case_counts_as_said() -> None:
    assert say(FillerKind.ACKNOWLEDGEMENT, "play jazz", said=("okay", "All right")) is None


def test_over_a_written_answer_only_empty_words_are_said() -> None:
    assert all_said(FillerKind.CONTENT_FREE, "what time is it", EN) == {"Hm.", "Well,", "So,"}
    assert all_said(FillerKind.CONTENT_FREE, "my father died", EN) == {None}
    assert all_said(FillerKind.CONTENT_FREE, "现在几点", ZH) == {"嗯，", "这个嘛，", "那么，"}


def test_without_lines_nothing_is_said() -> None:
    for kind in FillerKind:
        assert (
            say(kind, "what time is it", FillerLines(), tool="f", tool_progress="checking", thought="I think") is None
        )


@pytest.mark.parametrize("lines", [EN, ZH, SMALL_ENGLISH, FillerLines()], ids=["en", "zh", "small", "none"])
def test_lines_pass_through_a_journal_and_can_be_hashed(lines: FillerLines) -> None:
    assert decode_fields(FillerLines, encode_fields(lines)) == lines
    assert hash(lines) == hash(decode_fields(FillerLines, encode_fields(lines)))


@pytest.mark.parametrize("lines", [EN, ZH, SMALL_ENGLISH], ids=["en", "zh", "small"])
def test_all_texts_hold_each_fixed_line_once(lines: FillerLines) -> None:
    texts = all_texts(lines)
    assert len(set(texts)) == len(texts)
    assert not any("{" in text or any(map(str.isdigit, text)) for text in texts)
    for request in ("what time is it", "my order never arrived", "现在几点", "我的订单怎么还没到"):
        for kind in FillerKind:
            assert all_said(kind, request, lines) <= {None, *texts}


def test_the_progress_of_known_tools_can_be_rendered_ahead() -> None:
    texts = all_texts(EN, ("checking your parcel",))
    assert texts[-2:] == ("Let me check your parcel.", "I'm still checking your parcel.")


def test_kinds_stand_in_the_same_order_in_both_languages() -> None:
    assert [found.kind for found in EN.requests] == [found.kind for found in ZH.requests] == list(RequestKind)
