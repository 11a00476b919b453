/**
 * What one signal was: every sample of the newest minutes, and smallest and largest of each second and of each ten
 * seconds before that. Memory is bounded, and no spike is lost: what leaves the samples is in the parts.
 *
 * A signal holds its value until the next sample. What is not known (no link, cycles left out) is a gap, a sample
 * without a value.
 */

/** What a value is worth; a larger number is the worse one, and 0 is no value at all. */
export const GAP = 0;
export const GOOD = 1;
export const STALE = 2;
export const BAD = 3;

/** Samples kept in full: ten minutes of a signal that changes ten times a second, and a third more. */
export const SAMPLES_MAX = 8_192;
/** Parts of a second: two hours. */
const SECONDS_MAX = 7_200;
/** Parts of ten seconds: a day. */
const TENS_MAX = 8_640;
const FIRST_CAPACITY = 256;

/** One sample, or a part of the time with several. */
export interface Piece {
  at: number;
  min: number;
  max: number;
  /** What holds after it. */
  last: number;
  /** The mean over the time of the part. */
  mean: number;
  /** What the value is worth after it; `GAP` when none holds. */
  state: number;
  /** The worst in it. */
  worst: number;
  /** Samples in it. */
  count: number;
}

/** Pieces by time in typed arrays, the oldest of which go when there are too many. */
export class Ring {
  readonly at: Growing<Float64Array>;
  readonly last: Growing<Float64Array>;
  readonly min: Growing<Float64Array>;
  readonly max: Growing<Float64Array>;
  readonly mean: Growing<Float64Array>;
  readonly state: Growing<Uint8Array>;
  readonly worst: Growing<Uint8Array>;
  readonly count: Growing<Uint32Array>;
  size = 0;
  /** How many pieces went. */
  lost = 0;
  #start = 0;
  #capacity: number;
  readonly #all: Growing<Float64Array | Uint8Array | Uint32Array>[];

