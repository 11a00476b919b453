import { describe, expect, it } from 'vitest';
import { LANGUAGES, type LanguageCode } from '../language.svelte';
import { CLASSROOM } from './index';

type Text = string | ((...gaps: number[]) => string);
type Node = Text | { [key: string]: Node };

/** What goes into gaps: numbers that no text has by itself, so that each is found again. */
const GAPS = [61, 72, 83];
/** Names that are the same in every language. */
const NAMES = ['GAMA', 'GAMALESS', 'GAML', 'Crosstie', 'VR'];
/** Texts that are right as they are in English: a unit of the SI, a word that both languages have, or gaps only. */
const SAME: Partial<Record<LanguageCode, readonly string[]>> = {
  fr: [
    'units.millisecond',
    'units.second',
    'units.minute',
    'units.hour',
    'orders.each.pause.label',
    'console.level.console',
  ],
  vi: ['orders.told'],
  th: ['orders.told'],
  lo: ['orders.told'],
};
/** English words that neither French nor Vietnamese has. */
const ENGLISH = /\b(the|is|are|of|and|not|with|was|it|this|that|until|which|player|headset|seat|screen|model|hub's|waiting|ago)\b/i;

/** All texts of a language by their path. */
function walk(node: Node, path: string): [string, Text][] {
  if (typeof node === 'string' || typeof node === 'function') return [[path, node]];
  return Object.entries(node).flatMap(([key, inner]) => walk(inner, path === '' ? key : `${path}.${key}`));
}

const textsOf = (code: LanguageCode): [string, Text][] => walk(CLASSROOM[code] as unknown as Node, '');
const filled = (text: Text, gaps = GAPS): string => (typeof text === 'string' ? text : text(...gaps.slice(0, text.length)));
/** A text without what is typed as it stands: commands and names of files. */
const prose = (text: Text): string => filled(text).replace(/`[^`]*`/g, '');
const english = new Map(textsOf('en'));

describe.each(LANGUAGES.map(({ code }) => code))('the Classroom page in %s', (code) => {
  const texts = textsOf(code);

  it('has every text, and none is empty', () => {
    expect(texts.map(([path]) => path).toSorted()).toEqual([...english.keys()].toSorted());
    expect(texts.filter(([, text]) => filled(text).trim() === '')).toEqual([]);
  });

  it('has the gaps of English, and uses each', () => {
    const lengthOf = (text: Text | undefined): number => (typeof text === 'function' ? text.length : 0);
    expect(texts.filter(([path, text]) => lengthOf(text) !== lengthOf(english.get(path))).map(([path]) => path)).toEqual([]);
    expect(texts.filter(([, text]) => GAPS.slice(0, lengthOf(text)).some((gap) => !filled(text).includes(String(gap)))).map(([path]) => path)).toEqual([]);
    for (const few of [0, 1]) expect(texts.filter(([, text]) => filled(text, [few, few, few]).trim() === '')).toEqual([]);
  });

  it('has the commands and names of English, and ends with a colon where it does', () => {
    const codes = (text: Text): string[] => filled(text).match(/`[^`]*`/g) ?? [];
    const isOpen = (text: Text): boolean => /[:៖]$/.test(filled(text));
    for (const [path, text] of texts) {
      const original = english.get(path) ?? '';
      expect({ path, codes: codes(text).toSorted() }).toEqual({ path, codes: codes(original).toSorted() });
      // "Waiting for" goes on in English only, where its sentence does.
      if (path !== 'lesson.waits') expect({ path, isOpen: isOpen(text) }).toEqual({ path, isOpen: isOpen(original) });
    }
  });
});

describe.each(LANGUAGES.map(({ code }) => code).filter((code) => code !== 'en'))('nothing is left in English in %s', (code) => {
  const texts = textsOf(code);

  it('no text is that of English', () => {
    const same = texts.filter(([path, text]) => filled(text) === filled(english.get(path) ?? '')).map(([path]) => path);
    expect(same.toSorted()).toEqual([...(SAME[code] ?? [])].toSorted());
  });

  it('no word is', () => {
    const isLatin = code === 'fr' || code === 'vi';
    const strange = (text: Text): string[] =>
      isLatin ? (ENGLISH.exec(prose(text)) ?? []).slice(0, 1) : (prose(text).match(/[a-z]+/gi) ?? []).filter((word) => !NAMES.includes(word));
    expect(texts.map(([path, text]) => [path, ...strange(text)]).filter(({ length }) => length > 1)).toEqual([]);
  });
});

it('French signs of two parts stand behind a hard blank, and its apostrophes are round', () => {
  const wrong = textsOf('fr').filter(([, text]) => / [:;?!»]|«(?!\u00a0)|\w'\w/.test(prose(text)));
  expect(wrong.map(([path]) => path)).toEqual([]);
});
