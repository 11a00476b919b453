/** The index of words: which section of the manual has which word. */

import { textOf, wordsOf } from '../src/lib/manual-search.ts';
import type { ManualWords } from '../src/lib/manual-types.ts';
import type { Manual } from './compile.ts';

export function indexWords({ pages }: Manual): ManualWords {
  const sections: ManualWords['sections'] = [];
  const places = new Map<string, number[]>();
  pages.forEach((page, pageNumber) => {
    page.sections.forEach((section, headingNumber) => {
      const number = sections.push([pageNumber, headingNumber]) - 1;
      for (const word of new Set(wordsOf(textOf(`${section.title} ${section.html}`)))) {
        const known = places.get(word);
        if (known) known.push(number);
        else places.set(word, [number]);
      }
    });
  });
  const words = [...places.keys()].sort();
  return { sections, words: words.join(' '), places: words.map((word) => steps(places.get(word) ?? [])).join(' ') };
}

/** Rising numbers as steps from one to the next, the first from 0. */
function steps(numbers: readonly number[]): string {
  return numbers.map((number, index) => (number - (numbers[index - 1] ?? 0)).toString(36)).join(',');
}
