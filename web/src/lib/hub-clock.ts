/**
 * The hub's time between two of its words. It goes at the rate of the hub's clock, stands where that stands, and never
 * passes the end of a step.
 */

export class HubClock {
  /** What the hub's time was, and when that was on the local clock. */
  #base_ms = 0;
  #base_local = 0;
  #rate = 1;
  #until_ms: number | null = null;

  /** The hub has said what its time is. */
  set(now_ms: number, local: number): void {
    this.#base_ms = now_ms;
    this.#base_local = local;
  }

  /** The hub has said how its time goes; `rate` is 0 while it stands. */
  go(rate: number, until_ms: number | null, local: number): void {
    this.set(this.at(local), local);
    this.#rate = rate;
    this.#until_ms = until_ms;
  }

  /** The hub's time at a moment of the local clock. */
  at(local: number): number {
    const at = this.#base_ms + (local - this.#base_local) * this.#rate;
    return this.#until_ms === null || at < this.#until_ms ? at : Math.max(this.#base_ms, this.#until_ms);
  }
}
