/**
 * The manual as data: Markdown of the repository in, sections of HTML out. What is wrong with a link, an anchor or an image is
 * an error with its file and line. HTML in the sources is text: nothing of them reaches the page but what is made here.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { Lexer, Marked, Parser, type Token, type Tokens } from 'marked';
import type { ManualEntry, ManualSection } from '../src/lib/manual-types.ts';

/** One Markdown file of the manual. */
export interface Source {
  slug: string;
  /** Path in the repository, with `/`. */
  path: string;
  text: string;
  /** What it is for. */
  about: string;
}

/** A page as it is compiled. */
export interface Compiled extends ManualEntry {
  path: string;
  sections: ManualSection[];
  /** Paths of its images in the repository; in the HTML `%image:N%` stands for the address of the Nth. */
  images: string[];
  /** The tokens of each section, for those that read tables. */
  tokens: Token[][];
  text: string;
}

export interface Manual {
  pages: Compiled[];
  /** All files that it was made of. */
  files: string[];
}

/** Pages that stand elsewhere in the repository, behind those that the list of the manual names. */
const FURTHER = [
  { slug: 'tour', path: 'examples/tour/README.md', about: 'the example that everything here is tried with' },
  { slug: 'glossary', path: 'GLOSSARY.md', about: 'one word per thing: what is meant by signal, route, context and the others' },
];
const LIST = 'docs/manual/README.md';
const FOLDER = 'docs/manual';

/** A mistake of the manual, at its place. */
export class ManualError extends Error {
  constructor(path: string, line: number, what: string) {
    super(`${path}:${line}: ${what}`);
    this.name = 'ManualError';
  }
}

/** The line, counted from 1, of the first place where `part` stands in `text`. */
export function lineOf(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The anchor of a heading, as GitHub makes it of its text. */
export function anchorOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
}

/** The files of the manual in the repository at `root`, in the order of its list. */
export function readSources(root: string): Source[] {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const list = read(LIST);
  const named = [...list.matchAll(/^\| \[[^\]]+\]\(([a-z0-9-]+)\.md\)[^|]*\| (.+) \|$/gm)];
  const sources = named.map(([row, slug = '', about = '']) => {
    const path = `${FOLDER}/${slug}.md`;
    if (!existsSync(join(root, path))) throw new ManualError(LIST, lineOf(list, row), `there is no ${path}`);
    return { slug, path, text: read(path), about: about.replaceAll('`', '') };
  });
  for (const name of readdirSync(join(root, FOLDER))) {
    const slug = name.replace(/\.md$/, '');
    if (!name.endsWith('.md') || name === 'README.md' || sources.some((source) => source.slug === slug)) continue;
    throw new ManualError(LIST, 1, `the list does not name ${name}`);
  }
  return [...sources, ...FURTHER.map((page) => ({ ...page, text: read(page.path) }))];
}

/** Compiles all pages and checks every link between them. `exists` tells which files the repository has. */
export function compile(sources: readonly Source[], exists: (path: string) => boolean): Manual {
  const outlines = sources.map(outline);
  const anchors = new Map(outlines.map(({ source, headings }) => [source.path, new Set(headings.map(({ id }) => id))]));
  const slugs = new Map(sources.map(({ path, slug }) => [path, slug]));
  const pages = outlines.map((page) => compilePage(page, { slugs, anchors, exists }));
  const files = [LIST, ...sources.map(({ path }) => path), ...pages.flatMap(({ images }) => images)];
  return { pages, files };
}

/** The manual of the repository at `root`. */
export function compileManual(root: string): Manual {
  return compile(readSources(root), (path) => existsSync(join(root, path)));
}

interface Outline {
  source: Source;
  headings: (ManualEntry['headings'][number] & { tokens: Token[] })[];
  /** What stands below each heading. */
  bodies: Token[][];
}

function outline(source: Source): Outline {
  const headings: Outline['headings'] = [];
  const bodies: Token[][] = [];
  const taken = new Map<string, number>();
  for (const token of Lexer.lex(source.text)) {
    if (token.type === 'heading') {
      const { depth, tokens = [] } = token as Tokens.Heading;
      const text = plainText(tokens);
      const base = anchorOf(text);
      const times = taken.get(base) ?? 0;
      taken.set(base, times + 1);
      headings.push({ id: times === 0 ? base : `${base}-${times}`, level: depth, text, tokens });
      bodies.push([]);
    } else if (token.type !== 'space') {
      if (headings.length === 0) throw new ManualError(source.path, 1, 'a page of the manual begins with its heading');
      bodies.at(-1)?.push(token);
    }
  }
  if (headings[0]?.level !== 1) throw new ManualError(source.path, 1, 'a page of the manual begins with a heading of the first level');
  return { source, headings, bodies };
}

