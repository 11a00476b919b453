import { describe, expect, it } from 'vitest';
import { Finder, firstFrom, marked, rungOf } from './ladder-search';

const PROGRAM = {
  symbols: [{ name: 'Motor', address: 'O:0/0', type: 'BOOL', description: 'conveyor belt' }],
  rungs: [
    { title: 'Start', comment: 'the Belt runs', text: '', elements: [{ instruction: 0, type: 'OTE', column: 0, operands: [{ role: 'address', text: 'Motor', address: 'O:0/0' }], decorators: [] }] },
    {
      title: '', comment: '', text: '',
      elements: [{ branch: [[{ instruction: 1, type: 'XIC', column: 0, operands: [{ role: 'address', text: 'T:0.DN', address: 'T:0.DN' }], decorators: [{ type: 'OSR', operands: [] }] }]] }],
    },
  ],
};
const finder = new Finder(PROGRAM);

describe('what is found', () => {
  it('is a rung by its texts and an operand by symbol, address, description and mnemonic', () => {
    expect(finder.find('BELT')).toEqual([{ rung: 0, instruction: null, address: null }, { rung: 0, instruction: 0, address: 'O:0/0' }]);
    expect(finder.find('motor')).toEqual([{ rung: 0, instruction: 0, address: 'O:0/0' }]);
    expect(finder.find('t:0')).toEqual([{ rung: 1, instruction: 1, address: 'T:0.DN' }]);
    expect(finder.find('xic')).toHaveLength(1);
    expect(finder.find('osr')).toEqual([{ rung: 1, instruction: 1, address: null }]);
    expect(finder.find(' ')).toEqual([]);
    expect(finder.find('nothing')).toEqual([]);
  });

  it('is marked in the drawing', () => {
    expect(finder.fits('belt', 0, 'O:0/0')).toBe(true);
    expect(finder.fits('belt', 1, 'T:0.DN')).toBe(false);
    expect(finder.fits('', 0, 'O:0/0')).toBe(false);
  });
});

it('goes on behind the rung where one is, and from the beginning after the last', () => {
  const hits = [2, 5].map((rung) => ({ rung, instruction: null, address: null }));
  expect([firstFrom(hits, 0), firstFrom(hits, 3), firstFrom(hits, 6)]).toEqual([0, 1, 0]);
});

it('takes digits for the number of a rung that there is', () => {
  expect([rungOf(' 12 ', 13), rungOf('13', 13), rungOf('1a', 13), rungOf('', 13)]).toEqual([12, null, null, null]);
});

it('marks each place of a text', () => {
  expect(marked('Belt and belt', 'belt')).toEqual([{ part: 'Belt', isHit: true }, { part: ' and ', isHit: false }, { part: 'belt', isHit: true }]);
  expect(marked('Belt', '')).toEqual([{ part: 'Belt', isHit: false }]);
  expect(marked('', 'x')).toEqual([{ part: '', isHit: false }]);
});
