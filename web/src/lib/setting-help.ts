/** How settings of the hub stand in the manual. */

/** The key of the manual's tables for a setting of the hub: `realvirtual.line.port` stands there as `realvirtual.port`. */
export function settingKey(key: string): string {
  const [section = '', ...rest] = key.split('.');
  const word = rest.at(-1) ?? '';
  return `${section}.${word}`;
}

/** In what a setting counts, by the end of its name; null for what has no unit. */
export function unitOf(key: string): string | null {
  const word = key.slice(key.lastIndexOf('.') + 1);
  if (word === 'raw_days' || word === 'seconds_days' || word === 'minutes_days') return 'days';
  const end = /_(ms|seconds|minutes|mb|days)$/.exec(word)?.[1];
  return end === undefined ? null : ({ ms: 'ms', seconds: 's', minutes: 'min', mb: 'MB', days: 'days' }[end] ?? null);
}
