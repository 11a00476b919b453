/** The classroom in the words of a language: what a state means, what an order does, and why it cannot be given. */

import type { ClassroomTexts } from '../languages/classroom/texts';
import { periodWords, spanWords } from '../languages/measures';
import type { ActiveModel, ClassOrder, ClassState, ConsoleLevel, Gama, Player } from './classroom-protocol';
import type { Me, Role } from './protocol';
import { may } from './rights';

/** Colours of a sign: it runs, it is on its way, it is broken, it is at rest. */
export type Tone = 'up' | 'moving' | 'down' | 'off';

export interface Sign {
  tone: Tone;
  word: string;
  /** One sentence that says what it means or what comes next. */
  text: string;
}

/** How a seat stands. */
export type SeatState = 'away' | 'silent' | 'inGame' | 'notInGame' | 'here';

/** The sign of a seat; its sentence may be the hub's own, in English. */
export interface SeatSign extends Sign {
  state: SeatState;
  isHubs: boolean;
}

/** The one sign of a lesson: what the experiment does, or what stands in its way. */
export function lessonSign({ mode, gama, model, players }: ClassState, { lesson }: ClassroomTexts): Sign {
  if (mode === 'gamaless' || gama === null) return { tone: 'up', ...lesson.gamaless };
  if (gama.link !== 'connected') return { tone: LINK_TONES[gama.link], word: lesson.link[gama.link], text: '' };
  const inGame = players.filter(({ in_game }) => in_game).length;
  switch (gama.state) {
    case 'NONE':
      if (gama.waits_for !== null) return { tone: 'moving', word: lesson.loading, text: '' };
      return { tone: 'off', word: lesson.ready.word, text: model === null ? lesson.ready.noModel : lesson.ready.launches(model.name) };
    case 'NOTREADY':
      return { tone: 'moving', word: lesson.loading, text: '' };
    case 'PAUSED':
      return { tone: 'moving', word: lesson.paused.word, text: lesson.paused.text(inGame) };
    case 'RUNNING':
      return { tone: 'up', word: lesson.running.word, text: lesson.running.text(inGame) };
    case 'FINISHED':
      return { tone: 'off', ...lesson.finished };
    default:
      return { tone: 'moving', word: gama.state, text: lesson.unknown };
  }
}

const LINK_TONES: Record<Gama['link'], Tone> = { connecting: 'moving', greeting: 'moving', connected: 'up', waiting: 'down' };

/** The link to GAMA in a word, and what kind of GAMA it is. */
export function gamaSign({ link, flavour, practice }: Gama, { gama }: ClassroomTexts): { tone: Tone; word: string } {
  const tone = LINK_TONES[link];
  const word = gama.link[link];
  if (link !== 'connected') return { tone, word };
  const kinds = [practice ? gama.practice : null, flavour === null ? null : gama[flavour]].filter((kind) => kind !== null);
  return { tone, word: kinds.length === 0 ? word : `${word} (${kinds.join(', ')})` };
}

/** When GAMA is tried again, in words; null while no attempt is planned. `passed_ms` is the age of what is known. */
export function retryWords({ retry_in_ms }: Gama, passed_ms: number, { gama, units }: ClassroomTexts): string | null {
  if (retry_in_ms === null) return null;
  const seconds = Math.ceil((retry_in_ms - Math.max(0, passed_ms)) / 1000);
  return seconds <= 0 ? gama.retryNow : gama.retryIn(units.second(seconds));
}

