import { expect, it } from 'vitest';
import { memoryRows, type MemoryRegion, type MemoryRow } from './plc-memory';
import type { PlcMemory } from './plc-protocol';

function memory(forced: Record<string, number>): PlcMemory {
  const timer = { pre: 500, acc: 20, en: true, tt: true, dn: false };
  const counter = { pre: 24, acc: 3, dn: false, ov: false, un: false, cu: true, cd: false };
  return { now_ms: 1, state: 'Running', inputs: [5], outputs: [0], bits: [0], integers: [0, 0], timers: [timer], counters: [counter], forced };
}

function forcedParts(region: MemoryRegion, forced: Record<string, number>): string[] {
  return memoryRows(region, memory(forced), []).flatMap(({ parts }) => parts.filter(({ isForced }) => isForced).map(({ address }) => address));
}

it('marks what is forced, flags by the mask that they share', () => {
  expect(forcedParts('I', { 'I:0': 9 })).toEqual(['I:0/0', 'I:0/3']);
  expect(forcedParts('N', { 'N:1': 0xffff_ffff })).toEqual(['N:1']);
  expect(forcedParts('T', { 'T:0.ACC': 0xffff_ffff })).toEqual(['T:0.ACC']);
  expect(forcedParts('T', { 'T:0': 0b101 })).toEqual(['T:0.EN', 'T:0.DN']);
  expect(forcedParts('C', { 'C:0': 0b1_0001 })).toEqual(['C:0.DN', 'C:0.CD']);
});

it('names a timer or counter as a whole, and counts it as used', () => {
  const symbols = [{ name: 'FillTime', address: 'T:0', type: 'TIMER', description: '' }];
  const [row] = memoryRows('T', memory({}), symbols) as [MemoryRow];
  expect([row.symbol, row.isUsed]).toEqual(['FillTime', true]);
  const [counter] = memoryRows('C', memory({}), symbols) as [MemoryRow];
  expect(counter.symbol).toBeNull();
});
