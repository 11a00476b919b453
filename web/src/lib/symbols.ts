/** Symbols: a program's names for places of its PLC. A route may say `plc/line/Run`, and the hub's row is `plc/line/O:0/0`. */

import type { Catalog } from './catalog';
import { HubError } from './hub';
import type { Signal } from './protocol';

/** Could this name be a symbol, or a member of one? An address has a colon. The case counts. */
export function isSymbol(name: string): boolean {
  return /^plc\/[^/]+\/[A-Za-z_]\w*(\.\w+)?$/.test(name);
}

/** Tells the catalog which signals the symbols in view stand for; only the hub knows, and the live channel does not say it. */
export class Symbols {
  #programs: string | null = null;
  #view: readonly string[] = [];
  /** Those that were asked for, also where the hub knows none. */
  #asked = new Set<string>();
  #isAsking = false;

  constructor(
    readonly catalog: Catalog,
    readonly ask: (name: string) => Promise<Signal>,
    readonly onlearned: () => void,
  ) {}

  /**
   * Learns each symbol of `view` once, as long as the hub has these programs: other programs may mean other places by them.
   * One round at a time, so that a list that is scrolled asks only for where it stops. What failed is asked for at the next call.
   */
  async follow(view: readonly string[], programs: string): Promise<void> {
    this.#view = view;
    if (programs !== this.#programs) {
      this.forget();
      this.#programs = programs;
    }
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      for (let wanted = this.#wanted(); wanted.length > 0; wanted = this.#wanted()) {
        const round = await Promise.all(wanted.map((name) => this.#learn(name)));
        this.onlearned();
        if (round.includes(false)) return;
      }
    } finally {
      this.#isAsking = false;
    }
  }

  /** The hub is another one, or its programs are. */
  forget(): void {
    this.#programs = null;
    this.#asked.clear();
    this.catalog.forgetAliases();
  }

  #wanted(): string[] {
    return this.#view.filter((name) => isSymbol(name) && !this.#asked.has(name));
  }

  /** False if the hub could not say it. */
  async #learn(name: string): Promise<boolean> {
    const programs = this.#programs;
    try {
      const signal = await this.ask(name);
      if (programs !== this.#programs) return true;
      this.catalog.put(signal);
      this.catalog.alias(name, signal.name);
    } catch (error) {
      if (!(error instanceof HubError) || error.status !== 404) return false;
    }
    if (programs === this.#programs) this.#asked.add(name);
    return true;
  }
}
