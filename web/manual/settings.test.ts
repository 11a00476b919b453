import { describe, expect, test } from 'vitest';
import { compile, compileManual } from './compile.ts';
import { settingsOf } from './settings.ts';

function settings(rows: string, head = '| key | type, range | default | live |\n|---|---|---|---|'): ReturnType<typeof settingsOf> {
  const text = `# Project file\n\n## \`[web]\`\n\n${head}\n${rows}\n`;
  return settingsOf(compile([{ slug: 'project-file', path: 'docs/manual/project-file.md', text, about: '' }], () => true));
}

describe('a row', () => {
  test('has words behind the colon, a range before it, a default and whether it is live', () => {
    expect(settings('| `port` | 0…65535 (`a: b`): where it *listens*: here | `8000` | yes |')).toEqual({
      'web.port': { text: 'where it <em>listens</em>: here', range: '0…65535 (<code>a: b</code>)', default: '<code>8000</code>', value: 8000, live: true, at: 'web' },
    });
  });

  test('may say its default in words, or have none because it is required', () => {
    const { 'web.a': worded, 'web.b': required, 'web.c': none } = settings('| `a` | text: what | by the number | no |\n| `b` | text: what | *required* | no |\n| `c` | text: what | none | no |');
    expect(worded).toMatchObject({ default: 'by the number' });
    expect(worded).not.toHaveProperty('value');
    expect(required).toMatchObject({ default: null });
    expect(none).toMatchObject({ default: 'none', value: null });
  });

  test('of several keys is one for each', () => {
    expect(Object.keys(settings('| `a`, `b` | lists: of things | `[]` | no |'))).toEqual(['web.a', 'web.b']);
  });

  test('of a list that is no setting has no word on live', () => {
    expect(settings('| `a` | text: what | `1` |', '| key | type, range | default |\n|---|---|---|')['web.a']?.live).toBeNull();
  });

  test('without words is an error with its line', () => {
    expect(() => settings('| `port` | 0…65535 | `8000` | no |')).toThrow('docs/manual/project-file.md:7: web: `port` is not explained');
  });
});

test('the manual explains keys of sections below others by their own names', () => {
  const known = settingsOf(compileManual(new URL('../..', import.meta.url).pathname));
  expect(known['realvirtual.push_on_connect']).toMatchObject({ live: true, value: false, at: 'the-server-role' });
  expect(known['realvirtual.address']).toMatchObject({ live: false, value: '127.0.0.1', at: 'the-client-role' });
  expect(known['realvirtual.signal.name']).toMatchObject({ default: null, at: 'realvirtualsignal' });
  expect(known['modbus.port']).toMatchObject({ value: 502 });
  expect(known['route.scale']).toMatchObject({ value: 1, live: null });
});
