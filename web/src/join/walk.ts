/** Where the player of this device stands, how it walks, and when that is said. */

/** The shortest time between two moves that are said. The app says up to 50 a second; a map needs no more than 20. */
export const MOVE_MS = 50;
/** Who stands still says so this often, so that a model that counts on it hears of everybody. */
export const REST_MS = 1_000;
/** Seconds for a walk along the longer side of the world. */
const CROSSING_S = 25;
/** The slowest full step, in metres a second. */
const SPEED_MIN = 1.5;
/** A step longer than this comes from a page that was asleep. */
const STEP_MS_MAX = 100;

export class Walker {
  x = 0;
  y = 0;
  /** In degrees from the x axis towards the y axis. */
  angle = 0;
  /** The simulation has said where it stands. */
  isPlaced = false;
  #saidAt = Number.NEGATIVE_INFINITY;
  #isChanged = false;

  place(x: number, y: number): void {
    Object.assign(this, { x, y, isPlaced: true });
    this.#isChanged = true;
  }

  /** The way to go, each part from -1 to 1, for so long. Nobody leaves the world. */
  step(right: number, down: number, passed_ms: number, precision: number, extent: { width: number; depth: number } | null): boolean {
    const length = Math.hypot(right, down);
    if (length === 0 || !this.isPlaced) return false;
    const part = Math.min(1, length) / length;
    const way = speedOf(precision, extent) * (Math.min(passed_ms, STEP_MS_MAX) / 1_000) * part;
    this.x += right * way;
    this.y += down * way;
    if (extent !== null) {
      this.x = Math.min(extent.width, Math.max(0, this.x));
      this.y = Math.min(extent.depth, Math.max(0, this.y));
    }
    this.angle = ((Math.atan2(down, right) * 180) / Math.PI + 360) % 360;
    this.#isChanged = true;
    return true;
  }

  /** Is it time to say where it stands? Says yes once. */
  isDue(now: number): boolean {
    if (!this.isPlaced || now - this.#saidAt < (this.#isChanged ? MOVE_MS : REST_MS)) return false;
    this.#saidAt = now;
    this.#isChanged = false;
    return true;
  }
}

/** Units a second at a full step: a large world is crossed in the same time as a small one. */
export function speedOf(precision: number, extent: { width: number; depth: number } | null): number {
  const side = extent === null ? 0 : Math.max(extent.width, extent.depth);
  return Math.max(SPEED_MIN * precision, side / CROSSING_S);
}

/** The way of keys that are held: arrows, and W A S D by their place on the keyboard. */
export function wayOf(held: ReadonlySet<string>): [number, number] {
  const is = (...codes: string[]): number => (codes.some((code) => held.has(code)) ? 1 : 0);
  return [is('ArrowRight', 'KeyD') - is('ArrowLeft', 'KeyA'), is('ArrowDown', 'KeyS') - is('ArrowUp', 'KeyW')];
}

export const WALK_KEYS: ReadonlySet<string> = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'KeyW', 'KeyA', 'KeyS', 'KeyD']);