/** The text of inline tokens without their marks. */
export function plainText(tokens: readonly Token[]): string {
  return tokens.map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : 'text' in token ? unescaped(String(token.text)) : '')).join('');
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

interface World {
  slugs: ReadonlyMap<string, string>;
  anchors: ReadonlyMap<string, ReadonlySet<string>>;
  exists: (path: string) => boolean;
}

function compilePage({ source, headings, bodies }: Outline, world: World): Compiled {
  const images: string[] = [];
  const written = writer(source, world, images);
  const sections = headings.map(({ id, level, tokens }, index) => ({
    id,
    level,
    title: written.parseInline(tokens),
    html: written.parse(bodies[index] ?? []),
  }));
  return {
    slug: source.slug,
    title: headings[0]?.text ?? source.slug,
    about: source.about,
    headings: headings.map(({ id, level, text }) => ({ id, level, text })),
    path: source.path,
    sections,
    images,
    tokens: bodies,
    text: source.text,
  };
}

/** What writes tokens as HTML; `images` takes the images that it meets. */
function writer(source: Source, world: World, images: string[]): Parser {
  const marked = new Marked({
    renderer: {
      html: ({ text }) => escaped(text),
      link({ href, tokens }) {
        return linked(source, world, href, this.parser.parseInline(tokens));
      },
      image({ href, text }) {
        const path = resolved(source, href);
        if (!world.exists(path)) throw wrong(source, href, `there is no image ${path}`);
        if (!images.includes(path)) images.push(path);
        return `<img src="%image:${images.indexOf(path)}%" alt="${escaped(unescaped(text))}" loading="lazy">`;
      },
      code: ({ text }) => `<div class="code"><pre tabindex="0"><code>${escaped(text)}</code></pre><button type="button" data-copy>Copy</button></div>`,
      table(token) {
        const row = (cells: Tokens.TableCell[], tag: string): string => `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
        // Some tables have no words in their head: an empty one would be read aloud as nothing.
        const head = token.header.some(({ text }) => text !== '') ? `<thead>${row(token.header, 'th')}</thead>` : '';
        const rows = token.rows.map((cells) => row(cells, 'td')).join('');
        return `<div class="wide" tabindex="0" role="region" aria-label="Table"><table>${head}<tbody>${rows}</tbody></table></div>`;
      },
    },
  });
  return new Parser(marked.defaults);
}

/** HTML of one cell or line that stands on a page. */
export function inlineHtml(page: Compiled, manual: Manual, tokens: Token[]): string {
  const slugs = new Map(manual.pages.map(({ path, slug }) => [path, slug]));
  const anchors = new Map(manual.pages.map(({ path, headings }) => [path, new Set(headings.map(({ id }) => id))]));
  return writer(page, { slugs, anchors, exists: () => true }, []).parseInline(tokens);
}

function resolved(source: Source, href: string): string {
  return posix.normalize(posix.join(dirname(source.path), decodeURI(href)));
}

function wrong(source: Source, href: string, what: string): ManualError {
  return new ManualError(source.path, lineOf(source.text, `](${href}`), what);
}

/** A link as the page has it: into the manual, out into the world with a sign, or the text of what is only in the repository. */
function linked(source: Source, world: World, href: string, text: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    if (!/^https?:/i.test(href)) throw wrong(source, href, `a link to ${href} leads nowhere from the page`);
    return `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer" data-outside>${text}<span class="unseen"> (outside, on the internet)</span></a>`;
  }
  const [file = '', anchor = ''] = href.split('#', 2);
  const path = file === '' ? source.path : resolved(source, file);
  if (path === LIST) return `<a href="#/manual">${text}</a>`;
  const slug = world.slugs.get(path);
  if (slug === undefined) {
    if (!world.exists(path)) throw wrong(source, href, `there is no ${path}`);
    return text;
  }
  if (anchor !== '' && !world.anchors.get(path)?.has(anchor)) throw wrong(source, href, `${path} has no heading #${anchor}`);
  return `<a href="#/manual/${slug}${anchor === '' ? '' : `?at=${encodeURIComponent(anchor)}`}">${text}</a>`;
}
