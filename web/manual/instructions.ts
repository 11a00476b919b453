/**
 * The page of instructions as data: below a heading of the second level, its family, stands one of the third for each
 * instruction, `TON: timer on delay`, with an item `Operands` and one line of example.
 */

import type { Token, Tokens } from 'marked';
import type { InstructionHelp, InstructionsHelp } from '../src/lib/manual-types.ts';
import { type Compiled, inlineHtml, lineOf, type Manual, ManualError } from './compile.ts';

const PAGE = 'instructions';
/** The family whose members are no instructions of their own. */
const DECORATORS = 'Decorators of contacts';

export function instructionsOf(manual: Manual): InstructionsHelp {
  const page = manual.pages.find(({ slug }) => slug === PAGE);
  if (!page) throw new Error(`the manual has no page ${PAGE}`);
  const known: InstructionsHelp = { instructions: [], decorators: [] };
  let family = '';
  page.headings.forEach(({ id, level, text }, index) => {
    if (level === 2) family = text;
    const [, mnemonic, name] = /^([A-Z0-9]+): (.+)$/.exec(text) ?? [];
    if (level !== 3 || mnemonic === undefined || name === undefined) return;
    const tokens = page.tokens[index] ?? [];
    if (!tokens.some(({ type }) => type === 'code')) throw new ManualError(page.path, lineOf(page.text, `### ${text}`), `${mnemonic} has no line of example`);
    const help: InstructionHelp = { mnemonic, name, family, operands: operandsOf(page, manual, tokens), html: page.sections[index]?.html ?? '', at: id };
    (family === DECORATORS ? known.decorators : known.instructions).push(help);
  });
  return known;
}

/** The operands are the items below the one that begins with `Operands`. */
function operandsOf(page: Compiled, manual: Manual, tokens: readonly Token[]): InstructionHelp['operands'] {
  const items = tokens.filter(({ type }) => type === 'list').flatMap((list) => (list as Tokens.List).items);
  const item = items.find(({ text }) => text.startsWith('**Operands**'));
  const lines = item?.tokens.filter(({ type }) => type === 'list').flatMap((list) => (list as Tokens.List).items) ?? [];
  return lines.map((line) => {
    const inline = line.tokens.flatMap((token) => ('tokens' in token && token.tokens ? token.tokens : []));
    const code = inline.find(({ type }) => type === 'codespan') as Tokens.Codespan | undefined;
    return { name: code?.text ?? '', html: inlineHtml(page, manual, inline) };
  });
}
