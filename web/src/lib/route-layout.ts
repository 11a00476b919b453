/**
 * Where everything of the graph of routes stands. Things stand in ranks from left to right, sources left and targets right;
 * within a rank, and within a thing, the order is that of the other ends (barycentre), so that few ties cross. Ties that go
 * back run in lanes below. The same routes always give the same picture.
 */

import { order, type Port, type RouteGraph, type Thing, type Tie } from './route-graph';

export const THING_WIDTH = 268;
export const HEAD_HEIGHT = 46;
export const FOOT_HEIGHT = 32;
/** Between ranks, where the words of ties stand, and between things of a rank. */
const RANK_GAP = 190;
const THING_GAP = 36;
/** Between lanes of ties that go back. */
const LANE_GAP = 24;
const SWEEPS = 6;

export interface Place {
  x: number;
  y: number;
}
export interface Box extends Place {
  width: number;
  height: number;
}

export interface Layout {
  /** The things with their ports in the order in which they stand. */
  things: Thing[];
  places: Map<string, Place>;
}

export function heightOf(thing: Thing, row: number): number {
  return HEAD_HEIGHT + thing.ports.length * row + FOOT_HEIGHT;
}

/** `row` is the height of a port. */
export function layOut(graph: RouteGraph, row: number): Layout {
  const ranks = rankThings(graph);
  const tied = graph.things.filter(({ id }) => ranks.has(id));
  const columns: Thing[][] = [];
  for (const thing of tied) (columns[ranks.get(thing.id) ?? 0] ??= []).push(thing);
  const links = graph.ties.filter(({ from, to }) => from !== to);
  sweep(columns, links);
  const places = new Map<string, Place>();
  const top = stack(columns, places, row, ownTies(graph));
  const things = sortPorts(graph, places, row);
  const loose = things.filter(({ id }) => !ranks.has(id));
  const back = graph.ties.filter(({ from, to }) => (ranks.get(to) ?? 0) <= (ranks.get(from) ?? 0)).length;
  placeLoose(loose, places, top + back * LANE_GAP, Math.max(2, columns.length), row);
  return { things, places };
}

/** The rank of each thing that is tied: sources left. Ties that would close a circle of things go back. */
function rankThings({ things, ties }: RouteGraph): Map<string, number> {
  const weights = new Map<string, Map<string, number>>();
  const tied = new Set<string>();
  for (const { from, to, routes } of ties) {
    tied.add(from).add(to);
    if (from === to) continue;
    const own = weights.get(from) ?? new Map<string, number>();
    own.set(to, (own.get(to) ?? 0) + Math.max(1, routes.length));
    weights.set(from, own);
  }
  const ids = things.map(({ id }) => id).filter((id) => tied.has(id));
  const turn = new Map(inTurn(ids, weights).map((id, at) => [id, at]));
  const ranks = new Map<string, number>();
  for (const id of [...turn.keys()]) {
    const before = ids.filter((other) => (turn.get(other) ?? 0) < (turn.get(id) ?? 0) && weights.get(other)?.has(id));
    ranks.set(id, before.reduce((rank, other) => Math.max(rank, (ranks.get(other) ?? 0) + 1), 0));
  }
  return ranks;
}

/** An order in which as few ties as possible go back: sources first, sinks last, between them who gives most (Eades, Lin, Smyth). */
function inTurn(ids: readonly string[], weights: ReadonlyMap<string, ReadonlyMap<string, number>>): string[] {
  const left = new Set([...ids].sort((one, other) => Number(one.startsWith('plc/')) - Number(other.startsWith('plc/')) || order(one, other)));
  const out = (id: string): number => [...(weights.get(id) ?? [])].reduce((sum, [to, weight]) => (left.has(to) ? sum + weight : sum), 0);
  const into = (id: string): number => [...left].reduce((sum, from) => sum + (weights.get(from)?.get(id) ?? 0), 0);
  const head: string[] = [];
  const tail: string[] = [];
  while (left.size > 0) {
    let best: string | null = null;
    let most = -Infinity;
    for (const id of left) {
      const [gives, takes] = [out(id), into(id)];
      const worth = takes === 0 ? Infinity : gives === 0 ? -Infinity : gives - takes;
      if (best === null || worth > most) [best, most] = [id, worth];
    }
    if (best === null) break;
    left.delete(best);
    if (most === -Infinity) tail.unshift(best);
    else head.push(best);
  }
  return [...head, ...tail];
}

