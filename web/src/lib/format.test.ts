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
  formatWhole,
  plural,
  seen,
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
    [Number.NaN, '–'],
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
    [Number.NaN, '–'],
  ])('a rate of %s is %s', (rate, shown) => {
    expect(formatRate(rate)).toBe(shown);
  });

  it.each([
    [null, '–'],
    [180, '0.18 ms'],
    [2_340, '2.3 ms'],
    [10_400, '10 ms'],
    [Number.NaN, '–'],
  ])('a round trip of %s µs is %s', (rtt_us, shown) => {
    expect(formatRoundTrip(rtt_us)).toBe(shown);
  });

  it('counts with thousands and nouns', () => {
    expect(formatCount(100_000)).toBe('100,000');
    expect(formatCount(Number.NaN)).toBe('–');
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

describe('signs that nobody sees', () => {
  it('are shown in names', () => {
    expect(seen('twin/line/\u202enuR')).toBe('twin/line/⟨202E⟩nuR');
    expect(seen('a\u200bb\u2066c\ufeff\u0000\u0085\n')).toBe('a⟨200B⟩b⟨2066⟩c⟨FEFF⟩⟨0000⟩⟨0085⟩⟨000A⟩');
    // Languages of classrooms have signs of their own, and none of them is hidden.
    expect(seen('Förderband ລາວ ភាសា ไทย 日本 Tiếng Việt')).toBe('Förderband ລາວ ភាសា ไทย 日本 Tiếng Việt');
  });

  it.each(
    '00AD 034F 061C 115F 1160 17B4 17B5 180B 180C 180D 180E 180F 2028 2029 2800 3164 FE00 FE0F FFA0 FFF9 FFFA FFFB E0001 E0041 E0100 E01EF 1D173 00A0 3000 200D'.split(' '),
  )('%s is one of them', (code) => {
    const name = `a${String.fromCodePoint(Number.parseInt(code, 16))}b`;
    expect(seen(name)).toBe(`a⟨${code}⟩b`);
  });

  it('are shown in texts but for what joins words and makes a picture', () => {
    const kept = 'ก\u200bข \u200cم\u200d ❤\ufe0f 👩\u200d🔧 10\u202f000';
    expect(formatValue('text', kept)).toBe(kept);
    expect(formatExactly(kept)).toBe(kept);
    expect(formatValue('text', 'no\u202e\u3164\u200f')).toBe('no⟨202E⟩⟨3164⟩⟨200F⟩');
    expect(formatExactly('\u202eno')).toBe('⟨202E⟩no');
  });
});

it('a value has one line, and its detail the lines that it has', () => {
  expect(formatValue('text', 'one\ntwo\r\n\tthree')).toBe('one⏎two␍⏎⇥three');
  expect(formatWhole('one\ntwo\r\n\tthree')).toBe('one⏎two␍⏎⇥three');
  expect(formatWhole(1 / 3)).toBe('0.3333333333333333');
  expect(formatWhole(null)).toBe('–');
  expect(formatExactly('one\ntwo\tthree\r')).toBe('one\ntwo\tthree⟨000D⟩');
});

it('of a pile of marks three are shown and the rest is counted', () => {
  const [mark, joiner] = ['\u0e47', '\u200d'];
  expect(seen(`ก${mark.repeat(12)}x`)).toBe(`ก${mark.repeat(3)}⟨+9⟩x`);
  expect(formatValue('text', `ก${mark.repeat(12)}`)).toBe(`ก${mark.repeat(3)}⟨+9⟩`);
  expect(formatExactly(`ก${(mark + joiner).repeat(12)}`)).toContain('⟨+9⟩');
  expect(seen(`ก${mark.repeat(3)}ข${mark.repeat(3)}`)).toBe(`ก${mark.repeat(3)}ข${mark.repeat(3)}`);
});
