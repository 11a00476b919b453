/**
 * A small stand-in for the hub: it serves the built page and speaks its HTTP interface and live channel, as the
 * manual's page "HTTP and live API" states them, over a pretended bottling line.
 *
 *     node tests/mock-hub.mjs [--port 8000] [--signals 100000] [--empty] [--problems] [--links] [--hold-imports]
 *                             [--classroom] [--players 6] [--gamaless] [--practice] [--no-models] [--no-lan]
 *                             [--rails] [--routes 10000] [--old] [--history] [--fast 32]
 *                             [--plc] [--plc-rungs 1000] [--plc-field] [--keys] [--tries 3] [--tls] [--audit 250] [--prefix /line]
 *
 * `--rails` has a route of every kind, `--old` is a hub that knows no clock, recordings, replay and tests. With `--prefix` it stands in that folder and answers nowhere else, as a hub does behind a reverse proxy.
 * `--history` keeps some signals, `--fast` adds so many that change ten times a second (`twin/fast/Wave1` …).
 *
 * Switches for tests, as POST requests: `/mock/silent` (sockets stay open, nothing is said any more), `/mock/talk`
 * (the reverse), `/mock/drop` (all live channels are closed), `/mock/mute-plc` (nothing more is said of PLCs),
 * `/mock/plc-link?color=red`, `/mock/plc-io?state=down`, `/mock/plc-store?error=…` (of `--plc-field`: a remote engine, devices, retained places), `/mock/revoke?id=k1`, `/mock/forgive` (wrong keys are
 * forgotten), `/mock/class-…` (of `--classroom`: see mock/classroom.mjs), `/mock/rails-…` (see mock/rails.mjs), `/mock/history-…` (see mock/history.mjs),
 * `/mock/set?name=…&value=…` (a signal takes a value for one frame, with `&stay` for good), `/mock/quality?name=…&quality=stale`, `/mock/gap` (the next data frame says that cycles are missing), `/mock/solve?id=…` (a problem is over), `/mock/answer` (held imports are answered). Each answers, and so does `GET /mock/state`, how many
 * names each view holds and which writes arrived. A hub that is gone altogether is this process being ended.
 */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { Class } from './mock/classroom.mjs';
import { History, noHistory } from './mock/history.mjs';
import { ENDPOINT_SETTINGS, Links } from './mock/links.mjs';
import { Office, refusal } from './mock/office.mjs';
import { Plcs } from './mock/plc.mjs';
import { Rails } from './mock/rails.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** The same policy as the hub's, so that a page which needs more fails here too. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STEP_MS = 50;

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    signals: { type: 'string', default: '0' },
    empty: { type: 'boolean', default: false },
    problems: { type: 'boolean', default: false },
    links: { type: 'boolean', default: false },
    plc: { type: 'boolean', default: false },
    'plc-field': { type: 'boolean', default: false },
    'plc-rungs': { type: 'string', default: '0' },
    classroom: { type: 'boolean', default: false },
    players: { type: 'string', default: '3' },
    gamaless: { type: 'boolean', default: false },
    practice: { type: 'boolean', default: false },
    'no-models': { type: 'boolean', default: false },
    'no-lan': { type: 'boolean', default: false },
    'hold-imports': { type: 'boolean', default: false },
    rails: { type: 'boolean', default: false },
    routes: { type: 'string', default: '0' },
    old: { type: 'boolean', default: false },
    history: { type: 'boolean', default: false },
    fast: { type: 'string', default: '0' },
    keys: { type: 'boolean', default: false },
    tries: { type: 'string', default: '20' },
    tls: { type: 'boolean', default: false },
    audit: { type: 'string', default: '0' },
    prefix: { type: 'string', default: '' },
  },
});

/** The signal space: a bottling line, and as many further signals as asked for. */
class Plant {
  signals = [];
  byName = new Map();
  generation = 1;
  startedAt = performance.now();
  updatesIn = 0;
  #position = 0;

