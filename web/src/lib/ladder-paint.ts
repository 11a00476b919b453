/**
 * The drawing of a rung as SVG: written once as text, stamped when the rung comes to sight, and then only lit.
 *
 * What is live is a spot: a function that says how its element looks now. An element is touched only when its look has changed,
 * so that a thousand rungs cost what their changes cost.
 */

import { CHAR, COUNTERS, ROW, TIMERS, VALUE_CHARS, type Badge, type Drawing, type Part, type Target } from './ladder-layout';
import { cutAhead, formatWord, type NumberFormat } from './number-format';
import { isPowered, type Sources } from './power';
import type { PlcDiagnostic } from './plc-protocol';
import type { Value } from './protocol';

/** What lights a rung. */
export interface Lights {
  /** Null when nothing may be lit. */
  power: Uint8Array | null;
  /** Live values by address; undefined where none is known. */
  valueAt: (address: string) => Value | undefined;
  formatOf: (address: string) => NumberFormat;
  isForced: (address: string) => boolean;
  /** Does a device write it? */
  isDriven: (address: string) => boolean;
  /** Is this the last value known of a device that is not heard? */
  isDoubtful: (address: string) => boolean;
}

/** How a live element looks. */
export interface Look {
  class: string;
  text?: string;
  width?: number;
  /** Power leaves this instruction. */
  isOn?: boolean;
  /** What a target is called, without its value, which would change too often. */
  label?: string;
}

export type Spot = (lights: Lights) => Look;

const DARK: Lights = {
  power: null,
  valueAt: () => undefined,
  formatOf: () => 'dec',
  isForced: () => false,
  isDriven: () => false,
  isDoubtful: () => false,
};

const COIL_LETTERS: Readonly<Record<string, string>> = { OTL: 'L', OTU: 'U', RES: 'RES' };

/** What a box does, as a sign in its head. */
const BOX_SIGNS: Readonly<Record<string, string>> = {
  EQU: '=', NEQ: '≠', LES: '<', LEQ: '≤', GRT: '>', GEQ: '≥',
  ADD: '+', SUB: '−', MUL: '×', DIV: '÷', MOD: '%', NEG: '±', ABS: '|x|',
  MOV: '→', SCL: '∝', BAND: '&', BOR: '∨', BXOR: '⊕', BNOT: '¬', BSL: '«', BSR: '»', N2B: '2ⁿ',
  CTU: '▲', CTD: '▼',
};

/** Timers as their signal over time, eighteen wide and ten high: the input steps up, the output follows. */
const WAVES: Readonly<Record<string, string>> = {
  TON: 'h9v-9h9',
  TOF: 'v-9h9v9h9',
  RTO: 'h5v-5h5v-4h8',
  OSR: 'h6v-9h4v9h8',
  OSF: 'v-9h6v9m0 0h4m-4 0v-9',
  DEBOUNCE: 'h3v-9h2v9h2v-9h11',
};

/** The words of a value in the drawing. */
export function shown(address: string, { valueAt, formatOf }: Pick<Lights, 'valueAt' | 'formatOf'>): string {
  const value = valueAt(address);
  if (value === undefined || value === null) return '–';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'number' ? formatWord(address, value, formatOf(address)) : String(value);
}

/** What a target is called, with its value or without: for whoever points at it or hears the page. */
export function targetName({ type, role, text, address }: Target, lights: Lights, hasValue = true): string {
  const whole = text === address ? address : `${text} ${address}`;
  const name = `${type} ${whole}${role === 'address' ? '' : `, ${role}`}`;
  const forced = lights.isForced(address) ? ', forced' : '';
  const driven = lights.isDriven(address) ? `, driven by a device${lights.isDoubtful(address) ? ' that is not heard' : ''}` : '';
  return `${name}${hasValue ? `: ${shown(address, lights)}` : ''}${forced}${driven}`;
}

