/** Finding words in the manual: every word that was typed begins a word of the section; headings count most. */

import type { ManualEntry, ManualWords } from './manual-types.ts';

/** A section that has all the words. */
export interface ManualHit {
  slug: string;
  title: string;
  /** The anchor of the section. */
  id: string;
  heading: string;
}

/** How much of a section stands around the first word that was found. */
const BEFORE_CHARS = 60;
const AFTER_CHARS = 160;

/** The words of a text: whole names such as `stale_after_ms`, and their parts. */
export function wordsOf(text: string): string[] {
  const whole = text.toLowerCase().match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];
  const parts = whole.filter((word) => word.includes('_')).flatMap((word) => word.split('_'));
  return [...whole, ...parts].filter((word) => /[\p{L}\p{N}]/u.test(word) && (word.length > 1 || /[\p{L}]/u.test(word)));
}

/** HTML of the manual as the text that a reader sees. */
export function textOf(html: string): string {
  return html
    .replace(/<button[^>]*>.*?<\/button>/gs, '')
    .replace(/<span class="unseen">.*?<\/span>/gs, '')
    .replace(/<\/(p|li|td|th|tr|pre)>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The index of words, read once. */
export class ManualIndex {
  readonly #words: readonly string[];
  readonly #places: readonly string[];

  constructor(
    readonly entries: readonly ManualEntry[],
    readonly index: ManualWords,
  ) {
    this.#words = index.words.split(' ');
    this.#places = index.places.split(' ');
  }

  /** The best sections for what was typed, at most `limit`, and how many there are. */
  find(typed: string, limit: number): { hits: ManualHit[]; count: number } {
    const wanted = [...new Set(wordsOf(typed))];
    if (wanted.length === 0) return { hits: [], count: 0 };
    const scores = wanted.map((word) => this.#scoresOf(word));
    const [first = new Map<number, number>(), ...others] = scores;
    const found = [...first]
      .filter(([number]) => others.every((other) => other.has(number)))
      .map(([number, score]) => ({ number, score: score + others.reduce((sum, other) => sum + (other.get(number) ?? 0), 0) + this.#inHeadings(number, wanted) }))
      .sort((a, b) => b.score - a.score || a.number - b.number);
    return { hits: found.slice(0, limit).map(({ number }) => this.#hit(number)), count: found.length };
  }

  /** Sections with words that begin so: the whole word counts more than a beginning. */
  #scoresOf(word: string): Map<number, number> {
    const scores = new Map<number, number>();
    for (let at = this.#firstFrom(word); this.#words[at]?.startsWith(word); at += 1) {
      const score = this.#words[at] === word ? 3 : 1;
      let number = 0;
      for (const step of (this.#places[at] ?? '').split(',')) {
        number += parseInt(step, 36);
        scores.set(number, Math.max(score, scores.get(number) ?? 0));
      }
    }
    return scores;
  }

  /** The place of the first word that is not before `word`. */
  #firstFrom(word: string): number {
    let [low, high] = [0, this.#words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#words[middle] ?? '') < word) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #inHeadings(number: number, wanted: readonly string[]): number {
    const { title, heading } = this.#hit(number);
    const [ofHeading, ofTitle] = [wordsOf(heading), wordsOf(title)];
    const has = (words: readonly string[], word: string): boolean => words.some((each) => each.startsWith(word));
    return wanted.reduce((sum, word) => sum + (has(ofHeading, word) ? 6 : 0) + (has(ofTitle, word) ? 2 : 0), 0);
  }

  #hit(number: number): ManualHit {
    const [page, heading] = this.index.sections[number] ?? [0, 0];
    const entry = this.entries[page];
    const { id = '', text = '' } = entry?.headings[heading] ?? {};
    return { slug: entry?.slug ?? '', title: entry?.title ?? '', id, heading: text };
  }
}

/** A piece of text, found or not. */
export interface Piece {
  text: string;
  isFound: boolean;
}

/** Where the words that were typed begin a word of `text`: `[from, to]`. */
export function placesIn(text: string, typed: string): [number, number][] {
  const wanted = [...new Set(wordsOf(typed))].sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return [];
  const escaped = wanted.map((word) => word.replace(/[^\p{L}\p{N}\p{M}_]/gu, ''));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}\\p{M}])(?:${escaped.join('|')})`, 'giu');
  return [...text.matchAll(pattern)].map(({ index, 0: found }) => [index, index + found.length]);
}

/** What stands around the first word that was found, cut at blanks, with every found word marked. */
export function excerpt(text: string, typed: string): Piece[] {
  const first = placesIn(text, typed)[0]?.[0] ?? 0;
  const from = first <= BEFORE_CHARS ? 0 : text.indexOf(' ', first - BEFORE_CHARS) + 1;
  const end = text.indexOf(' ', Math.min(text.length, first + AFTER_CHARS));
  const to = end < 0 ? text.length : end;
  const shown = `${from > 0 ? '… ' : ''}${text.slice(from, to)}${to < text.length ? ' …' : ''}`;
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, stop] of placesIn(shown, typed)) {
    if (start > at) pieces.push({ text: shown.slice(at, start), isFound: false });
    pieces.push({ text: shown.slice(start, stop), isFound: true });
    at = stop;
  }
  if (at < shown.length) pieces.push({ text: shown.slice(at), isFound: false });
  return pieces;
}
