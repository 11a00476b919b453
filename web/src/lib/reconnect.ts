/**
 * The life of the live channel as one transition function: connecting, live, waiting, and round again.
 *
 * What enters is an event and the time, what leaves is the next state and at most one thing to do. It knows no
 * socket and no timer, so every story of a lost hub is a table in its test.
 *
 *     held ──release──▶ connecting: nothing is tried before the page knows that it may
 *     connecting ──hello──▶ live ──closed, silence──▶ waiting ──time, "try now"──▶ connecting
 *          └──────────closed, no hello──────────────────▲
 */

/** The hub sends a tick every second; this long without any word means that the link is dead, even if open. */
export const SILENCE_MS = 3_500;
/** How long an attempt may take from opening the socket to the hub's hello. */
export const HELLO_WAIT_MS = 5_000;
/** The wait before the first new attempt; it doubles with each failure. */
export const BACKOFF_FIRST_MS = 500;
/** The longest wait, so that a hub which was off for a night is found soon after it is back. */
export const BACKOFF_MAX_MS = 8_000;

export type Link =
  | { phase: 'held' }
  | { phase: 'connecting'; attempt: number; since: number; lostAt: number | null }
  | { phase: 'live'; epoch: number; heardAt: number }
  | { phase: 'waiting'; attempt: number; retryAt: number; lostAt: number | null; reason: string };

export type LinkEvent =
  | { type: 'hello'; epoch: number }
  | { type: 'heard' }
  | { type: 'closed'; reason: string }
  | { type: 'clock' }
  | { type: 'release' }
  | { type: 'hold' }
  | { type: 'retry-now' };

/** What the owner of the socket has to do after a step: open a new one, or drop the one it has. */
export type LinkEffect = 'none' | 'open' | 'drop';

/** The state before anything was asked. */
export const HELD: Link = { phase: 'held' };

/** One step. `jitter` is a number in 0…1 that spreads the attempts of many pages over time. */
export function nextLink(link: Link, event: LinkEvent, now: number, jitter: number): [Link, LinkEffect] {
  if (link.phase === 'held') {
    return event.type === 'release' ? [{ phase: 'connecting', attempt: 1, since: now, lostAt: null }, 'open'] : [link, 'none'];
  }
  switch (event.type) {
    case 'release':
      return [link, 'none'];
    case 'hold':
      return [HELD, 'drop'];
    case 'hello':
      return [{ phase: 'live', epoch: event.epoch, heardAt: now }, 'none'];
    case 'heard':
      return [link.phase === 'live' ? { ...link, heardAt: now } : link, 'none'];
    case 'closed':
      return link.phase === 'waiting' ? [link, 'none'] : [waiting(link, event.reason, now, jitter), 'none'];
    case 'retry-now':
      return link.phase === 'waiting' ? [connecting(link, now), 'open'] : [link, 'none'];
    case 'clock':
      break;
  }
  if (link.phase === 'waiting' && now >= link.retryAt) {
    return [connecting(link, now), 'open'];
  }
  if (link.phase === 'connecting' && now - link.since >= HELLO_WAIT_MS) {
    return [waiting(link, 'the hub did not greet in time', now, jitter), 'drop'];
  }
  if (link.phase === 'live' && now - link.heardAt >= SILENCE_MS) {
    return [waiting(link, 'the hub went silent', now, jitter), 'drop'];
  }
  return [link, 'none'];
}

function connecting(link: Link & { phase: 'waiting' }, now: number): Link {
  return { phase: 'connecting', attempt: link.attempt + 1, since: now, lostAt: link.lostAt };
}

function waiting(link: Link & { phase: 'connecting' | 'live' }, reason: string, now: number, jitter: number): Link {
  if (link.phase === 'live') {
    // A link that was alive may be back at once; its values are as old as its last word, not as this moment.
    return { phase: 'waiting', attempt: 0, retryAt: now + spread(BACKOFF_FIRST_MS, jitter), lostAt: link.heardAt, reason };
  }
  const pause = Math.min(BACKOFF_FIRST_MS * 2 ** (link.attempt - 1), BACKOFF_MAX_MS);
  return { phase: 'waiting', attempt: link.attempt, retryAt: now + spread(pause, jitter), lostAt: link.lostAt, reason };
}

/** A pause between 80 % and 120 % of `pause`. */
function spread(pause: number, jitter: number): number {
  return pause * (0.8 + 0.4 * jitter);
}
