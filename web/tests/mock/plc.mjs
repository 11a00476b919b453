/**
 * The mock's PLC contexts: `line` runs a small bottling program, `press` has none. What the page shows and does is
 * really evaluated, so that its stories can look at the effect.
 */

import { Field, latenessOf, Link, plainSurroundings, profileOf } from './field.mjs';
import { addressesOf, isBit, loadPresets, members, Memory, readProgram, scan } from './ladder.mjs';
import { refusal } from './office.mjs';

const RANK = { viewer: 0, operator: 1, engineer: 2 };
const TARGET_US = 10_000;
const COMMANDS = ['start', 'stop', 'pause', 'resume', 'step_scan', 'step_rung', 'reset'];
/** Words of each region that has words, and slots of those that have slots. */
const REGIONS = { I: 8, O: 8, B: 64, N: 256, T: 64, C: 64 };
/** The flags of a timer or counter as bits of its mask. */
const FLAGS = { T: ['EN', 'TT', 'DN'], C: ['DN', 'OV', 'UN', 'CU', 'CD'] };
const NO_PLACE = 'nowhere';

/** The program of `line`. A sensor that the mock itself moves counts bottles. */
export const LINE = `PROGRAM "Bottling line"
SYM Start I:0/0 BOOL "the green button"
SYM Stop I:0/1 BOOL "the red button, opens when pressed"
SYM Bottle I:0/2 BOOL "light barrier before the filler"
SYM Guard I:0/3 BOOL "guard door is closed"
SYM Motor O:0/0 BOOL "conveyor motor"
SYM Filler O:0/1 BOOL "filler valve"
SYM Horn O:0/2 BOOL "horn"
SYM Ready B:3/0 BOOL ""
SYM Count N:7 DINT "bottles of this shift"
SYM Level N:8 DINT "tank level in per mille"
RUNG "Conveyor" "Start seals itself in; Stop and an open guard end it."
SOR BST XIC Start NXB XIC Motor BND XIO Stop XIC Guard OTE Motor EOR
RUNG "Filling" "The valve opens while a bottle stands below it, for 600 ms at most."
SOR XIC Motor XIC Bottle XIO T:0.DN BST TON T:0 600 NXB OTE Filler BND EOR
RUNG "Counting"
SOR XIC Bottle {OSR} XIC Motor BST CTU C:5 24 NXB ADD Count 1 Count BND EOR
RUNG "Crate is full" "After 24 bottles the horn sounds and the crate is counted anew."
SOR XIC C:5.DN BST XIC Ready NXB BST XIO Horn NXB GEQ Level 900 BND XIC Motor BND OTL Ready RES C:5 EOR
RUNG "Tank"
SOR LES Level 200 XIO Guard {DEBOUNCE 250} OTE Horn EOR
RUNG "" ""
SOR SCL Level 0 1000 0 27648 N:20 EOR
RUNG "Ready is taken back" "Where a branch has an empty path, it conducts always."
SOR BST XIC Stop NXB BND XIO Motor OTU Ready EOR
RUNG "Horn again" "Kept from the old program; rung 4 writes the horn too."
SOR XIC B:3/7 XIC Guard OTE Horn EOR
`;

/** The program of the engine that runs elsewhere. */
const OVEN = `PROGRAM "Oven"
SYM Door I:0/0 BOOL "door is closed"
SYM Heater O:0/0 BOOL "heater"
RUNG "Heating"
SOR XIC Door OTE Heater EOR
RUNG "Time"
SOR XIC Heater TON T:1 30000 EOR
`;

/** A program of many rungs, for the story of a large one; some follow the bottles, so that their power comes and goes. */
function longProgram(rungs) {
  const lines = ['PROGRAM "Long"'];
  for (let rung = 0; rung < rungs; rung += 1) {
    const second = rung % 3 === 1 ? 'I:0/2' : 'I:0/0';
    lines.push(`RUNG "Station ${rung}"`, `SOR BST XIC B:${rung % 64}/${rung % 32} NXB XIC ${second} BND XIO I:0/1 TON T:${rung % 64} 500 OTE B:${(rung + 1) % 64}/${(rung + 1) % 32} EOR`);
  }
  return lines.join('\n');
}

