/**
 * How the connection of a pupil goes on: what a refusal and a close mean, and how long to wait before the next attempt. It knows no
 * socket and no timer.
 */

/** Why the page waits for somebody to act, or for a moment to come. */
export type Halt =
  /** The code is wanted, or wrong. */
  | 'code'
  /** Too many wrong codes came from here. */
  | 'tries'
  | 'forbidden'
  /** There is no classroom here. */
  | 'nobody'
  /** Another headset has this name. */
  | 'name'
  /** This name has joined from another tab or device. */
  | 'elsewhere'
  /** The teacher has taken the player out. */
  | 'removed';

/** Why there is no connection just now, although one is wanted. */
export type Gap = 'away' | 'lost' | 'ended' | 'many' | 'held';

/** The wait before the first new attempt; it doubles with each failure. */
const PAUSE_FIRST_MS = 500;
/** The longest wait, so that a hub that comes back is found soon. */
const PAUSE_MAX_MS = 8_000;
/** A wrong code too many is forgiven by the hub after so long. */
export const TRIES_PAUSE_MS = 60_000;
/** A class that is over or full is asked again so often. */
const CALM_PAUSE_MS = 5_000;
/** Without any word for so long the link counts as lost, even if the socket is open. */
export const SILENCE_MS = 4_000;
/** After so long without a word the hub is asked whether it is there. */
export const QUIET_MS = 1_000;
/** How long an attempt may take until the hub says how the seat stands. */
export const GREETING_MS = 6_000;

/** What the answer to the question before a connection means: null where the door is open. 426 says that a WebSocket is expected. */
export function haltOf(status: number): Halt | 'away' | null {
  switch (status) {
    case 426:
      return null;
    case 401:
      return 'code';
    case 429:
      return 'tries';
    case 403:
      return 'forbidden';
    case 404:
      return 'nobody';
    default:
      return 'away';
  }
}

/** What a close by the hub means. `wasSeated`: this page had the seat before, so the name may be taken by its own last connection. */
export function closeOf(code: number, reason: string, wasSeated: boolean): { halt: Halt } | { gap: Gap } {
  if (code === 1008 && /another headset/.test(reason)) return wasSeated ? { gap: 'held' } : { halt: 'name' };
  if (code === 1008 && /key revoked/.test(reason)) return { halt: 'code' };
  if (code === 1013) return { gap: 'many' };
  if (code !== 1000) return { gap: 'lost' };
  if (/taken out/.test(reason)) return { halt: 'removed' };
  if (/connected again/.test(reason)) return { halt: 'elsewhere' };
  return { gap: /experiment was stopped/.test(reason) ? 'ended' : 'lost' };
}

/** The pause before attempt number `attempt`, from 0; `jitter` in 0…1 keeps thirty phones from coming at one moment. */
export function pauseOf(gap: Gap, attempt: number, jitter: number): number {
  const spread = (pause: number): number => Math.round(pause * (0.8 + 0.4 * jitter));
  if (gap === 'ended' || gap === 'many') return spread(CALM_PAUSE_MS);
  return spread(Math.min(PAUSE_FIRST_MS * 2 ** Math.min(attempt, 10), PAUSE_MAX_MS));
}
