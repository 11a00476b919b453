/** What the manual is made of when it reaches the page: `web/manual` makes it of Markdown when the page is built. */

export interface ManualHeading {
  /** The anchor, spelled as GitHub spells it. */
  id: string;
  level: number;
  text: string;
}

/** A page of the manual as the contents know it. */
export interface ManualEntry {
  slug: string;
  title: string;
  /** What it is for, in one line. */
  about: string;
  headings: ManualHeading[];
}

/** What stands between one heading and the next. The first section of a page has the heading of the page. */
export interface ManualSection {
  id: string;
  level: number;
  /** The heading as HTML. */
  title: string;
  html: string;
}

export interface ManualPage {
  sections: ManualSection[];
}

/** Every word of the manual and the sections that have it. */
export interface ManualWords {
  /** Page and heading of each section, by their places in the contents: `[page, heading]`. */
  sections: [number, number][];
  /** All words in the order of their letters, with blanks between. */
  words: string;
  /** For each word the numbers of its sections: steps from one to the next in base 36 with commas, blanks between words. */
  places: string;
}

/** What the manual says of one key of the project file. */
export interface SettingHelp {
  /** What it is, as HTML. */
  text: string;
  /** Type and range, as HTML. */
  range: string;
  /** The default as HTML; null when there is none because the key is required. */
  default: string | null;
  /** The default as a value; absent where it is only said in words. */
  value?: unknown;
  /** Whether it can change while the hub runs; null for what stands in lists, such as routes. */
  live: boolean | null;
  /** The section of the page `project-file` that has the row. */
  at: string;
}

/** What the manual says of one instruction, or of one decorator of contacts. */
export interface InstructionHelp {
  mnemonic: string;
  /** Such as `timer on delay`. */
  name: string;
  /** Such as `Timers`. */
  family: string;
  /** Operands in the order of the text form. */
  operands: { name: string; html: string }[];
  /** The whole section as HTML. */
  html: string;
  at: string;
}

export interface InstructionsHelp {
  instructions: InstructionHelp[];
  decorators: InstructionHelp[];
}
