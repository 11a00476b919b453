/**
 * The shown span as a table: a line for each moment at which one of the signals changed, with its time and the seconds since the
 * first line, and a column for each signal. A value holds
 * until the next line. A signal that is known by parts of the time has its smallest and its largest in columns of their own.
 */

import type { Value } from './protocol';
import { eachPiece, GAP, type Source } from './trend-track';
import type { Span } from './trend-view';

export interface CsvSignal {
  name: string;
  /** The finest first, each with the end of what it tells; where it knows nothing the next one is looked at. */
  sources: readonly { source: Source; until: number }[];
  valueOf: (number: number) => Value;
}

interface Cell {
  at: number;
  value: number;
  min: number;
  max: number;
  isPart: boolean;
}

export function trendCsv(signals: readonly CsvSignal[], span: Span): string {
  const cells = signals.map((signal) => cellsOf(signal, span));
  const hasParts = cells.map((list) => list.some(({ isPart }) => isPart));
  const head = ['time', 'seconds_from_start', ...signals.flatMap(({ name }, index) => [name, ...(hasParts[index] ? [`${name} (smallest)`, `${name} (largest)`] : [])])];
  const lines = [head.map(quoted).join(',')];
  const times = [...new Set(cells.flatMap((list) => list.map(({ at }) => at)))].sort((left, right) => left - right);
  const start = times[0] ?? 0;
  const places = signals.map(() => -1);
  for (const at of times) {
    const line = [new Date(at).toISOString(), String((at - start) / 1_000)];
    for (const [index, signal] of signals.entries()) {
      const list = cells[index] ?? [];
      let place = places[index] ?? -1;
      while ((list[place + 1]?.at ?? Number.POSITIVE_INFINITY) <= at) place += 1;
      places[index] = place;
      line.push(...columnsOf(list[place], at, signal, hasParts[index] ?? false));
    }
    lines.push(line.join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

function columnsOf(cell: Cell | undefined, at: number, { valueOf }: CsvSignal, hasParts: boolean): string[] {
  if (cell === undefined) return hasParts ? ['', '', ''] : [''];
  const own = cellText(valueOf(cell.value));
  if (!hasParts) return [own];
  // Smallest and largest belong to the part alone, and not to what holds after it.
  return cell.isPart && cell.at === at ? [own, cellText(cell.min), cellText(cell.max)] : [own, '', ''];
}

/** What is known of a signal in the span, beginning with what holds at its begin. */
function cellsOf({ sources }: CsvSignal, span: Span): Cell[] {
  const [fine = [], coarse] = sources.map(({ source, until }) => listOf(source, span.from, Math.min(span.to, until)));
  return coarse ? merged(fine, coarse) : fine;
}

function listOf(source: Source, from: number, to: number): Cell[] {
  const list: Cell[] = [];
  eachPiece(source, from, to, (ring, place) => {
    // Times are told in milliseconds, so those that differ by less are one line.
    const at = Math.round(Math.max(from, ring.at.array[place] ?? 0));
    const isPart = ring.width > 0 && (ring.count.array[place] ?? 0) > 0;
    const isGap = ring.state.array[place] === GAP;
    const of = (values: { array: ArrayLike<number> }): number => values.array[place] ?? Number.NaN;
    const cell = { at, value: isGap ? Number.NaN : isPart ? of(ring.mean) : of(ring.last), min: of(ring.min), max: of(ring.max), isPart };
    // What holds at the begin of the span, and samples of one moment: the newest counts.
    if (list.at(-1)?.at === at && !isPart) list.pop();
    list.push(cell);
  });
  return list;
}

/** Where the first list knows nothing the second one tells. */
function merged(fine: readonly Cell[], coarse: readonly Cell[]): Cell[] {
  const list: Cell[] = [];
  const ends = [...fine.map(({ at }) => at), Number.POSITIVE_INFINITY];
  const fill = (from: number, to: number): void => {
    const held = coarse.filter(({ at }) => at <= from).at(-1);
    if (held !== undefined) list.push({ ...held, at: Math.max(held.at, Number.isFinite(from) ? from : held.at) });
    list.push(...coarse.filter(({ at }) => at > from && at < to));
  };
  fill(Number.NEGATIVE_INFINITY, ends[0] ?? 0);
  for (const [index, cell] of fine.entries()) {
    if (Number.isNaN(cell.value)) {
      const before = list.length;
      fill(cell.at, ends[index + 1] ?? 0);
      if (list.length === before) list.push(cell);
    } else list.push(cell);
  }
  return list;
}

/** A value as a cell: numbers with a point, texts in quotes and never as what a spreadsheet takes for a formula. */
export function cellText(value: Value): string {
  if (value === null || (typeof value === 'number' && Number.isNaN(value))) return '';
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  const guard = /^[=+\-@\t\r]/.test(text) ? "'" : '';
  return `"${guard}${text.replaceAll('"', '""')}"`;
}

/** The name of a file with what it shows and when: `trend Bottling line 2026-01-02 10-20-30.csv`. */
export function fileName(title: string, at: number, ending: string): string {
  const safe = title.replace(/[^\p{L}\p{N} ._-]+/gu, '-').trim().slice(0, 60);
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString();
  return `trend ${safe === '' ? '' : `${safe} `}${date.slice(0, 10)} ${date.slice(11, 19).replaceAll(':', '-')}.${ending}`;
}
