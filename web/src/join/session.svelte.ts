/**
 * A pupil's way through a lesson: from the card to the class, into the game, and back after whatever goes wrong.
 *
 *     card ──join──▶ asking ──426──▶ connecting ──json_state──▶ here ──lost──▶ waiting ──time, network, page is back──▶ asking
 *                      └──401, 403, 404, 429──▶ halted ──the pupil acts──▲
 */

import { baseOf } from '../lib/place';
import { recall, remember } from '../lib/memory';
import { codeOf, doorUrl, suggestedName } from './entry';
import { Game } from './game';
import { closeOf, GREETING_MS, haltOf, pauseOf, QUIET_MS, SILENCE_MS, TRIES_PAUSE_MS, type Gap, type Halt } from './link';
import { ownMark, seatMarks, type SeatMark } from '../lib/seat-sign';
import { askText, connectionText, GOODBYE, isObject, moveText, pingText, PONG, SEAT } from './protocol';

export type Phase = 'card' | 'asking' | 'connecting' | 'here' | 'waiting' | 'halted';

/** How often the page looks at its clock. */
const TICK_MS = 250;
/** What was asked for at the beginning and has not come is asked for again after so long, as the app does. */
const REMIND_MS = 10_000;
/** How often the class is asked why the pupil waits, where it can be asked. */
const ASK_MS = 3_000;
/** A page that comes back to sight wants a word of the hub within so long, or connects anew. */
const BACK_MS = 1_500;

const isText = (value: unknown): value is string => typeof value === 'string';

