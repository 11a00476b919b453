/** Something that is done to a PLC, with what became of it in words. One thing at a time per place that does it. */

import { failure } from './house.svelte';

export class Act {
  outcome = $state.raw<{ ok: boolean; text: string } | null>(null);
  isWaiting = $state(false);

  /** Does `act` and keeps its words; `what` begins the words of a failure, such as `Not started`. */
  async do(what: string, act: () => Promise<string>): Promise<boolean> {
    if (this.isWaiting) return false;
    this.isWaiting = true;
    this.outcome = null;
    try {
      this.outcome = { ok: true, text: await act() };
      return true;
    } catch (error) {
      this.outcome = { ok: false, text: failure(what, error) };
      return false;
    } finally {
      this.isWaiting = false;
    }
  }

  forget(): void {
    this.outcome = null;
  }
}
