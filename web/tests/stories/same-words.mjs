/**
 * The mock says exactly what the hub says: the same questions go to both, and their answers must have the same keys
 * with values of the same kinds, and the same status and code where they refuse. The list of questions is the hub's own
 * (`openapi.json`), so that a new one cannot be forgotten. It needs the real hub, `CROSSTIE_BIN`.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { LINE } from '../mock/plc.mjs';
import { differences, shapeOf } from '../shapes.mjs';
import { eventually, freePort, startMock, startProject } from '../support.mjs';

/** What is asked for with GET and is no JSON, or says the same of every hub. */
const NOT_ASKED = [
  // A table.
  '/api/v1/recordings/{name}/csv',
  // A GAMA that has never been there has said nothing.
  '/api/v1/classroom/console', '/healthz', '/metrics', '/api/v1/openapi.json', '/api/v1/live', '/realvirtual/{endpoint}', '/monitor', '/headset',
  // Files and tables, and what the page does not ask for.
  '/api/v1/routes/export', '/api/v1/recordings/{name}', '/api/v1/recordings/{name}/file'];
/** What is asked of the history: more than the mock pretends. */
const HISTORY = '?signal=twin/line/State&from_ms=0';
/** Values whose kind is that of a signal or a setting. */
const ANY_KIND = new Set(['value', 'last_value', 'old', 'new']);
/** What must be there in the answers of both, so that nothing is compared with an empty list. */
const MUST_SHOW = {
  // What was before the span the mock has pretended, and the hub has not lived.
  [`/api/v1/history${HISTORY}`]: (answer) => answer.points.length > 0 && answer.before === null,
  '/api/v1/historian': (answer) => answer.rows > 0 && answer.oldest_ms !== null,
  '/api/v1/health': (answer) => answer.problems.length > 0,
  '/api/v1/tls': (answer) => answer.certificate !== null,
  '/api/v1/keys': (answer) => answer.keys.some(({ view }) => view !== null),
  '/api/v1/audit': (answer) => answer.entries.length > 0,
  '/api/v1/clients': (answer) => answer.clients.length > 0,
  '/api/v1/routes': (answer) => ['hold', 'zero'].every((word) => answer.routes.some(({ on_stale }) => on_stale === word)),
  '/api/v1/signals': (answer) => answer.signals.some(({ symbol }) => symbol === 'Start') && answer.signals.some(({ symbol }) => symbol === undefined),
  '/api/v1/plc/contexts': (answer) => answer.contexts.some(({ program }) => program === null) && answer.contexts.some(showsAll),
  '/api/v1/plc/contexts/line': (answer) => showsAll(answer.context),
  '/api/v1/plc/contexts/line/profile': (answer) => answer.on && answer.rungs.length > 0,
  '/api/v1/plc/contexts/line/forces': (answer) => answer.forces.length > 0,
  '/api/v1/plc/contexts/line/memory': (answer) => Object.keys(answer.forced).length > 0,
  '/api/v1/classroom': (answer) => answer.players.length > 0 && answer.gama.link === 'waiting' && answer.model !== null,
  '/api/v1/classroom/catalog': (answer) => answer.models.length > 1 && answer.entries.some(({ entries }) => entries) && answer.problems.length > 0,
  '/api/v1/endpoints': (answer) =>
    ['connected', 'waiting'].every((state) => answer.endpoints.some(({ link }) => link?.state === state)) &&
    answer.endpoints.some(({ link }) => link === null),
};

/** A context in which everything can be compared. */
const showsAll = ({ program, forces, breakpoints }) => program !== null && forces.length > 0 && breakpoints.length > 0;

/** Asks a hub; a body that is a text is sent as it is, as documents of programs are. */
async function ask(hub, key, path, method = 'GET', body = undefined) {
  const type = typeof body === 'string' ? 'text/plain' : 'application/json';
  const response = await fetch(hub.url + path, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { 'content-type': type }) },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = text !== '' && (response.headers.get('content-type') ?? 'application/json').startsWith('application/json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text === '' ? null : text };
}

