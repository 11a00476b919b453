import { describe, expect, test } from 'vitest';
import type { RouteGraph, Thing, Tie } from './route-graph';
import { boundsOf, fitView, goesBack, heightOf, lanesOf, layOut, lineOf, THING_WIDTH, zoomView } from './route-layout';

const ROW = 28;
function graph(...pairs: [string, string][]): RouteGraph {
  const things = new Map<string, Thing>();
  const put = (name: string, side: 'isIn' | 'isOut'): string => {
    const id = name.split('.')[0] ?? name;
    const thing = things.get(id) ?? { id, ports: [], inCount: 0, outCount: 0, isPattern: false };
    things.set(id, thing);
    const port = thing.ports.find((one) => one.name === name) ?? { name, isIn: false, isOut: false, isPattern: false };
    if (!thing.ports.includes(port)) thing.ports.push(port);
    port[side] = true;
    return id;
  };
  const ties = pairs.map(([from, to], at): Tie => ({ id: `r${at}`, kind: 'route', from: put(from, 'isOut'), to: put(to, 'isIn'), fromPort: from, toPort: to, routes: [at], head: at }));
  return { things: [...things.values()], ties, folded: 0 };
}
const x = (laid: ReturnType<typeof layOut>, id: string): number => laid.places.get(id)?.x ?? NaN;
const y = (laid: ReturnType<typeof layOut>, id: string): number => laid.places.get(id)?.y ?? NaN;

describe('things', () => {
  test('stand from left to right, sources first', () => {
    const laid = layOut(graph(['b.1', 'c.1'], ['a.1', 'b.2'], ['a.2', 'c.2']), ROW);
    expect(x(laid, 'a')).toBeLessThan(x(laid, 'b'));
    expect(x(laid, 'b')).toBeLessThan(x(laid, 'c'));
  });

  test('that tie each other stand so that fewer ties go back', () => {
    const laid = layOut(graph(['z.1', 'a.1'], ['z.2', 'a.2'], ['a.3', 'z.3']), ROW);
    expect(x(laid, 'z')).toBeLessThan(x(laid, 'a'));
  });

  test('of one rank stand in the order of what they are tied to, and lie apart', () => {
    const laid = layOut(graph(['s.1', 'p.1'], ['s.1', 'q.1'], ['p.2', 'z.1'], ['q.2', 'a.1'], ['p.3', 'z.2']), ROW);
    const [p, q] = [y(laid, 'p'), y(laid, 'q')];
    // a and z have their names against them: p stands above q, so z above a.
    expect(p < q).toBe(y(laid, 'z') < y(laid, 'a'));
    expect(Math.abs(p - q)).toBeGreaterThanOrEqual(heightOf(laid.things.find(({ id }) => id === 'p')!, ROW));
  });

  test('always stand the same, whatever the order of what the hub says', () => {
    const pairs: [string, string][] = [['a.1', 'c.1'], ['b.1', 'c.2'], ['c.3', 'd.1'], ['d.2', 'a.2'], ['b.2', 'd.3']];
    const sorted = (laid: ReturnType<typeof layOut>) => [...laid.places].sort(([one], [other]) => (one < other ? -1 : 1));
    const ordered = graph(...pairs);
    const again = { ...ordered, ties: [...ordered.ties].reverse() };
    expect(sorted(layOut(again, ROW))).toEqual(sorted(layOut(ordered, ROW)));
  });

  test('without routes stand below', () => {
    const tied = graph(['a.1', 'b.1']);
    tied.things.push({ id: 'loose', ports: [], inCount: 0, outCount: 0, isPattern: false });
    const laid = layOut(tied, ROW);
    expect(y(laid, 'loose')).toBeGreaterThan(y(laid, 'a') + heightOf(tied.things[0]!, ROW));
  });

  test('have their ports in the order of the other ends: what is written above what is read', () => {
    const laid = layOut(graph(['s.1', 't.9'], ['s.2', 't.5'], ['s.3', 't.1'], ['t.out', 'u.1']), ROW);
    expect(laid.things.find(({ id }) => id === 't')?.ports.map(({ name }) => name)).toEqual(['t.9', 't.5', 't.1', 't.out']);
    expect(laid.things.find(({ id }) => id === 's')?.ports.length).toBe(3);
  });
});

test('ties that go back run below what is in their way, each in a lane of its own', () => {
  const boxes = [{ x: 0, y: 0, width: THING_WIDTH, height: 100 }, { x: 500, y: 0, width: THING_WIDTH, height: 300 }];
  const back = (id: string, sourceY: number) => ({ id, sourceX: 768, sourceY, targetX: 0, targetY: 20 });
  const lanes = lanesOf([back('one', 40), back('two', 80), { id: 'forth', sourceX: 268, sourceY: 0, targetX: 500, targetY: 0 }], boxes);
  expect(lanes.has('forth')).toBe(false);
  const [one, two] = [lanes.get('one')!, lanes.get('two')!];
  expect(Math.min(one.y, two.y)).toBeGreaterThan(300);
  expect(Math.abs(one.y - two.y)).toBeGreaterThanOrEqual(24);
  // The lower end has the inner lane, so they do not cross.
  expect(two.nth).toBeLessThan(one.nth);
  // One that ties a thing to itself lies below that thing, whatever stands below in its rank.
  const own = boxes[0]!;
  expect(lanesOf([{ id: 'self', sourceX: 268, sourceY: 40, targetX: 0, targetY: 20, own }], [...boxes, { ...own, y: 400 }]).get('self')?.y).toBe(124);
  expect([goesBack({ sourceX: 10, targetX: 100 }), goesBack({ sourceX: 100, targetX: 90 })]).toEqual([false, true]);
  expect(lineOf({ sourceX: 0, sourceY: 0, targetX: 100, targetY: 50 }, null)).toMatchObject({ x: 50, y: 25 });
  expect(lineOf(back('one', 40), one)).toMatchObject({ x: 384, y: one.y });
});

test('the view holds everything, or begins where reading begins', () => {
  const bounds = boundsOf([{ x: 100, y: -50, width: 200, height: 100 }], [{ y: 90, nth: 0 }]);
  expect(bounds).toEqual({ x: 100, y: -50, width: 200, height: 164 });
  expect(fitView(bounds, 1000, 800, 0.3)).toMatchObject({ zoom: 1, x: 300, y: 368 });
  const small = fitView({ x: 0, y: 0, width: 4000, height: 100 }, 390, 600, 0.5);
  expect([small.zoom, small.x]).toEqual([0.5, 32.5]);
  const near = zoomView({ x: 0, y: 0, zoom: 1 }, 2, 400, 200, [0.1, 4]);
  // The middle of what is seen stays where it is.
  expect([near.zoom, (200 - near.x) / near.zoom, (100 - near.y) / near.zoom]).toEqual([2, 200, 100]);
  expect(zoomView(near, 100, 400, 200, [0.1, 4]).zoom).toBe(4);
});
