import { beforeEach, describe, expect, it } from 'vitest';
import { HubApi, LiveChannel, readAll, type LiveListener, type Socket } from './hub';
import type { HubMessage, Signal } from './protocol';
import type { Link } from './reconnect';
import { signal } from './fixtures';

/** A socket whose far end is the test. */
class TestSocket implements Socket {
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  sent: Record<string, unknown>[] = [];
  isClosed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.isClosed = true;
  }
  say(message: unknown): void {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
  breakOff(): void {
    this.onclose?.({ code: 1006, reason: '' });
  }
}

let now: number;
let sockets: TestSocket[];
let links: Link['phase'][];
let messages: HubMessage[];
let epochs: number[];
let strange: number;
let silences: number;
let channel: LiveChannel;

function socket(): TestSocket {
  const newest = sockets.at(-1);
  if (!newest) throw new Error('no socket was opened');
  return newest;
}

function greet(epoch: number): void {
  socket().say({ type: 'hello', epoch, now_ms: 10, generation: 1, version: '0.1.0' });
}

beforeEach(() => {
  now = 0;
  sockets = [];
  links = [];
  messages = [];
  epochs = [];
  strange = 0;
  silences = 0;
  const listener: LiveListener = {
    link: (link) => links.push(link.phase),
    hello: (epoch) => epochs.push(epoch),
    message: (message) => messages.push(message),
    strange: () => (strange += 1),
    silent: () => (silences += 1),
  };
  channel = new LiveChannel(listener, {
    now: () => now,
    open: () => {
      sockets.push(new TestSocket());
      return socket();
    },
    jitter: () => 0.5,
  });
  channel.release();
  links = [];
});

describe('what is no frame', () => {
  it('is not taken and counted, and the channel goes on', () => {
    greet(1);
    const wrong = ['null', '[]', '7', 'no json', '{}', '{"type":7}', '{"type":"data"}', '{"type":"data","now_ms":1,"signals":{}}', '{"type":"data","now_ms":1,"signals":[null]}',
      '{"type":"snapshot","now_ms":1,"signals":[null]}', '{"type":"added","signals":[{}]}', '{"type":"tick","now_ms":1}', '{"type":"hello"}', '{"type":"write_result","id":1}', '{"type":"plc","context":"line"}', '{"type":"classroom","now_ms":1}'];
    for (const text of wrong) socket().say(text);
    expect(messages).toEqual([]);
    expect(epochs).toEqual([1]);
    expect(strange).toBe(wrong.length);
    socket().say({ type: 'data', now_ms: 2, generation: 3, signals: [[0, true, 'good', 1, null]] });
    socket().say({ type: 'of-a-newer-hub' });
    expect(messages.length).toBe(2);
    expect(strange).toBe(wrong.length);
  });
});

describe('a watch of the classroom', () => {
  const watches = () => socket().sent.filter(({ type }) => type === 'watch_classroom').map(({ on }) => on);

  it('begins when it is wanted, is asked for again in a new connection, and ends', () => {
    greet(1);
    expect(watches()).toEqual([]);
    channel.watchClassroom(true);
    channel.watchClassroom(true);
    expect(watches()).toEqual([true]);
    socket().breakOff();
    channel.retryNow();
    expect(watches()).toEqual([]);
    greet(2);
    expect(watches()).toEqual([true]);
    socket().say({ type: 'classroom', now_ms: 5, players: [], console: [] });
    expect(messages.at(-1)?.type).toBe('classroom');
    channel.watchClassroom(false);
    expect(watches()).toEqual([true, false]);
  });
});

describe('a held channel', () => {
  it('opens no socket, before its release and after it was held again', () => {
    channel.hold();
    expect([socket().isClosed, links]).toEqual([true, ['held']]);
    now = 60_000;
    channel.clock();
    channel.retryNow();
    expect(sockets).toHaveLength(1);
    channel.release();
    expect(sockets).toHaveLength(2);
  });

  it('says of a write under way that its result is unknown', async () => {
    greet(5);
    const written = channel.write('a', 1, 5);
    channel.hold();
    await expect(written).rejects.toMatchObject({ code: 'unknown_result' });
  });
});

