/** Recordings and tests in words. */

import { formatCount, plural } from './format';
import type { ActiveRecording, RecordingRow, TestLast, TestRow, TestRun } from './rails-protocol';
import { formatSpan } from './time-words';

/** A size: `812 B`, `1.4 MB`. A megabyte is 1,000,000 bytes, as disks are sold and the project file counts. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes;
  let unit = 'B';
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (size < 999.5) break;
    size /= 1000;
    unit = next;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** How full a recording that is being made is, and what comes first: `12 % of 60:00`. Null where it has no limit. */
export function limitWords(active: ActiveRecording): { part: number; text: string } | null {
  const ofTime = active.max_ms === null ? null : { part: active.duration_ms / active.max_ms, text: formatSpan(active.max_ms, 0) };
  const ofBytes = active.max_bytes === null ? null : { part: active.bytes / active.max_bytes, text: formatBytes(active.max_bytes) };
  const first = [ofTime, ofBytes].filter((limit) => limit !== null).sort((left, right) => right.part - left.part)[0];
  if (first === undefined) return null;
  const part = Math.min(1, Math.max(0, first.part));
  return { part, text: `${Math.floor(part * 100)} % of ${first.text}` };
}

/** What is missing in a recording, or null if nothing is. */
export function lossWords(gaps: number, lost: number | null): string | null {
  if (gaps === 0 && !lost) return null;
  const words = `${plural(gaps, 'gap')}`;
  return lost ? `${words}, ${formatCount(lost)} lost` : words;
}

/** What a person must know of a recording before it is used. */
export function recordingSigns(row: RecordingRow): { word: string; tone: 'good' | 'stale' | 'plain'; title: string }[] {
  const signs: { word: string; tone: 'good' | 'stale' | 'plain'; title: string }[] = [
    row.whole
      ? { word: 'whole', tone: 'good', title: 'It was ended as it should.' }
      : { word: 'cut', tone: 'stale', title: 'Its end is missing. It plays up to the last whole part.' },
  ];
  if (row.gaps > 0) signs.push({ word: plural(row.gaps, 'gap'), tone: 'stale', title: 'At these places the recorder was too slow and samples are missing.' });
  if (row.from_start) signs.push({ word: 'from the start', tone: 'plain', title: 'It began with the hub: crosstie replay execute can execute it again.' });
  return signs;
}

/** The box that lets a replay say what somebody else writes; the API calls it `force`. */
export const ALSO_PEERS = 'Also what a connected peer writes now';

/** Why the hub starts no replay, with what there is on the page instead of the API's word. */
export function replayRefusal(message: string): string {
  return message.replace('start with `force`', `choose “${ALSO_PEERS}”`);
}

/** The last result of a test. */
export function lastWords(last: TestLast | null): { word: string; tone: 'good' | 'bad' | 'soft'; text: string } {
  if (last === null) return { word: 'not run', tone: 'soft', text: 'since the hub was started' };
  const took = tookWords(last.took_ms);
  if (last.passed) return { word: 'passed', tone: 'good', text: `${plural(last.cases, 'case')} in ${took}` };
  return { word: 'failed', tone: 'bad', text: `${formatCount(last.failed)} of ${plural(last.cases, 'case')} in ${took}` };
}

/** A run of tests as a sentence. */
export function runWords(run: TestRun): string {
  const what = plural(run.cases, 'case');
  return run.passed ? `Passed: ${what} in ${tookWords(run.took_ms)}.` : `Failed: ${formatCount(run.failed)} of ${what}, in ${tookWords(run.took_ms)}.`;
}

/** What a test is made of. */
export const KIND_WORDS: Record<TestRow['kind'], string> = {
  recording: 'a recorded session',
  scan: 'a scan table',
  script: 'a script',
};

function tookWords(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** What is wrong with the name of a recording or a test, or null. An empty one is for the hub to choose. */
export function nameTrouble(name: string): string | null {
  if (name === '' || (/^[A-Za-z0-9][\w.\- ]*$/.test(name) && name.length <= 100)) return null;
  return 'A name has letters, digits, blanks and the signs - _ . and begins with a letter or a digit.';
}
