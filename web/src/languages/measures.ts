/** Counts and spans of time in a language. The words of the units stand in its table: not every browser knows them in Lao or Khmer. */

import type { LanguageCode } from './language.svelte';

/** The words of spans of time. */
export interface Units {
  millisecond: (count: number) => string;
  second: (count: number) => string;
  minute: (count: number) => string;
  hour: (count: number) => string;
  day: (count: number) => string;
  /** Less than a span: `< 1 s`. */
  under: (span: string) => string;
}

/** Writes counts with thousands marked as the language marks them, in digits that everybody reads. */
export function countIn(code: LanguageCode): (count: number) => string {
  const format = new Intl.NumberFormat(`${code}-u-nu-latn`, { maximumFractionDigits: 0 });
  return (count) => format.format(count);
}

/** Writes a count with its noun, in a language that has a form for one and another for more. */
export function pluralIn(code: 'en' | 'fr'): (count: number, one: string, other: string) => string {
  const rules = new Intl.PluralRules(code);
  const write = countIn(code);
  return (count, one, other) => `${write(count)} ${rules.select(count) === 'one' ? one : other}`;
}

/** A span in its largest fitting unit; a second unit only from one hour on. Negative spans are clock noise: zero. */
export function spanWords(units: Units, span_ms: number): string {
  const seconds = Math.floor(Math.max(0, span_ms) / 1000);
  if (seconds < 1) return units.under(units.second(1));
  if (seconds < 60) return units.second(seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return units.minute(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${units.hour(hours)} ${units.minute(minutes % 60)}`;
  return `${units.day(Math.floor(hours / 24))} ${units.hour(hours % 24)}`;
}

/** A period as somebody has set it: nothing is rounded. */
export function periodWords(units: Units, period_ms: number): string {
  return period_ms % 1000 === 0 ? units.second(period_ms / 1000) : units.millisecond(period_ms);
}
