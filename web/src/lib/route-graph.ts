/**
 * Routes as a graph: the things that signals belong to, the signals that routes use as their ports, and what ties them. Many
 * routes are folded to one tie per pair of things. Nothing here knows of pixels; `route-layout.ts` does.
 */

import type { RouteRow } from './rails-protocol';
import type { Owner } from './protocol';
import { isPattern, type RouteLine } from './route-words';

/** With more ties than this they are folded to one per pair of things, and only those of the chosen thing stand alone. */
export const TIES_MAX = 300;
/** Signals that a thing shows which no route uses. */
export const SAMPLES_MAX = 5;

export interface Port {
  /** The signal, by its own name and not by a symbol; or the pattern. */
  name: string;
  /** A route writes it. */
  isIn: boolean;
  /** A route reads it. */
  isOut: boolean;
  isPattern: boolean;
}

export interface Thing {
  /** Such as `twin/line`, `plc/line`, `sim`. */
  id: string;
  ports: Port[];
  /** How many of its signals routes write and read, also of those that are folded. */
  inCount: number;
  outCount: number;
  /** It stands for things that a pattern means. */
  isPattern: boolean;
}

/** What ties two things: a route, the routes of a pattern, or all routes between them. */
export interface Tie {
  id: string;
  kind: 'route' | 'pattern' | 'bundle';
  from: string;
  to: string;
  /** Names of ports; null where the tie ends at the thing as a whole. */
  fromPort: string | null;
  toPort: string | null;
  /** What it carries. */
  routes: readonly number[];
  /** The route to show when it is chosen: the pattern or the route itself; null for a bundle of several. */
  head: number | null;
}

export interface RouteGraph {
  things: Thing[];
  ties: Tie[];
  /** How many routes do not stand alone because there are too many. */
  folded: number;
}

export interface GraphWanted {
  /** All routes, and those of them that the list would show. */
  routes: readonly RouteRow[];
  lines: readonly RouteLine[];
  /** The thing whose routes stand alone. */
  chosen: string | null;
  /** Signals that somebody has put to their things. */
  extra: readonly string[];
  /** Things that have signals, with the first few of them. */
  known: ReadonlyMap<string, readonly string[]>;
  /** The signal that a name stands for: a symbol is another name of its place. */
  nameOf: (name: string) => string;
}

/** The thing that a signal belongs to. */
export function thingOf(name: string): string {
  const [first = '', second] = name.split('/');
  return first === 'sim' || first === 'sys' || second === undefined ? first : `${first}/${second}`;
}

/** What a signal is called within its thing. */
export function leafOf(name: string): string {
  const thing = thingOf(name);
  return name === thing ? name : name.slice(thing.length + 1);
}

const isMeant = (name: string): boolean => /[*$]/.test(name);

export function buildGraph(wanted: GraphWanted): RouteGraph {
  const all = tiesOf(wanted);
  const { ties, folded } = all.length > TIES_MAX ? fold(all, wanted.chosen) : { ties: all, folded: 0 };
  const things = new Map<string, Thing>();
  const thing = (id: string): Thing => {
    const known = things.get(id);
    if (known) return known;
    const made: Thing = { id, ports: [], inCount: 0, outCount: 0, isPattern: isMeant(id) };
    things.set(id, made);
    return made;
  };
  countSignals(all, thing);
  const put = portPutter(thing);
  for (const tie of ties) {
    if (tie.fromPort !== null) put(tie.from, tie.fromPort, 'isOut');
    else thing(tie.from);
    if (tie.toPort !== null) put(tie.to, tie.toPort, 'isIn');
    else thing(tie.to);
  }
  for (const name of wanted.extra) put(thingOf(name), name, null);
  for (const [id, samples] of wanted.known) {
    const own = thing(id);
    // A thing that nothing is tied to shows where one could begin.
    if (own.inCount + own.outCount === 0) for (const name of samples.slice(0, SAMPLES_MAX)) put(id, name, null);
  }
  return { things: [...things.values()].sort((left, right) => order(left.id, right.id)), ties, folded };
}

