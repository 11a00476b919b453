/** Pages by the fragment of the address: links work with the browser's own history, copy and bookmark, in any folder. */

import { untrack } from 'svelte';
import { routeOf } from './place';

class Router {
  path = $state('/');
  search = $state('');

  constructor() {
    this.#read();
    addEventListener('popstate', () => this.#read());
    addEventListener('hashchange', () => this.#read());
  }

  /** Goes to a page of this application as a new entry of the history; `route` is such as `/signals?filter=x`. */
  go(route: string): void {
    history.pushState(null, '', `#${route}`);
    this.#read();
  }

  /** Changes the query of the page that is shown, in place: typing a filter makes no history. */
  replaceSearch(search: string): void {
    // Whoever writes its query in an effect must not be called again by the way to another page, whose query that would take away.
    if (search === untrack(() => this.search)) return;
    history.replaceState(null, '', `${location.pathname}#${untrack(() => this.path)}${search}`);
    this.search = search;
  }

  #read(): void {
    const { path, search } = routeOf(location.href);
    this.path = path;
    this.search = search;
  }
}

export const router = new Router();
