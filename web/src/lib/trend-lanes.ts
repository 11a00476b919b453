/**
 * What a trend shows: its signals in their order, the lane and the scale of each, and how that stands in the address.
 *
 * Numbers stand in lanes with an axis each, those of the same magnitude together unless a person has moved them. Bits, texts and
 * whole numbers that are shown as a bus have a lane each.
 */

import type { Kind } from './protocol';
import { namesWord } from './trend-address';
import type { View } from './trend-view';

/** More would be neither told apart nor read. */
export const SIGNALS_MAX = 32;
/** What one pattern adds at most. */
export const PATTERN_MAX = 16;
export const PALETTE_LEN = 8;

export interface TrendSignal {
  name: string;
  /** The lane of a number, from 1; null until its magnitude is known. */
  lane: number | null;
  /** A whole number with its value as text between two rails. */
  isBus: boolean;
  isHidden: boolean;
  /** Its number in this trend, from 1: with its colour it is on the signal's line and in the legend. It stays when others move. */
  mark: number;
}

/** A scale from smallest to largest, or null where it follows what is seen. */
export type Scale = readonly [number, number] | null;

export interface Trend {
  signals: readonly TrendSignal[];
  scales: Readonly<Record<number, Scale>>;
}

export interface Lane {
  key: string;
  kind: 'analog' | 'digital' | 'bus' | 'waiting';
  /** Of a lane with an axis. */
  number: number | null;
  scale: Scale;
  signals: readonly TrendSignal[];
}

export const NO_TREND: Trend = { signals: [], scales: {} };

/** Adds signals that are not there; gives how many had no room. */
export function added(trend: Trend, names: readonly string[]): { trend: Trend; left: number } {
  const isThere = new Set(trend.signals.map(({ name }) => name));
  const fresh = [...new Set(names)].filter((name) => !isThere.has(name));
  const taken = fresh.slice(0, SIGNALS_MAX - trend.signals.length);
  const signals = [...trend.signals];
  for (const name of taken) signals.push({ name, lane: null, isBus: false, isHidden: false, mark: freeMark(signals) });
  return { trend: { ...trend, signals }, left: fresh.length - taken.length };
}

function freeMark(signals: readonly TrendSignal[]): number {
  const taken = new Set(signals.map(({ mark }) => mark));
  let mark = 1;
  while (taken.has(mark)) mark += 1;
  return mark;
}

export function removed(trend: Trend, name: string): Trend {
  return { ...trend, signals: trend.signals.filter((signal) => signal.name !== name) };
}

export function changed(trend: Trend, name: string, change: Partial<TrendSignal>): Trend {
  return { ...trend, signals: trend.signals.map((signal) => (signal.name === name ? { ...signal, ...change } : signal)) };
}

/** Puts a signal before another one, into its lane where both are numbers with an axis. */
export function movedBefore(trend: Trend, name: string, target: string, isAfter: boolean, sharesLane: boolean): Trend {
  const moving = trend.signals.find((signal) => signal.name === name);
  const goal = trend.signals.find((signal) => signal.name === target);
  if (!moving || !goal || moving === goal) return trend;
  const signals = trend.signals.filter((signal) => signal !== moving);
  const place = signals.indexOf(goal) + (isAfter ? 1 : 0);
  signals.splice(place, 0, sharesLane ? { ...moving, lane: goal.lane } : moving);
  return { ...trend, signals };
}

/** Moves a signal by one place among those that are shown in this order. */
export function movedBy(trend: Trend, order: readonly string[], name: string, by: -1 | 1, sharesLane: (other: string) => boolean): Trend {
  const target = order[order.indexOf(name) + by];
  return target === undefined ? trend : movedBefore(trend, name, target, by > 0, sharesLane(target));
}

/** The power of ten of a magnitude; what is smaller than 10 is one group. */
export function magnitudeOf(size: number): number {
  return size < 10 ? 0 : Math.floor(Math.log10(size));
}

/** Gives every number whose magnitude is known by now a lane: that of others of its magnitude, or a new one. */
export function withLanes(trend: Trend, kindOf: (name: string) => Kind | null, sizeOf: (name: string) => number | null): Trend {
  if (trend.signals.every(({ lane }) => lane !== null)) return trend;
  const lanes = new Map<number, number>();
  const isAnalog = ({ name, isBus }: TrendSignal): boolean => !isBus && isNumber(kindOf(name));
  for (const signal of trend.signals) {
    const size = sizeOf(signal.name);
    if (signal.lane !== null && isAnalog(signal) && size !== null && !lanes.has(magnitudeOf(size))) lanes.set(magnitudeOf(size), signal.lane);
  }
  let isChanged = false;
  const used = new Set(trend.signals.map(({ lane }) => lane));
  const signals = trend.signals.map((signal) => {
    const size = sizeOf(signal.name);
    if (signal.lane !== null || size === null || !isAnalog(signal)) return signal;
    const group = magnitudeOf(size);
    let lane = lanes.get(group);
    if (lane === undefined) {
      lane = freeLane(used);
      lanes.set(group, lane);
      used.add(lane);
    }
    isChanged = true;
    return { ...signal, lane };
  });
  return isChanged ? { ...trend, signals } : trend;
}

export function freeLane(used: ReadonlySet<number | null>): number {
  let lane = 1;
  while (used.has(lane)) lane += 1;
  return lane;
}

export function isNumber(kind: Kind | null): boolean {
  return kind === 'int' || kind === 'float';
}

