/** A class as the hub tells it, for tests. */

import type { CatalogModel, ClassState, Gama, Player } from './classroom-protocol';

export function gama(more: Partial<Gama> = {}): Gama {
  return {
    url: 'ws://localhost:1000',
    link: 'connected',
    text: 'connected',
    since_ms: 10,
    retry_in_ms: null,
    flavour: 'gui',
    state: 'NONE',
    waits_for: null,
    experiment_id: '',
    experiment_name: '',
    error: null,
    practice: false,
    ...more,
  };
}

export function player(more: Partial<Player> = {}): Player {
  return {
    id: 'Player_101',
    address: '127.0.0.1:5000',
    connected: true,
    in_game: false,
    alive: true,
    arrived: '09:16',
    heartbeat_ms: 5000,
    seen_ms: 120,
    waits_for: 'the experiment is not running',
    doubled: false,
    worlds: 0,
    worlds_dropped: 0,
    said: 0,
    said_dropped: 0,
    ...more,
  };
}

export function classState(more: Partial<ClassState> = {}): ClassState {
  return {
    now_ms: 1000,
    mode: 'gama',
    gama: gama(),
    model: { index: 0, name: 'Flood', minimal_players: 2, maximal_players: 4 },
    players: [],
    monitors: 1,
    screen: null,
    orders: [],
    counters: { worlds: 0, pieces: 0, unknown_ids: 0, skipped: 0, unreadable: 0 },
    models: 1,
    catalog_problems: 0,
    ...more,
  };
}

export function model(index: number): CatalogModel {
  return { index, name: `Model ${index}`, experiment: 'vr_xp', file: `/m/${index}.gaml`, is_here: true, splash: null, minimal_players: null, maximal_players: null };
}