/** A learning package with a folder in it; its models are not on this machine. */
const PACKAGE = JSON.stringify([
  { type: 'json_settings', name: 'Crowd', model_file_path: 'crowd.gaml', experiment_name: 'vr_xp', minimal_players: '1', maximal_players: '4' },
  { type: 'catalog', name: 'Water', entries: [{ type: 'json_settings', name: 'River', model_file_path: 'river.gaml', experiment_name: 'vr_xp' }, { type: 'catalog', name: 'Still', entries: [{ type: 'json_settings', name: 'Lake', model_file_path: 'lake.gaml', experiment_name: 'vr_xp' }] }] },
]);

/** A headset that sits in the class as long as its connection is open. */
async function sitDown(port) {
  const headset = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(headset, 'open');
  headset.send(JSON.stringify({ type: 'connection', id: 'Player_101', heartbeat: '600000' }));
  return headset;
}

/** The hub in a state in which it has something of everything to tell. */
async function startRich() {
  const [line, hmi, dead, piplc, monitor, headset] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
  const project = `
[project]
name = "Bottling line"
[[realvirtual]]
name = "line"
port = ${line}
signal = [
  { name = "Run", type = "Bool", writer = "peer" },
  { name = "SpeedSetpoint", type = "Float", writer = "hub" },
  { name = "BottleCount", type = "Int", writer = "peer" },
  { name = "State", type = "Text", writer = "peer" },
]
[[realvirtual]]
name = "hmi"
port = ${hmi}
tls = true
signal = [{ name = "State", type = "Text", writer = "hub" }]
[[realvirtual]]
name = "press"
role = "client"
address = "127.0.0.1"
port = ${line}
access_key_file = "key"
[[realvirtual]]
name = "packer"
role = "client"
address = "127.0.0.1"
port = ${dead}
[[route]]
from = "twin/line/State"
to = "twin/hmi/State"
[[route]]
from = "twin/line/Run"
to = "plc/line/Bottle"
on_stale = "zero"
[piplc]
port = ${piplc}
[[plc]]
name = "line"
program = "line.txt"
autostart = true
[[plc]]
name = "Press 2"
id = "press"
[classroom]
learning_packages = "."
[monitor]
port = ${monitor}
[headset]
port = ${headset}
[history]
signals = ["twin/line/**"]
[gama]
port = ${dead}
`;
  const hub = await startProject(project, {
    files: { 'line.txt': LINE, 'settings.json': PACKAGE },
    keys: [
      ['Maria', '--role', 'engineer'],
      ['Panel', '--role', 'operator', '--view', 'twin/**', '--write', 'twin/line/SpeedSetpoint'],
      ['Wall', '--role', 'viewer'],
    ],
  });
  const [engineer, operator, viewer] = hub.keys;
  const peers = [];
  try {
    for (const signals of [{ Run: true, State: 'Running', BottleCount: 7 }, { Run: false }]) {
      const peer = new WebSocket(`ws://127.0.0.1:${line}/`, { headers: { authorization: `Bearer ${engineer}` } });
      await once(peer, 'open');
      peers.push(peer);
      peer.send(JSON.stringify({ type: 'data', version: 2, signals }));
      await eventually('its value is there', async () => (await ask(hub, engineer, '/api/v1/signals/twin/line/Run')).body.value === signals.Run);
    }
    await ask(hub, engineer, '/api/v1/signals/twin/line/SpeedSetpoint', 'PUT', { value: 120.5 });
    peers.push(await sitDown(headset));
    return { hub, keys: { engineer, operator, viewer }, peers };
  } catch (error) {
    for (const peer of peers) peer.terminate();
    await hub.stop();
    throw error;
  }
}

/** The PLC stands at a breakpoint, and one of its inputs is forced. */
async function engage({ name, hub, keys: { engineer } }) {
  const plc = (path, method, body) => ask(hub, engineer, `/api/v1/plc/contexts/line${path}`, method, body);
  await eventually(`the program of the ${name} runs`, async () => (await plc('')).body.context.state === 'Running');
  await plc('/forces', 'DELETE');
  await plc('/forces/I:0/3', 'PUT', { value: true, reason: 'guard switch is broken', expires_after_s: 600 });
  await plc('/profile', 'PUT', { on: true });
  await plc('/breakpoints/1', 'PUT');
  await eventually(`the program of the ${name} stands at its breakpoint`, async () => (await plc('')).body.context.state === 'Paused');
}

