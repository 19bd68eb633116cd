// The score in the page: marks of the layout as SVG, on strips that move with time.
// A frame only moves the strips; shapes are laid out anew when there is news, at most ten times a second.

import { layout } from "./score_layout.js";
import { classes, lanes, names, staves } from "./score_shapes.js";
import { dressShapes } from "./score_style.js";
import { SCORE_STRINGS, turnLines } from "./score_text.js";

export { SCORE_STRINGS };

/** @typedef {import("./score_model.js").ScoreModel} ScoreModel */
/** @typedef {import("./score_pen.js").Mark} Mark */
/** @typedef {import("./score_shapes.js").Part} Part */

const SVG = "http://www.w3.org/2000/svg";
const LAYOUT_SECONDS = 0.1;
/** Something may have begun to go on of which nothing is told. */
const RENEW_SECONDS = 2;
const LIST_SECONDS = 4;
const COMPACT_BELOW_PX = 620;
const ZOOMS = [3, 6, 12, 25, 45, 64, 80, 100, 130, 170, 240, 360];
/** The origin of x moves in such steps, so that shapes stay as they are while the window moves. */
const ORIGIN_SECONDS = 60;

export class ScoreView {
  /**
   * @param {HTMLElement} host gets the class "score"
   * @param {ScoreModel} model
   * @param {Record<string, string>} [strings] `SCORE_STRINGS.en`, or your own with these keys
   * @param {{clock?: () => number, low?: MediaQueryList}} [options] `clock`: the time of the
   *   arrivals that the model is told, in seconds; `low`: when there is room for the compact score only
   */
  constructor(host, model, strings = SCORE_STRINGS.en, { clock: now = () => performance.now() / 1000, low } = {}) {
    dressShapes();
    this.host = host;
    this.model = model;
    /** @type {Record<string, string>} */
    this.strings = { ...SCORE_STRINGS.en, ...strings };
    this.clock = now;
    this.low = low;
    this.live = false;
    this.following = true;
    /** The time at the now line, where it is not now. */
    this.lookAt = 0;
    this.zoom = 130;
    this.origin = 0;
    this.laidOutAt = -Infinity;
    this.laidOutVersion = -1;
    this.listedAt = -Infinity;
    this.listedVersion = -1;
    /** @type {{from: number, to: number}} */
    this.covered = { from: 0, to: -1 };
    /** @type {Map<string, Drawn>} */
    this.drawn = new Map();
    this.frame = 0;
    this.onScreen = true;
    /** Milliseconds of script per frame, for whoever measures. */
    this.cost = { frames: 0, milliseconds: 0 };
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.moved = "";
    this.width = 0;
    this.compact = false;
    this.lane = lanes(false);
    this.left = 0;
    this.nowX = 0;
    /** Where each finger, or the mouse, that is down was last. @type {Map<number, number>} */
    this.fingers = new Map();
    /** @type {{x: number, moved: boolean} | undefined} */
    this.draggedFrom = undefined;
    this.view = element("div", "score-view", { tabindex: "0", role: "group" });
    this.lines = shape("svg", { "aria-hidden": "true" });
    this.clip = element("div", "score-clip", { "aria-hidden": "true" });
    // boxes move, not the drawings in them: those would be laid out anew with each step
    this.strips = [element("div", "score-strip"), element("div", "score-strip")];
    this.bars = shape("svg", { width: 1, height: 1, "aria-hidden": "true" });
    this.ink = shape("svg", { width: 1, height: 1 });
    this.layers = { back: shape("g", {}), bars: this.bars, ink: shape("g", {}) };
    this.margin = shape("svg", { class: "score-margin", "aria-hidden": "true" });
    this.nowLine = element("div", "score-now", { "aria-hidden": "true" });
    this.nowLabel = element("span", "score-now-label", { "aria-hidden": "true" });
    this.dots = ["heard", "thought", "said"].map((voice) => element("i", "", { "data-voice": voice }));
    this.tip = element("div", "score-tip", { "aria-hidden": "true" });
    this.backButton = element("button", "score-back", { type: "button" });
    this.list = element("ol", "score-unseen");
    this.stopListening = new AbortController();
    this.sizes = new ResizeObserver(() => this.resize());
    this.sight = new IntersectionObserver(([entry]) => {
      this.onScreen = entry.isIntersecting;
      this.schedule();
    });
    this.build();
    this.listen();
    this.resize();
  }

  // --- from outside -------------------------------------------------------------------------------

  /** The call runs: now moves. */
  start() {
    this.live = true;
    this.toNow();
    this.schedule();
  }