  constructor(extra, isEmpty) {
    if (isEmpty) return;
    this.add('twin/line/Run', 'bool', true, 'peer');
    this.add('twin/line/Auto', 'bool', true, 'peer');
    this.add('twin/line/ConveyorSpeed', 'float', 200, 'peer');
    this.add('twin/line/ConveyorPosition', 'float', 0, 'peer');
    this.add('twin/line/SensorInfeed', 'bool', false, 'peer');
    this.add('twin/line/SensorFiller', 'bool', false, 'peer');
    this.add('twin/line/FillerOpen', 'bool', false, 'peer');
    this.add('twin/line/FillLevel', 'float', 0, 'peer');
    this.add('twin/line/TankLevel', 'float', 80, 'peer');
    this.add('twin/line/BottleCount', 'int', 0, 'peer');
    this.add('twin/line/State', 'text', 'Running', 'peer');
    this.add('twin/line/FaultActive', 'bool', false, 'peer');
    this.add('twin/line/FaultSwitch', 'bool', false, 'hub');
    this.add('twin/line/SpeedSetpoint', 'float', 200, 'hub');
    this.add('twin/line/ResetCount', 'bool', false, 'hub');
    this.add('twin/line/Recipe', 'text', 'Water 0.5 l', 'hub');
    this.add('twin/line/LabelPrinter', 'int', 3, 'peer', 'stale');
    this.add('twin/line/CapTorque', 'float', 0, 'peer', ['bad', 'the value was not a number']);
    const kinds = ['bool', 'int', 'float', 'text'];
    for (let index = 0; index < extra; index += 1) {
      const kind = kinds[index % 4];
      const value = { bool: false, int: index, float: index / 7, text: `batch ${index}` }[kind];
      this.add(`plc/PLC1/Area${Math.floor(index / 1000)}/Point${index}`, kind, value, index % 3 ? 'peer' : 'hub');
    }
  }

  /** The time since the start, as the world goes. */
  real() {
    return Math.round(performance.now() - this.startedAt);
  }

  /** The hub's time. */
  now() {
    return this.hubTime?.() ?? this.real();
  }

  add(name, kind, value, owner, quality = 'good') {
    const signal = {
      id: this.signals.length + 1,
      name,
      kind,
      value,
      quality: typeof quality === 'string' ? quality : quality[0],
      reason: typeof quality === 'string' ? (quality === 'stale' ? 'its writer has left' : null) : quality[1],
      owner,
      writer: quality !== 'good' ? 'Label printer' : owner === 'peer' ? 'Practice twin' : null,
      conflict: false,
      writable: true,
      generation: this.generation,
      changed_at_ms: this.now(),
      confirmed_at_ms: this.now(),
    };
    this.signals.push(signal);
    this.byName.set(name, signal);
  }

  set(name, value, writer = 'Practice twin') {
    const signal = this.byName.get(name);
    if (signal.value === value) return;
    this.generation += 1;
    Object.assign(signal, { value, writer, generation: this.generation, changed_at_ms: this.now() });
    this.updatesIn += 1;
  }

  /** From now on a value is worth so much; when it changed stays. */
  judge(name, quality) {
    this.generation += 1;
    Object.assign(this.byName.get(name), { quality, reason: quality === 'bad' ? 'its device has failed' : null, generation: this.generation });
  }

  /** The signal of this name, or of this symbol. */
  find(name) {
    return this.byName.get(name) ?? this.bySymbol?.(name) ?? null;
  }

  value(name) {
    return this.byName.get(`twin/line/${name}`).value;
  }

