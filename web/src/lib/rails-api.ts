/**
 * Routes, recordings, replay and tests over HTTP. It comes with the pages that use it: the first page does without.
 * Everything here throws `HubError`, as `HubApi` does.
 */

import type { HubApi } from './hub';
import type {
  ActiveRecording,
  RecordingDetail,
  RecordingList,
  RecordingRow,
  RecordingWanted,
  ReplayChange,
  ReplayState,
  ReplayWanted,
  RouteImport,
  RouteList,
  RouteRow,
  RouteWanted,
  TestList,
  TestRow,
  TestRun,
} from './rails-protocol';

/** How long a whole recording may take to come. */
const FILE_MS_MAX = 3_600_000;
/** How long a run of tests may take: the hub itself has no limit. */
const TEST_MS_MAX = 3_600_000;
/** How long an import of many routes, or the making of a test, may take. */
const LONG_MS_MAX = 60_000;

export class RailsApi {
  constructor(readonly api: HubApi) {}

  routes(): Promise<RouteList> {
    return this.api.ask('routes');
  }

  addRoute(route: RouteWanted): Promise<RouteRow> {
    return this.api.ask('routes', { method: 'POST', body: route });
  }

  /** Makes the route of this id another one, in place. */
  changeRoute(id: number, route: RouteWanted): Promise<RouteRow> {
    return this.api.ask(`routes/${id}`, { method: 'PUT', body: route });
  }

  removeRoute(id: number): Promise<void> {
    return this.api.ask(`routes/${id}`, { method: 'DELETE' });
  }

  /** Adds and changes routes; with `isReplacing` those that the text does not name are removed. */
  importRoutes(csv: string, isReplacing: boolean): Promise<RouteImport> {
    return this.api.ask(`routes/import?replace=${isReplacing}`, { method: 'POST', text: csv, type: 'text/csv', ms_max: LONG_MS_MAX });
  }

  exportRoutes(): Promise<string> {
    return this.api.ask('routes/export', { ms_max: LONG_MS_MAX }, (response) => response.text());
  }

  recordings(): Promise<RecordingList> {
    return this.api.ask('recordings');
  }

  recording(name: string): Promise<RecordingDetail> {
    return this.api.ask(recordingPath(name));
  }

  record(wanted: RecordingWanted): Promise<ActiveRecording> {
    return this.api.ask('recordings', { method: 'POST', body: wanted });
  }

  endRecord(): Promise<RecordingRow> {
    return this.api.ask('recordings/stop', { method: 'POST', ms_max: LONG_MS_MAX });
  }

  removeRecording(name: string): Promise<void> {
    return this.api.ask(recordingPath(name), { method: 'DELETE' });
  }

  /** The whole file. The browser keeps what is large on its disk. */
  recordingFile(name: string, cancel: AbortSignal): Promise<Blob> {
    return this.api.ask(`${recordingPath(name)}/file`, { ms_max: FILE_MS_MAX, cancel }, (response) => response.blob());
  }

  /** The samples as a table, of the signals that these patterns name; of all when there is none. */
  recordingTable(name: string, patterns: readonly string[] | null, cancel: AbortSignal): Promise<Blob> {
    const query = patterns === null || patterns.length === 0 ? '' : `?signals=${encodeURIComponent(patterns.join(','))}`;
    return this.api.ask(`${recordingPath(name)}/csv${query}`, { ms_max: FILE_MS_MAX, cancel }, (response) => response.blob());
  }

  startReplay(wanted: ReplayWanted): Promise<ReplayState> {
    return this.api.ask('replay', { method: 'POST', body: wanted, ms_max: LONG_MS_MAX });
  }

  changeReplay(change: ReplayChange): Promise<ReplayState> {
    return this.api.ask('replay', { method: 'PUT', body: change });
  }

  steerReplay(order: 'play' | 'pause' | 'stop'): Promise<ReplayState> {
    return this.api.ask(`replay/${order}`, { method: 'POST' });
  }

  tests(): Promise<TestList> {
    return this.api.ask('tests');
  }

  /** Runs one test, or all of them for null, so many times in a row. */
  runTests(name: string | null, repeat: number, cancel: AbortSignal): Promise<TestRun> {
    return this.api.ask('tests/run', { method: 'POST', body: { name, repeat }, ms_max: TEST_MS_MAX, cancel });
  }

  /** Makes a test of a recording. */
  acceptTest(recording: string, name: string, signals: string[] | null): Promise<TestRow> {
    return this.api.ask('tests/accept', { method: 'POST', body: { recording, name, signals }, ms_max: LONG_MS_MAX });
  }
}

function recordingPath(name: string): string {
  return `recordings/${encodeURIComponent(name)}`;
}