  /** The call is over: the score stands at its end. */
  stop() {
    this.live = false;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.refresh(this.clock());
  }

  /** Draws what there is. @param {number} nowSeconds the page's clock */
  refresh(nowSeconds) {
    this.laidOutAt = -Infinity;
    this.listedAt = -Infinity;
    this.draw(nowSeconds);
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.live = false;
    this.stopListening.abort();
    this.sizes.disconnect();
    this.sight.disconnect();
    this.host.classList.remove("score");
    this.host.replaceChildren();
  }

  // --- the frame of the picture -------------------------------------------------------------------

  build() {
    const { strings } = this;
    const help = element("p", "score-unseen");
    help.id = `score-help-${Math.random().toString(36).slice(2)}`;
    help.textContent = strings.help;
    this.view.setAttribute("aria-label", strings.score);
    this.view.setAttribute("aria-describedby", help.id);
    this.ink.append(flowGradient(), this.layers.back, this.layers.ink);
    this.nowLabel.textContent = strings.now;
    this.nowLine.append(...this.dots);
    this.strips[0].append(this.bars);
    this.strips[1].append(this.ink);
    this.clip.append(this.strips[0]);
    this.view.append(this.lines, this.clip, this.nowLine, this.strips[1], this.nowLabel, this.margin);
    const title = element("h3", "score-unseen");
    title.textContent = strings.turns;
    this.tip.hidden = true;
    this.host.classList.add("score");
    this.host.replaceChildren(help, this.view, this.tip, this.buttons(), title, this.list);
  }

  buttons() {
    const place = element("div", "score-controls");
    /** @param {HTMLElement} made @param {string} label @param {string} text @param {() => void} act */
    const button = (made, label, text, act) => {
      made.setAttribute("aria-label", label);
      made.title = label;
      made.textContent = text;
      made.addEventListener("click", act);
      place.append(made);
    };
    button(this.backButton, this.strings.back, `${this.strings.now} →`, () => this.toNow());
    button(element("button", "", { type: "button" }), this.strings.zoomOut, "−", () => this.zoomBy(-1));
    button(element("button", "", { type: "button" }), this.strings.zoomIn, "+", () => this.zoomBy(1));
    this.backButton.hidden = true;
    return place;
  }

  resize() {
    const width = this.host.clientWidth || 800;
    const compact = width < COMPACT_BELOW_PX || (this.low?.matches ?? false);
    if (width === this.width && compact === this.compact) return;
    if (this.zoom === usualZoom(this.compact)) this.zoom = usualZoom(compact); // else somebody chose it
    [this.width, this.compact] = [width, compact];
    const lane = lanes(compact);
    this.lane = lane;
    this.left = compact ? 0 : 96;
    this.nowX = Math.round(width - (compact ? 56 : Math.max(96, width * 0.1)));
    this.view.style.height = `${lane.height}px`;
    this.clip.style.width = `${this.nowX}px`;
    this.nowLine.style.top = `${lane.heard.top - 22}px`;
    this.nowLine.style.bottom = `${lane.height - lane.said.top - lane.said.space * 4 - 12}px`;
    [lane.heard, lane.thought, lane.said].forEach((staff, n) => {
      this.dots[n].style.top = `${staff.top + (staff.space * (staff.lines - 1)) / 2 - lane.heard.top + 22}px`;
    });
    this.lines.replaceChildren(...staves(lane, 0, width).map(draw));
    this.margin.replaceChildren(...names(lane, this.strings).map(draw));
    this.redraw();
  }

  // --- time ---------------------------------------------------------------------------------------

  /** Where now is on the score. @param {number} pageSeconds */
  nowAt(pageSeconds) {
    const now = this.live ? this.model.at(pageSeconds) : this.model.end;
    return this.live && this.calm.matches ? Math.max(Math.floor(now), this.model.end) : now;
  }

