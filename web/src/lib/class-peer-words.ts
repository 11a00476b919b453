/** The class on the overview, which is in English as all pages but those of the classroom. */

import type { ClassState } from './classroom-protocol';
import { plural } from './format';

/** The headsets of a class on one line: how many are here and in the game, and what is wrong with them. */
export function headsetWords({ players, gama }: ClassState): string {
  const here = players.filter(({ connected }) => connected);
  const parts = [here.length === 0 ? 'no headset' : plural(here.length, 'headset')];
  if (gama !== null && here.length > 0) parts.push(`${here.filter(({ in_game }) => in_game).length} in the game`);
  const silent = here.filter(({ alive }) => !alive).length;
  if (silent > 0) parts.push(`${silent} silent`);
  if (players.some(({ doubled }) => doubled)) parts.push('a name twice');
  return parts.join(', ');
}
