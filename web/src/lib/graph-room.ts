/** What the parts of the graph of routes share: what they show is read from it, and what is done to them goes to it. */

import { getContext, setContext } from 'svelte';
import type { RouteRow } from './rails-protocol';
import type { Lane } from './route-layout';
import type { Stop } from './route-walk';

/** A route that is being dragged: from a signal, or to one. */
export interface Dragged {
  name: string;
  isFrom: boolean;
  /** Signals that it cannot go to, or come from, with the reason of each. */
  refused: ReadonlyMap<string, string>;
}

export interface GraphRoom {
  readonly routes: ReadonlyMap<number, RouteRow>;
  /** The route whose fate is shown. */
  readonly shown: number | null;
  readonly chosen: string | null;
  /** Why no route can be laid from here, or null. */
  readonly hint: string | null;
  readonly dragged: Dragged | null;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly circles: ReadonlySet<number>;
  readonly doubled: ReadonlySet<number>;
  /** The one stop of the tabulator. */
  readonly stop: Stop | null;
  readonly row: number;
  show: (id: number) => void;
  choose: (thing: string) => void;
  unfold: (pattern: number) => void;
  /** Opens the sheet of a port, or the one that adds a signal to a thing. */
  openPort: (thing: string, name: string) => void;
  openAdd: (thing: string) => void;
  /** Says why what the pointer is on cannot take the dragged route; null says nothing. */
  tell: (text: string | null) => void;
}

const KEY = Symbol('graph of routes');

export const shareRoom = (room: GraphRoom): GraphRoom => setContext(KEY, room);
export const roomOfGraph = (): GraphRoom => getContext<GraphRoom>(KEY);
