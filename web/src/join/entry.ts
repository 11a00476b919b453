/** What a pupil enters: a name and, where it is wanted, the code of the class. The rules are the hub's. */

import { baseOf } from '../lib/place';

/** Bytes of a name; the hub takes no longer one. */
export const NAME_BYTES_MAX = 256;
/** Characters of a code. */
export const CODE_LEN = 6;

export type NameTrouble = 'empty' | 'long' | 'control' | 'dots';

/** What is wrong with a name, or null. */
export function nameTrouble(name: string): NameTrouble | null {
  if (name.trim() === '') return 'empty';
  if (new TextEncoder().encode(name).length > NAME_BYTES_MAX) return 'long';
  if (/\p{Cc}/u.test(name)) return 'control';
  return name === '.' || name === '..' ? 'dots' : null;
}

/** A name to begin with. `chance` is a number from 0 to below 1; three digits keep thirty pupils mostly apart. */
export function suggestedName(chance: number): string {
  return `Player_${100 + Math.floor(chance * 900)}`;
}

/** A code as it was typed, in upper case, without blanks and dashes. */
export function readCode(typed: string): string {
  return typed.replace(/[\s-]/g, '').toUpperCase();
}

/** The code in the fragment of an address (`…/join#K7QF3M`); empty where there is none. */
export function codeOf(address: string): string {
  const { hash } = new URL(address);
  return /^#[A-Za-z0-9]{1,12}$/.test(hash) ? readCode(hash.slice(1)) : '';
}

/** The address of the headset's door in the folder of the page, for a question by HTTP or for a WebSocket. */
export function doorUrl(address: string, code: string, isSocket: boolean): URL {
  const url = new URL('headset', baseOf(address));
  if (isSocket) url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (code !== '') url.searchParams.set('code', code);
  return url;
}
