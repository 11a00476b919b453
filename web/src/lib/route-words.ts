/** Routes in words, as a list to look through, and the fate of a value on its way. */

import { formatCount, formatWhole, plural } from './format';
import type { Value } from './protocol';
import type { OnStale, RouteRow, RouteTransform } from './rails-protocol';

/** What becomes of an input of a PLC when its source is stale. */
export const ON_STALE_WORDS: Record<OnStale, string> = {
  hold: 'keeps its value',
  zero: 'becomes 0 or off',
  fault: 'brings the PLC to Fault',
};

/** What becomes of a value, in short words; empty for a plain route. */
export function transformWords(route: Partial<RouteTransform>): string[] {
  const parts: string[] = [];
  if (route.expr) parts.push(route.expr);
  if (hasLines(route.map)) parts.push(`map of ${Object.keys(route.map).length}`);
  if (route.invert) parts.push('not');
  if (isSet(route.scale) && route.scale !== 1) parts.push(`× ${route.scale}`);
  if (isSet(route.offset) && route.offset !== 0) parts.push(route.offset < 0 ? `− ${-route.offset}` : `+ ${route.offset}`);
  if (isSet(route.deadband)) parts.push(`band ${route.deadband}`);
  if (isSet(route.every_ms)) parts.push(`every ${route.every_ms} ms`);
  return parts;
}

/** A route without a map has an empty one. */
function hasLines(map: Record<string, Value> | undefined): map is Record<string, Value> {
  return map !== undefined && Object.keys(map).length > 0;
}

function isSet(number: number | null | undefined): number is number {
  return number !== null && number !== undefined;
}

export type RouteCondition = 'active' | 'waiting' | 'failing';

/** How a route stands, in one word. A pattern stands for others and carries nothing itself. */
export function conditionOf(route: RouteRow): RouteCondition {
  if (route.error) return 'failing';
  return route.state === 'waiting' ? 'waiting' : 'active';
}

export function isPattern(route: RouteRow): boolean {
  return isSet(route.fits);
}

/** Why a route stands as it does. */
export function reasonOf(route: RouteRow): string {
  if (route.error) return route.error;
  if (isPattern(route)) return route.fits === 0 ? 'no signal fits its pattern yet' : `stands for ${plural(route.fits ?? 0, 'route')}`;
  return route.reason ?? (route.count > 0 ? 'carries values' : 'waits for the first value');
}

/** Where a route comes from. */
export const SOURCE_WORDS: Record<RouteRow['source'], string> = {
  project: 'the project file',
  piplc: 'the route table of a PiPLC client',
  api: 'the page, the API or the command line',
};

/** What the list shows. */
export interface RouteFilter {
  text: string;
  condition: RouteCondition | null;
}

/** A line of the list: a route, and how it stands to a pattern. */
export interface RouteLine {
  route: RouteRow;
  /** It stands below the pattern that it is one of. */
  isChild: boolean;
  /** The pattern is unfolded; null for what is no pattern. */
  isOpen: boolean | null;
}

/**
 * The lines of the list. Children stand below their pattern, and only while that is unfolded or a filter finds them. A filter
 * finds words of both ends and of the expression in any order, in any case.
 */
export function listRoutes(routes: readonly RouteRow[], filter: RouteFilter, open: ReadonlySet<number>): RouteLine[] {
  const children = new Map<number, RouteRow[]>();
  const ids = new Set(routes.map(({ id }) => id));
  const heads: RouteRow[] = [];
  for (const route of routes) {
    // A child whose pattern is not in the list stands for itself.
    if (!isSet(route.pattern) || !ids.has(route.pattern)) heads.push(route);
    else if (children.has(route.pattern)) children.get(route.pattern)?.push(route);
    else children.set(route.pattern, [route]);
  }
  const fits = fitterOf(filter);
  const isFiltered = filter.text.trim() !== '' || filter.condition !== null;
  const lines: RouteLine[] = [];
  for (const route of heads) {
    const own = children.get(route.id) ?? [];
    const found = isFiltered ? own.filter(fits) : own;
    if (!fits(route) && found.length === 0) continue;
    const isOpen = open.has(route.id) || (isFiltered && found.length > 0);
    lines.push({ route, isChild: false, isOpen: isPattern(route) ? isOpen : null });
    if (isOpen) for (const child of found) lines.push({ route: child, isChild: true, isOpen: null });
  }
  return lines;
}

function fitterOf({ text, condition }: RouteFilter): (route: RouteRow) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (route) => {
    if (condition !== null && conditionOf(route) !== condition) return false;
    if (words.length === 0) return true;
    const key = `${route.from} ${route.to} ${route.expr ?? ''}`.toLowerCase();
    return words.every((word) => key.includes(word));
  };
}

/** How many routes stand in each condition; patterns are counted by those that they stand for. */
export function countConditions(routes: readonly RouteRow[]): Record<RouteCondition, number> {
  const counts = { active: 0, waiting: 0, failing: 0 };
  for (const route of routes) if (!isPattern(route)) counts[conditionOf(route)] += 1;
  return counts;
}

/** One step of a value on its way. */
export interface FateStep {
  name: string;
  /** What the step is, as the project file says it. */
  rule: string;
  /** What comes out of it; undefined where only the hub knows. */
  value: Value | undefined;
  /** It changes nothing and only decides whether the value is passed on now. */
  isGate: boolean;
  /** What is odd about it. */
  note: string | null;
}

