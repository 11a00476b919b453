/** How values, ages and rates are written: one way each, on every page. */

import type { Kind, Value } from './protocol';

/** A text may have lines, columns, and what joins or parts words in the languages of classrooms. */
const LINES = '\n\t\u200b\u200c\u200d';

/** The shown form of a value. Floats keep a fixed number of digits so that a changing column does not dance. */
export function formatValue(kind: Kind, value: Value): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'string') return seen(value, LINES);
  if (kind === 'int') return String(value);
  return formatFloat(value);
}

function formatFloat(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-3)) return value.toExponential(3);
  return value.toFixed(3);
}

/** The whole value, for the detail view: nothing rounded away. */
export function formatExactly(value: Value): string {
  return value === null ? '–' : seen(String(value), LINES);
}

/** An age in its largest fitting unit; a second unit only from one hour on. Negative ages are clock noise: zero. */
export function formatAge(age_ms: number): string {
  const seconds = Math.floor(Math.max(0, age_ms) / 1000);
  if (seconds < 1) return '< 1 s';
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A count with thousands marked: `100,000`. */
export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** A rate per second: whole from 10 on, one digit below, because 0 and 0.4 are different answers. */
export function formatRate(per_second: number | null): string {
  if (per_second === null) return '–';
  if (per_second === 0 || per_second >= 10) return formatCount(per_second);
  return per_second.toFixed(1);
}

/** A round trip given in microseconds, in milliseconds. */
export function formatRoundTrip(rtt_us: number | null): string {
  if (rtt_us === null) return '–';
  const rtt_ms = rtt_us / 1000;
  return rtt_ms >= 10 ? `${Math.round(rtt_ms)} ms` : `${rtt_ms.toFixed(rtt_ms < 1 ? 2 : 1)} ms`;
}

/** A count with its noun: `1 client`, `2 clients`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A moment given as RFC 3339, in the time of this machine (or of `timeZone`) to the second: `2026-11-21 11:03:40`. */
export function formatMoment(rfc3339: string, timeZone?: string): string {
  const moment = new Date(rfc3339);
  if (Number.isNaN(moment.getTime())) return rfc3339;
  const parts = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return parts.format(moment);
}

const DAY_MS = 86_400_000;

/** How long a thing is still valid: `for 30 more days`, `for less than a day`, `expired`. `now` is in milliseconds since 1970. */
export function formatValidity(until_rfc3339: string, now: number): string {
  const left = new Date(until_rfc3339).getTime() - now;
  if (Number.isNaN(left)) return '';
  if (left <= 0) return 'expired';
  const days = Math.floor(left / DAY_MS);
  return days === 0 ? 'for less than a day' : `for ${formatCount(days)} more ${days === 1 ? 'day' : 'days'}`;
}

/** A fingerprint in rows of eight bytes, so that two people can compare it aloud. */
export function fingerprintRows(fingerprint: string): string[] {
  const bytes = fingerprint.split(':');
  const rows: string[] = [];
  for (let start = 0; start < bytes.length; start += 8) rows.push(bytes.slice(start, start + 8).join(':'));
  return rows;
}

/** Signs that hide or turn round what stands beside them: controls, widths of nothing, directions, and the mark at the beginning of a file. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A name as it is, with every sign that nobody sees as `⟨202E⟩`, so that no name looks like another. `kept` are signs that may stay. */
export function seen(text: string, kept = ''): string {
  return text.replace(UNSEEN, (sign) => (kept.includes(sign) ? sign : `⟨${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`));
}

/** A sentence in its parts: what stands between backticks is a command to type. */
export function codeParts(text: string): { text: string; isCode: boolean }[] {
  return text
    .split('`')
    .map((part, at) => ({ text: part, isCode: at % 2 === 1 }))
    .filter(({ text: part }) => part !== '');
}
