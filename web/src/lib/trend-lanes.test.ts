import { describe, expect, test } from 'vitest';
import { trendAddress } from './trend-address';
import { added, axisRange, changed, fromSearch, lanesOf, movedBefore, movedBy, NO_TREND, removed, SIGNALS_MAX, styleOf, toSearch, withLanes, type Trend } from './trend-lanes';
import type { Kind } from './protocol';

const kinds: Record<string, Kind> = { run: 'bool', state: 'text', speed: 'float', level: 'float', limit: 'float', count: 'int' };
const kindOf = (name: string): Kind | null => kinds[name] ?? null;
const sizes: Record<string, number> = { speed: 200, level: 80, limit: 95, count: 3 };
const sizeOf = (name: string): number | null => sizes[name] ?? null;
const trend = (...names: string[]): Trend => withLanes(added(NO_TREND, names).trend, kindOf, sizeOf);
const shape = (of: Trend): string => lanesOf(of, kindOf).map(({ kind, signals }) => `${kind}(${signals.map(({ name }) => name).join(' ')})`).join(' ');

describe('lanes', () => {
  test('numbers of one magnitude share an axis, bits and texts have lanes of their own', () => {
    expect(shape(trend('speed', 'level', 'run', 'limit', 'state', 'new'))).toBe('analog(speed) analog(level limit) digital(run) bus(state) waiting(new)');
  });

  test('a number that comes later joins those of its magnitude', () => {
    const before = trend('level', 'speed');
    const later = withLanes(added(before, ['limit']).trend, kindOf, sizeOf);
    expect(shape(later)).toBe('analog(level limit) analog(speed)');
  });

  test('a whole number may be drawn as a row of numbers', () => {
    expect(shape(changed(trend('count', 'level'), 'count', { isBus: true }))).toBe('bus(count) analog(level)');
  });

  test('a signal is moved into the lane of another, and by one place', () => {
    expect(shape(movedBefore(trend('speed', 'level', 'run'), 'level', 'speed', true, true))).toBe('analog(speed level) digital(run)');
    expect(shape(movedBy(trend('run', 'speed'), ['run', 'speed'], 'speed', -1, () => false))).toBe('analog(speed) digital(run)');
    expect(shape(movedBy(trend('run', 'speed'), ['run', 'speed'], 'run', -1, () => false))).toBe('digital(run) analog(speed)');
  });

  test('no more than 32 signals, and what found no room is said', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const { trend: full, left } = added(NO_TREND, names);
    expect(full.signals.length).toBe(SIGNALS_MAX);
    expect(left).toBe(8);
    expect(added(full, ['s1']).left).toBe(0);
  });

  test('marks stay when others go, and one that is free is given again', () => {
    const rest = removed(trend('speed', 'level', 'run'), 'level');
    expect(rest.signals.map(({ mark }) => mark)).toEqual([1, 3]);
    expect(added(rest, ['state']).trend.signals.map(({ mark }) => mark)).toEqual([1, 3, 2]);
  });

  test('32 signals look different, each from each', () => {
    const looks = Array.from({ length: 32 }, (_, index) => JSON.stringify(styleOf(index + 1)));
    expect(new Set(looks).size).toBe(32);
  });
});

describe('the range of an axis', () => {
  test('has some air, and does not dance', () => {
    const first = axisRange([0, 100], null);
    expect(first[0]).toBeLessThan(0);
    expect(first[1]).toBeGreaterThan(100);
    expect(axisRange([10, 95], first)).toEqual(first);
    expect(axisRange([0, 150], first)[1]).toBeGreaterThan(150);
    expect(axisRange([40, 50], first)[1]).toBeLessThan(60);
  });

  test('a flat line stands in the middle', () => {
    const [low, high] = axisRange([200, 200], null);
    expect((low + high) / 2).toBeCloseTo(200, 6);
    expect(axisRange([0, 0], null)).toEqual([-1, 1]);
    expect(axisRange(null, null)).toEqual([0, 1]);
  });
});

describe('the address', () => {
  test('keeps everything that a person has chosen', () => {
    let own = trend('speed', 'level', 'run', 'count');
    own = changed(own, 'count', { isBus: true, isHidden: true });
    own = { ...removed(own, 'run'), scales: { 1: [0, 250] } };
    const asked = { trend: own, view: { kind: 'held', from: 1_000, to: 2_000 } as const, cursors: { a: 1_100, b: null } };
    expect(fromSearch(toSearch(asked))).toEqual(asked);
    const live = { ...asked, view: { kind: 'live', span: 600_000 } as const };
    expect(fromSearch(toSearch(live))).toEqual(live);
  });

  test('names with every sign come back', () => {
    const names = ['twin/line/A,B', 'plc/line/T:4.ACC', 'x/é &=?#%', 'plc/1~1/I:0/3'];
    expect(fromSearch(trendAddress(names).replace('/trends', '')).trend.signals.map(({ name }) => name)).toEqual(names);
    expect(trendAddress(['plc/line/N:7'])).toBe('/trends?signals=plc/line/N:7');
  });

  test('what makes no sense is left out', () => {
    const read = fromSearch('?signals=a,,a,b%E0%A4%A&lanes=-1,x&scale=1:9:2,q&from=9&to=3&span=no&marks=1,1&a=none');
    expect(read.trend.signals.map(({ name, lane, mark }) => [name, lane, mark])).toEqual([['a', null, 1], ['b%E0%A4%A', null, 2]]);
    expect(read.trend.scales).toEqual({});
    expect(read.view).toBeNull();
    expect(read.cursors).toEqual({ a: null, b: null });
    expect(fromSearch('').trend.signals).toEqual([]);
  });
});
