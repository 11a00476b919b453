/**
 * The one door to the hub: its HTTP interface and its live channel, as the manual's page "HTTP and live API" states
 * them. No other module opens a connection.
 *
 * The live channel holds one view (the names on screen) and asks for it again after each reconnect. Values are state
 * and come anew; writes are commands: one that was not answered when the link was lost is reported as unknown and
 * never sent again.
 */

import type { ClassCatalog, ClassOrder, ClassState } from './classroom-protocol';
import { readFrame } from './frames';
import { liveUrl } from './place';
import type {
  PlcCommand,
  PlcContext,
  PlcContextAnswer,
  PlcContextList,
  PlcDiagnostic,
  PlcDownloadAnswer,
  PlcMemory,
  PlcProfile,
  PlcProgram,
  PlcWritten,
} from './plc-protocol';
import type {
  AuditEntry,
  ClientList,
  Config,
  EndpointList,
  Health,
  HubMessage,
  ImportReport,
  KeyRow,
  Me,
  NewKey,
  Owner,
  ProbeReport,
  Quality,
  Signal,
  SignalPage,
  Tls,
  Value,
  Version,
  WriteOutcome,
} from './protocol';
import { HELD, nextLink, type Link, type LinkEvent } from './reconnect';

/** How long a request may take before it counts as failed. */
const REQUEST_MS_MAX = 10_000;
/** How long a trial connection or an import may take: the hub itself gives up before. */
const TRIAL_MS_MAX = 40_000;
/** How long the download of a program may take. */
const DOWNLOAD_MS_MAX = 60_000;
/** How often the live channel tells how a watched PLC stands. */
const PLC_CYCLE_MS = 100;
/** How long a write waits for its result. */
const WRITE_MS_MAX = 5_000;
/** The view moves at most this often, so that a fast scroll does not flood the hub. */
const VIEW_PAUSE_MS = 100;
/** How often the channel looks at the clock for silence, time-outs and the next attempt. */
const CLOCK_MS = 250;

/** Why a request or a write did not do what was asked, in words for the operator. */
export class HubError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** The HTTP status of the answer; 0 where there was none. */
    readonly status = 0,
    /** What is wrong with a program that was refused. */
    readonly diagnostics: readonly PlcDiagnostic[] = [],
  ) {
    super(message);
  }
}

/** Nobody knows whether what was asked was done: the hub did not answer, or the link was lost before it did. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof HubError && error.code === 'unknown_result';
}

/** What is said of it, after whatever begins the sentence. */
const UNANSWERED = 'the hub did not answer, so it is not known whether this was done: look before you try again';

/** Is this the end of a wait that the person at the page has ended? */
export function isCancelled(error: unknown): boolean {
  return error instanceof HubError && error.code === 'cancelled';
}

/** How a request differs from a plain GET. */
export interface Ask {
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** A document as it is, instead of a body. */
  text?: string;
  /** What kind of document it is; XML is seen by its first sign. */
  type?: string;
  ms_max?: number;
  /** Ends the wait; the hub goes on with what it was asked. */
  cancel?: AbortSignal;
  /** The path is a whole address of this hub, not one below `/api/v1/`. */
  isWhole?: boolean;
}

/**
 * The HTTP interface. Every method throws `HubError`: `unreachable`, `cancelled`, `unknown_result` for an order without an answer, or
 * the code that the hub gave.
 *
 * The key goes in the `Authorization` header, so it stands in no address and in nobody's log. An order has a name, because a browser sends it
 * again by itself when the connection breaks, and the time at which it was given: the hub carries it out once, and soon or not at all.
 */
export class HubApi {
  /** The key that each request shows, or null for none. */
  key: string | null = null;
  /** Hears that the hub has refused the key in use (401). */
  onunauthorized: () => void = () => undefined;
  /** The hub's time as orders carry it, or null where it is not known. */
  givenAt: () => number | null = () => null;
  /** Ends the wait of all orders. */
  #abandon = new AbortController();
  readonly #base: string;
  readonly #fetch: typeof fetch;

  constructor(base = '', request: typeof fetch = (...args) => fetch(...args)) {
    this.#base = base;
    this.#fetch = request;
  }

  /** Who the hub takes the holder of `key` for. */
  me(key: string | null): Promise<Me> {
    return this.#askAs(key, 'me');
  }

  version(): Promise<Version> {
    return this.ask('version');
  }

