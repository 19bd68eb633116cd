// Pure: room for texts and rows: how wide a text is, what of it fits, who stands beside whom.

export const FONT = 12;
export const SMALL = 10.5;
/** How much wider bold text is. */
export const BOLD = 1.12;
/** The width of a letter of the tools' names. */
export const MONO = 0.62;

const NARROW = new Set("iljtfrI.,:;'!|()[] ");
const BROAD = new Set("mwMW@%");

/**
 * About how wide a text is in DejaVu Sans, the widest of the common ones; rather too wide than not.
 * @param {string} text @param {number} font
 */
export function textWidth(text, font) {
  let units = 0;
  for (const char of text) units += NARROW.has(char) ? 0.36 : BROAD.has(char) || char > "\u2e7f" ? 0.98 : 0.62;
  return units * font;
}

/**
 * Shortened with an ellipsis to what fits; "" if next to nothing does. @param {string} text @param {number} room
 * @param {number} font
 */
export function fit(text, room, font) {
  if (textWidth(text, font) <= room) return text;
  let width = textWidth("…", font);
  let end = 0;
  for (const char of text) {
    width += textWidth(char, font);
    if (width > room) break;
    end += char.length;
  }
  return end > 1 ? `${text.slice(0, end).trimEnd()}…` : "";
}

/** @param {number} ms */
export function amount(ms) {
  return ms < 2000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number} value */
export const px = (value) => Math.round(value * 10) / 10;
export const oneLine = (/** @type {string} */ text) => text.split(/\s+/).filter(Boolean).join(" ");
export const seconds = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 1);

/** Rows for things that come in order of their left edges, so that none overlap. */
export class Rows {
  /** @param {number} count @param {number} gap @param {number} [slack] how far to the right a thing may be moved */
  constructor(count, gap, slack = 0) {
    /** @type {number[]} */
    this.right = new Array(count).fill(-Infinity);
    this.gap = gap;
    this.slack = slack;
  }

  /** @param {number} left @param {number} width @returns {{row: number, x: number} | null} `null`: no room */
  place(left, width) {
    for (let row = 0; row < this.right.length; row++) {
      const free = this.right[row] + this.gap;
      if (free > left + this.slack) continue;
      const x = Math.max(left, free);
      this.right[row] = x + width;
      return { row, x };
    }
    return null;
  }

  /** Where an overlap hurts least. */
  emptiest() {
    return this.right.indexOf(Math.min(...this.right));
  }
}
