/**
 * The mock's keys, settings, certificate, log level and audit log: what the page's settings show and change.
 *
 * `answer` gives `{status, body}`, or null for a path that is none of its own. Refusals are in the hub's form.
 */

const RANK = { viewer: 0, operator: 1, engineer: 2 };
const LEVELS = /^(error|warn|info|debug|trace)$/;

/** Keys that a mock with `--keys` begins with; stories know them. */
const FIRST_KEYS = [
  { key: 'ct_engineer', name: 'Maria', role: 'engineer', view: null, write: null },
  { key: 'ct_operator', name: 'HMI at press 2', role: 'operator', view: ['twin/**'], write: ['twin/line/SpeedSetpoint'] },
  { key: 'ct_viewer', name: 'Wall screen', role: 'viewer', view: null, write: null },
];

export function refusal(status, code, message) {
  return { status, body: { error: { code, message } } };
}

export class Office {
  keys = [];
  #secrets = new Map();
  #lastKey = 0;
  #wrongTries = 0;
  #wrongTriesMax;
  filter = 'info';
  audit = [];
  settings = [
    ['project.name', 'Bottling line', 'file', false],
    ['web.bind', '0.0.0.0', 'file', false],
    ['web.port', 8000, 'default', false],
    ['web.tls', false, 'default', false],
    ['hub.stale_after_ms', 5000, 'default', false],
    ['hub.max_signals', 1000000, 'environment', false],
    ['realvirtual.line.port', 1234, 'default', false],
    ['realvirtual.line.update_cycle_ms', 10, 'default', true],
    ['realvirtual.line.direction_convention', 'plc', 'default', true],
    ['realvirtual.line.hold_pulses', true, 'default', true],
    ['realvirtual.line.input_patterns', ['sensor', 'limit'], 'file', true],
    ['realvirtual.line.signals', null, 'default', false],
  ].map(([key, value, source, live]) => ({ key, value, source, live }));

  constructor({ keys, tls, auditLen, tries }) {
    this.hasTls = tls;
    this.#wrongTriesMax = tries;
    if (keys) for (const { key, ...row } of FIRST_KEYS) this.#put(key, row);
    const words = [
      ['write', 'twin/line/FaultSwitch', false, true],
      ['connect', 'press', null, null],
      ['config', 'realvirtual.line.update_cycle_ms', 10, 20],
      ['key.add', 'k2', null, { name: 'HMI at press 2', role: 'operator', view: ['twin/**'], write: ['twin/line/SpeedSetpoint'] }],
    ];
    for (let index = 0; index < auditLen; index += 1) {
      const [what, subject, old, now] = words[index % words.length];
      this.note(index % 3 ? 'Maria' : 'HMI at press 2', what, subject, old, now);
    }
  }

