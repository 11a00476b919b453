/** What a signal did between two cursors. */

import { eachPiece, GAP, type Source } from './trend-track';

export interface Statistics {
  atA: number;
  atB: number;
  min: number;
  max: number;
  /** Weighted with the time that each value held. */
  mean: number;
  /** How often the value changed. */
  edges: number;
  /** There were at least so many edges: a part of the time is known by its smallest and largest only. */
  isLeast: boolean;
}

/** The value that holds at a moment; NaN where nothing is known. A part of the time counts as its mean. */
export function valueAt(source: Source, at: number, until: number): number {
  if (at > until) return Number.NaN;
  let value = Number.NaN;
  eachPiece(source, at, at, (ring, place) => {
    const isInside = (ring.at.array[place] ?? 0) + ring.width > at;
    const isHeld = ring.state.array[place] !== GAP;
    value = isInside ? (ring.mean.array[place] ?? Number.NaN) : isHeld ? (ring.last.array[place] ?? Number.NaN) : Number.NaN;
  });
  return value;
}

/** What is between two moments, whichever comes first; null where nothing is known in between. */
export function statistics(source: Source, a: number, b: number, until: number): Statistics | null {
  const [from, to] = [Math.min(a, b), Math.min(Math.max(a, b), until)];
  if (to < from) return null;
  const sum = new Sum(from, to);
  eachPiece(source, from, to, (ring, place) => {
    const at = ring.at.array[place] ?? 0;
    const count = ring.count.array[place] ?? 0;
    if (ring.width > 0 && count > 0 && at + ring.width > from) {
      sum.part(at, ring.width, ring.min.array[place] ?? 0, ring.max.array[place] ?? 0, ring.mean.array[place] ?? 0, count);
    }
    sum.sample(at + ring.width, ring.last.array[place] ?? Number.NaN, ring.state.array[place] ?? GAP, ring.width === 0);
  });
  sum.end();
  if (sum.min > sum.max) return null;
  return {
    atA: valueAt(source, a, until),
    atB: valueAt(source, b, until),
    min: sum.min,
    max: sum.max,
    mean: sum.weight > 0 ? sum.area / sum.weight : sum.min,
    edges: sum.edges,
    isLeast: sum.isLeast,
  };
}

class Sum {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  area = 0;
  weight = 0;
  edges = 0;
  isLeast = false;
  #value = Number.NaN;
  #since: number;

  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    this.#since = from;
  }

  part(at: number, width: number, min: number, max: number, mean: number, count: number): void {
    this.#hold(at);
    const [begin, end] = [Math.max(at, this.from, this.#since), Math.min(at + width, this.to)];
    if (end < begin || Number.isNaN(min)) return;
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    this.area += mean * (end - begin);
    this.weight += end - begin;
    if (min !== max) this.edges += Math.max(1, count - 1);
    this.isLeast ||= min !== max;
    this.#since = end;
  }

  sample(at: number, value: number, state: number, isExact: boolean): void {
    this.#hold(at);
    const isInside = at > this.from && at <= this.to;
    if (isInside && isExact && state !== GAP && !Number.isNaN(this.#value) && value !== this.#value) this.edges += 1;
    this.#value = state === GAP ? Number.NaN : value;
    this.#since = Math.max(this.#since, Math.min(at, this.to));
    if (at >= this.from && at <= this.to) this.#see(this.#value);
  }

  end(): void {
    this.#hold(this.to);
  }

  #hold(until: number): void {
    const time = Math.min(until, this.to) - this.#since;
    if (Number.isNaN(this.#value) || time < 0 || until < this.from) return;
    this.#see(this.#value);
    this.area += this.#value * time;
    this.weight += time;
    this.#since += time;
  }

  #see(value: number): void {
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
}
