import { describe, expect, it } from 'vitest';
import { canConnect, canDisconnect, importWords, probeWords, secondsToAttempt, stateTone, stateWords } from './links';
import type { EndpointLink, LinkState, ProbeReport } from './protocol';

function link(change: Partial<EndpointLink> = {}): EndpointLink {
  return {
    state: 'waiting',
    text: '',
    failures: 1,
    attempts: 1,
    next_attempt_in_ms: null,
    connected_ms: null,
    last_error: null,
    catalog: null,
    ...change,
  };
}

describe('a link', () => {
  it('counts down to its next attempt and stops at zero', () => {
    expect(secondsToAttempt(link(), 0)).toBeNull();
    expect(secondsToAttempt(link({ next_attempt_in_ms: 4_000 }), 0)).toBe(4);
    expect(secondsToAttempt(link({ next_attempt_in_ms: 4_000 }), 999)).toBe(4);
    expect(secondsToAttempt(link({ next_attempt_in_ms: 4_000 }), 1_000)).toBe(3);
    expect(secondsToAttempt(link({ next_attempt_in_ms: 4_000 }), 60_000)).toBe(0);
  });

  it('has for each state its words, its tone and its buttons', () => {
    const rows: [LinkState, string, boolean, boolean][] = [
      ['off', 'off', true, false],
      ['connecting', 'moving', false, true],
      ['greeting', 'moving', false, true],
      ['connected', 'up', false, true],
      ['waiting', 'down', true, true],
      ['given_up', 'down', true, true],
    ];
    for (const [state, tone, connect, disconnect] of rows) {
      const one = link({ state });
      expect([stateTone(state), canConnect(one), canDisconnect(one)]).toEqual([tone, connect, disconnect]);
      expect(stateWords(one)).not.toBe('');
    }
    expect([stateTone('listening'), stateTone('failed')]).toEqual(['up', 'down']);
  });
});

describe('an import', () => {
  it('is told in words', () => {
    const check = (asked: number, answered: number, found: number, made: number, text: string): void =>
      expect(importWords({ asked, answered, found, made })).toBe(text);
    check(0, 0, 0, 0, 'Nobody was there to ask.');
    check(1, 0, 0, 0, 'It was asked and did not answer.');
    check(3, 0, 0, 0, 'None of 3 that were asked answered.');
    check(1, 1, 1, 0, '1 signal found, none of them new.');
    check(1, 1, 1200, 38, '1,200 signals found, 38 new.');
    check(3, 2, 24, 2, '2 of 3 answered. 24 signals found, 2 new.');
  });
});

describe('a trial connection', () => {
  const done: ProbeReport = {
    ok: true,
    connect_ms: 0.4321,
    handshake_ms: 12.4,
    round_trip_ms: 1,
    catalog: 24,
    server_pushes: true,
    error: null,
    stage: 'done',
  };

  it('is told in words', () => {
    expect(probeWords(done)).toBe(
      'It works: connected in 0.43 ms, handshake 12 ms, round trip 1 ms. Its catalog has 24 signals and it sends changes by itself.',
    );
    expect(probeWords({ ...done, connect_ms: null, handshake_ms: null, round_trip_ms: null, catalog: null, server_pushes: false })).toBe(
      'It works: it answered. It has sent no catalog.',
    );
    expect(probeWords({ ...done, ok: false, stage: 'tls', error: 'the certificate is not trusted' })).toBe(
      'It failed at the TLS handshake: the certificate is not trusted.',
    );
  });
});
