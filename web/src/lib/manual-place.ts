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
  '/trends': 'trends',
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
