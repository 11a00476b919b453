import { describe, expect, it } from 'vitest';
import { editorOf, grouped, otherPort, readValue, sectionOf, sourceWords, valueText, wordOf } from './settings';
import type { Setting } from './protocol';

function setting(key: string): Setting {
  return { key, value: 1, source: 'default', live: true };
}

describe('settings', () => {
  it('tell the port that the page came by where it is not that of the file', () => {
    const web = { key: 'web.port', value: 8000 };
    expect([otherPort(web, { port: '43500', protocol: 'http:' }), otherPort(web, { port: '', protocol: 'https:' })]).toEqual(['43500', '443']);
    expect([otherPort(web, { port: '8000', protocol: 'http:' }), otherPort({ ...web, key: 'headset.port' }, { port: '43500', protocol: 'http:' })]).toEqual([null, null]);
  });

  it('stand in their sections, also where an endpoint has a dot in its name', () => {
    expect([sectionOf('realvirtual.line.2.debug'), wordOf('realvirtual.line.2.debug')]).toEqual(['realvirtual.line.2', 'debug']);
    expect([sectionOf('odd'), wordOf('odd')]).toEqual(['', 'odd']);
    const groups = grouped([setting('web.port'), setting('hub.threads'), setting('web.bind')]);
    expect(groups.map(({ name, settings }) => [name, settings.map(({ key }) => key)])).toEqual([
      ['web', ['web.port', 'web.bind']],
      ['hub', ['hub.threads']],
    ]);
  });

  it('are edited by the kind of their value', () => {
    expect([true, 1, 'a', ['a'], [], [1], { a: 1 }, null].map(editorOf)).toEqual([
      'choice', 'number', 'text', 'list', 'list', 'none', 'none', 'none',
    ]);
    expect(readValue(false, 'true')).toEqual({ ok: true, value: true });
    expect(readValue(10, ' 20 ')).toEqual({ ok: true, value: 20 });
    expect(readValue(10, '')).toEqual({ ok: false, expected: 'a number' });
    expect(readValue(10, 'fast')).toEqual({ ok: false, expected: 'a number' });
    expect(readValue('plc', 'simulation')).toEqual({ ok: true, value: 'simulation' });
    expect(readValue([], ' a, b ,, ')).toEqual({ ok: true, value: ['a', 'b'] });
    expect(readValue(['a'], ' ')).toEqual({ ok: true, value: [] });
  });

  it('are shown the way they are read', () => {
    expect([true, 1.5, 'a', ['a', 'b'], null, { a: 1 }].map(valueText)).toEqual(['true', '1.5', 'a', 'a, b', '', '{"a":1}']);
    expect(sourceWords('file')).toBe('project file');
  });
});