  health(): Promise<Health> {
    return this.ask('health');
  }

  endpoints(): Promise<EndpointList> {
    return this.ask('endpoints');
  }

  clients(): Promise<ClientList> {
    return this.ask('clients');
  }

  /** One page of the catalog, at most 1,000 rows; `after` is the `next` of the page before. */
  signals(options: {
    after?: string | null;
    limit?: number;
    /** Which names: `*` is one segment, `**` the rest. */
    pattern?: string;
    quality?: Quality | null;
    owner?: Owner | null;
  }): Promise<SignalPage> {
    const query = new URLSearchParams({ limit: String(options.limit ?? 1000) });
    if (options.after) query.set('after', options.after);
    if (options.pattern) query.set('pattern', options.pattern);
    if (options.quality) query.set('quality', options.quality);
    if (options.owner) query.set('owner', options.owner);
    return this.ask(`signals?${query}`);
  }

  /** One signal, by its name or by a symbol that stands for it. */
  signal(name: string): Promise<Signal> {
    return this.ask(`signals/${name.split('/').map(encodeURIComponent).join('/')}`);
  }

  /** Asks the other side of an endpoint for its catalog and waits until all have answered. */
  importFrom(endpoint: string, cancel: AbortSignal): Promise<ImportReport> {
    return this.ask(`endpoints/${encodeURIComponent(endpoint)}/import`, { method: 'POST', ms_max: TRIAL_MS_MAX, cancel });
  }

  /** Opens a trial connection to the server of a link, beside the link itself. */
  probe(endpoint: string, cancel: AbortSignal): Promise<ProbeReport> {
    return this.ask(`endpoints/${encodeURIComponent(endpoint)}/probe`, { method: 'POST', ms_max: TRIAL_MS_MAX, cancel });
  }

  /** Connects the link of an endpoint now and keeps it so. */
  connect(endpoint: string): Promise<void> {
    return this.ask(`endpoints/${encodeURIComponent(endpoint)}/connect`, { method: 'POST' });
  }

  /** Disconnects the link of an endpoint and keeps it so. */
  disconnect(endpoint: string): Promise<void> {
    return this.ask(`endpoints/${encodeURIComponent(endpoint)}/disconnect`, { method: 'POST' });
  }

  /** Says that a person has seen the problem of this id, or all of them for null. */
  acknowledge(id: string | null): Promise<void> {
    return this.ask('problems/acknowledge', { method: 'POST', body: id === null ? {} : { id } });
  }

  async keys(): Promise<KeyRow[]> {
    return (await this.ask<{ keys: KeyRow[] }>('keys')).keys;
  }

  /** Makes a key; it is in this answer and never again in any other. */
  makeKey(wanted: NewKey): Promise<{ id: string; key: string }> {
    return this.ask('keys', { method: 'POST', body: wanted });
  }

