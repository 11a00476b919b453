/** The canvas: one picture for each frame of the browser at most, and only when something has changed. */

import { seen } from '../lib/format';
import { hueOf } from '../lib/seat-sign';
import type { Game } from './game';
import { wholeScale, firstView, lengthWords, panned, rulerOf, zoomed, type Size, type View } from './view';
import { isPlayers, type Group, type Species, type World } from './world';

/** More pixels for a CSS pixel than this are not seen, and cost time. */
const RATIO_MAX = 3;
/** A thing is drawn at least so large, in CSS pixels across. */
const THING_PX_MIN = 5;
/** And at most so large: nothing hides the whole world. */
const THING_PX_MAX = 160;
/** From this radius on one sees where a thing looks. */
const NOSE_PX_MIN = 5;
const WAY_DEGREES = 15;
/** Half the side of a stamp for a radius of 1: the nose stands out. */
const STAMP_ROOM = 1.85;
/** Stamps that are kept; a further one begins anew. */
const STAMPS_MAX = 600;
const ARROW_PX = 13;
/** Names are written as long as there are not more than this. */
const NAMED_MAX = 60;
const RULER_PX_MAX = 120;
/** Below what is said on two lines above the world. */
const RULER_AT = [16.5, 104.5] as const;
const RULER_HEIGHT_PX = 24;
const GRID_PX = 90;
const ZOOM_STEP = 1.25;
const TURN = Math.PI * 2;
/** Shapes of things without an outline, one after the other. */
export const SHAPES = ['circle', 'square', 'triangle', 'diamond'] as const;
export type Shape = (typeof SHAPES)[number];

/** The sign of a species without an outline. Colour and shape together, so that colours need not be told apart. */
export function shapeOf(world: World, species: string): Shape {
  const points = [...world.species.values()].filter(({ isPoint }) => isPoint);
  return SHAPES[Math.max(0, points.findIndex(({ id }) => id === species)) % SHAPES.length] ?? 'circle';
}

export function modelColour({ colour }: Species): string | null {
  return colour === null ? null : `rgb(${colour[0]} ${colour[1]} ${colour[2]} / ${colour[3] / 255})`;
}

export class Stage {
  isFollowing = true;
  /** Called when the view or what follows it has changed. */
  onview: () => void = () => undefined;
  #view: View | null = null;
  #size: Size = { width: 0, height: 0 };
  #context: CanvasRenderingContext2D;
  #colours = new Map<string, string>();
  #scheme = '';
  #frame = 0;
  #lastFrameAt = 0;
  #watch: ResizeObserver;
  #stamps = new Map<string, HTMLCanvasElement>();

