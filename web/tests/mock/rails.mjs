/**
 * What ties the mock's rails: routes with transforms, the clock, recordings, a replay and tests.
 *
 * Switches, as POST requests: `/mock/rails-fail` (a route fails from now on), `/mock/rails-tangle` (a circle and a second writer, which a hub lays only by mistake), `/mock/rails-lose` (the recorder is too slow),
 * `/mock/rails-mute` and `/mock/rails-say` (the live channel says nothing, or all, of clock and replay). `answer` gives `{status, body}`, or null for a path that is none
 * of its own.
 */

import { refusal } from './office.mjs';

const PLAIN = { expr: null, inputs: {}, map: {}, invert: false, scale: null, offset: null, deadband: null, every_ms: null };
const KEYS = ['from', 'to', 'on_stale', ...Object.keys(PLAIN)];
const BYTES_PER_S = 180_000;

export class Rails {
  #lastRoute = 0;
  #kept = [];
  #failing = new Set();
  #started = 0;
  #clock = { mode: 'real', rate: 1, until_ms: null };
  /** Where the hub's time was, at which moment of the world's. */
  #base = { real_ms: 0, hub_ms: 0 };
  #active = null;
  #gaps = 0;
  #lost = 0;
  #replay = null;
  #running = null;
  isSaying = true;
  recordings = [
    { name: 'shift-a', bytes: 48_230_112, started: '2026-11-20T06:00:00Z', duration_ms: 3_600_000, signals: 214, samples: 1_204_332, inputs: 88_120, gaps: 0, whole: true, from_start: true, running: false, ended: null, error: null },
    { name: 'jam-at-filler', bytes: 812_400, started: '2026-11-21T09:12:44Z', duration_ms: 62_400, signals: 24, samples: 18_320, inputs: 0, gaps: 2, whole: false, from_start: false, running: false, ended: null, error: null },
    { name: 'lesson', bytes: 2_140_000, started: '2026-11-21T10:02:10Z', duration_ms: 125_000, signals: 31, samples: 40_118, inputs: 2_210, gaps: 0, whole: true, from_start: false, running: false, ended: null, error: null },
  ];
  tests = [
    { name: 'bottle-counter', kind: 'scan', last: { passed: true, took_ms: 12, cases: 8, failed: 0, text: '' } },
    { name: 'lesson', kind: 'recording', last: null },
    { name: 'stuck-sensor', kind: 'script', last: null },
  ];

  /** `count` further routes stand beside the first few; a rich mock has one of every kind. */
  constructor(plant, { count, hasPlc, isEmpty, isRich }) {
    this.plant = plant;
    plant.hubTime = () => this.now();
    if (isEmpty) {
      [this.recordings, this.tests] = [[], []];
      return;
    }
    for (const word of ['BottleCount', 'State']) this.#put({ from: `twin/line/${word}`, to: `twin/hmi/${word}` });
    if (hasPlc) this.#put({ from: 'twin/line/SensorFiller', to: 'plc/line/I:0/2', on_stale: 'zero' });
    // Ends and inputs by their symbols, whose signals have other names.
    if (hasPlc && isRich) this.#put({ from: 'plc/line/Level', to: 'plc/line/Ready', expr: 'value > 900 && motor', inputs: { motor: 'plc/line/Motor' } });
    if (isRich) {
      this.#put({ from: 'twin/line/TankLevel', to: 'twin/line/FaultSwitch', expr: 'value > 95.0 && running', inputs: { running: 'twin/line/Run' }, every_ms: 200 });
      this.#put({ from: 'twin/line/ConveyorSpeed', to: 'twin/line/SpeedSetpoint', scale: 0.5, offset: -10, deadband: 0.5 });
      this.#put({ from: 'twin/line/LabelPrinter', to: 'twin/line/Recipe', map: { 0: 'Water 0.5 l', 3: 'Juice 1 l', '*': 'Unknown' } });
      this.#put({ from: 'twin/line/Run', to: 'twin/line/ResetCount', invert: true });
      this.#put({ from: 'plc/later/O:0/3', to: 'twin/line/Auto' });
      const pattern = this.#put({ from: 'twin/*/Sensor*', to: 'twin/hmi/$1.$2', pattern: null, fits: 2 });
      for (const word of ['Infeed', 'Filler']) this.#put({ from: `twin/line/Sensor${word}`, to: `twin/hmi/line.${word}`, pattern: pattern.id });
      this.#put({ from: 'twin/line/CapTorque', to: 'twin/line/FillLevel', expr: '100 / value' });
      this.#failing.add(this.#lastRoute);
    }
    for (let index = 0; index < count; index += 1) this.#put({ from: `plc/PLC1/Area0/Point${index}`, to: `twin/line/Copy${index}`, ...(index % 3 ? {} : { scale: 1 + index / 10 }) });
  }

