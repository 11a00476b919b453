/**
 * What the page knows of the hub, as reactive state: the link, the figures of the overview, the catalog.
 *
 * Figures (health, endpoints, clients) are read once a second while the link is live. Values come by the live
 * channel for the names in view only. When the link is lost everything stays as it was last known, the hub's clock
 * runs on by this machine's clock, at the rate that it had, so all ages grow; after a reconnect everything is read anew. Nothing is asked
 * before the gate is open (`access.svelte.ts`), and nothing that was seen outlives a gate that is locked.
 */

import { Access } from './access.svelte';
import { Catalog, type Row } from './catalog';
import { ClassRoom } from './classroom.svelte';
import { EventList, type EventRow } from './events';
import { readAnswer } from './frames';
import { HubClock } from './hub-clock';
import { HubApi, HubError, isUnanswered, readAll, startLive, type LiveChannel } from './hub';
import { KeyStore } from './key-store';
import { OrderClock } from './order-clock';
import { baseOf } from './place';
import { PlcRoom } from './plc.svelte';
import type { Client, Endpoint, Health, HubMessage, Quality, Value } from './protocol';
import { RateMeter, type Rates } from './rates';
import { HELD, type Link } from './reconnect';
import { Symbols } from './symbols';
import { TimeRoom } from './time.svelte';

const FIGURES_EVERY_MS = 1_000;
/** How often ages on screen move when no value arrives. */
const AGES_EVERY_MS = 500;
/** Points of the rate history: one minute. */
const HISTORY_LEN = 60;
/** A whole pass over the catalog is repeated at most this often, and never more than a tenth of the time. */
const PASS_PAUSE_MS_MIN = 3_000;
const RETRY_MS = 3_000;
/** So much later than the last word of the hub an order may count as given: with the age at which the hub refuses it, still before the link is called lost. */
const ORDER_REST_MS = 400;

export type CatalogState =
  | { phase: 'idle' }
  | { phase: 'reading'; read: number; total: number | null }
  | { phase: 'complete' }
  | { phase: 'failed'; read: number; total: number | null; message: string };

/** A client or an endpoint with its rates. */
export interface Measured<T> {
  item: T;
  rates: Rates | null;
}

/** Hears the live channel itself, with the time of each sample: what is on screen needs the newest only. */
export interface Tap {
  /** A connection began, by the hub's clock. */
  greeted(now_ms: number): void;
  message(message: HubMessage): void;
  /** The link is lost. */
  lost(): void;
  /** Nothing of what was seen may stay. */
  left(): void;
}

export class House {
  /** Where the link stands. */
  link = $state.raw<Link>(HELD);
  // Values of their own: the link is another object with each word of the hub, and who asks whether it lives is not asked anew.
  readonly isLive: boolean = $derived(this.link.phase === 'live');
  /** The epoch to type a write under, or null while the link is down. */
  readonly epoch: number | null = $derived(this.link.phase === 'live' ? this.link.epoch : null);
  /** How often the link has been lost since the page was opened. */
  losses = $state(0);
  health = $state.raw<Health | null>(null);
  /** The problems as a list to work through, with those that went while somebody looked. */
  events = $state.raw<readonly EventRow[]>([]);
  endpoints = $state.raw<Measured<Endpoint>[]>([]);
  lan = $state.raw<string[]>([]);
  clients = $state.raw<Measured<Client>[]>([]);
  /** What came into and went out of the signal space, over all endpoints and live channels; newest last. */
  history = $state.raw<Rates[]>([]);
  /** How far the hub is behind in telling this page, because the page took its frames too slowly. */
  lag_ms = $state(0);
  /** Frames of the live channel that were none, since the link began. */
  strangeFrames = $state(0);
  /** Why the newest figures could not be read, or null. */
  figuresError = $state.raw<string | null>(null);
  catalogState = $state.raw<CatalogState>({ phase: 'idle' });
  /** Names in view that the hub does not know. */
  unknown = $state.raw<readonly string[]>([]);
  /** Grows with every change of a row in view; whoever shows rows reads it. */
  version = $state(0);
  /** Grows when rows came or went. */
  rowsVersion = $state(0);
  /** The hub's clock now, as well as the page can know it. */
  now_ms = $state(0);
  /** The hub's clock now, in coarse steps: for ages, of which there may be a thousand on the screen. */
  ages_ms = $state(0);
  /** The time since the start of the hub as the world goes: that of links, peers and problems. */
  real_ms = $state(0);
  /** The local clock, for times that are not the hub's. */
  local_ms = $state(performance.now());

