/** Numbers as engineers read them: decimal, hexadecimal or binary. */

import { recall, remember } from './memory';

export const FORMATS = ['dec', 'hex', 'bin'] as const;
export type NumberFormat = (typeof FORMATS)[number];

/** Presets and accumulated values have 16 bits, all other words 32. */
function maskOf(address: string): number {
  return address.includes('.') ? 0xffff : 0xffff_ffff;
}

/** The number at an address in one of the formats; digits say its bits, whatever its sign. */
export function formatWord(address: string, value: number, format: NumberFormat): string {
  if (format === 'dec' || !Number.isInteger(value)) return String(value);
  const bits = (value & maskOf(address)) >>> 0;
  return format === 'hex' ? `0x${bits.toString(16).toUpperCase()}` : `0b${bits.toString(2)}`;
}

/** A text of at most `max` characters, whose end is kept: the low digits change. */
export function cutAhead(text: string, max: number): string {
  return text.length <= max ? text : `…${text.slice(text.length - max + 1)}`;
}

const KEY = 'plc-formats';

type Known = Readonly<Record<string, NumberFormat>>;

function isKnown(value: unknown): value is Known {
  return typeof value === 'object' && value !== null && Object.values(value).every((format) => FORMATS.includes(format as NumberFormat));
}

export function recallFormats(): Known {
  return recall<Known>(KEY, isKnown, {});
}

/** What is known with one more; decimal is what is not remembered. */
export function withFormat(known: Known, name: string, format: NumberFormat): Known {
  const { [name]: _, ...others } = known;
  const next = format === 'dec' ? others : { ...others, [name]: format };
  remember(KEY, next);
  return next;
}
