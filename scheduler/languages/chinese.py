"""Pure: what speakers of Mandarin add to what they say, and how they take it back.

Each character is a word. Lists are in simplified characters, with the traditional ones where they differ. Particles
that turn a statement into a question (吗, 吧 behind a statement, 呢 behind a noun) are never dismissed.
"""

from __future__ import annotations

from scheduler.languages.chinese_numbers import PERCENT, read_numbers
from scheduler.languages.pack import MARK, LanguagePack, Opener, Tail, Words, by_last_word, phrase_table
from scheduler.words import word_set


def _phrases(text: str) -> tuple[Words, ...]:
    """Phrases with spaces between them, as the number reader leaves them ("等一下" has a 1)."""
    return tuple(tuple(read_numbers(tuple(phrase))) for phrase in text.split())


def _characters(text: str) -> frozenset[str]:
    return frozenset(text) - {" "}


_RESPELLINGS: dict[str, Words] = {
    "您": ("你",),
    "她": ("他",),  # these sound alike: recognisers take one for the other
    "它": ("他",),
    "ok": ("okay",),
}

_SAYING = _characters("说說诉訴写寫译譯讲講念唸道叫喊复複復信发發唱歌曲播放听聽词詞字读讀句声聲拼翻问問搜")
"""Where one of these stands, a 谢谢 may be what is said, written, played or looked up."""
_BINDING = _characters(
    "不用要想的和跟与與是去来來好对對向表示没沒别別再先得应應会會都也还還给給替帮幫代你很太真么麼怎为為该該他们們"
)

_TAILS = (
    *(
        Tail(words, never_after=_BINDING, never_with=_SAYING)
        for words in _phrases("谢谢 多谢 谢了 谢谢了 非常感谢 謝謝 多謝 謝了 謝謝了 非常感謝")
    ),
    *(
        Tail(words, never_after=_BINDING | {"我"}, never_with=_SAYING)
        for words in _phrases("谢谢你 多谢你 谢谢你了 謝謝你 多謝你 謝謝你了")
    ),
    # Without a pause before it "麻烦" may be a trouble, and "拜托" a plea to somebody else.
    *(
        Tail(words, only_after=frozenset({MARK}), never_after=_BINDING | {"我"}, never_with=_SAYING)
        for words in _phrases("麻烦你了 拜托了 拜托你了 辛苦了 麻煩你了 拜託了 拜託你了")
    ),
    *(Tail(words, never_after=_characters("哎天妈媽呀啊阿哦")) for words in _phrases("啊 呀")),
    # "北京呢" asks anew: only behind what asks already.
    Tail(
        ("呢",),
        only_after=_characters("谁誰")
        | {"么 样", "麼 樣", "什 么", "甚 麼", "么 办", "麼 辦", "哪 里", "哪 裡", "多 少"},
    ),
    # "酒吧" is a bar, and behind a statement "吧" asks: only behind these, in a request.
    Tail(
        ("吧",), only_after=_characters("了下我他去来來过過起定订訂查看掉消开開关關位号號点點"), only_in_requests=True
    ),
)

_REQUESTS = _phrases(
    "帮我 请 给我 我要 我想 麻烦 替我 幫我 請 給我 麻煩 你帮我 你能 你可以 能不能 可以帮我 取消 打开 关掉 查 订 打開 關掉 訂"
)

_OPENERS = (
    *(Opener(words, ()) for words in _phrases("请问 請問")),
    *(
        Opener(words, _phrases("帮 给我 把 告诉 问 幫 給我 告訴 問")) for words in _phrases("请 請")
    ),  # "请客" is a treat, "请假" a leave
    *(Opener(words, _phrases("你帮 帮 给我 你给我 你幫 幫 給我 你給我")) for words in _phrases("麻烦 麻煩")),
    *(
        # "那个，多少钱" may ask the price of that one.
        Opener(words, _phrases("请问 我想问 你好 請問 我想問"), min_words_behind=4)
        for words in _phrases("那个 那个那个 那個 这个 這個")
    ),
    Opener(("你", "好"), _phrases("请问 我想 我要 帮我 麻烦 請問 幫我 麻煩"), min_words_behind=4),
)

_ANSWERS = _characters("是对對好行可以不要用没沒有了的嗯真这這那样樣吗嗎吧算知道我你能会會谢謝啊哦okay")

_REPAIRS = _phrases(
    """不对 我是说 我的意思是 我说错了 说错了 错了 搞错 弄错 算了 哦不 啊不 噢不 改成 改到 改为 换成 换到 更正 口误 不好意思
    对不起 抱歉 等等 等一下 等下 不不 还是算 我是指 应该是 不是不是 其实 收回
    不對 我是說 我說錯了 說錯了 錯了 搞錯 弄錯 改為 換成 換到 口誤 對不起 還是算 應該是 其實"""
)
_REPAIR_BEGINNINGS = _phrases("不 但不 但是不 别 慢着 还是 而是 改 换 应该 错 没 除了 別 慢著 還是 換 應該 錯 沒")

_SLOTS = (
    r"(?:[上下这這本] 个? ?)?(?:星 期|礼 拜|禮 拜|周|週) (?:\d|天|日)",
    "[今明后後昨前] 天",
    "(?:早 上|上 午|中 午|下 午|晚 上|傍 晚|凌 晨)",
    "[大中小] 杯",
)

_LIGHT = _characters("好的嗯我来來帮幫你为為给給请請让讓先这這就马馬上现現在替那个個了1")

CHINESE = LanguagePack(
    respellings=_RESPELLINGS,
    phrases=phrase_table([(tuple(PERCENT), (PERCENT,))]),
    read_numbers=read_numbers,
    hesitations=_characters("嗯呃唔") | word_set("um uh umm uhh hmm"),
    fillers=tuple((sound,) for sound in "啊哦哎额額"),
    stutters=_characters("我你他那这這"),
    openers=_OPENERS,
    tails=by_last_word(_TAILS),
    requests=_REQUESTS,
    answers=_ANSWERS,
    listeners=_characters("我"),
    repairs=_REPAIRS,
    repair_beginnings=_REPAIR_BEGINNINGS,
    lead_ins=_characters("哦啊哎呀那喔噢唉"),
    slots=_SLOTS,
    slot_leads=_characters("在到去从從"),
    light=_LIGHT,
    synonyms=phrase_table(
        [
            (words, ("查",))
            for words in _phrases("查一下 查一查 查查 查询一下 查询 看一下 看看 看一看 查看 查詢一下 查詢")
        ]
        + [
            (words, ("等",))
            for words in _phrases("稍等 稍等一下 等一下 稍候 等等 稍等片刻 请稍等 請稍等 請稍候 请稍候")
        ]
    ),
)