describe('the view', () => {
  it('is sent after the hello, sorted and without doubles', () => {
    channel.setView(['b', 'a', 'b']);
    expect(socket().sent).toEqual([]);
    greet(5);
    expect(socket().sent).toEqual([{ type: 'subscribe', id: 1, names: ['a', 'b'], patterns: [] }]);
  });

  it('is not sent again when nothing changed, and at most every 100 ms when it did', () => {
    greet(5);
    channel.setView(['a']);
    channel.setView(['a']);
    channel.setView(['b']);
    expect(socket().sent.map((message) => message['names'])).toEqual([[]]);
    now = 99;
    channel.clock();
    expect(socket().sent).toHaveLength(1);
    now = 100;
    channel.clock();
    expect(socket().sent.map((message) => message['names'])).toEqual([[], ['b']]);
    now = 500;
    channel.clock();
    expect(socket().sent).toHaveLength(2);
  });

  it('is asked for anew on the next connection', () => {
    channel.setView(['a']);
    greet(5);
    socket().breakOff();
    channel.retryNow();
    greet(6);
    expect(sockets).toHaveLength(2);
    expect(socket().sent.map((message) => message['names'])).toEqual([['a']]);
    expect([epochs, links]).toEqual([[5, 6], ['live', 'waiting', 'connecting', 'live']]);
  });
});

describe('a write', () => {
  it('carries its epoch and gives what was stored', async () => {
    greet(5);
    const written = channel.write('a', 900, 5);
    expect(socket().sent.at(-1)).toEqual({ type: 'write', id: 2, epoch: 5, signals: { a: 900 } });
    socket().say({ type: 'write_result', id: 2, signals: { a: { ok: true, value: 500 } } });
    await expect(written).resolves.toBe(500);
  });

  it('is refused in the words of the hub, for the signal or as a whole', async () => {
    greet(5);
    const one = channel.write('a', 1, 5);
    socket().say({ type: 'write_result', id: 2, signals: { a: { ok: false, code: 'bad_value', message: 'expected a bool' } } });
    await expect(one).rejects.toMatchObject({ code: 'bad_value', message: 'expected a bool' });
    const other = channel.write('a', 1, 5);
    socket().say({ type: 'error', id: 3, code: 'stale_epoch', message: 'too late' });
    await expect(other).rejects.toMatchObject({ code: 'stale_epoch' });
  });

  it('says when it was given, as far as the page knows the hub’s time', () => {
    greet(5);
    let given: number | null = null;
    channel.givenAt = () => given;
    void channel.write('a', 1, 5);
    given = 81_234;
    void channel.write('a', 2, 5);
    const writes = socket().sent.filter((message) => message['type'] === 'write');
    expect(writes.map((message) => message['given_at_ms'])).toEqual([undefined, 81_234]);
  });

  it('of an older epoch, or without a link, never leaves the page', async () => {
    await expect(channel.write('a', 1, 5)).rejects.toMatchObject({ code: 'stale_epoch' });
    greet(5);
    socket().breakOff();
    channel.retryNow();
    greet(6);
    await expect(channel.write('a', 1, 5)).rejects.toMatchObject({ code: 'stale_epoch' });
    expect(sockets.flatMap((each) => each.sent).filter((message) => message['type'] === 'write')).toEqual([]);
  });

  it('without an answer is reported as unknown when the link breaks, and never sent again', async () => {
    greet(5);
    const written = channel.write('a', 1, 5);
    socket().breakOff();
    await expect(written).rejects.toMatchObject({ code: 'unknown_result' });
    channel.retryNow();
    greet(6);
    expect(socket().sent.map((message) => message['type'])).toEqual(['subscribe']);
  });

  it('without an answer is reported as unknown after five seconds of an otherwise living link', async () => {
    greet(5);
    const written = channel.write('a', 1, 5);
    for (now = 1_000; now <= 5_000; now += 1_000) {
      socket().say({ type: 'tick', now_ms: now, generation: 1, writers: {}, lag_ms: 0 });
      channel.clock();
    }
    await expect(written).rejects.toMatchObject({ code: 'unknown_result' });
  });
});

describe('a strange hub', () => {
  it('may send what is no message', () => {
    greet(5);
    socket().say('{"type":');
    socket().onmessage?.({ data: new ArrayBuffer(4) });
    socket().say({ type: 'write_result', id: 99, signals: {} });
    socket().say({ type: 'error', id: null, code: 'bad_request', message: '' });
    expect(channel.link.phase).toBe('live');
    expect(messages.map((message) => message.type)).toEqual(['error']);
  });

  it('that is silent is left, and what it says later is not heard', () => {
    greet(5);
    const old = socket();
    now = 4_000;
    channel.clock();
    expect([old.isClosed, channel.link.phase, silences]).toEqual([true, 'waiting', 1]);
    old.say({ type: 'hello', epoch: 9, now_ms: 0, generation: 0, version: '' });
    expect(channel.link.phase).toBe('waiting');
  });

  it('that closes its channel is not silent: it may still answer what it was asked', () => {
    greet(5);
    socket().breakOff();
    channel.retryNow();
    greet(6);
    channel.hold();
    expect(silences).toBe(0);
  });
});

