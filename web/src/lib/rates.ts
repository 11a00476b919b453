/** Rates from counters that only grow: the difference of two readings over the difference of their times. */

import type { Counters } from './protocol';

export interface Rates {
  updates_in: number;
  updates_out: number;
}

interface Reading {
  at_ms: number;
  updates_in: number;
  updates_out: number;
}

/** Remembers the last reading of each named thing and answers with its rates since then. */
export class RateMeter {
  #last = new Map<string, Reading>();

  /**
   * The rates of `name` since its last reading, or null for the first one.
   * A counter that went back belongs to a new hub or a new client of the same name: a first reading again.
   */
  read(name: string, at_ms: number, counters: Pick<Counters, 'updates_in' | 'updates_out'>): Rates | null {
    const { updates_in, updates_out } = counters;
    const last = this.#last.get(name);
    this.#last.set(name, { at_ms, updates_in, updates_out });
    if (!last || at_ms <= last.at_ms || updates_in < last.updates_in || updates_out < last.updates_out) return null;
    const seconds = (at_ms - last.at_ms) / 1000;
    return {
      updates_in: (updates_in - last.updates_in) / seconds,
      updates_out: (updates_out - last.updates_out) / seconds,
    };
  }

  /** Forgets everything that is not among `names`, so that departed clients leave nothing behind. */
  keep(names: Iterable<string>): void {
    const kept = new Set(names);
    for (const name of this.#last.keys()) {
      if (!kept.has(name)) this.#last.delete(name);
    }
  }
}
