/** What a player has of the game: the world as it came, where the player stands, and what could not be shown. */

import { isObject, isWorldText, readMessage, type Message, type Trouble } from './protocol';
import { Troubles } from './troubles';
import { Walker } from './walk';
import { pairOf, World } from './world';

/** For so long after the beginning each world is read: what comes only once is among the first. Afterwards only the newest is. */
export const READ_ALL_MS = 2_000;
/** Worlds that may wait to be read; for a further one the oldest is left out. */
const WAITING_MAX = 32;

export class Game {
  world = new World();
  walker = new Walker();
  troubles = new Troubles();
  /** Worlds that came, and those that were left out because a newer one was there. */
  worlds = 0;
  leftOut = 0;
  /** When the newest world came; -1 before the first. */
  worldAt = -1;
  /** The model has said that players stand still. */
  isHeld = false;
  /** What was said at the end of the game; null as long as it goes on. */
  ended: string | null = null;
  isInitialised = false;
  #beganAt = 0;
  #waiting: string[] = [];

  readonly found = (trouble: Trouble): void => this.troubles.add(trouble);

  /** The player comes into the game, for the first time or again: it is asked anew where it stands. */
  begin(now: number): void {
    this.isInitialised = false;
    this.ended = null;
    this.isHeld = false;
    this.#beganAt = now;
  }

  /** One text of the hub; a world waits until it is drawn. Gives what else it says. */
  hear(text: string, now: number): Message {
    if (!isWorldText(text)) return this.#read(readMessage(text));
    this.worlds += 1;
    this.worldAt = now;
    this.#waiting.push(text);
    const most = now - this.#beganAt < READ_ALL_MS ? WAITING_MAX : 1;
    while (this.#waiting.length > most) {
      this.#waiting.shift();
      this.leftOut += 1;
    }
    return { type: 'other' };
  }

  /** Reads the worlds that wait; true where there was one. */
  catchUp(): boolean {
    const texts = this.#waiting;
    this.#waiting = [];
    for (const text of texts) this.#read(readMessage(text));
    return texts.length > 0;
  }

  #read(message: Message): Message {
    if (message.type === 'broken') this.found(message.trouble);
    if (message.type === 'output') this.#take(message.contents);
    return message;
  }

  #take(contents: unknown): void {
    this.world.take(contents, this.found);
    if (!isObject(contents)) return;
    const kind = Object.keys(contents)[0];
    const value = contents[kind ?? ''];
    if (kind === 'precision') this.#place(contents['position']);
    if (kind === 'enableMove' && typeof value === 'boolean') this.isHeld = !value;
    if (kind === 'endOfGame') this.ended = typeof value === 'string' ? value.slice(0, 300) : '';
  }

  #place(position: unknown): void {
    const at = pairOf(position);
    this.isInitialised = true;
    if (at !== null) this.walker.place(at[0], at[1]);
    else this.found({ word: 'number', where: 'position' });
  }
}