/** How much of its preset a timer or counter has reached, from 0 to 1. */
export function progress(accumulated: Value | undefined, preset: Value | undefined): number {
  if (typeof accumulated !== 'number' || typeof preset !== 'number' || preset <= 0) return 0;
  return Math.max(0, Math.min(1, accumulated / preset));
}

/** Does the contact alone conduct, whatever power comes to it? Of a coil: is its bit on? */
function isClosed({ type, address }: Part, { valueAt }: Lights): boolean {
  const value = address === null ? undefined : valueAt(address);
  return typeof value === 'boolean' && (type === 'XIO' ? !value : value);
}

function names(...all: (string | false)[]): string {
  return all.filter((name) => name !== false).join(' ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

type Attributes = Readonly<Record<string, string | number>>;

/** The text of a drawing and the spots in it, in the order of their elements. */
export class Sheet {
  markup = '';
  readonly spots: Spot[] = [];
  /** Paths of wires by what gives them their power. */
  readonly #wires = new Map<string, { path: string; power: Sources }>();

  constructor(
    readonly drawing: Drawing,
    rung: number,
    messages: readonly PlcDiagnostic[],
  ) {
    const { width, height, left, right, wires, parts, targets } = drawing;
    this.markup = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="presentation">`;
    this.#live('path', { d: `M${left} 0V${height}` }, ({ power }) => ({ class: names('rail', power !== null && 'on') }));
    this.#fixed('path', { class: 'rail', d: `M${right} 0V${height}` });
    for (const { path, power } of wires) this.#wire(path, power);
    for (const part of parts) this.#leads(part);
    for (const { path, power } of this.#wires.values()) this.#live('path', { d: path }, (lights) => ({ class: names('wire', isPowered(power, lights.power) && 'on') }));
    for (const part of parts) this.#part(part, messages.find(({ column }) => column === part.column));
    targets.forEach((target, at) => this.#target(target, rung, at));
    this.markup += '</svg>';
  }

  #fixed(tag: string, attributes: Attributes, text = ''): void {
    this.markup += `<${tag}${listed(attributes)}>${escaped(text)}</${tag}>`;
  }

  #live(tag: string, attributes: Attributes, spot: Spot): void {
    this.#open(tag, attributes, spot);
    this.markup += `</${tag}>`;
  }

  #open(tag: string, attributes: Attributes, spot: Spot): void {
    const { class: name, text = '', width, label } = spot(DARK);
    this.spots.push(spot);
    this.markup += `<${tag} data-spot class="${name}"${listed(attributes)}${width === undefined ? '' : ` width="${width}"`}${label === undefined ? '' : ` aria-label="${escaped(label)}"`}>${escaped(text)}`;
  }

  #wire(path: string, power: Sources): void {
    const key = power.join(' ');
    const known = this.#wires.get(key);
    if (known) known.path += path;
    else this.#wires.set(key, { path, power });
  }

  /** The wires at both sides of an instruction. */
  #leads(part: Part): void {
    const { x, y, power, instruction, badges } = part;
    if (part.shape === 'box') {
      this.#wire(`M${x} ${y}h2`, power);
      return;
    }
    const [cx, half, end] = [x + ownWidth(part) / 2, halfOf(part), x + ownWidth(part)];
    this.#wire(`M${x} ${y}H${cx - half}`, power);
    if (badges.length === 0) this.#wire(`M${cx + half} ${y}H${end}`, [instruction]);
    const last = badges.at(-1);
    if (last) this.#wire(`M${last.x + last.width} ${y}h3`, [instruction]);
  }

  #part(part: Part, message: PlcDiagnostic | undefined): void {
    const { instruction } = part;
    this.#open('g', { 'data-instruction': instruction, 'data-type': part.type }, ({ power }) => ({ class: 'part', isOn: isPowered([instruction], power) }));
    if (part.shape === 'box') this.#box(part);
    else this.#contact(part);
    if (message) this.#trouble(part, message);
    this.markup += '</g>';
  }

  #trouble({ x, y, width, above, below }: Part, { severity, code, text }: PlcDiagnostic): void {
    const frame = { class: `trouble ${severity}`, x: x - 3, y: y - above + 1, width: width + 6, height: above + below - 2, rx: 4 };
    this.markup += `<rect${listed(frame)}><title>${escaped(`${code}: ${text}`)}</title></rect>`;
  }

  #contact(part: Part): void {
    const { type, y, address, badges } = part;
    const half = halfOf(part);
    const cx = part.x + ownWidth(part) / 2;
    if (part.shape === 'contact') {
      this.#live('rect', { x: cx - half, y: y - 9, width: 2 * half, height: 18 }, (lights) => ({ class: names('closed', isClosed(part, lights) && 'on') }));
      const slash = type === 'XIO' ? `M${cx - half + 1} ${y + 9}L${cx + half - 1} ${y - 9}` : '';
      this.#live('path', { d: `M${cx - half} ${y - 11}v22M${cx + half} ${y - 11}v22${slash}` }, (lights) => ({ class: names('sign', isClosed(part, lights) && 'on') }));
    } else {
      const isMoment = type === 'OTU' || type === 'RES';
      const isLatch = type === 'OTL' || type === 'OTU';
      const look: Spot = (lights) => ({ class: names('coil', isLatch && 'latch', (isMoment ? isPowered([part.instruction], lights.power) : isClosed(part, lights)) && 'on') });
      this.#live('path', { d: `M${cx - half + 5} ${y - 11}q-9 11 0 22M${cx + half - 5} ${y - 11}q9 11 0 22` }, look);
      this.#fixed('text', { class: 'letter', x: cx, y: y + 4 }, COIL_LETTERS[type] ?? '');
    }
    this.#fixed('text', { class: 'name', x: cx, y: y - (part.sub ? 30 : 17) }, part.label);
    if (part.sub) this.#fixed('text', { class: 'sub', x: cx, y: y - 16 }, part.sub);
    if (address !== null && type !== 'RES') this.#bit(address, cx, y);
    badges.forEach((badge, at) => this.#badge(part, badge, at));
  }

  #bit(address: string, cx: number, y: number): void {
    this.#device(address, cx - 31, y + 15);
    this.#flag(address, cx - 16, y + 10, 32);
    const look: Spot = (lights) => ({
      class: names('bit', lights.isForced(address) && 'forced', lights.isDoubtful(address) && 'doubtful'),
      text: `${lights.isForced(address) ? 'F ' : ''}${shown(address, lights)}`,
    });
    this.#live('text', { x: cx, y: y + 22 }, look);
  }

  /** A pennant at what is forced, so that it is seen without its colour. */
  #flag(address: string, x: number, y: number, width: number): void {
    this.#live('path', { d: `M${x} ${y}h${width}l5 7.5l-5 7.5h${-width}z` }, ({ isForced }) => ({ class: names('pennant', !isForced(address) && 'none') }));
  }

  /** A plug at what a device drives. */
  #device(address: string, x: number, y: number): void {
    this.#live('path', { d: `M${x} ${y}h5v6h-5zM${x + 5} ${y + 3}h4` }, ({ isDriven }) => ({ class: names('device', !isDriven(address) && 'none') }));
  }

  #badge(part: Part, { x, width, type, preset, accumulated }: Badge, at: number): void {
    const { y, instruction } = part;
    const isLast = at === part.badges.length - 1;
    if (at === 0) {
      const [cx, end] = [part.x + ownWidth(part) / 2 + halfOf(part), part.x + ownWidth(part) + 3];
      this.#live('path', { d: `M${cx} ${y}H${end}` }, (lights) => ({ class: names('wire', isClosed(part, lights) && isPowered(part.power, lights.power) && 'on') }));
    }
    if (!isLast) this.#fixed('path', { class: 'wire', d: `M${x + width} ${y}h6` });
    this.#live('rect', { x, y: y - 16, width, height: 32, rx: 9 }, ({ power }) => ({ class: names('badge', isLast && isPowered([instruction], power) && 'on') }));
    const isPlain = accumulated === null && preset === null;
    const wave = WAVES[type];
    const middle = wave === undefined ? x + width / 2 : x + width / 2 + 11;
    if (wave !== undefined) this.#fixed('path', { class: 'wave', d: `M${x + 9} ${y + (isPlain ? 5 : -2)}${wave}` });
    this.#fixed('text', { class: 'type small', x: middle, y: isPlain ? y + 4 : y - 3 }, type === 'DEBOUNCE' ? 'DEB' : type);
    if (accumulated !== null) {
      const isDue: Spot = (lights) => ({ class: 'sub', text: `${shown(accumulated, lights)}/${preset ?? '–'}` });
      this.#live('text', { x: x + width / 2, y: y + 9 }, isDue);
      this.#bar(x + 8, y + 12, width - 16, ({ valueAt }) => progress(valueAt(accumulated), preset === null ? undefined : Number(preset)));
    } else if (preset !== null) this.#fixed('text', { class: 'sub', x: x + width / 2, y: y + 11 }, `${preset} ms`);
  }

  #bar(x: number, y: number, width: number, share: (lights: Lights) => number): void {
    this.#fixed('rect', { class: 'bar-ground', x, y, width, height: 2.5 });
    this.#live('rect', { x, y, height: 2.5 }, (lights) => ({ class: 'bar', width: Math.round(width * share(lights)) }));
  }

  #box(part: Part): void {
    const { x, y, width, below, type, instruction } = part;
    const family = TIMERS.has(type) ? 'timer' : COUNTERS.has(type) ? 'counter' : 'plain';
    this.#live('rect', { x: x + 1, y: y - 12, width: width - 2, height: below + 6, rx: 3 }, ({ power }) => ({ class: names('box', family, isPowered([instruction], power) && 'on') }));
    this.#fixed('text', { class: 'type', x: x + width / 2, y: y + 3 }, type);
    this.#fixed('path', { class: 'head-line', d: `M${x + 2} ${y + 9}H${x + width - 2}` });
    const wave = WAVES[type];
    if (wave !== undefined) this.#fixed('path', { class: 'wave', d: `M${x + width - 26} ${y + 3}${wave}` });
    else this.#fixed('text', { class: 'box-sign', x: x + width - 8, y: y + 3 }, BOX_SIGNS[type] ?? '');
    const preset = part.rows.find(({ label }) => label === 'PRE')?.address ?? null;
    for (const { label, fixed, address, y: top } of part.rows) {
      if (address !== null) this.#flag(address, x + width - 12 - (VALUE_CHARS - 1) * CHAR, top + 1, (VALUE_CHARS - 1) * CHAR + 4);
      this.#fixed('text', { class: 'label', x: x + 7, y: top + 12 }, label);
      if (address === null) this.#fixed('text', { class: 'fixed', x: x + width - 7, y: top + 12 }, fixed ?? '');
      else this.#value(address, x + width - 7, top, x + 11 + [...label].length * CHAR);
      if (label === 'ACC' && address !== null && preset !== null) this.#bar(x + 7, top + ROW - 3, width - 14, ({ valueAt }) => progress(valueAt(address), valueAt(preset)));
    }
    for (const flag of part.flags) {
      this.#live('circle', { cx: flag.x + 6, cy: flag.y + 8, r: 4 }, ({ valueAt, isForced }) => ({ class: names('lamp', valueAt(flag.address) === true && 'on', isForced(flag.address) && 'forced') }));
      const look: Spot = ({ isForced }) => ({ class: names('flag', isForced(flag.address) && 'forced'), text: isForced(flag.address) ? `F ${flag.label}` : flag.label });
      this.#live('text', { x: flag.x + 13, y: flag.y + 12 }, look);
    }
  }

  #value(address: string, end: number, top: number, afterLabel: number): void {
    this.#device(address, afterLabel, top + 5);
    const look: Spot = (lights) => {
      const isForced = lights.isForced(address);
      return {
        class: names('value', isForced && 'forced', lights.isDoubtful(address) && 'doubtful'),
        text: `${isForced ? 'F ' : ''}${cutAhead(shown(address, lights), VALUE_CHARS - (isForced ? 2 : 0))}`,
      };
    };
    this.#live('text', { x: end, y: top + 12 }, look);
  }

  #target(target: Target, rung: number, at: number): void {
    const { address, x, y, width, height } = target;
    const frame = { id: `rung-${rung}-${at}`, role: 'gridcell', tabindex: -1, 'data-target': address, 'data-at': at };
    this.#open('g', frame, (lights) => ({ class: 'target', label: targetName(target, lights, false) }));
    this.markup += `<rect${listed({ x, y, width, height, rx: 4 })}></rect></g>`;
  }
}

function listed(attributes: Attributes): string {
  return Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value))}"`).join('');
}

/** The width of a contact without its decorators. */
function ownWidth({ badges, x, width }: Part): number {
  const [badge] = badges;
  return badge === undefined ? width : badge.x - 3 - x;
}

function halfOf({ type }: Part): number {
  return type === 'RES' ? 17 : 9;
}

/** A sheet as elements: stamped from its text, and lit. */
export class Picture {
  readonly svg: SVGSVGElement;
  readonly #lit: { node: Element; spot: Spot; last: Look }[];
  readonly #targets: readonly Element[];
  #named = -1;

  constructor(readonly sheet: Sheet) {
    const template = document.createElement('template');
    template.innerHTML = sheet.markup;
    this.svg = template.content.firstElementChild as SVGSVGElement;
    const nodes = this.svg.querySelectorAll('[data-spot]');
    this.#lit = sheet.spots.map((spot, at) => ({ node: nodes[at] as Element, spot, last: spot(DARK) }));
    this.#targets = [...this.svg.querySelectorAll('[data-at]')];
  }

  light(lights: Lights): void {
    for (const each of this.#lit) {
      const look = each.spot(lights);
      turn(each.node, each.last, look);
      each.last = look;
    }
  }

  /** Frames the target that the keyboard is at, and those that were looked for. */
  mark(at: number, isHit: (target: Target) => boolean): void {
    this.#targets.forEach((node, index) => {
      const target = this.sheet.drawing.targets[index];
      const name = names('target', index === at && 'at', target !== undefined && isHit(target) && 'hit');
      if (node.getAttribute('class') !== name) node.setAttribute('class', name);
    });
  }

  /** Says of the target that the keyboard is at its value as it is now; -1 for none. */
  name(at: number, lights: Lights): void {
    if (this.#named !== at) this.#call(this.#named, lights, false);
    this.#named = at;
    this.#call(at, lights, true);
  }

  #call(at: number, lights: Lights, hasValue: boolean): void {
    const [node, target] = [this.#targets[at], this.sheet.drawing.targets[at]];
    if (node === undefined || target === undefined) return;
    const name = targetName(target, lights, hasValue);
    if (node.getAttribute('aria-label') !== name) node.setAttribute('aria-label', name);
  }

  /** Shows the words of a target to the pointer that rests on it. */
  explain(at: number, lights: Lights): void {
    const [node, target] = [this.#targets[at], this.sheet.drawing.targets[at]];
    if (node === undefined || target === undefined) return;
    const frame = node.firstElementChild;
    const title = frame?.firstElementChild ?? frame?.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'title'));
    if (title) title.textContent = targetName(target, lights);
  }
}

function turn(node: Element, last: Look, look: Look): void {
  if (look.class !== last.class) node.setAttribute('class', look.class);
  if (look.width !== last.width) node.setAttribute('width', String(look.width));
  if (look.text !== last.text) node.textContent = look.text ?? '';
  if (look.label !== undefined && look.label !== last.label) node.setAttribute('aria-label', look.label);
  if (look.isOn === last.isOn) return;
  if (look.isOn) node.setAttribute('data-on', 'true');
  else node.removeAttribute('data-on');
}
