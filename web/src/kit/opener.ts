/** What a button looks like that opens a menu or a sheet (`styles/openers.css`), and what stands in a menu. */

/** An ordinary button, one without a border, one of three dots, or a small word below something. */
export type OpenerTone = 'ordinary' | 'plain' | 'dots' | 'foot';

export interface MenuItem {
  words: string;
  /** The key that does the same without the menu. */
  key?: string;
  ondo: () => void;
}