/** Orders each rank by the mean place of what its things are tied to, forth and back. */
function sweep(columns: Thing[][], links: readonly Tie[]): void {
  const spots = new Map<string, number>();
  const note = (): void => {
    for (const column of columns) column.forEach(({ id }, at) => spots.set(id, (at + 0.5) / column.length));
  };
  const others = new Map<string, string[]>();
  for (const { from, to } of links) {
    others.set(from, [...(others.get(from) ?? []), to]);
    others.set(to, [...(others.get(to) ?? []), from]);
  }
  const mean = (id: string): number => {
    const own = others.get(id) ?? [];
    return own.length === 0 ? (spots.get(id) ?? 0) : own.reduce((sum, other) => sum + (spots.get(other) ?? 0), 0) / own.length;
  };
  note();
  for (let turn = 0; turn < SWEEPS; turn += 1) {
    const way = turn % 2 === 0 ? columns : [...columns].reverse();
    for (const column of way) {
      const means = new Map(column.map(({ id }) => [id, mean(id)]));
      column.sort((left, right) => (means.get(left.id) ?? 0) - (means.get(right.id) ?? 0) || order(left.id, right.id));
      note();
    }
  }
}

/** How many ties lead from each thing to itself. */
function ownTies({ ties }: RouteGraph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { from, to } of ties) if (from === to) counts.set(from, (counts.get(from) ?? 0) + 1);
  return counts;
}

/** Puts the ranks side by side, each around the same middle; gives the lowest edge. */
function stack(columns: readonly Thing[][], places: Map<string, Place>, row: number, own: ReadonlyMap<string, number>): number {
  let lowest = 0;
  const whole = (thing: Thing): number => heightOf(thing, row) + (own.get(thing.id) ?? 0) * LANE_GAP + THING_GAP;
  columns.forEach((column, rank) => {
    const height = column.reduce((sum, thing) => sum + whole(thing), -THING_GAP);
    let y = Math.round(-height / 2);
    for (const thing of column) {
      places.set(thing.id, { x: rank * (THING_WIDTH + RANK_GAP), y });
      y += whole(thing);
    }
    lowest = Math.max(lowest, y - THING_GAP);
  });
  return lowest;
}

/** Ports that are written stand above those that are only read, each in the order of their other ends. */
function sortPorts({ things, ties }: RouteGraph, places: ReadonlyMap<string, Place>, row: number): Thing[] {
  const rough = new Map<string, number>();
  for (const { id, ports } of things) {
    const y = places.get(id)?.y ?? 0;
    [...ports].sort((left, right) => order(left.name, right.name)).forEach(({ name }, at) => rough.set(`${id}\n${name}`, y + at * row));
  }
  const ends = new Map<string, number[]>();
  const note = (thing: string, port: string | null, other: string, otherPort: string | null): void => {
    if (port === null) return;
    const key = `${thing}\n${port}`;
    const spot = (otherPort === null ? undefined : rough.get(`${other}\n${otherPort}`)) ?? places.get(other)?.y ?? 0;
    ends.set(key, [...(ends.get(key) ?? []), spot]);
  };
  for (const { from, to, fromPort, toPort } of ties) {
    if (from === to) continue;
    note(from, fromPort, to, toPort);
    note(to, toPort, from, fromPort);
  }
  const side = ({ isIn, isOut }: Port): number => (isIn ? 0 : isOut ? 1 : 2);
  return things.map((thing) => {
    const mean = (port: Port): number => {
      const own = ends.get(`${thing.id}\n${port.name}`);
      return own ? own.reduce((sum, spot) => sum + spot, 0) / own.length : Infinity;
    };
    const means = new Map(thing.ports.map((port) => [port, mean(port)]));
    const compare = (left: Port, right: Port): number => {
      const [one, other] = [means.get(left) ?? 0, means.get(right) ?? 0];
      return side(left) - side(right) || (one === other ? 0 : one - other) || order(left.name, right.name);
    };
    return { ...thing, ports: [...thing.ports].sort(compare) };
  });
}

/** Things that nothing is tied to stand in rows below the others. */
function placeLoose(things: readonly Thing[], places: Map<string, Place>, top: number, perRow: number, row: number): void {
  let y = places.size === 0 ? 0 : top + 3 * THING_GAP;
  for (let start = 0; start < things.length; start += perRow) {
    const line = things.slice(start, start + perRow);
    line.forEach(({ id }, at) => places.set(id, { x: at * (THING_WIDTH + (places.size === 0 ? THING_GAP : RANK_GAP)), y }));
    y += Math.max(...line.map((thing) => heightOf(thing, row))) + THING_GAP;
  }
}

/** Where a tie begins and ends. */
export interface Ends {
  id: string;
  sourceX: number;
  sourceY: number;
  targetX: number;
  targetY: number;
  /** The thing that it ties to itself: its lane lies right below that. */
  own?: Box | undefined;
}