  revokeKey(id: string): Promise<void> {
    return this.ask(`keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  tls(): Promise<Tls> {
    return this.ask('tls');
  }

  config(): Promise<Config> {
    return this.ask('config');
  }

  /** Changes live settings: all of them or none. */
  configure(changes: Record<string, unknown>): Promise<{ applied: string[] }> {
    return this.ask('config', { method: 'PATCH', body: changes });
  }

  async logFilter(): Promise<string> {
    return (await this.ask<{ filter: string }>('log')).filter;
  }

  async setLogFilter(filter: string): Promise<string> {
    return (await this.ask<{ filter: string }>('log', { method: 'PUT', body: { filter } })).filter;
  }

  /** Newest entries of the audit log first; those before entry number `before`, if given. */
  async audit(limit: number, before: number | null): Promise<AuditEntry[]> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before !== null) query.set('before', String(before));
    return (await this.ask<{ entries: AuditEntry[] }>(`audit?${query}`)).entries;
  }

  plcContexts(): Promise<PlcContextList> {
    return this.ask('plc/contexts');
  }

  /** Starts, stops, steps a context; answers how it stands afterwards. */
  async plcCommand(context: string, command: PlcCommand): Promise<PlcContext> {
    const { context: now } = await this.ask<PlcContextAnswer>(`${plcPath(context)}/command`, { method: 'POST', body: { command } });
    return now;
  }

  /** The program of a context; `no_program` (404) when it has none. */
  plcProgram(context: string): Promise<PlcProgram> {
    return this.ask(`${plcPath(context)}/program`);
  }

  /** The program as the document that it was loaded from. */
  plcDocument(context: string): Promise<string> {
    return this.ask(`${plcPath(context)}/program?format=document`, {}, (response) => response.text());
  }

  /** Gives a context this program; `isStopping` says that an engine that runs may be stopped for it. */
  plcDownload(context: string, document: string, isStopping: boolean): Promise<PlcDownloadAnswer> {
    const path = `${plcPath(context)}/program${isStopping ? '?stop=true' : ''}`;
    return this.ask(path, { method: 'PUT', text: document, ms_max: DOWNLOAD_MS_MAX });
  }

  plcClear(context: string): Promise<PlcContextAnswer> {
    return this.ask(`${plcPath(context)}/program`, { method: 'DELETE' });
  }

  plcMemory(context: string): Promise<PlcMemory> {
    return this.ask(`${plcPath(context)}/memory`);
  }

  plcWrite(context: string, address: string, value: boolean | number): Promise<PlcWritten> {
    return this.ask(`${plcPath(context)}/memory/${encodeURIComponent(address)}`, { method: 'PUT', body: { value } });
  }

  /** Turns a bit round, at one moment of the engine. */
  plcToggle(context: string, address: string): Promise<PlcWritten> {
    return this.ask(`${plcPath(context)}/toggle`, { method: 'POST', body: { address } });
  }

  /** What the rungs of a context cost; without measuring the list is empty. */
  plcProfile(context: string): Promise<PlcProfile> {
    return this.ask(`${plcPath(context)}/profile`);
  }

  /** Begins to measure the rungs anew, or ends it. */
  plcMeasure(context: string, isOn: boolean): Promise<PlcProfile> {
    return this.ask(`${plcPath(context)}/profile`, { method: 'PUT', body: { on: isOn } });
  }

  /** Makes a context that is gone when the hub ends; without a name the hub gives one. */
  async plcCreate(name: string): Promise<PlcContext> {
    const body = name === '' ? {} : { name };
    return (await this.ask<PlcContextAnswer>('plc/contexts', { method: 'POST', body })).context;
  }

  plcRemove(context: string): Promise<void> {
    return this.ask(plcPath(context), { method: 'DELETE' });
  }

  /** Forces a place; with `expires_after_s` the hub ends the force by itself. */
  plcForce(context: string, address: string, force: { value: boolean | number; reason: string; expires_after_s?: number }): Promise<PlcWritten> {
    return this.ask(`${plcPath(context)}/forces/${encodeURIComponent(address)}`, { method: 'PUT', body: force });
  }

  /** Ends the force on a place, or all forces of the context for null. */
  plcRelease(context: string, address: string | null): Promise<void> {
    const place = address === null ? '' : `/${encodeURIComponent(address)}`;
    return this.ask(`${plcPath(context)}/forces${place}`, { method: 'DELETE' });
  }

  plcBreakpoint(context: string, rung: number, isSet: boolean): Promise<void> {
    return this.ask(`${plcPath(context)}/breakpoints/${rung}`, { method: isSet ? 'PUT' : 'DELETE' });
  }

  plcClearBreakpoints(context: string): Promise<void> {
    return this.ask(`${plcPath(context)}/breakpoints`, { method: 'DELETE' });
  }

  /** How the classroom stands; `not_found` (404) where the project has none. */
  classroom(): Promise<ClassState> {
    return this.ask('classroom');
  }

  classCatalog(): Promise<ClassCatalog> {
    return this.ask('classroom/catalog');
  }

  /** Gives an order; `classroom_refused` (409) says why it cannot be carried out. */
  classOrder(order: ClassOrder): Promise<ClassState> {
    return this.ask(`classroom/${order}`, { method: 'POST' });
  }

  /** Makes a model the one that a launch loads. */
  classModel(index: number): Promise<ClassState> {
    return this.ask('classroom/model', { method: 'PUT', body: { index } });
  }

  /** Switches what all monitors show. */
  classScreen(display_type: string): Promise<ClassState> {
    return this.ask('classroom/screen', { method: 'PUT', body: { display_type } });
  }

  /** Takes a connected player into the game, or out of it and closes its connection. */
  classPlayer(id: string, act: 'add' | 'remove'): Promise<ClassState> {
    return this.ask(`classroom/players/${encodeURIComponent(id)}/${act}`, { method: 'POST' });
  }

  /** Forgets a player that is not connected. */
  classForget(id: string): Promise<ClassState> {
    return this.ask(`classroom/players/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  /** Has GAMA evaluate an expression; answers what it says. */
  async classEvaluate(expr: string): Promise<string> {
    return (await this.ask<{ result: string }>('classroom/evaluate', { method: 'POST', body: { expr }, ms_max: TRIAL_MS_MAX })).result;
  }

  /** A picture at an address of this hub; `too_large` where it has more bytes than `len_max`, `no_picture` where it is something else. */
  async picture(address: string, len_max: number): Promise<Blob> {
    const answer = await this.ask<Blob | HubError>(address, { isWhole: true }, (response) => readPicture(response, len_max));
    if (answer instanceof HubError) throw answer;
    return answer;
  }

  /**
   * Waits for no order any longer: the hub is silent. Where only its channel was closed the answer may still come, such as the key
   * without which nobody has a channel from now on.
   */
  abandonOrders(): void {
    this.#abandon.abort();
    this.#abandon = new AbortController();
  }

  /** Asks below `/api/v1/`, for rooms that bring their own questions; `read` takes what comes, JSON unless it says otherwise. */
  async ask<T>(path: string, ask: Ask = {}, read: (response: Response) => Promise<unknown> = readJson): Promise<T> {
    const { key } = this;
    try {
      return await this.#askAs(key, path, ask, read);
    } catch (error) {
      // An answer to a key that was replaced meanwhile says nothing about the new one.
      if (error instanceof HubError && error.status === 401 && key === this.key) this.onunauthorized();
      throw error;
    }
  }

  async #askAs<T>(
    key: string | null,
    path: string,
    { method, body, text, type, ms_max = REQUEST_MS_MAX, cancel, isWhole }: Ask = {},
    read: (response: Response) => Promise<unknown> = readJson,
  ): Promise<T> {
    const headers: Record<string, string> = {};
    if (key !== null) headers['authorization'] = `Bearer ${key}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (text !== undefined) headers['content-type'] = type ?? (text.trimStart().startsWith('<') ? 'application/xml' : 'text/plain');
    const sent = text ?? (body === undefined ? null : JSON.stringify(body));
    const ends = [AbortSignal.timeout(ms_max), ...(cancel ? [cancel] : [])];
    if (method !== undefined) {
      headers['idempotency-key'] = newOrderName();
      const givenAt = this.givenAt();
      if (givenAt !== null) headers['crosstie-given-at'] = String(givenAt);
      ends.push(this.#abandon.signal);
    }
    let response: Response;
    try {
      response = await this.#fetch(isWhole ? path : `${this.#base}api/v1/${path}`, {
        method: method ?? 'GET',
        headers,
        cache: 'no-store',
        signal: AbortSignal.any(ends),
        ...(sent === null ? {} : { body: sent }),
      });
    } catch {
      if (cancel?.aborted) throw new HubError('cancelled', 'the wait was ended');
      if (method !== undefined) throw new HubError('unknown_result', UNANSWERED);
      throw new HubError('unreachable', 'the hub did not answer');
    }
    if (response.status === 204) return undefined as T;
    const answer = await (response.ok ? read : readJson)(response).catch(() => null);
    if (response.ok && answer !== null) return answer as T;
    const { error, diagnostics } = (answer ?? {}) as { error?: { code: string; message: string }; diagnostics?: PlcDiagnostic[] };
    throw new HubError(
      error?.code ?? `http_${response.status}`,
      error?.message ?? `the hub answered ${response.status}`,
      response.status,
      diagnostics,
    );
  }
}