class Context {
  state = 'Stopped';
  fault = null;
  nextRung = null;
  program = null;
  number = 0;
  by = 'project file';
  loadedAt = 0;
  breakpoints = new Set();
  memory = new Memory();
  power = new Uint8Array();
  scans = 0;
  isTemporary = false;
  isProfiling = false;
  profiledSince = 0;
  /** What tests switch: its devices and retained places, or the link to where it runs. */
  field = null;
  link = null;

  constructor(id, name, plant, text) {
    Object.assign(this, { id, name, plant });
    if (text) this.load(text, 'project file');
  }

  load(text, by) {
    const read = readProgram(text);
    if (!read.program) return read.diagnostics;
    this.stop();
    this.program = read.program;
    this.number += 1;
    this.by = by;
    this.loadedAt = this.plant.now();
    this.breakpoints.clear();
    this.power = new Uint8Array(Math.ceil(read.program.instructions / 8));
    for (const address of addressesOf(read.program)) this.publish(address);
    return null;
  }

  clear() {
    this.stop();
    this.program = null;
  }

  stop() {
    this.state = 'Stopped';
    this.nextRung = null;
    this.fault = null;
    this.power.fill(0);
    if (this.program) for (const address of addressesOf(this.program)) if (address.startsWith('O:')) this.memory.write(address, false);
  }

  publish(address) {
    const name = `plc/${this.name}/${address}`;
    if (!this.plant.byName.has(name)) this.plant.add(name, isBit(address) ? 'bool' : 'int', this.memory.read(address), address.startsWith('O:') ? 'peer' : 'hub');
    const symbol = this.symbolOf(address);
    if (symbol !== null) this.plant.byName.get(name).symbol = symbol;
  }

  /** Is the engine heard? One of the hub's own always is. */
  isHeard() {
    return this.link === null || this.link.color === 'green';
  }

  turnLink(color) {
    this.link.turn(color, this.plant.now());
    const prefix = `plc/${this.name}/`;
    this.doubt([...this.plant.byName.keys()].filter((name) => name.startsWith(prefix)), this.isHeard() ? null : 'the link to the engine is down');
  }

  turnDevices(state) {
    this.field.state = state;
    const { drives } = this.field.of(0).io;
    this.doubt(drives.map((address) => `plc/${this.name}/${address}`), state === 'up' ? null : 'its device does not answer');
  }

  /** Makes signals stale for this reason, or good again. */
  doubt(names, reason) {
    for (const name of names) {
      this.plant.generation += 1;
      Object.assign(this.plant.byName.get(name), { quality: reason === null ? 'good' : 'stale', reason, generation: this.plant.generation });
    }
  }

  surroundings() {
    const now = this.plant.now();
    return this.link?.of(now) ?? this.field?.of(now) ?? plainSurroundings();
  }

  /** What its signals say is what stands in the memory. */
  tell() {
    if (!this.isHeard()) return;
    for (const [name, { value }] of this.plant.byName) {
      if (!name.startsWith(`plc/${this.name}/`)) continue;
      const now = this.memory.read(name.slice(`plc/${this.name}/`.length));
      if (now !== value) this.plant.set(name, now, this.name);
    }
  }

  run(dt_ms) {
    for (const [address, force] of this.memory.forces) if (force.expires_at_ms !== null && force.expires_at_ms <= this.plant.now()) this.memory.forces.delete(address);
    if (this.state !== 'Running' || !this.isHeard()) return;
    if (this.id === 'line' && (this.field === null || this.field.state === 'up')) {
      this.memory.write('I:0/2', Math.floor(this.plant.now() / 400) % 3 === 0);
      this.memory.write('N:8', 550 + Math.round(400 * Math.sin(this.plant.now() / 4000)));
    }
    this.scanFrom(this.nextRung ?? 0, this.nextRung !== null, dt_ms);
  }