  /** `width` is the length of each piece; samples have none. */
  constructor(
    readonly sizeMax: number,
    readonly width: number,
  ) {
    this.#capacity = Math.min(FIRST_CAPACITY, sizeMax);
    const floats = (): Growing<Float64Array> => new Growing((length) => new Float64Array(length), this.#capacity);
    this.at = floats();
    this.last = floats();
    this.state = new Growing((length) => new Uint8Array(length), this.#capacity);
    const isSamples = width === 0;
    this.min = isSamples ? this.last : floats();
    this.max = isSamples ? this.last : floats();
    this.mean = isSamples ? this.last : floats();
    this.worst = isSamples ? this.state : new Growing((length) => new Uint8Array(length), this.#capacity);
    this.count = new Growing((length) => new Uint32Array(length), this.#capacity);
    this.#all = [...new Set<Growing<Float64Array | Uint8Array | Uint32Array>>([this.at, this.last, this.min, this.max, this.mean, this.state, this.worst, this.count])];
  }

  /** Where the piece of this number stands in the arrays. */
  place(index: number): number {
    const place = this.#start + index;
    return place < this.#capacity ? place : place - this.#capacity;
  }

  push(piece: Piece): void {
    if (this.size === this.#capacity && this.#capacity < this.sizeMax) this.#grow();
    if (this.size === this.#capacity) {
      this.#start = this.place(1);
      this.lost += 1;
    } else this.size += 1;
    const place = this.place(this.size - 1);
    this.at.array[place] = piece.at;
    this.min.array[place] = piece.min;
    this.max.array[place] = piece.max;
    this.mean.array[place] = piece.mean;
    this.last.array[place] = piece.last;
    this.worst.array[place] = piece.worst;
    this.state.array[place] = piece.state;
    this.count.array[place] = piece.count;
  }

  timeOf(index: number): number {
    return this.at.array[this.place(index)] ?? Number.NaN;
  }

  piece(index: number): Piece {
    const place = this.place(index);
    const of = (values: Growing<Float64Array | Uint8Array | Uint32Array>): number => values.array[place] ?? Number.NaN;
    return { at: of(this.at), min: of(this.min), max: of(this.max), last: of(this.last), mean: of(this.mean), state: of(this.state), worst: of(this.worst), count: of(this.count) };
  }

  /** The number of the first piece at or after `at`; `size` when there is none. */
  firstFrom(at: number): number {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timeOf(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All times move by so much. */
  shift(by: number): void {
    for (let index = 0; index < this.#capacity; index += 1) this.at.array[index] = (this.at.array[index] ?? 0) + by;
  }

  #grow(): void {
    const next = Math.min(this.sizeMax, this.#capacity * 2);
    for (const array of this.#all) array.grow(next);
    this.#capacity = next;
  }
}

/** A typed array that becomes larger. It grows before anything has gone, so its first element is the oldest then. */
class Growing<T extends Float64Array | Uint8Array | Uint32Array> {
  array: T;

  constructor(
    readonly make: (length: number) => T,
    length: number,
  ) {
    this.array = make(length);
  }

  grow(length: number): void {
    const larger = this.make(length);
    larger.set(this.array);
    this.array = larger;
  }
}

/** A part of the time that is not over. */
interface Open extends Piece {
  area: number;
  weight: number;
  since: number;
}

/** Samples, gathered into parts of one width. */
class Gatherer {
  readonly ring: Ring;
  #open: Open | null = null;

  constructor(sizeMax: number, width: number) {
    this.ring = new Ring(sizeMax, width);
  }

  take(at: number, value: number, state: number): void {
    const begin = Math.floor(at / this.ring.width) * this.ring.width;
    if (this.#open === null || begin > this.#open.at) this.#begin(begin, at);
    const open = this.#open;
    if (open === null) return;
    hold(open, at);
    if (state !== GAP) {
      open.min = Number.isNaN(open.min) ? value : Math.min(open.min, value);
      open.max = Number.isNaN(open.max) ? value : Math.max(open.max, value);
      open.worst = Math.max(open.worst, state);
      open.count += 1;
    }
    open.last = value;
    open.state = state;
  }

  /** All times move by so much. */
  shift(by: number): void {
    this.ring.shift(by);
    if (this.#open !== null) {
      this.#open.at += by;
      this.#open.since += by;
    }
  }

  #begin(begin: number, at: number): void {
    const before = this.#open;
    if (before !== null) {
      hold(before, before.at + this.ring.width);
      before.mean = before.weight > 0 ? before.area / before.weight : before.last;
      this.ring.push(before);
    }
    const isHeld = before !== null && before.state !== GAP;
    this.#open = {
      at: begin,
      min: Number.NaN,
      max: Number.NaN,
      last: before?.last ?? Number.NaN,
      mean: Number.NaN,
      state: before?.state ?? GAP,
      worst: GAP,
      count: 0,
      area: 0,
      weight: 0,
      // What held before counts from the begin of the part.
      since: isHeld ? begin : at,
    };
  }
}

function hold(open: Open, until: number): void {
  const time = until - open.since;
  if (open.state !== GAP && !Number.isNaN(open.last) && time > 0) {
    open.area += open.last * time;
    open.weight += time;
  }
  open.since = Math.max(open.since, until);
}

export class Track {
  readonly samples = new Ring(SAMPLES_MAX, 0);
  readonly #seconds = new Gatherer(SECONDS_MAX, 1_000);
  readonly #tens = new Gatherer(TENS_MAX, 10_000);
  /** The newest sample; null before the first. */
  newest: { at: number; value: number; state: number } | null = null;
  /** When the first sample came. */
  startedAt: number | null = null;
  /** Since when nothing is missing. */
  wholeSince: number | null = null;

  /** Takes a sample. Time never goes back: one that comes late counts as of the one before. */
  push(time: number, value: number, state: number): void {
    const at = Math.max(time, this.newest?.at ?? Number.NEGATIVE_INFINITY);
    const worth = state !== GAP && Number.isNaN(value) ? BAD : state;
    if (this.newest === null || this.newest.state === GAP) this.wholeSince = at;
    this.samples.push({ at, min: value, max: value, last: value, mean: value, state: worth, worst: worth, count: 1 });
    this.#seconds.take(at, value, worth);
    this.#tens.take(at, value, worth);
    this.newest = { at, value, state: worth };
    this.startedAt ??= at;
  }

  /** Nothing is known from here on. */
  gap(at: number): void {
    if (this.newest !== null && this.newest.state !== GAP) this.push(at, Number.NaN, GAP);
  }

  shift(by: number): void {
    this.samples.shift(by);
    this.#seconds.shift(by);
    this.#tens.shift(by);
    if (this.newest !== null) this.newest.at += by;
    if (this.startedAt !== null) this.startedAt += by;
    if (this.wholeSince !== null) this.wholeSince += by;
  }

  /** What covers the time, the coarsest first, each up to the begin of the next. */
  rings(): readonly Ring[] {
    if (this.samples.lost === 0) return [this.samples];
    return this.#seconds.ring.lost === 0 ? [this.#seconds.ring, this.samples] : [this.#tens.ring, this.#seconds.ring, this.samples];
  }
}

/** A run of pieces, and where each ring of them ends. */
export interface Source {
  rings(): readonly Ring[];
}

/**
 * Gives every piece of a source from the one that holds at `from` up to `to`, the oldest first, with the length of each.
 * A part that reaches into the time of the finer ring is given too, so that nothing in it is missed.
 */
export function eachPiece(source: Source, from: number, to: number, visit: (ring: Ring, place: number) => void): void {
  const rings = source.rings().filter((ring) => ring.size > 0);
  for (const [order, ring] of rings.entries()) {
    const next = rings[order + 1];
    const end = next === undefined ? Number.POSITIVE_INFINITY : next.timeOf(0);
    // The finer ring has what holds at the begin of the span.
    if (end <= from) continue;
    const first = Math.max(0, ring.firstFrom(from + 1e-6) - 1);
    for (let index = first; index < ring.size; index += 1) {
      const place = ring.place(index);
      const at = ring.at.array[place] ?? Number.NaN;
      if (at > to || at >= end) break;
      visit(ring, place);
    }
  }
}