/** A name that no other order has. */
function newOrderName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
}

function readJson(response: Response): Promise<unknown> {
  return response.json();
}

/** Reads a picture, and not further than to its greatest size. */
async function readPicture(response: Response, len_max: number): Promise<Blob | HubError> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('image/')) return new HubError('no_picture', 'this is no picture', response.status);
  const large = new HubError('too_large', 'the picture is too large', response.status);
  const reader = response.body?.getReader();
  if (!reader) return new Blob([], { type });
  const isSaidLarge = Number(response.headers.get('content-length') ?? 0) > len_max;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (!isSaidLarge && length <= len_max) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type });
    parts.push(value);
    length += value.length;
  }
  await reader.cancel();
  return large;
}

function plcPath(context: string): string {
  return `plc/contexts/${encodeURIComponent(context)}`;
}

/** The part of a browser's WebSocket that the channel uses; tests bring their own. */
export interface Socket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** What the channel reports. */
export interface LiveListener {
  link(link: Link): void;
  /** A new epoch began: everything known before may be outdated. */
  hello(epoch: number, now_ms: number): void;
  /** Snapshot, added, data, tick, PLC, classroom, clock and replay frames, as they came. */
  message(message: HubMessage): void;
  /** Something came that is no frame of a hub; it was not taken. */
  strange(): void;
  /** The hub has said nothing for too long, and the channel was left. */
  silent(): void;
}

