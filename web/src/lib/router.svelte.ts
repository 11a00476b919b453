/** Pages by their path in the address: links work with the browser's own history, copy and bookmark. */

class Router {
  path = $state(location.pathname);
  search = $state(location.search);

  constructor() {
    addEventListener('popstate', () => this.#read());
  }

  /** Goes to a page of this application as a new entry of the history. */
  go(url: string): void {
    history.pushState(null, '', url);
    this.#read();
  }

  /** Changes the query of the page that is shown, in place: typing a filter makes no history. */
  replaceSearch(search: string): void {
    if (search === location.search) return;
    history.replaceState(null, '', location.pathname + search);
    this.search = search;
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }
}

export const router = new Router();

/** For `onclick` of a link within the page; a click with a modifier stays the browser's. */
export function follow(event: MouseEvent & { currentTarget: HTMLAnchorElement }): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  router.go(event.currentTarget.getAttribute('href') ?? '/');
}