/** Both sides of the comparison, ended afterwards. */
async function withBoth(tell) {
  const { hub, keys, peers } = await startRich();
  const mock = await startMock('--keys', '--links', '--problems', '--tls', '--audit', '8', '--plc', '--classroom', '--rails', '--history');
  const mockKeys = { engineer: 'ct_engineer', operator: 'ct_operator', viewer: 'ct_viewer' };
  const both = [
    { name: 'hub', hub, keys },
    { name: 'mock', hub: mock, keys: mockKeys },
  ];
  try {
    await fetch(`${mock.url}/mock/class-link?to=waiting`, { method: 'POST' });
    for (const each of both) await engage(each);
    await tell(both);
  } finally {
    for (const peer of peers) peer.terminate();
    await mock.stop();
    await hub.stop();
  }
}

if (process.env.CROSSTIE_BIN) {
  test('every GET of the hub is answered by the mock with the same keys and kinds', () =>
    withBoth(async ([real, mock]) => {
      const { paths } = (await ask(real.hub, real.keys.engineer, '/api/v1/openapi.json')).body;
      const asked = Object.entries(paths).filter(([path, { get }]) => get && !NOT_ASKED.includes(path));
      assert.ok(asked.length > 10, `the hub names its questions: ${asked.length}`);
      const troubles = [];
      for (const [pattern] of asked) {
        const path = pattern.replace('signals/{name}', 'signals/twin/line/Run').replace('{context}', 'line').replace(/history$/, `history${HISTORY}`);
        const answers = [];
        for (const { name, hub, keys } of [real, mock]) {
          const answer = await eventually(`the ${name} answers ${path} with all that is to be compared`, async () => {
            const { status, body } = await ask(hub, keys.engineer, path);
            if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
            return (MUST_SHOW[path]?.(body) ?? true) && body;
          });
          answers.push(shapeOf(answer, ANY_KIND));
        }
        troubles.push(...differences(...answers, path));
      }
      assert.deepEqual(troubles, []);
    }));

  test('what is asked of the hub and what it refuses has the same answers from the mock', () =>
    withBoth(async (both) => {
      const engineer = (path, method, body) => ['engineer', path, method, body];
      // Wait until the links of both stand as the questions want them.
      for (const { hub, keys } of both) {
        await eventually('the link is up', async () => MUST_SHOW['/api/v1/endpoints']((await ask(hub, keys.engineer, '/api/v1/endpoints')).body));
      }
      const questions = [
        engineer('/api/v1/endpoints/press/import', 'POST'),
        engineer('/api/v1/endpoints/packer/import', 'POST'),
        engineer('/api/v1/endpoints/press/probe', 'POST'),
        engineer('/api/v1/endpoints/packer/probe', 'POST'),
        engineer('/api/v1/endpoints/packer/connect', 'POST'),
        engineer('/api/v1/endpoints/packer/disconnect', 'POST'),
        engineer('/api/v1/endpoints/line/connect', 'POST'),
        engineer('/api/v1/endpoints/line/probe', 'POST'),
        engineer('/api/v1/endpoints/nobody/import', 'POST'),
        engineer('/api/v1/problems/acknowledge', 'POST', { id: 'conflict:twin/line/Run' }),
        engineer('/api/v1/problems/acknowledge', 'POST', { id: 'nothing' }),
        engineer('/api/v1/problems/acknowledge', 'POST', {}),
        engineer('/api/v1/config', 'PATCH', { 'realvirtual.line.update_cycle_ms': 20 }),
        engineer('/api/v1/config', 'PATCH', { 'realvirtual.line.update_cycle_ms': 0 }),
        engineer('/api/v1/config', 'PATCH', { 'web.port': 1 }),
        engineer('/api/v1/config', 'PATCH', { 'no.such.key': 1 }),
        engineer('/api/v1/log', 'PUT', { filter: 'debug' }),
        engineer('/api/v1/log', 'PUT', { filter: 'loud' }),
        engineer('/api/v1/keys', 'POST', { name: 'Third', role: 'viewer' }),
        engineer('/api/v1/keys/k4', 'DELETE'),
        engineer('/api/v1/keys/k4', 'DELETE'),
        engineer('/api/v1/keys/k1', 'DELETE'),
        engineer('/api/v1/signals/no/such/name'),
        engineer('/api/v1/history?signal=no/such/name'),
        engineer('/api/v1/history?signal=twin/gone/Level'),
        engineer('/api/v1/history?signal=plc/line/N:7'),
        engineer('/api/v1/history?signal=twin/line/State&points=0'),
        engineer('/api/v1/history?signal=twin/line/State&from_ms=9&to_ms=3'),
        engineer('/api/v1/history'),
        engineer('/api/v1/no/such/path'),
        ...plcQuestions(),
        ...classQuestions(),
        ['operator', '/api/v1/me'],
        ['operator', '/api/v1/keys'],
        ['operator', '/api/v1/audit'],
        ['operator', '/api/v1/log'],
        ['operator', '/api/v1/config', 'PATCH', { 'realvirtual.line.update_cycle_ms': 20 }],
        ['operator', '/api/v1/endpoints/packer/connect', 'POST'],
        ['operator', '/api/v1/endpoints/packer/probe', 'POST'],
        ['operator', '/api/v1/endpoints/press/import', 'POST'],
        ['operator', '/api/v1/problems/acknowledge', 'POST', {}],
        ['viewer', '/api/v1/endpoints/packer/disconnect', 'POST'],
        ['viewer', '/api/v1/endpoints/packer/probe', 'POST'],
        ['viewer', '/api/v1/problems/acknowledge', 'POST', {}],
        ['viewer', '/api/v1/config'],
        ['viewer', '/api/v1/routes'],
        ['viewer', '/api/v1/tls'],
        [null, '/api/v1/me'],
        ['wrong', '/api/v1/me'],
      ];
      const troubles = [];
      for (const [who, path, method, body] of questions) {
        const [real, mock] = await Promise.all(both.map(({ hub, keys }) => ask(hub, who === null ? null : (keys[who] ?? 'ct_wrong'), path, method, body)));
        const words = ({ status, body: { error = null } = {} }) => `${status} ${error?.code ?? ''}`.trim();
        const what = `${method ?? 'GET'} ${path} ${body ? JSON.stringify(body) : ''} as ${who}`;
        const [hubSays, mockSays] = [words({ ...real, body: real.body ?? {} }), words({ ...mock, body: mock.body ?? {} })];
        if (hubSays !== mockSays) troubles.push(`${what}: the hub says ${hubSays}, the mock ${mockSays}`);
        else troubles.push(...differences(shapeOf(real.body, ANY_KIND), shapeOf(mock.body, ANY_KIND), what));
      }
      assert.deepEqual(troubles, []);
    }));

  test('the live channel of the mock speaks as the hub’s does', () =>
    withBoth(async (both) => {
      const heard = [];
      for (const { hub, keys } of both) heard.push(await hearLive(hub, keys.engineer));
      const [real, mock] = heard;
      const troubles = Object.keys(real).flatMap((type) => differences(shapeOf(real[type], ANY_KIND), shapeOf(mock[type], ANY_KIND), type));
      assert.deepEqual(troubles, []);
    }));

  test('every setting that the mock shows is one of the hub, as live as there', () =>
    withBoth(async (both) => {
      const lists = [];
      for (const { hub, keys } of both) lists.push((await ask(hub, keys.engineer, '/api/v1/config')).body.settings);
      const [real, mock] = lists.map((settings) => new Map(settings.map(({ key, live }) => [key, live])));
      const troubles = [...mock].filter(([key, live]) => real.get(key) !== live).map(([key]) => `${key}: ${real.get(key)} at the hub`);
      assert.deepEqual(troubles, []);
    }));
}

