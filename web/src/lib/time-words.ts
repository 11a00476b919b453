/** The hub's clock and a replay in words. */

import type { ClockState, ReplayState } from './rails-protocol';

/** The limits of a scaled clock, and the longest step of a stepped one. */
export const RATE_MIN = 0.1;
export const RATE_MAX = 100;
export const STEP_MS_MAX = 3_600_000;

/** A length of time as a clock shows it: `0:07.3`, `12:05.0`, `1:02:03.4`. */
export function formatSpan(ms: number, digits: 0 | 1 | 3 = 1): string {
  if (!Number.isFinite(ms)) return '–';
  const unit = 10 ** (3 - digits);
  const whole = Math.floor(Math.max(0, ms) / unit) * unit;
  const seconds = Math.floor(whole / 1000);
  const pad = (count: number): string => String(count).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const head = hours > 0 ? `${hours}:${pad(minutes)}` : String(minutes);
  const rest = digits === 0 ? '' : `.${String(whole % 1000).padStart(3, '0').slice(0, digits)}`;
  return `${head}:${pad(seconds % 60)}${rest}`;
}

/** A rate or a speed: `10×`, `0.5×`; a replay of speed 0 goes as fast as the hub can. */
export function formatTimes(rate: number): string {
  if (!Number.isFinite(rate)) return '–';
  if (rate === 0) return 'as fast as it can';
  return `${Number(rate.toPrecision(4))}×`;
}

/** The sign of a clock that is not the world's, in the top bar; null for one that is. */
export function clockSign(clock: ClockState | null): { word: string; rate: string; isStanding: boolean } | null {
  if (clock === null || clock.mode === 'real') return null;
  const word = { scaled: 'Scaled', stepped: 'Stepped', recording: 'From replay' }[clock.mode];
  const isStanding = !clock.running || clock.rate === 0;
  return { word, rate: isStanding ? 'stands' : formatTimes(clock.rate), isStanding };
}

/** How the hub's time goes, as a sentence. */
export function clockWords(clock: ClockState): string {
  switch (clock.mode) {
    case 'real':
      return 'The hub’s time goes as the world’s.';
    case 'scaled':
      return `The hub’s time goes ${formatTimes(clock.rate)} as fast as the world’s: PLCs, routes and stand-ins together.`;
    case 'stepped':
      return clock.running ? `A step is under way, to ${formatSpan(clock.until_ms ?? clock.now_ms, 3)}.` : 'The hub’s time stands until it is stepped. No PLC scans meanwhile.';
    case 'recording':
      return clock.running ? `A replay leads the hub’s time, at ${formatTimes(clock.rate)}.` : 'A replay leads the hub’s time, and stands.';
  }
}

/** Where a replay is now: between two words of the hub it goes on by itself. */
export function positionOf(replay: ReplayState, since_ms: number): number {
  if (replay.state !== 'playing') return replay.position_ms;
  return Math.min(replay.duration_ms, replay.position_ms + Math.max(0, since_ms) * replay.speed);
}

/** What a replay does, in words. */
export function replayWords(replay: ReplayState): string {
  if (replay.state === 'ended') return 'ended, the last values stay';
  if (replay.state === 'paused') return 'paused';
  if (replay.speed === 0) return 'playing as fast as the hub can';
  return replay.speed === 1 ? 'playing' : `playing at ${formatTimes(replay.speed)}`;
}

/** A typed number within limits, or what was expected. */
export function readNumber(typed: string, min: number, max: number, what: string): { ok: true; value: number } | { ok: false; expected: string } {
  const value = Number(typed.trim().replace(',', '.'));
  if (typed.trim() !== '' && value >= min && value <= max) return { ok: true, value };
  return { ok: false, expected: `${what}: expected a number from ${min} to ${max}.` };
}
