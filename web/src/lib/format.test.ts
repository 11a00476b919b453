import { describe, expect, it } from 'vitest';
import {
  fingerprintRows,
  formatAge,
  formatCount,
  formatExactly,
  formatMoment,
  formatRate,
  formatRoundTrip,
  formatValidity,
  formatValue,
  plural, seen
} from './format';

describe('values', () => {
  it.each([
    ['bool', true, 'true'],
    ['bool', false, 'false'],
    ['int', 42, '42'],
    ['int', -2147483648, '-2147483648'],
    ['float', 0, '0.000'],
    ['float', 42.5, '42.500'],
    ['float', 0.001, '0.001'],
    ['float', 0.0009, '9.000e-4'],
    ['float', 999999999, '999999999.000'],
    ['float', 1e9, '1.000e+9'],
    ['float', -1e9, '-1.000e+9'],
    ['text', 'Running', 'Running'],
    ['text', '', ''],
    ['float', null, '–'],
  ] as const)('%s %s is shown as %s', (kind, value, shown) => {
    expect(formatValue(kind, value)).toBe(shown);
  });

  it('shows every digit in the detail', () => {
    expect(formatExactly(1 / 3)).toBe('0.3333333333333333');
    expect(formatExactly(null)).toBe('–');
  });
});

describe('ages', () => {
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  it.each([
    [-5, '< 1 s'],
    [0, '< 1 s'],
    [999, '< 1 s'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [MINUTE, '1 min'],
    [HOUR - 1, '59 min'],
    [HOUR, '1 h 0 min'],
    [DAY - 1, '23 h 59 min'],
    [DAY, '1 d 0 h'],
    [40 * DAY + 5 * HOUR, '40 d 5 h'],
  ])('%d ms are %s', (age_ms, shown) => {
    expect(formatAge(age_ms)).toBe(shown);
  });
});

describe('figures', () => {
  it.each([
    [null, '–'],
    [0, '0'],
    [0.44, '0.4'],
    [9.96, '10.0'],
    [10, '10'],
    [1234.6, '1,235'],
  ])('a rate of %s is %s', (rate, shown) => {
    expect(formatRate(rate)).toBe(shown);
  });

  it.each([
    [null, '–'],
    [180, '0.18 ms'],
    [2_340, '2.3 ms'],
    [10_400, '10 ms'],
  ])('a round trip of %s µs is %s', (rtt_us, shown) => {
    expect(formatRoundTrip(rtt_us)).toBe(shown);
  });

  it('counts with thousands and nouns', () => {
    expect(formatCount(100_000)).toBe('100,000');
    expect(plural(0, 'client')).toBe('0 clients');
    expect(plural(1, 'client')).toBe('1 client');
    expect(plural(1_200, 'client')).toBe('1,200 clients');
  });
});

describe('moments', () => {
  it('are written in the time of the machine, to the second', () => {
    expect(formatMoment('2026-11-21T09:05:07.123Z', 'UTC')).toBe('2026-11-21 09:05:07');
    expect(formatMoment('2026-11-21T23:05:07Z', 'Asia/Bangkok')).toBe('2026-11-22 06:05:07');
    expect(formatMoment('soon')).toBe('soon');
  });

  it('give the rest of a validity in whole days', () => {
    const now = Date.UTC(2026, 10, 21);
    const check = (until: string, text: string): void => expect(formatValidity(until, now)).toBe(text);
    check('2026-11-21T00:00:00Z', 'expired');
    check('2026-11-21T23:59:59Z', 'for less than a day');
    check('2026-11-22T00:00:00Z', 'for 1 more day');
    check('2029-11-21T00:00:00Z', 'for 1,096 more days');
    check('soon', '');
  });
});

describe('a fingerprint', () => {
  it('is read in rows of eight bytes', () => {
    expect(fingerprintRows(Array.from({ length: 18 }, () => 'AB').join(':')).map((row) => row.length)).toEqual([23, 23, 5]);
  });
});

it('signs that nobody sees are shown in names, and in texts but for their lines', () => {
  expect(seen('twin/line/\u202enuR')).toBe('twin/line/⟨202E⟩nuR');
  expect(seen('a\u200bb\u2066c\ufeff\u0000\u0085\n')).toBe('a⟨200B⟩b⟨2066⟩c⟨FEFF⟩⟨0000⟩⟨0085⟩⟨000A⟩');
  // Languages of classrooms have signs of their own, and none of them is hidden.
  expect(seen('Förderband ລາວ ភាសា ไทย 日本')).toBe('Förderband ລາວ ភាសា ไทย 日本');
  expect(formatValue('text', 'one\ntwo\u200f')).toBe('one\ntwo⟨200F⟩');
  expect(formatExactly('\u202eno')).toBe('⟨202E⟩no');
});