/** What surrounds the channel: the clock, the socket and chance. */
export interface Surroundings {
  now(): number;
  open(): Socket;
  jitter(): number;
}

/** The live channel. Its owner calls `clock()` a few times a second; the browser's owner is `startLive`. */
export class LiveChannel {
  #link: Link = HELD;
  #socket: Socket | null = null;
  #view: string[] = [];
  #viewSent: string[] | null = null;
  #viewSentAt = Number.NEGATIVE_INFINITY;
  /** The PLC context that is watched, and the one that the hub of this connection was told. */
  #plc: string | null = null;
  #plcSent: string | null = null;
  /** Is the classroom watched, and does the hub of this connection know it? */
  #isClassWatched = false;
  #isClassSent = false;
  #lastId = 0;
  #writes = new Map<number, PendingWrite>();
  /** The hub's time as writes carry it, or null where it is not known. */
  givenAt: () => number | null = () => null;

  constructor(
    readonly listener: LiveListener,
    readonly surroundings: Surroundings,
  ) {}

  get link(): Link {
    return this.#link;
  }

  /** Replaces the names whose values are wanted. */
  setView(names: readonly string[]): void {
    const view = [...new Set(names)].sort();
    if (sameNames(view, this.#view)) return;
    this.#view = view;
    this.#sendView();
  }

  /** Watches this PLC context with its power flow, and no other; null watches none. */
  watchPlc(context: string | null): void {
    this.#plc = context;
    this.#sendPlc();
  }

  /** Watches the classroom, or leaves it. */
  watchClassroom(isOn: boolean): void {
    this.#isClassWatched = isOn;
    this.#sendClass();
  }

  /**
   * Writes one value under `epoch`, the epoch in which it was typed. Answers what the hub stored.
   *
   * Throws `HubError`: `stale_epoch` if the link was lost since, `unknown_result` if it was lost before the hub
   * answered or the hub was silent, else the hub's refusal.
   */
  write(name: string, value: Value, epoch: number): Promise<Value> {
    if (this.#link.phase !== 'live' || this.#link.epoch !== epoch) {
      return Promise.reject(new HubError('stale_epoch', 'the link was lost since this was typed'));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#writes.set(id, { name, resolve, reject, until: this.surroundings.now() + WRITE_MS_MAX });
      const given_at_ms = this.givenAt();
      this.#socket?.send(JSON.stringify({ type: 'write', id, epoch, ...(given_at_ms === null ? {} : { given_at_ms }), signals: { [name]: value } }));
    });
  }

  /** The channel may be opened now: it begins its first attempt. */
  release(): void {
    this.#step({ type: 'release' });
  }

  /** Ends the channel until it is released again. */
  hold(): void {
    this.#step({ type: 'hold' });
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    this.#step({ type: 'retry-now' });
  }

  /** Looks at the clock: silence, the next attempt, writes without answer, a view that still has to be sent. */
  clock(): void {
    this.#step({ type: 'clock' });
    const now = this.surroundings.now();
    for (const [id, write] of this.#writes) {
      if (now < write.until) continue;
      this.#writes.delete(id);
      write.reject(new HubError('unknown_result', UNANSWERED));
    }
    this.#sendView();
  }

  #step(event: LinkEvent): void {
    const before = this.#link;
    const [link, effect] = nextLink(before, event, this.surroundings.now(), this.surroundings.jitter());
    this.#link = link;
    if (before.phase === 'live' && link.phase !== 'live') this.#abandonWrites();
    if (before.phase === 'live' && event.type === 'clock' && effect === 'drop') this.listener.silent();
    if (effect === 'drop') this.#drop();
    if (effect === 'open') this.#socket = this.#open();
    if (link.phase !== before.phase) this.listener.link(link);
  }

