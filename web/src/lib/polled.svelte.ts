/**
 * A question that is asked again and again while somebody looks, with its answer as state. A hub that does not know the
 * address says so (404) and a key without the right hears it (403): both are told apart from a failure.
 */

import { untrack } from 'svelte';
import { HubError } from './hub';
import { house, words } from './house.svelte';

/** What stands in the way of an answer. */
export type Obstacle = { kind: 'unknown' | 'forbidden' | 'failed'; text: string };

export class Polled<T> {
  answer = $state.raw<T | null>(null);
  /** Why the newest question was not answered; an older answer stays. */
  obstacle = $state.raw<Obstacle | null>(null);
  #number = 0;

  /** `every_ms` lie between two questions, and ten times as long as an answer takes. */
  constructor(
    readonly question: () => Promise<T>,
    readonly every_ms = 1_000,
    readonly heard: (answer: T) => void = () => undefined,
  ) {}

  /** Asks now; an answer that comes after a newer question was asked is not taken. */
  async ask(): Promise<void> {
    if (!house.isLive || document.hidden) return;
    const number = ++this.#number;
    try {
      const answer = await this.question();
      if (number !== this.#number) return;
      // What cannot be read is no answer; the one before stays.
      this.heard(answer);
      this.answer = answer;
      this.obstacle = null;
    } catch (error) {
      if (number !== this.#number) return;
      const status = error instanceof HubError ? error.status : 0;
      this.obstacle = { kind: status === 404 ? 'unknown' : status === 403 ? 'forbidden' : 'failed', text: words(error) };
    }
  }

  /**
   * Asks until what is returned is called, for an effect that begins with each connection: what another hub, or the same one
   * anew, did not know it may know now.
   */
  begin(): () => void {
    let isWanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async (): Promise<void> => {
      const startedAt = performance.now();
      // A hub that does not know the address will not learn it before it is another one.
      if (this.obstacle?.kind !== 'unknown') await this.ask();
      if (isWanted) timer = setTimeout(turn, Math.max(this.every_ms, 10 * (performance.now() - startedAt)));
    };
    // The effect begins anew with the connection, and not with each answer.
    untrack(() => {
      this.obstacle = null;
      void turn();
    });
    return () => {
      isWanted = false;
      this.#number += 1;
      clearTimeout(timer);
    };
  }
}
