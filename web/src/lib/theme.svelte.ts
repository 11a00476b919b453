/** Light, dark, or what the system says. */

import { recall, remember } from './memory';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

function isTheme(value: unknown): value is Theme {
  return THEMES.includes(value as Theme);
}

class ThemeChoice {
  theme = $state<Theme>(recall('theme', isTheme, 'system'));

  constructor() {
    this.#show();
  }

  /** The next choice in the order system, light, dark. */
  next(): void {
    this.choose(THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'system');
  }

  choose(theme: Theme): void {
    this.theme = theme;
    remember('theme', this.theme);
    this.#show();
  }

  #show(): void {
    if (this.theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = this.theme;
  }
}

export const themeChoice = new ThemeChoice();
