/** Where things stand in the manual, as routes of the page. It is small: links to the manual stand on every page. */

/** Such as `/manual/clock?at=who-follows-it`. */
export function manualRoute(page: string, at: string | null = null): string {
  return `/manual/${page}${at === null ? '' : `?at=${encodeURIComponent(at)}`}`;
}

/** The page of a route below `/manual`; null for the contents. */
export function manualPage(path: string): string | null {
  return path.slice('/manual/'.length) || null;
}

/** The sections of the page's own description, by its pages: what `?` opens there. */
const OF_PAGES: Record<string, string> = {
  '/': 'overview',
  '/signals': 'signals',
  '/plc': 'plc',
  '/classroom': 'classroom',
  '/routes': 'routes',
  '/recordings': 'recordings',
  '/tests': 'tests',
  '/settings': 'settings',
};

/** Where the help for a page of the application begins; the contents of the manual where there is none. */
export function helpRoute(path: string): string {
  const at = OF_PAGES[`/${path.split('/', 2)[1] ?? ''}`];
  return at === undefined ? '/manual' : manualRoute('page', at);
}

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
