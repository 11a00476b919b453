/** Names in the drawing: an operand that was written as an address is shown by its symbol, as the program's table names it. */

import type { PlcElement, PlcOperand, PlcProgram, PlcSymbol } from './plc-protocol';

/**
 * The program with the names of its symbol table: `I:0/0` becomes `Start`, `T:4.DN` becomes `FillTime.DN`. The first symbol of
 * an address counts. Addresses stay as they are, and so does the text of each rung.
 */
export function withNames(program: PlcProgram): PlcProgram {
  const names = namesOf(program.symbols);
  if (names.size === 0) return program;
  return { ...program, rungs: program.rungs.map((rung) => ({ ...rung, elements: namedElements(rung.elements, names) })) };
}

function namesOf(symbols: readonly PlcSymbol[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name, address } of symbols) if (!names.has(address)) names.set(address, name);
  return names;
}

function namedElements(elements: readonly PlcElement[], names: ReadonlyMap<string, string>): PlcElement[] {
  return elements.map((element) => {
    if ('branch' in element) return { branch: element.branch.map((path) => namedElements(path, names)) };
    const decorators = element.decorators.map((decorator) => ({ ...decorator, operands: named(decorator.operands, names) }));
    return { ...element, operands: named(element.operands, names), decorators };
  });
}

function named(operands: readonly PlcOperand[], names: ReadonlyMap<string, string>): PlcOperand[] {
  return operands.map((operand) => {
    const { text, address } = operand;
    // Whoever wrote a symbol has chosen it, even where the place has two.
    if (address === null || text !== address) return operand;
    const name = nameOf(address, names);
    return name === null ? operand : { ...operand, text: name };
  });
}

/** The name of a place: its own, or that of its timer or counter with the member. */
function nameOf(address: string, names: ReadonlyMap<string, string>): string | null {
  const own = names.get(address);
  if (own !== undefined) return own;
  const [slot = '', member] = address.split('.');
  const ofSlot = names.get(slot);
  return ofSlot === undefined || member === undefined ? null : `${ofSlot}.${member}`;
}
