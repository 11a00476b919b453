import { expect, it } from 'vitest';
import { parseEntry } from './entry';

it.each([
  ['text', '', ''],
  ['text', ' two words ', ' two words '],
  ['bool', 'TRUE', true],
  ['bool', ' 0 ', false],
  ['bool', 'on', true],
  ['int', '42', 42],
  ['int', ' -7 ', -7],
  ['int', '9007199254740991', 9007199254740991],
  ['float', '42.5', 42.5],
  ['float', '.5', 0.5],
  ['float', '5.', 5],
  ['float', '-1e3', -1000],
] as const)('%s takes “%s” as %s', (kind, typed, value) => {
  expect(parseEntry(kind, typed)).toEqual({ ok: true, value });
});

it.each([
  ['bool', 'yes please'],
  ['bool', ''],
  ['int', ''],
  ['int', '4.2'],
  ['int', '0x10'],
  ['int', '9007199254740992'],
  ['float', ''],
  ['float', 'fast'],
  ['float', '4,2'],
  ['float', '.'],
  ['float', '1e999'],
  ['float', 'Infinity'],
] as const)('%s refuses “%s” and says what is expected', (kind, typed) => {
  const entry = parseEntry(kind, typed);
  expect(entry.ok).toBe(false);
  expect(entry).toHaveProperty('expected', expect.stringMatching(/\w/));
});
