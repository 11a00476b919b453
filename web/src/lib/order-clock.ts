/**
 * The hub's time as orders carry it: milliseconds since the start of the hub, as the world goes.
 *
 * What the hub says of its time was true when it was said and arrives later, at times much later. So of all that was said lately the
 * word that was the shortest on its way counts: the one by which the hub is the furthest.
 */

/** For so long the best word counts: two clocks drift apart by less than a tenth of a millisecond meanwhile. */
const KEPT_MS = 30_000;

export class OrderClock {
  /** How far the hub is ahead of the local clock, at most, in this span and in the one before. */
  #ahead: number | null = null;
  #aheadBefore: number | null = null;
  #since = 0;

  /** The hub has said that it is `real_ms`. */
  heard(real_ms: number, local: number): void {
    const ahead = real_ms - local;
    if (this.#ahead === null || local - this.#since >= KEPT_MS) {
      [this.#aheadBefore, this.#ahead, this.#since] = [this.#ahead, ahead, local];
    } else this.#ahead = Math.max(this.#ahead, ahead);
  }

  /** The next word is that of another run of the hub. */
  forget(): void {
    [this.#ahead, this.#aheadBefore] = [null, null];
  }

  /** The hub's time in whole milliseconds, or null where it has not said it. */
  at(local: number): number | null {
    if (this.#ahead === null) return null;
    return Math.max(0, Math.round(local + Math.max(this.#ahead, this.#aheadBefore ?? this.#ahead)));
  }
}
