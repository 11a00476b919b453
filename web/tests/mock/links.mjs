/** The mock's links: three endpoints in the client role, one that works, one that is tried again, one that is off. */

import { refusal } from './office.mjs';

/** How long the mock waits between two attempts. */
const PAUSE_MS = 8_000;

/** What an endpoint says of its settings: the defaults. */
export const ENDPOINT_SETTINGS = {
  update_cycle_ms: 10,
  only_transmit_changed: true,
  debug: false,
  default_signal_direction: 'input',
  use_pattern_matching: true,
  input_patterns: [],
  output_patterns: [],
  auto_register: false,
  push_on_connect: false,
  reset_on_disconnect: false,
  hold_pulses: true,
  echo: 'auto',
  direction_convention: 'plc',
};

export class Links {
  #rows = new Map();
  /** Imports that wait for `/mock/answer`; without `isHeld` they are answered at once. */
  #held = [];

  constructor(now, isHeld) {
    this.now = now;
    this.isHeld = isHeld;
    this.#put('press', 1240, 'connected', { since: 0, attempts: 3, catalog: 24, last_error: 'the server closed the connection (1001)' });
    this.#put('packer', 1241, 'waiting', { failures: 4, attempts: 9, retryAt: PAUSE_MS, last_error: 'connection refused by 192.168.1.31:1241' });
    this.#put('oven', 1242, 'off', { attempts: 0 });
  }

  #put(name, port, state, change) {
    const link = { state, failures: 0, attempts: 1, since: null, retryAt: null, last_error: null, catalog: null, ...change };
    this.#rows.set(name, { name, port, link });
  }

  rows(counters) {
    return [...this.#rows.values()].map(({ name, port, link }) => {
      this.#retry(link);
      const { state, failures, attempts, since, retryAt, last_error, catalog } = link;
      return {
        name,
        protocol: 'realvirtual',
        role: 'client',
        tls: name === 'press',
        bind: null,
        host: '192.168.1.31',
        port,
        path: '/',
        url: `${name === 'press' ? 'wss' : 'ws'}://192.168.1.31:${port}/`,
        state,
        link: {
          state,
          text: state,
          failures,
          attempts,
          next_attempt_in_ms: retryAt === null ? null : Math.max(0, retryAt - this.now()),
          connected_ms: since === null ? null : this.now() - since,
          last_error,
          catalog,
        },
        clients: state === 'connected' ? 1 : 0,
        signals: catalog ?? 0,
        settings: ENDPOINT_SETTINGS,
        counters: counters(state === 'connected' ? Math.floor(this.now() / 50) : 0, 0),
      };
    });
  }

  /** The packer is tried again and again, and never answers. */
  #retry(link) {
    if (link.state !== 'waiting' || link.retryAt === null || this.now() < link.retryAt) return;
    link.failures += 1;
    link.attempts += 1;
    link.retryAt = this.now() + PAUSE_MS;
  }

  /** A task of an endpoint; null if it is none of these. The answer may be a promise. */
  answer(name, task) {
    const row = this.#rows.get(name);
    if (!row) return null;
    const { link } = row;
    switch (task) {
      case 'connect':
        if (name === 'packer') Object.assign(link, { state: 'waiting', attempts: link.attempts + 1, failures: link.failures + 1, retryAt: this.now() + PAUSE_MS });
        else Object.assign(link, { state: 'connected', since: this.now(), attempts: link.attempts + 1, catalog: 24 });
        return { status: 204 };
      case 'disconnect':
        Object.assign(link, { state: 'off', since: null, retryAt: null, failures: 0, catalog: null });
        return { status: 204 };
      case 'probe':
        return { status: 200, body: probe(name) };
      case 'import':
        return this.#import(link);
      default:
        return refusal(404, 'not_found', 'no such path');
    }
  }

  #import(link) {
    const isUp = link.state === 'connected';
    if (!isUp) return refusal(409, 'conflict', 'the link could not be used for the import: connection refused');
    const answer = { status: 200, body: { asked: 1, answered: 1, found: 24, made: 2 } };
    return this.isHeld ? new Promise((resolve) => this.#held.push(() => resolve(answer))) : answer;
  }

  /** Answers the imports that wait. */
  answerHeld() {
    for (const answer of this.#held.splice(0)) answer();
  }

  isUp(name) {
    return this.#rows.get(name)?.link.state === 'connected';
  }
}

function probe(name) {
  if (name === 'packer') {
    return { ok: false, connect_ms: null, handshake_ms: null, round_trip_ms: null, catalog: null, server_pushes: false, error: 'connection refused by 192.168.1.31:1241', stage: 'connect' };
  }
  return { ok: true, connect_ms: 0.6, handshake_ms: 4.1, round_trip_ms: 0.31, catalog: 24, server_pushes: true, error: null, stage: 'done' };
}
