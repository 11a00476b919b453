/** What the page says of links: their state, what an import brought, what a trial connection found. */

import { formatCount, plural } from './format';
import type { Endpoint, EndpointLink, ImportReport, LinkState, ProbeReport } from './protocol';

const STATE_WORDS: Record<LinkState, string> = {
  off: 'off',
  connecting: 'connecting …',
  greeting: 'waiting for the catalog …',
  connected: 'connected',
  waiting: 'waiting to try again',
  given_up: 'given up',
};

/** Where the link stands, as a person reads it. */
export function stateWords({ state }: EndpointLink): string {
  return STATE_WORDS[state] ?? state;
}

/** The kind of state, for its colour: alive, on its way, down. */
export function stateTone(state: string): 'up' | 'moving' | 'down' | 'off' {
  if (state === 'listening' || state === 'connected') return 'up';
  if (state === 'connecting' || state === 'greeting') return 'moving';
  return state === 'off' ? 'off' : 'down';
}

/** Whole seconds to the next attempt; `read_ms_ago` is the age of the figures. Null when none is planned. */
export function secondsToAttempt({ next_attempt_in_ms }: EndpointLink, read_ms_ago: number): number | null {
  if (next_attempt_in_ms === null) return null;
  return Math.max(0, Math.ceil((next_attempt_in_ms - read_ms_ago) / 1000));
}

/** Can somebody connect it now? A link that is tried again may be hurried. */
export function canConnect({ state }: EndpointLink): boolean {
  return state === 'off' || state === 'given_up' || state === 'waiting';
}

export function canDisconnect({ state }: EndpointLink): boolean {
  return state !== 'off';
}

/** What an import brought, in words. */
export function importWords({ asked, answered, found, made }: ImportReport): string {
  if (asked === 0) return 'Nobody was there to ask.';
  const isOne = asked === 1;
  if (answered === 0) return isOne ? 'It was asked and did not answer.' : `None of ${formatCount(asked)} that were asked answered.`;
  const who = isOne ? '' : `${formatCount(answered)} of ${formatCount(asked)} answered. `;
  return `${who}${plural(found, 'signal')} found, ${made === 0 ? 'none of them new' : `${formatCount(made)} new`}.`;
}

const STAGE_WORDS: Record<ProbeReport['stage'], string> = {
  address: 'reading the address',
  connect: 'connecting',
  tls: 'the TLS handshake',
  upgrade: 'opening the WebSocket',
  catalog: 'asking for the catalog',
  done: 'the end',
};

/** What a trial connection found, in words. */
export function probeWords(report: ProbeReport): string {
  if (!report.ok) {
    const stage = STAGE_WORDS[report.stage] ?? report.stage;
    return `It failed at ${stage}: ${report.error ?? 'the hub did not say why'}.`;
  }
  const times = [
    report.connect_ms === null ? null : `connected in ${milliseconds(report.connect_ms)}`,
    report.handshake_ms === null ? null : `handshake ${milliseconds(report.handshake_ms)}`,
    report.round_trip_ms === null ? null : `round trip ${milliseconds(report.round_trip_ms)}`,
  ].filter((text) => text !== null);
  const catalog = report.catalog === null ? 'It has sent no catalog' : `Its catalog has ${plural(report.catalog, 'signal')}`;
  const pushes = report.server_pushes ? ' and it sends changes by itself' : '';
  return `It works: ${times.length > 0 ? times.join(', ') : 'it answered'}. ${catalog}${pushes}.`;
}

function milliseconds(value: number): string {
  return value >= 10 ? `${formatCount(value)} ms` : `${Number(value.toFixed(2))} ms`;
}

/** Does this endpoint connect to a server by itself? */
export function isLink(endpoint: Endpoint): endpoint is Endpoint & { link: EndpointLink } {
  return endpoint.link !== null && endpoint.link !== undefined;
}