/** Does this tie go back, or to the thing that it comes from? */
export function goesBack({ sourceX, targetX }: Pick<Ends, 'sourceX' | 'targetX'>): boolean {
  return targetX < sourceX + LANE_GAP;
}

/** Where a tie that goes back runs: its height, and how many others run within it. */
export interface Lane {
  y: number;
  nth: number;
}

/** The lane of each tie that goes back: below everything in its way, and beside no other. */
export function lanesOf(ties: readonly Ends[], boxes: readonly Box[]): Map<string, Lane> {
  const lanes = new Map<string, Lane>();
  const taken: { left: number; right: number; y: number }[] = [];
  const back = ties.filter(goesBack).sort((one, other) => one.sourceX - one.targetX - (other.sourceX - other.targetX) || other.sourceY - one.sourceY || order(one.id, other.id));
  for (const { id, sourceX, sourceY, targetX, targetY, own } of back) {
    const [left, right] = [targetX - LANE_GAP, sourceX + LANE_GAP];
    const below = (own ? [own] : boxes).filter((box) => box.x < right && box.x + box.width > left).map((box) => box.y + box.height);
    const highest = Math.max(...below, Math.max(sourceY, targetY)) + LANE_GAP;
    let y = highest;
    for (const lane of taken.sort((one, other) => one.y - other.y)) {
      if (lane.left < right && lane.right > left && Math.abs(lane.y - y) < LANE_GAP) y = lane.y + LANE_GAP;
    }
    taken.push({ left, right, y });
    lanes.set(id, { y, nth: Math.round((y - highest) / LANE_GAP) });
  }
  return lanes;
}

/** The line of a tie, and where its words stand. */
export function lineOf({ sourceX, sourceY, targetX, targetY }: Omit<Ends, 'id'>, lane: Lane | null): { line: string; x: number; y: number } {
  if (lane === null) {
    const bend = Math.max(36, (targetX - sourceX) / 2);
    return { line: `M${sourceX} ${sourceY}C${sourceX + bend} ${sourceY} ${targetX - bend} ${targetY} ${targetX} ${targetY}`, x: (sourceX + targetX) / 2, y: (sourceY + targetY) / 2 };
  }
  const out = 16 + Math.min(6 * lane.nth, RANK_GAP / 3);
  const turn = (from: number, to: number): number => Math.min(10, Math.abs(to - from) / 2) * Math.sign(to - from);
  const [down, up] = [turn(sourceY, lane.y), turn(targetY, lane.y)];
  const [right, left] = [sourceX + out, targetX - out];
  const line = [
    `M${sourceX} ${sourceY}H${right - 10}Q${right} ${sourceY} ${right} ${sourceY + down}`,
    `V${lane.y - down}Q${right} ${lane.y} ${right - 10} ${lane.y}H${left + 10}Q${left} ${lane.y} ${left} ${lane.y - up}`,
    `V${targetY + up}Q${left} ${targetY} ${left + 10} ${targetY}H${targetX}`,
  ].join('');
  return { line, x: (left + right) / 2, y: lane.y };
}

export interface View {
  x: number;
  y: number;
  zoom: number;
}

/** The rectangle around boxes and lanes. */
export function boundsOf(boxes: readonly Box[], lanes: Iterable<Lane>): Box {
  if (boxes.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y));
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height), ...[...lanes].map(({ y }) => y + LANE_GAP));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** All of it in the middle; where it would be too small to read, its upper left corner. */
export function fitView(bounds: Box, width: number, height: number, zoom_min: number): View {
  const margin = Math.min(40, width / 12);
  const wanted = Math.min((width - 2 * margin) / Math.max(1, bounds.width), (height - 2 * margin) / Math.max(1, bounds.height), 1);
  const zoom = Math.max(wanted, zoom_min);
  const along = (room: number, size: number, start: number): number => (size * zoom > room - 2 * margin ? margin - start * zoom : (room - size * zoom) / 2 - start * zoom);
  return { x: along(width, bounds.width, bounds.x), y: along(height, bounds.height, bounds.y), zoom };
}

/** The same picture, nearer or farther around the middle of what is seen. */
export function zoomView({ x, y, zoom }: View, factor: number, width: number, height: number, limits: readonly [number, number]): View {
  const next = Math.min(limits[1], Math.max(limits[0], zoom * factor));
  return { x: width / 2 - ((width / 2 - x) / zoom) * next, y: height / 2 - ((height / 2 - y) / zoom) * next, zoom: next };
}
