/** The filter over the signals: what was typed, and the quick filters for quality and owner. */

import type { Row } from './catalog';
import type { Owner, Quality } from './protocol';

export interface Filter {
  text: string;
  quality: Quality | null;
  owner: Owner | null;
}

export const NO_FILTER: Filter = { text: '', quality: null, owner: null };

/**
 * A test for names. Words are parts of the name or symbol in any case and in any order, all of them must occur. A word with
 * `*` is a pattern over the whole name: `*` stands for one segment or a part of it, `**` for any rest.
 */
export function nameTest(text: string): (row: Pick<Row, 'key' | 'symbol'>) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const parts = words.filter((word) => !word.includes('*'));
  const patterns = words.filter((word) => word.includes('*')).map(patternOf);
  return ({ key, symbol }) => {
    const names = symbol === null ? [key] : [key, withSymbol(key, symbol.toLowerCase())];
    return parts.every((part) => names.some((name) => name.includes(part))) && patterns.every((pattern) => names.some((name) => pattern.test(name)));
  };
}

/** How a symbol is written where names are: behind its PLC. */
function withSymbol(name: string, symbol: string): string {
  return (/^plc\/[^/]*\//.exec(name)?.[0] ?? '') + symbol;
}

function patternOf(word: string): RegExp {
  const source = word
    .split(/(\*{2,}|\*)/)
    .map((piece) => {
      if (piece.length >= 2 && /^\*+$/.test(piece)) return '.*';
      if (piece === '*') return '[^/]*';
      return piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`);
}

/**
 * The rows that pass, in their order. `ofQuality` is the hub's own answer to the quality filter, when there is one:
 * the page keeps only what is on screen up to date and would not know by itself.
 */
export function filterRows(rows: readonly Row[], filter: Filter, ofQuality: ReadonlySet<number> | null): Row[] {
  const { quality, owner } = filter;
  const text = filter.text.trim();
  // A copy even so: the catalog's own list grows in place, and who shows rows must see that it did.
  if (!text && !quality && !owner) return rows.slice();
  const hasName = nameTest(text);
  return rows.filter(
    (row) =>
      (!owner || row.owner === owner) &&
      (!quality || (ofQuality ? ofQuality.has(row.id) : row.quality === quality)) &&
      (!text || hasName(row)),
  );
}

/** The filter and the open signal as the query of the address, so that a view can be kept as a bookmark. */
export function toQuery(filter: Filter, signal: string | null): string {
  const query = new URLSearchParams();
  if (filter.text) query.set('filter', filter.text);
  if (filter.quality) query.set('quality', filter.quality);
  if (filter.owner) query.set('owner', filter.owner);
  if (signal) query.set('signal', signal);
  const text = query.toString();
  return text ? `?${text}` : '';
}

/** The reverse of `toQuery`; words that are no quality and no owner are left out. */
export function fromQuery(search: string): { filter: Filter; signal: string | null } {
  const query = new URLSearchParams(search);
  const quality = query.get('quality');
  const owner = query.get('owner');
  return {
    filter: {
      text: query.get('filter') ?? '',
      quality: quality === 'good' || quality === 'stale' || quality === 'bad' ? quality : null,
      owner: owner === 'hub' || owner === 'peer' ? owner : null,
    },
    signal: query.get('signal'),
  };
}
