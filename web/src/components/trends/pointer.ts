/**
 * What a mouse, a pen and fingers do on a plot: the wheel zooms where the pointer is (with Shift it moves), dragging moves, two fingers
 * zoom, a click puts a cursor, and a cursor that is grabbed is moved.
 */

import type { CursorWord, TrendRoom } from '../../lib/trend-room.svelte';

/** What moves less far is a click. */
const CLICK_PX = 4;
/** How near a cursor must be to be grabbed. */
const GRAB_PX = 6;

export function plotPointer(plot: HTMLElement, room: TrendRoom): { destroy(): void } {
  const pointers = new Map<number, number>();
  let [startX, isMoved] = [0, false];
  let grabbed: CursorWord | null = null;

  const timeAt = (x: number): number => {
    const { left, width } = plot.getBoundingClientRect();
    const { from, to } = room.seen;
    return from + ((x - left) / width) * (to - from);
  };
  const perPixel = (): number => (room.seen.to - room.seen.from) / plot.getBoundingClientRect().width;
  const nearCursor = (x: number): CursorWord | null => {
    const at = timeAt(x);
    const isNear = (word: CursorWord): boolean => room.cursors[word] !== null && Math.abs((room.cursors[word] ?? 0) - at) < GRAB_PX * perPixel();
    return isNear('a') ? 'a' : isNear('b') ? 'b' : null;
  };

  function wheel(event: WheelEvent): void {
    event.preventDefault();
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isSideways) room.pan((event.deltaX || event.deltaY) * perPixel());
    else room.zoom(1.0015 ** Math.max(-400, Math.min(400, event.deltaY)), timeAt(event.clientX));
  }

  function down(event: PointerEvent): void {
    if (event.button !== 0) return;
    plot.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event.clientX);
    if (pointers.size === 1) {
      [startX, isMoved] = [event.clientX, false];
      grabbed = nearCursor(event.clientX);
    }
  }

  function move(event: PointerEvent): void {
    const before = pointers.get(event.pointerId);
    room.hover = event.pointerType === 'touch' ? null : timeAt(event.clientX);
    if (before === undefined) {
      plot.style.cursor = nearCursor(event.clientX) ? 'col-resize' : '';
      return;
    }
    isMoved ||= Math.abs(event.clientX - startX) > CLICK_PX || pointers.size > 1;
    if (pointers.size === 2) pinch(event.pointerId, before, event.clientX);
    else if (grabbed && isMoved) room.setCursor(grabbed, timeAt(event.clientX));
    else if (isMoved) room.pan((before - event.clientX) * perPixel());
    if (isMoved || pointers.size > 1) pointers.set(event.pointerId, event.clientX);
  }

  function pinch(id: number, before: number, now: number): void {
    const [other] = [...pointers].filter(([each]) => each !== id).map(([, x]) => x);
    if (other === undefined) return;
    const [apart, nearer] = [Math.abs(before - other), Math.abs(now - other)];
    if (apart > 8 && nearer > 8) room.zoom(apart / nearer, timeAt(other));
  }

  function up(event: PointerEvent): void {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === 'pointerup' && !isMoved && pointers.size === 0) {
      if (grabbed) room.choose(grabbed);
      else room.putCursor(timeAt(event.clientX));
    }
    if (pointers.size === 0) grabbed = null;
  }

  const leave = (): void => {
    room.hover = null;
  };
  plot.addEventListener('wheel', wheel, { passive: false });
  plot.addEventListener('pointerdown', down);
  plot.addEventListener('pointermove', move);
  plot.addEventListener('pointerup', up);
  plot.addEventListener('pointercancel', up);
  plot.addEventListener('pointerleave', leave);
  // The element goes with its listeners.
  return { destroy: leave };
}
