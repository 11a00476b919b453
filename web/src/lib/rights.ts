/** What whoever looks at this page may do, told from the hub's answer to "who am I". The hub decides; this only spares people the attempt. */

import type { Me, Role } from './protocol';

/** The roles, each with everything that the one before may do. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'engineer'];
/** Longer keys would not fit into a header of the hub's. */
export const KEY_LEN_MAX = 512;

/** What each role may do, in words, with everything before it. */
export const ROLE_WORDS: Record<Role, string> = {
  viewer: 'looks at everything, changes nothing',
  operator: 'writes signals, connects and disconnects links, acknowledges events',
  engineer: 'changes settings, routes, keys and the log level and imports signals, too',
};

/** May it do what needs `role`? As long as the hub has not said who this is, everything is offered and the hub answers. */
export function may(me: Me | null, role: Role): boolean {
  return me === null || ROLES.indexOf(me.role) >= ROLES.indexOf(role);
}

/** Why this signal cannot be written from here, or null if it can. */
export function writeHint(me: Me | null, name: string): string | null {
  if (me === null) return null;
  if (!may(me, 'operator')) return 'You look on as a viewer. Writing needs the key of an operator or an engineer.';
  if (me.write === null || me.write.some((pattern) => patternFits(pattern, name))) return null;
  return me.write.length === 0 ? 'Your key writes no signal.' : `Your key writes only ${me.write.join(', ')}.`;
}

/** Why a thing that needs `role` cannot be done from here, or null if it can. */
export function roleHint(me: Me | null, role: Exclude<Role, 'viewer'>): string | null {
  if (may(me, role) || me === null) return null;
  return `You are here as ${withArticle(me.role)}. This needs the key of an ${role === 'operator' ? 'operator or an engineer' : 'engineer'}.`;
}

/** A role with its article: `an operator`. */
export function withArticle(role: Role): string {
  return role === 'viewer' ? 'a viewer' : `an ${role}`;
}

/** The parts that a pattern is held against: segments, but everything behind a PLC's context is one part. */
function partsOf(name: string): string[] {
  const parts = name.split('/');
  return parts[0] === 'plc' && parts.length > 2 ? ['plc', parts[1] ?? '', parts.slice(2).join('/')] : parts;
}

/** The hub's own rule: `*` is one part, a last `**` is the rest (at least one part), everything else is itself. */
export function patternFits(pattern: string, name: string): boolean {
  const wanted = partsOf(pattern);
  const given = partsOf(name);
  const hasRest = wanted.at(-1) === '**';
  if (hasRest) wanted.pop();
  const isLengthRight = hasRest ? given.length > wanted.length : given.length === wanted.length;
  return isLengthRight && wanted.every((part, index) => part === '*' || part === '**' || part === given[index]);
}

/** A pasted key without the blanks around it, or what is wrong with it. */
export function readKey(pasted: string): { ok: true; key: string } | { ok: false; expected: string } {
  const key = pasted.trim();
  if (key === '') return { ok: false, expected: 'Paste the key first.' };
  if (!/^[\x21-\x7e]+$/.test(key)) return { ok: false, expected: 'A key is one word of letters, digits and signs, without blanks.' };
  if (key.length > KEY_LEN_MAX) return { ok: false, expected: `A key has at most ${KEY_LEN_MAX} characters.` };
  return { ok: true, key };
}

/** Typed patterns, one per line or parted by commas; null for an empty field, which stands for every signal. */
export function readPatterns(typed: string): string[] | null {
  const patterns = typed.split(/[\n,]/).map((pattern) => pattern.trim()).filter(Boolean);
  return patterns.length === 0 ? null : patterns;
}

/** Patterns as a person reads them. */
export function patternWords(patterns: readonly string[] | null): string {
  if (patterns === null) return 'all signals';
  return patterns.length === 0 ? 'no signal' : patterns.join(', ');
}