  #put(key, row) {
    this.#lastKey += 1;
    const id = `k${this.#lastKey}`;
    this.keys.push({ id, created: '2026-11-20T08:15:00Z', last_used_ms: null, ...row });
    this.#secrets.set(key, id);
    return id;
  }

  note(who, what, subject, old = null, now = null) {
    const n = this.audit.length + 1;
    const at = new Date(Date.UTC(2026, 10, 21, 9, 0, n)).toISOString();
    this.audit.push({ n, at, who, from: '127.0.0.1:50112', what, subject, old, new: now });
  }

  /** Who stands behind a request: `{me}`, or a refusal. A key that is shown must be right, also where none is wanted. */
  admit(key, now_ms) {
    if (key === null && this.keys.length === 0) {
      return { me: { who: 'this machine', role: 'engineer', key: null, keys_exist: false, view: null, write: null } };
    }
    if (this.#wrongTries >= this.#wrongTriesMax) return refusal(429, 'too_many_failures', 'too many wrong keys came from this address: wait a minute');
    const row = this.keys.find(({ id }) => id === this.#secrets.get(key));
    if (!row) {
      if (key !== null) this.#wrongTries += 1;
      return refusal(401, 'unauthorized', key === null ? 'this hub wants a key' : 'no key is this one');
    }
    row.last_used_ms = now_ms;
    const { name, role, id, view, write } = row;
    return { me: { who: name, role, key: id, keys_exist: true, view, write } };
  }

  forgetWrongTries() {
    this.#wrongTries = 0;
  }

  /** Takes a key away, as another page or the command line would. */
  revoke(id) {
    const index = this.keys.findIndex((row) => row.id === id);
    if (index < 0) return false;
    this.keys.splice(index, 1);
    return true;
  }

  answer(me, method, [room, id], query, body) {
    const mayNot = (role) => RANK[me.role] < RANK[role] && refusal(403, 'forbidden', `${me.who} is ${me.role} and may not do that`);
    const ok = (answer) => ({ status: 200, body: answer });
    switch (room) {
      case 'me':
        return ok(me);
      case 'tls':
        return ok(this.#tls());
      case 'config':
        if (method === 'PATCH') return mayNot('engineer') || this.#configure(me, body);
        return ok({ project: '/srv/plants/bottling', settings: this.settings });
      case 'log':
        if (method !== 'PUT') return ok({ filter: this.filter });
        if (mayNot('engineer')) return mayNot('engineer');
        if (!String(body.filter).split(',').every((part) => LEVELS.test(part.split('=').at(-1)))) {
          return refusal(422, 'bad_value', `'${body.filter}' is no filter: expected error, warn, info, debug or trace, or target=level`);
        }
        this.filter = body.filter;
        return ok({ filter: this.filter });
      case 'audit': {
        const before = Number(query.get('before') ?? Infinity);
        const limit = Number(query.get('limit') ?? 100);
        return mayNot('engineer') || ok({ entries: this.audit.filter(({ n }) => n < before).reverse().slice(0, limit) });
      }
      case 'keys':
        return mayNot('engineer') || this.#keysAnswer(me, method, id, body);
      default:
        return null;
    }
  }

  #keysAnswer(me, method, id, body) {
    if (method === 'GET') return { status: 200, body: { keys: this.keys } };
    if (method === 'DELETE') {
      const row = this.keys.find((key) => key.id === id);
      if (!row) return refusal(404, 'not_found', `no key is called '${id}'`);
      const engineers = this.keys.filter(({ role }) => role === 'engineer').length;
      if (row.role === 'engineer' && engineers === 1 && this.keys.length > 1) {
        return refusal(409, 'conflict', 'it is the last key of an engineer: nobody could manage the others');
      }
      this.revoke(id);
      this.note(me.who, 'key.revoke', id, row.name);
      return { status: 204, revoked: id };
    }
    if (this.keys.length === 0 && body.role !== 'engineer') {
      return refusal(422, 'bad_value', "the first key must be an engineer's: otherwise nobody could manage keys");
    }
    const key = `ct_${'mock'.repeat(10)}${String(this.#lastKey + 1).padStart(3, '0')}`;
    const made = this.#put(key, { name: body.name, role: body.role, view: body.view ?? null, write: body.write ?? null });
    this.note(me.who, 'key.add', made, null, { name: body.name, role: body.role, view: body.view ?? null, write: body.write ?? null });
    return { status: 201, body: { id: made, key } };
  }

  #configure(me, changes) {
    for (const [key, value] of Object.entries(changes)) {
      const setting = this.settings.find((each) => each.key === key);
      if (!setting) return refusal(422, 'bad_value', `'${key}': no such setting`);
      if (!setting.live) return refusal(409, 'needs_restart', `'${key}' is read at start`);
      if (key.endsWith('update_cycle_ms') && !(Number.isInteger(value) && value >= 1 && value <= 60000)) {
        return refusal(422, 'bad_value', `'${key}': expected a whole number from 1 to 60000`);
      }
      if (key.endsWith('direction_convention') && !['plc', 'simulation'].includes(value)) {
        return refusal(422, 'bad_value', `'${key}': expected "plc" or "simulation"`);
      }
    }
    for (const [key, value] of Object.entries(changes)) {
      const setting = this.settings.find((each) => each.key === key);
      this.note(me.who, 'config', key, setting.value, value);
      Object.assign(setting, { value, source: 'file' });
    }
    return { status: 200, body: { applied: Object.keys(changes) } };
  }

  #tls() {
    const pairs = Array.from({ length: 32 }, (_, index) => ((index * 37 + 11) % 256).toString(16).toUpperCase().padStart(2, '0'));
    const scheme = this.hasTls ? 'https' : 'http';
    return {
      certificate: this.hasTls
        ? {
            fingerprint: pairs.join(':'),
            names: ['localhost', '127.0.0.1', '::1', 'line-pc', 'line-pc.local', '192.168.1.20'],
            not_before: '2026-11-01T00:00:00Z',
            not_after: '2029-02-03T00:00:00Z',
            own: true,
            file: 'state/tls/certificate.pem',
          }
        : null,
      listeners: [
        { name: 'page', url: `${scheme}://0.0.0.0:8000/`, tls: this.hasTls },
        { name: 'line', url: `${this.hasTls ? 'wss' : 'ws'}://0.0.0.0:1234/`, tls: this.hasTls },
        { name: 'hmi', url: 'ws://127.0.0.1:1235/', tls: false },
      ],
      urls: [`${scheme}://127.0.0.1:8000/`, `${scheme}://192.168.1.20:8000/`],
    };
  }
}
