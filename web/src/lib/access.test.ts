import { beforeEach, describe, expect, it } from 'vitest';
import { Access } from './access.svelte';
import { HubApi } from './hub';
import { KeyStore } from './key-store';

/** A hub that knows some keys; with none it takes everybody. */
let known: string[];
let isReachable: boolean;
let isPatient: boolean;
let asked: (string | null)[];
let told: string[];
let kept: Map<string, string>;
let access: Access;
/** Holds the answer to a new key back until it is over. */
let making: Promise<void>;

function storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

function answer(input: unknown, init: RequestInit | undefined): Promise<Response> {
  if (!isReachable) return Promise.reject(new TypeError('failed'));
  const key = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) ?? null;
  asked.push(key);
  const isIn = known.length === 0 ? key === null : key !== null && known.includes(key);
  const json = (status: number, body: unknown): Promise<Response> => Promise.resolve(new Response(JSON.stringify(body), { status }));
  if (!isPatient) return json(429, { error: { code: 'too_many_failures', message: 'wait' } });
  if (!isIn) return json(401, { error: { code: 'unauthorized', message: 'a key is wanted' } });
  if (String(input).endsWith('/keys')) {
    known.push('ct_made');
    return making.then(() => json(201, { id: 'k1', key: 'ct_made' }));
  }
  return json(200, { who: key ?? 'this machine', role: 'engineer', key, keys_exist: known.length > 0, view: null, write: null });
}

function start(): void {
  const nothing = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  access = new Access(new HubApi('', answer), new KeyStore('http://hub/', () => ({ tab: storage(), device: nothing })), {
    opened: () => told.push('opened'),
    locked: () => told.push('locked'),
  });
}

beforeEach(() => {
  known = ['ct_a', 'ct_b'];
  isReachable = true;
  isPatient = true;
  asked = [];
  told = [];
  kept = new Map();
  making = Promise.resolve();
  start();
});

describe('the gate', () => {
  it('stays shut without a key, and one question finds that out', async () => {
    await access.ask();
    expect(access.gate).toMatchObject({ phase: 'locked', reason: 'wanted' });
    expect([told, asked]).toEqual([['locked'], [null]]);
  });

  it('opens for whoever needs no key, and for a hub that does not answer: that is the channel’s to tell', async () => {
    known = [];
    await access.ask();
    expect([access.gate.phase, access.me?.who]).toEqual(['open', 'this machine']);
    isReachable = false;
    start();
    await access.ask();
    expect([access.gate.phase, access.me]).toEqual(['open', null]);
  });

  it('opens for a good key and keeps it; a bad one changes nothing', async () => {
    await access.ask();
    expect(await access.enter('ct_wrong', 'tab')).toMatchObject({ ok: false, reason: 'wrong' });
    expect([access.gate.phase, kept.size]).toEqual(['locked', 0]);
    expect(await access.enter('ct_a', 'tab')).toEqual({ ok: true });
    expect([access.gate.phase, access.me?.who, access.keeping, [...kept.values()]]).toEqual(['open', 'ct_a', 'tab', ['ct_a']]);
    start();
    await access.ask();
    expect([access.gate.phase, access.me?.who]).toEqual(['open', 'ct_a']);
  });

  it('tells too many tries and no answer from a wrong key', async () => {
    isPatient = false;
    expect(await access.enter('ct_a', 'tab')).toMatchObject({ ok: false, reason: 'too_many', message: 'wait' });
    await access.ask();
    expect(access.gate).toMatchObject({ phase: 'locked', reason: 'too_many' });
    isPatient = true;
    await access.ask();
    expect(access.gate).toMatchObject({ phase: 'locked', reason: 'wanted' });
    isReachable = false;
    expect(await access.enter('ct_a', 'tab')).toMatchObject({ ok: false, reason: 'unreachable' });
    // Silence does not open what was locked.
    await access.ask();
    expect(access.gate.phase).toBe('locked');
  });

  it('locks when the key in use is refused, drops the key, and says why though it is asked again', async () => {
    await access.enter('ct_a', 'tab');
    known = ['ct_b'];
    await expect(access.api.health()).rejects.toMatchObject({ status: 401 });
    expect([access.gate, access.api.key, kept.size, access.me]).toMatchObject([{ phase: 'locked', reason: 'revoked' }, null, 0, null]);
    await access.ask();
    expect(access.gate).toMatchObject({ reason: 'revoked' });
    expect(await access.enter('ct_b', 'tab')).toEqual({ ok: true });
  });

  it('is shut by forgetting, and then wants a key', async () => {
    await access.enter('ct_a', 'tab');
    access.forget();
    expect([access.gate.phase, kept.size]).toEqual(['asking', 0]);
    await access.ask();
    await expect.poll(() => access.gate).toMatchObject({ phase: 'locked', reason: 'wanted' });
  });
});

describe('the first key', () => {
  it('is used by the page that made it, whatever is refused in between', async () => {
    known = [];
    await access.ask();
    let answerNow = (): void => undefined;
    making = new Promise((resolve) => (answerNow = resolve));
    const made = access.makeKey({ name: 'Maria', role: 'engineer' });
    await expect(access.api.health()).rejects.toMatchObject({ status: 401 });
    expect(access.gate.phase).toBe('open');
    answerNow();
    expect((await made).key).toBe('ct_made');
    expect([access.gate.phase, access.api.key, [...kept.values()]]).toEqual(['open', 'ct_made', ['ct_made']]);
    await expect.poll(() => access.me?.who).toBe('ct_made');
  });

  it('is not used where the page has one already', async () => {
    await access.enter('ct_a', 'tab');
    await access.makeKey({ name: 'Panel', role: 'operator' });
    expect([access.api.key, [...kept.values()]]).toEqual(['ct_a', ['ct_a']]);
  });
});
