/**
 * What a headset says and hears, as the app does: texts of JSON.
 *
 *     connection ─▶ json_state ─▶ in the game: send_init_data ─▶ precision ─▶ player_ready_to_receive_geometries ─▶ worlds
 */

/** The interval between two heartbeats that is asked for, the app's own. */
export const HEARTBEAT_MS = 5_000;
/** A longer text is not read: it would hold the page up for seconds. In characters. */
export const TEXT_LEN_MAX = 8_000_000;
/** The agent that the app asks. */
const AGENT = 'simulation[0].unity_linker[0]';

/** Why something that came cannot be shown, and where it stands. */
export interface Trouble {
  word: 'json' | 'number' | 'shape' | 'missing' | 'many' | 'long';
  /** Where it stands in the message, such as `pointsLoc[3].c`; what is wrong there for text that is no JSON. */
  where: string;
}

export type Message =
  | { type: 'ping' }
  | { type: 'state'; isInGame: boolean; waitsFor: string | null }
  | { type: 'seat'; waitsFor: string | null; experiment: string | null }
  | { type: 'output'; contents: unknown }
  | { type: 'other' }
  | { type: 'broken'; trouble: Trouble };

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One text of the hub. What cannot be read is a trouble, never an error. */
export function readMessage(text: string): Message {
  if (text.length > TEXT_LEN_MAX) return { type: 'broken', trouble: { word: 'long', where: `${(text.length / 1e6).toFixed(0)} MB` } };
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return { type: 'broken', trouble: { word: 'json', where: error instanceof Error ? error.message : String(error) } };
  }
  if (!isObject(message)) return { type: 'broken', trouble: { word: 'shape', where: 'message' } };
  if (message['type'] === 'ping') return { type: 'ping' };
  if (message['type'] === 'json_output') return { type: 'output', contents: message['contents'] };
  if (message['type'] === 'seat') return { type: 'seat', waitsFor: textOrNull(message['waits_for']), experiment: textOrNull(message['experiment']) };
  if (message['type'] !== 'json_state') return { type: 'other' };
  return { type: 'state', isInGame: message['in_game'] === true, waitsFor: textOrNull(message['waits_for']) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Is this a world? Told from its beginning, because of worlds only the newest is worth reading. */
export function isWorldText(text: string): boolean {
  return /^\{"contents":\s*\{\s*"pointsLoc"/.test(text);
}

export const PONG = JSON.stringify({ type: 'pong' });
/** Asks why the own player waits: a word that only our own hub knows. */
export const SEAT = JSON.stringify({ type: 'seat' });
export const GOODBYE = JSON.stringify({ type: 'disconnect_properly' });

/** The first message. The app sends the interval as a text. */
export function connectionText(id: string): string {
  return JSON.stringify({ type: 'connection', id, heartbeat: String(HEARTBEAT_MS) });
}

/** Asks whether anybody is there. */
export function pingText(id: string): string {
  return JSON.stringify({ type: 'ping', id });
}

/** An ask of the app; its arguments are an object in a text. */
export function askText(action: 'send_init_data' | 'player_ready_to_receive_geometries', id: string): string {
  return JSON.stringify({ type: 'ask', action, args: JSON.stringify({ id }), agent: AGENT });
}

/** Says where the player stands, in units of the world and degrees; numbers are texts. */
export function moveText(id: string, x: number, y: number, angle: number): string {
  const args = { id, x: String(Math.round(x)), y: String(Math.round(y)), z: '0', angle: String(Math.round(angle)) };
  return JSON.stringify({ type: 'ask', action: 'move_player_external', args: JSON.stringify(args), agent: AGENT });
}
