import { describe, expect, test } from 'vitest';
import type { RouteRow } from './rails-protocol';
import { conditionOf, countConditions, fateOf, fieldOf, listRoutes, reasonOf, RouteRates, transformWords } from './route-words';

function route(id: number, change: Partial<RouteRow> = {}): RouteRow {
  return { id, from: `twin/line/A${id}`, to: `twin/hmi/B${id}`, on_stale: 'hold', source: 'project', state: 'active', reason: null, count: 0, last_value: null, last_at_ms: null, ...change };
}

const NONE = { text: '', condition: null };
const PATTERN = route(1, { from: 'twin/*/Run', to: 'plc/$1/I:0', fits: 2 });
const LIST = [PATTERN, route(2, { pattern: 1 }), route(3), route(4, { pattern: 1, state: 'waiting', reason: 'no such signal' }), route(5, { error: 'division by zero', pattern: 99 })];
const ids = (lines: { route: RouteRow }[]): number[] => lines.map((line) => line.route.id);

test('a transform is said in short words, in the order in which it is done', () => {
  expect(transformWords(route(1))).toEqual([]);
  expect(transformWords(route(1, { expr: null, inputs: {}, map: {}, invert: false, scale: 1, offset: 0, deadband: null, every_ms: null }))).toEqual([]);
  expect(transformWords(route(1, { expr: 'value > 1', map: { a: 1 }, invert: true, scale: 0.1, offset: -5, deadband: 0.5, every_ms: 200 }))).toEqual([
    'value > 1',
    'map of 1',
    'not',
    '× 0.1',
    '− 5',
    'band 0.5',
    'every 200 ms',
  ]);
});

describe('the list', () => {
  test('folds the routes of a pattern, and unfolds them below it', () => {
    expect(ids(listRoutes(LIST, NONE, new Set()))).toEqual([1, 3, 5]);
    expect(ids(listRoutes(LIST, NONE, new Set([1])))).toEqual([1, 2, 4, 3, 5]);
    // The pattern of 5 is not to be seen, so 5 stands for itself.
    expect(listRoutes(LIST, NONE, new Set([1])).map(({ isChild, isOpen }) => [isChild, isOpen])).toEqual([[false, true], [true, null], [true, null], [false, null], [false, null]]);
  });

  test('finds words of both ends in any order, below patterns, too', () => {
    expect(ids(listRoutes(LIST, { ...NONE, text: 'b3 a3' }, new Set()))).toEqual([3]);
    expect(ids(listRoutes(LIST, { ...NONE, text: 'B4' }, new Set()))).toEqual([1, 4]);
    expect(ids(listRoutes(LIST, { ...NONE, text: 'twin/*' }, new Set()))).toEqual([1]);
  });

  test('is filtered by how routes stand', () => {
    expect(ids(listRoutes(LIST, { text: '', condition: 'waiting' }, new Set()))).toEqual([1, 4]);
    expect(ids(listRoutes(LIST, { text: '', condition: 'failing' }, new Set()))).toEqual([5]);
    expect(countConditions(LIST)).toEqual({ active: 2, waiting: 1, failing: 1 });
  });

  test('holds ten thousand routes', () => {
    const many = Array.from({ length: 10_000 }, (_, id) => route(id + 1, id % 10 ? { pattern: id - (id % 10) + 1 } : { fits: 9 }));
    expect(listRoutes(many, NONE, new Set()).length).toBe(1_000);
    expect(listRoutes(many, { ...NONE, text: 'a9999' }, new Set()).length).toBe(2);
  });
});

test('why a route stands as it does is said in words', () => {
  expect(reasonOf(PATTERN)).toBe('stands for 2 routes');
  expect(reasonOf(route(1, { fits: 0 }))).toBe('no signal fits its pattern yet');
  expect(reasonOf(route(1, { error: 'division by zero', fits: 2 }))).toBe('division by zero');
  expect(reasonOf(route(1, { state: 'waiting', reason: 'no such signal' }))).toBe('no such signal');
  expect(reasonOf(route(1, { count: 3 }))).toBe('carries values');
  expect(conditionOf(route(1, { state: 'waiting', error: 'x' }))).toBe('failing');
});

