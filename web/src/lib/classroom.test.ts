import { beforeEach, describe, expect, it } from 'vitest';
import { classState, gama } from './classroom-fixtures';
import type { ClassFrame, ClassState } from './classroom-protocol';
import { ClassRoom } from './classroom.svelte';
import { HubApi } from './hub';

let asked: string[];
let watched: boolean[];
let answer: { status: number; body: unknown };
let room: ClassRoom;

const frame = (more: Partial<ClassState>, lines: number[] = []): ClassFrame => ({
  type: 'classroom',
  ...classState(more),
  console: lines.map((number) => ({ number, at_ms: 0, level: 'console', kind: '', text: `${number}` })),
});
/** Lets the questions under way be answered. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  asked = [];
  watched = [];
  answer = { status: 200, body: classState() };
  const api = new HubApi('', (url) => {
    asked.push(String(url));
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
  });
  room = new ClassRoom(api, (isOn) => watched.push(isOn));
});

describe('what the page knows of the class', () => {
  const there = Promise.resolve({ classroom: {} });
  it('is not asked for where the hub says that there is none', async () => {
    await room.readState(Promise.resolve({ classroom: null }), () => 0);
    expect([room.isNone, room.state, asked.length]).toEqual([true, null, 0]);
    room.greeted();
    answer = { status: 404, body: { error: { code: 'not_found', message: 'no [classroom]' } } };
    await room.readState(there, () => 0);
    await room.readState(there, () => 0);
    expect([room.isNone, room.state, asked.length]).toEqual([true, null, 1]);
    room.greeted();
    answer = { status: 403, body: { error: { code: 'forbidden', message: 'not for you' } } };
    await room.readState(there, () => 0);
    expect([room.isNone, room.refusal]).toEqual([false, 'not for you']);
  });

  it('comes by frames while its page is open, and is fresh as long as they come', async () => {
    room.open(true);
    room.receive(frame({ now_ms: 10 }, [1, 2]), 100);
    await room.readState(there, () => 200);
    expect([watched, room.lines.length, asked.includes('api/v1/classroom')]).toEqual([[true], 2, false]);
    expect([room.isFresh(200), room.isFresh(9_000)]).toEqual([true, false]);
    await room.readState(there, () => 9_000);
    expect(asked).toContain('api/v1/classroom');
  });

  it('is not taken from an answer that a frame has overtaken, but from another hub', () => {
    room.receive(frame({ now_ms: 500, gama: gama({ state: 'RUNNING' }) }), 100);
    room.put(classState({ now_ms: 400 }), 110);
    expect(room.state?.gama?.state).toBe('RUNNING');
    room.greeted();
    room.put(classState({ now_ms: 3 }), 120);
    expect(room.state?.gama?.state).toBe('NONE');
  });

  it('remembers since when something is waited for', () => {
    const waiting = (waits_for: string | null, now_ms: number) => room.put(classState({ now_ms, gama: gama({ waits_for }) }), now_ms);
    waiting('GAMA', 1);
    waiting('GAMA', 5);
    expect(room.waiting).toEqual({ text: 'GAMA', since: 1 });
    waiting(null, 6);
    expect(room.waiting).toBeNull();
  });

  it('has the catalog, read again when what is said of it changes', async () => {
    const catalogs = () => asked.filter((url) => url.endsWith('/catalog')).length;
    room.receive(frame({ now_ms: 1 }), 0);
    expect(catalogs()).toBe(0);
    room.open(true);
    room.receive(frame({ now_ms: 2 }), 1);
    expect(catalogs()).toBe(1);
    room.receive(frame({ now_ms: 3, models: 2 }), 2);
    expect(catalogs()).toBe(2);
    await settled();
    expect(room.catalog).not.toBeNull();
    answer = { status: 503, body: { error: { code: 'busy', message: 'the hub did not answer' } } };
    room.readCatalogAgain();
    await settled();
    expect(room.catalogTrouble).toMatchObject({ code: 'busy', message: 'the hub did not answer' });
  });

  it('is gone for whoever comes without the right to it', () => {
    room.receive(frame({ now_ms: 1 }, [1]), 0);
    room.leave();
    expect([room.state, room.lines, room.catalog, room.waiting]).toEqual([null, [], null, null]);
  });
});