  /** Scans to the end, or to a breakpoint; `isPast` goes over the one that it waits at. */
  scanFrom(from, isPast, dt_ms) {
    const { program } = this;
    const stop = [...this.breakpoints].filter((rung) => rung < program.rungs.length && (isPast ? rung > from : rung >= from)).sort((left, right) => left - right)[0];
    scan(program, this.memory, dt_ms, this.power, from, stop ?? program.rungs.length);
    if (stop !== undefined) Object.assign(this, { state: 'Paused', nextRung: stop });
    else {
      this.nextRung = null;
      this.scans += Math.max(1, Math.round((dt_ms * 1000) / TARGET_US));
    }
  }

  stepRung() {
    const rung = this.nextRung ?? 0;
    scan(this.program, this.memory, TARGET_US / 1000, this.power, rung, rung + 1);
    const isLast = rung + 1 >= this.program.rungs.length;
    Object.assign(this, { state: isLast ? 'Paused' : 'Stepping', nextRung: isLast ? null : rung + 1 });
    if (isLast) this.scans += 1;
  }

  scan() {
    const wave = Math.round(14 * Math.sin(this.plant.now() / 1300) ** 2);
    return { count: this.scans, last_us: 31 + wave, min_us: 19, max_us: 95, avg_us: 38, overruns: 0, target_us: TARGET_US, watchdog_us: null, merged: 0 };
  }

  /** The address of a place, given as an address or a symbol; null if there is none. */
  place(word) {
    const address = this.program?.symbols.find(({ name }) => name === word)?.address ?? word;
    const [, region, index, bit] = /^([IOBNTC]):(\d+)(?:\/(\d+)|\.[A-Z]+)?$/.exec(address) ?? [];
    return region && Number(index) < REGIONS[region] && Number(bit ?? 0) < 32 ? address : null;
  }

  symbolOf(address) {
    return this.program?.symbols.find((symbol) => symbol.address === address)?.name ?? null;
  }

  forceRows() {
    return [...this.memory.forces].map(([address, force]) => ({ address, symbol: this.symbolOf(address), ...force }));
  }

  row() {
    const { id, name, state, fault, nextRung, program, number, by, loadedAt } = this;
    const around = this.surroundings();
    const summary = program && { name: program.name, number, rungs: program.rungs.length, instructions: program.instructions, diagnostics: program.diagnostics.length, by, loaded_at_ms: loadedAt };
    return {
      id, name, state, fault, next_rung: nextRung, program: summary, breakpoints: [...this.breakpoints].sort((left, right) => left - right),
      forces: this.forceRows(), hold_outputs: false, temporary: this.isTemporary,
      ...around, scan: { ...this.scan(), missed: 0, lateness: latenessOf(this.link ? 0 : this.scans) }, io_provider: around.io.provider, profiling: this.isProfiling,
    };
  }

  frame(now_ms) {
    const { state, fault, next_rung, breakpoints } = this.row();
    const scanned = this.scan();
    // Another engine does not tell its power flow.
    const power = this.program && state !== 'Stopped' && this.link === null ? Buffer.from(this.power).toString('base64') : '';
    return { type: 'plc', context: this.id, now_ms, state, fault, next_rung, program: this.program ? this.number : null, scan: scanned, forced: [...this.memory.forces.keys()], breakpoints, power };
  }
}

export class Plcs {
  contexts = [];

  constructor(plant, { rungs, hasField }) {
    this.plant = plant;
    plant.bySymbol = (name) => this.bySymbol(name);
    const line = new Context('line', 'line', plant, rungs > 0 ? longProgram(rungs) : LINE);
    this.contexts.push(line, new Context('press', 'Press 2', plant, null));
    this.contexts[1].isTemporary = true;
    for (const [address, value] of [['I:0/0', true], ['I:0/3', true], ['N:8', 550]]) line.memory.write(address, value);
    command(line, 'start');
    line.memory.forces.set('B:3/7', { value: true, by: 'Maria', reason: 'horn test with the fire brigade', since_ms: 0, expires_at_ms: 3_600_000 });
    if (!hasField) return;
    line.field = new Field();
    const oven = new Context('oven', 'oven', plant, OVEN);
    oven.link = new Link();
    oven.by = 'the engine';
    oven.memory.write('I:0/0', true);
    this.contexts.push(oven);
    command(oven, 'start');
  }

