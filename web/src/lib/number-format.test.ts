import { expect, it } from 'vitest';
import { cutAhead, formatWord, withFormat } from './number-format';

it('words have the digits of their bits', () => {
  expect([formatWord('N:1', 255, 'dec'), formatWord('N:1', 255, 'hex'), formatWord('N:1', 5, 'bin')]).toEqual(['255', '0xFF', '0b101']);
  expect([formatWord('N:1', -1, 'hex'), formatWord('T:0.ACC', -1, 'hex')]).toEqual(['0xFFFFFFFF', '0xFFFF']);
});

it('keep their low digits where they are cut', () => {
  expect([cutAhead('0b101', 5), cutAhead('0b1010', 5)]).toEqual(['0b101', '…1010']);
});

it('are remembered but for decimal', () => {
  expect(withFormat({ a: 'hex' }, 'b', 'bin')).toEqual({ a: 'hex', b: 'bin' });
  expect(withFormat({ a: 'hex' }, 'a', 'dec')).toEqual({});
});
