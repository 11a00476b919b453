/** Settings as a person edits them: grouped by section, read from text by the kind of their value. */

import type { Setting } from './protocol';

/** A section of the project file with its settings. */
export interface SettingGroup {
  /** Such as `realvirtual.line` or `web`. */
  name: string;
  settings: Setting[];
}

/** The section of a key: everything before its last part, but a realvirtual endpoint's name may hold dots itself. */
export function sectionOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')));
}

/** The last part of a key. */
export function wordOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** Settings by section, in the order in which the hub gave them. */
export function grouped(settings: readonly Setting[]): SettingGroup[] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const section = sectionOf(setting.key);
    const group = groups.get(section);
    if (group) group.push(setting);
    else groups.set(section, [setting]);
  }
  return [...groups].map(([name, list]) => ({ name, settings: list }));
}

/** How a value is edited. Lists of texts are typed with commas; what is neither is only shown. */
export type Editor = 'choice' | 'number' | 'text' | 'list' | 'none';

export function editorOf(value: unknown): Editor {
  if (typeof value === 'boolean') return 'choice';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'string') return 'text';
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? 'list' : 'none';
}

/** A value as text, the same way that `readValue` reads it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (editorOf(value) === 'list') return (value as string[]).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What was typed, as a value of the kind that the setting has now. The hub checks ranges and words. */
export function readValue(now: unknown, typed: string): { ok: true; value: unknown } | { ok: false; expected: string } {
  const text = typed.trim();
  switch (editorOf(now)) {
    case 'choice':
      return { ok: true, value: text === 'true' };
    case 'number': {
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) return { ok: false, expected: 'a number' };
      return { ok: true, value };
    }
    case 'list':
      return { ok: true, value: text === '' ? [] : text.split(',').map((item) => item.trim()).filter(Boolean) };
    default:
      return { ok: true, value: typed };
  }
}

const SOURCES: Record<Setting['source'], string> = {
  default: 'default',
  file: 'project file',
  environment: 'environment',
  flag: 'command line',
};

/** Where a value comes from, in words. */
export function sourceWords(source: Setting['source']): string {
  return SOURCES[source] ?? source;
}

/** Where the page came from, where that is not the port of the file: by `--port-offset`, or by a proxy in between. */
export function otherPort({ key, value }: Pick<Setting, 'key' | 'value'>, { port, protocol }: Pick<Location, 'port' | 'protocol'>): string | null {
  const now = port || (protocol === 'https:' ? '443' : '80');
  return key === 'web.port' && String(value) !== now ? now : null;
}
