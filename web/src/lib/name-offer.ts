/** Names that fit what is typed into a field, best first: signals by their names and by what programs of PLCs call them. */

import type { Row } from './catalog';
import { nameTest } from './filter';

/** More than this nobody reads. */
const OFFERED_MAX = 40;
/** With so many that fit, further ones are not looked at: with 100,000 signals a key stroke stays quick. */
const LOOKED_AT_MAX = 4_000;

type Named = Pick<Row, 'name' | 'key' | 'symbol'>;

/** The name by which a signal is found by its symbol: `plc/line/Run` for `plc/line/O:0/0`. */
export function symbolName({ name, symbol }: Pick<Row, 'name' | 'symbol'>): string | null {
  const [start] = /^plc\/[^/]+\//.exec(name) ?? [];
  return symbol === null || start === undefined ? null : start + symbol;
}

/** `isFit` leaves out rows whose names fit, but that cannot be chosen here. */
export function offerNames(rows: readonly Named[], typed: string, isFit: (row: Named) => boolean = () => true): string[] {
  const text = typed.trim().toLowerCase();
  const test = nameTest(text);
  const found: { name: string; rank: number }[] = [];
  for (const row of rows) {
    if (found.length >= LOOKED_AT_MAX) break;
    if (!test(row) || !isFit(row)) continue;
    const bySymbol = symbolName(row);
    found.push({ name: row.name, rank: rankOf(row.key, text) });
    if (bySymbol !== null) found.push({ name: bySymbol, rank: rankOf(bySymbol.toLowerCase(), text) });
  }
  found.sort((left, right) => left.rank - right.rank || left.name.length - right.name.length || (left.name < right.name ? -1 : 1));
  return found.slice(0, OFFERED_MAX).map(({ name }) => name);
}

/** What is typed is the name, its end, the beginning of its last part, the beginning of all, the beginning of a part, or somewhere. */
function rankOf(key: string, text: string): number {
  if (text === '' || key === text) return 0;
  const leaf = key.slice(key.lastIndexOf('/') + 1);
  if (leaf === text) return 1;
  if (leaf.startsWith(text)) return 2;
  if (key.startsWith(text)) return 3;
  if (key.includes(`/${text}`)) return 4;
  return key.includes(text) ? 5 : 6;
}

/** Is this written as a whole name is: a kind, a thing, and what it has? */
export function isWholeForm(typed: string): boolean {
  return /^[^/\s]+\/[^/\s]+\/[^\s]*[^/\s]$/.test(typed);
}

/**
 * What Enter takes of a text in the form of a whole name while nothing was chosen with the arrows: the text itself, unless no
 * signal has this name and it is the beginning of an offered one. `isName` asks whether a signal or a symbol is called so.
 */
export async function takenByEnter(typed: string, offered: readonly string[], isName: (name: string) => Promise<boolean>): Promise<string> {
  const longer = offered.find((name) => name.toLowerCase().startsWith(typed.toLowerCase()));
  return longer === undefined || longer === typed || (await isName(typed)) ? typed : longer;
}
