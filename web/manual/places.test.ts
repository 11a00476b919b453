import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { helpRoute } from '../src/lib/manual-place.ts';
import { compileManual } from './compile.ts';
import { settingsOf } from './settings.ts';

const manual = compileManual(new URL('../..', import.meta.url).pathname);
const settings = settingsOf(manual);
const SOURCES = new URL('../src/', import.meta.url).pathname;
const components = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.svelte'));
const texts = components.map((name) => ({ name, text: readFileSync(SOURCES + name, 'utf8') }));

/** Whether a route such as `/manual/clock?at=scans` leads to a section. */
function leads(route: string): boolean {
  const [path = '', query = ''] = route.split('?', 2);
  if (path === '/manual') return true;
  const page = manual.pages.find(({ slug }) => `/manual/${slug}` === path);
  const at = new URLSearchParams(query).get('at');
  return page !== undefined && (at === null || page.headings.some(({ id }) => id === at));
}

test('every help and every link of the page leads to a section of the manual', () => {
  const wrong: string[] = [];
  let count = 0;
  const check = (name: string, route: string): void => {
    count += 1;
    if (!leads(route)) wrong.push(`${name}: ${route}`);
  };
  for (const { name, text } of texts) {
    for (const [, page = '', at] of text.matchAll(/<Help [^>]*page="([\w-]+)"(?: at="([\w-]+)")?/g)) check(name, `/manual/${page}${at ? `?at=${at}` : ''}`);
    for (const [, page = '', at] of text.matchAll(/page: '([\w-]+)', at: (?:'([\w-]+)'|null)/g)) check(name, `/manual/${page}${at ? `?at=${at}` : ''}`);
    for (const [, route = ''] of text.matchAll(/href="#(\/manual[\w/?=-]*)"/g)) check(name, route);
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(40);
});

test('every key of a route that the form explains stands in the manual', () => {
  const keys = ['from', 'to', 'expr', 'inputs', 'map', 'invert', 'scale', 'offset', 'deadband', 'every_ms', 'on_stale'];
  expect(keys.filter((key) => settings[`route.${key}`] === undefined)).toEqual([]);
  const named = texts.flatMap(({ text }) => [...text.matchAll(/ setting="([\w.]+)"/g)].map(([, key = '']) => key));
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((key) => settings[key] === undefined)).toEqual([]);
});

test('? leads to what is told of each page', () => {
  for (const path of ['/', '/signals', '/plc', '/plc/line', '/classroom', '/routes', '/recordings', '/tests', '/settings', '/settings/keys']) {
    expect(helpRoute(path)).toMatch(/\?at=/);
    expect(leads(helpRoute(path))).toBe(true);
  }
  expect(helpRoute('/no/such/page')).toBe('/manual');
});
