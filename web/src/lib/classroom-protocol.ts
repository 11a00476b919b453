/** The shapes of the classroom in the hub's interface, as the manual's page "HTTP and live API" states them. */

/** How the link to GAMA stands. */
export type GamaLinkWord = 'connecting' | 'greeting' | 'connected' | 'waiting';
/** What may be ordered. */
export type ClassOrder = 'launch' | 'pause' | 'resume' | 'stop' | 'step' | 'step_back' | 'reload' | 'connect';

/** An error of GAMA that no success has cleared yet. */
export interface ClassError {
  /** The type of GAMA's message. */
  kind: string;
  text: string;
  /** What to do. */
  hint: string;
  at_ms: number;
}

export interface Gama {
  url: string;
  link: GamaLinkWord;
  /** The same in words, with the reason and what to do. */
  text: string;
  /** Since when the link stands so. */
  since_ms: number;
  retry_in_ms: number | null;
  flavour: 'gui' | 'headless' | null;
  /** The experiment's state as GAMA spells it. */
  state: string;
  /** What is waited for, in words. */
  waits_for: string | null;
  experiment_id: string;
  experiment_name: string;
  error: ClassError | null;
  /** It has said that it is a stand-in for practice. */
  practice: boolean;
}

/** One seat. */
export interface Player {
  id: string;
  address: string;
  connected: boolean;
  in_game: boolean;
  alive: boolean;
  /** Local time of its first arrival, `HH:MM`. */
  arrived: string;
  heartbeat_ms: number;
  /** How long ago its last sign of life was. */
  seen_ms: number;
  /** Why it is not in the game; null where it is. */
  waits_for: string | null;
  /** A second headset that says the same name was refused. */
  doubled: boolean;
  /** Pieces of worlds that went to it, and those that were dropped because it did not read. */
  worlds: number;
  worlds_dropped: number;
  /** Asks and expressions that went to GAMA, and those that did not. */
  said: number;
  said_dropped: number;
}

/** The model that a launch would load. */
export interface ActiveModel {
  index: number;
  name: string;
  minimal_players: number | null;
  maximal_players: number | null;
}

export interface ClassState {
  now_ms: number;
  mode: 'gama' | 'gamaless';
  gama: Gama | null;
  model: ActiveModel | null;
  players: Player[];
  monitors: number;
  /** What monitors show. */
  screen: unknown;
  /** What can be ordered now. */
  orders: ClassOrder[];
  counters: { worlds: number; pieces: number; unknown_ids: number; skipped: number; unreadable: number };
  models: number;
  catalog_problems: number;
}

export interface CatalogModel {
  index: number;
  name: string;
  experiment: string;
  file: string;
  /** The file is on the hub's machine. */
  is_here: boolean;
  /** Where its picture is served, from the root of the web port. */
  splash: string | null;
  minimal_players: number | null;
  maximal_players: number | null;
}

/** A catalog in the catalog. */
export interface CatalogFolder {
  name: string;
  splash: string | null;
  entries: CatalogEntry[];
}

/** A model by its index, or a folder. */
export type CatalogEntry = { model: number } | CatalogFolder;

export interface CatalogProblem {
  /** What is named there is missing from the list; else it is a warning. */
  error: boolean;
  file: string;
  line: number | null;
  column: number | null;
  text: string;
}

export interface ClassCatalog {
  active: number | null;
  models: CatalogModel[];
  entries: CatalogEntry[];
  problems: CatalogProblem[];
  /** The folders that were read. */
  roots: string[];
}

export type ConsoleLevel = 'error' | 'note' | 'console' | 'order';

/** One line of GAMA's console. */
export interface ConsoleLine {
  number: number;
  at_ms: number;
  level: ConsoleLevel;
  /** The type of the message. */
  kind: string;
  text: string;
}

/** How the class stands, on the live channel, with the console's lines since the last frame. */
export interface ClassFrame extends ClassState {
  type: 'classroom';
  console: ConsoleLine[];
}
