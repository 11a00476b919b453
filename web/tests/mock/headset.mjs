/**
 * The mock's door for headsets, and joining without one: seats, heartbeats, and a small world per player, in the shapes of the
 * stand-in for GAMA. Two classes of messages are planted by stories: broken ones and a crowd of agents.
 */

import { randomInt } from 'node:crypto';

const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const CODE_LEN = 6;
/** Wrong codes before the door asks for a pause. */
const TRIES = 5;
const WIDTH = 100_000;
const DEPTH = 60_000;
const WORLD_MS = 50;
const NAME_BYTES_MAX = 256;

const solid = (id) => ({ id, hasPrefab: true, prefab: `Prefabs/${id}`, size: 1000, visible: true, hasCollider: false, isInteractable: false, isGrabable: false, toFollow: true, tag: id });
const outline = (id, height, [red, green, blue]) => ({ id, hasPrefab: false, height, is3D: true, visible: true, hasCollider: false, isInteractable: false, isGrabable: false, toFollow: false, tag: id, red, green, blue, alpha: 255 });
const PROPERTIES = [solid('people'), solid('player'), solid('gate'), solid('tree'), outline('water', 100, [60, 120, 200]), outline('hill', 3000, [90, 140, 70])];
const strip = (from, to) => ({ c: [0, from, WIDTH, from, WIDTH, to, 0, to, 0, from] });

/** One headset that is connected: what it says, and what it is told. */
class Headset {
  id = null;
  place = [32_000, 50_000, 270];
  isReady = false;
  isAnswered = true;

  constructor(socket, door) {
    Object.assign(this, { socket, door });
    socket.on('message', (text) => this.hear(String(text)));
    socket.on('close', () => door.left(this));
  }

  say(message) {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  show(contents) {
    this.say({ contents, type: 'json_output' });
  }

  hear(text) {
    this.isAnswered = true;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.type === 'connection' && this.id === null) this.door.sit(this, message);
    else if (this.id === null) return;
    else if (message.type === 'ping') this.say({ type: 'pong', id: message.id });
    else if (message.type === 'seat') this.say({ type: 'seat', waits_for: this.door.seat(this.id)?.waits_for ?? null, experiment: this.door.room.state });
    else if (message.type === 'ask') this.ask(message.action, JSON.parse(message.args));
    else if (message.type === 'disconnect_properly') this.door.sendAway(this.id, 'goodbye');
  }

  ask(action, args) {
    if (!this.door.seat(this.id)?.in_game || args.id !== this.id) return;
    this.door.asks.push({ action, ...args });
    if (action === 'send_init_data' && !this.door.isMute) {
      this.show({ precision: 1000, world: [WIDTH, DEPTH], delay: 0, physics: true, position: [this.place[0], this.place[1], 0] });
      this.show({ properties: PROPERTIES });
    }
    if (action === 'player_ready_to_receive_geometries') {
      this.isReady = true;
      this.show(this.door.world(this));
    }
    if (action === 'move_player_external') this.place = [Number(args.x), Number(args.y), Number(args.angle)];
  }

  tellState() {
    const seat = this.door.seat(this.id);
    this.say({ type: 'json_state', id_player: this.id, id: this.id, ping_interval: String(seat.heartbeat_ms), is_alive: true, connected: true, in_game: seat.in_game, date_connection: seat.arrived });
    if (!seat.in_game) this.isReady = false;
  }
}

export class Door {
  headsets = new Set();
  /** What headsets asked for, for stories that look what was said. */
  asks = [];
  people = 60;
  code = null;
  isMute = false;
  #wrong = 0;
  cycle = 0;
  #told = new Map();
  #worldAt = 0;
  #pingAt = 0;

  /** `wantsCode`: the hub has keys, so that whoever has none needs the code of the class. */
  constructor(room, { wantsCode, isOld, isReachable, port }) {
    Object.assign(this, { room, wantsCode, isOld, isReachable, port });
    if (wantsCode) this.open(true);
  }

  seat(id) {
    return this.room.players.find((each) => each.id === id);
  }

  open(isOpen) {
    if (isOpen && this.code !== null) return;
    this.code = isOpen ? Array.from({ length: CODE_LEN }, () => ALPHABET[randomInt(ALPHABET.length)]).join('') : null;
  }

  /** Joining, as the API says it. */
  row(me) {
    const lan = ['192.168.1.20', '10.0.0.7'];
    return {
      now_ms: this.room.now(),
      open: !this.wantsCode || this.code !== null,
      code: me.role === 'viewer' ? null : this.code,
      needs_code: this.wantsCode,
      urls: this.isReachable ? lan.map((host) => `http://${host}:8080/join`) : [`http://127.0.0.1:${this.port()}/join`],
      hint: this.isReachable ? null : 'set bind = "0.0.0.0" under [headset] in the project file and start the hub again',
    };
  }