describe('requests', () => {
  function api(status: number, body: string): HubApi {
    return new HubApi('', () => Promise.resolve(new Response(body, { status })));
  }

  it('give the body, or the hub’s refusal, or that nobody answered', async () => {
    await expect(api(200, '{"status":"ok"}').health()).resolves.toEqual({ status: 'ok' });
    await expect(api(503, '{"error":{"code":"busy","message":"later"}}').health()).rejects.toMatchObject({ code: 'busy', message: 'later' });
    await expect(api(502, '<html>').health()).rejects.toMatchObject({ code: 'http_502' });
    await expect(api(200, 'no json').health()).rejects.toMatchObject({ code: 'http_200' });
    const nobody = new HubApi('', () => Promise.reject(new TypeError('failed')));
    await expect(nobody.health()).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('are given once and in time where they change something', async () => {
    const given: { method: string; name: string | null; at: string | null }[] = [];
    const asked = new HubApi('', (_, init) => {
      const headers = new Headers(init?.headers);
      given.push({ method: init?.method ?? '', name: headers.get('idempotency-key'), at: headers.get('crosstie-given-at') });
      return Promise.resolve(new Response('{"context":{}}'));
    });
    await asked.plcCommand('line', 'start');
    let now: number | null = 81_234;
    asked.givenAt = () => now;
    await asked.plcCommand('line', 'start');
    now = null;
    await asked.plcRemove('line');
    await asked.health();
    expect(given.map(({ method, at }) => [method, at])).toEqual([['POST', null], ['POST', '81234'], ['DELETE', null], ['GET', null]]);
    const names = given.map(({ name }) => name);
    expect(new Set(names).size).toBe(4);
    expect(names.pop()).toBeNull();
    for (const name of names) expect(name).toMatch(/^[0-9a-z-]{1,64}$/);
  });

  it('that change something are not known to be done where nobody answers, and are not waited for without a link', async () => {
    const nobody = new HubApi('', () => Promise.reject(new TypeError('failed')));
    await expect(nobody.plcCommand('line', 'stop')).rejects.toMatchObject({ code: 'unknown_result' });
    const silent = new HubApi('', (_, init) => new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('ended')))));
    const [order, question] = [silent.plcCommand('line', 'stop'), silent.health()];
    let isAnswered = false;
    void question.catch(() => (isAnswered = true));
    silent.abandonOrders();
    await expect(order).rejects.toMatchObject({ code: 'unknown_result' });
    expect(isAnswered, 'who only looks goes on waiting').toBe(false);
    // The next one is waited for again.
    const next = silent.plcCommand('line', 'start');
    silent.abandonOrders();
    await expect(next).rejects.toMatchObject({ code: 'unknown_result' });
  });

  it('show their key in a header and nowhere else, and say so when it is refused', async () => {
    const asked: { address: string; key: string | null }[] = [];
    let status = 200;
    const keyed = new HubApi('http://hub/line/', (input, init) => {
      asked.push({ address: String(input), key: new Headers(init?.headers).get('authorization') });
      return Promise.resolve(new Response('{"error":{"code":"unauthorized","message":"a key is wanted"}}', { status }));
    });
    let refusals = 0;
    keyed.onunauthorized = () => (refusals += 1);
    await keyed.health();
    keyed.key = 'ct_a';
    await keyed.health();
    await keyed.me('ct_b');
    expect(asked).toEqual([
      { address: 'http://hub/line/api/v1/health', key: null },
      { address: 'http://hub/line/api/v1/health', key: 'Bearer ct_a' },
      { address: 'http://hub/line/api/v1/me', key: 'Bearer ct_b' },
    ]);
    status = 401;
    await expect(keyed.health()).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
    // A key that is only tried is nobody's loss.
    await expect(keyed.me('ct_b')).rejects.toMatchObject({ status: 401 });
    expect(refusals).toBe(1);
  });

  it('that are answered under an old key say nothing about the new one', async () => {
    let refusals = 0;
    const keyed: HubApi = new HubApi('', () => {
      keyed.key = 'ct_new';
      return Promise.resolve(new Response('{}', { status: 401 }));
    });
    keyed.key = 'ct_old';
    keyed.onunauthorized = () => (refusals += 1);
    await expect(keyed.health()).rejects.toMatchObject({ status: 401 });
    expect(refusals).toBe(0);
  });

  it('carry a body as JSON, take an answer without one, and can be given up', async () => {
    const bodies: unknown[] = [];
    const written = new HubApi('', (_, init) => {
      bodies.push([init?.method, init?.body]);
      return Promise.resolve(new Response(null, { status: 204 }));
    });
    await written.acknowledge('echo:1');
    await written.acknowledge(null);
    await written.disconnect('press');
    expect(bodies).toEqual([['POST', '{"id":"echo:1"}'], ['POST', '{}'], ['POST', undefined]]);

    const cancel = new AbortController();
    const slow = new HubApi('', (_, init) => new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))));
    const waiting = slow.importFrom('press', cancel.signal);
    cancel.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('read the catalog page after page until it ends', async () => {
    const asked: string[] = [];
    const pages = new HubApi('', (input) => {
      const after = new URL(String(input), 'http://hub').searchParams.get('after') ?? '0';
      asked.push(after);
      const id = Number(after) + 1;
      const body = { now_ms: 0, generation: 1, total: 3, next: id < 3 ? String(id) : null, signals: [signal(id, `s${id}`)] };
      return Promise.resolve(new Response(JSON.stringify(body)));
    });
    const read: Signal[] = [];
    await readAll(pages, {}, (signals) => read.push(...signals), () => true);
    expect([asked, read.map(({ id }) => id)]).toEqual([['0', '1', '2'], [1, 2, 3]]);
    await readAll(pages, {}, () => expect.unreachable(), () => false);
  });
});

