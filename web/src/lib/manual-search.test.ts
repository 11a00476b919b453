import { describe, expect, test } from 'vitest';
import { excerpt, ManualIndex, placesIn, textOf, wordsOf } from './manual-search';

test('words are whole names and their parts, in any alphabet', () => {
  expect(wordsOf('Set stale_after_ms to 5 000 – Größe, ແຜ່ນ')).toEqual(['set', 'stale_after_ms', 'to', '000', 'größe', 'ແຜ່ນ', 'stale', 'after', 'ms']);
  expect(wordsOf('___ … / :')).toEqual([]);
});

test('HTML is read as a reader sees it', () => {
  expect(textOf('<p>a &lt;b&gt;</p>\n<ul><li>one</li><li>two<span class="unseen"> (outside)</span></li></ul><button data-copy>Copy</button>')).toBe('a <b> one two');
});

describe('an index', () => {
  const entries = [
    { slug: 'a', title: 'Apples', about: '', headings: [{ id: 'apples', level: 1, text: 'Apples' }, { id: 'red', level: 2, text: 'Red ones' }] },
    { slug: 'b', title: 'Bread', about: '', headings: [{ id: 'bread', level: 1, text: 'Bread' }] },
  ];
  // red: sections 1 and 2; reddish: 0 and 2; tree: 0.
  const index = new ManualIndex(entries, { sections: [[0, 0], [0, 1], [1, 0]], words: 'red reddish tree', places: '1,1 0,2 0' });

  test('finds beginnings of words, headings first, whole words before beginnings', () => {
    const { hits, count } = index.find('RED', 10);
    expect(count).toBe(3);
    expect(hits.map(({ slug, id }) => `${slug}/${id}`)).toEqual(['a/red', 'b/bread', 'a/apples']);
    expect(index.find('red', 1)).toMatchObject({ count: 3, hits: [{ slug: 'a', heading: 'Red ones', title: 'Apples' }] });
  });

  test('wants every word', () => {
    expect(index.find('red tree', 10).hits.map(({ id }) => id)).toEqual(['apples']);
    expect(index.find('red stone', 10).count).toBe(0);
    expect(index.find(' … ', 10).count).toBe(0);
  });
});

test('what is found is marked at the beginnings of words', () => {
  expect(placesIn('a deadband, no undead', 'dead')).toEqual([[2, 6]]);
  expect(placesIn('a.b (c)', '.*')).toEqual([]);
});

test('an excerpt stands around the first find and is cut at blanks', () => {
  const text = `${'far '.repeat(40)}here is the deadband of it${' away'.repeat(80)}`;
  const pieces = excerpt(text, 'deadb');
  const shown = pieces.map((piece) => piece.text).join('');
  expect(pieces.filter(({ isFound }) => isFound).map((piece) => piece.text)).toEqual(['deadb']);
  expect(shown.startsWith('… far')).toBe(true);
  expect(shown.endsWith('away …')).toBe(true);
  expect(shown.length).toBeLessThan(260);
  expect(excerpt('short', 'x')).toEqual([{ text: 'short', isFound: false }]);
});