/** What the hub says of the link, without its own countdown: the page counts by itself. */
export function linkText({ text }: Gama): string {
  const own = text.replace(/[;,]? ?(next attempt (in \d+ s|now)|trying again now)\.?$/, '.').replace(/\.\.$/, '.');
  return capital(own);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The orders of a lesson in the order of their buttons. */
export const ORDERS = ['launch', 'resume', 'pause', 'stop', 'step', 'step_back', 'reload'] as const satisfies readonly ClassOrder[];
export type LessonOrder = (typeof ORDERS)[number];

/** Is a person asked before this order is given? */
export function isAsked(order: LessonOrder): order is 'stop' | 'reload' {
  return order === 'stop' || order === 'reload';
}

/** The label of an order, also of the one that stands at the link. */
export function orderLabel(order: ClassOrder, { orders, gama }: ClassroomTexts): string {
  return order === 'connect' ? gama.tryNow : orders.each[order].label;
}

/** Why nothing that needs `role` can be done from here, or null if it can. */
export function rightHint(isLive: boolean, me: Me | null, role: Exclude<Role, 'viewer'>, { rights }: ClassroomTexts): string | null {
  if (!isLive) return rights.needsLink;
  return may(me, role) || me === null ? null : `${rights.youAre[me.role]} ${rights.needs[role]}`;
}

/** Why the hub would refuse this order now, or null if it can be given. */
export function orderHint(order: ClassOrder, state: ClassState, { hints }: ClassroomTexts): string | null {
  if (state.orders.includes(order)) return null;
  const { gama, model, mode } = state;
  if (mode === 'gamaless' || gama === null) return hints.gamaless;
  if (order === 'connect') return gama.link === 'connected' ? hints.connected : hints.underWay;
  if (gama.link !== 'connected') return hints.notConnected;
  if (gama.waits_for !== null) return hints.waitsFirst;
  return stateHint(order, gama.state, model, hints);
}

function stateHint(order: ClassOrder, state: string, model: ActiveModel | null, hints: ClassroomTexts['hints']): string {
  if (state === 'NONE') {
    if (order !== 'launch') return hints.noExperiment;
    return model === null ? hints.noModel : hints.notOffered;
  }
  if (order === 'launch') return hints.loaded;
  if (state === 'NOTREADY') return hints.notReady;
  if (state === 'FINISHED') return hints.finished;
  if (order === 'pause') return hints.notRunning;
  if (order === 'resume') return hints.running;
  if ((order === 'step' || order === 'step_back') && state === 'RUNNING') return hints.pauseFirst;
  return hints.notOffered;
}

/** Why the simulation cannot be asked now, or null if it can. */
export function evaluateHint({ gama }: ClassState, { evaluate }: ClassroomTexts): string | null {
  if (gama === null) return evaluate.noGama;
  if (gama.link !== 'connected') return evaluate.notConnected;
  return gama.state === 'PAUSED' || gama.state === 'RUNNING' ? null : evaluate.noExperiment;
}

/** What is special about the number of players for this model, or null where nothing is. */
export function countHint(model: ActiveModel | null, seats: readonly Player[], { players }: ClassroomTexts): string | null {
  if (model === null) return null;
  const here = seats.filter(({ connected }) => connected).length;
  const { minimal_players: least, maximal_players: most } = model;
  if (least !== null && here < least) return players.tooFew(model.name, least, here);
  if (most !== null && here > most) return players.tooMany(model.name, most, here);
  return null;
}

/** The numbers of players that a model takes: `2 to 4 players`. */
export function playersWords(model: Pick<ActiveModel, 'minimal_players' | 'maximal_players'>, { players }: ClassroomTexts): string {
  const { minimal_players: least, maximal_players: most } = model;
  if (least === null && most === null) return players.any;
  if (most === null) return players.orMore(least ?? 0);
  if (least === null || least === 0) return players.upTo(most);
  return least === most ? players.exactly(most) : players.between(least, most);
}

/** The experiment that is there; null for none, and for one that is over: the hub goes on telling its name after a stop. */
export function loadedExperiment({ link, state, experiment_name }: Gama): string | null {
  return link === 'connected' && state !== 'NONE' && experiment_name !== '' ? experiment_name : null;
}

/** How an experiment is called inside a sentence. */
export function experimentName({ gama }: ClassState, { orders }: ClassroomTexts): string {
  return gama?.experiment_name || orders.unnamed;
}

/** What stopping does to whoever is here: the sentence of the question. */
export function stopWords(state: ClassState, texts: ClassroomTexts): string {
  const { unnamed, ends, nobodyAway, oneAway, allAway, lost } = texts.orders;
  const here = state.players.filter(({ connected }) => connected).length;
  const away = here === 0 ? nobodyAway : here === 1 ? oneAway : allAway(here);
  const name = state.gama?.experiment_name || capital(unnamed);
  return [ends(name), away, lost].join(' ');
}

/** Who is here, as the head of the seats says it. */
export function hereWords({ players, gama, model, monitors }: ClassState, { seats }: ClassroomTexts): string {
  const parts = [seats.here(players.filter(({ connected }) => connected).length)];
  if (gama !== null) parts.push(seats.inGame(players.filter(({ in_game }) => in_game).length));
  if (model?.maximal_players != null) parts.push(seats.atMost(model.maximal_players));
  return `${parts.join(', ')}. ${seats.monitors(monitors)}`;
}

/** Is there an experiment that a player could be in? */
export function hasGame({ gama }: ClassState): boolean {
  return gama !== null && gama.link === 'connected' && (gama.state === 'PAUSED' || gama.state === 'RUNNING');
}

/** A seat's sign. Without a game it is well to be here; with one it matters why somebody is not in it. */
export function seatSign(player: Player, room: ClassState, texts: ClassroomTexts): SeatSign {
  const state = seatState(player, room);
  const sign = { state, tone: SEAT_TONES[state], word: texts.seat[state] };
  if (state === 'silent') return { ...sign, text: texts.seat.silentText, isHubs: false };
  if (player.in_game) return { ...sign, text: player.connected ? '' : texts.seat.kept, isHubs: false };
  return { ...sign, ...waitWords(player, room, texts) };
}

const SEAT_TONES: Record<SeatState, Tone> = { away: 'off', silent: 'moving', inGame: 'up', notInGame: 'moving', here: 'up' };

function seatState({ connected, alive, in_game }: Player, room: ClassState): SeatState {
  if (!connected) return 'away';
  if (!alive) return 'silent';
  if (in_game) return 'inGame';
  return hasGame(room) ? 'notInGame' : 'here';
}

/** Why a player is not in the game: in the chosen language where the state says it, else in the hub's own sentence. */
function waitWords({ connected, waits_for }: Player, { gama }: ClassState, { seat }: ClassroomTexts): Pick<SeatSign, 'text' | 'isHubs'> {
  const own = (text: string): Pick<SeatSign, 'text' | 'isHubs'> => ({ text, isHubs: false });
  if (waits_for === null) return own('');
  if (gama === null) return own(seat.waits.gamaless);
  if (!connected) return own(seat.waits.headset);
  if (gama.link !== 'connected') return own(seat.waits.gama);
  if (gama.state === 'NOTREADY') return own(seat.waits.loading);
  if (gama.state === 'NONE' && gama.waits_for === null) return own(seat.waits.experiment);
  return { text: waits_for, isHubs: true };
}

/** How long ago a headset was heard, in words; `passed_ms` is the age of what is known. */
export function heardWords({ seen_ms, heartbeat_ms }: Player, passed_ms: number, { seat, units }: ClassroomTexts): string {
  return seat.heard(spanWords(units, seen_ms + Math.max(0, passed_ms)), periodWords(units, heartbeat_ms));
}

/** Seats that are drawn empty: up to the maximum of the model, and not more than a row or two. */
export function freeSeats(model: ActiveModel | null, players: readonly Player[], drawn_max: number): number {
  const most = model?.maximal_players ?? 0;
  return Math.max(0, Math.min(drawn_max, most - players.length));
}

/** The levels of the console in the order of their buttons. */
export const LEVELS: readonly ConsoleLevel[] = ['error', 'note', 'console', 'order'];

/** What monitors show, as a person reads it; null while nothing was chosen. */
export function screenWords(screen: unknown): string | null {
  if (screen === null || screen === undefined) return null;
  return typeof screen === 'string' ? screen : JSON.stringify(screen);
}

/** A moment in milliseconds since 1970 as the time of day of this machine (or of `timeZone`): `09:16:40`. */
export function clockWords(at: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeStyle: 'medium', ...(timeZone === undefined ? {} : { timeZone }) }).format(at);
}
