import { describe, expect, test } from 'vitest';
import type { RouteRow } from './rails-protocol';
import { buildGraph, Chains, leafOf, obstacleBetween, thingOf, thingsOf, TIES_MAX, type GraphWanted } from './route-graph';
import { listRoutes } from './route-words';

function route(id: number, from: string, to: string, change: Partial<RouteRow> = {}): RouteRow {
  return { id, from, to, on_stale: 'hold', source: 'project', state: 'active', reason: null, count: 0, last_value: null, last_at_ms: null, ...change };
}
const same = (name: string): string => name;
function graphOf(routes: RouteRow[], change: Partial<GraphWanted> = {}, open: number[] = []) {
  return buildGraph({ routes, lines: listRoutes(routes, { text: '', condition: null }, new Set(open)), chosen: null, extra: [], known: new Map(), nameOf: same, ...change });
}

test('a signal belongs to an endpoint, a context, the classroom or the hub', () => {
  expect(['twin/line/Run', 'plc/line/O:0/3', 'sim/Player_1/x', 'sys/clock/rate', 'twin/*/Sensor*', 'alone'].map(thingOf)).toEqual(['twin/line', 'plc/line', 'sim', 'sys', 'twin/*', 'alone']);
  expect(['plc/line/O:0/3', 'sim/Player_1/x', 'alone'].map(leafOf)).toEqual(['O:0/3', 'Player_1/x', 'alone']);
});

describe('the graph', () => {
  test('has things with ports, and a tie for each route', () => {
    const { things, ties } = graphOf([route(1, 'twin/line/A', 'plc/line/I:0/1'), route(2, 'plc/line/O:0/1', 'twin/line/B'), route(3, 'twin/line/A', 'twin/hmi/A')]);
    expect(things.map(({ id, inCount, outCount }) => [id, inCount, outCount])).toEqual([
      ['plc/line', 1, 1],
      ['twin/hmi', 1, 0],
      ['twin/line', 1, 1],
    ]);
    expect(things[2]?.ports).toEqual([
      { name: 'twin/line/A', isIn: false, isOut: true, isPattern: false },
      { name: 'twin/line/B', isIn: true, isOut: false, isPattern: false },
    ]);
    expect(ties.map(({ id, from, to, head }) => [id, from, to, head])).toEqual([
      ['r1', 'twin/line', 'plc/line', 1],
      ['r2', 'plc/line', 'twin/line', 2],
      ['r3', 'twin/line', 'twin/hmi', 3],
    ]);
  });

  test('a symbol and its place are one port', () => {
    const nameOf = (name: string): string => (name === 'plc/line/Run' ? 'plc/line/O:0/0' : name);
    const { things } = graphOf([route(1, 'plc/line/Run', 'twin/a/X'), route(2, 'plc/line/O:0/0', 'twin/a/Y')], { nameOf });
    expect(things[0]?.ports.map(({ name }) => name)).toEqual(['plc/line/O:0/0']);
  });

  test('a pattern is one tie per pair of things until it is unfolded; one that nothing fits is there, too', () => {
    const routes = [route(1, 'twin/*/S*', 'twin/hmi/$1.$2', { fits: 3 }), route(2, 'twin/a/S1', 'twin/hmi/a.1', { pattern: 1 }), route(3, 'twin/b/S1', 'twin/hmi/b.1', { pattern: 1 }), route(4, 'twin/b/S2', 'twin/hmi/b.2', { pattern: 1 })];
    expect(graphOf(routes).ties.map(({ kind, from, routes: own, head }) => [kind, from, own, head])).toEqual([
      ['pattern', 'twin/a', [2], 1],
      ['pattern', 'twin/b', [3, 4], 1],
    ]);
    expect(graphOf(routes, {}, [1]).ties.map(({ id, kind }) => [id, kind])).toEqual([['r2', 'route'], ['r3', 'route'], ['r4', 'route']]);
    const [none] = graphOf([route(1, 'twin/*/S*', 'twin/hmi/$1', { fits: 0 })]).ties;
    expect([none?.kind, none?.from, none?.routes]).toEqual(['pattern', 'twin/*', []]);
  });

  test('things that nothing is tied to show where one could begin, and what was added stands there', () => {
    const { things } = graphOf([route(1, 'twin/a/X', 'twin/b/Y')], { known: new Map([['twin/a', ['twin/a/Z']], ['twin/c', ['twin/c/U', 'twin/c/V']]]), extra: ['twin/b/W'] });
    expect(things.map(({ id, ports }) => [id, ports.map(({ name }) => name)])).toEqual([
      ['twin/a', ['twin/a/X']],
      ['twin/b', ['twin/b/Y', 'twin/b/W']],
      ['twin/c', ['twin/c/U', 'twin/c/V']],
    ]);
    expect(thingsOf(['sys/a', 'twin/a/1', 'sys/b'])).toEqual(new Map([['sys', ['sys/a', 'sys/b']], ['twin/a', ['twin/a/1']]]));
  });

  test('ten thousand routes are one tie per pair of things, and those of the chosen thing stand alone as far as there is room', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => route(at + 1, `twin/t${at % 10}/A${at}`, `plc/line/N:${at}`));
    const folded = graphOf(many);
    expect([folded.ties.length, folded.folded, folded.things.every(({ ports }) => ports.length === 0)]).toEqual([10, 10_000, true]);
    expect(folded.things.find(({ id }) => id === 'plc/line')?.inCount).toBe(10_000);
    const chosen = graphOf(many, { chosen: 'twin/t3' });
    expect(chosen.ties.filter(({ kind }) => kind === 'route').length).toBe(TIES_MAX);
    expect(chosen.folded).toBe(10_000 - TIES_MAX);
    expect(chosen.ties.find(({ kind, from }) => kind === 'bundle' && from === 'twin/t3')?.routes.length).toBe(1_000 - TIES_MAX);
  });
});