function portPutter(thing: (id: string) => Thing) {
  const ports = new Map<string, Port>();
  return (id: string, name: string, side: 'isIn' | 'isOut' | null): void => {
    const key = `${id}\n${name}`;
    let port = ports.get(key);
    if (!port) {
      port = { name, isIn: false, isOut: false, isPattern: isMeant(name) };
      ports.set(key, port);
      thing(id).ports.push(port);
    }
    if (side !== null) port[side] = true;
  };
}

/** How many signals of each thing are read and written. */
function countSignals(ties: readonly Tie[], thing: (id: string) => Thing): void {
  const seen = new Set<string>();
  const isNew = (key: string): boolean => {
    const { size } = seen;
    seen.add(key);
    return seen.size > size;
  };
  for (const { from, to, fromPort, toPort, kind, routes } of ties) {
    const count = kind === 'pattern' ? Math.max(1, routes.length) : 1;
    if (isNew(`${from}<${fromPort}`)) thing(from).outCount += count;
    if (isNew(`${to}>${toPort}`)) thing(to).inCount += count;
  }
}

/** One tie per route; the routes of a folded pattern are one per pair of things. */
function tiesOf({ routes, lines, nameOf }: GraphWanted): Tie[] {
  const children = new Map<number, RouteRow[]>();
  for (const route of routes) {
    if (route.pattern === null || route.pattern === undefined) continue;
    const own = children.get(route.pattern);
    if (own) own.push(route);
    else children.set(route.pattern, [route]);
  }
  const ties: Tie[] = [];
  for (const { route, isOpen } of lines) {
    const own = children.get(route.id) ?? [];
    if (!isPattern(route)) ties.push(tieOf(route, nameOf));
    else if (own.length === 0) ties.push({ ...tieOf(route, (name) => name), kind: 'pattern', routes: [] });
    else if (isOpen !== true) ties.push(...tiesOfPattern(route, own, nameOf));
  }
  return ties;
}

function tieOf(route: RouteRow, nameOf: (name: string) => string): Tie {
  const [from, to] = [nameOf(route.from), nameOf(route.to)];
  return { id: `r${route.id}`, kind: 'route', from: thingOf(from), to: thingOf(to), fromPort: from, toPort: to, routes: [route.id], head: route.id };
}

function tiesOfPattern(pattern: RouteRow, children: readonly RouteRow[], nameOf: (name: string) => string): Tie[] {
  return [...groupBy(children, (child) => `${thingOf(nameOf(child.from))}|${thingOf(nameOf(child.to))}`)].map(([pair, own]) => {
    const [from = '', to = ''] = pair.split('|');
    return { id: `p${pattern.id}|${pair}`, kind: 'pattern', from, to, fromPort: pattern.from, toPort: pattern.to, routes: own.map(({ id }) => id), head: pattern.id };
  });
}

