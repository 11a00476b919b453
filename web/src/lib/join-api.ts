/** How pupils join without a headset, as the hub says it. */

import { HubError, type HubApi } from './hub';

export interface JoinState {
  now_ms: number;
  /** Further phones and laptops come in. */
  open: boolean;
  /** What they have to type; null where none is needed, none is valid, or it is not for whoever asks. */
  code: string | null;
  needs_code: boolean;
  /** Where they reach the page, best first. */
  urls: string[];
  /** What to change so that other devices can reach it. */
  hint: string | null;
}

/** Asks; a hub that is older than the page knows the path only as that of an order, which is as good as not at all. */
export async function readJoin(api: HubApi): Promise<JoinState> {
  try {
    return await api.ask<JoinState>('classroom/join');
  } catch (error) {
    if (error instanceof HubError && error.status === 405) throw new HubError('not_found', error.message, 404);
    throw error;
  }
}

export function openJoin(api: HubApi, open: boolean): Promise<JoinState> {
  return api.ask('classroom/join', { method: 'PUT', body: { open } });
}

/** The address with the code in its fragment, which no server sees. */
export function joinAddress(url: string, code: string | null): string {
  return code === null ? url : `${url}#${code}`;
}

/** An address as a person types it: browsers add `http://` by themselves. */
export function typedAddress(url: string): string {
  return url.replace(/^http:\/\//, '');
}