  /** The status by which the door answers somebody with this code, before any WebSocket. */
  admit(code) {
    if (!this.wantsCode) return 426;
    if (this.#wrong >= TRIES) return 429;
    if (code !== null && code === this.code) return 426;
    if (code !== null) this.#wrong += 1;
    return 401;
  }

  enter(socket) {
    this.headsets.add(new Headset(socket, this));
  }

  /** Takes the seat of this name, from the last headset of the same machine where there is one. */
  sit(headset, { id, heartbeat }) {
    if (typeof id !== 'string' || id.trim() === '' || Buffer.byteLength(id) > NAME_BYTES_MAX || /\p{Cc}/u.test(id)) return;
    if (this.room.isNameTaken(id)) {
      this.seat(id).doubled = true;
      headset.socket.close(1008, 'another headset has this name');
      return;
    }
    const before = [...this.headsets].find((other) => other.id === id && other !== headset);
    headset.id = id;
    if (before) {
      headset.place = before.place;
      before.id = null;
      before.socket.close(1000, 'the same player has connected again');
    }
    this.room.seatHeadset(id, Number(heartbeat));
    headset.tellState();
    this.#told.set(id, this.seat(id).in_game);
  }

  left(headset) {
    this.headsets.delete(headset);
    const seat = headset.id === null ? undefined : this.seat(headset.id);
    if (seat) seat.connected = false;
  }

  /** Takes a player out and closes its connection. */
  sendAway(id, reason) {
    const headset = [...this.headsets].find((each) => each.id === id);
    const seat = this.seat(id);
    if (seat) Object.assign(seat, { in_game: false, connected: false });
    headset?.tellState();
    headset?.socket.close(1000, reason);
  }

  /** The world as one player sees it: everything, and the other players. */
  world(player) {
    const { cycle } = this;
    const names = [];
    const propertyID = [];
    const pointsLoc = [];
    const place = (kind, name, c) => {
      names.push(name);
      propertyID.push(kind);
      pointsLoc.push({ c });
    };
    for (let at = 0; at < this.people; at += 1) {
      const turn = (at * 2.4 + cycle / 90) % (2 * Math.PI);
      const out = 4_000 + ((at * 7_919) % 18_000);
      place('people', `people${at}`, [Math.round(50_000 + Math.cos(turn) * out * 2), Math.round(28_000 + Math.sin(turn) * out * 0.7), 0, Math.round((turn * 180) / Math.PI + 90) % 360]);
    }
    place('gate', 'gate0', [50_000, 10_000, 0, 90]);
    names.push('water0', 'hill0');
    propertyID.push('water', 'hill');
    for (const other of this.headsets) if (other !== player && other.isReady) place('player', other.id, [other.place[0], other.place[1], 0, other.place[2]]);
    const front = 10_000 + Math.round(4_000 * (1 + Math.sin(cycle / 200)));
    return { pointsLoc, names, propertyID, pointsGeom: [strip(0, front), strip(46_000, DEPTH)], offsetYGeom: [100, 3000], attributes: [{ cycle, water_level: front - 10_000, gate_closed: false }] };
  }

  /** Time has passed: states that have changed are told, worlds and heartbeats are sent. */
  step() {
    const now = this.room.now();
    for (const headset of this.headsets) {
      if (headset.id === null) continue;
      const { in_game } = this.seat(headset.id) ?? { in_game: false };
      if (this.#told.get(headset.id) === in_game) continue;
      this.#told.set(headset.id, in_game);
      headset.tellState();
    }
    if (now - this.#pingAt >= 1_000) {
      this.#pingAt = now;
      for (const headset of this.headsets) headset.say({ type: 'ping' });
    }
    if (this.room.state !== 'RUNNING' || now - this.#worldAt < WORLD_MS) return;
    this.#worldAt = now;
    this.cycle += 1;
    for (const headset of this.headsets) if (headset.isReady) headset.show(this.world(headset));
  }

  /** All headsets are sent away at the end of a lesson. */
  endLesson() {
    for (const { id } of [...this.headsets]) if (id !== null) this.sendAway(id, 'the experiment was stopped');
  }

  /** A switch of a test: `class-headset-…`. */
  turn(what, query) {
    if (what === 'people') this.people = Number(query.get('count'));
    if (what === 'mute') this.isMute = true;
    if (what === 'say') for (const headset of this.headsets) headset.say(query.get('text'));
    if (what === 'cut') for (const headset of this.headsets) headset.socket.terminate();
    if (what === 'forget-tries') this.#wrong = 0;
  }
}