/** One tie per pair of things, but those of the chosen thing stand alone as far as there is room. */
function fold(all: readonly Tie[], chosen: string | null): { ties: Tie[]; folded: number } {
  const single = all.filter(({ from, to }) => from === chosen || to === chosen).slice(0, TIES_MAX);
  const alone = new Set(single);
  const rest = all.filter((tie) => !alone.has(tie));
  const ties = [...single];
  let folded = 0;
  for (const [pair, group] of groupBy(rest, ({ from, to }) => `${from}|${to}`)) {
    const [only] = group;
    if (group.length === 1 && only) {
      ties.push(only);
      continue;
    }
    const [from = '', to = ''] = pair.split('|');
    const routes = group.flatMap((tie) => tie.routes);
    folded += routes.length;
    ties.push({ id: `b|${pair}`, kind: 'bundle', from, to, fromPort: null, toPort: null, routes, head: null });
  }
  return { ties, folded };
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const collator = new Intl.Collator('en', { numeric: true });
/** Names as a person counts: `I:2` before `I:10`. */
export const order = (left: string, right: string): number => collator.compare(left, right) || (left < right ? -1 : left > right ? 1 : 0);

/** The things of a catalog, each with its first signals in their order; `isWanted` may leave some out. */
export function thingsOf(names: Iterable<string>): Map<string, string[]> {
  const things = new Map<string, string[]>();
  for (const name of names) {
    const id = thingOf(name);
    const own = things.get(id);
    if (!own) things.set(id, [name]);
    else if (own.length < SAMPLES_MAX) own.push(name);
  }
  return things;
}

/** How routes hang together by the signals that they read and write; patterns carry nothing themselves. */
export class Chains {
  /** The routes into each signal. */
  #into = new Map<string, { id: number; from: string; sources: string[] }[]>();

  constructor(routes: readonly RouteRow[], nameOf: (name: string) => string) {
    for (const route of routes) {
      if (isPattern(route)) continue;
      const to = nameOf(route.to);
      const entry = { id: route.id, from: route.from, sources: [route.from, ...Object.values(route.inputs ?? {})].map(nameOf) };
      const own = this.#into.get(to);
      if (own) own.push(entry);
      else this.#into.set(to, [entry]);
    }
  }

  /** The source of the route that writes this signal. */
  writerOf(name: string): string | null {
    return this.#into.get(name)?.[0]?.from ?? null;
  }

  /** Routes whose target another route writes, too. */
  doubled(): Set<number> {
    const ids = new Set<number>();
    for (const own of this.#into.values()) if (own.length > 1) for (const { id } of own) ids.add(id);
    return ids;
  }

  /** Every signal that `name` follows, over any number of routes; itself, too. */
  above(name: string): Set<string> {
    const met = new Set([name]);
    // A set that grows while it is walked through: what is added is met, too.
    for (const one of met) for (const { sources } of this.#into.get(one) ?? []) for (const source of sources) met.add(source);
    return met;
  }

  /** Routes that go in a circle: their target is among what they follow. */
  circles(): Set<number> {
    const ids = new Set<number>();
    for (const ring of rings(this.#into)) {
      for (const name of ring) for (const { id, sources } of this.#into.get(name) ?? []) if (sources.some((source) => ring.has(source))) ids.add(id);
    }
    return ids;
  }
}

/** Sets of signals that follow each other (Tarjan, without recursion: chains may be long). */
function rings(into: ReadonlyMap<string, readonly { sources: string[] }[]>): Set<string>[] {
  const found: Set<string>[] = [];
  const at = new Map<string, { index: number; low: number; isOpen: boolean }>();
  const open: string[] = [];
  const sourcesOf = (name: string): string[] => (into.get(name) ?? []).flatMap(({ sources }) => sources);
  for (const start of into.keys()) {
    if (at.has(start)) continue;
    const walk = [{ name: start, next: sourcesOf(start) }];
    while (walk.length > 0) {
      const step = walk[walk.length - 1]!;
      let own = at.get(step.name);
      if (!own) {
        own = { index: at.size, low: at.size, isOpen: true };
        at.set(step.name, own);
        open.push(step.name);
      }
      const source = step.next.pop();
      if (source !== undefined) {
        const known = at.get(source);
        if (!known) walk.push({ name: source, next: sourcesOf(source) });
        else if (known.isOpen) own.low = Math.min(own.low, known.index);
        continue;
      }
      walk.pop();
      const above = walk.length > 0 ? at.get(walk[walk.length - 1]!.name) : undefined;
      if (above) above.low = Math.min(above.low, own.low);
      if (own.low < own.index) continue;
      const ring = new Set(open.splice(open.lastIndexOf(step.name)));
      for (const name of ring) at.get(name)!.isOpen = false;
      if (ring.size > 1 || sourcesOf(step.name).includes(step.name)) found.push(ring);
    }
  }
  return found;
}

/** What the page knows of a signal that a route could write. */
export interface Known {
  owner: Owner;
  writable: boolean;
}

/**
 * Why no route goes from one signal to another, as far as the page knows; null where the hub may be asked. `above` is
 * everything that `from` follows.
 */
export function obstacleBetween(from: string, to: string, known: Known | undefined, chains: Chains, above: ReadonlySet<string>): string | null {
  if (from === to) return 'It is the source itself.';
  if (isMeant(to) || isMeant(from)) return 'It is a pattern and no single signal.';
  if (known?.owner === 'peer') return 'Its own peers write it; a route would be a second writer.';
  if (known && !known.writable) return 'It cannot be written.';
  const writer = chains.writerOf(to);
  if (writer !== null) return `A route from ${writer} writes it already.`;
  return above.has(to) ? 'The routes would go in a circle.' : null;
}
