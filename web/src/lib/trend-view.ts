/** Which span of the time a trend shows, how it is moved, and where the time is written. All times are the world's, in ms since 1970. */

/** Follows the newest, or stands at a span. */
export type View = { kind: 'live'; span: number } | { kind: 'held'; from: number; to: number };

export interface Span {
  from: number;
  to: number;
}

export const SPAN_MIN = 50;
export const SPAN_MAX = 366 * 86_400_000;
export const SPAN_FIRST = 60_000;

/** The windows to choose from. */
export const WINDOWS: readonly { span: number; words: string }[] = [
  { span: 10_000, words: '10 s' },
  { span: 30_000, words: '30 s' },
  { span: 60_000, words: '1 min' },
  { span: 300_000, words: '5 min' },
  { span: 600_000, words: '10 min' },
  { span: 1_800_000, words: '30 min' },
  { span: 3_600_000, words: '1 h' },
  { span: 14_400_000, words: '4 h' },
  { span: 28_800_000, words: '8 h' },
  { span: 86_400_000, words: '24 h' },
];

export function spanOf(view: View, now: number): Span {
  return view.kind === 'live' ? { from: now - view.span, to: now } : { from: view.from, to: view.to };
}

/**
 * Zooms by a factor (below 1: nearer) about a moment. A live view goes on to follow the newest, whatever the moment: so a wheel
 * over it changes how much is seen and not whether it lives.
 */
export function zoomed(view: View, factor: number, about: number): View {
  if (view.kind === 'live') return { kind: 'live', span: limited(view.span * factor) };
  const span = limited((view.to - view.from) * factor);
  const part = (about - view.from) / (view.to - view.from);
  const from = about - part * span;
  return { kind: 'held', from, to: from + span };
}

/** Moves by a part of the span, or by milliseconds; the newest that can be seen is `now`, a tenth of the span before the edge. */
export function panned(view: View, by: number, now: number): View {
  const { from, to } = spanOf(view, now);
  const span = to - from;
  const end = Math.min(to + by, now + span / 10);
  return { kind: 'held', from: end - span, to: end };
}

function limited(span: number): number {
  return Math.min(SPAN_MAX, Math.max(SPAN_MIN, span));
}

const STEPS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000,
  21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 1_209_600_000, 2_592_000_000, 7_776_000_000,
];
const DAY_MS = 86_400_000;

export interface Tick {
  at: number;
  label: string;
  /** A day begins. */
  isDay: boolean;
}

/** Where the time is written, with about `distance` pixels or more between; `offset` is what the clock on the wall is ahead of UTC. */
export function timeTicks({ from, to }: Span, width: number, distance = 90, offset = -new Date(from).getTimezoneOffset() * 60_000): Tick[] {
  const wanted = ((to - from) / Math.max(1, width)) * distance;
  const step = STEPS.find((each) => each >= wanted) ?? STEPS.at(-1) ?? DAY_MS;
  const ticks: Tick[] = [];
  for (let wall = Math.ceil((from + offset) / step) * step; wall - offset <= to; wall += step) {
    ticks.push({ at: wall - offset, label: label(wall, step), isDay: wall % DAY_MS === 0 });
  }
  return ticks;
}

function label(wall: number, step: number): string {
  const text = new Date(wall).toISOString();
  if (step >= DAY_MS || wall % DAY_MS === 0) return text.slice(0, 10);
  if (step >= 60_000) return text.slice(11, 16);
  return step >= 1_000 ? text.slice(11, 19) : text.slice(11, 23);
}

/** A moment as a person reads it, with as many digits as the span lets one tell apart. */
export function momentWords(at: number, span: number): string {
  const date = new Date(at);
  const pad = (number: number, length = 2): string => String(number).padStart(length, '0');
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const exact = span < 600_000 ? `${time}.${pad(date.getMilliseconds(), 3)}` : time;
  return span >= DAY_MS / 2 ? `${dayWords(at)} ${exact}` : exact;
}

export function dayWords(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}

/** How long a span is, in its largest fitting unit. */
export function spanWords(span: number): string {
  const size = Math.abs(span);
  if (size < 1_000) return `${Number(size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0))} ms`;
  if (size < 120_000) return `${Number((size / 1_000).toFixed(size < 10_000 ? 3 : 2))} s`;
  if (size < 7_200_000) return `${Number((size / 60_000).toFixed(1))} min`;
  if (size < 2 * DAY_MS) return `${Number((size / 3_600_000).toFixed(1))} h`;
  return `${Number((size / DAY_MS).toFixed(1))} d`;
}

/** One divided by a span, as a frequency. */
export function frequencyWords(span: number): string {
  if (span === 0) return '–';
  const hertz = 1_000 / Math.abs(span);
  return hertz >= 1_000 ? `${Number((hertz / 1_000).toPrecision(4))} kHz` : `${Number(hertz.toPrecision(4))} Hz`;
}

/** What a field for date and time of the browser holds, to the second, on the clock of this machine. */
export function fieldOf(at: number): string {
  const date = new Date(at);
  const pad = (number: number): string => String(number).padStart(2, '0');
  return `${dayWords(at)}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
