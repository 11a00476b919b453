import { describe, expect, test } from 'vitest';
import { anchorOf, compile, compileManual, readSources, type Source } from './compile.ts';
import { indexWords } from './words.ts';
import { ManualIndex } from '../src/lib/manual-search.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const THERE = new Set(['docs/img/a.png', 'docs/compat/x.md', 'examples/a.toml']);

function source(slug: string, text: string): Source {
  return { slug, path: `docs/manual/${slug}.md`, text, about: '' };
}

function htmlOf(text: string, ...others: Source[]): string {
  const { pages } = compile([source('one', text), ...others], (path) => THERE.has(path));
  return pages[0]?.sections.map(({ html }) => html).join('') ?? '';
}

describe('links', () => {
  const other = source('two', '# Two\n\n## A `[part]` of it\n');

  test('within the manual stay inside', () => {
    expect(htmlOf('# One\n\n[t](two.md#a-part-of-it) [u](two.md) [v](#one) [w](README.md)', other)).toContain(
      '<a href="#/manual/two?at=a-part-of-it">t</a> <a href="#/manual/two">u</a> <a href="#/manual/one?at=one">v</a> <a href="#/manual">w</a>',
    );
  });

  test('to other files of the repository are text, those to the internet say so', () => {
    const html = htmlOf('# One\n\n[the claims](../compat/x.md) and [CEL](https://cel.dev)');
    expect(html).toContain('<p>the claims and <a href="https://cel.dev" target="_blank" rel="noopener noreferrer" data-outside>CEL');
    expect(html).toContain('outside, on the internet');
  });

  test.each([
    ['# One\n\n\n[t](three.md)', 'docs/manual/one.md:4: there is no docs/manual/three.md'],
    ['# One\n\n[t](two.md#nothing)', 'docs/manual/one.md:3: docs/manual/two.md has no heading #nothing'],
    ['# One\n\n[t](#two)', 'docs/manual/one.md:3: docs/manual/one.md has no heading #two'],
    ['# One\n\n![t](../img/b.png)', 'docs/manual/one.md:3: there is no image docs/img/b.png'],
    ['# One\n\n[t](javascript:alert)', 'docs/manual/one.md:3: a link to javascript:alert leads nowhere from the page'],
    ['text before\n\n# One', 'docs/manual/one.md:1: a page of the manual begins with its heading'],
    ['## One', 'docs/manual/one.md:1: a page of the manual begins with a heading of the first level'],
  ])('%s is told with file and line', (text, told) => {
    expect(() => htmlOf(text, other)).toThrow(told);
  });
});

test('HTML in a source is text, and no style stands in what is made', () => {
  const html = htmlOf('# One\n\n<b onclick="x">bold</b> and `<i>`\n\n<script>alert(1)</script>\n\n    <pre>\n\n| a | b |\n|:-:|--:|\n| `<u>` | <s> |\n');
  expect(html).not.toMatch(/<(b|i|u|s|script)[ >]/);
  expect(html).toContain('&lt;b onclick=&quot;x&quot;&gt;bold&lt;/b&gt;');
  expect(html).toContain('<code>&lt;i&gt;</code>');
  expect(html).not.toContain('style=');
  expect(html).not.toContain('align=');
});

test('an image becomes a place for the address that the build gives it', () => {
  const { pages } = compile([source('one', '# One\n\n![A "plan"](../img/a.png)')], (path) => THERE.has(path));
  expect(pages[0]?.images).toEqual(['docs/img/a.png']);
  expect(pages[0]?.sections[0]?.html).toContain('<img src="%image:0%" alt="A &quot;plan&quot;" loading="lazy">');
});

test('anchors are those of GitHub, and the second of a name has a number', () => {
  expect(anchorOf('crosstie plc VERB … --engine URL: any')).toBe('crosstie-plc-verb---engine-url-any'.replace('verb---', 'verb----'));
  const { pages } = compile([source('one', '# One\n\n## A\n\n## A\n')], () => false);
  expect(pages[0]?.headings.map(({ id }) => id)).toEqual(['one', 'a', 'a-1']);
});

describe('the manual of this repository', () => {
  const manual = compileManual(ROOT);

  test('has its pages in the order of its list, the tour and the glossary', () => {
    const slugs = manual.pages.map(({ slug }) => slug);
    expect(slugs.slice(0, 3)).toEqual(['getting-started', 'project-file', 'routes']);
    expect(slugs.slice(-2)).toEqual(['tour', 'glossary']);
    expect(new Set(slugs).size).toBe(slugs.length);
    expect(readSources(ROOT).every(({ about }) => about !== '')).toBe(true);
  });

  test('is found by its words, headings first', () => {
    const index = new ManualIndex(manual.pages, indexWords(manual));
    const { hits, count } = index.find('deadb', 30);
    expect(count).toBeGreaterThan(4);
    expect(hits.map(({ slug }) => slug)).toContain('routes');
    expect(index.find('audit log', 1).hits[0]).toMatchObject({ slug: 'security', id: 'audit-log' });
    expect(index.find('stale_after_ms', 1).hits[0]).toMatchObject({ slug: 'project-file', id: 'hub' });
    expect(index.find('nothinghasthisword', 5)).toEqual({ hits: [], count: 0 });
  });
});
