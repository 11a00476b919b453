import { expect, test } from 'vitest';
import type { Thing, Tie } from './route-graph';
import { nextStop, type Stop } from './route-walk';

const thing = (id: string, ...names: string[]): Thing => ({ id, ports: names.map((name) => ({ name, isIn: false, isOut: false, isPattern: false })), inCount: 0, outCount: 0, isPattern: false });
const tie = (id: string, from: string, fromPort: string | null, to: string, toPort: string | null): Tie => ({ id, kind: 'route', from, to, fromPort, toPort, routes: [], head: null });
const GRAPH = { things: [thing('a', 'a/x', 'a/y'), thing('b', 'b/z'), thing('c')], ties: [tie('r1', 'a', 'a/x', 'b', 'b/z'), tie('r2', 'b', null, 'c', null)] };
const go = (start: Stop, ...keys: string[]): Stop | null => keys.reduce<Stop | null>((stop, key) => (stop === null ? null : nextStop(GRAPH, stop, key)), start);

test('up and down lead through the ports of a thing, and on to the next one', () => {
  expect(go('thing:a', 'ArrowDown')).toBe('port:a|a/x');
  expect(go('thing:a', 'ArrowDown', 'ArrowDown', 'ArrowDown')).toBe('add:a');
  expect(go('add:a', 'ArrowDown')).toBe('thing:b');
  expect(go('thing:b', 'ArrowUp')).toBe('add:a');
  expect(go('thing:a', 'ArrowUp')).toBeNull();
});

test('right and left lead along ties', () => {
  expect(go('port:a|a/x', 'ArrowRight')).toBe('tie:r1');
  expect(go('port:a|a/x', 'ArrowRight', 'ArrowRight')).toBe('port:b|b/z');
  expect(go('port:b|b/z', 'ArrowLeft', 'ArrowLeft')).toBe('port:a|a/x');
  expect(go('port:a|a/y', 'ArrowRight')).toBeNull();
  // A bundle ends at the things; without one the next thing comes.
  expect(go('thing:b', 'ArrowRight', 'ArrowRight')).toBe('thing:c');
  expect(go('thing:a', 'ArrowRight')).toBe('thing:b');
  expect(go('tie:r1', 'ArrowDown')).toBe('tie:r2');
  expect(go('tie:r2', 'ArrowDown')).toBeNull();
});

test('pages lead from thing to thing, home and end to the first and the last', () => {
  expect(go('port:a|a/y', 'PageDown')).toBe('thing:b');
  expect(go('port:a|a/y', 'PageUp')).toBe('thing:a');
  expect(go('tie:r1', 'End')).toBe('thing:c');
  expect(go('add:c', 'Home')).toBe('thing:a');
  expect(go('thing:a', 'x')).toBeNull();
  // What was removed while the keyboard stood there.
  expect(go('tie:gone', 'ArrowDown')).toBe('thing:a');
  expect(go('port:a|gone', 'ArrowDown')).toBe('thing:a');
});
