/** The console of GAMA as the page keeps it. */

import type { ConsoleLine } from './classroom-protocol';

/** Known lines with the new ones behind them, each number once, and the oldest given up above `len_max`. */
export function joinLines(known: readonly ConsoleLine[], fresh: readonly ConsoleLine[], len_max: number): readonly ConsoleLine[] {
  const newest = known.at(-1)?.number ?? -1;
  const added = fresh.filter(({ number }) => number > newest);
  return added.length === 0 ? known : [...known, ...added].slice(-len_max);
}
