/** The way through the graph of routes by the keyboard: from thing to port, from port along a tie to the other end. */

import type { RouteGraph, Tie } from './route-graph';

/** Where the keyboard stands: a thing, one of its ports, what adds a signal to it, or a tie. */
export type Stop = `thing:${string}` | `port:${string}` | `add:${string}` | `tie:${string}`;

export const thingStop = (id: string): Stop => `thing:${id}`;
export const addStop = (id: string): Stop => `add:${id}`;
export const tieStop = (id: string): Stop => `tie:${id}`;
export const portStop = (thing: string, name: string): Stop => `port:${thing}|${name}`;

/** Things as they are read: from left to right, then from top to bottom. */
export type Walkable = Pick<RouteGraph, 'things' | 'ties'>;

const startOf = (tie: Tie): Stop => (tie.fromPort === null ? thingStop(tie.from) : portStop(tie.from, tie.fromPort));
const endOf = (tie: Tie): Stop => (tie.toPort === null ? thingStop(tie.to) : portStop(tie.to, tie.toPort));

/** Where a key leads from a stop; null where it leads nowhere. A stop that is gone leads to the first thing. */
export function nextStop({ things, ties }: Walkable, stop: Stop, key: string): Stop | null {
  const stops = things.map(({ id, ports }) => [thingStop(id), ...ports.map(({ name }) => portStop(id, name)), addStop(id)]);
  const [first] = stops[0] ?? [];
  const last = stops[stops.length - 1]?.[0];
  if (key === 'Home') return first ?? null;
  if (key === 'End') return last ?? null;
  if (stop.startsWith('tie:')) {
    const at = ties.findIndex(({ id }) => tieStop(id) === stop);
    const tie = ties[at];
    if (!tie) return first ?? null;
    if (key === 'ArrowRight') return endOf(tie);
    if (key === 'ArrowLeft') return startOf(tie);
    const next = key === 'ArrowDown' ? ties[at + 1] : key === 'ArrowUp' ? ties[at - 1] : undefined;
    return next ? tieStop(next.id) : null;
  }
  const thing = stops.findIndex((own) => own.includes(stop));
  const own = stops[thing];
  if (!own) return first ?? null;
  const at = own.indexOf(stop);
  const neighbour = (step: number): Stop | null => stops[thing + step]?.[0] ?? null;
  switch (key) {
    case 'PageDown':
      return neighbour(1);
    case 'PageUp':
      return at > 0 ? (own[0] ?? null) : neighbour(-1);
    case 'ArrowDown':
      return own[at + 1] ?? neighbour(1);
    case 'ArrowUp':
      return own[at - 1] ?? stops[thing - 1]?.at(-1) ?? null;
    case 'ArrowRight':
    case 'ArrowLeft': {
      const isRight = key === 'ArrowRight';
      const tie = ties.find((one) => (isRight ? startOf(one) : endOf(one)) === stop);
      if (tie) return tieStop(tie.id);
      return at === 0 ? neighbour(isRight ? 1 : -1) : null;
    }
    default:
      return null;
  }
}
