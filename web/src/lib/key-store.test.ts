import { describe, expect, it } from 'vitest';
import { KeyStore, type Stores } from './key-store';

class TestStore {
  items = new Map<string, string>();
  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.items.set(name, value);
  }
  removeItem(name: string): void {
    this.items.delete(name);
  }
}

describe('the kept key', () => {
  it('is in one place only and gone when forgotten', () => {
    const stores = { tab: new TestStore(), device: new TestStore() };
    const keys = new KeyStore('http://hub/', () => stores);
    expect(keys.read()).toBeNull();
    keys.write('ct_a', 'device');
    expect(keys.read()).toEqual({ key: 'ct_a', keeping: 'device' });
    keys.write('ct_b', 'tab');
    expect(keys.read()).toEqual({ key: 'ct_b', keeping: 'tab' });
    expect(stores.device.items.size).toBe(0);
    keys.forget();
    expect(keys.read()).toBeNull();
  });

  it('belongs to the folder of its hub', () => {
    const stores = { tab: new TestStore(), device: new TestStore() };
    new KeyStore('https://host/line/', () => stores).write('ct_a', 'device');
    expect(new KeyStore('https://host/other/', () => stores).read()).toBeNull();
    expect(new KeyStore('https://host/line/', () => stores).read()?.key).toBe('ct_a');
  });

  it('is simply not kept by a browser that forbids it', () => {
    const forbidden = (): Stores => {
      throw new Error('denied');
    };
    const keys = new KeyStore('http://hub/', forbidden);
    keys.write('ct_a', 'tab');
    keys.forget();
    expect(keys.read()).toBeNull();
  });
});
