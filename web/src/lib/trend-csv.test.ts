import { expect, test } from 'vitest';
import { cellText, fileName, trendCsv } from './trend-csv';
import { GOOD, Ring, Track, type Source } from './trend-track';

const START = Date.UTC(2026, 0, 2, 3, 4, 5);

function track(...samples: [number, number][]): Track {
  const made = new Track();
  for (const [at, value] of samples) made.push(START + at, value, GOOD);
  return made;
}

const of = (name: string, ...sources: Source[]) => ({ name, sources: sources.map((source) => ({ source, until: START + 1e9 })), valueOf: (number: number) => number });

test('a line for each change, and values hold', () => {
  const table = trendCsv([of('a', track([0, 1], [1_500, 2.5])), of('b', track([500, 7]))], { from: START + 100, to: START + 5_000 });
  expect(table.split('\r\n')).toEqual([
    '"time","seconds_from_start","a","b"',
    '2026-01-02T03:04:05.100Z,0,1,',
    '2026-01-02T03:04:05.500Z,0.4,1,7',
    '2026-01-02T03:04:06.500Z,1.4,2.5,7',
    '',
  ]);
});

test('seconds begin at the first line, and a moment has one line', () => {
  const table = trendCsv([of('a', track([1_000.2, 1], [1_000.4, 2], [2_000, 3])), of('b', track([1_000.1, 7]))], { from: START, to: START + 5_000 });
  expect(table.split('\r\n').slice(1)).toEqual(['2026-01-02T03:04:06.000Z,0,2,7', '2026-01-02T03:04:07.000Z,1,3,7', '']);
});

test('a gap is an empty cell', () => {
  const held = track([0, 1]);
  held.gap(START + 1_000);
  held.push(START + 2_000, 1, GOOD);
  expect(trendCsv([of('a', held)], { from: START, to: START + 5_000 }).split('\r\n').slice(1, 4).map((line) => line.split(',')[2])).toEqual(['1', '', '1']);
});

test('what the page has not heard comes from the history, with smallest and largest of each part', () => {
  const ring = new Ring(10, 1_000);
  ring.push({ at: START, min: 0, max: 9, mean: 4, last: 5, state: GOOD, worst: GOOD, count: 20 });
  const table = trendCsv([of('a', track([3_000, 6]), { rings: () => [ring] })], { from: START, to: START + 5_000 });
  expect(table.split('\r\n').slice(0, 3)).toEqual(['"time","seconds_from_start","a","a (smallest)","a (largest)"', '2026-01-02T03:04:05.000Z,0,4,0,9', '2026-01-02T03:04:08.000Z,3,6,,']);
});

test('texts are quoted, and never formulas', () => {
  expect(cellText('say "hi", now')).toBe('"say ""hi"", now"');
  for (const sign of ['=', '+', '-', '@']) expect(cellText(`${sign}SUM(A1)`)).toBe(`"'${sign}SUM(A1)"`);
  expect(cellText(-3.5)).toBe('-3.5');
  expect(cellText(true)).toBe('true');
  expect(cellText(null)).toBe('');
});

test('files are named by what they show and when', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
  expect(fileName('Line 1: /etc', at, 'csv')).toBe('trend Line 1- -etc 2026-01-02 03-04-05.csv');
  expect(fileName('', at, 'png')).toBe('trend 2026-01-02 03-04-05.png');
});