/** What is asked of PLC contexts, and what they refuse; each question finds what the ones before have left. */
function plcQuestions() {
  const plc = (path, method, body, who = 'engineer') => [who, `/api/v1/plc/contexts${path}`, method, body];
  const command = (context, word, who) => plc(`/${context}/command`, 'POST', { command: word }, who);
  const GOOD = 'PROGRAM "Lamp"\nSYM Lamp O:0/5 BOOL "a lamp"\nRUNG "One" "of one"\nSOR XIC I:0/5 OTE Lamp EOR\n';
  return [
    plc('/nobody'),
    plc('/nobody/program'),
    plc('/nobody/program', 'PUT', GOOD),
    plc('/nobody/memory'),
    plc('/nobody/forces'),
    command('nobody', 'start'),
    plc('/press'),
    plc('/Press%202'),
    plc('/press/program'),
    plc('/press/program?format=document'),
    command('press', 'start'),
    command('press', 'step_rung'),
    command('line', 'dance'),
    plc('/line/program?format=document'),
    plc('/line/program?format=picture'),
    plc('/line/program', 'PUT', GOOD),
    plc('/line/program?stop=true', 'PUT', 'SOR XIC I:0/0 FOO EOR'),
    command('line', 'step_rung'),
    command('line', 'step_scan'),
    command('line', 'resume'),
    command('line', 'stop'),
    command('line', 'start', 'viewer'),
    command('line', 'step_scan', 'viewer'),
    plc('/line/memory/N:7', 'PUT', { value: 12 }),
    plc('/line/memory/Count', 'PUT', { value: 13 }),
    plc('/line/memory/I:0/3', 'PUT', { value: false }),
    plc('/line/memory/I:0/3', 'PUT', { value: 'on' }),
    plc('/line/memory/T:0.PRE', 'PUT', { value: -1 }),
    plc('/line/memory/N:900', 'PUT', { value: 1 }),
    plc('/line/memory/Nobody', 'PUT', { value: 1 }),
    plc('/line/memory/N:7', 'PUT', { value: 1 }, 'viewer'),
    plc('/line/toggle', 'POST', { address: 'B:1/1' }),
    plc('/line/toggle', 'POST', { address: 'N:7' }),
    plc('/line/toggle', 'POST', { address: 'Nobody' }),
    plc('/line/toggle', 'POST', { address: 'B:1/1' }, 'viewer'),
    plc('/line/profile'),
    plc('/line/profile', 'PUT', { on: true }, 'viewer'),
    plc('/line/profile', 'PUT', { on: true }),
    plc('/line/profile', 'PUT', { on: false }),
    plc('/nobody/profile'),
    plc('/line/forces/B:1/1', 'PUT', { value: true, reason: 'a test' }),
    plc('/line/forces/T:0', 'PUT', { value: 1, reason: '' }),
    plc('/line/forces/N:900', 'PUT', { value: 1, reason: '' }),
    plc('/line/forces/I:0/0', 'PUT', { value: true, reason: '', expires_after_s: 0 }),
    plc('/line/forces/I:0/0', 'PUT', { value: true, reason: '' }, 'viewer'),
    plc('/line/forces'),
    plc('/line/forces/B:1/1', 'DELETE'),
    plc('/line/forces/B:1/1', 'DELETE'),
    plc('/line/forces', 'DELETE', undefined, 'viewer'),
    plc('/line/forces', 'DELETE'),
    plc('/line/breakpoints/2', 'PUT'),
    plc('/line/breakpoints/900', 'PUT'),
    plc('/line/breakpoints/2', 'DELETE'),
    plc('/line/breakpoints/2', 'DELETE'),
    plc('/line/breakpoints/2', 'PUT', undefined, 'viewer'),
    plc('/line/breakpoints', 'DELETE'),
    plc('/line/program', 'PUT', 'SOR XIC I:0/0 FOO EOR'),
    plc('/line/program', 'PUT', GOOD, 'viewer'),
    plc('/line/program', 'PUT', GOOD),
    plc('/line/program'),
    plc('/line/program', 'DELETE', undefined, 'viewer'),
    plc('/line/program', 'DELETE'),
    plc('/line/program'),
    plc('', undefined, undefined, 'operator'),
    plc('/line', undefined, undefined, 'operator'),
    plc('/line/memory', undefined, undefined, 'operator'),
    plc('/line/forces', undefined, undefined, 'operator'),
    command('line', 'start', 'operator'),
    plc('', undefined, undefined, 'viewer'),
    plc('/line/memory', undefined, undefined, 'viewer'),
    plc('', 'POST', { name: 'Line 2' }, 'viewer'),
    plc('', 'POST', { name: 'Line 2' }),
    plc('', 'POST', { name: 'Line 2' }),
    plc('', 'POST', { name: 'a/b' }),
    plc('/Line%202', 'DELETE', undefined, 'viewer'),
    plc('/Line%202', 'DELETE'),
    plc('/Line%202', 'DELETE'),
  ];
}

