import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compile, compileManual } from './compile.ts';
import { instructionsOf } from './instructions.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const rust = readFileSync(`${ROOT}/crates/ladder/src/instruction.rs`, 'utf8').split('#[cfg(test)]', 1)[0] ?? '';

/** The body of a function of an `impl` in the source of the instructions. */
function bodyOf(kind: string, name: string): string {
  const impl = rust.slice(rust.indexOf(`impl ${kind} {`));
  const body = impl.slice(impl.indexOf(`fn ${name}(`));
  return body.slice(0, body.indexOf('\n    }\n'));
}

/** Names as `Xic => "XIC"` or `DecoratorKind::Ton => "TON"`, by their variants. */
function namesIn(body: string): Map<string, string> {
  return new Map([...body.matchAll(/(\w+) => "([A-Z0-9]+)"/g)].map(([, variant = '', name = '']) => [variant, name]));
}

/** Operands of each variant, as the table in the source says. */
function operandsIn(body: string): Map<string, string[]> {
  const lists = new Map([...body.matchAll(/const (\w+): &\[OperandSpec\] = &\[([^;]*)\];/g)].map(([, name = '', list = '']) => [name, [...list.matchAll(/spec\(\s*"(\w+)"/g)].map(([, operand = '']) => operand)]));
  const operands = new Map<string, string[]>();
  for (const [, variants = '', list = ''] of body.matchAll(/^ {12}([\w |:]+) => (\w+|&\[\]),$/gm)) {
    for (const variant of variants.split('|')) operands.set(variant.trim().replace('DecoratorKind::', ''), lists.get(list) ?? []);
  }
  return operands;
}

describe.each([
  ['InstructionKind', 'mnemonic', 'instructions', 33],
  ['DecoratorKind', 'name', 'decorators', 6],
] as const)('%s', (kind, name, which, count) => {
  const names = namesIn(bodyOf(kind, name));
  const operands = operandsIn(bodyOf(kind, 'operands'));
  const known = instructionsOf(compileManual(ROOT))[which];

  test('is all in the manual, in its order', () => {
    expect(names.size).toBeGreaterThanOrEqual(count);
    expect(known.map(({ mnemonic }) => mnemonic).sort()).toEqual([...names.values()].sort());
  });

  test.each([...names])('%s has its operands, its bits, an example and a mistake to avoid', (variant, mnemonic) => {
    const help = known.find((each) => each.mnemonic === mnemonic);
    expect(operands.has(variant)).toBe(true);
    expect(help?.operands.map((operand) => operand.name)).toEqual(operands.get(variant));
    expect(help?.html).toContain('<strong>Bits</strong>');
    expect(help?.html).toContain('<strong>Common mistake</strong>');
    expect(help?.html).toMatch(new RegExp(`<code>SOR .*${which === 'decorators' ? '\\{' : ' '}?${mnemonic}\\b.* EOR</code>`));
  });
});

test('an instruction without an example is an error with its line', () => {
  const text = '# Instructions\n\n## Words\n\n### MOV: move\n\nMoves.\n';
  expect(() => instructionsOf(compile([{ slug: 'instructions', path: 'docs/manual/instructions.md', text, about: '' }], () => true))).toThrow('docs/manual/instructions.md:5: MOV has no line of example');
});
