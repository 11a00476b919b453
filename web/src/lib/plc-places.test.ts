import { expect, it } from 'vitest';
import { Places } from './plc-places';

it('a list covers words, ranges, bits, members and whole regions', () => {
  const places = new Places(['N:0-9', 'T:3', 'B:3/1', 'C:*']);
  for (const address of ['N:0', 'N:9', 'N:4/7', 'T:3', 'T:3.ACC', 'B:3/1', 'C:63.DN']) expect(places.has(address), address).toBe(true);
  for (const address of ['N:10', 'I:0/0', 'T:30', 'B:3', 'B:3/11', 'nothing']) expect(places.has(address), address).toBe(false);
});

it('a word of which a bit is covered is touched', () => {
  const places = new Places(['I:0/3', 'T:4.ACC']);
  expect(places.touches('I:0')).toBe(true);
  expect(places.touches('T:4')).toBe(true);
  expect(places.touches('I:0/3')).toBe(true);
  expect(places.touches('I:0/4')).toBe(false);
  expect(places.touches('I:1')).toBe(false);
});

it('ranges count their words, and what is no address counts once', () => {
  expect(new Places(['N:0-9', 'T:3', 'B:3/1']).count).toBe(12);
  expect(new Places(['C:*', 'Total']).count).toBe(65);
  expect(new Places([]).count).toBe(0);
  expect(new Places(['Total']).has('N:7')).toBe(false);
});
