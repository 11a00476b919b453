import { describe, expect, it } from 'vitest';
import { closeOf, haltOf, pauseOf } from './link';

describe('the link of a pupil', () => {
  it('knows what a refusal means', () => {
    expect([426, 401, 403, 404, 429, 200, 502].map(haltOf)).toEqual([null, 'code', 'forbidden', 'nobody', 'tries', 'away', 'away']);
  });

  it('knows what a close means', () => {
    expect(closeOf(1000, 'taken out of the class', true)).toEqual({ halt: 'removed' });
    expect(closeOf(1000, 'the same player has connected again', true)).toEqual({ halt: 'elsewhere' });
    expect(closeOf(1000, 'the experiment was stopped', true)).toEqual({ gap: 'ended' });
    expect(closeOf(1000, 'no sign of life', true)).toEqual({ gap: 'lost' });
    expect(closeOf(1008, 'another headset has this name', false)).toEqual({ halt: 'name' });
    expect(closeOf(1008, 'another headset has this name', true)).toEqual({ gap: 'held' });
    expect(closeOf(1008, 'key revoked', true)).toEqual({ halt: 'code' });
    expect(closeOf(1013, 'too many players', false)).toEqual({ gap: 'many' });
    expect(closeOf(1006, '', true)).toEqual({ gap: 'lost' });
  });

  it('waits longer and longer, and not for ever', () => {
    expect([0, 1, 2, 9, 99].map((attempt) => pauseOf('lost', attempt, 0.5))).toEqual([500, 1000, 2000, 8000, 8000]);
    expect([pauseOf('away', 0, 0), pauseOf('away', 0, 1)]).toEqual([400, 600]);
    expect(pauseOf('ended', 0, 0.5)).toBe(5000);
  });
});
