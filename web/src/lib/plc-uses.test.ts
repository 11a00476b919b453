import { expect, test } from 'vitest';
import type { PlcElement, PlcProgram } from './plc-protocol';
import { usesOf } from './plc-uses';

function instruction(type: string, addresses: string[], decorators: [string, string][] = []): PlcElement {
  const operands = (all: string[]) => all.map((address) => ({ text: address, address }));
  return { instruction: 0, type, column: 0, operands: operands(addresses), decorators: decorators.map(([kind, address]) => ({ type: kind, operands: operands([address]) })) } as unknown as PlcElement;
}

const elements = [
  instruction('XIC', ['T:1.DN'], [['Debounce', 'T:2']]),
  { branch: [[instruction('TON', ['T:1'])], [instruction('MOV', ['N:0', 'T:1.PRE'])]] } as PlcElement,
  instruction('XIC', ['T:1.TT']),
  instruction('OTE', ['T:10']),
];
const program = { rungs: [{ title: '', comment: '', text: '', elements }] } as unknown as PlcProgram;

test('what uses a place, a part of it or the whole of it, each once, contacts last', () => {
  expect(usesOf(program, 'T:1.ACC')).toEqual([
    { mnemonic: 'TON', isDecorator: false },
    { mnemonic: 'MOV', isDecorator: false },
    { mnemonic: 'XIC', isDecorator: false },
  ]);
});

test('decorators are told from instructions', () => {
  expect(usesOf(program, 'T:2')).toEqual([{ mnemonic: 'DEBOUNCE', isDecorator: true }]);
  expect(usesOf(program, 'B:0/0')).toEqual([]);
  expect(usesOf(null, 'T:1')).toEqual([]);
});
