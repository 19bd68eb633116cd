"""Pure: how hard to think about a request (rule 8), and what that may cost.

Thinking delays the first word, so most of a spoken conversation is answered at once (``reflex``). A few hundred tokens
(``considered``) are spent where a first thought is often wrong: conditions, arithmetic, comparisons, "why" and "how",
plans. Thousands (``deep``) only where the user asks for care, or the matter does: law, medicine, proofs, programs. An
answer that said "I don't know" to a user who asks again is thought about one level harder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scheduler.commands import Effort
from scheduler.words import bare_words, word_set
from think_loop.language_model import Message


@dataclass(frozen=True, slots=True)
class EffortBudget:
    """``reasoning_tokens``: what is aimed at. ``max_output_tokens``: of all that is written, thoughts included; far
    above the aim, since few servers hold a model to it, and an answer cut off inside a thought is none."""

    reasoning_tokens: int
    max_output_tokens: int


_BUDGETS = {
    Effort.REFLEX: EffortBudget(0, 2000),
    Effort.CONSIDERED: EffortBudget(400, 4000),
    Effort.DEEP: EffortBudget(4000, 12_000),
}


def budget(effort: Effort) -> EffortBudget:
    """2,000 tokens are ten minutes of speech, which only an engine that runs away writes; 400 tokens of thought take 4 to 8 s at 50 to 100 tokens a second."""
    return _BUDGETS[effort]


def token_limit(effort: Effort, asked: int | None) -> int:
    """The most tokens an engine may write. ``asked``: a limit of the client or the settings, which is meant for what is
    said: what the effort may think comes on top."""
    most = budget(effort).max_output_tokens
    return most if asked is None else asked + most - budget(Effort.REFLEX).max_output_tokens


class EffortRouter(Protocol):
    """Chooses the effort of an answer that nobody chose for. Runs in the session's loop, so it must be quick."""

    def choose(self, request: str, history: Sequence[Message]) -> Effort:
        """``request``: the user's words. ``history``: what stands before them, system messages included."""
        ...


class RuleRouter:
    """By words, in English and Chinese. Other languages are judged by length and marks alone."""

    def choose(self, request: str, history: Sequence[Message]) -> Effort:
        return _level_in(request, _turns(history)[-_LOOKS_BACK:])


_LEVELS = (Effort.REFLEX, Effort.CONSIDERED, Effort.DEEP)
_LOOKS_BACK = 3
"""Turns back to where the user first asked: two raises are the most there are."""
_LONG = 30
"""Words (characters, in scripts without spaces) from which a request has more than one thing in it."""
_READ = 300
"""Characters of a long request that are read at each end: more would take too long in the session's loop."""
_SAME = 0.5
"""Share of the words that say something that two wordings of one question have in common; tuned on the tests."""
_NUMBER = r"(?:\d+(?:[.,]\d+)*|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred|thousand|million|half)(?:[ -]\w+){0,3}?)"


def _pattern(*parts: str) -> re.Pattern[str]:
    """Any of the parts; those in Latin script as whole words."""
    return re.compile("|".join(part if re.search(r"[\u4e00-\u9fff]", part) else rf"\b(?:{part})\b" for part in parts))


