/**
 * What the page knows of the classroom: how it stands, the console of GAMA, and the catalog of models.
 *
 * Its state is read with the other figures. While the page of the classroom is open it comes by the live channel, newer
 * than the figures, so it wins. Nothing of it counts as alive for longer than the hub would have been silent.
 */

import { joinLines } from './classroom-lines';
import type { ClassCatalog, ClassFrame, ClassState, ConsoleLine } from './classroom-protocol';
import { HubError, type HubApi } from './hub';
import type { Health } from './protocol';
import { Pictures } from './pictures';

/** The hub says how the class stands at least once a second: after this a frame is old. */
const FRAME_MS_MAX = 3_000;
/** Lines of the console that the page keeps; older ones are in the hub's log. */
export const CONSOLE_LEN_MAX = 1_000;

export class ClassRoom {
  /** How the class stands; null as long as the hub has not said it. */
  state = $state.raw<ClassState | null>(null);
  /** When that was said, on the local clock. */
  stateAt = $state(0);
  /** The hub has said that its project has no classroom. */
  isNone = $state(false);
  /** Why the class may not be seen, in the hub's words. */
  refusal = $state.raw<string | null>(null);
  lines = $state.raw<readonly ConsoleLine[]>([]);
  catalog = $state.raw<ClassCatalog | null>(null);
  /** Why the catalog could not be read. */
  catalogTrouble = $state.raw<unknown>(null);
  /** What is waited for now, and since when this page knows of it, on the local clock. */
  waiting = $state.raw<{ text: string; since: number } | null>(null);
  /** What is added to a time of the hub to get milliseconds since 1970: settled once per connection, so that times stand still. */
  wallOffset = $state<number | null>(null);
  /** The pictures of the catalog. */
  readonly pictures: Pictures;
  #isOpen = false;
  #catalogSign = '';
  #catalogNumber = 0;
  /** What is known was said in this connection. */
  #isSameHub = false;

  constructor(
    readonly api: HubApi,
    readonly watch: (isOn: boolean) => void,
  ) {
    this.pictures = new Pictures(api);
  }

  /** Is what is known young enough to be shown as alive? */
  isFresh(now: number): boolean {
    return this.state !== null && now - this.stateAt < FRAME_MS_MAX;
  }

  /** Reads how the class stands. A hub that says that it has none is not asked; the live channel is newer. */
  async readState(health: Promise<Pick<Health, 'classroom'>>, now: () => number): Promise<void> {
    if (this.isNone || (this.#isOpen && this.isFresh(now()))) return;
    if ((await health.catch(() => null))?.classroom === null) {
      this.isNone = true;
      this.state = null;
      return;
    }
    try {
      const state = await this.api.classroom();
      this.refusal = null;
      this.put(state, now());
    } catch (error) {
      if (error instanceof HubError && error.status === 404) {
        this.isNone = true;
        this.state = null;
      } else if (error instanceof HubError && error.status === 403) this.refusal = error.message;
      else throw error;
    }
  }

  /** The page of the classroom is on the screen, or not any more. */
  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.watch(isOpen);
    this.#followCatalog();
  }

  receive(frame: ClassFrame, now: number): void {
    const { type: _, console, ...state } = frame;
    this.lines = joinLines(this.lines, console, CONSOLE_LEN_MAX);
    this.put(state, now);
  }

  /** Takes the class as the hub says that it stands, also in its answer to an order. */
  put(state: ClassState, now: number): void {
    // The answer to an order may be older than a frame that overtook it.
    if (this.state !== null && this.#isSameHub && state.now_ms < this.state.now_ms) return;
    this.#isSameHub = true;
    this.wallOffset ??= Date.now() - state.now_ms;
    const text = state.gama?.waits_for ?? null;
    if (text !== (this.waiting?.text ?? null)) this.waiting = text === null ? null : { text, since: now };
    this.state = state;
    this.stateAt = now;
    this.isNone = false;
    this.#followCatalog();
  }

  /** A connection began: the hub may be another one. */
  greeted(): void {
    this.isNone = false;
    this.lines = [];
    this.wallOffset = null;
    this.#isSameHub = false;
    this.#catalogSign = '';
  }

  /** Nothing of what was seen stays for whoever comes without the right to it. */
  leave(): void {
    this.greeted();
    this.state = null;
    this.refusal = null;
    this.catalog = null;
    this.pictures.forget();
    this.waiting = null;
    this.#catalogNumber += 1;
  }

  /** Reads the catalog again, for whoever asks for it. */
  readCatalogAgain(): void {
    this.#catalogSign = '';
    this.#followCatalog();
  }

  /** Reads the catalog when what is said of it has changed: its length, its problems, the active model. */
  #followCatalog(): void {
    const { state } = this;
    if (!this.#isOpen || state === null) return;
    const sign = JSON.stringify([state.models, state.catalog_problems, state.model]);
    if (sign === this.#catalogSign) return;
    this.#catalogSign = sign;
    void this.#readCatalog();
  }

  async #readCatalog(): Promise<void> {
    const number = ++this.#catalogNumber;
    try {
      const catalog = await this.api.classCatalog();
      if (number !== this.#catalogNumber) return;
      this.catalog = catalog;
      this.catalogTrouble = null;
    } catch (error) {
      if (number !== this.#catalogNumber) return;
      this.catalogTrouble = error;
    }
  }
}
