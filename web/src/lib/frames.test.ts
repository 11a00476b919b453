import { describe, expect, it } from 'vitest';
import { readAnswer, readFrame } from './frames';

const CLOCK = { mode: 'scaled', rate: 10, running: true, now_ms: 5, until_ms: null, real_ms: 7 };
const REPLAY = { state: 'playing', recording: 'shift', position_ms: 1, duration_ms: 2, speed: 1, loop: false, leads_clock: false, signals: 3, skipped: [], error: null };
const COUNTERS = { updates_in: 0, updates_out: 0, ignored: {} };
const ENDPOINT = { name: 'line', protocol: 'realvirtual', role: 'server', url: 'ws://h:1234/', state: 'listening', bind: '127.0.0.1', link: null, counters: COUNTERS };
const CLIENT = { id: 1, name: 'Twin', protocol: 'realvirtual', endpoint: 'line', address: '127.0.0.1:5', state: 'good', counters: COUNTERS };

const without = (whole: object, part: string): object => Object.fromEntries(Object.entries(whole).filter(([key]) => key !== part));

describe('a frame', () => {
  const isTaken = (frame: object): boolean => readFrame(JSON.stringify(frame)) !== null;

  it('of the clock has all that the page reckons with', () => {
    expect(isTaken({ type: 'clock', ...CLOCK })).toBe(true);
    for (const part of ['mode', 'rate', 'running', 'now_ms', 'real_ms']) expect(isTaken({ type: 'clock', ...without(CLOCK, part) }), part).toBe(false);
    expect(isTaken({ type: 'clock', ...CLOCK, rate: null })).toBe(false);
    expect(readFrame('{"type":"clock","mode":"real","rate":1e999,"running":true,"now_ms":1,"real_ms":1}')).toBeNull();
  });

  it('of a replay says nothing more where nothing is replayed', () => {
    expect(isTaken({ type: 'replay', ...REPLAY })).toBe(true);
    expect(isTaken({ type: 'replay', state: 'idle' })).toBe(true);
    expect(isTaken({ type: 'replay' })).toBe(false);
    expect(isTaken({ type: 'replay', ...REPLAY, skipped: [null] })).toBe(false);
    for (const part of ['recording', 'position_ms', 'duration_ms', 'speed', 'signals', 'skipped']) expect(isTaken({ type: 'replay', ...without(REPLAY, part) }), part).toBe(false);
  });

  it('of a newer hub passes, and what is none does not', () => {
    expect(isTaken({ type: 'weather', sun: true })).toBe(true);
    for (const text of ['', '7', '[]', '{}', '{"type":7}', 'null']) expect(readFrame(text)).toBeNull();
  });
});

describe('an answer', () => {
  it('is taken when it has what the page cannot do without', () => {
    const lists = { endpoints: [ENDPOINT], lan: [] };
    expect(readAnswer('clock', CLOCK)).toBe(CLOCK);
    expect(readAnswer('replay', REPLAY)).toBe(REPLAY);
    expect(readAnswer('endpoints', lists)).toBe(lists);
    expect(() => readAnswer('clients', { clients: [CLIENT] })).not.toThrow();
  });

  it('is refused in words otherwise', () => {
    for (const wrong of [{}, null, 7, [], { clients: [{}] }, { clients: [without(CLIENT, 'counters')] }, { clients: [without(CLIENT, 'address')] }]) {
      expect(() => readAnswer('clients', wrong)).toThrow('the hub’s answer about its clients was not understood');
    }
    for (const wrong of [{}, { endpoints: [ENDPOINT] }, { endpoints: [without(ENDPOINT, 'url')], lan: [] }]) expect(() => readAnswer('endpoints', wrong)).toThrow('endpoints');
    expect(() => readAnswer('clock', { ...CLOCK, rate: null })).toThrow('clock');
    expect(() => readAnswer('replay', {})).toThrow('replay');
  });
});
