import { describe, expect, it } from 'vitest';
import { asItWas, isHeard, linkHint, linkWord, retryWords, stateShown } from './plc-link';
import type { PlcLink } from './plc-protocol';

const UP: PlcLink = { color: 'green', reason: null, url: 'ws://192.0.2.9:9100/', server: 'PiPLC Engine 0.2.0', dialect: '0.2', remote_context: 'main', attempts: 0, retry_in_ms: null };
const DOWN: PlcLink = { ...UP, color: 'red', reason: 'connection refused', attempts: 3, retry_in_ms: 2_400 };
const DIALLING: PlcLink = { ...UP, color: 'yellow', server: null, dialect: null };
const RESERVED: PlcLink = { ...UP, color: 'yellow', reason: 'the engine has another program' };

describe('a link', () => {
  it('is told by its word and not by its colour alone', () => {
    expect([UP, DOWN, DIALLING, RESERVED, { ...DIALLING, retry_in_ms: 900 }].map(linkWord)).toEqual(['linked', 'link down', 'connecting', 'linked, with a reservation', 'waiting']);
  });

  it('that is up is heard, and so is one with a reservation', () => {
    expect([null, undefined, UP, RESERVED].map((link) => isHeard(link === undefined ? {} : { link }))).toEqual([true, true, true, true]);
    expect([DOWN, DIALLING].map((link) => isHeard({ link }))).toEqual([false, false]);
  });

  it('says when it is tried again', () => {
    expect(retryWords(DOWN, 0)).toBe('again in 3 s');
    expect(retryWords(DOWN, 1_000)).toBe('again in 2 s');
    expect(retryWords(DOWN, 60_000)).toBe('again now');
    expect(retryWords({ ...DOWN, retry_in_ms: null }, 0)).toBe('trying now');
    expect(retryWords(UP, 0)).toBeNull();
    expect(retryWords(RESERVED, 0)).toBeNull();
  });
});

it('a state that nobody hears is what it was', () => {
  expect(stateShown({ state: 'Running' }, true)).toBe('Running');
  expect(stateShown({ state: 'Running' }, false)).toBe('was Running');
  expect(stateShown({ state: 'Running', link: DOWN }, true)).toBe('was Running');
  expect(stateShown({ state: 'Running', link: RESERVED }, true)).toBe('Running');
});

it('commands over a link that is down are refused with its reason', () => {
  expect(linkHint({ name: 'press', link: DOWN })).toBe('The link to the engine of press is down: connection refused.');
  expect(linkHint({ name: 'press', link: UP })).toBeNull();
  expect(linkHint({ name: 'line' })).toBeNull();
});

it('a picture has its age', () => {
  expect(asItWas(10_000, 6_000)).toBe('as it was 4 s ago');
  expect(asItWas(10_000, null)).toBe('as it was when it was last heard');
});
