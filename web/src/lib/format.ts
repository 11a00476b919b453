/** How values, ages and rates are written: one way each, on every page. */

import type { Kind, Value } from './protocol';

/** A text may have what joins or parts words in the languages of classrooms, and what makes a picture of a sign. */
const TEXT = '\u200b\u200c\u200d\ufe0f';
/** Where there is room for it a text has lines and columns as well. */
const LINES = `${TEXT}\n\t`;
/** What ends a line or a column, as one line shows it: nothing of a value may stand in the row below its own. */
const ENDS: Readonly<Record<string, string>> = { '\n': '⏎', '\r': '␍', '\t': '⇥' };

/** The shown form of a value, on one line. Floats keep a fixed number of digits so that a changing column does not dance. */
export function formatValue(kind: Kind, value: Value): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'string') return oneLine(value);
  if (kind === 'int') return String(value);
  return formatFloat(value);
}

function oneLine(text: string): string {
  return seen(text.replace(/[\n\r\t]/g, (end) => ENDS[end] ?? end), TEXT);
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

/** The whole value where there is one line for it: beside others, or in a sentence. */
export function formatWhole(value: Value): string {
  return value === null ? '–' : oneLine(String(value));
}

/** An age in its largest fitting unit; a second unit only from one hour on. Negative ages are clock noise: zero. */
export function formatAge(age_ms: number): string {
  if (!Number.isFinite(age_ms)) return '–';
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
  return !Number.isFinite(count) ? '–' : GROUPED.format(count);
}

/** A rate per second: whole from 10 on, one digit below, because 0 and 0.4 are different answers. */
export function formatRate(per_second: number | null): string {
  if (per_second === null || !Number.isFinite(per_second)) return '–';
  if (per_second === 0 || per_second >= 10) return formatCount(per_second);
  return per_second.toFixed(1);
}

/** A round trip given in microseconds, in milliseconds. */
export function formatRoundTrip(rtt_us: number | null): string {
  if (rtt_us === null || !Number.isFinite(rtt_us)) return '–';
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

/**
 * Signs that hide or turn round what stands beside them, or look like a space or like nothing: controls, directions, ends of lines,
 * widths of nothing, fillers, spaces other than the plain one, and the braille sign without dots.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
/** Marks that stand on one sign, and what joins them; more of them are a pile over the rows above, and no language has it. */
const PILE = /(\p{M}[\u200b-\u200d]*){4,}/gu;
const MARK = /\p{M}[\u200b-\u200d]*/gu;
const MARKS_MAX = 3;

/**
 * A name as it is, with every sign that nobody sees as `⟨202E⟩`, so that no name looks like another, and of a pile of marks the first
 * three and the count of the rest: `⟨+9⟩`. `kept` are signs that may stay; with them spaces of every width may.
 */
export function seen(text: string, kept = ''): string {
  const shown = text.replace(UNSEEN, (sign) => (kept.includes(sign) || (kept !== '' && /\p{Zs}/u.test(sign)) ? sign : codeOf(sign)));
  return shown.replace(PILE, (pile) => {
    const marks = pile.match(MARK) ?? [];
    return `${marks.slice(0, MARKS_MAX).join('')}⟨+${marks.length - MARKS_MAX}⟩`;
  });
}

function codeOf(sign: string): string {
  return `⟨${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** A sentence in its parts: what stands between backticks is a command to type. */
export function codeParts(text: string): { text: string; isCode: boolean }[] {
  return text
    .split('`')
    .map((part, at) => ({ text: part, isCode: at % 2 === 1 }))
    .filter(({ text: part }) => part !== '');
}
