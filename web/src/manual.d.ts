/** The manual as `manual/plugin.ts` makes it when the page is built. */
declare module 'virtual:manual' {
  import type { InstructionsHelp, ManualEntry, ManualPage, ManualWords, SettingHelp } from './lib/manual-types';
  export const entries: ManualEntry[];
  export const fetchPage: Record<string, () => Promise<{ default: ManualPage }>>;
  export const fetchWords: () => Promise<{ default: ManualWords }>;
  export const fetchSettings: () => Promise<{ default: Record<string, SettingHelp> }>;
  export const fetchInstructions: () => Promise<{ default: InstructionsHelp }>;
}
