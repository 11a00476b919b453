import { describe, expect, it } from 'vitest';
import { KEY_LEN_MAX, may, patternFits, patternWords, readKey, readPatterns, roleHint, writeHint } from './rights';
import type { Me } from './protocol';

function me(change: Partial<Me> = {}): Me {
  return { who: 'HMI', role: 'operator', key: 'k1', keys_exist: true, view: null, write: null, ...change };
}

describe('rights', () => {
  it('grow with the role, and are not narrowed before the hub has spoken', () => {
    expect(may(me({ role: 'viewer' }), 'operator')).toBe(false);
    expect(may(me(), 'operator')).toBe(true);
    expect(may(me(), 'engineer')).toBe(false);
    expect(may(me({ role: 'engineer' }), 'operator')).toBe(true);
    expect(may(null, 'engineer')).toBe(true);
    expect(roleHint(me(), 'engineer')).toBe('You are here as an operator. This needs the key of an engineer.');
    expect(roleHint(me({ role: 'viewer' }), 'operator')).toBe('You are here as a viewer. This needs the key of an operator or an engineer.');
    expect([roleHint(me(), 'operator'), roleHint(null, 'engineer')]).toEqual([null, null]);
  });

  it('to write need the role and a pattern', () => {
    expect(writeHint(null, 'a')).toBeNull();
    expect(writeHint(me(), 'twin/line/Run')).toBeNull();
    expect(writeHint(me({ role: 'viewer' }), 'twin/line/Run')).toContain('as a viewer');
    const hmi = me({ write: ['twin/*/Run', 'plc/**'] });
    expect(writeHint(hmi, 'twin/line/Run')).toBeNull();
    expect(writeHint(hmi, 'twin/line/Speed')).toBe('Your key writes only twin/*/Run, plc/**.');
    expect(writeHint(me({ write: [] }), 'twin/line/Run')).toBe('Your key writes no signal.');
  });

  it('have patterns as the hub has them', () => {
    const check = (pattern: string, name: string, fits: boolean): void => expect([pattern, name, patternFits(pattern, name)]).toEqual([pattern, name, fits]);
    check('twin/line/Run', 'twin/line/Run', true);
    check('twin/line/Run', 'twin/line/Runs', false);
    check('twin/*/Run', 'twin/line/Run', true);
    check('twin/*', 'twin/line/Run', false);
    check('twin/**', 'twin/line/Run', true);
    check('twin/**', 'twin', false);
    check('**', 'twin/line/Run', true);
    check('plc/*/O:0/3', 'plc/PLC1/O:0/3', true);
    check('plc/PLC1/*', 'plc/PLC1/O:0/3', true);
  });
});

describe('what is pasted or typed', () => {
  it('is a key when it is one word', () => {
    expect(readKey('  ct_abc\n')).toEqual({ ok: true, key: 'ct_abc' });
    expect(readKey(' ').ok).toBe(false);
    expect(readKey('ct_a ct_b').ok).toBe(false);
    expect(readKey('ключ').ok).toBe(false);
    expect([readKey('a'.repeat(KEY_LEN_MAX)).ok, readKey('a'.repeat(KEY_LEN_MAX + 1)).ok]).toEqual([true, false]);
  });

  it('is a list of patterns, or every signal', () => {
    expect(readPatterns(' \n ')).toBeNull();
    expect(readPatterns('twin/line/**, plc/PLC1/*\n a')).toEqual(['twin/line/**', 'plc/PLC1/*', 'a']);
    expect([patternWords(null), patternWords([]), patternWords(['a', 'b'])]).toEqual(['all signals', 'no signal', 'a, b']);
  });
});