  /** A switch of a test: the link of the remote engine, the devices, or the store. */
  turn(word, query) {
    if (word === 'plc-link') this.find('oven').turnLink(query.get('color'));
    if (word === 'plc-io') this.find('line').turnDevices(query.get('state'));
    if (word === 'plc-store') this.find('line').field.error = query.get('error');
    if (word === 'plc-none') this.contexts.splice(0);
  }

  /** The last sign of life of each engine, by its number. */
  signs(now_ms) {
    return Object.fromEntries(this.contexts.map((context, at) => [`plc ${at}`, context.isHeard() ? now_ms : context.link.since_ms]));
  }

  find(word) {
    return this.contexts.find(({ id, name }) => id === word || name === word) ?? null;
  }

  /** The signal that a symbol of a program stands for. */
  bySymbol(name) {
    const [, context, symbol] = name.match(/^plc\/([^/]+)\/([^:/]+)$/) ?? [];
    const address = this.find(context)?.program?.symbols.find((entry) => entry.name === symbol)?.address;
    return address === undefined ? null : (this.plant.byName.get(`plc/${context}/${address}`) ?? null);
  }

  /** A step of the plant. */
  step(dt_ms) {
    for (const context of this.contexts) {
      context.run(dt_ms);
      context.tell();
    }
  }

  /** Makes the signal of an address that somebody asks for, as the hub does. */
  demand(name) {
    const [, context, address] = name.match(/^plc\/([^/]+)\/([IOBNTC]:.*)$/) ?? [];
    if (address) this.find(context)?.publish(address);
  }

  make(name, now_ms) {
    if (this.find(name)) return refusal(409, 'conflict', `a PLC context is called '${name}' already`);
    const context = new Context(name, name, this.plant, null);
    context.isTemporary = true;
    this.contexts.push(context);
    return { status: 201, body: { now_ms, context: context.row() } };
  }

  remove(context) {
    if (context.state === 'Running' || this.contexts.length === 1) return refusal(409, 'plc_refused', `'${context.name}' runs, or is the last`);
    this.contexts.splice(this.contexts.indexOf(context), 1);
    return { status: 204 };
  }

  answer(me, method, parts, query, body) {
    if (parts[0] !== 'plc') return null;
    const now_ms = this.plant.now();
    const mayNot = (role) => RANK[me.role] < RANK[role] && refusal(403, 'forbidden', `${me.who} is ${me.role} and may not do that`);
    const isRead = method === 'GET';
    if (parts.length === 2) {
      if (isRead) return { status: 200, body: { now_ms, contexts: this.contexts.map((context) => context.row()) } };
      return mayNot('engineer') || this.make(body.name ?? `PLC ${this.contexts.length + 1}`, now_ms);
    }
    const context = this.find(parts[2]);
    if (!context) return refusal(404, 'not_found', `no PLC context is called '${parts[2]}'`);
    const whole = () => ({ status: 200, body: { now_ms: this.plant.now(), context: context.row() } });
    const address = parts.slice(4).join('/');
    switch (parts[3]) {
      case undefined:
        return isRead ? whole() : mayNot('engineer') || this.remove(context);
      case 'toggle':
        return mayNot('operator') || toggle(context, context.place(body.address), body.address);
      case 'profile':
        if (!isRead && mayNot('engineer')) return mayNot('engineer');
        if (!isRead) Object.assign(context, { isProfiling: body.on, profiledSince: context.scans });
        return { status: 200, body: profileOf({ ...context, now_ms, target_us: TARGET_US }) };
      case 'command': {
        if (!COMMANDS.includes(body.command)) return refusal(400, 'bad_request', `'${body.command}': expected one of ${COMMANDS.join(', ')}`);
        const role = body.command.startsWith('step') ? 'engineer' : 'operator';
        return mayNot(role) || command(context, body.command) || whole();
      }
      case 'program':
        if (isRead) return programAnswer(context, query);
        return mayNot('engineer') || changeProgram(context, me, method, query, body, whole);
      case 'memory':
        if (isRead && me.view !== null) return refusal(403, 'forbidden', `${me.who} does not see all of '${context.name}'`);
        if (isRead) return { status: 200, body: memoryAnswer(context, now_ms) };
        return mayNot('operator') || write(context, context.place(address), address, body.value);
      case 'forces':
        if (isRead) return { status: 200, body: { now_ms, forces: context.forceRows() } };
        return mayNot('engineer') || changeForces(context, me, method, address && (context.place(address) ?? NO_PLACE), body, now_ms);
      case 'breakpoints':
        if (mayNot('engineer')) return mayNot('engineer');
        if (Number(address) >= (context.program?.rungs.length ?? 0)) return refusal(409, 'plc_refused', `there is no rung ${address}`);
        if (address === '') context.breakpoints.clear();
        else if (method === 'PUT') context.breakpoints.add(Number(address));
        else context.breakpoints.delete(Number(address));
        return { status: 204 };
      default:
        return refusal(404, 'not_found', 'no such path');
    }
  }
}

