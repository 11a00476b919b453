/** What the page says of engines that run elsewhere: how the link stands, and what is known of an engine that is not heard. */

import { formatAge } from './format';
import type { PlcContext, PlcLink } from './plc-protocol';

type Linked = Pick<PlcContext, 'link'>;

/** Does this engine run elsewhere? */
export function isRemote({ link }: Linked): boolean {
  return link !== null && link !== undefined;
}

/** Is the engine heard? One of the hub's own always; another over a link that works, be it with a reservation. */
export function isHeard({ link }: Linked): boolean {
  if (link === null || link === undefined || link.color === 'green') return true;
  return link.color === 'yellow' && link.server !== null && link.retry_in_ms === null;
}

/** The sign of a link in a word, so that its colour says nothing alone. */
export function linkWord(link: PlcLink): string {
  if (link.color === 'green') return 'linked';
  if (link.color === 'red') return 'link down';
  if (isHeard({ link })) return 'linked, with a reservation';
  return link.retry_in_ms === null ? 'connecting' : 'waiting';
}

/** Time to the next attempt as it is now; `read_ms_ago` is the age of the row. Null for a link that needs none. */
export function retryWords(link: PlcLink, read_ms_ago: number): string | null {
  const { retry_in_ms } = link;
  if (retry_in_ms === null) return isHeard({ link }) ? null : 'trying now';
  const seconds = Math.ceil((retry_in_ms - read_ms_ago) / 1000);
  return seconds <= 0 ? 'again now' : `again in ${seconds} s`;
}

/** The state as a person reads it: of an engine that is not heard it is what it was. */
export function stateShown(context: Pick<PlcContext, 'state' | 'link'>, isHubHeard: boolean): string {
  return isHubHeard && isHeard(context) ? context.state : `was ${context.state}`;
}

/** Why nothing can be done with a context now, or null if something can. */
export function linkHint(context: Pick<PlcContext, 'link' | 'name'>): string | null {
  const { link } = context;
  if (link === null || link === undefined || isHeard(context)) return null;
  return `The link to the engine of ${context.name} is down${link.reason === null ? '' : `: ${link.reason}`}.`;
}

/** How old a picture is of an engine that was last heard at `heard_at_ms`; both on the hub's clock. */
export function asItWas(now_ms: number, heard_at_ms: number | null): string {
  return heard_at_ms === null ? 'as it was when it was last heard' : `as it was ${formatAge(now_ms - heard_at_ms)} ago`;
}