/** What is asked of a class whose GAMA is away, and what it refuses. */
function classQuestions() {
  const room = (path, method, body, who = 'engineer') => [who, `/api/v1/classroom${path}`, method, body];
  return [
    room('/launch', 'POST'),
    room('/stop', 'POST'),
    room('/launch', 'POST', undefined, 'viewer'),
    room('/dance', 'POST'),
    room('/model', 'PUT', { index: 1 }),
    room('/model', 'PUT', { index: 99 }),
    room('/model', 'PUT', { index: 0 }, 'viewer'),
    room('/screen', 'PUT', { display_type: 'stream' }),
    room('/screen', 'PUT', { display_type: 'stream' }, 'viewer'),
    room('/evaluate', 'POST', { expr: 'cycle' }),
    room('/evaluate', 'POST', { expr: 'cycle' }, 'operator'),
    room('/players/nobody/add', 'POST'),
    room('/players/nobody/remove', 'POST'),
    room('/players/nobody', 'DELETE'),
    room('/players/Player_101', 'DELETE'),
    room('/players/Player_101/add', 'POST'),
    room('/players/Player_101/remove', 'POST', undefined, 'viewer'),
    room('/console?after=1'),
    room('', 'GET', undefined, 'viewer'),
    room('/catalog', 'GET', undefined, 'viewer'),
  ];
}

