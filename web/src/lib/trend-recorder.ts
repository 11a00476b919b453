/** Keeps what the live channel says of the signals in view, each on a track in the world's time. */

import type { DataRow, HubMessage, Kind, Quality, Signal, Value } from './protocol';
import { WorldTime } from './trend-clock';
import { BAD, GAP, GOOD, STALE, Track } from './trend-track';

/** Texts that are remembered; when there are more those that no sample has are forgotten. */
const TEXTS_MAX = 16_384;

/** Texts as numbers, so that a track can hold them. */
export class Texts {
  #numbers = new Map<string, number>();
  #texts = new Map<number, string>();
  #next = 0;

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#next++;
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
    return number;
  }

  /** A value as a number of a track. */
  numberFor(value: Value): number {
    if (typeof value === 'string') return this.numberOf(value);
    return value === null ? Number.NaN : Number(value);
  }

  /** The value that a number of a track stands for. */
  valueFor(number: number, kind: Kind): Value {
    if (Number.isNaN(number)) return null;
    if (kind === 'bool') return number !== 0;
    return kind === 'text' ? this.textOf(number) : number;
  }

  textOf(number: number): string {
    return this.#texts.get(number) ?? '…';
  }

  get isFull(): boolean {
    return this.#texts.size > TEXTS_MAX;
  }

  /** Forgets what is not among these. */
  keep(numbers: ReadonlySet<number>): void {
    for (const [number, text] of this.#texts) {
      if (numbers.has(number)) continue;
      this.#texts.delete(number);
      this.#numbers.delete(text);
    }
  }
}

/** What is known of one signal. */
export class Recorded {
  readonly track = new Track();

  constructor(
    readonly name: string,
    readonly kind: Kind,
    readonly texts: Texts,
  ) {}

  put(at: number, value: Value, state: number): void {
    this.track.push(at, this.texts.numberFor(value), state);
  }
}

export function stateOf(quality: Quality): number {
  return quality === 'good' ? GOOD : quality === 'stale' ? STALE : BAD;
}

export class Recorder {
  readonly time = new WorldTime();
  readonly texts = new Texts();
  #byName = new Map<string, Recorded>();
  #byId = new Map<number, Recorded>();
  /** When the hub was last heard, in the world's time. */
  heardAt = Number.NEGATIVE_INFINITY;
  isLive = false;

  of(name: string): Recorded | undefined {
    return this.#byName.get(name);
  }

  /** From now on only these are kept. */
  keep(names: ReadonlySet<string>): void {
    for (const name of [...this.#byName.keys()]) if (!names.has(name)) this.#byName.delete(name);
    for (const [id, { name }] of [...this.#byId]) if (!names.has(name)) this.#byId.delete(id);
  }

  /** A connection began, by the hub's own clock; its signals get other numbers. */
  greet(hub: number, world: number): void {
    this.#leave();
    this.#byId.clear();
    this.time.begin(hub, world);
    this.heardAt = world;
    this.isLive = true;
  }

  /** The link is lost: from the last word of the hub on nothing is known. */
  lose(): void {
    this.#leave();
    this.isLive = false;
  }

  clear(): void {
    this.#byName.clear();
    this.#byId.clear();
    this.isLive = false;
  }

  /** Takes a frame that came at `world`. */
  hear(message: HubMessage, world: number): void {
    this.heardAt = Math.max(this.heardAt, world);
    switch (message.type) {
      case 'snapshot':
      case 'added':
        this.time.heard(message.now_ms, world);
        for (const signal of message.signals) this.#show(signal, world, this.time.at(message.now_ms, world));
        break;
      case 'data':
        this.time.heard(message.now_ms, world);
        for (const row of message.signals) this.#take(row, world, this.time.at(message.now_ms, world), message.gap?.since_ms ?? null);
        if (this.texts.isFull) this.#forgetTexts();
        break;
      case 'clock':
        this.time.go(message.running ? message.rate : 0, message.until_ms, message.now_ms, world);
        break;
      case 'tick':
        this.time.heard(message.now_ms, world);
        break;
      default:
        break;
    }
  }

  /** The page has learnt that its own clock was wrong by so much. */
  shift(by: number): void {
    this.time.shift(by);
    this.heardAt += by;
    for (const { track } of this.#byName.values()) track.shift(by);
  }

  /** The end of what is known, at `now`. */
  until(now: number): number {
    return this.isLive ? now : this.heardAt;
  }

  #forgetTexts(): void {
    const used = new Set<number>();
    for (const { kind, track } of this.#byName.values()) {
      if (kind !== 'text') continue;
      const { samples } = track;
      // Half of what may be remembered is kept, the newest first, so that the next text does not begin this anew.
      const first = Math.max(0, samples.size - Math.floor(TEXTS_MAX / 2 / this.#byName.size));
      for (let index = first; index < samples.size; index += 1) used.add(samples.last.array[samples.place(index)] ?? Number.NaN);
    }
    this.texts.keep(used);
  }

  #leave(): void {
    for (const { track } of this.#byName.values()) track.gap(this.heardAt);
  }

  #show(signal: Signal, world: number, told: number): void {
    let recorded = this.#byName.get(signal.name);
    if (!recorded || recorded.kind !== signal.kind) {
      recorded = new Recorded(signal.name, signal.kind, this.texts);
      this.#byName.set(signal.name, recorded);
    }
    this.#byId.set(signal.id, recorded);
    const { newest } = recorded.track;
    const number = this.texts.numberFor(signal.value);
    const state = stateOf(signal.quality);
    if (newest !== null && newest.state === state && Object.is(newest.value, number)) return;
    // What it was before it was seen first, or while there was no link, the page does not know.
    const isContinued = newest !== null && newest.state !== GAP && !Object.is(newest.value, number);
    recorded.put(isContinued ? this.time.at(signal.changed_at_ms, world) : told, signal.value, state);
  }

  #take([id, value, quality, changed_at_ms]: DataRow, world: number, told: number, since_ms: number | null): void {
    const recorded = this.#byId.get(id);
    if (!recorded) return;
    const { newest } = recorded.track;
    if (since_ms !== null) recorded.track.gap(this.time.at(since_ms, world));
    const state = stateOf(typeof quality === 'string' ? quality : quality[0]);
    // The time of change is that of the value: of a change of the quality alone only the telling is known.
    const isValue = newest === null || !Object.is(newest.value, this.texts.numberFor(value)) || state === newest.state;
    recorded.put(isValue ? this.time.at(changed_at_ms, world) : told, value, state);
  }
}
