import { describe, expect, it } from 'vitest';
import { BACKOFF_MAX_MS, HELD, HELLO_WAIT_MS, nextLink, SILENCE_MS, type Link, type LinkEvent } from './reconnect';

/** No spread: a jitter of one half gives the pause itself. */
const EVEN = 0.5;

function after(link: Link, event: LinkEvent, now: number): { link: Link; effect: string } {
  const [next, effect] = nextLink(link, event, now, EVEN);
  return { link: next, effect };
}

const first: Link = { phase: 'connecting', attempt: 1, since: 0, lostAt: null };
const live: Link = { phase: 'live', epoch: 5, heardAt: 1_000 };

describe('a first connection', () => {
  it('is live with the hello', () => {
    expect(after(first, { type: 'hello', epoch: 5 }, 1_000)).toEqual({ link: live, effect: 'none' });
  });

  it('gives up an attempt without hello at its time and not before', () => {
    const link = first;
    expect(after(link, { type: 'clock' }, HELLO_WAIT_MS - 1).effect).toBe('none');
    const { link: given, effect } = after(link, { type: 'clock' }, HELLO_WAIT_MS);
    expect([given.phase, effect]).toEqual(['waiting', 'drop']);
    expect(given).toHaveProperty('lostAt', null);
  });
});

describe('a held link', () => {
  it('tries nothing until it is released', () => {
    for (const type of ['clock', 'retry-now', 'hold', 'heard'] as const) {
      expect(after(HELD, { type }, 60_000)).toEqual({ link: HELD, effect: 'none' });
    }
    expect(after(HELD, { type: 'hello', epoch: 5 }, 0).link).toBe(HELD);
    expect(after(HELD, { type: 'closed', reason: '' }, 0).link).toBe(HELD);
    expect(after(HELD, { type: 'release' }, 0)).toEqual({ link: first, effect: 'open' });
  });

  it('may be any link before, and a release of one that is not held changes nothing', () => {
    const lost = after(live, { type: 'closed', reason: 'broke' }, 2_000).link;
    for (const link of [first, live, lost]) {
      expect(after(link, { type: 'hold' }, 2_000)).toEqual({ link: HELD, effect: 'drop' });
      expect(after(link, { type: 'release' }, 2_000)).toEqual({ link, effect: 'none' });
    }
  });
});

describe('a live link', () => {
  it('stays alive by every word', () => {
    expect(after(live, { type: 'heard' }, 4_000).link).toEqual({ ...live, heardAt: 4_000 });
  });

  it('is dropped after silence, dated by the last word', () => {
    expect(after(live, { type: 'clock' }, 1_000 + SILENCE_MS - 1).effect).toBe('none');
    const { link, effect } = after(live, { type: 'clock' }, 1_000 + SILENCE_MS);
    expect(effect).toBe('drop');
    expect(link).toMatchObject({ phase: 'waiting', lostAt: 1_000, reason: 'the hub went silent' });
  });

  it('does not care for an impatient person', () => {
    expect(after(live, { type: 'retry-now' }, 2_000)).toEqual({ link: live, effect: 'none' });
  });
});

describe('a lost link', () => {
  it('is tried again with growing pauses up to a limit, and keeps its date', () => {
    let { link } = after(live, { type: 'closed', reason: 'broke' }, 2_000);
    let now = 2_000;
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      expect(link.phase).toBe('waiting');
      const { retryAt } = link as Link & { phase: 'waiting' };
      pauses.push(retryAt - now);
      expect(after(link, { type: 'clock' }, retryAt - 1).effect).toBe('none');
      now = retryAt;
      const opened = after(link, { type: 'clock' }, now);
      expect(opened.effect).toBe('open');
      expect(opened.link).toMatchObject({ phase: 'connecting', lostAt: 1_000 });
      link = after(opened.link, { type: 'closed', reason: 'refused' }, now).link;
    }
    expect(pauses).toEqual([500, 500, 1_000, 2_000, 4_000, BACKOFF_MAX_MS, BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
  });

  it('is tried at once when asked', () => {
    const { link } = after(live, { type: 'closed', reason: 'broke' }, 2_000);
    expect(after(link, { type: 'retry-now' }, 2_001)).toMatchObject({ link: { phase: 'connecting' }, effect: 'open' });
  });

  it('hears a second close only once', () => {
    const { link } = after(live, { type: 'closed', reason: 'broke' }, 2_000);
    expect(after(link, { type: 'closed', reason: 'again' }, 2_100).link).toEqual(link);
  });

  it('has a fresh epoch when it is back', () => {
    const { link } = after(live, { type: 'closed', reason: 'broke' }, 2_000);
    const { link: opened } = after(link, { type: 'retry-now' }, 2_001);
    expect(after(opened, { type: 'hello', epoch: 6 }, 2_002).link).toEqual({ phase: 'live', epoch: 6, heardAt: 2_002 });
  });

  it('spreads the attempts of many pages', () => {
    const [early] = nextLink(live, { type: 'closed', reason: '' }, 2_000, 0);
    const [late] = nextLink(live, { type: 'closed', reason: '' }, 2_000, 1);
    expect([early, late].map((link) => (link as Link & { phase: 'waiting' }).retryAt - 2_000)).toEqual([400, 600]);
  });
});