/** One message of each type that a channel says when somebody looks and writes. */
async function hearLive(hub, key) {
  const channel = new WebSocket(`${hub.url.replace('http', 'ws')}/api/v1/live?access_token=${key}`);
  const heard = {};
  channel.on('message', (text) => {
    const message = JSON.parse(text);
    heard[message.type] ??= message;
  });
  try {
    await eventually('the channel greets', () => heard.hello);
    channel.send(JSON.stringify({ type: 'subscribe', id: 1, names: ['twin/line/Run', 'twin/line/SpeedSetpoint', 'no/such/name'], cycle_ms: 50 }));
    await eventually('the view is there', () => heard.snapshot);
    const signals = { 'twin/line/SpeedSetpoint': 133, 'no/such/name': true };
    channel.send(JSON.stringify({ type: 'write', id: 2, epoch: heard.hello.epoch, signals }));
    await eventually('the write is answered', () => heard.write_result);
    channel.send(JSON.stringify({ type: 'write', id: 3, epoch: heard.hello.epoch - 1, signals }));
    channel.send(JSON.stringify({ type: 'watch_plc', id: 4, context: 'line', cycle_ms: 50, power: true }));
    channel.send(JSON.stringify({ type: 'watch_classroom', id: 5, on: true }));
    await eventually('all types were heard', () => heard.data && heard.tick && heard.error && heard.plc && heard.watching_classroom && heard.classroom);
    // Which client wrote, is a number or a word: the rest of a row is compared by place.
    const [id, value, quality, changed_at_ms] = heard.data.signals[0];
    return { ...heard, data: { ...heard.data, signals: [{ id, value, quality, changed_at_ms, len: heard.data.signals[0].length }] }, tick: { ...heard.tick, writers: {} } };
  } finally {
    channel.close();
  }
}
