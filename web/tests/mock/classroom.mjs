/**
 * The mock's classroom: a GAMA that loads, runs and stops an experiment, headsets that come and go, a catalog with
 * folders, and what goes wrong in lessons. Orders have their effect a moment later, as with a real GAMA.
 */

import { Door } from './headset.mjs';
import { refusal } from './office.mjs';

const RANK = { viewer: 0, operator: 1, engineer: 2 };
const ORDERS = ['launch', 'pause', 'resume', 'stop', 'step', 'step_back', 'reload', 'connect'];
/** How long the mock's GAMA takes for an order. */
const EFFECT_MS = 250;
const RETRY_MS = 5_000;
const URL_OF_GAMA = 'ws://localhost:1000';

/** A picture of its own for each model, in colours that a person tells apart. */
function splash(name) {
  const hue = [...name].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 360;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 160"><rect width="320" height="160" fill="hsl(${hue} 45% 35%)"/><path d="M0 120q80-50 160 0t160 0v40H0z" fill="hsl(${(hue + 40) % 360} 60% 55%)"/><circle cx="250" cy="45" r="22" fill="#ffe9a8"/></svg>`;
}

const model = (index, name, experiment, least, most, more = {}) => ({
  index,
  name,
  experiment,
  file: `/srv/learning-packages/demo/Models/${name}.gaml`,
  is_here: true,
  splash: `/learning-packages/demo/splashscreen/${index}.svg`,
  minimal_players: least,
  maximal_players: most,
  ...more,
});

const MODELS = [
  model(0, 'Crowd and flood', 'vr_xp', 1, 4),
  model(1, 'Mangrove', 'vr_xp', null, 6),
  model(2, 'Red River', 'river_vr', 2, 4, { is_here: false, file: 'C:/models/Red River.gaml' }),
  model(3, 'Traffic of Hanoi', 'traffic', null, null, { splash: null }),
  model(4, 'Air quality', 'air_vr', 3, 3),
];
const ENTRIES = [
  { model: 0 },
  { model: 3 },
  { name: 'Water', splash: '/learning-packages/demo/splashscreen/7.svg', entries: [{ model: 1 }, { name: 'Rivers', splash: null, entries: [{ model: 2 }] }] },
  { name: 'Air', splash: null, entries: [{ model: 4 }] },
];
const PROBLEMS = [
  { error: true, file: '/srv/learning-packages/old/settings.json', line: 3, column: 5, text: "expected ',' or '}' behind the value of \"name\": this package is left out" },
  { error: false, file: 'C:/models/Red River.gaml', line: null, column: null, text: 'this model is not on this machine; that is right where GAMA runs elsewhere' },
];

function player(id, at, more = {}) {
  return {
    id,
    address: `192.168.1.${30 + at}:5${at}112`,
    connected: true,
    in_game: false,
    alive: true,
    arrived: `09:1${at % 10}`,
    heartbeat_ms: 5000,
    seen_ms: 120,
    waits_for: 'the experiment is not running',
    doubled: false,
    worlds: 0,
    worlds_dropped: 0,
    said: 0,
    said_dropped: 0,
    ...more,
  };
}

export class Class {
  state = 'NONE';
  link = 'connected';
  linkAt = 0;
  retryAt = null;
  waitsFor = null;
  error = null;
  active = 0;
  experiment = '';
  screen = null;
  lines = [];
  players = [];
  worlds = 0;
  /** Orders have no effect until this ends: for stories of waiting. */
  isHeld = false;
  isLarge = false;
  #effects = [];
  #lastLine = 0;

  /** `players` sit there from the start; `mode` is `gama` or `gamaless`. */
  constructor(now, { mode, players, isPractice, isEmpty, join }) {
    Object.assign(this, { now, mode, isPractice, isEmpty });
    this.door = new Door(this, join);
    for (let at = 0; at < players; at += 1) this.players.push(player(`Player_${101 + at}`, at));
    this.say('note', 'ConnectionSuccessful', `Connected to GAMA at ${URL_OF_GAMA}`);
  }

