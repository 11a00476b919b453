/**
 * Whether the hub lets this page in, as whom, and with which key.
 *
 *     asking ──the hub answers, or nobody does──▶ open ──401, 429──▶ locked ──a key that is taken──▶ open
 *
 * Nothing but the question "who am I" is asked before the gate is open: a page without a key makes one refused
 * request and not one each second, and no channel is tried that cannot open.
 */

import { HubError, type HubApi } from './hub';
import type { KeyStore, Keeping } from './key-store';
import type { Me, NewKey } from './protocol';

/** Why the gate is locked: no key yet, the key is taken no more, or too many wrong keys came from here. */
export type LockReason = 'wanted' | 'revoked' | 'too_many';

export type Gate = { phase: 'asking' } | { phase: 'open' } | { phase: 'locked'; reason: LockReason; message: string };

/** What became of a key that somebody typed. */
export type Trial = { ok: true } | { ok: false; reason: 'wrong' | 'too_many' | 'unreachable'; message: string };

/** Who hears of the gate. */
export interface GateListener {
  opened(): void;
  locked(): void;
}

export class Access {
  gate = $state.raw<Gate>({ phase: 'asking' });
  /** Who the hub takes this page for; null until it has said so. */
  me = $state.raw<Me | null>(null);
  /** Where the key in use is kept; null when none is in use. */
  keeping = $state.raw<Keeping | null>(null);
  /** Somebody who is in without a key wants to show one. */
  isChanging = $state(false);
  #isAsked = false;
  #isAskedAgain = false;
  #isMakingKey = false;

  constructor(
    readonly api: HubApi,
    readonly store: KeyStore,
    readonly listener: GateListener,
  ) {
    const kept = store.read();
    api.key = kept?.key ?? null;
    this.keeping = kept?.keeping ?? null;
    api.onunauthorized = () => this.#lock('');
  }

  /** Asks the hub who this is: at the start, after each new connection and each failed one. One question at a time. */
  async ask(): Promise<void> {
    if (this.#isAsked) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isAsked = true;
    const { key } = this.api;
    try {
      const me = await this.api.me(key);
      if (key === this.api.key) this.#open(me);
    } catch (error) {
      if (key === this.api.key) this.#heard(error);
    } finally {
      this.#isAsked = false;
      if (this.#isAskedAgain) {
        this.#isAskedAgain = false;
        void this.ask();
      }
    }
  }

  /** Tries a key, and uses and keeps it if the hub takes it. */
  async enter(key: string, keeping: Keeping): Promise<Trial> {
    try {
      const me = await this.api.me(key);
      this.#adopt(key, keeping, me);
      return { ok: true };
    } catch (error) {
      const { status = 0, message = '' } = error instanceof HubError ? error : {};
      if (status === 401) return { ok: false, reason: 'wrong', message };
      if (status === 429) return { ok: false, reason: 'too_many', message };
      return { ok: false, reason: 'unreachable', message };
    }
  }

  /**
   * Makes a key. With the first one the hub stops to take anybody without a key, this page too: so the page begins to
   * use it for this tab, and what is refused in between does not lock a gate behind which the key would be lost.
   */
  async makeKey(wanted: NewKey): Promise<{ id: string; key: string }> {
    this.#isMakingKey = true;
    try {
      const made = await this.api.makeKey(wanted);
      if (this.api.key === null) this.#adopt(made.key, 'tab', null);
      return made;
    } finally {
      this.#isMakingKey = false;
      void this.ask();
    }
  }

  /** Forgets the key in use, here and in the stores of this browser, and asks who this is without it. */
  forget(): void {
    this.#dropKey();
    this.me = null;
    this.gate = { phase: 'asking' };
    this.listener.locked();
    void this.ask();
  }

  #adopt(key: string, keeping: Keeping, me: Me | null): void {
    this.store.write(key, keeping);
    this.api.key = key;
    this.keeping = keeping;
    this.isChanging = false;
    // What was seen as somebody else is not carried over.
    this.listener.locked();
    this.#open(me);
  }

  #open(me: Me | null): void {
    this.me = me;
    this.gate = { phase: 'open' };
    this.listener.opened();
  }

  #heard(error: unknown): void {
    const { status = 0, message = '' } = error instanceof HubError ? error : {};
    if (status === 401) this.#lock(message);
    else if (status === 429) this.#close('too_many', message);
    // A hub that does not answer is for the channel to find out and for its banner to tell.
    else if (this.gate.phase !== 'locked') this.#open(this.me);
  }

  #lock(message: string): void {
    if (this.#isMakingKey) return;
    const reason: LockReason = this.api.key === null ? 'wanted' : 'revoked';
    // A refused key would only count as one more wrong try.
    this.#dropKey();
    const isSaid = this.gate.phase === 'locked' && this.gate.reason !== 'too_many';
    if (!isSaid) this.#close(reason, message);
  }

  #close(reason: LockReason, message: string): void {
    this.me = null;
    this.gate = { phase: 'locked', reason, message };
    this.listener.locked();
  }

  #dropKey(): void {
    this.store.forget();
    this.api.key = null;
    this.keeping = null;
  }
}
