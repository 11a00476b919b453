/**
 * Gives the page the manual: `virtual:manual` is the contents, and fetches each page, the index of words, and what is known
 * of settings and instructions on demand. The Markdown stays here; nothing that reads it reaches the browser.
 */

import { join } from 'node:path';
import type { Plugin } from 'vite';
import { compileManual, type Compiled, type Manual } from './compile.ts';
import { instructionsOf } from './instructions.ts';
import { settingsOf } from './settings.ts';
import { indexWords } from './words.ts';

const NAME = 'virtual:manual';

export function manual(): Plugin {
  let root = '';
  let made: Manual | null = null;
  const get = (): Manual => (made ??= compileManual(root));
  return {
    name: 'manual',
    configResolved(config) {
      root = join(config.root, '..');
    },
    // A build with watch, and `npm run dev`, compile anew when a file has changed.
    watchChange: () => {
      made = null;
    },
    buildStart() {
      made = null;
      for (const file of get().files) this.addWatchFile(join(root, file));
      settingsOf(get());
      instructionsOf(get());
    },
    resolveId: (id) => (id === NAME || id.startsWith(`${NAME}/`) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${NAME}`)) return null;
      return moduleOf(get(), id.slice(NAME.length + 2), root);
    },
  };
}

function moduleOf(manual: Manual, part: string, root: string): string {
  if (part === '') return contents(manual);
  if (part === 'words') return exported(indexWords(manual));
  if (part === 'settings') return exported(settingsOf(manual));
  if (part === 'instructions') return exported(instructionsOf(manual));
  const page = manual.pages.find(({ slug }) => part === `page/${slug}`);
  if (!page) throw new Error(`the manual has no ${part}`);
  return pageModule(page, root);
}

function exported(value: unknown): string {
  return `export default JSON.parse(${JSON.stringify(JSON.stringify(value))});`;
}

function contents({ pages }: Manual): string {
  const entries = pages.map(({ slug, title, about, headings }) => ({ slug, title, about, headings }));
  const fetches = pages.map(({ slug }) => `${JSON.stringify(slug)}: () => import('${NAME}/page/${slug}')`);
  return [
    `export const entries = JSON.parse(${JSON.stringify(JSON.stringify(entries))});`,
    `export const fetchPage = { ${fetches.join(', ')} };`,
    `export const fetchWords = () => import('${NAME}/words');`,
    `export const fetchSettings = () => import('${NAME}/settings');`,
    `export const fetchInstructions = () => import('${NAME}/instructions');`,
  ].join('\n');
}

/** A page with the addresses of its images, which get a name of their own among the files of the page. */
function pageModule({ sections, images }: Compiled, root: string): string {
  const imports = images.map((path, index) => `import image${index} from ${JSON.stringify(join(root, path))};`);
  const text = JSON.stringify(JSON.stringify({ sections }));
  const filled = images.map((_, index) => `.replaceAll('%image:${index}%', image${index})`).join('');
  return [...imports, `export default JSON.parse(${text}${filled});`].join('\n');
}
