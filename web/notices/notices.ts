/** The text of `licences.txt`: each licence once, with the parts that stand under it. */

/** A thing of others that is in the binary. */
export interface Part {
  name: string;
  version: string;
  /** An SPDX expression; empty where it names none. */
  licence: string;
  /** Its licence files by their names. */
  texts: ReadonlyMap<string, string>;
}

const RULE = '-'.repeat(80);

/** All parts by name, then each text with those that brought it. */
export function noticesOf(parts: readonly Part[]): string {
  const sorted = [...parts].sort((left, right) => titleOf(left).localeCompare(titleOf(right), 'en'));
  const withoutLicence = sorted.filter(({ licence, texts }) => licence === '' && texts.size === 0).map(titleOf);
  if (withoutLicence.length > 0) throw new Error(`no licence is named by ${withoutLicence.join(', ')}`);
  const groups = new Map<string, string[]>();
  for (const part of sorted) {
    for (const text of chosenTexts(part)) groups.set(text, [...(groups.get(text) ?? []), titleOf(part)]);
  }
  const list = sorted.map((part) => `${titleOf(part)}: ${part.licence || 'as its words say, below'}`);
  const words = [...groups].map(([text, titles]) => `${RULE}\n${titles.join(', ')}\n${RULE}\n\n${text}\n`);
  return `Crosstie itself is given away under MIT or Apache-2.0, as you choose. This is what else is in it, and under which words.\n\n${list.join('\n')}\n\n${words.join('\n')}`;
}

function titleOf({ name, version }: Part): string {
  return `${name} ${version}`;
}

/** Where one of several licences may be chosen it is MIT, the shorter one; what must be noticed stands there always. */
function chosenTexts({ licence, texts }: Part): string[] {
  const isChoice = /\bOR\b|\//.test(licence) && /\bMIT\b/.test(licence);
  const mit = [...texts].filter(([name]) => /mit/i.test(name));
  const notice = [...texts].filter(([name]) => /notice|copyright/i.test(name));
  const chosen = isChoice && mit.length > 0 ? [...mit, ...notice] : [...texts];
  return [...new Set(chosen.map(([, text]) => text.replaceAll('\r', '').trim()))];
}
