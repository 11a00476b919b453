/** The classroom in words: what a state means, what an order does, and why it cannot be given. */

import type { ActiveModel, ClassOrder, ClassState, ConsoleLevel, ConsoleLine, Gama, Player } from './classroom-protocol';
import { formatAge, plural } from './format';

/** Colours of a sign: it runs, it is on its way, it is broken, it is at rest. */
export type Tone = 'up' | 'moving' | 'down' | 'off';

export interface Sign {
  tone: Tone;
  word: string;
  /** One sentence that says what it means or what comes next. */
  text: string;
}

/** The one sign of a lesson: what the experiment does, or what stands in its way. */
export function lessonSign({ mode, gama, model, players }: ClassState): Sign {
  if (mode === 'gamaless' || gama === null) {
    return { tone: 'up', word: 'Without GAMA', text: 'Headsets connect, nothing is simulated. This project runs in GAMALESS mode.' };
  }
  if (gama.link !== 'connected') return { tone: gama.link === 'waiting' ? 'down' : 'moving', word: LINK_WORDS[gama.link].lesson, text: '' };
  const inGame = players.filter(({ in_game }) => in_game).length;
  switch (gama.state) {
    case 'NONE':
      if (gama.waits_for !== null) return { tone: 'moving', word: 'Loading', text: '' };
      return { tone: 'off', word: 'Ready', text: model === null ? 'There is no model to launch.' : `Launch loads ${model.name}.` };
    case 'NOTREADY':
      return { tone: 'moving', word: 'Loading', text: '' };
    case 'PAUSED':
      return { tone: 'moving', word: 'Paused', text: `${plural(inGame, 'player')} in the game. Resume lets it run.` };
    case 'RUNNING':
      return { tone: 'up', word: 'Running', text: `${plural(inGame, 'player')} in the game.` };
    case 'FINISHED':
      return { tone: 'off', word: 'Finished', text: 'The experiment has come to its end. Stop it to launch again, or reload it.' };
    default:
      return { tone: 'moving', word: gama.state, text: 'GAMA reports a state that is not known here.' };
  }
}

/** The words of the link to GAMA: on its own sign, and as the sign of the lesson. */
const LINK_WORDS: Record<Gama['link'], { sign: string; lesson: string; tone: Tone }> = {
  connecting: { sign: 'connecting', lesson: 'Connecting to GAMA', tone: 'moving' },
  greeting: { sign: 'connected, GAMA has not greeted yet', lesson: 'Waiting for the greeting of GAMA', tone: 'moving' },
  connected: { sign: 'connected', lesson: 'Connected', tone: 'up' },
  waiting: { sign: 'not connected', lesson: 'GAMA is away', tone: 'down' },
};

export function gamaSign({ link, flavour, practice }: Gama): { tone: Tone; word: string } {
  const { sign, tone } = LINK_WORDS[link];
  if (link !== 'connected') return { tone, word: sign };
  const kinds = [practice ? 'practice' : null, flavour === null ? null : { gui: 'with a window', headless: 'headless' }[flavour]].filter((kind) => kind !== null);
  return { tone, word: kinds.length === 0 ? sign : `${sign} (${kinds.join(', ')})` };
}

/** When GAMA is tried again, in words; null while no attempt is planned. `passed_ms` is the age of what is known. */
export function retryWords({ retry_in_ms }: Gama, passed_ms: number): string | null {
  if (retry_in_ms === null) return null;
  const seconds = Math.ceil((retry_in_ms - Math.max(0, passed_ms)) / 1000);
  return seconds <= 0 ? 'next attempt now' : `next attempt in ${seconds} s`;
}

/** What the hub says of the link, without its own countdown: the page counts by itself. */
export function linkText({ text }: Gama): string {
  const own = text.replace(/[;,]? ?(next attempt (in \d+ s|now)|trying again now)\.?$/, '.').replace(/\.\.$/, '.');
  return own.slice(0, 1).toUpperCase() + own.slice(1);
}

