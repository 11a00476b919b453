/**
 * The tables of keys in `project-file.md` as data. A row says type and range, a colon, and in words what the key is; a row
 * without words is an error, so that no setting is left without an explanation.
 */

import type { Token, Tokens } from 'marked';
import type { SettingHelp } from '../src/lib/manual-types.ts';
import { inlineHtml, lineOf, type Manual, ManualError } from './compile.ts';

const PAGE = 'project-file';

/** Keys such as `web.port`, `realvirtual.port` or `route.scale`, in the order of the manual. */
export function settingsOf(manual: Manual): Record<string, SettingHelp> {
  const page = manual.pages.find(({ slug }) => slug === PAGE);
  if (!page) throw new Error(`the manual has no page ${PAGE}`);
  const settings: Record<string, SettingHelp> = {};
  let section: string | null = null;
  page.headings.forEach((heading, index) => {
    // `[web]` and `[[realvirtual]]` begin a section; what stands below in smaller headings without such a name belongs to it.
    const named = /^\[{1,2}([a-z_.]+)\]{1,2}/.exec(heading.text)?.[1];
    if (named !== undefined) section = named;
    else if (heading.level <= 2) section = null;
    for (const token of page.tokens[index] ?? []) {
      if (token.type !== 'table' || section === null) continue;
      const { header, rows } = token as Tokens.Table;
      if (header[0]?.text !== 'key') continue;
      for (const row of rows) {
        const help = rowOf(row, header.map(({ text }) => text), heading.id);
        const [key, words] = [row[0], row[1]];
        if (!key || !words || !help) throw new ManualError(page.path, lineOf(page.text, `| ${row[0]?.text} | ${row[1]?.text}`), `${section}: ${row[0]?.text} is not explained: expected "type, range: words"`);
        for (const name of namesOf(key)) {
          settings[`${section}.${name}`] = {
            ...help.facts,
            text: inlineHtml(page, manual, help.words),
            range: inlineHtml(page, manual, help.range),
            default: help.default === null ? null : inlineHtml(page, manual, help.default),
          };
        }
      }
    }
  });
  return settings;
}

interface Row {
  range: Token[];
  words: Token[];
  default: Token[] | null;
  facts: Pick<SettingHelp, 'live' | 'at'> & { value?: unknown };
}

function namesOf(cell: Tokens.TableCell): string[] {
  return cell.tokens.filter(({ type }) => type === 'codespan').map((token) => (token as Tokens.Codespan).text);
}

function rowOf(row: readonly Tokens.TableCell[], head: readonly string[], at: string): Row | null {
  const told = splitAtColon(row[1]?.tokens ?? []);
  const byDefault = row[head.indexOf('default')];
  if (told === null || !byDefault) return null;
  const live = row[head.indexOf('live')]?.text;
  const isRequired = byDefault.text === '*required*';
  return {
    ...told,
    default: isRequired ? null : byDefault.tokens,
    facts: { live: live === undefined ? null : live === 'yes', at, ...(isRequired ? {} : valueOf(byDefault)) },
  };
}

/** The default as a value: a lone piece of code that is a value, or `none`. */
function valueOf(cell: Tokens.TableCell): { value?: unknown } {
  if (cell.text === 'none') return { value: null };
  const [only, ...others] = cell.tokens;
  if (only?.type !== 'codespan' || others.length > 0) return {};
  try {
    return { value: JSON.parse((only as Tokens.Codespan).text) as unknown };
  } catch {
    return {};
  }
}

/** What stands before and behind the first colon outside of brackets and pieces of code; null without one. */
export function splitAtColon(tokens: readonly Token[]): { range: Token[]; words: Token[] } | null {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.type !== 'text') continue;
    const { text } = token as Tokens.Text;
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === '(') depth += 1;
      if (text[at] === ')') depth -= 1;
      if (depth > 0 || !text.startsWith(': ', at)) continue;
      const range = [...tokens.slice(0, index), textToken(text.slice(0, at))];
      const words = [textToken(text.slice(at + 2)), ...tokens.slice(index + 1)];
      return { range, words };
    }
    // A colon may be the last of the text before a piece of code.
    if (depth === 0 && text.endsWith(':')) return { range: [...tokens.slice(0, index), textToken(text.slice(0, -1))], words: [...tokens.slice(index + 1)] };
  }
  return null;
}

function textToken(text: string): Tokens.Text {
  return { type: 'text', raw: text, text, escaped: false };
}