/** Turns a bit round. */
function toggle(context, address, asked) {
  if (address !== null && !isBit(address)) return refusal(422, 'bad_value', `'${asked}' holds a number: only bits are toggled`);
  const toggled = address !== null && !context.memory.under(address);
  const answer = write(context, address, asked, toggled);
  return answer.status === 200 ? { ...answer, body: { ...answer.body, toggled } } : answer;
}

/** Does a command; a refusal, or nothing. */
function command(context, word) {
  const refuse = (text) => refusal(409, 'plc_refused', text);
  if (!context.isHeard()) return refuse(`the link to the engine of '${context.name}' is down`);
  const { state } = context;
  if (!context.program && ['start', 'step_scan', 'step_rung'].includes(word)) return refuse('there is no program');
  if (state === 'Fault' && ['start', 'step_scan', 'step_rung'].includes(word)) return refuse('the engine is in fault: stop or reset it first');
  if (state === 'Running' && word.startsWith('step')) return refuse('the engine runs: pause or stop it first');
  if (state === 'Stopped' && ['start', 'step_scan', 'step_rung'].includes(word)) loadPresets(context.program, context.memory);
  if (word === 'start' || (word === 'resume' && state === 'Paused')) context.state = 'Running';
  if (word === 'stop') context.stop();
  if (word === 'pause' && state === 'Running') context.state = 'Paused';
  if (word === 'step_rung') context.stepRung();
  if (word === 'step_scan') {
    context.state = 'Paused';
    context.scanFrom(context.nextRung ?? 0, context.nextRung !== null, TARGET_US / 1000);
  }
  if (word === 'reset') {
    context.stop();
    context.memory.clear();
    context.scans = 0;
  }
  context.tell();
  return null;
}

function programAnswer(context, query) {
  const { program, number, by, loadedAt } = context;
  if (!program) return refusal(404, 'no_program', `'${context.name}' has no program`);
  const format = query.get('format');
  if (format === 'document') return { status: 200, text: program.text };
  if (format !== null) return refusal(400, 'bad_request', '`format` is `document`, or not given');
  const { name, symbols, diagnostics, rungs } = program;
  return { status: 200, body: { context: context.name, name, number, by, loaded_at_ms: loadedAt, symbols, diagnostics, rungs } };
}