export class Session {
  phase = $state<Phase>('card');
  halt = $state<Halt | null>(null);
  gap = $state<Gap | null>(null);
  name = $state(recall('join.name', isText, suggestedName(Math.random())));
  code = $state(codeOf(location.href));
  /** The door has asked for a code. */
  needsCode = $state(codeOf(location.href) !== '');
  /** The hub has answered the last time that it was asked or heard. */
  isHubReached = $state(false);
  isInGame = $state(false);
  /** Why the pupil is not in the game, in the hub's words; null where it has not said so. */
  waitsFor = $state<string | null>(null);
  /** The state of the experiment as GAMA spells it, where the class can be asked. */
  experiment = $state<string | null>(null);
  /** The names of the class in the order of its seats, where it can be asked. */
  #mates = $state.raw<readonly string[]>([]);
  #marks = $derived(seatMarks(this.#mates));
  /** The clock of the page, in ms: what is shown as an age counts with it. */
  now = $state(performance.now());
  heardAt = $state(0);
  retryAt = $state(0);
  game = new Game();
  /** Something to draw has come. */
  onworld: () => void = () => undefined;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #number = 0;
  #wasSeated = false;
  #begunAt = 0;
  #askedAt = 0;
  #pingedAt = 0;
  #remindedAt = 0;
  #mustHearBy = Number.POSITIVE_INFINITY;
  #canAskClass = true;
  #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    addEventListener('online', this.#beOnline);
    addEventListener('pageshow', this.#comeBack);
    document.addEventListener('visibilitychange', this.#comeBack);
  }

  end(): void {
    clearInterval(this.#timer);
    removeEventListener('online', this.#beOnline);
    removeEventListener('pageshow', this.#comeBack);
    document.removeEventListener('visibilitychange', this.#comeBack);
    this.#drop();
  }

  /** Is a connection wanted? Then the pupil is past the card. */
  get isWanted(): boolean {
    return !['card', 'halted'].includes(this.phase);
  }

  /** Asks whether the door is open and whether it wants a code, before anybody has typed anything. */
  async look(): Promise<void> {
    const halt = await this.#askDoor();
    if (this.phase !== 'card' || halt === null || halt === 'away') return;
    // Nobody has done anything wrong who was not asked for a code before.
    if (halt === 'code' && this.code === '') this.needsCode = true;
    else this.#stopAt(halt);
  }

  join(): void {
    remember('join.name', this.name);
    this.#attempt = 0;
    this.#wasSeated = false;
    this.game = new Game();
    void this.#begin();
  }

  /** The pupil leaves the lesson; its seat stays for when it comes again. */
  leave(): void {
    this.#send(GOODBYE);
    this.#drop();
    this.phase = 'card';
    this.halt = null;
  }

  /** Back to the card, to type another name or code. */
  backToCard(): void {
    this.phase = 'card';
  }

  /** What tells a player from the others: as the teacher sees it where the class is known, else by the name alone. */
  markOf(name: string): SeatMark {
    return this.#marks.get(name) ?? ownMark(name);
  }

  retryNow(): void {
    if (this.phase === 'waiting') void this.#begin();
  }

  /** Says where the player stands, when it is time to. */
  sayPlace(now: number): void {
    const { walker } = this.game;
    if (!this.isInGame || !this.game.isInitialised || this.phase !== 'here' || !walker.isDue(now)) return;
    this.#send(moveText(this.name, walker.x, walker.y, walker.angle));
  }

  /** A browser's WebSocket does not say why it was refused, so the door is asked first. */
  async #askDoor(): Promise<Halt | 'away' | null> {
    try {
      const { status } = await fetch(doorUrl(location.href, this.code, false), { cache: 'no-store', signal: AbortSignal.timeout(GREETING_MS) });
      return haltOf(status);
    } catch {
      return 'away';
    }
  }

  async #begin(): Promise<void> {
    this.#drop();
    const number = this.#number;
    Object.assign(this, { phase: 'asking', halt: null });
    this.#begunAt = performance.now();
    const halt = await this.#askDoor();
    if (number !== this.#number) return;
    this.isHubReached = halt !== 'away';
    if (halt === 'away') this.#waitFor(this.gap ?? 'away');
    else if (halt !== null) this.#stopAt(halt);
    else this.#connect();
  }

  #connect(): void {
    this.phase = 'connecting';
    this.#begunAt = performance.now();
    const number = this.#number;
    const socket = new WebSocket(doorUrl(location.href, this.code, true));
    this.#socket = socket;
    socket.onopen = () => this.#send(connectionText(this.name));
    socket.onmessage = ({ data }) => {
      if (number === this.#number && isText(data)) this.#hear(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (number === this.#number) this.#closed(code, reason);
    };
  }

  #hear(text: string): void {
    const now = performance.now();
    this.heardAt = now;
    this.#mustHearBy = Number.POSITIVE_INFINITY;
    const wasInitialised = this.game.isInitialised;
    const message = this.game.hear(text, now);
    if (message.type === 'ping') this.#send(PONG);
    if (message.type === 'state') this.#seated(message.isInGame, message.waitsFor, now);
    if (message.type === 'seat') Object.assign(this, { waitsFor: message.waitsFor, experiment: message.experiment });
    if (!wasInitialised && this.game.isInitialised) this.#send(askText('player_ready_to_receive_geometries', this.name));
    this.onworld();
  }

  #seated(isInGame: boolean, waitsFor: string | null, now: number): void {
    const isNew = isInGame && (!this.isInGame || this.phase !== 'here');
    Object.assign(this, { phase: 'here', gap: null, isInGame, waitsFor });
    this.#attempt = 0;
    this.#wasSeated = true;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    if (isNew) {
      this.game.begin(now);
      this.#askForData(now);
    } else if (!isInGame) this.game.isInitialised = false;
  }

  #askForData(now: number): void {
    this.#remindedAt = now;
    this.#send(askText('send_init_data', this.name));
  }

  #closed(code: number, reason: string): void {
    const next = closeOf(code, reason, this.#wasSeated);
    // Who closes with a word is there; 1006 is the browser's own for a connection that broke.
    this.isHubReached = code !== 1006;
    if ('halt' in next) this.#stopAt(next.halt);
    else this.#waitFor(next.gap);
  }