  #open(): Socket {
    const socket = this.surroundings.open();
    this.#viewSent = null;
    this.#plcSent = null;
    this.#isClassSent = false;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) =>
      this.#step({ type: 'closed', reason: reason || (code === 1001 ? 'the hub was stopped' : 'the connection broke') });
    return socket;
  }

  /** Leaves a socket that is of no use any more; nothing of it may be heard later. */
  #drop(): void {
    if (!this.#socket) return;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #receive(data: unknown): void {
    if (typeof data !== 'string') return;
    const message = readFrame(data);
    if (message === null) {
      this.listener.strange();
      return;
    }
    if (message.type === 'hello') {
      this.#step({ type: 'hello', epoch: message.epoch });
      this.listener.hello(message.epoch, message.now_ms);
      this.#sendView();
      this.#sendPlc();
      this.#sendClass();
      return;
    }
    this.#step({ type: 'heard' });
    if (message.type === 'write_result') this.#settle(message.id, message.signals);
    else if (message.type === 'error' && message.id !== null && this.#writes.has(message.id)) {
      this.#refuse(message.id, message.code, message.message);
    } else this.listener.message(message);
  }

  #settle(id: number, outcomes: Record<string, WriteOutcome>): void {
    const write = this.#writes.get(id);
    const outcome = write && outcomes[write.name];
    if (!outcome) return;
    if (outcome.ok) {
      this.#writes.delete(id);
      write.resolve(outcome.value);
    } else this.#refuse(id, outcome.code, outcome.message);
  }

  #refuse(id: number, code: string, message: string): void {
    this.#writes.get(id)?.reject(new HubError(code, message));
    this.#writes.delete(id);
  }

  #abandonWrites(): void {
    for (const write of this.#writes.values()) {
      write.reject(new HubError('unknown_result', UNANSWERED));
    }
    this.#writes.clear();
  }

  #sendPlc(): void {
    if (this.#link.phase !== 'live' || this.#plc === this.#plcSent) return;
    this.#plcSent = this.#plc;
    this.#socket?.send(JSON.stringify({ type: 'watch_plc', id: ++this.#lastId, context: this.#plc, cycle_ms: PLC_CYCLE_MS, power: true }));
  }

  #sendClass(): void {
    if (this.#link.phase !== 'live' || this.#isClassWatched === this.#isClassSent) return;
    this.#isClassSent = this.#isClassWatched;
    this.#socket?.send(JSON.stringify({ type: 'watch_classroom', id: ++this.#lastId, on: this.#isClassWatched }));
  }

  #sendView(): void {
    const now = this.surroundings.now();
    const isKnown = this.#viewSent !== null && sameNames(this.#view, this.#viewSent);
    const isFirst = this.#viewSent === null;
    if (this.#link.phase !== 'live' || isKnown || (!isFirst && now - this.#viewSentAt < VIEW_PAUSE_MS)) return;
    this.#viewSent = this.#view;
    this.#viewSentAt = now;
    this.#socket?.send(JSON.stringify({ type: 'subscribe', id: ++this.#lastId, names: this.#view, patterns: [] }));
  }
}

interface PendingWrite {
  name: string;
  until: number;
  resolve(value: Value): void;
  reject(error: HubError): void;
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}

/** The live channel of the hub below `base`, held until it is released, for the life of the page; `key` is asked at each attempt. */
export function startLive(base: string, key: () => string | null, listener: LiveListener): LiveChannel {
  const channel = new LiveChannel(listener, {
    now: () => performance.now(),
    open: () => new WebSocket(liveUrl(base, key())) as unknown as Socket,
    jitter: Math.random,
  });
  setInterval(() => channel.clock(), CLOCK_MS);
  // A page that comes back to the front or to the network does not wait for its turn.
  addEventListener('online', () => channel.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) channel.retryNow();
  });
  return channel;
}

/** All rows of a catalog question, page after page; `report` gets each page and the hub's total. */
export async function readAll(
  api: HubApi,
  question: { quality?: Quality },
  report: (signals: Signal[], total: number) => void,
  isWanted: () => boolean,
): Promise<void> {
  let after: string | null = null;
  do {
    const page: SignalPage = await api.signals({ ...question, after });
    if (!isWanted()) return;
    report(page.signals, page.total);
    after = page.next;
  } while (after !== null);
}