describe('how routes hang together', () => {
  const routes = [route(1, 'a/a/A', 'a/a/B'), route(2, 'a/a/B', 'a/a/C', { inputs: { x: 'a/a/Z' } }), route(3, 'a/a/Q', 'a/a/R'), route(4, 'a/a/S', 'a/a/R')];

  test('circles are found over any number of routes, also through inputs', () => {
    expect(new Chains(routes, same).circles()).toEqual(new Set());
    expect(new Chains([...routes, route(5, 'a/a/C', 'a/a/A')], same).circles()).toEqual(new Set([1, 2, 5]));
    expect(new Chains([...routes, route(5, 'a/a/C', 'a/a/Z')], same).circles()).toEqual(new Set([2, 5]));
    const long = Array.from({ length: 5_000 }, (_, at) => route(at + 1, `a/a/${at}`, `a/a/${(at + 1) % 5_000}`));
    expect(new Chains(long, same).circles().size).toBe(5_000);
  });

  test('two writers of one signal are found', () => {
    expect(new Chains(routes, same).doubled()).toEqual(new Set([3, 4]));
  });

  test('what cannot be tied says why', () => {
    const chains = new Chains(routes, same);
    const why = (from: string, to: string, owner?: 'hub' | 'peer', writable = true): string | null => obstacleBetween(from, to, owner && { owner, writable }, chains, chains.above(from));
    expect(why('a/a/Z', 'a/a/New', 'hub')).toBeNull();
    expect(why('a/a/Z', 'a/a/Unknown')).toBeNull();
    expect(why('a/a/Z', 'a/a/Z')).toBe('It is the source itself.');
    expect(why('a/a/Z', 'a/*/Z')).toContain('pattern');
    expect(why('a/a/Z', 'a/a/New', 'peer')).toContain('second writer');
    expect(why('a/a/Z', 'a/a/New', 'hub', false)).toBe('It cannot be written.');
    expect(why('a/a/Z', 'a/a/B')).toBe('A route from a/a/A writes it already.');
    expect(why('a/a/C', 'a/a/A')).toBe('The routes would go in a circle.');
    expect(why('a/a/C', 'a/a/Z')).toBe('The routes would go in a circle.');
  });
});