function changeProgram(context, me, method, query, body, whole) {
  if (method === 'DELETE') {
    context.clear();
    return whole();
  }
  if (context.state !== 'Stopped' && query.get('stop') !== 'true') return refusal(409, 'engine_runs', `'${context.name}' is ${context.state}: a download stops it; ask for it with stop=true`);
  const diagnostics = context.load(body.document, me.who);
  if (diagnostics) {
    const answer = refusal(422, 'bad_program', 'the program is refused');
    return { ...answer, body: { ...answer.body, diagnostics } };
  }
  const answer = whole();
  return { ...answer, body: { ...answer.body, diagnostics: context.program.diagnostics } };
}

/** Why a value does not fit a place, or that there is no such place; null if it fits. */
function misfit(address, asked, value) {
  if (address === null || address === NO_PLACE) return refusal(422, 'bad_value', `'${asked}' is no place of the memory`);
  if (members(address).length > 1) return refusal(422, 'bad_value', `'${asked}' is a timer or counter as a whole: name one of its members`);
  const isFit = isBit(address) ? typeof value === 'boolean' : Number.isInteger(value);
  return isFit ? null : refusal(422, 'bad_value', `'${asked}': expected ${isBit(address) ? 'true or false' : 'a whole number'}`);
}

/** The device that drives a place, where one does. */
function drivenBy(context, address) {
  const { drives, devices } = context.surroundings().io;
  return drives.includes(address) ? { driven_by: devices[0].name } : {};
}

/** What else is said of a place that was written. */
function beside(context, address) {
  return { ...drivenBy(context, address), ...(address.endsWith('.PRE') ? { until_start: true } : {}) };
}

function write(context, address, asked, value) {
  const refused = misfit(address, asked, value);
  if (refused) return refused;
  const fitted = address.endsWith('.PRE') ? Math.min(32_767, Math.max(0, value)) : value;
  context.memory.write(address, fitted);
  context.publish(address);
  context.tell();
  const stored = context.memory.read(address);
  return { status: 200, body: { name: `plc/${context.name}/${address}`, stored, coerced: fitted !== value, forced: context.memory.forces.has(address), ...beside(context, address) } };
}

function changeForces(context, me, method, address, body, now_ms) {
  const { forces } = context.memory;
  if (method === 'DELETE') {
    if (address === '') forces.clear();
    else forces.delete(address);
    context.tell();
    return { status: 204 };
  }
  const { expires_after_s } = body;
  const refused = misfit(address, address, body.value);
  if (refused) return refused;
  if (expires_after_s === 0) return refusal(422, 'bad_value', '`expires_after_s`: expected 1 to 31536000');
  forces.set(address, { value: body.value, by: me.who, reason: body.reason ?? '', since_ms: now_ms, expires_at_ms: expires_after_s ? now_ms + expires_after_s * 1000 : null });
  context.publish(address);
  context.tell();
  return { status: 200, body: { name: `plc/${context.name}/${address}`, stored: body.value, coerced: false, forced: true, ...drivenBy(context, address) } };
}

function memoryAnswer({ memory, state }, now_ms) {
  const forced = {};
  for (const address of memory.forces.keys()) {
    const [slot, flag] = address.split('.');
    const at = (FLAGS[slot[0]] ?? []).indexOf(flag);
    const [word, bit] = at >= 0 ? [slot, at] : address.split('/');
    forced[word] = ((forced[word] ?? 0) | (bit === undefined ? -1 : 1 << Number(bit))) >>> 0;
  }
  const words = (region, count) => Array.from({ length: count }, (_, index) => memory.word(region, index));
  const slot = (region, index, names) => Object.fromEntries(names.map((name) => [name, memory.read(`${region}:${index}.${name.toUpperCase()}`)]));
  return {
    now_ms, state,
    inputs: words('I', 8), outputs: words('O', 8), bits: words('B', 64),
    integers: Array.from({ length: 256 }, (_, index) => memory.read(`N:${index}`)),
    timers: Array.from({ length: 64 }, (_, index) => slot('T', index, ['pre', 'acc', 'en', 'tt', 'dn'])),
    counters: Array.from({ length: 64 }, (_, index) => slot('C', index, ['pre', 'acc', 'dn', 'ov', 'un', 'cu', 'cd'])),
    forced,
  };
}
