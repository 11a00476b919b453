import { describe, expect, it } from 'vitest';
import { withNames } from './ladder-names';
import type { PlcElement, PlcInstruction, PlcProgram, PlcSymbol } from './plc-protocol';

function contact(text: string, address: string | null = text): PlcInstruction {
  return { instruction: 0, type: 'XIC', column: 0, operands: [{ role: 'address', text, address }], decorators: [] };
}

function program(elements: PlcElement[], ...symbols: [string, string][]): PlcProgram {
  const table: PlcSymbol[] = symbols.map(([name, address]) => ({ name, address, type: 'BOOL', description: '' }));
  const rungs = [{ title: '', comment: '', text: 'SOR … EOR', elements }];
  return { context: 'line', name: '', number: 1, by: '', loaded_at_ms: 0, symbols: table, diagnostics: [], rungs };
}

function textOf(written: PlcInstruction, ...symbols: [string, string][]): string | undefined {
  const [element] = withNames(program([written], ...symbols)).rungs[0]?.elements ?? [];
  return element && 'operands' in element ? element.operands[0]?.text : undefined;
}

describe('withNames', () => {
  it('names an address by its symbol', () => {
    expect(textOf(contact('I:0/0'), ['Start', 'I:0/0'])).toBe('Start');
    expect(textOf(contact('I:0/1'), ['Start', 'I:0/0'])).toBe('I:0/1');
  });

  it('names a member by the symbol of its timer or counter, unless it has one of its own', () => {
    expect(textOf(contact('T:4.DN'), ['FillTime', 'T:4'])).toBe('FillTime.DN');
    expect(textOf(contact('T:4.DN'), ['FillTime', 'T:4'], ['Full', 'T:4.DN'])).toBe('Full');
  });

  it('does not name a bit by the symbol of its word', () => {
    expect(textOf(contact('N:7/3'), ['Count', 'N:7'])).toBe('N:7/3');
  });

  it('leaves a symbol that was written, and what leads nowhere', () => {
    expect(textOf(contact('Go', 'I:0/0'), ['Start', 'I:0/0'], ['Go', 'I:0/0'])).toBe('Go');
    expect(textOf(contact('Nobody', null), ['Start', 'I:0/0'])).toBe('Nobody');
  });

  it('takes the first of two symbols of an address', () => {
    expect(textOf(contact('I:0/0'), ['Start', 'I:0/0'], ['Go', 'I:0/0'])).toBe('Start');
  });

  it('goes into branches and decorators', () => {
    const delayed: PlcInstruction = { ...contact('I:0/1'), decorators: [{ type: 'TON', operands: [{ role: 'address', text: 'T:1', address: 'T:1' }] }] };
    const named = withNames(program([{ branch: [[contact('I:0/0')], [delayed]] }], ['Start', 'I:0/0'], ['Delay', 'T:1']));
    expect(JSON.stringify(named.rungs)).toContain('"text":"Start","address":"I:0/0"');
    expect(JSON.stringify(named.rungs)).toContain('"text":"Delay","address":"T:1"');
  });
});