  #put(given, source = 'project') {
    const route = { ...PLAIN, on_stale: 'hold', pattern: null, fits: null, source, ...given, id: ++this.#lastRoute };
    this.#kept.push(route);
    return route;
  }

  /** The hub's time. */
  now() {
    const real_ms = this.plant.real();
    const { mode, rate, until_ms } = this.#clock;
    const goes = mode === 'recording' ? (this.#replay?.state === 'playing' ? this.#replay.speed : 0) : rate;
    const at = this.#base.hub_ms + (real_ms - this.#base.real_ms) * goes;
    return Math.round(until_ms === null ? at : Math.min(at, until_ms));
  }

  clock() {
    const now_ms = this.now();
    const { mode, rate, until_ms } = this.#clock;
    const isStanding = (mode === 'stepped' && (until_ms === null || now_ms >= until_ms)) || (mode === 'recording' && this.#replay?.state !== 'playing');
    return { mode, rate: isStanding ? 0 : mode === 'recording' ? this.#replay.speed : rate, running: !isStanding, now_ms, until_ms: isStanding ? null : until_ms, real_ms: this.plant.real(), does_not_follow: ['client/line/Practice twin'] };
  }

  #setClock(mode, rate, until_ms = null) {
    this.#base = { hub_ms: this.now(), real_ms: this.plant.real(), does_not_follow: ['client/line/Practice twin'] };
    this.#clock = { mode, rate, until_ms };
  }

  routes() {
    const seconds = this.plant.real() / 1000;
    return this.#kept.map((route) => {
      const source = this.plant.find(route.from);
      const isPattern = route.fits !== null;
      const isFailing = this.#failing.has(route.id);
      const isWaiting = !source && !isPattern;
      const count = isPattern || isWaiting || isFailing ? 0 : Math.floor(seconds * (1 + (route.id % 7)));
      return {
        ...route,
        state: isWaiting ? 'waiting' : 'active',
        reason: isWaiting ? `there is no signal '${route.from}' yet` : null,
        count,
        held: route.deadband === null && route.every_ms === null ? 0 : Math.floor(seconds * 4),
        failed: isFailing ? Math.floor(seconds * 10) : 0,
        error: isFailing ? 'expr: expected a number that is not 0, division by zero' : null,
        last_value: count > 0 ? source.value : null,
        last_at_ms: count > 0 ? this.now() : null,
      };
    });
  }

