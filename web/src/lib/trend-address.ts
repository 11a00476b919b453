/** Where a trend of some signals is: for links from pages that know nothing else of trends. */

/** Names as they stand in the address: a comma between two, and slashes as they are, so that a person can read them. */
export function namesWord(names: readonly string[]): string {
  return names.map((name) => encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':')).join(',');
}

export function trendAddress(names: readonly string[]): string {
  return `/trends?signals=${namesWord(names)}`;
}
