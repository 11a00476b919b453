/**
 * What the hub's history knows of the time in which this page did not listen: before it was opened, and while there was no link.
 *
 * It is asked for a little more than is seen, and again when somebody has zoomed nearer than the answer is fine. A newer
 * question ends the ones before it.
 */

import { isCancelled, HubError, type HubApi } from './hub';
import { BAD, GAP, GOOD, Ring, STALE, type Source } from './trend-track';
import type { Value } from './protocol';

/** Questions that are under way at the same time. */
const AT_ONCE = 4;
/** Points of an answer at most, as the hub has it. */
const POINTS_MAX = 10_000;
/** The newest samples come into the file within so long: what was asked for sooner is asked for once more. */
const WRITTEN_AFTER_MS = 3_000;

export interface HistoryPoint {
  at_ms: number;
  value?: Value;
  quality?: string;
  min?: number;
  avg?: number;
  max?: number;
  count?: number;
}

export interface HistoryAnswer {
  now_ms: number;
  signal: string;
  resolution: 'raw' | 'second' | 'minute';
  before: HistoryPoint | null;
  points: HistoryPoint[];
  note: string | null;
}

/** What the history says of one signal. */
export interface Remembered {
  phase: 'waiting' | 'kept' | 'unkept' | 'off' | 'failed';
  /** The hub's words. */
  text: string;
  from: number;
  to: number;
  /** Milliseconds for which a point stands at least; 0 where every sample is there. */
  step: number;
  resolution: HistoryAnswer['resolution'];
  source: Source | null;
  askedAt: number;
}

const NOTHING: Remembered = { phase: 'waiting', text: '', from: Number.NaN, to: Number.NaN, step: 0, resolution: 'raw', source: null, askedAt: Number.NaN };

/** What is missing of a signal. */
export interface Missing {
  name: string;
  from: number;
  to: number;
}

export interface Question extends Missing {
  points: number;
}

function stateOf(quality: string | undefined): number {
  return quality === undefined ? GOOD : quality === 'stale' ? STALE : BAD;
}

/**
 * An answer as pieces. A value holds until the next point, but not over the start of the hub at `startedAt`: while it did not run
 * nobody has listened. What holds after a part is not told; it lies in this part and in the next one.
 */
export function ringOf(answer: HistoryAnswer, question: Question, numberOf: (value: Value) => number, startedAt: number): Ring {
  const width = widthOf(answer);
  const ring = new Ring(Math.max(1, 2 * answer.points.length + 3), width);
  const exact = (at: number, value: number, state: number, count: number): void => ring.push({ at, min: value, max: value, mean: value, last: value, state, worst: state, count });
  /** Ends what holds, where the hub was started since. */
  const cut = (at: number, next: number): void => {
    if (at + width < startedAt && next >= startedAt) exact(at + width + (width > 0 ? 0 : 1), Number.NaN, GAP, 0);
  };
  const { before, points } = answer;
  if (before) {
    exact(Math.max(before.at_ms, question.from - width), numberOf(before.value ?? null), GOOD, 0);
    cut(Math.min(before.at_ms, question.from - 1), points[0]?.at_ms ?? question.to);
  }
  for (const [index, point] of points.entries()) {
    const next = points[index + 1];
    if (point.min === undefined || point.max === undefined) {
      const value = numberOf(point.value ?? null);
      exact(point.at_ms, value, Number.isNaN(value) ? BAD : stateOf(point.quality), 1);
    } else {
      const mean = point.avg ?? point.max;
      const last = Math.min(Math.max(mean, point.min, next?.min ?? point.min), Math.max(point.min, Math.min(point.max, next?.max ?? point.max)));
      ring.push({ at: point.at_ms, min: point.min, max: point.max, mean, last, state: GOOD, worst: GOOD, count: point.count ?? 1 });
    }
    cut(point.at_ms, next?.at_ms ?? question.to);
  }
  return ring;
}

/** How long the parts of an answer are; 0 for samples. */
export function widthOf({ resolution, points }: HistoryAnswer): number {
  if (resolution === 'raw') return 0;
  let width = Number.POSITIVE_INFINITY;
  for (let index = 1; index < points.length; index += 1) width = Math.min(width, (points[index]?.at_ms ?? 0) - (points[index - 1]?.at_ms ?? 0));
  return Number.isFinite(width) ? width : resolution === 'second' ? 1_000 : 60_000;
}

export class History {
  #known = new Map<string, Remembered>();
  #wanted = new AbortController();
  /** The project keeps none: nobody is asked again before there is another connection. */
  isOff = false;
  /** It has answered in this connection. Before that one question goes alone: where nothing is kept, one refusal says it. */
  #hasAnswered = false;
  /** What is under way. */
  waiting = 0;