  /** `walk` moves the player by what is pressed, for so many ms; true while something is pressed. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly game: () => Game,
    readonly name: () => string,
    /** The hue of a player's seat. */
    readonly hue: (name: string) => number,
    readonly walk: (passed_ms: number, now: number) => boolean,
  ) {
    this.#context = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#watch = new ResizeObserver(() => this.#resize());
    this.#watch.observe(canvas);
  }

  end(): void {
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** Something has changed: the next frame of the browser shows it. */
  request(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#turn(now));
  }

  get view(): View | null {
    return this.#view;
  }

  zoom(factor: number, x = this.#size.width / 2, y = this.#size.height / 2): void {
    if (this.#view === null) return;
    this.#view = zoomed(this.#view, this.#size, factor, x, y, this.game().world.precision);
    this.#changed();
  }

  step(isCloser: boolean): void {
    this.zoom(isCloser ? ZOOM_STEP : 1 / ZOOM_STEP);
  }

  pan(dx: number, dy: number): void {
    if (this.#view === null) return;
    this.isFollowing = false;
    this.#view = panned(this.#view, dx, dy);
    this.#changed();
  }

  follow(isFollowing: boolean): void {
    this.isFollowing = isFollowing;
    this.#changed();
  }

  /** The whole world in sight. */
  showAll(): void {
    const { extent } = this.game().world;
    if (extent === null || this.#view === null) return;
    this.isFollowing = false;
    this.#view = { x: extent.width / 2, y: extent.depth / 2, scale: wholeScale(this.#size, extent) };
    this.#changed();
  }

  #changed(): void {
    this.onview();
    this.request();
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = Math.min(devicePixelRatio, RATIO_MAX);
    this.#size = { width, height };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.#changed();
  }

  #turn(now: number): void {
    this.#frame = 0;
    const isWalking = this.walk(this.#lastFrameAt === 0 ? 0 : now - this.#lastFrameAt, now);
    this.#lastFrameAt = isWalking ? now : 0;
    const game = this.game();
    game.catchUp();
    this.#look(game);
    if (this.#view !== null) this.#draw(game, this.#view);
    if (isWalking) this.request();
  }

  /** Where to look: first at the whole, then where the player goes. */
  #look({ world, walker, isInitialised }: Game): void {
    if (this.#size.width === 0) return;
    if (this.#view === null && (isInitialised || world.groups.size > 0)) {
      this.#view = firstView(this.#size, world.extent, world.precision, walker);
      const isWhole = world.extent !== null && this.#view.x === world.extent.width / 2 && this.#view.y === world.extent.depth / 2;
      if (isWhole) this.isFollowing = false;
      this.onview();
    }
    if (this.#view !== null && this.isFollowing && walker.isPlaced) this.#view = { ...this.#view, x: walker.x, y: walker.y };
  }

  /** Another theme has other colours. Asked once for a picture, because the browser computes styles for it. */
  #readTheme(): void {
    const scheme = getComputedStyle(this.canvas).colorScheme + matchMedia('(prefers-color-scheme: dark)').matches;
    if (scheme !== this.#scheme) this.#colours.clear();
    this.#scheme = scheme;
  }

  /** A colour of the page by its name, as the theme says it. */
  #colour(name: string): string {
    const known = this.#colours.get(name);
    if (known !== undefined) return known;
    const probe = document.createElement('i');
    if (name.startsWith('hue')) {
      probe.className = 'seat';
      probe.style.setProperty('--hue', name.slice(3));
      probe.style.color = 'var(--seat)';
    } else probe.style.color = `var(--${name})`;
    this.canvas.parentElement?.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    this.#colours.set(name, colour);
    return colour;
  }

  #draw(game: Game, view: View): void {
    this.#readTheme();
    const context = this.#context;
    const { width, height } = this.#size;
    const ratio = this.canvas.width / Math.max(1, width);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const toX = (x: number): number => (x - view.x) * view.scale + width / 2;
    const toY = (y: number): number => (y - view.y) * view.scale + height / 2;
    this.#drawGround(game.world, view, toX, toY);
    const groups = [...game.world.groups.values()].filter(({ species }) => game.world.species.get(species)?.isVisible !== false);
    for (const group of groups) this.#drawOutlines(group, game.world, toX, toY);
    for (const group of groups) if (!isPlayers(group.species)) this.#drawThings(group, game.world, view, toX, toY);
    for (const group of groups) if (isPlayers(group.species)) this.#drawPlayers(group, toX, toY);
    const { walker } = game;
    if (walker.isPlaced) this.#drawArrow(toX(walker.x), toY(walker.y), walker.angle, this.name(), true);
    this.#drawRuler(view, game.world.precision);
  }

  /** The world's edge, and lines from which one sees that one moves. */
  #drawGround({ extent, precision }: World, view: View, toX: (x: number) => number, toY: (y: number) => number): void {
    const context = this.#context;
    const { width, height } = this.#size;
    if (extent !== null) {
      context.fillStyle = this.#colour('world');
      context.fillRect(toX(0), toY(0), extent.width * view.scale, extent.depth * view.scale);
    }
    const every = rulerOf(view, precision, GRID_PX).metres * precision;
    context.beginPath();
    for (let x = Math.ceil((view.x - width / 2 / view.scale) / every) * every; toX(x) < width; x += every) {
      context.moveTo(toX(x), 0);
      context.lineTo(toX(x), height);
    }
    for (let y = Math.ceil((view.y - height / 2 / view.scale) / every) * every; toY(y) < height; y += every) {
      context.moveTo(0, toY(y));
      context.lineTo(width, toY(y));
    }
    context.lineWidth = 1;
    context.strokeStyle = this.#colour('world-grid');
    context.stroke();
    if (extent === null) return;
    context.strokeStyle = this.#colour('line-strong');
    context.strokeRect(toX(0), toY(0), extent.width * view.scale, extent.depth * view.scale);
  }

  #colourOf(group: Group, world: World): string {
    const species = world.species.get(group.species);
    return (species && modelColour(species)) ?? this.#colour(`hue${hueOf(group.species)}`);
  }

  #drawOutlines(group: Group, world: World, toX: (x: number) => number, toY: (y: number) => number): void {
    if (group.outlines.length === 0) return;
    const context = this.#context;
    const colour = this.#colourOf(group, world);
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    for (const path of group.outlines) {
      for (let at = 0; at + 1 < path.length; at += 2) {
        const [x, y] = [toX(path[at] as number), toY(path[at + 1] as number)];
        if (at === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
    }
    // An outline of two corners is a line and has no ground to fill.
    context.globalAlpha = 0.72;
    context.fill('evenodd');
    context.globalAlpha = 1;
    context.stroke();
  }

  /** Thousands of things: each is a stamp that was drawn once, because a path for each, or one for all, takes too long to paint. */
  #drawThings(group: Group, world: World, view: View, toX: (x: number) => number, toY: (y: number) => number): void {
    if (group.places.length === 0) return;
    const { width, height } = this.#size;
    const across = (world.species.get(group.species)?.size || world.precision) * view.scale;
    const radius = Math.min(THING_PX_MAX, Math.max(THING_PX_MIN, across)) / 2;
    const shape = shapeOf(world, group.species);
    const colour = this.#colourOf(group, world);
    const half = radius * STAMP_ROOM;
    const stamps = new Map<number, HTMLCanvasElement>();
    for (let at = 0; at < group.places.length; at += 3) {
      const [x, y] = [toX(group.places[at] as number), toY(group.places[at + 1] as number)];
      if (x < -half || y < -half || x > width + half || y > height + half) continue;
      const angle = group.places[at + 2] as number;
      const way = radius < NOSE_PX_MIN || Number.isNaN(angle) ? -1 : Math.round((((angle % 360) + 360) % 360) / WAY_DEGREES) % (360 / WAY_DEGREES);
      let stamp = stamps.get(way);
      if (stamp === undefined) stamps.set(way, (stamp = this.#stamp(shape, radius, colour, way)));
      this.#context.drawImage(stamp, x - half, y - half, half * 2, half * 2);
    }
  }

  /** A thing as a picture of its own; `way` is where it looks in steps of `WAY_DEGREES`, -1 for nowhere. */
  #stamp(shape: Shape, radius: number, colour: string, way: number): HTMLCanvasElement {
    const size = Math.round(radius * 2) / 2;
    const ground = this.#colour('world');
    const key = `${shape} ${size} ${colour} ${way} ${ground}`;
    const known = this.#stamps.get(key);
    if (known) return known;
    if (this.#stamps.size >= STAMPS_MAX) this.#stamps.clear();
    const ratio = Math.min(devicePixelRatio, RATIO_MAX);
    const stamp = document.createElement('canvas');
    stamp.width = stamp.height = Math.ceil(size * STAMP_ROOM * 2 * ratio);
    const context = stamp.getContext('2d') as CanvasRenderingContext2D;
    context.scale(ratio, ratio);
    context.beginPath();
    addShape(context, shape, size * STAMP_ROOM, size * STAMP_ROOM, size);
    if (way >= 0) addNose(context, size * STAMP_ROOM, size * STAMP_ROOM, size, way * WAY_DEGREES);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 0.75;
    context.strokeStyle = ground;
    context.stroke();
    this.#stamps.set(key, stamp);
    return stamp;
  }

  #drawPlayers(group: Group, toX: (x: number) => number, toY: (y: number) => number): void {
    const isNamed = group.names.length <= NAMED_MAX;
    for (const [at, name] of group.names.entries()) {
      if (name === this.name()) continue;
      const angle = group.places[at * 3 + 2] ?? Number.NaN;
      this.#drawArrow(toX(group.places[at * 3] ?? 0), toY(group.places[at * 3 + 1] ?? 0), Number.isNaN(angle) ? 0 : angle, name, false, isNamed);
    }
  }

  /** A player: an arrow in the colour of its name. One's own is larger and lies on a disc. */
  #drawArrow(x: number, y: number, angle: number, name: string, isMine: boolean, isNamed = true): void {
    const context = this.#context;
    const colour = this.#colour(`hue${this.hue(name)}`);
    const length = isMine ? ARROW_PX * 1.25 : ARROW_PX;
    if (isMine) {
      context.beginPath();
      context.arc(x, y, length * 1.55, 0, TURN);
      context.globalAlpha = 0.22;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 2;
      context.strokeStyle = colour;
      context.stroke();
    }
    context.save();
    context.translate(x, y);
    context.rotate((angle * Math.PI) / 180);
    context.beginPath();
    context.moveTo(length, 0);
    context.lineTo(-length * 0.75, length * 0.7);
    context.lineTo(-length * 0.35, 0);
    context.lineTo(-length * 0.75, -length * 0.7);
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = this.#colour('world');
    context.stroke();
    context.restore();
    if (isNamed && !isMine) this.#write(seen(name), x, y - length - 6, 'center');
  }

  #write(text: string, x: number, y: number, align: CanvasTextAlign): void {
    const context = this.#context;
    context.font = `600 13px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textAlign = align;
    context.lineWidth = 4;
    context.lineJoin = 'round';
    context.strokeStyle = this.#colour('world');
    context.strokeText(text, x, y);
    context.fillStyle = this.#colour('text');
    context.fillText(text, x, y);
  }

  #drawRuler(view: View, precision: number): void {
    const context = this.#context;
    const { metres, pixels } = rulerOf(view, precision, RULER_PX_MAX);
    const [x, y] = RULER_AT;
    // What stands below it, such as a name, is not read together with it.
    context.fillStyle = this.#colour('world');
    context.fillRect(x - 6, y - RULER_HEIGHT_PX, pixels + 12, RULER_HEIGHT_PX + 6);
    context.beginPath();
    context.moveTo(x, y - 5);
    context.lineTo(x, y);
    context.lineTo(x + pixels, y);
    context.lineTo(x + pixels, y - 5);
    context.lineWidth = 2;
    context.strokeStyle = this.#colour('text');
    context.stroke();
    this.#write(lengthWords(metres), x + 6, y - 8, 'left');
  }
}

export function addShape(context: CanvasRenderingContext2D, shape: Shape, x: number, y: number, radius: number): void {
  if (shape === 'circle') {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, TURN);
  } else if (shape === 'square') {
    context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  } else if (shape === 'triangle') {
    context.moveTo(x, y - radius * 1.15);
    context.lineTo(x + radius * 1.1, y + radius * 0.85);
    context.lineTo(x - radius * 1.1, y + radius * 0.85);
    context.closePath();
  } else {
    context.moveTo(x, y - radius * 1.25);
    context.lineTo(x + radius, y);
    context.lineTo(x, y + radius * 1.25);
    context.lineTo(x - radius, y);
    context.closePath();
  }
}

/** Where a thing looks: a short line out of it. */
function addNose(context: CanvasRenderingContext2D, x: number, y: number, radius: number, angle: number): void {
  const turn = (angle * Math.PI) / 180;
  const [dx, dy] = [Math.cos(turn) * radius, Math.sin(turn) * radius];
  const [sideX, sideY] = [-dy * 0.35, dx * 0.35];
  // In the direction in which shapes are drawn, or the two would cancel each other where they overlap.
  context.moveTo(x + dx * 0.6 - sideX, y + dy * 0.6 - sideY);
  context.lineTo(x + dx * 1.7, y + dy * 1.7);
  context.lineTo(x + dx * 0.6 + sideX, y + dy * 0.6 + sideY);
  context.closePath();
}