_SMALL_TALK = _pattern(
    r"how are you|how's it going|how do you do|what's up|how have you been|how's your day|nice to meet you",
    r"how old are you|what's your name|who are you|thank you|thanks",
    r"你好吗|最近怎么样|你怎么样|过得怎么样|你叫什么|你是谁|谢谢|多谢",
)
_SHORT_FACT = _pattern(
    r"^(?:and |so |um |uh |well )*how (?:late|far|long|tall|old|big|high|deep|heavy|hot|cold|warm|fast|expensive)"
    r"(?: \w+){1,6}$",
    r"^(?:and |so |um |uh |well )*how (?:much|many) (?:\w+ ){0,2}(?:is|are|does|do|did|was|were)(?: \w+){1,4}$",
    r"how do you (?:say|spell|pronounce)|how is (?:it|that) (?:spelled|pronounced)",
    r"怎么(?:说|念|读|写)$|怎么样$",
)
_DEEP = _pattern(
    r"think (?:very |really )?(?:carefully|hard|hard about|deeply|it through|this through|it over)|take your time|be thorough",
    r"step by step|in (?:great )?detail|in depth|think twice|double check everything|weigh (?:up )?(?:all|the) (?:options|pros)",
    r"prove|proof|theorem|derive|derivation|integral|equations?",
    r"write (?:me )?(?:a |an |some |the )?(?:\w+ ){0,3}(?:code|program|function|script|query|algorithm)|debug|refactor|"
    r"time complexity|regular expression|stack trace|segmentation fault",
    r"lawsuit|sue|contract|liable|liability|legal|legally|illegal|lawyer|in court|court (?:case|date|order)|custody|tenant|landlord|eviction|"
    r"inheritance|tax return|terminated without notice",
    r"symptoms?|diagnosis|diagnosed|dosage|side effects?|interact with|overdose|medication|medicine together|"
    r"blood pressure|chest pain|prescription|antibiotics?",
    r"(?:plan|organi[sz]e|schedule) (?:\w+ ){0,4}(?:trip|tour|journey|wedding|move|conference|project|holiday|vacation)|"
    r"business plan|itinerary|training plan|study plan|meal plan|investment plan",
    r"仔细想|仔細想|好好想|认真想|認真想|深入|慢慢想|想清楚|想仔细|一步一步|一步步|逐步|详细分析|詳細分析|全面分析",
    r"证明|證明|定理|推导|推導|积分|積分|方程",
    r"写.{0,8}(?:代码|程序|函数|脚本|算法)|寫.{0,8}(?:程式|代碼|函數|腳本|演算法)|调试|調試|重构|时间复杂度|正则表达式",
    r"起诉|起訴|官司|合同|违约|違約|律师|律師|法院|法律|赔偿责任|遗产|遺產|抚养权|撫養權|房东|仲裁|报税",
    r"症状|症狀|诊断|診斷|剂量|劑量|副作用|处方|處方|药.{0,6}一起|藥.{0,6}一起|血压|血壓|胸口?痛|抗生素|服药",
    r"(?:规划|規劃|计划|計劃|安排).{0,12}(?:旅行|旅游|行程|婚礼|婚禮|搬家|项目|項目)|商业计划|商業計劃|学习计划|訓練計劃|训练计划",
)
_ARITHMETIC = _pattern(
    rf"{_NUMBER} ?(?:plus|minus|times|divided by|multiplied by|percent of|per cent of|squared|to the power|[-+*/x×÷%^]) ?"
    r"(?:of )?\w*",
    r"calculate|add up",
    r"[\d一二三四五六七八九十百千万]+(?:加上?|减去?|減去?|乘以?|除以|的平方|的百分之|[-+*/×÷])|百分之|计算|計算|一共|总共|總共|平均|平方根|算一下|算算|等于多少|等於多少",
)
_CONSIDERED = _pattern(
    r"why|how come|how (?:do|does|did|can|could|should|would|will|might|is|are|was|were|to|many|much|long)|what (?:if|would happen)|explain|reason",
    r"compare|comparison|versus|vs|difference between|better|best|cheaper|cheapest|faster|fastest|which (?:one|of)|"
    r"pros and cons|rather than|or should|more than|less than|recommend|suggest|advice|advise|should (?:i|we)|worth it",
    r"compute|average|percentage|square root|factorial|split the bill|work out|in total|altogether",
    r"plan|organi[sz]e|prepare|strategy|steps|decide|choose|figure out|solve|riddle|puzzle|summari[sz]e|translate",
    r"为什么|為什麼|为何|為何|为啥|怎么|怎麼|怎样|怎樣|如何|什么原因|解释|解釋|原因|如果.{0,12}会",
    r"比较|比較|对比|對比|区别|區別|不同|更好|更便宜|更快|最好|最便宜|最快|哪个更|哪個更|哪一个|哪一個|还是|還是|优缺点|優缺點|推荐|推薦|建议|建議|应该|應該|该不该|值得",
    r"计划|計劃|规划|規劃|准备|準備|安排|策略|步骤|步驟|决定|決定|选择|選擇|谜语|謎語|总结|總結|翻译|翻譯",
)
_CONDITION = _pattern(
    r"if|unless|but (?:not|only|without)|without|except|as long as|provided|at least|at most|no more than|before|after|"
    r"by|under|less than|more than|between|within|and also|either|both",
    r"如果|要是|假如|除非|但是|但不|不要|除了|只要|至少|最多|不超过|不超過|之前|之后|之後|以前|以后|以後|以内|以內|以下|之间|之間|而且|并且|並且|同时|同時",
)
_CONDITIONS = 2
_UNKNOWING = _pattern(
    r"(?:i|we) (?:really |actually |still |just |simply |honestly )?(?:do not|don't|didn't|can't|cannot|could not|couldn't) (?:really |actually )?(?:know|say|tell|remember|answer|find|figure|be sure)",
    r"i'm not (?:really |entirely |quite |completely )?(?:sure|certain)|i am not (?:sure|certain)|i have no idea|no idea|not sure|"
    r"i'm unsure|hard to say|i'm afraid i (?:can't|don't)|beyond my knowledge",
    r"不知道|不清楚|不确定|不確定|不太确定|说不准|說不準|不了解|不太清楚|没法回答|沒法回答|无法回答|無法回答|答不上来|很难说|很難說|没有把握",
)
_INSISTING = _pattern(
    r"(?:try|think|check|look|guess|ask) (?:it |that |about it |about that )?(?:again|harder|once more|more carefully)|are you sure|really|"
    r"come on|think about it|you must know|you should know|surely you|you do know|please try|give it a try|try",
    r"take a guess|your best guess|what's your guess|i need to know|i really need|but (?:i|you|there|what|why|how|it)|can't you|find out|at least",
    r"再想|再试|再試|再查|再看|再算|仔细|你确定|你確定|真的吗|真的嗎|猜|拜托|想想办法|想想辦法|你肯定知道|你应该知道|你應該知道|试试|試試|可是|但是|努力|查清楚",
)
_EMPTY_WORDS = word_set(
    "a an the and or of in on at to for with by from is are was were be do does did can could will would should i you he "
    "she it we they me my your his her our their this that what who where when which why how so well um uh please tell know "
    "的 了 吗 呢 是 我 你 他 她 它 们 在 有 和 这 那 什 么 不 请 一 个 知 道"
)


