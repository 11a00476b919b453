/** The memory of a PLC as rows to look at, one per word, timer or counter. */

import type { PlcMemory, PlcSymbol } from './plc-protocol';

export type MemoryRegion = 'I' | 'O' | 'B' | 'N' | 'T' | 'C';

export const REGIONS: readonly { region: MemoryRegion; name: string }[] = [
  { region: 'I', name: 'Inputs' },
  { region: 'O', name: 'Outputs' },
  { region: 'B', name: 'Bits' },
  { region: 'N', name: 'Integers' },
  { region: 'T', name: 'Timers' },
  { region: 'C', name: 'Counters' },
];

const WORD_BITS = 32;

/** A part of a row that can be chosen: a bit, a word or a member. */
export interface MemoryPart {
  address: string;
  label: string;
  value: boolean | number;
  isForced: boolean;
  symbol: string | null;
}

export interface MemoryRow {
  address: string;
  /** What the program calls a timer or counter as a whole. */
  symbol: string | null;
  /** The word as it counts; null for timers and counters. */
  word: number | null;
  parts: MemoryPart[];
  /** Something in it is not zero, forced, or has a name. */
  isUsed: boolean;
}

type Bits = readonly number[];

function bitRows(region: 'I' | 'O' | 'B', words: Bits, memory: PlcMemory, names: ReadonlyMap<string, string>): MemoryRow[] {
  return words.map((word, index) => {
    const address = `${region}:${index}`;
    const mask = memory.forced[address] ?? 0;
    const parts = Array.from({ length: WORD_BITS }, (_, bit) => {
      const place = `${address}/${bit}`;
      return { address: place, label: String(bit), value: ((word >>> bit) & 1) === 1, isForced: ((mask >>> bit) & 1) === 1, symbol: names.get(place) ?? null };
    });
    return { address, symbol: names.get(address) ?? null, word, parts, isUsed: word !== 0 || mask !== 0 || names.has(address) || parts.some(({ symbol }) => symbol !== null) };
  });
}

/** A timer or counter. Its words have masks of their own; its flags share one, counted from the lowest bit in their order. */
function memberRow(address: string, members: Record<string, boolean | number>, memory: PlcMemory, names: ReadonlyMap<string, string>): MemoryRow {
  const flags = Object.keys(members).filter((member) => typeof members[member] === 'boolean');
  const parts = Object.entries(members).map(([member, value]) => {
    const place = `${address}.${member.toUpperCase()}`;
    const mask = typeof value === 'boolean' ? (memory.forced[address] ?? 0) & (1 << flags.indexOf(member)) : (memory.forced[place] ?? 0);
    return { address: place, label: member.toUpperCase(), value, isForced: mask !== 0, symbol: names.get(place) ?? null };
  });
  const isUsed = names.has(address) || parts.some(({ value, isForced, symbol }) => isForced || symbol !== null || (value !== 0 && value !== false));
  return { address, symbol: names.get(address) ?? null, word: null, parts, isUsed };
}

/** The rows of a region, in order. */
export function memoryRows(region: MemoryRegion, memory: PlcMemory, symbols: readonly PlcSymbol[]): MemoryRow[] {
  const names = new Map(symbols.map(({ name, address }) => [address, name]));
  switch (region) {
    case 'I':
      return bitRows(region, memory.inputs, memory, names);
    case 'O':
      return bitRows(region, memory.outputs, memory, names);
    case 'B':
      return bitRows(region, memory.bits, memory, names);
    case 'N':
      return memory.integers.map((value, index) => {
        const address = `N:${index}`;
        const part = { address, label: '', value, isForced: (memory.forced[address] ?? 0) !== 0, symbol: names.get(address) ?? null };
        return { address, symbol: part.symbol, word: value, parts: [part], isUsed: value !== 0 || part.isForced || part.symbol !== null };
      });
    case 'T':
      return memory.timers.map(({ pre, acc, en, tt, dn }, index) => memberRow(`T:${index}`, { pre, acc, en, tt, dn }, memory, names));
    case 'C':
      return memory.counters.map(({ pre, acc, dn, ov, un, cu, cd }, index) => memberRow(`C:${index}`, { pre, acc, dn, ov, un, cu, cd }, memory, names));
  }
}

/** A word as hexadecimal digits, eight of them. */
export function hex(word: number): string {
  return (word >>> 0).toString(16).toUpperCase().padStart(8, '0');
}
