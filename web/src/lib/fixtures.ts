/** Things that several tests need. */

import type { Signal } from './protocol';

/** A signal with ordinary values, except what a test sets. */
export function signal(id: number, name: string, change: Partial<Signal> = {}): Signal {
  return {
    id,
    name,
    kind: 'float',
    value: 0,
    quality: 'good',
    reason: null,
    owner: 'peer',
    writer: 'Twin',
    conflict: false,
    writable: true,
    generation: 1,
    changed_at_ms: 100,
    confirmed_at_ms: 100,
    ...change,
  };
}
