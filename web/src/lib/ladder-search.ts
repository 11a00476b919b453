/** Finding in a program: by symbol, address, description, mnemonic, and by the title and comment of a rung. */

import { instructionsOf } from './ladder-layout';
import type { PlcProgram, PlcSymbol } from './plc-protocol';

/** Something found: a rung by its texts, or one operand of an instruction. */
export interface Hit {
  rung: number;
  instruction: number | null;
  address: string | null;
}

interface Entry extends Hit {
  /** What is looked through, in lower case. */
  text: string;
}

export class Finder {
  readonly #entries: readonly Entry[];
  readonly #texts = new Map<string, string>();

  constructor({ rungs, symbols }: Pick<PlcProgram, 'rungs' | 'symbols'>) {
    const described = descriptionsOf(symbols);
    this.#entries = rungs.flatMap(({ title, comment, elements }, rung) => [
      { rung, instruction: null, address: null, text: `${title}\n${comment}`.toLowerCase() },
      ...instructionsOf(elements).flatMap(({ instruction, type, operands, decorators }): Entry[] =>
        [{ type, operands }, ...decorators].flatMap((each) =>
          (each.operands.length === 0 ? [{ text: '', address: null }] : each.operands).map(({ text, address }) => ({
            rung,
            instruction,
            address,
            text: [each.type, text, address ?? '', described(address)].join('\n').toLowerCase(),
          })),
        ),
      ),
    ]);
    for (const { instruction, address, text } of this.#entries) {
      if (instruction === null || address === null) continue;
      const key = `${instruction} ${address}`;
      this.#texts.set(key, `${this.#texts.get(key) ?? ''}\n${text}`);
    }
  }

  /** Everything that has `sought` in it, in the order of the program; an instruction counts once for each of its places. */
  find(sought: string): Hit[] {
    const wanted = sought.trim().toLowerCase();
    if (wanted === '') return [];
    const seen = new Set<string>();
    const found: Hit[] = [];
    for (const { rung, instruction, address, text } of this.#entries) {
      const key = instruction === null ? `rung ${rung}` : `${instruction} ${address ?? ''}`;
      if (seen.has(key) || !text.includes(wanted)) continue;
      seen.add(key);
      found.push({ rung, instruction, address });
    }
    return found;
  }

  /** Is this operand of an instruction among what `sought` finds? */
  fits(sought: string, instruction: number, address: string): boolean {
    const wanted = sought.trim().toLowerCase();
    return wanted !== '' && (this.#texts.get(`${instruction} ${address}`)?.includes(wanted) ?? false);
  }
}

/** The descriptions of places, those of a timer or counter for its members, too. */
function descriptionsOf(symbols: readonly PlcSymbol[]): (address: string | null) => string {
  const known = new Map<string, string>();
  for (const { name, address, description } of symbols) known.set(address, `${known.get(address) ?? ''}\n${name}\n${description}`);
  return (address) => (address === null ? '' : `${known.get(address) ?? ''}${address.includes('.') ? (known.get(address.split('.')[0] ?? '') ?? '') : ''}`);
}

/** The rung that digits name; null for other words and for a number that no rung has. */
export function rungOf(sought: string, count: number): number | null {
  const text = sought.trim();
  return /^\d+$/.test(text) && Number(text) < count ? Number(text) : null;
}

/** The first hit at or behind a rung, or the first of all. */
export function firstFrom(hits: readonly Hit[], rung: number): number {
  return Math.max(0, hits.findIndex((hit) => hit.rung >= rung));
}

/** A text in parts, those that were looked for marked. */
export function marked(text: string, sought: string): { part: string; isHit: boolean }[] {
  const wanted = sought.trim().toLowerCase();
  const lower = text.toLowerCase();
  // Where lower case has another length its places are not those of the text.
  if (wanted === '' || lower.length !== text.length) return [{ part: text, isHit: false }];
  const parts: { part: string; isHit: boolean }[] = [];
  let at = 0;
  for (let found = lower.indexOf(wanted); found >= 0; found = lower.indexOf(wanted, at)) {
    if (found > at) parts.push({ part: text.slice(at, found), isHit: false });
    at = found + wanted.length;
    parts.push({ part: text.slice(found, at), isHit: true });
  }
  if (at < text.length || parts.length === 0) parts.push({ part: text.slice(at), isHit: false });
  return parts;
}
