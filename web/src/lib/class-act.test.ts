import { describe, expect, it } from 'vitest';
import { en } from '../languages/classroom/en';
import { vi } from '../languages/classroom/vi';
import { ClassAct, refusalWords } from './class-act.svelte';
import { HubError } from './hub';

describe('what is done to the class', () => {
  it('is told in the language of whoever reads it', async () => {
    const act = new ClassAct();
    expect(await act.do(({ screen }) => screen.notSwitched, () => Promise.resolve(({ screen }) => screen.told(2)))).toBe(true);
    const { outcome } = act;
    expect(outcome?.ok && [outcome.told(en), outcome.told(vi)]).toEqual(['Told to 2 monitors.', 'Đã gửi đến 2 màn hình.']);
    expect(await act.do(({ screen }) => screen.notSwitched, () => Promise.reject(new HubError('busy', 'not now')))).toBe(false);
    expect(act.outcome).toMatchObject({ ok: false, error: { message: 'not now' } });
    act.forget();
    expect([act.outcome, act.isWaiting]).toEqual([null, false]);
  });

  it('is done one at a time', async () => {
    const act = new ClassAct();
    let end = (): void => undefined;
    const first = act.do(({ screen }) => screen.notSwitched, () => new Promise<void>((resolve) => (end = resolve)));
    expect(await act.do(({ screen }) => screen.notSwitched, () => Promise.resolve())).toBe(false);
    end();
    expect(await first).toBe(true);
    expect(act.outcome).toBeNull();
  });

  it('fails for a reason of the page, or in the words of the hub', () => {
    const unreachable = new HubError('unreachable', 'the hub did not answer');
    expect(refusalWords(unreachable, vi)).toEqual({ text: vi.refusal.unreachable, isHubs: false, isWhole: false });
    const unanswered = new HubError('unknown_result', 'the hub did not answer, so …');
    expect(refusalWords(unanswered, vi)).toEqual({ text: vi.refusal.unanswered, isHubs: false, isWhole: true });
    const refused = new HubError('classroom_refused', 'no experiment is loaded');
    expect(refusalWords(refused, vi)).toEqual({ text: 'no experiment is loaded', isHubs: true, isWhole: false });
  });
});
