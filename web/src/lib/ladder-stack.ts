/**
 * How high everything of a rung is and where the rungs stand, before anything is drawn: a ladder of a thousand rungs scrolls
 * without measuring one. Texts are broken here, so that their lines are known.
 */

import { neededHeight } from './ladder-layout';
import type { PlcDiagnostic, PlcRung } from './plc-protocol';

/** The height of a line of text: `--ladder-line` of the tokens. */
const LINE = 19;
/** Between texts and drawing, and around both: `--gap-1` and twice `--gap-2`, with the line below the rung. */
const TEXT_GAP = 4;
const AROUND = 17;
/** What number, arrow and cost in the margin need. */
const MARGIN_HEIGHT = 84;
/** The width of a character of texts, on the safe side. */
const TEXT_CHAR = 7.4;
/** Longer lines are hard to read. */
const LINE_CHARS_MAX = 110;
const LINE_CHARS_MIN = 24;

export interface TextLine {
  kind: 'title' | 'comment' | 'error' | 'warning';
  text: string;
  /** A comment that stands in the same line as its title. */
  beside?: string;
}

/** How many characters a line of texts takes in `width` pixels. */
export function lineChars(width: number): number {
  return Math.max(LINE_CHARS_MIN, Math.min(LINE_CHARS_MAX, Math.floor(width / TEXT_CHAR)));
}

/** Signs of East Asia are twice as wide. */
function widthOf(text: string): number {
  return [...text].reduce((sum, sign) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(sign) ? 2 : 1), 0);
}

/** Breaks a text into lines of at most `max` characters, between words where it can. */
export function broken(text: string, max: number): string[] {
  return text.split('\n').flatMap((paragraph) => brokenParagraph(paragraph.trim(), max));
}

function brokenParagraph(text: string, max: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > max) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (widthOf(line) > max) {
      const whole = [...line];
      let count = 0;
      for (let width = 0; count < whole.length && (width += widthOf(whole[count] ?? '')) <= max; count += 1);
      lines.push(whole.slice(0, count).join(''));
      line = whole.slice(count).join('');
    }
  }
  return [...lines, line];
}

/** The lines above the drawing of a rung: its title, its comment and what the checks say of it. */
export function textLines({ title, comment }: PlcRung, messages: readonly PlcDiagnostic[], max: number): TextLine[] {
  const said = messages.flatMap(({ code, severity, column, text }) =>
    broken(`${code}${column === null ? '' : ` column ${column}`}: ${text}`, max).map((line): TextLine => ({ kind: severity, text: line })),
  );
  const isShort = title !== '' && comment !== '' && !comment.includes('\n') && widthOf(title) + 3 + widthOf(comment) <= max;
  if (isShort) return [{ kind: 'title', text: title, beside: comment }, ...said];
  const titles = title === '' ? [] : broken(title, max).map((text): TextLine => ({ kind: 'title', text }));
  const comments = comment === '' ? [] : broken(comment, max).map((text): TextLine => ({ kind: 'comment', text }));
  return [...titles, ...comments, ...said];
}

/** The height of a rung with this many lines of text. */
export function rungHeight({ elements }: PlcRung, lines: number): number {
  const texts = lines === 0 ? 0 : lines * LINE + TEXT_GAP;
  return AROUND + Math.max(MARGIN_HEIGHT, texts + neededHeight(elements));
}

/** Boxes of known heights that stand below each other. */
export class Stack {
  /** Where each begins, and at last where all end. */
  readonly #tops: Float64Array;

  constructor(heights: readonly number[]) {
    this.#tops = new Float64Array(heights.length + 1);
    heights.forEach((height, index) => (this.#tops[index + 1] = this.top(index) + height));
  }

  get count(): number {
    return this.#tops.length - 1;
  }

  get height(): number {
    return this.top(this.count);
  }

  top(index: number): number {
    return this.#tops[Math.max(0, Math.min(index, this.count))] ?? 0;
  }

  /** Which box stands at this height: the first or the last beyond the ends. */
  at(y: number): number {
    let [low, high] = [0, Math.max(0, this.count - 1)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.top(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** How far to scroll so that a box is seen in a room of this height: as little as possible, or into the middle. */
  scrolledTo(index: number, now: number, room: number, align: 'nearest' | 'center'): number {
    const [top, bottom] = [this.top(index), this.top(index + 1)];
    const last = Math.max(0, this.height - room);
    const wanted = align === 'center' ? (top + bottom - room) / 2 : top < now || bottom - top > room ? top : bottom > now + room ? bottom - room : now;
    return Math.max(0, Math.min(wanted, last));
  }
}