/**
 * What becomes of `value` on a route, step by step, in the hub's order: expression, map, inversion, scale and offset; deadband and
 * interval decide whether it is passed on now. What an expression gives only the hub knows, and what follows from it neither.
 */
export function fateOf(route: Partial<RouteTransform>, value: Value | undefined): FateStep[] {
  const steps: FateStep[] = [];
  let now = value;
  const put = (name: string, rule: string, note: string | null = null, isGate = false): number => steps.push({ name, rule, value: now, note, isGate });
  if (route.expr) {
    now = undefined;
    put('Expression', route.expr);
  }
  if (hasLines(route.map)) {
    const mapped = now === undefined ? undefined : mapOf(route.map, now);
    const isHeld = now !== undefined && mapped === undefined;
    now = mapped;
    put('Map', Object.entries(route.map).map(([from, to]) => `${from} → ${formatWhole(to)}`).join(', '), isHeld ? 'not in the map: nothing is passed' : null);
    if (isHeld) return steps;
  }
  if (route.invert) {
    const isFit = now === undefined || typeof now === 'boolean';
    now = typeof now === 'boolean' ? !now : undefined;
    put('Invert', 'not', isFit ? null : 'expected on or off');
  }
  const [scale, offset] = [route.scale ?? null, route.offset ?? null];
  if (scale !== null || offset !== null) {
    const isFit = now === undefined || typeof now === 'number';
    now = typeof now === 'number' ? now * (scale ?? 1) + (offset ?? 0) : undefined;
    const rule = [scale === null ? '' : `× ${scale}`, offset === null ? '' : offset < 0 ? `− ${-offset}` : `+ ${offset}`].filter(Boolean).join(' ');
    put('Scale and offset', rule, isFit ? null : 'expected a number');
  }
  if (isSet(route.deadband)) put('Deadband', `passed when it is ${route.deadband} or more away from the one passed last`, null, true);
  if (isSet(route.every_ms)) put('Interval', `at most one in ${route.every_ms} ms, the newest`, null, true);
  return steps;
}

/** The entry of a map for a value; undefined where it passes nothing. */
function mapOf(map: Record<string, Value>, value: Value): Value | undefined {
  const key = String(value);
  return Object.hasOwn(map, key) ? map[key] : map['*'];
}

/** The rates of routes from two readings of their counters. A counter that went back begins anew. */
export class RouteRates {
  #last = new Map<number, { at_ms: number; count: number }>();
  #rates = new Map<number, number>();

  read(routes: readonly RouteRow[], at_ms: number): void {
    const now = new Map<number, { at_ms: number; count: number }>();
    const rates = new Map<number, number>();
    for (const { id, count } of routes) {
      const last = this.#last.get(id);
      if (last && at_ms > last.at_ms && count >= last.count) rates.set(id, ((count - last.count) * 1000) / (at_ms - last.at_ms));
      now.set(id, { at_ms, count });
    }
    this.#last = now;
    this.#rates = rates;
  }

  /** Values per second, or null before the second reading. */
  of(id: number): number | null {
    return this.#rates.get(id) ?? null;
  }
}

/** Where in the form an error of the hub belongs, by the key that it names first; null for the form as a whole. */
export function fieldOf(message: string): string | null {
  const [, end] = /^'(from|to)': /.exec(message) ?? [];
  if (end !== undefined) return end;
  // Of a target that somebody else writes the hub names only the signal, which may be the place of a symbol.
  if (/^'[^']*' (is written by |says .* only the hub writes it)/.test(message)) return 'to';
  // Where neither a key nor a transform is to blame, another target would fit.
  if (/^'[^']*' is \w+, '[^']*' is \w+: a (plain )?route does not convert that/.test(message)) return 'to';
  // A route that closes a circle is laid elsewhere by another target.
  if (/^the routes would go in a circle|^'[^']*' would follow itself/.test(message)) return 'to';
  const keys = ['every_ms', 'deadband', 'on_stale', 'inputs', 'expr', 'map', 'scale', 'offset', 'invert'];
  const found = keys
    .map((key) => ({ key, at: message.search(new RegExp(`(^|[^\\w/])${key}([^\\w/]|$)`)) }))
    .filter(({ at }) => at >= 0)
    .sort((left, right) => left.at - right.at);
  return found[0]?.key ?? null;
}

/** Where a route would be looked at: the fate of its value. */
export function transformTitle(route: RouteRow): string {
  const parts = transformWords(route);
  return parts.length === 0 ? 'The value is passed as it is.' : parts.join(', then ');
}

/** Why this route is changed and removed elsewhere, or null. */
export function madeElsewhere(route: RouteRow): string | null {
  if (isSet(route.pattern)) return 'It stands for a pattern: change or remove that one.';
  return route.source === 'piplc' ? 'A client of PiPLC has sent it in its route table, and changes it there.' : null;
}

/** What is lost when a route is removed. */
export function removalEffect(route: RouteRow): string {
  const others = isPattern(route) ? ` All ${formatCount(route.fits ?? 0)} routes that it stands for go with it.` : '';
  const file = route.source === 'project' ? ' It is taken out of the project file, too.' : '';
  return `${route.to} follows ${route.from} no more and keeps the value that it has.${others}${file}`;
}
