import { describe, expect, it } from 'vitest';
import { countNew, EventList, GONE_MAX } from './events';
import type { Problem } from './protocol';

function problem(id: string, change: Partial<Problem> = {}): Problem {
  return {
    id,
    severity: 'warning',
    subject: id,
    text: '',
    hint: '',
    first_seen_ms: 0,
    last_seen_ms: 0,
    count: 1,
    acknowledged: false,
    ...change,
  };
}

function ids(list: EventList): string[] {
  return list.rows().map((row) => `${row.isGone ? '-' : '+'}${row.problem.id}`);
}

describe('the list of events', () => {
  it('has the new before the acknowledged, errors before warnings, the oldest first', () => {
    const list = new EventList();
    const problems = [
      problem('seen error', { severity: 'error', acknowledged: true }),
      problem('late warning', { first_seen_ms: 9 }),
      problem('warning', { first_seen_ms: 5 }),
      problem('error', { severity: 'error', first_seen_ms: 10 }),
      problem('seen', { acknowledged: true }),
    ];
    list.update(problems);
    expect(ids(list)).toEqual(['+error', '+warning', '+late warning', '+seen error', '+seen']);
    expect(countNew(problems)).toBe(3);
  });

  it('keeps what went until it is told to forget, below all else', () => {
    const list = new EventList();
    list.update([problem('a', { severity: 'error' }), problem('b', { acknowledged: true })]);
    list.update([problem('b', { acknowledged: true })]);
    expect(ids(list)).toEqual(['+b', '-a']);
    list.update([problem('b', { acknowledged: true })]);
    expect(ids(list)).toEqual(['+b', '-a']);
    list.forgetGone();
    expect(ids(list)).toEqual(['+b']);
  });

  it('has a problem that came back once, as present', () => {
    const list = new EventList();
    list.update([problem('a')]);
    list.update([]);
    list.update([problem('a', { count: 2 })]);
    expect(ids(list)).toEqual(['+a']);
  });

  it('keeps a limited number of what went, the newest', () => {
    const list = new EventList();
    list.update(Array.from({ length: GONE_MAX + 1 }, (_, index) => problem(`p${index}`, { first_seen_ms: index })));
    list.update([]);
    expect(ids(list)).toHaveLength(GONE_MAX);
    expect(ids(list)[0]).toBe('-p1');
  });
});