describe('a watched PLC', () => {
  const watched = () => socket().sent.filter(({ type }) => type === 'watch_plc').map(({ context }) => context);

  it('is asked for once it can be, again after each reconnect, and left', () => {
    channel.watchPlc('line');
    expect(watched()).toEqual([]);
    greet(1);
    expect(socket().sent.find(({ type }) => type === 'watch_plc')).toMatchObject({ context: 'line', power: true, cycle_ms: 100 });
    channel.watchPlc('line');
    expect(watched()).toEqual(['line']);
    socket().breakOff();
    now = 60_000;
    channel.clock();
    greet(2);
    expect(watched()).toEqual(['line']);
    channel.watchPlc(null);
    expect(watched()).toEqual(['line', null]);
  });

  it('has its frames told on', () => {
    greet(1);
    socket().say({ type: 'plc', context: 'line', now_ms: 5, scan: {}, forced: [], breakpoints: [], power: '' });
    expect(messages).toMatchObject([{ type: 'plc', context: 'line' }]);
  });
});

describe('PLC requests', () => {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  function api(status: number, body: string): HubApi {
    asked.length = 0;
    return new HubApi('http://hub/', async (url, init) => {
      asked.push({ url: String(url), init });
      return new Response(status === 204 ? null : body, { status });
    });
  }

  it('carry addresses and names escaped', async () => {
    await api(204, '').plcRelease('Press 2', 'I:0/3');
    expect(asked[0]).toMatchObject({ url: 'http://hub/api/v1/plc/contexts/Press%202/forces/I%3A0%2F3', init: { method: 'DELETE' } });
  });

  it('send a document as it is, and only stop an engine when told to', async () => {
    await api(200, '{"context":{},"diagnostics":[]}').plcDownload('line', '<PLCProject/>', false);
    expect(asked[0]).toMatchObject({ url: 'http://hub/api/v1/plc/contexts/line/program', init: { body: '<PLCProject/>', headers: { 'content-type': 'application/xml' } } });
    await api(200, '{"context":{},"diagnostics":[]}').plcDownload('line', 'SOR EOR', true);
    expect(asked[0]?.url).toMatch(/\?stop=true$/);
  });

  it('give a document as text, and what is wrong with a refused one', async () => {
    expect(await api(200, 'SOR EOR').plcDocument('line')).toBe('SOR EOR');
    const refused = api(422, '{"error":{"code":"bad_program","message":"refused"},"diagnostics":[{"code":"E103"}]}').plcDownload('line', 'x', false);
    await expect(refused).rejects.toMatchObject({ code: 'bad_program', diagnostics: [{ code: 'E103' }] });
  });
});