  schedule() {
    if (this.frame || !this.live || !this.onScreen || document.hidden) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const began = performance.now();
      this.draw(this.clock());
      this.cost.frames += 1;
      this.cost.milliseconds += performance.now() - began;
      this.schedule();
    });
  }

  redraw() {
    this.laidOutAt = -Infinity;
    this.draw(this.clock());
  }

  /** @param {number} pageSeconds */
  draw(pageSeconds) {
    const now = this.nowAt(pageSeconds);
    const anchor = this.following ? now : this.lookAt;
    const [from, to] = [anchor - this.nowX / this.zoom, anchor + (this.width - this.nowX) / this.zoom];
    const old = pageSeconds - this.laidOutAt;
    const news = this.model.version !== this.laidOutVersion && old >= (this.calm.matches ? 1 : LAYOUT_SECONDS);
    const away = from < this.covered.from || to > this.covered.to;
    if (news || away || old >= (this.live ? RENEW_SECONDS : Infinity)) this.layOut(now, from, to, pageSeconds);
    this.move(anchor, now);
    if (pageSeconds - this.listedAt >= LIST_SECONDS && this.model.version !== this.listedVersion)
      this.tell(pageSeconds);
  }

  /** @param {number} anchor the time at the now line @param {number} now */
  move(anchor, now) {
    const shift = this.nowX - (anchor - this.origin) * this.zoom;
    const transform = `translate3d(${shift.toFixed(2)}px,0,0)`;
    if (transform === this.moved && !this.live) return;
    this.moved = transform;
    for (const strip of this.strips) strip.style.transform = transform;
    const edge = Math.min(this.nowX + (now - anchor) * this.zoom, this.width);
    this.clip.style.width = `${Math.max(edge, 0).toFixed(1)}px`;
    this.nowLine.style.left = this.nowLabel.style.left = `${edge.toFixed(1)}px`;
    this.nowLine.hidden = this.nowLabel.hidden = edge >= this.width;
  }

  /** @param {number} now @param {number} from @param {number} to @param {number} pageSeconds */
  layOut(now, from, to, pageSeconds) {
    const spare = (to - from) * 0.4;
    this.covered = { from: from - spare, to: to + spare };
    this.origin = Math.floor(Math.max(from, 0) / ORIGIN_SECONDS) * ORIGIN_SECONDS;
    this.laidOutAt = pageSeconds;
    this.laidOutVersion = this.model.version;
    const window = { ...this.covered, now, origin: this.origin, pxPerSecond: this.zoom };
    this.update(layout(this.model, { ...window, compact: this.compact, strings: this.strings }));
    const { activity } = this.model;
    for (const dot of this.dots) {
      dot.classList.toggle("active", this.live && activity[/** @type {"heard"} */ (dot.dataset.voice)]);
    }
  }

  /** Only what has changed is touched. @param {Mark[]} marks */
  update(marks) {
    /** @type {Set<string>} */
    const kept = new Set();
    for (const mark of marks) {
      kept.add(mark.key);
      const known = this.drawn.get(mark.key);
      const looks = JSON.stringify([mark.parts, mark.title, mark.detail, mark.kind, this.origin]);
      if (known?.looks === looks && known.mark.layer === mark.layer) continue;
      const group = known?.group ?? shape("g", {});
      dress(group, mark);
      if (known?.mark.layer !== mark.layer) this.moveTo(mark.layer, group);
      this.drawn.set(mark.key, { mark, looks, group });
    }
    for (const [key, { group }] of this.drawn) {
      if (kept.has(key)) continue;
      if (group === document.activeElement) this.view.focus({ preventScroll: true }); // else the page's keys get lost
      group.remove();
      this.drawn.delete(key);
    }
  }

  /** What is moved loses the focus. @param {Mark["layer"]} layer @param {SVGGElement} group */
  moveTo(layer, group) {
    const hadFocus = group === document.activeElement;
    this.layers[layer].append(group);
    if (hadFocus) group.focus({ preventScroll: true });
  }

  // --- moving about -------------------------------------------------------------------------------

  toNow() {
    this.following = true;
    if (this.backButton === document.activeElement) this.view.focus({ preventScroll: true });
    this.backButton.hidden = true;
    this.redraw();
  }

  /** @param {number} seconds to the past is less than 0 */
  scrollBy(seconds) {
    const now = this.nowAt(this.clock());
    const from = this.following ? now : this.lookAt;
    this.scrollTo(from + seconds);
  }

  /** @param {number} time what stands at the now line */
  scrollTo(time) {
    const now = this.nowAt(this.clock());
    const first = Math.min(this.firstTime() + (this.nowX - this.left - 24) / this.zoom, now);
    this.lookAt = Math.max(time, first);
    if (this.lookAt >= now - 0.02) return this.toNow();
    this.following = false;
    this.backButton.hidden = false;
    this.draw(this.clock());
  }

  firstTime() {
    const { speech, utterances, thinks, turns } = this.model;
    const starts = [speech[0]?.start, utterances[0]?.start, thinks[0]?.start, turns[0]?.start];
    const known = starts.filter((start) => start !== undefined && start !== null);
    return known.length ? Math.min(...known) : this.model.end;
  }

  /** @param {number} steps @param {number} [x] the place that stays */
  zoomBy(steps, x = this.nowX) {
    const at = ZOOMS.findIndex((one) => one >= this.zoom - 0.01);
    this.zoomTo(ZOOMS[Math.min(Math.max(at + steps, 0), ZOOMS.length - 1)], x);
  }

  /** @param {number} zoom pixels per second @param {number} x */
  zoomTo(zoom, x) {
    const wanted = Math.min(Math.max(zoom, ZOOMS[0]), ZOOMS[ZOOMS.length - 1]);
    const offset = x - this.nowX;
    const time = (this.following ? this.nowAt(this.clock()) : this.lookAt) + offset / this.zoom;
    this.zoom = wanted;
    this.hideTip();
    if (!this.following) this.lookAt = time - offset / wanted;
    this.redraw();
  }

  listen() {
    const { signal } = this.stopListening;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ type,
      /** @type {(event: any) => void} */ act,
      passive = true,
    ) => target.addEventListener(type, act, { signal, passive });
    on(this.view, "keydown", (event) => this.key(event), false);
    on(this.view, "wheel", (event) => this.wheel(event), false);
    on(this.view, "pointerdown", (event) => this.press(event));
    on(this.view, "pointermove", (event) => this.drag(event));
    for (const type of ["pointerup", "pointercancel"]) on(this.view, type, (event) => this.release(event));
    on(this.view, "pointerover", (event) => this.point(event.target));
    on(this.view, "pointerleave", () => this.hideTip());
    on(this.view, "focusin", (event) => this.point(event.target));
    on(this.view, "focusout", () => this.hideTip());
    on(document, "visibilitychange", () => this.schedule());
    this.sizes.observe(this.host);
    if (this.low) on(this.low, "change", () => this.resize());
    this.sight.observe(this.host);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === this.view) return; // no mark to leave: it is the page's
    const step = (this.width * 0.15) / this.zoom;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => this.scrollBy(-step),
      ArrowRight: () => this.scrollBy(step),
      PageUp: () => this.scrollBy(-step * 5),
      PageDown: () => this.scrollBy(step * 5),
      Home: () => this.scrollTo(-Infinity),
      End: () => this.toNow(),
      "+": () => this.zoomBy(1),
      "=": () => this.zoomBy(1),
      "-": () => this.zoomBy(-1),
      ArrowUp: () => this.walk(-1),
      ArrowDown: () => this.walk(1),
      Escape: () => this.view.focus(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** To the mark before or after the one in focus, in time. @param {1 | -1} step */
  walk(step) {
    const told = [...this.drawn.values()].filter(({ mark }) => isStop(mark)).sort((a, b) => a.mark.at - b.mark.at);
    const here = told.findIndex(({ group }) => group === document.activeElement);
    const next = here < 0 ? told.findLast(({ mark }) => mark.at <= this.anchor()) : told[here + step];
    if (!next) return;
    const x = this.nowX + (next.mark.at - this.anchor()) * this.zoom;
    if (x < this.left + 20 || x > this.width - 20) this.scrollTo(next.mark.at + (this.width * 0.4) / this.zoom);
    next.group.focus({ preventScroll: true });
  }

  anchor() {
    return this.following ? this.nowAt(this.clock()) : this.lookAt;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.ctrlKey) {
      event.preventDefault();
      return this.zoomTo(
        this.zoom * Math.exp(-event.deltaY / 300),
        event.clientX - this.view.getBoundingClientRect().left,
      );
    }
    const scale = event.deltaMode === 1 ? 24 : event.deltaMode === 2 ? this.width : 1;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
    const before = this.anchor();
    this.scrollBy((sideways * scale) / this.zoom);
    // at either end the page goes on scrolling
    if (Math.abs(this.anchor() - before) > 1e-3) event.preventDefault();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    this.fingers.set(event.pointerId, event.clientX);
    this.draggedFrom = { x: event.clientX, moved: false };
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const before = this.fingers.get(event.pointerId);
    if (before === undefined) return;
    if (event.buttons === 0) return this.release(event); // it was let go outside
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId);
    if (others.length === 1) return this.pinch(event, before, others[0][1]);
    if (this.draggedFrom && !this.draggedFrom.moved) {
      if (Math.abs(event.clientX - this.draggedFrom.x) < 5) return;
      this.draggedFrom.moved = true;
      this.view.setPointerCapture(event.pointerId);
      this.view.classList.add("dragging");
      this.hideTip();
    }
    this.fingers.set(event.pointerId, event.clientX);
    this.scrollBy((before - event.clientX) / this.zoom);
  }

  /** @param {PointerEvent} event @param {number} before @param {number} other */
  pinch(event, before, other) {
    this.fingers.set(event.pointerId, event.clientX);
    const [was, is] = [Math.abs(before - other), Math.abs(event.clientX - other)];
    const middle = (event.clientX + other) / 2 - this.view.getBoundingClientRect().left;
    if (was > 20 && is > 20) this.zoomTo((this.zoom * is) / was, middle);
  }

  /** @param {PointerEvent} event */
  release(event) {
    this.fingers.delete(event.pointerId);
    this.view.classList.remove("dragging");
    if (this.draggedFrom && !this.draggedFrom.moved) this.point(event.target);
    this.draggedFrom = undefined;
  }

  // --- words about a mark -------------------------------------------------------------------------

  /** @param {EventTarget | null} target */
  point(target) {
    const group = target instanceof Element ? target.closest("[data-title]") : null;
    if (!(group instanceof SVGGElement) || this.draggedFrom?.moved) return this.hideTip();
    const title = element("strong", "");
    title.textContent = group.dataset.title ?? "";
    const detail = element("span", "");
    detail.textContent = group.dataset.detail ?? "";
    this.tip.replaceChildren(title, detail);
    this.tip.hidden = false;
    this.placeTip(group.getBoundingClientRect());
  }

  /** @param {DOMRect} box of the mark */
  placeTip(box) {
    const frame = this.host.getBoundingClientRect();
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const middle = (Math.max(box.left, frame.left) + Math.min(box.right, frame.right)) / 2 - frame.left;
    const left = Math.min(Math.max(middle - width / 2, 8), this.width - width - 8);
    const below = box.bottom - frame.top + 8;
    const top = below + height < frame.height ? below : Math.max(box.top - frame.top - height - 8, 4);
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${top}px`;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** The same in words, for who does not see it. Items stay as they are while they can: reading is not disturbed.
   * @param {number} pageSeconds */
  tell(pageSeconds) {
    this.listedAt = pageSeconds;
    this.listedVersion = this.model.version;
    const lines = this.model.turns.length ? turnLines(this.model, this.strings) : [this.strings.nothing];
    while (this.list.children.length > lines.length) this.list.lastElementChild?.remove();
    for (const [number, line] of lines.entries()) {
      const item = this.list.children[number] ?? this.list.appendChild(element("li", ""));
      if (item.textContent !== line) item.textContent = line;
    }
  }
}

/** Pixels per second. @param {boolean} compact */
function usualZoom(compact) {
  return compact ? 80 : 130;
}

/** @typedef {{mark: Mark, looks: string, group: SVGGElement}} Drawn */

/** Marks one by one: whole phrases, not each of their words. @param {Mark} mark */
function isStop(mark) {
  return mark.title !== "" && !/word/.test(mark.kind);
}

/** @param {SVGGElement} group @param {Mark} mark */
function dress(group, mark) {
  group.setAttribute("data-kind", mark.kind);
  group.replaceChildren(...mark.parts.map(draw));
  if (mark.title) {
    group.dataset.title = mark.title;
    group.dataset.detail = mark.detail;
  }
  if (!isStop(mark)) {
    group.setAttribute("aria-hidden", "true");
    return;
  }
  group.removeAttribute("aria-hidden");
  group.setAttribute("role", "img");
  group.setAttribute("tabindex", "-1");
  group.setAttribute("aria-label", [mark.title, mark.detail].filter(Boolean).join(". "));
}

// --- elements -------------------------------------------------------------------------------------

/** @param {Part} part */
function draw([tag, attributes, text]) {
  const made = shape(tag, { ...attributes, ...(attributes.class ? { class: classes(attributes.class) } : {}) });
  if (text) made.textContent = text;
  return made;
}

function flowGradient() {
  const defs = shape("defs", {});
  const gradient = shape("linearGradient", { id: "score-flow", x1: 0, y1: 0, x2: 0, y2: 1 });
  gradient.append(
    shape("stop", { offset: "0", class: "s-flow-from" }),
    shape("stop", { offset: "1", class: "s-flow-to" }),
  );
  defs.append(gradient);
  return defs;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag @overload @param {Tag} tag
 * @param {Record<string, string | number>} attributes @returns {SVGElementTagNameMap[Tag]}
 */
/** @overload @param {string} tag @param {Record<string, string | number>} attributes @returns {SVGElement} */
/** @param {string} tag @param {Record<string, string | number>} attributes @returns {SVGElement} */
function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return /** @type {SVGElement} */ (made);
}

/** @param {string} tag @param {string} className @param {Record<string, string>} [attributes] @returns {HTMLElement} */
function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
