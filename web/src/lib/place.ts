/**
 * Where this page stands: every address of the hub is one below the folder that the page itself came from, so that the
 * page works at the root of a host and behind a reverse proxy that gives it a folder (`https://host/line/`).
 */

/** The folder of a page's address, ending in `/`, without query and fragment. */
export function baseOf(address: string): string {
  return new URL('.', address).href;
}

/**
 * The address of the live channel: `ws:` where the page came by `http:`, `wss:` where it came by `https:`.
 * A browser's WebSocket carries no headers, so here, and nowhere else, a key stands in an address.
 */
export function liveUrl(base: string, key: string | null): URL {
  const url = new URL('api/v1/live', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (key !== null) url.searchParams.set('access_token', key);
  return url;
}

/** What an address asks for: the page's path and its query. */
export interface Route {
  path: string;
  search: string;
}

/**
 * The route of an address. It stands in the fragment (`#/signals?filter=x`), which no proxy rewrites. An address
 * without fragment that ends in a name (`/signals`) is taken as that page.
 */
export function routeOf(address: string): Route {
  const { hash, pathname, search } = new URL(address);
  if (hash.length > 1) {
    const [path = '', query] = hash.slice(1).split('?', 2);
    return { path: path.startsWith('/') ? path : `/${path}`, search: query ? `?${query}` : '' };
  }
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  return name === '' || name === 'index.html' ? { path: '/', search: '' } : { path: `/${name}`, search };
}
