/** Small things that this browser remembers. A browser that forbids it simply forgets. */

export function recall<T>(key: string, isValid: (value: unknown) => value is T, otherwise: T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`crosstie.${key}`) ?? 'null');
    return isValid(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`crosstie.${key}`, JSON.stringify(value));
  } catch {
    // Private windows and full stores refuse; nothing that matters is lost.
  }
}