def _level_in(request: str, turns: Sequence[tuple[str, str]]) -> Effort:
    """The level of a request behind ``turns`` (what was asked, what was answered)."""
    own = _level(request)
    if not turns:
        return own
    asked, answer = turns[-1]
    if not (_has(_UNKNOWING, answer) and _asks_again(request, asked)):
        return own
    earlier = _level_in(asked, turns[:-1])
    return max(own, _raised(earlier), key=_LEVELS.index)


def _level(request: str) -> Effort:
    if len(request) > 2 * _READ:
        request = f"{request[:_READ]} {request[-_READ:]}"
    text = " ".join(request.replace("’", "'").casefold().split()).strip(" .?!。？！")
    if _DEEP.search(text):
        return Effort.DEEP
    if _ARITHMETIC.search(text):
        return Effort.CONSIDERED
    words = bare_words(text)
    if (_SMALL_TALK.search(text) and len(words) <= 10) or _SHORT_FACT.search(text):
        return Effort.REFLEX
    conditions = len(_CONDITION.findall(text))
    if _CONSIDERED.search(text) or conditions >= _CONDITIONS or len(words) >= _LONG:
        return Effort.CONSIDERED
    return Effort.REFLEX


def _raised(effort: Effort) -> Effort:
    return _LEVELS[min(_LEVELS.index(effort) + 1, len(_LEVELS) - 1)]


def _has(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text.replace("’", "'").casefold()) is not None


def _asks_again(request: str, asked: str) -> bool:
    if _has(_INSISTING, request):
        return True
    new, old = set(bare_words(request)) - _EMPTY_WORDS, set(bare_words(asked)) - _EMPTY_WORDS
    return bool(new and old) and len(new & old) / min(len(new), len(old)) >= _SAME


def _turns(history: Sequence[Message]) -> list[tuple[str, str]]:
    """What was asked, and what was said to it, in order; turns nobody answered are left out."""
    turns: list[tuple[str, str]] = []
    asked = ""
    for message in history:
        if message.role == "user":
            asked = message.text
        elif message.role == "assistant" and message.text and asked:
            turns.append((asked, message.text))
    return turns
