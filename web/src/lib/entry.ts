/** What an operator typed, checked against the kind of the signal before anything is sent. */

import type { Kind, Value } from './protocol';

export type Entry = { ok: true; value: Exclude<Value, null> } | { ok: false; expected: string };

/**
 * Reads a typed value. Whole numbers must be exact in a double, because that is what JSON in a browser can carry;
 * the hub's own limits are the hub's to state.
 */
export function parseEntry(kind: Kind, typed: string): Entry {
  const text = typed.trim();
  switch (kind) {
    case 'text':
      return { ok: true, value: typed };
    case 'bool':
      if (/^(true|1|on)$/i.test(text)) return { ok: true, value: true };
      if (/^(false|0|off)$/i.test(text)) return { ok: true, value: false };
      return { ok: false, expected: 'true or false' };
    case 'int': {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text)) return { ok: false, expected: 'a whole number such as 42' };
      if (!Number.isSafeInteger(value)) return { ok: false, expected: 'a whole number of at most 15 digits' };
      return { ok: true, value };
    }
    case 'float': {
      const value = Number(text);
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value)) {
        return { ok: false, expected: 'a number such as 42.5' };
      }
      return { ok: true, value };
    }
  }
}