  say(level, kind, text) {
    this.#lastLine += 1;
    this.lines.push({ number: this.#lastLine, at_ms: this.now(), level, kind, text });
  }

  /** The picture at a path, which `class-large` makes larger than the page takes. */
  picture(path) {
    return splash(path) + (this.isLarge ? ' '.repeat(2_000_000) : '');
  }

  models() {
    return this.isEmpty ? [] : MODELS;
  }

  /** What can be ordered, by the rules of the hub. */
  orders() {
    if (this.mode === 'gamaless') return [];
    if (this.link !== 'connected') return this.link === 'waiting' ? ['connect'] : [];
    if (this.waitsFor !== null) return [];
    const ofState = { NONE: ['launch'], PAUSED: ['resume', 'stop', 'step', 'step_back', 'reload'], RUNNING: ['pause', 'stop', 'reload'], FINISHED: ['stop', 'reload'] };
    return (ofState[this.state] ?? []).filter((order) => order !== 'launch' || this.models().length > 0);
  }

  /** The class in short. */
  health() {
    const { gama, players, monitors } = this.row();
    const count = (is) => players.filter(is).length;
    return {
      gama: gama === null ? null : gama.link === 'connected',
      state: gama === null ? null : gama.state,
      players: players.length,
      connected: count(({ connected }) => connected),
      in_game: count(({ in_game }) => in_game),
      monitors,
    };
  }

  row() {
    const now_ms = this.now();
    const chosen = this.models()[this.active] ?? null;
    return {
      now_ms,
      mode: this.mode,
      gama: this.mode === 'gamaless' ? null : this.#gama(now_ms),
      model: chosen && { index: chosen.index, name: chosen.name, minimal_players: chosen.minimal_players, maximal_players: chosen.maximal_players },
      players: this.players.map(({ isOfDoor: _, ...each }) => ({ ...each, seen_ms: each.connected ? now_ms % (each.alive ? 900 : 90_000) : now_ms })),
      monitors: 1,
      screen: this.screen,
      orders: this.orders(),
      counters: { worlds: this.worlds, pieces: this.worlds * this.#inGame().length, unknown_ids: 0, skipped: 0, unreadable: 0 },
      models: this.models().length,
      catalog_problems: this.isEmpty ? 0 : PROBLEMS.length,
    };
  }

  #gama(now_ms) {
    const retry = this.retryAt === null ? null : Math.max(0, Math.round(this.retryAt - now_ms));
    const text = {
      connected: `Connected to GAMA at ${URL_OF_GAMA}.`,
      greeting: `Connected to ${URL_OF_GAMA}; waiting for the greeting of GAMA.`,
      connecting: `Connecting to GAMA at ${URL_OF_GAMA}.`,
      waiting: `GAMA is not reachable at ${URL_OF_GAMA}: connection refused. Start GAMA (or \`crosstie practice gama\`); next attempt in ${Math.ceil((retry ?? 0) / 1000)} s`,
    }[this.link];
    return {
      url: URL_OF_GAMA,
      link: this.link,
      text,
      since_ms: this.linkAt,
      retry_in_ms: retry,
      flavour: this.link === 'connected' ? 'gui' : null,
      state: this.state,
      waits_for: this.waitsFor,
      experiment_id: this.state === 'NONE' ? '' : '0',
      experiment_name: this.experiment,
      error: this.error,
      practice: this.isPractice,
    };
  }

  catalog() {
    return {
      active: this.models().length > 0 ? this.active : null,
      models: this.models(),
      entries: this.isEmpty ? [] : ENTRIES,
      problems: this.isEmpty ? [] : PROBLEMS,
      roots: ['/srv/learning-packages'],
    };
  }

  #inGame() {
    return this.players.filter(({ in_game }) => in_game);
  }

  /** Time has passed: orders have their effect, a running experiment sends worlds, GAMA is tried again. */
  step() {
    const now = this.now();
    if (!this.isHeld) {
      const due = this.#effects.filter(({ at }) => at <= now);
      this.#effects = this.#effects.filter(({ at }) => at > now);
      for (const { act } of due) act();
    }
    if (this.retryAt !== null && now >= this.retryAt) this.retryAt = now + RETRY_MS;
    if (this.state === 'RUNNING' && this.link === 'connected') {
      this.worlds += 1;
      for (const each of this.#inGame()) {
        each.worlds += 1;
        if (each.id === 'Player_102' && this.worlds % 4 === 0) each.worlds_dropped += 1;
      }
    }
    this.door.step();
  }

  /** A headset of this name that is none of the mock's door: another machine has it. */
  isNameTaken(id) {
    return this.players.some((each) => each.id === id && each.connected && !each.isOfDoor);
  }

  /** A headset has come through the door: it gets a seat, and a place in the game where there is one. */
  seatHeadset(id, heartbeat_ms) {
    if (!this.players.some((each) => each.id === id)) this.players.push(player(id, this.players.length));
    Object.assign(this.players.find((each) => each.id === id), { connected: true, alive: true, heartbeat_ms, isOfDoor: true });
    if (this.state === 'PAUSED' || this.state === 'RUNNING') this.#join();
    else this.#tellWaits();
  }

  #tellWaits() {
    const why = this.link !== 'connected' ? 'GAMA is not connected' : this.state === 'NOTREADY' ? 'the experiment is loading' : 'the experiment is not running';
    for (const each of this.players) if (!each.in_game) each.waits_for = why;
  }

