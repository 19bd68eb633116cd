// Pure: every sentence of the score, in English and Chinese, and its turns in words.

import { ScoreModel } from "./score_model.js";

const en = {
  heard: "heard",
  thought: "thought",
  said: "said",
  now: "now",
  score: "Score of the call",
  help: "Arrow left and right scroll, plus and minus zoom, Home goes to the beginning, End back to now, arrow up and down walk through the marks.",
  back: "Back to now",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  turns: "Turns of the call",
  nothing: "Nothing has been said yet.",
  item: "At {at}, heard: {text}. {outcome}. {gap}",
  itemTyped: "At {at}, typed: {text}. {outcome}. {gap}",
  itemGap: "First sound after {ms} ms.",
  itemAnswer: "Said: {text}",
  gap: "First sound {ms} ms after the end of the words",
  substance: "the answer itself after {ms} ms",
  stretto: "stretto {amount}",
  strettoTitle: "The answer was begun {ms} ms before the words had ended",
  turn: "Heard: {text}",
  listening: "…",
  typed: "Typed: {text}",
  word: "{text}",
  tentative: "{text} (may still change)",
  lasted: "{seconds} s",
  newCall: "A new call",
  answer: "Said: {text}",
  filler: "filler: {text}",
  unheard: "not heard: {text}",
  bargeIn: "The user cut in",
  cut: "Cut off",
  backchannel: "Listening: {text}",
  silence: "Silent by choice",
  basis: "for: “{text}”",
  thinks: "thinks: {text}",
  tool: "Tool {name}",
  failed: "failed",
  running: "running",
  foreseenDraft: "draft for a foreseen end",
  purpose_answer: "answer",
  purpose_opening: "opening",
  purpose_report: "report",
  purpose_nudge: "nudge",
  purpose_draft: "draft",
  purpose_notes: "notes",
  purpose_foresight: "foresees",
  purpose_afterthought: "afterthought",
  fate_open: "open",
  fate_frozen: "stopped and kept",
  fate_verified: "still holds, another goes on",
  fate_promoted: "became the answer",
  fate_abandoned: "thrown away",
  reason_extended: "the words went on",
  reason_contradicted: "contradicted",
  reason_not_confirmed: "not confirmed",
  reason_not_verified: "not verified",
  reason_no_room: "no room",
  reason_failed: "failed",
  reason_cleared: "cleared",
  reason_closing: "closing",
  reason_turn_ended: "turn ended",
  reason_stopped: "stopped",
  outcome_answered: "answered",
  outcome_silent: "silent by choice",
  outcome_rejoined: "the user went on",
  outcome_cancelled: "cancelled",
  outcome_failed: "failed",
  outcome_call_ended: "the call ended",
  exportTitle: "What was heard, thought and said",
};

/** @type {Record<keyof typeof en, string>} */
const zh = {
  heard: "听",
  thought: "思",
  said: "说",
  now: "现在",
  score: "通话总谱",
  help: "左右方向键滚动,加减号缩放,Home 回到开头,End 回到现在,上下方向键逐个查看。",
  back: "回到现在",
  zoomIn: "放大",
  zoomOut: "缩小",
  turns: "各轮对话",
  nothing: "还没有人说话。",
  item: "{at},听到:{text}。{outcome}。{gap}",
  itemTyped: "{at},键入:{text}。{outcome}。{gap}",
  itemGap: "{ms} 毫秒后出声。",
  itemAnswer: "说:{text}",
  gap: "话音结束 {ms} 毫秒后出声",
  substance: "{ms} 毫秒后开始正式回答",
  stretto: "紧接 {amount}",
  strettoTitle: "话未说完,提前 {ms} 毫秒开始构思回答",
  turn: "听到:{text}",
  listening: "…",
  typed: "键入:{text}",
  word: "{text}",
  tentative: "{text}(可能还会变)",
  lasted: "{seconds} 秒",
  newCall: "新的通话",
  answer: "说:{text}",
  filler: "过渡语:{text}",
  unheard: "未听到:{text}",
  bargeIn: "被用户打断",
  cut: "中断",
  backchannel: "附和:{text}",
  silence: "选择沉默",
  basis: "依据:“{text}”",
  thinks: "想:{text}",
  tool: "工具 {name}",
  failed: "失败",
  running: "进行中",
  foreseenDraft: "为预料的结尾起草",
  purpose_answer: "回答",
  purpose_opening: "开场",
  purpose_report: "汇报",
  purpose_nudge: "提醒",
  purpose_draft: "草稿",
  purpose_notes: "笔记",
  purpose_foresight: "预料",
  purpose_afterthought: "回想",
  fate_open: "未定",
  fate_frozen: "停下并保留",
  fate_verified: "仍成立,由另一稿接续",
  fate_promoted: "成为回答",
  fate_abandoned: "丢弃",
  reason_extended: "话还没完",
  reason_contradicted: "与后文矛盾",
  reason_not_confirmed: "未被证实",
  reason_not_verified: "未通过核对",
  reason_no_room: "没有余量",
  reason_failed: "失败",
  reason_cleared: "已清除",
  reason_closing: "正在结束",
  reason_turn_ended: "本轮已结束",
  reason_stopped: "已停止",
  outcome_answered: "已回答",
  outcome_silent: "选择沉默",
  outcome_rejoined: "用户接着说",
  outcome_cancelled: "已取消",
  outcome_failed: "失败",
  outcome_call_ended: "通话结束",
  exportTitle: "听到、想到、说出的",
};

/** Sentences of the score; {names} are filled in. */
export const SCORE_STRINGS = { en, zh };

/** Fills in the {names} of a sentence. @param {string} text @param {Record<string, string | number>} values */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The turns as sentences. @param {ScoreModel} model @param {Record<string, string>} strings */
export function turnLines(model, strings) {
  const answers = saidIn(model, strings);
  return model.turns.map((turn) => {
    const ms = ScoreModel.gapMs(turn);
    const outcome = (turn.outcome && strings[`outcome_${turn.outcome}`]) || strings.running;
    const gap = ms === null ? "" : fill(strings.itemGap, { ms });
    const words = answers.get(turn)?.join(" ") ?? "";
    const text = turn.transcript || strings.listening;
    const item = turn.typed ? strings.itemTyped : strings.item;
    return `${fill(item, { at: clock(turn.start), text, outcome, gap })} ${words}`.replace(/\s+/g, " ").trim();
  });
}

/** What was heard of the answers, by turn. @param {ScoreModel} model @param {Record<string, string>} strings */
function saidIn(model, strings) {
  /** @type {Map<import("./score_model.js").Turn, string[]>} */
  const answers = new Map();
  for (const { heard, thinkId } of model.utterances) {
    const turn = model.turnOfThink(thinkId);
    if (heard && turn) answers.set(turn, [...(answers.get(turn) ?? []), fill(strings.itemAnswer, { text: heard })]);
  }
  return answers;
}
