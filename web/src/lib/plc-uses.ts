/** Which instructions of a program use a place. */

import { instructionsOf } from './ladder-layout';
import type { PlcProgram } from './plc-protocol';

/** An instruction, or a decorator of a contact. */
export interface Use {
  mnemonic: string;
  isDecorator: boolean;
}

/** What uses an address, or a part of its timer or counter, each once: first what writes it or keeps its state there, then what only looks at it. */
export function usesOf(program: PlcProgram | null, address: string): Use[] {
  const slot = address.split('.', 1)[0] ?? address;
  const isMeant = (used: string | null): boolean => used === address || used === slot || (used?.startsWith(`${slot}.`) ?? false);
  const uses = new Map<string, Use>();
  const note = (type: string, isDecorator: boolean): void => {
    const mnemonic = type.toUpperCase();
    const key = `${mnemonic} ${isDecorator}`;
    if (!uses.has(key)) uses.set(key, { mnemonic, isDecorator });
  };
  for (const { elements } of program?.rungs ?? []) {
    for (const { type, operands, decorators } of instructionsOf(elements)) {
      if (operands.some((operand) => isMeant(operand.address))) note(type, false);
      for (const decorator of decorators) if (decorator.operands.some((operand) => isMeant(operand.address))) note(decorator.type, true);
    }
  }
  const looks = ({ mnemonic }: Use): number => Number(mnemonic === 'XIC' || mnemonic === 'XIO');
  return [...uses.values()].sort((a, b) => looks(a) - looks(b));
}
