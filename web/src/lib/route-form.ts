/** A route as somebody types it: from what the hub lists into the fields of the form, and from there into what it is asked for. */

import type { Value } from './protocol';
import type { OnStale, RouteRow, RouteWanted } from './rails-protocol';

/** One line of the form with two fields, such as `0` and `Stopped`. */
export interface Pair {
  left: string;
  right: string;
}

export interface RouteDraft {
  from: string;
  to: string;
  on_stale: OnStale;
  expr: string;
  inputs: Pair[];
  map: Pair[];
  invert: boolean;
  scale: string;
  offset: string;
  deadband: string;
  every_ms: string;
}

export const EMPTY_DRAFT: RouteDraft = {
  from: '',
  to: '',
  on_stale: 'hold',
  expr: '',
  inputs: [],
  map: [],
  invert: false,
  scale: '',
  offset: '',
  deadband: '',
  every_ms: '',
};

/** The fields of a route that is there. */
export function draftOf(route: RouteRow): RouteDraft {
  const number = (given: number | null | undefined): string => (given === null || given === undefined ? '' : String(given));
  return {
    from: route.from,
    to: route.to,
    on_stale: route.on_stale,
    expr: route.expr ?? '',
    inputs: Object.entries(route.inputs ?? {}).map(([left, right]) => ({ left, right })),
    map: Object.entries(route.map ?? {}).map(([left, right]) => ({ left, right: typedOf(right) })),
    invert: route.invert === true,
    scale: number(route.scale),
    offset: number(route.offset),
    deadband: number(route.deadband),
    every_ms: number(route.every_ms),
  };
}

/** What is asked of the hub, or the field that cannot be read and what was expected there. Everything else the hub checks. */
export function readDraft(draft: RouteDraft): { ok: true; route: RouteWanted } | { ok: false; field: string; expected: string } {
  const refuse = (field: string, expected: string) => ({ ok: false, field, expected }) as const;
  const [from, to] = [draft.from.trim(), draft.to.trim()];
  if (from === '') return refuse('from', 'Name the signal that the value comes from.');
  if (to === '') return refuse('to', 'Name the signal that the value goes to.');
  const route: RouteWanted = { from, to, on_stale: draft.on_stale };
  if (draft.expr.trim() !== '') route.expr = draft.expr.trim();
  const inputs = pairsOf(draft.inputs);
  if (inputs === null) return refuse('inputs', 'Each variable needs a name of its own and the signal that it is.');
  if (inputs.length > 0) route.inputs = Object.fromEntries(inputs.map(({ left, right }) => [left, right]));
  const map = pairsOf(draft.map);
  if (map === null) return refuse('map', 'Each line needs a value of its own and what that becomes; * stands for every other value.');
  if (map.length > 0) route.map = Object.fromEntries(map.map(({ left, right }) => [left, valueOf(right)]));
  if (draft.invert) route.invert = true;
  for (const [key, least] of [['scale', null], ['offset', null], ['deadband', 0], ['every_ms', 1]] as const) {
    const typed = draft[key].trim();
    if (typed === '') continue;
    const number = Number(typed);
    if (!Number.isFinite(number)) return refuse(key, `Expected a number, such as ${key === 'every_ms' ? '200' : '0.5'}.`);
    if (least !== null && number < least) return refuse(key, `Expected ${least === 0 ? 'a number from 0 on' : 'a whole number of milliseconds from 1 on'}.`);
    if (key === 'every_ms' && !Number.isInteger(number)) return refuse(key, 'Expected a whole number of milliseconds from 1 on.');
    route[key] = number;
  }
  return { ok: true, route };
}

/** The lines that say something, or null when one is half or doubled. */
function pairsOf(pairs: readonly Pair[]): Pair[] | null {
  const said = pairs.map(({ left, right }) => ({ left: left.trim(), right: right.trim() })).filter(({ left, right }) => left !== '' || right !== '');
  const isHalf = said.some(({ left, right }) => left === '' || right === '');
  return isHalf || new Set(said.map(({ left }) => left)).size < said.length ? null : said;
}

/** A typed value: `true`, `3`, `1.5`, or a text; in quotes it is a text whatever it looks like. */
export function valueOf(typed: string): Value {
  const quoted = /^"(.*)"$/s.exec(typed);
  if (quoted) return quoted[1] ?? '';
  if (typed === 'true' || typed === 'false') return typed === 'true';
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed) ? Number(typed) : typed;
}

/** A value as it is typed. */
export function typedOf(value: Value): string {
  if (typeof value !== 'string') return String(value);
  return valueOf(value) === value && value.trim() === value && value !== '' ? value : `"${value}"`;
}

/** What an import would do, as far as the page can tell: routes are told apart by both ends. */
export interface ImportForecast {
  rows: number;
  fresh: { from: string; to: string }[];
  known: number;
  /** With "replace": those that are there and not in the text. */
  gone: { from: string; to: string }[];
}

/** Reads a CSV of routes; an error says what was expected. */
export function forecast(csv: string, routes: readonly RouteRow[]): { ok: true; forecast: ImportForecast } | { ok: false; expected: string } {
  const [head, ...rows] = parseCsv(csv);
  const from = head?.findIndex((name) => name.trim() === 'from') ?? -1;
  const to = head?.findIndex((name) => name.trim() === 'to') ?? -1;
  if (from < 0 || to < 0) return { ok: false, expected: 'The first line names the columns. Expected at least from and to.' };
  const wanted = rows.map((row) => ({ from: (row[from] ?? '').trim(), to: (row[to] ?? '').trim() }));
  const half = wanted.findIndex((row) => row.from === '' || row.to === '');
  if (half >= 0) return { ok: false, expected: `Row ${half + 2} of the table has no ${wanted[half]?.from === '' ? 'from' : 'to'}.` };
  const sign = (row: { from: string; to: string }): string => `${row.from}\n${row.to}`;
  // What a pattern stands for and what clients of PiPLC have sent is not in a file.
  const own = routes.filter(({ pattern, source }) => (pattern === null || pattern === undefined) && source !== 'piplc');
  const there = new Set(own.map(sign));
  const named = new Set(wanted.map(sign));
  const fresh = wanted.filter((row) => !there.has(sign(row)));
  const gone = own.filter((row) => !named.has(sign(row))).map((row) => ({ from: row.from, to: row.to }));
  return { ok: true, forecast: { rows: wanted.length, fresh, known: wanted.length - fresh.length, gone } };
}

/** The rows of a CSV (RFC 4180); empty lines are left out. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let isQuoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.length > 1 || row[0] !== '') rows.push(row);
    [row, cell] = [[], ''];
  };
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at += 1) {
    const sign = text[at];
    if (isQuoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else isQuoted = false;
    } else if (sign === '"' && cell === '') isQuoted = true;
    else if (sign === ',') {
      row.push(cell);
      cell = '';
    } else if (sign === '\n') endRow();
    else if (sign !== '\r') cell += sign;
  }
  if (cell !== '' || row.length > 0) endRow();
  return rows;
}