describe('the fate of a value', () => {
  const values = (given: Partial<RouteRow>, value: boolean | number | string | null): unknown[] => fateOf(route(1, given), value).map((step) => step.value);

  test('goes through map, inversion, scale and offset', () => {
    expect(fateOf(route(1), 7)).toEqual([]);
    // A hub tells an empty map of every route that has none.
    expect(fateOf(route(1, { map: {}, inputs: {}, invert: false }), 7)).toEqual([]);
    expect(values({ map: { '0': 'Stopped', '*': 'Unknown' } }, 0)).toEqual(['Stopped']);
    expect(values({ map: { '0': 'Stopped', '*': 'Unknown' } }, 4)).toEqual(['Unknown']);
    expect(values({ map: { true: false }, invert: true }, true)).toEqual([false, true]);
    expect(values({ scale: 0.5, offset: -10, deadband: 1, every_ms: 100 }, 200)).toEqual([90, 90, 90]);
    expect(values({ offset: 3 }, 4)).toEqual([7]);
  });

  test('ends where nothing is passed, and says what does not fit', () => {
    const held = fateOf(route(1, { map: { '0': 1 }, scale: 2 }), 5);
    expect(held.map(({ name, note }) => [name, note])).toEqual([['Map', 'not in the map: nothing is passed']]);
    expect(fateOf(route(1, { invert: true }), 3)[0]?.note).toBe('expected on or off');
    expect(fateOf(route(1, { scale: 2 }), 'Ready')[0]?.note).toBe('expected a number');
    // A name of every object is no entry.
    expect(values({ map: { a: 1 } }, 'constructor')).toEqual([undefined]);
  });

  test('does not guess what an expression gives', () => {
    const steps = fateOf(route(1, { expr: 'value > 1', invert: true }), 3);
    expect(steps.map(({ value, note }) => [value, note])).toEqual([[undefined, null], [undefined, null]]);
  });
});

test('rates come from two readings, and begin anew with a counter that went back', () => {
  const rates = new RouteRates();
  rates.read([route(1, { count: 10 })], 1_000);
  expect(rates.of(1)).toBeNull();
  rates.read([route(1, { count: 40 }), route(2, { count: 5 })], 3_000);
  expect(rates.of(1)).toBe(15);
  expect(rates.of(2)).toBeNull();
  rates.read([route(1, { count: 2 })], 4_000);
  expect(rates.of(1)).toBeNull();
});

test('an error of the hub finds its field by the key that it names first', () => {
  expect(fieldOf("expr: expected an expression, at column 3; inputs are 'a'")).toBe('expr');
  expect(fieldOf('the key `every_ms` expects 1 to 3600000')).toBe('every_ms');
  expect(fieldOf("'twin/line/map' is written by a route from 'twin/line/expr' already")).toBe('to');
  expect(fieldOf("'twin/line/Level' is written by the peers of its endpoint; a route would be a second writer")).toBe('to');
  expect(fieldOf("'sys/clock/rate' says how the clock stands; only the hub writes it")).toBe('to');
  expect(fieldOf('the routes would go in a circle: twin/b/expr → twin/c/map → twin/b/expr')).toBe('to');
  expect(fieldOf("'twin/line/expr' would follow itself: a route needs two signals")).toBe('to');
  expect(fieldOf("'twin/line/State' is text, 'twin/line/Run' is bool: a plain route does not convert that")).toBe('to');
  expect(fieldOf("map gives int, 'twin/line/State' is text: a route does not convert that")).toBe('map');
  expect(fieldOf("'from': 'twin/**/bit': '**' stands for the rest")).toBe('from');
  expect(fieldOf("'twin/line/map' cannot be read")).toBeNull();
  expect(fieldOf('two writers')).toBeNull();
});