/** A sentence in its parts: what stands between backticks is a command to type. */
export function codeParts(text: string): { text: string; isCode: boolean }[] {
  return text
    .split('`')
    .map((part, at) => ({ text: part, isCode: at % 2 === 1 }))
    .filter(({ text: part }) => part !== '');
}

/** An order with its button, its effect, and whether a person is asked first. */
export interface OrderWords {
  order: ClassOrder;
  label: string;
  effect: string;
  asks?: true;
}

/** The orders of a lesson in the order of their buttons. */
export const ORDERS: readonly OrderWords[] = [
  { order: 'launch', label: 'Launch', effect: 'GAMA loads the active model; it waits paused until you resume it.' },
  { order: 'resume', label: 'Resume', effect: 'The experiment runs.' },
  { order: 'pause', label: 'Pause', effect: 'The experiment holds; everybody stays in the game.' },
  { order: 'stop', label: 'Stop', effect: 'The experiment ends and all headsets are sent away.', asks: true },
  { order: 'step', label: 'Step', effect: 'One cycle, then it holds again.' },
  { order: 'step_back', label: 'Step back', effect: 'One cycle back, where the experiment can do that.' },
  { order: 'reload', label: 'Reload', effect: 'The experiment begins anew; what has happened in it is lost.', asks: true },
];

/** Why the hub would refuse this order now, or null if it can be given. */
export function orderHint(order: ClassOrder, state: ClassState): string | null {
  if (state.orders.includes(order)) return null;
  const { gama, model, mode } = state;
  if (mode === 'gamaless' || gama === null) return 'This class runs without GAMA (GAMALESS mode): there is nothing to steer.';
  if (order === 'connect') return gama.link === 'connected' ? 'GAMA is connected.' : 'An attempt is under way.';
  if (gama.link !== 'connected') return 'GAMA is not connected.';
  if (gama.waits_for !== null) return `First the hub waits for ${gama.waits_for}.`;
  return stateHint(order, gama.state, model);
}

function stateHint(order: ClassOrder, state: string, model: ActiveModel | null): string {
  if (state === 'NONE') {
    if (order !== 'launch') return 'No experiment is loaded: launch one first.';
    return model === null ? 'There is no model to launch: see what is said of the learning packages.' : 'The hub does not offer it now.';
  }
  if (order === 'launch') return 'An experiment is loaded already: stop it first.';
  if (state === 'NOTREADY') return 'The experiment is not ready yet.';
  if (state === 'FINISHED') return 'The experiment has come to its end: stop or reload it.';
  if (order === 'pause') return 'It does not run.';
  if (order === 'resume') return 'It runs already.';
  if ((order === 'step' || order === 'step_back') && state === 'RUNNING') return 'It runs: pause it first.';
  return 'The hub does not offer it now.';
}

/** What is special about the number of players for this model, or null where nothing is. */
export function countHint(model: ActiveModel | null, players: readonly Player[]): string | null {
  if (model === null) return null;
  const here = players.filter(({ connected }) => connected).length;
  const { minimal_players: least, maximal_players: most } = model;
  if (least !== null && here < least) return `${model.name} is made for at least ${plural(least, 'player')}; ${here === 1 ? '1 is' : `${here} are`} here.`;
  if (most !== null && here > most) return `${model.name} takes at most ${plural(most, 'player')}; ${here} are here. The others watch.`;
  return null;
}

/** The numbers of players that a model takes: `2 to 4 players`. */
export function playersWords({ minimal_players: least, maximal_players: most }: Pick<ActiveModel, 'minimal_players' | 'maximal_players'>): string {
  if (least === null && most === null) return 'any number of players';
  if (most === null) return `${plural(least ?? 0, 'player')} or more`;
  if (least === null || least === 0) return `up to ${plural(most, 'player')}`;
  return least === most ? plural(most, 'player') : `${least} to ${plural(most, 'player')}`;
}

