/** Lists of places as the hub tells them, `N:0-9`, `T:3`, `B:3/1`, `C:*`: what they cover, and how many they are. */

/** The number of words or slots of each region. */
const LENGTHS: Readonly<Record<string, number>> = { I: 8, O: 8, B: 64, N: 256, T: 64, C: 64 };

interface Span {
  region: string;
  first: number;
  last: number;
  /** A bit or a member alone, or null for the whole. */
  part: string | null;
}

/** Reads one entry; null for what is no address, such as a symbol. */
function readSpan(text: string): Span | null {
  const [, region, first, last, part] = /^([IOBNTC]):(\*|\d+)(?:-(\d+))?([./].+)?$/i.exec(text.trim()) ?? [];
  const length = LENGTHS[region?.toUpperCase() ?? ''];
  if (region === undefined || first === undefined || length === undefined) return null;
  const span = { region: region.toUpperCase(), part: part?.toUpperCase() ?? null };
  if (first === '*') return { ...span, first: 0, last: length - 1 };
  return { ...span, first: Number(first), last: Number(last ?? first) };
}

/** Which addresses a list covers. */
export class Places {
  readonly #spans: readonly Span[];
  /** How many places the list names; what is no address counts as one. */
  readonly count: number;

  constructor(texts: readonly string[]) {
    const spans = texts.map(readSpan);
    this.#spans = spans.filter((span) => span !== null);
    this.count = spans.reduce((sum, span) => sum + (span === null ? 1 : span.last - span.first + 1), 0);
  }

  /** Is this address covered as a whole: a word by itself, a bit by itself or its word, a member by its timer? */
  has(address: string): boolean {
    return this.#holds(address, (spanned, part) => spanned === null || spanned === part);
  }

  /** Is any part of this word, timer or counter covered? */
  touches(address: string): boolean {
    return this.#holds(address, (spanned, part) => spanned === null || part === null || spanned === part);
  }

  #holds(address: string, fits: (spanned: string | null, part: string | null) => boolean): boolean {
    const [, region, word, part] = /^([IOBNTC]):(\d+)([./].+)?$/.exec(address) ?? [];
    if (region === undefined) return false;
    const at = Number(word);
    return this.#spans.some((span) => span.region === region && span.first <= at && at <= span.last && fits(span.part, part ?? null));
  }
}
