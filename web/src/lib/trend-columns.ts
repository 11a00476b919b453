/**
 * What a signal was in each pixel of a span: smallest, largest, the last value and the worst quality. Drawing costs as much
 * as the plot is wide, however many samples there are, and a spike of one sample is in its pixel.
 */

import { eachPiece, GAP, type Ring, type Source } from './trend-track';

export class Columns {
  min: Float64Array;
  max: Float64Array;
  /** What holds at the end of the pixel; NaN where nothing does. */
  last: Float64Array;
  /** The worst in the pixel; `GAP` where nothing is known. */
  state: Uint8Array;
  /** Samples in the pixel. */
  count: Uint16Array;

  constructor(readonly length: number) {
    this.min = new Float64Array(length);
    this.max = new Float64Array(length);
    this.last = new Float64Array(length);
    this.state = new Uint8Array(length);
    this.count = new Uint16Array(length);
  }
}

/** Which span of the time, in how many pixels. */
export interface Grid {
  from: number;
  /** Milliseconds of one pixel. */
  step: number;
  length: number;
}

/** Fills columns from a source. After `until` nothing is known. */
export function fillColumns(columns: Columns, source: Source, grid: Grid, until: number): void {
  new Filler(columns, grid, until).run(source);
}

/** Walks through pieces and pixels together. */
class Filler {
  #held = Number.NaN;
  #heldState = GAP;
  /** A part that is longer than a pixel has its smallest and largest in each of its pixels. */
  #wideUntil = Number.NEGATIVE_INFINITY;
  #wideMin = Number.NaN;
  #wideMax = Number.NaN;
  #wideWorst = GAP;
  #at = -1;
  /** The first pixel of which nothing is known. */
  #end: number;

  constructor(
    readonly columns: Columns,
    readonly grid: Grid,
    until: number,
  ) {
    const { from, step, length } = grid;
    this.#end = Math.max(0, Math.min(length, Math.ceil((until - from) / step)));
  }

  run(source: Source): void {
    const { from, step, length } = this.grid;
    const visit = (ring: Ring, place: number): void => this.#take(ring, place);
    eachPiece(source, from, from + step * length, visit);
    this.#advance(this.#end - 1);
    for (let index = Math.max(this.#at + 1, 0); index < length; index += 1) this.#clear(index);
  }

  #take(ring: Ring, place: number): void {
    const { from, step } = this.grid;
    const at = ring.at.array[place] ?? 0;
    const isPart = ring.width > 0 && (ring.count.array[place] ?? 0) > 0;
    const [min, max, worst] = [ring.min.array[place] ?? 0, ring.max.array[place] ?? 0, ring.worst.array[place] ?? 0];
    const column = Math.floor((at - from) / step);
    if (column >= 0) {
      this.#advance(Math.min(column, this.#end - 1));
      if (column === this.#at && worst !== GAP) this.#merge(column, min, max, worst);
    }
    this.#held = ring.last.array[place] ?? Number.NaN;
    this.#heldState = ring.state.array[place] ?? GAP;
    if (column === this.#at && column >= 0) {
      this.columns.last[column] = this.#heldState === GAP ? Number.NaN : this.#held;
      this.columns.count[column] = Math.min(65_535, (this.columns.count[column] ?? 0) + (ring.count.array[place] ?? 0));
    }
    if (isPart) {
      this.#wideUntil = at + ring.width;
      [this.#wideMin, this.#wideMax, this.#wideWorst] = [min, max, worst];
    }
  }

  /** Goes on to a pixel; those on the way hold what was last. */
  #advance(column: number): void {
    while (this.#at < column) {
      this.#at += 1;
      this.#begin(this.#at);
    }
  }

  #begin(column: number): void {
    if (this.#heldState === GAP) this.#clear(column);
    else {
      this.columns.min[column] = this.#held;
      this.columns.max[column] = this.#held;
      this.columns.last[column] = this.#held;
      this.columns.state[column] = this.#heldState;
      this.columns.count[column] = 0;
    }
    if (this.#wideUntil > this.grid.from + column * this.grid.step) this.#merge(column, this.#wideMin, this.#wideMax, this.#wideWorst);
  }

  #merge(column: number, min: number, max: number, worst: number): void {
    const { columns } = this;
    columns.state[column] = Math.max(columns.state[column] ?? GAP, worst);
    const [low, high] = [columns.min[column] ?? Number.NaN, columns.max[column] ?? Number.NaN];
    if (!Number.isNaN(min)) columns.min[column] = Number.isNaN(low) ? min : Math.min(low, min);
    if (!Number.isNaN(max)) columns.max[column] = Number.isNaN(high) ? max : Math.max(high, max);
  }

  #clear(column: number): void {
    this.columns.min[column] = Number.NaN;
    this.columns.max[column] = Number.NaN;
    this.columns.last[column] = Number.NaN;
    this.columns.state[column] = GAP;
    this.columns.count[column] = 0;
  }
}

/** Where the first knows nothing, what the second knows. */
export function fillGaps(columns: Columns, other: Columns): void {
  for (let index = 0; index < columns.length; index += 1) {
    if (columns.state[index] !== GAP) continue;
    columns.min[index] = other.min[index] ?? Number.NaN;
    columns.max[index] = other.max[index] ?? Number.NaN;
    columns.last[index] = other.last[index] ?? Number.NaN;
    columns.state[index] = other.state[index] ?? GAP;
    columns.count[index] = other.count[index] ?? 0;
  }
}

/** The smallest and the largest of all pixels, or null when there is none. */
export function extent(columns: Columns): [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < columns.length; index += 1) {
    const [min, max] = [columns.min[index] ?? Number.NaN, columns.max[index] ?? Number.NaN];
    if (min < low) low = min;
    if (max > high) high = max;
  }
  return low <= high && Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}