  /** What the hub would say against a route, or null. */
  #against(route, id) {
    for (const key of Object.keys(route)) if (!KEYS.includes(key)) return refusal(400, 'bad_request', `unknown field \`${key}\``);
    if (typeof route.from !== 'string' || typeof route.to !== 'string') return refusal(400, 'bad_request', 'missing field `from`');
    if (route.from === route.to) return refusal(409, 'route_refused', `'${route.from}' would follow itself: a route needs two signals`);
    if (route.expr && /[^=!<>]=[^=]/.test(route.expr)) return refusal(409, 'route_refused', `expr: expected an expression in CEL, at column ${route.expr.indexOf('=') + 1}: '=' compares nothing, use '=='`);
    if (route.deadband !== null && route.deadband !== undefined && this.plant.find(route.from)?.kind === 'bool') return refusal(409, 'route_refused', `deadband: '${route.from}' is a Bool, a deadband is for numbers`);
    const named = (name) => this.plant.find(name)?.name ?? name;
    const other = this.#kept.find((kept) => named(kept.to) === named(route.to) && kept.id !== id);
    if (other) return refusal(409, 'route_refused', `'${named(route.to)}' is written by a route from '${other.from}' already`);
    const chain = this.#chainTo(named(route.from), named(route.to), id, named);
    if (chain) return refusal(409, 'route_refused', `the routes would go in a circle: ${chain.at(-1)} → ${chain.join(' → ')}`);
    return this.plant.find(route.to)?.owner === 'peer' ? refusal(409, 'route_refused', `'${named(route.to)}' is written by the peers of its endpoint; a route would be a second writer`) : null;
  }

  /** The names of the routes that lead from `to` to `from`, or null. */
  #chainTo(from, to, id, named) {
    const chain = [from];
    const met = new Set();
    while (chain[0] !== to) {
      const into = this.#kept.find((kept) => named(kept.to) === chain[0] && kept.id !== id);
      if (!into || met.has(into.id)) return null;
      met.add(into.id);
      chain.unshift(named(into.from));
    }
    return chain;
  }

  #row(id) {
    return this.routes().find((row) => row.id === id);
  }

  #import(csv, isReplacing) {
    const [head, ...rows] = csv.trim().split(/\r?\n/).map((line) => line.split(','));
    const done = { added: 0, changed: 0, same: 0, removed: 0 };
    const wanted = rows.map((cells) => Object.fromEntries(head.map((key, at) => [key.trim(), cells[at]?.trim() ?? ''])));
    if (isReplacing) {
      const named = this.#kept.filter(({ from, to }) => wanted.some((row) => row.from === from && row.to === to));
      done.removed = this.#kept.length - named.length;
      this.#kept = named;
    }
    for (const { from, to, scale } of wanted) {
      const known = this.#kept.find((route) => route.from === from && route.to === to);
      const next = scale ? Number(scale) : null;
      if (!known) {
        this.#put({ from, to, scale: next }, 'project');
        done.added += 1;
      } else if (known.scale === next) done.same += 1;
      else {
        known.scale = next;
        done.changed += 1;
      }
    }
    return { status: 200, body: done };
  }

  #export() {
    const cell = (value) => (value === null ? '' : typeof value === 'object' ? Object.entries(value).map(([key, part]) => `${key}=${part}`).join(';') : String(value));
    return { status: 200, text: [KEYS.join(','), ...this.#kept.filter(({ pattern }) => pattern === null).map((route) => KEYS.map((key) => cell(route[key])).join(','))].join('\n') };
  }

  active() {
    if (this.#active === null) return null;
    const duration_ms = this.plant.real() - this.#started;
    return {
      name: this.#active.name,
      started_ms: this.#started,
      duration_ms,
      bytes: 4_096 + Math.round((duration_ms * BYTES_PER_S) / 1000),
      samples: Math.round(duration_ms * 1.2),
      inputs: Math.round(duration_ms / 8),
      gaps: this.#gaps,
      lost: this.#lost,
      max_bytes: (this.#active.max_mb ?? 1024) * 1_000_000,
      max_ms: (this.#active.max_minutes ?? 60) * 60_000,
      by: this.#active.by,
    };
  }

  #endRecording() {
    const { name, bytes, duration_ms, samples, inputs, gaps } = this.active();
    const row = { name, bytes, started: new Date(Date.UTC(2026, 10, 22, 8)).toISOString(), duration_ms, signals: this.plant.signals.length, samples, inputs, gaps, whole: true, from_start: false, running: false, ended: null, error: null };
    this.recordings.push(row);
    this.#active = null;
    return { status: 200, body: row };
  }

  replay() {
    const none = { state: 'idle', recording: null, position_ms: 0, duration_ms: 0, speed: 1, loop: false, leads_clock: false, signals: 0, skipped: [], skipped_count: 0, error: null };
    if (this.#replay === null) return none;
    const { from_ms, since, ...state } = this.#replay;
    const gone = state.state === 'playing' ? (this.plant.real() - since) * state.speed : 0;
    let position_ms = Math.round(from_ms + gone);
    if (position_ms >= state.duration_ms) {
      if (state.loop) position_ms %= state.duration_ms;
      else {
        position_ms = state.duration_ms;
        Object.assign(this.#replay, { state: 'ended', from_ms: position_ms });
      }
    }
    return { ...none, ...state, state: this.#replay.state, position_ms };
  }

  #goOn(change) {
    const { position_ms } = this.replay();
    Object.assign(this.#replay, { from_ms: position_ms, since: this.plant.real() }, change);
    return { status: 200, body: this.replay() };
  }

  #startReplay(body) {
    const row = this.recordings.find(({ name }) => name === body.recording);
    if (!row) return refusal(404, 'not_found', `no recording is called '${body.recording}'`);
    if (this.#replay !== null) return refusal(409, 'conflict', `${this.#replay.recording} is replayed: stop that first`);
    if (row.gaps > 0 && !body.force) {
      return refusal(409, 'conflict', "3 of its signals, such as 'twin/line/Run', are written by what is connected now (Practice twin): disconnect that, leave the signals out, or start with `force`");
    }
    this.#replay = {
      state: body.paused ? 'paused' : 'playing',
      recording: row.name,
      duration_ms: row.duration_ms,
      speed: body.speed ?? 1,
      loop: body.loop ?? false,
      leads_clock: body.leads_clock ?? false,
      signals: body.signals === null ? row.signals - 2 : 4,
      skipped: [
        { name: 'twin/press/Pressure', reason: 'no signal of this name is there now' },
        { name: 'plc/line/O:0/1', reason: 'the engine of line writes it' },
      ],
      skipped_count: 2,
      error: null,
      from_ms: body.position_ms ?? 0,
      since: this.plant.real(),
    };
    if (body.leads_clock) this.#setClock('recording', 1);
    return { status: 201, body: this.replay() };
  }

  /** Who may do what: a refusal, or null. */
  #forbids(me, role, what) {
    const rank = { viewer: 0, operator: 1, engineer: 2 };
    return rank[me.role] >= rank[role] ? null : refusal(403, 'forbidden', `${me.who} is ${me.role} and may not ${what}`);
  }

  answer(me, method, parts, query, body) {
    const [room, name, task] = parts;
    switch (room) {
      case 'routes':
        return this.#answerRoutes(me, method, name, query, body);
      case 'clock':
        return this.#answerClock(me, method, name, body);
      case 'recordings':
        return this.#answerRecordings(me, method, name, task, body);
      case 'replay':
        return this.#answerReplay(me, method, name, body);
      case 'tests':
        return this.#answerTests(me, method, name, body);
      default:
        return null;
    }
  }

  #answerRoutes(me, method, name, query, body) {
    if (method === 'GET' && name === undefined) return { status: 200, body: { now_ms: this.now(), routes: this.routes() } };
    if (method === 'GET' && name === 'export') return this.#export();
    const forbidden = this.#forbids(me, 'engineer', 'change routes');
    if (forbidden) return forbidden;
    if (method === 'POST' && name === 'import') return this.#import(body.document, query.get('replace') === 'true');
    const id = name === undefined ? null : Number(name);
    if (id !== null && !this.#kept.some((route) => route.id === id)) return refusal(404, 'not_found', `there is no route ${name}`);
    if (method === 'DELETE') {
      this.#kept = this.#kept.filter((route) => route.id !== id && route.pattern !== id);
      return { status: 204 };
    }
    const against = this.#against(body, id);
    if (against) return against;
    if (id === null) return { status: 201, body: this.#row(this.#put(body, 'api').id) };
    const place = this.#kept.findIndex((route) => route.id === id);
    this.#kept[place] = { ...this.#kept[place], ...PLAIN, ...body };
    this.#failing.delete(id);
    return { status: 200, body: this.#row(id) };
  }

  #answerClock(me, method, name, body) {
    if (method === 'GET') return { status: 200, body: this.clock() };
    const forbidden = this.#forbids(me, 'engineer', 'move the clock');
    if (forbidden) return forbidden;
    if (name === 'step') {
      if (this.#clock.mode !== 'stepped') return refusal(409, 'conflict', 'only a stepped clock takes steps: set it to stepped first');
      this.#setClock('stepped', 1, this.now() + body.ms);
    } else if (body.mode === 'scaled' && !(body.rate >= 0.1 && body.rate <= 100)) return refusal(422, 'bad_value', 'rate: expected a number from 0.1 to 100');
    else if (body.mode === 'recording' && !this.#replay?.leads_clock) return refusal(409, 'conflict', 'no replay leads the clock: start one with leads_clock');
    else this.#setClock(body.mode, body.mode === 'scaled' ? body.rate : body.mode === 'stepped' ? 0 : 1);
    return { status: 200, body: this.clock() };
  }

  #answerRecordings(me, method, name, task, body) {
    if (method === 'GET' && name === undefined) {
      return { status: 200, body: { now_ms: this.now(), folder: '/srv/line/recordings', free_bytes: 81_400_000_000, active: this.active(), recordings: this.recordings } };
    }
    const row = this.recordings.find((recording) => recording.name === name);
    if (method === 'GET') {
      if (!row) return refusal(404, 'not_found', `no recording is called '${name}'`);
      if (task === 'file') return { status: 200, text: 'a recording' };
      if (task === 'csv') return { status: 200, text: 'signal,at,value\n' };
      return { status: 200, body: { ...row, project: 'Bottling line', signal_names: this.plant.signals.slice(0, row.signals).map((signal) => signal.name) } };
    }
    const forbidden = this.#forbids(me, method === 'DELETE' ? 'engineer' : 'operator', method === 'DELETE' ? 'delete recordings' : 'record');
    if (forbidden) return forbidden;
    if (method === 'DELETE') {
      if (!row) return refusal(404, 'not_found', `no recording is called '${name}'`);
      this.recordings = this.recordings.filter((recording) => recording !== row);
      return { status: 204 };
    }
    if (name === 'stop') return this.#active === null ? refusal(404, 'not_found', 'nothing is being recorded') : this.#endRecording();
    if (this.#active !== null) return refusal(409, 'conflict', `${this.#active.name} is being recorded: stop it first`);
    [this.#started, this.#gaps, this.#lost] = [this.plant.real(), 0, 0];
    this.#active = { ...body, name: body.name ?? '2026-11-22T08-00-00Z', by: me.who };
    return { status: 201, body: this.active() };
  }

  #answerReplay(me, method, name, body) {
    if (method === 'GET') return { status: 200, body: this.replay() };
    const forbidden = this.#forbids(me, 'operator', 'replay recordings');
    if (forbidden) return forbidden;
    if (method === 'POST' && name === undefined) return this.#startReplay(body);
    if (this.#replay === null) return refusal(409, 'conflict', 'there is no replay: start one first');
    if (name === 'stop') {
      if (this.#clock.mode === 'recording') this.#setClock('real', 1);
      this.#replay = null;
      return { status: 200, body: this.replay() };
    }
    if (name === 'play') return this.#goOn({ state: 'playing', ...(this.#replay.state === 'ended' ? { from_ms: 0 } : {}) });
    if (name === 'pause') return this.#goOn({ state: 'paused' });
    const { position_ms, ...rest } = body;
    return this.#goOn({ ...rest, ...(position_ms === undefined ? {} : { from_ms: position_ms }), ...(position_ms !== undefined && this.#replay.state === 'ended' ? { state: 'paused' } : {}) });
  }

  async #answerTests(me, method, name, body) {
    if (method === 'GET') return { status: 200, body: { folder: '/srv/line/tests', tests: this.tests, running: this.#running } };
    const forbidden = this.#forbids(me, name === 'accept' ? 'engineer' : 'operator', name === 'accept' ? 'make tests' : 'run tests');
    if (forbidden) return forbidden;
    if (name === 'accept') {
      if (body.recording === 'jam-at-filler') return refusal(422, 'bad_value', `the project does not do what the recording says: ${DIFFERENCE}`);
      if (this.tests.some((test) => test.name === body.name)) return refusal(409, 'conflict', `there is a test '${body.name}' already`);
      const row = { name: body.name, kind: 'recording', last: null };
      this.tests.push(row);
      return { status: 201, body: row };
    }
    const chosen = this.tests.filter((test) => body.name === null || test.name === body.name);
    const results = [];
    for (const test of chosen) {
      this.#running = test.name;
      await new Promise((resolve) => setTimeout(resolve, 40));
      const isBad = test.name === 'lesson';
      const text = isBad ? DIFFERENCE : '';
      test.last = { passed: !isBad, took_ms: 38, cases: 3 * body.repeat, failed: isBad ? body.repeat : 0, text };
      for (let at = 0; at < body.repeat; at += 1) {
        results.push({ test: test.name, case: 'start and stop', passed: true, text: '' }, { test: test.name, case: 'count', passed: true, text: '' });
        results.push({ test: test.name, case: 'a pupil starts the conveyor', passed: !isBad, text });
      }
    }
    this.#running = null;
    const failed = results.filter(({ passed }) => !passed).length;
    return { status: 200, body: { passed: failed === 0, cases: results.length, failed, took_ms: 38 * chosen.length, results } };
  }

  turn(word) {
    if (word === 'rails-fail') this.#failing.add(1);
    if (word === 'rails-tangle') {
      this.#put({ from: 'twin/line/ResetCount', to: 'twin/line/Run' });
      this.#put({ from: 'twin/line/FillLevel', to: 'twin/hmi/State' });
    }
    if (word === 'rails-lose') [this.#gaps, this.#lost] = [3, 1_204];
    if (word === 'rails-mute') this.isSaying = false;
    if (word === 'rails-say') this.isSaying = true;
  }

  /** What the live channel says of clock and replay; null while it is muted. */
  frames() {
    const { does_not_follow: _, ...clock } = this.clock();
    return this.isSaying ? [{ type: 'clock', ...clock }, { type: 'replay', ...this.replay() }] : [];
  }
}

const DIFFERENCE = `plc/line/O:0/0 differs at scan 412 (8.240 s): expected true, got false

                   8.100    8.150    8.200    8.250    8.300    8.350 s
twin/line/Start    ________/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
plc/line/I:0/0     __________/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
plc/line/O:0/0 exp ____________/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
plc/line/O:0/0 got __________________________________________________
                               ^ scan 412
`;
