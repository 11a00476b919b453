/**
 * The mock says exactly what the hub says: the same questions go to both, and their answers must have the same keys
 * with values of the same kinds, and the same status and code where they refuse. The list of questions is the hub's own
 * (`openapi.json`), so that a new one cannot be forgotten. It needs the real hub, `CROSSTIE_BIN`.
 */

import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { differences, shapeOf } from '../shapes.mjs';
import { eventually, freePort, startMock, startProject } from '../support.mjs';

/** What is asked for with GET and is no JSON, or says the same of every hub. */
const NOT_ASKED = ['/healthz', '/metrics', '/api/v1/openapi.json', '/api/v1/live', '/realvirtual/{endpoint}'];
/** Values whose kind is that of a signal or a setting. */
const ANY_KIND = new Set(['value', 'last_value', 'old', 'new']);
/** What must be there in the answers of both, so that nothing is compared with an empty list. */
const MUST_SHOW = {
  '/api/v1/health': (answer) => answer.problems.length > 0,
  '/api/v1/tls': (answer) => answer.certificate !== null,
  '/api/v1/keys': (answer) => answer.keys.some(({ view }) => view !== null),
  '/api/v1/audit': (answer) => answer.entries.length > 0,
  '/api/v1/clients': (answer) => answer.clients.length > 0,
  '/api/v1/routes': (answer) => answer.routes.length > 0,
  '/api/v1/endpoints': (answer) =>
    ['connected', 'waiting'].every((state) => answer.endpoints.some(({ link }) => link?.state === state)) &&
    answer.endpoints.some(({ link }) => link === null),
};

async function ask(hub, key, path, method = 'GET', body = undefined) {
  const response = await fetch(hub.url + path, {
    method,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** The hub in a state in which it has something of everything to tell. */
async function startRich() {
  const [line, hmi, dead] = [await freePort(), await freePort(), await freePort()];
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
`;
  const hub = await startProject(project, {
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
    return { hub, keys: { engineer, operator, viewer }, peers };
  } catch (error) {
    for (const peer of peers) peer.terminate();
    await hub.stop();
    throw error;
  }
}

/** Both sides of the comparison, ended afterwards. */
async function withBoth(tell) {
  const { hub, keys, peers } = await startRich();
  const mock = await startMock('--keys', '--links', '--problems', '--tls', '--audit', '8');
  const mockKeys = { engineer: 'ct_engineer', operator: 'ct_operator', viewer: 'ct_viewer' };
  try {
    await tell([
      { name: 'hub', hub, keys },
      { name: 'mock', hub: mock, keys: mockKeys },
    ]);
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
        const path = pattern.replace('signals/{name}', 'signals/twin/line/Run');
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
        engineer('/api/v1/keys/k3', 'DELETE'),
        engineer('/api/v1/keys/k3', 'DELETE'),
        engineer('/api/v1/keys/k1', 'DELETE'),
        engineer('/api/v1/signals/no/such/name'),
        engineer('/api/v1/no/such/path'),
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
    await eventually('all types were heard', () => heard.data && heard.tick && heard.error);
    // Which client wrote, is a number or a word: the rest of a row is compared by place.
    const [id, value, quality, changed_at_ms] = heard.data.signals[0];
    return { ...heard, data: { ...heard.data, signals: [{ id, value, quality, changed_at_ms, len: heard.data.signals[0].length }] }, tick: { ...heard.tick, writers: {} } };
  } finally {
    channel.close();
  }
}