/** What stopping does to whoever is here: the sentence of the question. */
export function stopWords({ gama, players }: ClassState): string {
  const here = players.filter(({ connected }) => connected).length;
  const name = gama?.experiment_name || 'The experiment';
  const away = here === 0 ? 'No headset is connected.' : here === 1 ? 'The one headset is sent away: its connection is closed.' : `All ${here} headsets are sent away: their connections are closed.`;
  return `${name} ends. ${away} What the simulation has not saved is lost.`;
}

/** Is there an experiment that a player could be in? */
export function hasGame({ gama }: ClassState): boolean {
  return gama !== null && gama.link === 'connected' && (gama.state === 'PAUSED' || gama.state === 'RUNNING');
}

/** A seat's sign. Without a game it is well to be here; with one it matters why somebody is not in it. */
export function seatSign({ connected, in_game, alive, waits_for }: Player, isGame: boolean): Sign {
  if (!connected) return { tone: 'off', word: 'away', text: in_game ? 'Its place in the game is kept.' : (waits_for ?? '') };
  if (!alive) return { tone: 'moving', word: 'silent', text: 'It has not answered the last heartbeat.' };
  if (in_game) return { tone: 'up', word: 'in the game', text: '' };
  return isGame ? { tone: 'moving', word: 'not in the game', text: waits_for ?? '' } : { tone: 'up', word: 'here', text: waits_for ?? '' };
}

/** How long ago a headset was heard, in words; `passed_ms` is the age of what is known. */
export function heardWords({ seen_ms, heartbeat_ms }: Player, passed_ms: number): string {
  return `heard ${formatAge(seen_ms + Math.max(0, passed_ms))} ago, asked every ${formatPeriod(heartbeat_ms)}`;
}

function formatPeriod(period_ms: number): string {
  return period_ms % 1000 === 0 ? `${period_ms / 1000} s` : `${period_ms} ms`;
}

export { badgeOf, hueOf } from './seat-sign';

/** Seats that are drawn empty: up to the maximum of the model, and not more than a row or two. */
export function freeSeats(model: ActiveModel | null, players: readonly Player[], drawn_max: number): number {
  const most = model?.maximal_players ?? 0;
  return Math.max(0, Math.min(drawn_max, most - players.length));
}

/** The words of the console's levels. */
export const LEVELS: readonly { level: ConsoleLevel; name: string }[] = [
  { level: 'error', name: 'Errors' },
  { level: 'note', name: 'Notes' },
  { level: 'console', name: 'Console' },
  { level: 'order', name: 'Orders' },
];

/** Known lines with the new ones behind them, each number once, and the oldest given up above `len_max`. */
export function joinLines(known: readonly ConsoleLine[], fresh: readonly ConsoleLine[], len_max: number): readonly ConsoleLine[] {
  const newest = known.at(-1)?.number ?? -1;
  const added = fresh.filter(({ number }) => number > newest);
  return added.length === 0 ? known : [...known, ...added].slice(-len_max);
}

/** What monitors show, as a person reads it; null while nothing was chosen. */
export function screenWords(screen: unknown): string | null {
  if (screen === null || screen === undefined) return null;
  return typeof screen === 'string' ? screen : JSON.stringify(screen);
}

/** A moment in milliseconds since 1970 as the time of day of this machine (or of `timeZone`): `09:16:40`. */
export function clockWords(at: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeStyle: 'medium', ...(timeZone === undefined ? {} : { timeZone }) }).format(at);
}

/** The headsets of a class on one line: how many are here and in the game, and what is wrong with them. */
export function headsetWords({ players, gama }: ClassState): string {
  const here = players.filter(({ connected }) => connected);
  const parts = [here.length === 0 ? 'no headset' : plural(here.length, 'headset')];
  if (gama !== null && here.length > 0) parts.push(`${here.filter(({ in_game }) => in_game).length} in the game`);
  const silent = here.filter(({ alive }) => !alive).length;
  if (silent > 0) parts.push(`${silent} silent`);
  if (players.some(({ doubled }) => doubled)) parts.push('a name twice');
  return parts.join(', ');
}