  #stopAt(halt: Halt): void {
    this.#drop();
    Object.assign(this, { phase: 'halted', halt, isInGame: false });
    if (halt === 'code') this.needsCode = true;
    if (halt === 'tries') this.retryAt = performance.now() + TRIES_PAUSE_MS;
  }

  #waitFor(gap: Gap): void {
    this.#drop();
    if (gap === 'ended') this.isInGame = false;
    Object.assign(this, { phase: 'waiting', gap });
    this.retryAt = performance.now() + pauseOf(gap, this.#attempt, Math.random());
    this.#attempt += 1;
  }

  #tick(): void {
    const now = performance.now();
    this.now = now;
    if (this.phase === 'waiting' && now >= this.retryAt) void this.#begin();
    if (this.phase === 'halted' && this.halt === 'tries' && now >= this.retryAt) this.phase = 'card';
    if (this.phase === 'connecting' && now - this.#begunAt > GREETING_MS) this.#waitFor('lost');
    if (this.phase !== 'here') return;
    if (now - this.heardAt > SILENCE_MS || now > this.#mustHearBy) return this.#lostSilently();
    if (now - this.heardAt > QUIET_MS && now - this.#pingedAt > QUIET_MS) this.#ping(now);
    if (this.isInGame && !this.game.isInitialised && now - this.#remindedAt > REMIND_MS) this.#askForData(now);
    this.sayPlace(now);
    if (now - this.#askedAt > ASK_MS) this.#askWhy(now);
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    this.#send(pingText(this.name));
  }

  /** Nothing was heard for too long: what is shown is old, and the first new attempt comes at once. */
  #lostSilently(): void {
    this.isHubReached = false;
    this.#waitFor('lost');
    this.retryAt = performance.now();
  }

  /** The network is back: what was opened before it went is of no use, even where the browser has not said so yet. */
  readonly #beOnline = (): void => {
    if (!this.isWanted || (this.phase === 'waiting' && this.gap === 'ended')) return;
    this.#attempt = 0;
    if (this.phase === 'here') this.gap = 'lost';
    void this.#begin();
  };

  /** The page is back: who waits tries at once, who believes to be connected makes sure of it. */
  readonly #comeBack = (): void => {
    if (document.visibilityState === 'hidden') return;
    this.#attempt = 0;
    if (this.phase === 'waiting' && this.gap !== 'ended') void this.#begin();
    if (this.phase !== 'here') return;
    const now = performance.now();
    this.#mustHearBy = now + BACK_MS;
    // The time asleep says nothing about the hub.
    this.heardAt = now;
    this.#ping(now);
  };

  /** Why the pupil waits stands where the whole class does; where that is not to be had, the seat is asked for. */
  #askWhy(now: number): void {
    this.#askedAt = now;
    if (this.#canAskClass) void this.#askClass();
    else this.#send(SEAT);
  }

  async #askClass(): Promise<void> {
    const number = this.#number;
    try {
      const response = await fetch(new URL('api/v1/classroom', baseOf(location.href)), { signal: AbortSignal.timeout(ASK_MS) });
      const answer: unknown = response.ok ? await response.json() : null;
      if (number !== this.#number) return;
      if (isObject(answer)) return this.#takeClass(answer);
      this.#canAskClass = false;
      this.#send(SEAT);
    } catch {
      this.experiment = null;
    }
  }

  #takeClass({ gama, players }: Record<string, unknown>): void {
    const seats: unknown[] = Array.isArray(players) ? players : [];
    const mates = seats.map((seat) => (isObject(seat) ? seat['id'] : null)).filter(isText);
    if (mates.join('\n') !== this.#mates.join('\n')) this.#mates = mates;
    const seat = seats.find((each) => isObject(each) && each['id'] === this.name);
    const waitsFor = isObject(seat) ? seat['waits_for'] : null;
    this.waitsFor = isText(waitsFor) ? waitsFor : null;
    const state = isObject(gama) ? gama['state'] : null;
    this.experiment = isText(state) ? state : null;
  }

  #send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** What an old socket still says is not heard. */
  #drop(): void {
    this.#number += 1;
    this.#canAskClass = true;
    this.#mustHearBy = Number.POSITIVE_INFINITY;
    this.#socket?.close();
    this.#socket = null;
  }
}