  constructor(
    readonly api: Pick<HubApi, 'ask'>,
    readonly surroundings: {
      /** A value of this signal as a number of its track. */
      numberOf: (name: string, value: Value) => number;
      /** When the hub was started. */
      startedAt: () => number;
      now: () => number;
      /** The hub's own clock at a moment of this page's: `now` was in the middle between question and answer. */
      clock: (hub_ms: number, now: number, uncertain_ms: number) => void;
      heard: () => void;
    },
  ) {}

  of(name: string): Remembered {
    return this.isOff ? { ...NOTHING, phase: 'off' } : (this.#known.get(name) ?? NOTHING);
  }

  /** Another connection: what was refused may be there now. */
  begin(): void {
    this.isOff = false;
    this.#hasAnswered = false;
    this.#known.clear();
    this.cancel();
  }

  /** Nobody waits for answers any more. */
  cancel(): void {
    this.#wanted.abort();
    this.#wanted = new AbortController();
    this.waiting = 0;
  }

  /** Does what is known of a signal reach over this span, as finely as wanted? */
  covers({ name, from, to }: Missing, step: number): boolean {
    if (this.isOff) return true;
    const known = this.#known.get(name);
    if (!known || known.phase === 'waiting') return false;
    if (known.phase === 'unkept') return true;
    const now = this.surroundings.now();
    if (known.phase === 'failed') return now - known.askedAt < WRITTEN_AFTER_MS;
    const isEarly = known.askedAt - known.to < WRITTEN_AFTER_MS && now - known.askedAt > WRITTEN_AFTER_MS;
    return known.from <= from && known.to >= to && !isEarly && (known.step === 0 || known.step <= 2 * Math.max(step, known.resolution === 'raw' ? 0 : 500));
  }

  /** Asks for what is missing; what was asked before and is not answered is given up. */
  async ask(questions: readonly Question[]): Promise<void> {
    this.cancel();
    const { signal } = this.#wanted;
    const rest = [...questions];
    this.waiting = rest.length;
    const one = async (question: Question): Promise<void> => {
      await this.#askOne(question, signal);
      if (signal.aborted) return;
      this.waiting -= 1;
      this.surroundings.heard();
    };
    const turn = async (): Promise<void> => {
      for (let next = rest.shift(); next !== undefined && !this.isOff && !signal.aborted; next = rest.shift()) await one(next);
    };
    const first = this.#hasAnswered ? undefined : rest.shift();
    if (first !== undefined) await one(first);
    await Promise.all(Array.from({ length: AT_ONCE }, turn));
    if (!signal.aborted) this.waiting = 0;
  }

  async #askOne(question: Question, cancel: AbortSignal): Promise<void> {
    const { name } = question;
    const [from, to] = [Math.max(0, Math.floor(question.from)), Math.max(0, Math.ceil(question.to))];
    const query = new URLSearchParams({ signal: name, from_ms: String(from), to_ms: String(to), points: String(Math.min(POINTS_MAX, Math.max(1, question.points))) });
    const askedAt = this.surroundings.now();
    try {
      const answer = await this.api.ask<HistoryAnswer>(`history?${query}`, { cancel });
      if (cancel.aborted) return;
      this.#hasAnswered = true;
      const heardAt = this.surroundings.now();
      this.surroundings.clock(answer.now_ms, (askedAt + heardAt) / 2, (heardAt - askedAt) / 2);
      const ring = ringOf(answer, { ...question, from, to }, (value) => this.surroundings.numberOf(name, value), this.surroundings.startedAt());
      const common = { from, to, step: ring.width, resolution: answer.resolution, askedAt };
      if (answer.note !== null) this.#known.set(name, { ...common, phase: 'unkept', text: answer.note, source: null });
      else this.#known.set(name, { ...common, phase: 'kept', text: '', source: { rings: () => [ring] } });
    } catch (error) {
      if (!isCancelled(error) && !cancel.aborted) this.#fail(question, error, askedAt);
    }
  }

  #fail({ name, from, to }: Question, error: unknown, askedAt: number): void {
    const text = error instanceof Error ? error.message : String(error);
    // Without a history every question is refused like that; a signal that may not be seen is refused by its name.
    if (error instanceof HubError && error.status === 404 && text.includes('keeps no history')) this.isOff = true;
    const known = this.#known.get(name);
    // A name that nobody knows, or that this key may not see, is not asked for again.
    const phase = error instanceof HubError && error.status === 404 ? 'unkept' : 'failed';
    this.#known.set(name, { ...NOTHING, ...known, from, to, phase, text, askedAt });
  }
}
