/**
 * What the page knows of the hub's clock and of a replay. Both come by the live channel, or are read with the figures where
 * the channel has not spoken of them; a hub that knows neither is asked once per connection.
 */

import { readAnswer } from './frames';
import { HubError, type HubApi } from './hub';
import type { ClockState, ClockWanted, RailsFrame, ReplayState } from './rails-protocol';

/** A word of the live channel counts as the newest for so long; then the hub is asked. */
const FRAME_MS_MAX = 3_000;

/** One thing that the hub says of its time. */
class Told<T> {
  state = $state.raw<T | null>(null);
  /** When it was said, on the local clock. */
  at = $state(0);
  /** The hub does not know the address. */
  isUnknown = $state(false);
  #framedAt = Number.NEGATIVE_INFINITY;
  #number = 0;

  constructor(readonly taken: (state: T) => void = () => undefined) {}

  /** Takes what the hub says, in a frame or in its answer to an order. */
  put(state: T, isFrame = false): void {
    this.#number += 1;
    this.state = state;
    this.at = performance.now();
    if (isFrame) this.#framedAt = this.at;
    this.isUnknown = false;
    this.taken(state);
  }

  async read(question: () => Promise<T>): Promise<void> {
    if (this.isUnknown || performance.now() - this.#framedAt < FRAME_MS_MAX) return;
    const number = this.#number;
    try {
      const state = await question();
      if (number === this.#number) this.put(state);
    } catch (error) {
      if (!(error instanceof HubError) || (error.status !== 404 && error.status !== 403)) throw error;
      this.isUnknown = true;
      this.state = null;
    }
  }

  forget(): void {
    this.isUnknown = false;
    this.#framedAt = Number.NEGATIVE_INFINITY;
    this.#number += 1;
  }
}

export class TimeRoom {
  readonly clock: Told<ClockState>;
  readonly replay = new Told<ReplayState>();

  /** `goes` hears how the hub's time goes, each time that it is said. */
  constructor(
    readonly api: HubApi,
    goes: (clock: ClockState) => void,
  ) {
    this.clock = new Told(goes);
  }

  /** The replay that is there, or null. */
  get playing(): ReplayState | null {
    const { state } = this.replay;
    return state === null || state.state === 'idle' ? null : state;
  }

  receive(frame: RailsFrame): void {
    if (frame.type === 'replay') this.replay.put(frame, true);
    // Who does not follow only the answer to a question names.
    else this.clock.put({ does_not_follow: this.clock.state?.does_not_follow ?? [], ...frame }, true);
  }

  async read(): Promise<void> {
    const clock = async (): Promise<ClockState> => readAnswer('clock', await this.api.ask<ClockState>('clock'));
    const replay = async (): Promise<ReplayState> => readAnswer('replay', await this.api.ask<ReplayState>('replay'));
    await Promise.all([this.clock.read(clock), this.replay.read(replay)]);
  }

  /** Asks for the clock, who does not follow it included, whatever the live channel has said. */
  async readClock(): Promise<void> {
    this.clock.put(readAnswer('clock', await this.api.ask<ClockState>('clock')));
  }

  async setClock(wanted: ClockWanted): Promise<void> {
    this.clock.put(readAnswer('clock', await this.api.ask<ClockState>('clock', { method: 'PUT', body: wanted })));
  }

  async stepClock(ms: number): Promise<void> {
    this.clock.put(readAnswer('clock', await this.api.ask<ClockState>('clock/step', { method: 'POST', body: { ms } })));
  }

  /** A connection began: the hub may be another one. */
  greeted(): void {
    this.clock.forget();
    this.replay.forget();
  }

  /** Nothing of what was seen stays for whoever comes without the right to it. */
  leave(): void {
    this.greeted();
    this.clock.state = null;
    this.replay.state = null;
  }
}