  readonly catalog = new Catalog();
  /** The folder that this page came from. */
  readonly base = baseOf(location.href);
  readonly api = new HubApi(this.base);
  readonly access: Access;
  readonly plc: PlcRoom;
  readonly classroom: ClassRoom;
  readonly time: TimeRoom;
  #live: LiveChannel;
  #taps = new Set<Tap>();
  #symbols: Symbols;
  #eventList = new EventList();
  /** When the endpoints were read, on the local clock: their times to the next attempt count from here. */
  endpointsReadAt = 0;
  #meter = new RateMeter();
  #clock = new HubClock();
  #orderClock = new OrderClock();
  #realAhead_ms = 0;
  #isFrameAsked = false;
  #view: readonly string[] = [];
  #isCatalogWanted = false;
  #passNumber = 0;
  #passEndedAt = 0;
  #passLength_ms = 0;
  /** The hub's count of signals when the last pass began. */
  #passCount: number | null = null;
  #passPrograms = '';
  #figures: Promise<void> | null = null;

  constructor() {
    this.#live = startLive(this.base, () => this.api.key, {
      link: (link) => this.#linkChanged(link),
      hello: (_, now_ms) => this.#greeted(now_ms),
      strange: () => (this.strangeFrames += 1),
      silent: () => this.api.abandonOrders(),
      message: (message) => {
        this.#receive(message);
        for (const tap of this.#taps) tap.message(message);
      },
    });
    this.#symbols = new Symbols(this.catalog, (name) => this.api.signal(name), () => this.#learned());
    this.plc = new PlcRoom(this.api, (context) => this.#live.watchPlc(context));
    this.classroom = new ClassRoom(this.api, (isOn) => this.#live.watchClassroom(isOn));
    this.time = new TimeRoom(this.api, (clock) => {
      this.#clock.go(clock.running ? clock.rate : 0, clock.until_ms, performance.now());
      this.#setHubClock(clock.now_ms);
      this.#setRealClock(clock.real_ms);
      this.#orderClock.heard(clock.real_ms, performance.now());
    });
    // An order counts as old as the last word of the hub that stood behind it: so none is carried out after the page has called the link lost.
    const givenAt = (): number | null => {
      const { link } = this.#live;
      const now = performance.now();
      return this.#orderClock.at(link.phase === 'live' ? Math.min(now, link.heardAt + ORDER_REST_MS) : now);
    };
    this.api.givenAt = givenAt;
    this.#live.givenAt = givenAt;
    this.access = new Access(this.api, new KeyStore(this.base), {
      opened: () => this.#live.release(),
      locked: () => this.#leave(),
    });
    void this.access.ask();
    setInterval(() => void this.#readFigures(), FIGURES_EVERY_MS);
    setInterval(() => this.#moveClock(), AGES_EVERY_MS);
  }

  retryNow(): void {
    this.#live.retryNow();
  }

  /** Asks for live values of these names, and of no others. */
  setView(names: readonly string[]): void {
    this.#view = names;
    this.#live.setView(names);
    this.#followSymbols();
  }

  /** Lets `tap` hear what comes until what is returned is called. */
  listen(tap: Tap): () => void {
    this.#taps.add(tap);
    if (this.isLive) tap.greeted(this.hubTime());
    return () => this.#taps.delete(tap);
  }

  /** The hub's time at this moment. */
  hubTime(): number {
    return this.#clock.at(performance.now());
  }

  /** How long the hub has run by now, as the world goes. */
  hubAge(): number {
    return performance.now() + this.#realAhead_ms;
  }

  write(name: string, value: Value, epoch: number): Promise<Value> {
    return this.#live.write(name, value, epoch);
  }

  /** From now on the whole catalog is kept, as far as the page can: read once, and again when its size changed. */
  wantCatalog(): void {
    if (this.#isCatalogWanted) return;
    this.#isCatalogWanted = true;
    if (this.isLive) void this.#readCatalog();
  }

  /** Has a signal this name, or a symbol? Only the hub knows all of them; null where it does not say it. */
  async isName(name: string): Promise<boolean | null> {
    if (this.catalog.byName(name)) return true;
    try {
      await this.api.signal(name);
      return true;
    } catch (error) {
      return error instanceof HubError && error.status === 404 ? false : null;
    }
  }

  /** The ids of all signals of one quality, or null if the pass was given up because `isWanted` ended. */
  async idsOf(quality: Quality, isWanted: () => boolean): Promise<Set<number> | null> {
    const ids = new Set<number>();
    await readAll(
      this.api,
      { quality },
      (signals) => {
        for (const signal of signals) ids.add(this.catalog.put(signal).id);
        this.#touch();
      },
      isWanted,
    );
    return isWanted() ? ids : null;
  }

  /** Puts the first signals into the catalog, for a page that needs a handful of names: those of twins before all others. */
  async readFirst(limit: number): Promise<string[]> {
    const ofTwins = await this.api.signals({ pattern: 'twin/**', limit });
    const page = ofTwins.signals.length > 0 ? ofTwins : await this.api.signals({ limit });
    this.#setHubClock(page.now_ms);
    const names = page.signals.map((signal) => this.catalog.put(signal).name);
    this.#touch();
    return names;
  }

  /** The greyed events of the past are over: the next visit begins with what is the case then. */
  forgetGoneEvents(): void {
    this.#eventList.forgetGone();
    this.events = this.#eventList.rows();
  }

  /** Says to the hub that these events were seen, and shows it at once. */
  async acknowledge(id: string | null): Promise<void> {
    await this.api.acknowledge(id);
    await this.readFiguresNow();
  }

  /** Reads the figures outside their turn, after something was done that changes them. */
  async readFiguresNow(): Promise<void> {
    await this.#figures;
    await this.#readFigures();
  }

  /** Nothing of what was seen is shown to whoever comes without the right to it. */
  #leave(): void {
    this.#live.hold();
    for (const tap of this.#taps) tap.left();
    this.catalog.clear();
    this.#symbols.forget();
    this.catalogState = { phase: 'idle' };
    this.#eventList.clear();
    this.events = [];
    this.plc.leave();
    this.classroom.leave();
    this.time.leave();
    this.health = null;
    this.endpoints = [];
    this.clients = [];
    this.history = [];
    this.losses = 0;
    this.figuresError = null;
    this.rowsVersion += 1;
    this.#touch();
  }

  #linkChanged(link: Link): void {
    const isLost = this.link.phase === 'live' && link.phase !== 'live';
    this.link = link;
    if (isLost) {
      this.losses += 1;
      for (const tap of this.#taps) tap.lost();
    }
    // A browser does not say why a channel was refused: a plain question does.
    if (link.phase === 'waiting') void this.access.ask();
    this.local_ms = performance.now();
  }

  #greeted(now_ms: number): void {
    this.strangeFrames = 0;
    this.#orderClock.forget();
    // How the clock of this hub goes it says next, if it has one.
    this.#clock.go(1, null, performance.now());
    // A hub that was restarted gives other ids and starts its clock and its counters anew.
    this.catalog.clear();
    this.#symbols.forget();
    this.#setHubClock(now_ms);
    this.history = [];
    this.plc.greeted();
    this.classroom.greeted();
    this.time.greeted();
    for (const tap of this.#taps) tap.greeted(now_ms);
    this.rowsVersion += 1;
    this.#touch();
    void this.access.ask();
    void this.#readFigures();
    if (this.#isCatalogWanted) void this.#readCatalog();
  }

  #receive(message: HubMessage): void {
    switch (message.type) {
      case 'snapshot':
        for (const signal of message.signals) this.catalog.put(signal);
        this.unknown = message.unknown ?? [];
        this.#setHubClock(message.now_ms);
        break;
      case 'added':
        for (const signal of message.signals) this.catalog.put(signal);
        this.#forgetKnown();
        this.rowsVersion += 1;
        break;
      case 'data':
        this.catalog.apply(message.signals);
        this.#setHubClock(message.now_ms);
        break;
      case 'tick':
        this.catalog.confirm([...this.#rowsInView()], message.writers);
        this.lag_ms = message.lag_ms;
        this.#setHubClock(message.now_ms);
        break;
      case 'plc':
        this.plc.receive(message, performance.now());
        this.#setHubClock(message.now_ms);
        break;
      case 'classroom':
        this.classroom.receive(message, performance.now());
        this.#setRealClock(message.now_ms);
        break;
      case 'clock':
      case 'replay':
        this.time.receive(message);
        break;
      default:
        return;
    }
    this.#touch();
  }

  /** Symbols are there as soon as the programs are known; without PLCs there are none. */
  #followSymbols(): void {
    if (this.isLive && this.plc.contexts !== null) void this.#symbols.follow(this.#view, this.#programs());
  }

  #learned(): void {
    this.#forgetKnown();
    this.#touch();
  }

  /** What is known by now is no unknown name. */
  #forgetKnown(): void {
    this.unknown = this.unknown.filter((name) => !this.catalog.byName(name));
  }

  *#rowsInView(): Iterable<Row> {
    for (const name of this.#view) {
      const row = this.catalog.byName(name);
      if (row) yield row;
    }
  }

  /** The reading that is under way, if one is, else a new one. */
  #readFigures(): Promise<void> {
    if (!this.isLive || document.hidden) return Promise.resolve();
    this.#figures ??= this.#askFigures().finally(() => {
      this.#figures = null;
    });
    return this.#figures;
  }

  async #askFigures(): Promise<void> {
    const { key } = this.api;
    const isCurrent = (): boolean => key === this.api.key && this.isLive;
    try {
      const asked = this.api.health();
      const [health, { endpoints, lan }, { clients }] = await Promise.all([
        asked,
        this.api.endpoints().then((answer) => readAnswer('endpoints', answer)),
        this.api.clients().then((answer) => readAnswer('clients', answer)),
        this.plc.readContexts(),
        this.classroom.readState(asked, () => performance.now()),
        this.time.read(),
      ]);
      if (!isCurrent()) return;
      this.#setRealClock(health.now_ms);
      this.catalog.nameClients(clients.map((client) => ({ id: client.id, name: titleOf(client) })));
      this.#measure(health, endpoints, clients);
      this.lan = lan;
      this.health = health;
      this.#eventList.update(health.problems);
      this.events = this.#eventList.rows();
      this.figuresError = null;
      this.#followSymbols();
      this.#repeatCatalog(health.signals);
    } catch (error) {
      if (isCurrent()) this.figuresError = words(error);
    }
  }

  #measure(health: Health, endpoints: Endpoint[], clients: Client[]): void {
    const at_ms = health.now_ms;
    this.endpointsReadAt = performance.now();
    this.endpoints = endpoints.map((item) => ({ item, rates: this.#meter.read(`endpoint ${item.name}`, at_ms, item.counters) }));
    this.clients = clients.map((item) => ({ item, rates: this.#meter.read(`client ${item.id}`, at_ms, item.counters) }));
    // An endpoint counts for its clients, also for those that have left; live channels belong to no endpoint.
    const measured = [...this.endpoints, ...this.clients.filter(({ item }) => item.protocol === 'live')]
      .map(({ rates }) => rates)
      .filter((rates) => rates !== null);
    this.#meter.keep([
      ...endpoints.map(({ name }) => `endpoint ${name}`),
      ...clients.map(({ id }) => `client ${id}`),
    ]);
    if (measured.length === 0) return;
    const sum = measured.reduce((left, right) => ({
      updates_in: left.updates_in + right.updates_in,
      updates_out: left.updates_out + right.updates_out,
    }));
    this.history = [...this.history, sum].slice(-HISTORY_LEN);
  }

  async #readCatalog(): Promise<void> {
    const pass = ++this.#passNumber;
    const isCurrent = (): boolean => pass === this.#passNumber && this.isLive;
    const startedAt = performance.now();
    this.#passCount = this.health?.signals ?? null;
    this.#passPrograms = this.#programs();
    const seen = new Set<number>();
    let total: number | null = null;
    const isFirst = this.catalogState.phase !== 'complete' || this.catalog.rows.length === 0;
    if (isFirst) this.catalogState = { phase: 'reading', read: 0, total };
    try {
      await readAll(
        this.api,
        {},
        (signals, newTotal) => {
          total = newTotal;
          for (const signal of signals) seen.add(this.catalog.put({ symbol: null, ...signal }).id);
          if (isFirst) this.catalogState = { phase: 'reading', read: seen.size, total };
          this.rowsVersion += 1;
        },
        isCurrent,
      );
      if (!isCurrent()) return;
      this.catalog.keepOnly(seen);
      this.catalogState = { phase: 'complete' };
      this.rowsVersion += 1;
      this.#passEndedAt = performance.now();
      this.#passLength_ms = this.#passEndedAt - startedAt;
    } catch (error) {
      if (!isCurrent()) return;
      this.catalogState = { phase: 'failed', read: seen.size, total, message: words(error) };
      setTimeout(() => {
        if (isCurrent()) void this.#readCatalog();
      }, RETRY_MS);
    }
  }

  /**
   * Reads the catalog again when the hub's count says that ours is old, but not in a row without a rest, and not for a
   * count that a pass has not reached before: a key may see fewer signals than there are. Other programs have other symbols.
   */
  #repeatCatalog(count: number): void {
    if (this.catalogState.phase !== 'complete') return;
    const isCountOld = count !== this.catalog.rows.length && count !== this.#passCount;
    if (!isCountOld && this.#programs() === this.#passPrograms) return;
    const rest_ms = Math.max(PASS_PAUSE_MS_MIN, 10 * this.#passLength_ms);
    if (performance.now() - this.#passEndedAt >= rest_ms) void this.#readCatalog();
  }

  /** The programs of all contexts, as a word that changes with each of them. */
  #programs(): string {
    return (this.plc.contexts ?? []).map(({ id, program }) => `${id} ${program?.number ?? ''}`).join('\n');
  }

  #setHubClock(now_ms: number): void {
    this.#clock.set(now_ms, performance.now());
  }

  /** Ages are whole seconds: they need not be written anew with each frame. */
  #moveAges(): void {
    if (Math.abs(this.now_ms - this.ages_ms) >= AGES_EVERY_MS) this.ages_ms = this.now_ms;
  }

  #setRealClock(now_ms: number): void {
    this.#realAhead_ms = now_ms - performance.now();
  }

  #moveClock(): void {
    this.local_ms = performance.now();
    this.now_ms = this.#clock.at(this.local_ms);
    this.#moveAges();
    this.real_ms = this.local_ms + this.#realAhead_ms;
    // What the channel keeps to itself between two changes of phase: the time of the last word.
    this.link = this.#live.link;
  }

  /** Lets the screen follow at its own pace: one change of `version` per frame, however much arrived. */
  #touch(): void {
    if (this.#isFrameAsked) return;
    this.#isFrameAsked = true;
    requestAnimationFrame(() => {
      this.#isFrameAsked = false;
      this.version += 1;
      this.catalog.tellWatchers();
      this.now_ms = this.#clock.at(performance.now());
      this.#moveAges();
      this.real_ms = performance.now() + this.#realAhead_ms;
    });
  }
}

/** A client as a writer is called: whoever writes by a live channel is an operator, as in the hub's own words. */
function titleOf({ id, name, protocol, address }: Client): string {
  if (name) return name;
  return protocol === 'live' ? `operator at ${address}` : `client ${id}`;
}

/** An error as a sentence for the operator. */
export function words(error: unknown): string {
  return error instanceof HubError || error instanceof Error ? error.message : String(error);
}

/** What is said of something that failed; `what` begins the words, such as `Not started`, unless nobody knows whether it was done. */
export function failure(what: string, error: unknown): string {
  if (!isUnanswered(error)) return `${what}: ${words(error)}.`;
  const said = words(error);
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}

/** The one house of the page. */
export const house = new House();
