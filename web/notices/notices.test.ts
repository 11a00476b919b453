import { expect, it } from 'vitest';
import { noticesOf, type Part } from './notices.ts';

const part = (name: string, licence: string, texts: Record<string, string>): Part => ({ name, version: '1.0.0', licence, texts: new Map(Object.entries(texts)) });

it('has each text once, with all parts that brought it', () => {
  const text = noticesOf([part('b', 'MIT', { LICENSE: 'Words of A\r\n' }), part('a', 'MIT', { 'LICENSE.md': 'Words of A' })]);
  expect(text.split('Words of A')).toHaveLength(2);
  expect(text).toContain('a 1.0.0, b 1.0.0');
  expect(text.indexOf('a 1.0.0: MIT')).toBeLessThan(text.indexOf('b 1.0.0: MIT'));
});

it('chooses MIT where it may, and keeps what must be noticed', () => {
  const texts = { 'LICENSE-MIT': 'the short one', 'LICENSE-APACHE': 'the long one', NOTICE: 'to be noticed' };
  const chosen = noticesOf([part('a', 'MIT OR Apache-2.0', texts)]);
  expect(chosen).toContain('the short one');
  expect(chosen).toContain('to be noticed');
  expect(chosen).not.toContain('the long one');
  expect(noticesOf([part('a', 'Apache-2.0', texts)])).toContain('the long one');
});

it('refuses a part that neither names a licence nor brings its words', () => {
  expect(noticesOf([part('a', '', { LICENSE: 'words of a' })])).toContain('words of a');
  expect(() => noticesOf([part('a', '', {})])).toThrow('a 1.0.0');
});