/** The lanes from top to bottom: each where the first of its signals stands. */
export function lanesOf(trend: Trend, kindOf: (name: string) => Kind | null): Lane[] {
  const lanes: Lane[] = [];
  const byNumber = new Map<number, TrendSignal[]>();
  for (const signal of trend.signals) {
    const kind = kindOf(signal.name);
    const isAnalog = isNumber(kind) && !signal.isBus;
    if (isAnalog && signal.lane !== null) {
      const known = byNumber.get(signal.lane);
      if (known) {
        known.push(signal);
        continue;
      }
      const signals = [signal];
      byNumber.set(signal.lane, signals);
      lanes.push({ key: `axis ${signal.lane}`, kind: 'analog', number: signal.lane, scale: trend.scales[signal.lane] ?? null, signals });
    } else {
      const laneKind = kind === null || isAnalog ? 'waiting' : kind === 'bool' ? 'digital' : 'bus';
      lanes.push({ key: `signal ${signal.name}`, kind: laneKind, number: null, scale: null, signals: [signal] });
    }
  }
  return lanes;
}

/** The colour and the dash of a mark: eight colours, and from the ninth on the same ones dashed in three ways. */
export function styleOf(mark: number): { colour: number; dash: readonly number[] } {
  const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3]];
  return { colour: ((mark - 1) % PALETTE_LEN) + 1, dash: DASHES[Math.floor((mark - 1) / PALETTE_LEN) % DASHES.length] ?? [] };
}

/** The range of an axis: what is seen with some air, and as it was while that still fits, so that it does not dance. */
export function axisRange(seen: readonly [number, number] | null, before: readonly [number, number] | null): [number, number] {
  if (seen === null) return before ? [...before] : [0, 1];
  const [low, high] = seen;
  const size = high - low || Math.max(Math.abs(high) * 0.1, 1e-9);
  const isFlat = high === low;
  const wanted: [number, number] = isFlat ? [low - (low === 0 ? 1 : size), high + (high === 0 ? 1 : size)] : [low - size * 0.08, high + size * 0.08];
  if (before === null || low < before[0] || high > before[1]) return wanted;
  const isWide = before[1] - before[0] > (wanted[1] - wanted[0]) * 1.6;
  return isWide ? wanted : [...before];
}

export interface Asked {
  trend: Trend;
  view: View | null;
  cursors: { a: number | null; b: number | null };
}

/** A trend as the query of its address. Names keep their slashes, so that a person can read them. */
export function toSearch({ trend, view, cursors }: Asked): string {
  const { signals, scales } = trend;
  if (signals.length === 0) return '';
  const parts = [`signals=${namesWord(signals.map(({ name }) => name))}`];
  const list = (key: string, words: readonly (string | number)[]): void => {
    if (words.some((word) => word !== '')) parts.push(`${key}=${words.join(',')}`);
  };
  const places = (is: (signal: TrendSignal) => boolean): number[] => signals.flatMap((signal, index) => (is(signal) ? [index + 1] : []));
  list('lanes', signals.map(({ lane }) => lane ?? ''));
  if (signals.some(({ mark }, index) => mark !== index + 1)) list('marks', signals.map(({ mark }) => mark));
  list('bus', places(({ isBus }) => isBus));
  list('hide', places(({ isHidden }) => isHidden));
  list('scale', Object.entries(scales).flatMap(([lane, scale]) => (scale ? [`${lane}:${scale[0]}:${scale[1]}`] : [])));
  if (view?.kind === 'live') parts.push(`span=${Math.round(view.span)}`);
  if (view?.kind === 'held') parts.push(`from=${Math.round(view.from)}`, `to=${Math.round(view.to)}`);
  if (cursors.a !== null) parts.push(`a=${Math.round(cursors.a)}`);
  if (cursors.b !== null) parts.push(`b=${Math.round(cursors.b)}`);
  return `?${parts.join('&')}`;
}

/** The reverse; what cannot be read is left out. */
export function fromSearch(search: string): Asked {
  const parts = new Map(
    search
      .replace(/^\?/, '')
      .split('&')
      .map((part) => {
        const cut = part.indexOf('=');
        return cut < 0 ? [part, ''] : [part.slice(0, cut), part.slice(cut + 1)];
      }),
  );
  const words = (key: string): string[] => (parts.get(key) || '').split(',');
  const number = (text: string | undefined): number | null => (text && Number.isFinite(Number(text)) ? Number(text) : null);
  const whole = (text: string | undefined): number | null => (text && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : null);
  const names = [...new Set(words('signals').map(decoded).filter((name) => name !== ''))].slice(0, SIGNALS_MAX);
  const [lanes, marks] = [words('lanes'), words('marks').map(whole)];
  const [bus, hidden] = [new Set(words('bus').map(whole)), new Set(words('hide').map(whole))];
  const areMarksGood = names.every((_, index) => marks[index]) && new Set(marks.slice(0, names.length)).size === names.length;
  const signals = names.map((name, index) => ({
    name,
    lane: whole(lanes[index]),
    isBus: bus.has(index + 1),
    isHidden: hidden.has(index + 1),
    mark: areMarksGood ? (marks[index] ?? index + 1) : index + 1,
  }));
  const scales: Record<number, Scale> = {};
  for (const word of words('scale')) {
    const [lane, low, high] = word.split(':').map(number);
    if (lane && typeof low === 'number' && typeof high === 'number' && low < high) scales[lane] = [low, high];
  }
  const [span, from, to] = [number(parts.get('span')), number(parts.get('from')), number(parts.get('to'))];
  const view: View | null = from !== null && to !== null && from < to ? { kind: 'held', from, to } : span !== null && span > 0 ? { kind: 'live', span } : null;
  return { trend: { signals, scales }, view, cursors: { a: number(parts.get('a')), b: number(parts.get('b')) } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
