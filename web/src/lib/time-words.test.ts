import { describe, expect, test } from 'vitest';
import type { ClockState, ReplayState } from './rails-protocol';
import { clockSign, clockWords, formatSpan, formatTimes, positionOf, readNumber, replayWords } from './time-words';

const CLOCK: ClockState = { mode: 'real', rate: 1, running: true, now_ms: 5_000, until_ms: null, real_ms: 5_000 };
const REPLAY: ReplayState = {
  state: 'playing',
  recording: 'a.mcap',
  position_ms: 1_000,
  duration_ms: 10_000,
  speed: 10,
  loop: false,
  leads_clock: false,
  signals: 2,
  skipped: [],
  error: null,
};

test('lengths of time are written as a clock shows them', () => {
  expect(formatSpan(0)).toBe('0:00.0');
  expect(formatSpan(7_349)).toBe('0:07.3');
  expect(formatSpan(59_999)).toBe('0:59.9');
  expect(formatSpan(59_999, 0)).toBe('0:59');
  expect(formatSpan(3_723_045, 3)).toBe('1:02:03.045');
  expect(formatSpan(-4)).toBe('0:00.0');
  expect(formatTimes(0.1)).toBe('0.1×');
  expect(formatTimes(100)).toBe('100×');
});

describe('the clock', () => {
  test('that goes as the world’s has no sign', () => {
    expect(clockSign(null)).toBeNull();
    expect(clockSign(CLOCK)).toBeNull();
  });

  test('says its mode and rate, and when it stands', () => {
    expect(clockSign({ ...CLOCK, mode: 'scaled', rate: 10 })).toEqual({ word: 'Scaled', rate: '10×', isStanding: false });
    expect(clockSign({ ...CLOCK, mode: 'stepped', rate: 0, running: false })).toEqual({ word: 'Stepped', rate: 'stands', isStanding: true });
    expect(clockSign({ ...CLOCK, mode: 'recording', rate: 0, running: false })?.isStanding).toBe(true);
  });

  test('is told as a sentence in each mode', () => {
    const sentences = (['real', 'scaled', 'stepped', 'recording'] as const).flatMap((mode) => [clockWords({ ...CLOCK, mode }), clockWords({ ...CLOCK, mode, running: false, rate: 0 })]);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(clockWords({ ...CLOCK, mode: 'stepped', running: true, until_ms: 5_100 })).toContain('0:05.100');
  });
});

test('a replay goes on between two words of the hub, to its end and no further', () => {
  expect(positionOf(REPLAY, 500)).toBe(6_000);
  expect(positionOf(REPLAY, 5_000)).toBe(10_000);
  expect(positionOf(REPLAY, -5)).toBe(1_000);
  expect(positionOf({ ...REPLAY, state: 'paused' }, 500)).toBe(1_000);
  expect(replayWords(REPLAY)).toBe('playing at 10×');
  expect(replayWords({ ...REPLAY, speed: 1 })).toBe('playing');
  expect(replayWords({ ...REPLAY, state: 'ended' })).toContain('ended');
  // At full speed nobody knows where it is until the hub says so.
  expect(positionOf({ ...REPLAY, speed: 0 }, 500)).toBe(1_000);
  expect(replayWords({ ...REPLAY, speed: 0 })).toBe('playing as fast as the hub can');
});

test('typed numbers are read within their limits', () => {
  expect(readNumber('0,5', 0.1, 100, 'Rate')).toEqual({ ok: true, value: 0.5 });
  for (const typed of ['', ' ', '0', '101', 'fast', 'NaN']) expect(readNumber(typed, 0.1, 100, 'Rate')).toEqual({ ok: false, expected: 'Rate: expected a number from 0.1 to 100.' });
});
