/** A question to the hub with its answer as state: waiting, answered, or failed in words. */

import { words } from './house.svelte';

export class Asked<T> {
  answer = $state.raw<T | null>(null);
  /** Why the newest question was not answered; an older answer stays. */
  trouble = $state.raw<string | null>(null);
  isWaiting = $state(false);
  #number = 0;

  constructor(readonly question: () => Promise<T>) {}

  /** Asks anew; an answer that comes after a newer question was asked is not taken. */
  async ask(): Promise<void> {
    const number = ++this.#number;
    this.isWaiting = true;
    try {
      const answer = await this.question();
      if (number !== this.#number) return;
      this.answer = answer;
      this.trouble = null;
    } catch (error) {
      if (number === this.#number) this.trouble = words(error);
    } finally {
      if (number === this.#number) this.isWaiting = false;
    }
  }
}