  /** One step of the pretended line. */
  step() {
    if (this.signals.length === 0) return;
    const line = (name, value) => this.set(`twin/line/${name}`, value);
    const isFault = this.value('FaultSwitch');
    const isRunning = this.value('Run') && !isFault;
    line('FaultActive', isFault);
    line('State', isFault ? 'Fault' : isRunning ? 'Running' : 'Stopped');
    line('ConveyorSpeed', isRunning ? this.value('SpeedSetpoint') : 0);
    if (isRunning) {
      this.#position += (this.value('ConveyorSpeed') * STEP_MS) / 1000;
      line('ConveyorPosition', this.#position);
      line('SensorFiller', this.#position % 240 < 40);
      line('FillerOpen', this.#position % 240 < 40);
      line('FillLevel', Math.min(100, (this.#position % 240) * 2.5));
      line('TankLevel', 60 + 20 * Math.sin(this.#position / 900));
      line('BottleCount', Math.floor(this.#position / 240));
    }
    const seconds = this.real() / 1_000;
    for (let index = 1; this.byName.has(`twin/fast/Wave${index}`); index += 1) this.set(`twin/fast/Wave${index}`, Math.round(1_000 * Math.sin(seconds / 3 + index)) / 10 + index);
    // A hundred of the further signals change at each step, wherever they are.
    for (let change = 0; change < 100 && this.signals.length > 100; change += 1) {
      const signal = this.signals[20 + ((this.generation * 7919) % (this.signals.length - 20))];
      if (signal.kind === 'bool') this.set(signal.name, !signal.value);
      else if (signal.kind === 'text') this.set(signal.name, `batch ${this.generation}`);
      else this.set(signal.name, signal.value + 1);
    }
  }
}

const plant = new Plant(Number(args.signals), args.empty);
if (args.links) {
  plant.add('twin/press/Pressure', 'float', 4.2, 'peer');
  plant.add('twin/packer/Start', 'bool', false, 'hub', 'stale');
}
for (let index = 1; index <= Number(args.fast); index += 1) plant.add(`twin/fast/Wave${index}`, 'float', 0, 'peer');
const history = args.history ? new History(plant) : null;
const links = args.links ? new Links(() => plant.real(), args['hold-imports']) : null;
const hasPlc = args.plc || args['plc-field'] || args['plc-rungs'] !== '0';
const plcs = hasPlc ? new Plcs(plant, { rungs: Number(args['plc-rungs']), hasField: args['plc-field'] }) : null;
const classroom = args.classroom
  ? new Class(() => plant.real(), { mode: args.gamaless ? 'gamaless' : 'gama', players: Number(args.players), isPractice: args.practice, isEmpty: args['no-models'], join: { wantsCode: args.keys, isOld: args.old, isReachable: !args['no-lan'], port: () => server.address().port } })
  : null;
const office = new Office({ keys: args.keys, tls: args.tls, auditLen: Number(args.audit), tries: Number(args.tries) });
const rails = new Rails(plant, { count: Number(args.routes), hasPlc, isEmpty: args.empty, isRich: args.rails });
const solved = new Set();
const acknowledged = new Set();
const writes = [];
/** The address of every request, for stories that look what stood in it. */
const asked = [];
const channels = new Set();
let lastEpoch = Math.floor(Math.random() * 1000);
let isSilent = false;
let isPlcMute = false;
/** The next frame of data says that cycles are missing. */
let isGap = false;
/** A value for one step. */
let spike = null;

function counters(updatesIn, updatesOut) {
  return {
    messages_in: updatesIn,
    messages_out: updatesOut,
    bytes_in: updatesIn * 40,
    bytes_out: updatesOut * 40,
    updates_in: updatesIn,
    updates_out: updatesOut,
    merged_frames: 0,
    late_bursts: 0,
    ignored: {
      owned: args.problems ? 14 : 0,
      forbidden: 0,
      unknown: 0,
      echo: 3,
      bad_value: 0,
      malformed: 0,
      unknown_type: 0,
      binary: 0,
      legacy: 0,
    },
  };
}

function problems() {
  return allProblems()
    .filter(({ id }) => !solved.has(id))
    .map((problem) => ({ ...problem, acknowledged: acknowledged.has(problem.id) }));
}

function allProblems() {
  if (!args.problems) return [];
  return [
    {
      id: 'conflict:twin/line/Run',
      severity: 'warning',
      subject: 'twin/line/Run',
      text: 'two writers: Practice twin and HMI panel; the last one wins',
      hint: 'Let one of them write it, or give each a signal of its own and join them by a route.',
      first_seen_ms: 12,
      last_seen_ms: plant.real(),
      count: 3,
    },
    {
      id: 'port:hmi',
      severity: 'error',
      subject: 'hmi',
      text: 'port 1235 is in use by another program',
      hint: 'Stop that program or give the endpoint another port in the project file.',
      first_seen_ms: 3,
      last_seen_ms: 3,
      count: 1,
    },
  ];
}

function endpoints() {
  if (args.empty) return [];
  const common = { protocol: 'realvirtual', role: 'server', tls: false, host: null, link: null, path: null, settings: ENDPOINT_SETTINGS };
  return [
    {
      ...common,
      name: 'line',
      bind: '0.0.0.0',
      port: 1234,
      url: 'ws://127.0.0.1:1234/',
      state: 'listening',
      clients: 1,
      signals: plant.signals.length,
      counters: counters(plant.updatesIn, plant.updatesIn * 2),
    },
    {
      ...common,
      name: 'hmi',
      bind: '127.0.0.1',
      port: 1235,
      url: 'ws://127.0.0.1:1235/',
      state: args.problems ? 'failed' : 'listening',
      clients: args.problems ? 0 : 1,
      signals: 3,
      counters: counters(0, plant.updatesIn),
    },
    ...(links?.rows(counters) ?? []),
  ];
}

function clients() {
  if (args.empty) return [];
  const now = plant.real();
  const common = { protocol: 'realvirtual', path: '/', connected_at_ms: 10, state: 'good', echoer: false, lag_ms: 0, lag_signals: 0 };
  const list = [
    {
      ...common,
      id: 3,
      endpoint: 'line',
      name: 'Practice twin',
      who: 'this machine',
      role: 'operator',
      address: '127.0.0.1:50112',
      last_seen_at_ms: now - 20,
      view: 'list',
      view_len: 4,
      writes: 14,
      rtt_us: 182,
      counters: counters(plant.updatesIn, 3),
    },
  ];
  if (!args.problems) {
    list.push({
      ...common,
      id: 4,
      endpoint: 'hmi',
      name: 'Wall panel',
      who: 'HMI at press 2',
      role: 'operator',
      address: '192.168.1.44:40122',
      last_seen_at_ms: now - 900,
      view: 'all',
      view_len: 3,
      writes: 0,
      rtt_us: 2340,
      echoer: true,
      counters: counters(0, plant.updatesIn),
    });
  }
  return list;
}

/** What the hub answers to a request of `me`: `{status, body}`. */
function answer(me, method, parts, query, body) {
  const ofHistory = history ? history.answer(me, method, parts, query) : noHistory(method, parts);
  if (ofHistory) return ofHistory;
  const own = office.answer(me, method, parts, query, body);
  if (own) return own;
  const ofPlc = plcs?.answer(me, method, parts, query, body);
  if (ofPlc) return ofPlc;
  const ofClass = classroom?.answer(me, method, parts, query, body);
  if (ofClass) return ofClass;
  const ofRails = args.old && parts[0] !== 'routes' ? null : rails.answer(me, method, parts, query, body);
  if (ofRails) return ofRails;
  if (method === 'POST') {
    if (me.role === 'viewer') return refusal(403, 'forbidden', `${me.who} is viewer and may not do that`);
    const [room, name, task] = parts;
    if (room === 'problems') {
      if (body.id !== undefined && !problems().some(({ id }) => id === body.id)) return refusal(404, 'not_found', `no problem is called '${body.id}'`);
      for (const { id } of problems()) if (body.id === undefined || body.id === id) acknowledged.add(id);
      return { status: 204 };
    }
    if (room !== 'endpoints') return refusal(404, 'not_found', 'no such path');
    if (!endpoints().some((endpoint) => endpoint.name === name)) return refusal(404, 'not_found', `no endpoint is called '${name}'`);
    if (task === 'import' && me.role !== 'engineer') return refusal(403, 'forbidden', `${me.who} is ${me.role} and may not import signals`);
    const done = links?.answer(name, task);
    if (done) return done;
    if (task === 'import') return { status: 200, body: { asked: 1, answered: 1, found: plant.signals.length, made: 0 } };
    return refusal(409, 'conflict', `'${name}' is a server: others connect to it`);
  }
  const found = lookUp(parts, query);
  return found ? { status: 200, body: found } : refusal(404, 'not_found', 'no such path');
}

/** A pattern of names: `*` is one segment or a part of it, `**` the rest. */
function patternOf(text) {
  const source = text.split(/(\*\*|\*)/).map((piece) => (piece === '**' ? '.*' : piece === '*' ? '[^/]*' : piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${source.join('')}$`);
}

function plcHealth() {
  const states = (plcs?.contexts ?? []).map(({ state }) => state);
  const count = (word) => states.filter((state) => state === word).length;
  return { contexts: states.length, running: count('Running'), in_fault: count('Fault'), url: plcs ? 'ws://127.0.0.1:9100/' : null };
}

function lookUp(parts, query) {
  const now_ms = plant.now();
  switch (parts[0]) {
    case 'version':
      return { name: 'crosstie', version: '0.1.0', api: 1 };
    case 'health':
      return {
        status: problems().length > 0 ? 'degraded' : 'ok',
        now_ms: plant.real(),
        world_ms: Date.now(),
        project: args.empty ? 'Untitled' : 'Bottling line',
        signals: plant.signals.length,
        clients: clients().length,
        endpoints: endpoints().length,
        plc: plcHealth(),
        generation: plant.generation,
        classroom: classroom?.health() ?? null,
        problems: problems(),
      };
    case 'endpoints':
      return { now_ms: plant.real(), endpoints: endpoints(), lan: ['192.168.1.20', '10.0.0.7'] };
    case 'clients':
      return { now_ms: plant.real(), clients: clients() };
    case 'plc':
      return parts.length === 2 && parts[1] === 'contexts' ? { now_ms, contexts: [] } : null;
    case 'signals': {
      if (parts.length > 1) return plant.find(parts.slice(1).join('/'));
      const limit = Number(query.get('limit') ?? 200);
      const fits = (signal) =>
        (!query.get('quality') || signal.quality === query.get('quality')) &&
        (!query.get('owner') || signal.owner === query.get('owner')) &&
        (!query.get('pattern') || patternOf(query.get('pattern')).test(signal.name)) &&
        signal.name.toLowerCase().includes((query.get('filter') ?? '').toLowerCase());
      const found = plant.signals.filter(fits);
      const start = Number(query.get('after') ?? 0);
      const signals = found.slice(start, start + limit);
      const next = start + limit < found.length ? String(start + limit) : null;
      return { now_ms, generation: plant.generation, total: found.length, next, signals };
    }
    default:
      return null;
  }
}

/** The key of a request: in its header, or for a live channel in its address. */
function keyOf(request, url) {
  const [scheme, key] = (request.headers.authorization ?? '').split(' ');
  return scheme === 'Bearer' ? key : url.searchParams.get('access_token');
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  if (text === '') return {};
  return request.headers['content-type'] === 'application/json' ? JSON.parse(text) : { document: text };
}

/** A switch of a test. */
function turn(word, query) {
  if (word === 'silent' || word === 'talk') isSilent = word === 'silent';
  if (word === 'mute-plc') isPlcMute = true;
  if (word.startsWith('plc-')) plcs.turn(word, query);
  if (word.startsWith('rails-')) rails.turn(word);
  if (word.startsWith('history-')) history.turn(word);
  if (word === 'gap') isGap = true;
  if (word === 'set' && query.has('stay')) plant.set(query.get('name'), JSON.parse(query.get('value')));
  else if (word === 'set') spike = { name: query.get('name'), value: JSON.parse(query.get('value')) };
  if (word === 'quality') plant.judge(query.get('name'), query.get('quality'));
  if (word.startsWith('class-')) classroom.turn(word, query);
  if (word === 'drop') for (const channel of channels) channel.socket.close(1001);
  if (word === 'revoke' && office.revoke(query.get('id'))) endChannelsOf(query.get('id'));
  if (word === 'forgive') office.forgetWrongTries();
  if (word === 'solve') solved.add(query.get('id'));
  if (word === 'answer') links.answerHeld();
}

function endChannelsOf(key) {
  for (const channel of channels) if (channel.me.key === key) channel.socket.close(1008, 'key revoked');
}

/** With the first key nobody is taken without one any more, the page that made it neither. */
function endChannelsWithoutKey() {
  if (office.keys.length > 0) endChannelsOf(null);
}

async function serve(request, response) {
  const url = new URL(request.url, 'http://localhost');
  const json = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  if (url.pathname.startsWith('/mock/')) {
    turn(url.pathname.slice('/mock/'.length), url.searchParams);
    return json(200, { views: [...channels].map((channel) => channel.names.length), writes, asked, asks: classroom?.door.asks ?? [], code: classroom?.door.code ?? null, cycle: classroom?.door.cycle ?? 0 });
  }
  asked.push(url.pathname + url.search);
  if (!url.pathname.startsWith(`${args.prefix}/`)) return json(404, { error: { code: 'not_found', message: 'the proxy knows no such folder' } });
  url.pathname = url.pathname.slice(args.prefix.length);
  // A silent hub lets requests wait for ever, as a machine does whose cable was pulled.
  if (isSilent) return;
  if (url.pathname.startsWith('/api/v1/')) {
    const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
    const admitted = parts[0] === 'version' ? { me: null } : office.admit(keyOf(request, url), plant.real());
    if (!('me' in admitted)) return json(admitted.status, admitted.body);
    const body = await bodyOf(request);
    const done = parts[0] === 'version' ? { status: 200, body: lookUp(parts) } : await answer(admitted.me, request.method, parts, url.searchParams, body);
    if (done.text !== undefined) response.writeHead(done.status, { 'content-type': 'text/plain' }).end(done.text);
    else json(done.status, done.body);
    if (done.revoked) endChannelsOf(done.revoked);
    return endChannelsWithoutKey();
  }
  if (classroom && url.pathname.startsWith('/learning-packages/')) {
    const admitted = office.admit(keyOf(request, url), plant.real());
    if (!('me' in admitted)) return json(admitted.status, admitted.body);
    response.writeHead(200, { 'content-type': 'image/svg+xml' });
    return response.end(classroom.picture(url.pathname));
  }
  if (url.pathname === '/headset') return json(...(classroom ? [classroom.door.admit(url.searchParams.get('code')), { error: { code: 'headset', message: 'this is where headsets connect' } }] : [404, { error: { code: 'not_found', message: 'this project has no classroom' } }]));
  const wanted = normalize(url.pathname).replace(/^(\.\.[/\\])+/, '');
  const path = extname(wanted) ? join(DIST, wanted) : join(DIST, wanted === '/join' ? 'join.html' : 'index.html');
  if (!existsSync(path) || !statSync(path).isFile()) return json(404, { error: { code: 'not_found', message: 'no such file' } });
  response.writeHead(200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  });
  createReadStream(path).pipe(response);
}

/** One live channel with its view. */
class Channel {
  names = [];
  told = 0;
  flushedAt = 0;
  cycle = 100;
  plc = null;
  plcTold = null;
  plcToldAt = 0;
  railsTold = '';
  isOfClass = false;
  classLine = 0;
  classToldAt = 0;

  constructor(socket, me) {
    this.socket = socket;
    this.me = me;
    this.epoch = ++lastEpoch;
    this.say({ type: 'hello', epoch: this.epoch, now_ms: plant.now(), generation: plant.generation, version: '0.1.0' });
    socket.on('message', (text) => this.receive(JSON.parse(text)));
  }

  say(message) {
    if (!isSilent && this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message));
  }

  receive(message) {
    if (message.type === 'subscribe') {
      for (const name of message.names) plcs?.demand(name);
      this.names = message.names;
      this.cycle = message.cycle_ms ?? 100;
      this.told = plant.generation;
      this.say({
        type: 'snapshot',
        id: message.id,
        now_ms: plant.now(),
        generation: plant.generation,
        // The live channel names every signal by its own name, and tells no symbols.
        signals: [...new Set(this.names.map((name) => plant.find(name)))].filter(Boolean).map(({ symbol, ...row }) => row),
        unknown: this.names.filter((name) => plant.find(name) === null),
      });
    } else if (message.type === 'watch_plc') {
      this.plc = message.context === null ? null : (plcs?.find(message.context) ?? null);
      if (message.context !== null && this.plc === null) this.say({ type: 'error', id: message.id, code: 'not_found', message: `no PLC context is called '${message.context}'` });
      else this.say({ type: 'watching_plc', id: message.id, context: message.context, cycle_ms: message.cycle_ms });
      this.plcTold = null;
      this.tellPlc(plant.real());
    } else if (message.type === 'watch_classroom') {
      if (message.on && classroom === null) this.say({ type: 'error', id: message.id, code: 'not_found', message: 'this project has no classroom' });
      else {
        this.isOfClass = message.on;
        this.classLine = Math.max(0, (classroom?.lines.length ?? 0) - 200);
        this.say({ type: 'watching_classroom', id: message.id, on: message.on });
        this.tellClass(plant.real());
      }
    } else if (message.type === 'write') {
      if (message.epoch !== this.epoch) {
        this.say({ type: 'error', id: message.id, code: 'stale_epoch', message: 'this write was typed before the link was lost' });
        return;
      }
      const signals = {};
      for (const [name, value] of Object.entries(message.signals)) signals[name] = this.write(name, value);
      this.say({ type: 'write_result', id: message.id, signals });
    }
  }

  write(name, value) {
    const signal = plant.find(name);
    writes.push({ name, value });
    if (!signal) return { ok: false, code: 'not_found', message: 'no signal has this name' };
    if (this.me.role === 'viewer') return { ok: false, code: 'forbidden', message: `${this.me.who} is viewer and may not write ${name}` };
    const link = name.split('/')[1];
    if (links && link === 'packer' && !links.isUp(link)) {
      return { ok: false, code: 'link_down', message: `the link '${link}' is down: a command is not kept until it returns` };
    }
    if (signal.kind === 'int' && (value > 2147483647 || value < -2147483648)) {
      return { ok: false, code: 'bad_value', message: 'expected a whole number of at most 32 bits' };
    }
    // The line takes setpoints of 0…500 mm/s, so the story of a coerced write can be told.
    const stored = name === 'twin/line/SpeedSetpoint' ? Math.min(500, Math.max(0, value)) : value;
    plant.set(signal.name, stored, 'operator');
    return { ok: true, value: stored };
  }

  /** Says how the watched PLC stands, when that has changed. */
  tellPlc(now) {
    if (!this.plc || isPlcMute) return;
    const whole = this.plc.frame(plant.now());
    // Who may not see all signals of a context gets no power flow.
    const frame = this.me.view === null ? whole : { ...whole, power: '' };
    const { now_ms: _, ...rest } = frame;
    const told = JSON.stringify(rest);
    if (told === this.plcTold && now - this.plcToldAt < 1000) return;
    Object.assign(this, { plcTold: told, plcToldAt: now });
    this.say(frame);
  }

  /** Says how the class stands, with the lines of the console that are new. */
  tellClass(now) {
    if (!this.isOfClass) return;
    this.classToldAt = now;
    this.say({ type: 'classroom', ...classroom.row(), console: classroom.lines.filter(({ number }) => number > this.classLine) });
    this.classLine = classroom.lines.length;
  }

  /** Says how the clock and a replay stand, when that has changed. */
  tellRails() {
    if (args.old) return;
    const frames = rails.frames();
    const told = JSON.stringify(frames.map(({ now_ms, real_ms, position_ms, ...rest }) => rest));
    if (told === this.railsTold) return;
    this.railsTold = told;
    for (const frame of frames) this.say(frame);
  }

  flush(now) {
    this.tellRails();
    if (now - this.classToldAt >= 100) this.tellClass(now);
    if (now - this.plcToldAt >= 100) this.tellPlc(now);
    if (now - this.flushedAt < this.cycle) return;
    const changed = [...new Set(this.names.map((name) => plant.find(name)))]
      .filter((signal) => signal && signal.generation > this.told)
      .map((signal) => [
        signal.id,
        signal.value,
        signal.quality === 'bad' ? ['bad', signal.reason] : signal.quality,
        signal.changed_at_ms,
        signal.writer === 'Practice twin' ? 3 : signal.name.startsWith(`plc/${signal.writer}/`) ? `plc ${plcs?.contexts.findIndex(({ name }) => name === signal.writer)}` : null,
      ]);
    this.told = plant.generation;
    if (changed.length === 0) return;
    this.flushedAt = now;
    this.say({ type: 'data', now_ms: plant.now(), generation: plant.generation, signals: changed, ...(isGap ? { gap: { since_ms: plant.now() - 2_000, merged: 20 } } : {}) });
    isGap = false;
  }

  tick(now) {
    this.railsTold = '';
    this.say({ type: 'tick', now_ms: now, generation: plant.generation, writers: { 3: now - 20, ...(plcs?.signs(now) ?? {}) }, lag_ms: 0 });
  }
}

const server = createServer((request, response) => void serve(request, response));
const live = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://localhost');
  if (classroom && url.pathname === `${args.prefix}/headset`) {
    const status = classroom.door.admit(url.searchParams.get('code'));
    if (status === 426 && !isSilent) live.handleUpgrade(request, socket, head, (upgraded) => classroom.door.enter(upgraded));
    else socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`);
    return;
  }
  const admitted = office.admit(keyOf(request, url), plant.real());
  if (url.pathname !== `${args.prefix}/api/v1/live` || !('me' in admitted)) {
    socket.end(`HTTP/1.1 ${admitted.status ?? 404} Refused\r\nconnection: close\r\n\r\n`);
    return;
  }
  live.handleUpgrade(request, socket, head, (upgraded) => {
    if (isSilent) return;
    const channel = new Channel(upgraded, admitted.me);
    channels.add(channel);
    upgraded.on('close', () => channels.delete(channel));
  });
});
/** Gives a signal a value for as long as one frame of data, whatever it was before. */
function stepSpike() {
  if (spike === null) return;
  if (spike.told === undefined) {
    spike.before = plant.find(spike.name).value;
    plant.set(spike.name, spike.value);
    spike.told = plant.generation;
  } else if ([...channels].every(({ told }) => told >= spike.told)) {
    plant.set(spike.name, spike.before);
    spike = null;
  }
}

setInterval(() => {
  plant.step();
  stepSpike();
  history?.step();
  plcs?.step(STEP_MS);
  classroom?.step();
  for (const channel of channels) channel.flush(plant.real());
}, STEP_MS);
setInterval(() => {
  for (const channel of channels) channel.tick(plant.now());
}, 1000);
server.listen(Number(args.port), '127.0.0.1', () => {
  // Whoever started this process reads the address here.
  console.log(`http://127.0.0.1:${server.address().port}${args.prefix}`);
});
