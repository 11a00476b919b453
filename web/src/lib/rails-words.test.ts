import { expect, test } from 'vitest';
import type { ActiveRecording, RecordingRow } from './rails-protocol';
import { formatBytes, lastWords, limitWords, lossWords, nameTrouble, recordingSigns, replayRefusal, runWords } from './rails-words';

const ACTIVE: ActiveRecording = { name: 'a.mcap', started_ms: 0, duration_ms: 30_000, bytes: 900, samples: 1, inputs: 1, gaps: 0, lost: 0, max_bytes: 1_000, max_ms: 60_000, by: 'Maria' };
const ROW: RecordingRow = { name: 'a.mcap', bytes: 1, started: '2026-11-21T10:00:00Z', duration_ms: 1, signals: 1, samples: 1, inputs: 0, gaps: 0, whole: true, from_start: false };

test('sizes have two digits that say something', () => {
  expect([0, 999, 1_000, 1_440_000, 48_230_112, 999_600_000, 1e13].map(formatBytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.4 MB', '48 MB', '1.0 GB', '10 TB']);
});

test('the limit that comes first is told', () => {
  expect(limitWords(ACTIVE)).toEqual({ part: 0.9, text: '90 % of 1.0 kB' });
  expect(limitWords({ ...ACTIVE, max_bytes: null })).toEqual({ part: 0.5, text: '50 % of 1:00' });
  expect(limitWords({ ...ACTIVE, max_bytes: null, max_ms: null })).toBeNull();
  expect(limitWords({ ...ACTIVE, bytes: 2_000 })?.part).toBe(1);
});

test('what is missing is said, and nothing where nothing is', () => {
  expect(lossWords(0, 0)).toBeNull();
  expect(lossWords(1, null)).toBe('1 gap');
  expect(lossWords(3, 1_204)).toBe('3 gaps, 1,204 lost');
});

test('a recording tells what a person must know before it is used', () => {
  const words = (change: Partial<RecordingRow>): string[] => recordingSigns({ ...ROW, ...change }).map(({ word }) => word);
  expect(words({})).toEqual(['whole']);
  expect(words({ whole: false, gaps: 2, from_start: true })).toEqual(['cut', '2 gaps', 'from the start']);
});

test('results of tests are sentences', () => {
  const { word, text } = lastWords(null);
  expect(`${word} ${text}`).toBe('not run since the hub was started');
  expect(lastWords({ passed: true, took_ms: 12, cases: 1, failed: 0, text: null })).toEqual({ word: 'passed', tone: 'good', text: '1 case in 12 ms' });
  expect(lastWords({ passed: false, took_ms: 61_000, cases: 9, failed: 2, text: 'x' }).text).toBe('2 of 9 cases in 61 s');
  expect(runWords({ passed: false, cases: 18, failed: 2, took_ms: 1_500, results: [] })).toBe('Failed: 2 of 18 cases, in 1.5 s.');
});

test('a replay that is refused names the box of the page, and any other refusal stays', () => {
  const said = "3 of its signals, such as 'a', are written by what is connected now (Twin): disconnect that, leave the signals out, or start with `force`";
  expect(replayRefusal(said)).toMatch(/leave the signals out, or choose “Also what a connected peer writes now”$/);
  expect(replayRefusal('it cannot be read')).toBe('it cannot be read');
});

test('names that lead out of the folder are not taken', () => {
  for (const name of ['', 'jam', '2026-11-22T08-00-00Z', 'shift a.mcap']) expect(nameTrouble(name)).toBeNull();
  for (const name of ['../etc', '.hidden', 'a/b', 'a\\b', 'x'.repeat(101)]) expect(nameTrouble(name)).not.toBeNull();
});