  #later(waitsFor, act) {
    this.waitsFor = waitsFor;
    this.#effects.push({
      at: this.now() + EFFECT_MS,
      act: () => {
        this.waitsFor = null;
        act();
      },
    });
  }

  #join() {
    const most = MODELS[this.active].maximal_players ?? Infinity;
    for (const each of this.players) {
      if (!each.connected || each.in_game) continue;
      const isFull = this.#inGame().length >= most;
      Object.assign(each, { in_game: !isFull, waits_for: isFull ? `the class is full (${most} of ${most})` : null });
    }
  }

  #sendAway(why) {
    for (const each of this.players) Object.assign(each, { in_game: false, waits_for: why });
  }

  #order(order) {
    const title = order.replace('_', ' ');
    this.say('order', order, `${title[0].toUpperCase()}${title.slice(1)}`);
    const { experiment } = this.models()[this.active] ?? {};
    const effects = {
      launch: [`GAMA to load '${experiment}'`, () => {
        Object.assign(this, { state: 'PAUSED', experiment, error: null });
        this.say('console', 'SimulationOutput', `Experiment ${experiment} of ${MODELS[this.active].name} is loaded`);
        this.#join();
      }],
      resume: ['GAMA to run the experiment', () => (this.state = 'RUNNING')],
      pause: ['GAMA to pause the experiment', () => (this.state = 'PAUSED')],
      step: ['GAMA to do one cycle', () => (this.worlds += 1)],
      step_back: ['GAMA to go back one cycle', () => this.fail('UnableToExecuteRequest', 'This experiment keeps no record: it cannot step back', 'Only experiments of type record can.')],
      reload: ['GAMA to load the experiment anew', () => (this.state = 'PAUSED')],
      stop: ['GAMA to stop the experiment', () => {
        // The hub keeps the name of what was loaded last.
        Object.assign(this, { state: 'NONE', error: null });
        this.#sendAway('the experiment is not running');
        this.door.endLesson();
        for (const each of this.players) each.connected = false;
      }],
      connect: [null, () => this.turnLink('connected')],
    };
    if (order === 'launch') {
      this.state = 'NOTREADY';
      this.#tellWaits();
    }
    this.#later(...effects[order]);
  }

  turnLink(link) {
    Object.assign(this, { link, linkAt: this.now(), retryAt: link === 'waiting' ? this.now() + RETRY_MS : null });
    if (link === 'connected') {
      this.say('note', 'ConnectionSuccessful', `Connected to GAMA at ${URL_OF_GAMA}`);
      return;
    }
    this.say('error', 'GamaServerError', `GAMA at ${URL_OF_GAMA} is not reachable: connection refused`);
    Object.assign(this, { state: 'NONE', experiment: '', waitsFor: null });
    this.#effects = [];
    this.#sendAway('GAMA is not connected');
  }

  fail(kind, text, hint) {
    this.error = { kind, text, hint, at_ms: this.now() };
    this.say('error', kind, text);
  }

  /** A switch of a test: `class-link?to=waiting`, `class-error`, `class-player?id=…&connected=false`, `class-state?to=FINISHED`, `class-hold`, `class-go`, `class-large`, `class-say?text=…`. */
  turn(word, query) {
    const what = word.slice('class-'.length);
    if (what === 'link') this.turnLink(query.get('to'));
    if (what === 'state') this.state = query.get('to');
    if (what === 'large') this.isLarge = true;
    if (what === 'hold' || what === 'go') this.isHeld = what === 'hold';
    if (what === 'say') this.say(query.get('level') ?? 'console', 'SimulationOutput', query.get('text'));
    if (what === 'error') this.fail('SimulationError', query.get('text') ?? "Unknown variable 'flod' in species people at line 41", 'Correct the model in GAMA, then reload it.');
    if (what === 'player') this.#turnPlayer(query);
    if (what.startsWith('headset-')) this.door.turn(what.slice('headset-'.length), query);
  }

  #turnPlayer(query) {
    const id = query.get('id');
    if (!this.players.some((each) => each.id === id)) this.players.push(player(id, this.players.length));
    const each = this.players.find((seat) => seat.id === id);
    for (const word of ['connected', 'in_game', 'alive', 'doubled']) if (query.has(word)) each[word] = query.get(word) === 'true';
    if (query.has('waits_for')) each.waits_for = query.get('waits_for');
  }

  /** What the hub answers, or null for what is none of the classroom. */
  answer(me, method, [room, what, id, act], query, body) {
    if (room !== 'classroom') return null;
    const ok = (answer) => ({ status: 200, body: answer });
    if (method === 'GET') {
      if (what === undefined) return ok(this.row());
      if (what === 'catalog') return ok(this.catalog());
      if (what === 'join') return this.door.isOld ? refusal(405, 'method_not_allowed', 'this path exists, but not with this method') : ok(this.door.row(me));
      const after = Number(query.get('after') ?? 0);
      return what === 'console' ? ok({ now_ms: this.now(), lines: this.lines.filter(({ number }) => number > after).slice(-200) }) : null;
    }
    const least = what === 'evaluate' ? 'engineer' : 'operator';
    if (RANK[me.role] < RANK[least]) return refusal(403, 'forbidden', `${me.who} is ${me.role} and may not do that`);
    if (what === 'join' && method === 'PUT') return this.#changeJoin(me, body);
    return this.#change(method, what, id, act, body) ?? ok(this.row());
  }

  #changeJoin(me, { open }) {
    if (this.door.isOld) return refusal(405, 'method_not_allowed', 'this path exists, but not with this method');
    if (!this.door.wantsCode && !open) return refusal(409, 'classroom_refused', 'no code is needed here: joining is always open');
    this.door.open(open);
    return { status: 200, body: this.door.row(me) };
  }

  #change(method, what, id, act, body) {
    const refuse = (message) => refusal(409, 'classroom_refused', message);
    if (what === 'evaluate') {
      if (this.state !== 'PAUSED' && this.state !== 'RUNNING') return refuse('no experiment is loaded');
      if (body.expr === 'length(people)') return { status: 200, body: { result: '120' } };
      return refuse(`GAMA could not evaluate it: unknown expression '${body.expr}'`);
    }
    if (what === 'model') {
      if (!this.models()[body.index]) return refusal(404, 'not_found', `no model is called '${body.index}'`);
      this.active = body.index;
      return null;
    }
    if (what === 'screen') {
      this.screen = body.display_type;
      return null;
    }
    if (what === 'players') return this.#changePlayer(method, id, act, refuse);
    if (!ORDERS.includes(what)) return refusal(404, 'not_found', `no order is called '${what}'`);
    if (!this.orders().includes(what)) return refuse(`'${what}' is not possible now: the state is ${this.state}`);
    this.#order(what);
    return null;
  }

  #changePlayer(method, id, act, refuse) {
    const each = this.players.find((seat) => seat.id === id);
    if (!each) return refusal(404, 'not_found', `no player is called '${id}'`);
    if (method === 'DELETE') {
      if (each.connected) return refuse(`${id} is connected: remove it first`);
      this.players = this.players.filter((seat) => seat !== each);
    } else if (act === 'remove') {
      this.door.sendAway(id, 'taken out of the class');
      Object.assign(each, { in_game: false, connected: false, waits_for: 'the headset is not connected' });
    }
    else if (this.state !== 'PAUSED' && this.state !== 'RUNNING') return refuse('no experiment is loaded');
    else Object.assign(each, { in_game: true, waits_for: null });
    return null;
  }
}
