import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, eventually, startMock, story } from '../support.mjs';

/** What this browser has kept, in both its stores. */
function kept(page) {
  return page.evaluate(() => ({
    tab: Object.values({ ...sessionStorage }),
    device: Object.entries({ ...localStorage }).filter(([name]) => name.includes('key')).map(([, value]) => value),
  }));
}

test('a hub with keys asks for one, refuses a wrong one in words, and opens for the right one', () =>
  story({ start: () => startMock('--keys') }, async ({ page, url }) => {
    const said = [];
    page.on('console', (message) => said.push(message.text()));
    await page.goto(`${url}/#/signals?filter=line`);
    const card = page.locator('[data-key-card=wanted]');
    await card.getByRole('heading', { name: 'This hub wants a key' }).waitFor();
    assert.equal(await page.locator('[data-name]').count(), 0, 'nothing of the plant is shown');
    const field = card.getByLabel('Key', { exact: true });
    assert.equal(await field.getAttribute('type'), 'password');

    await field.fill('two words');
    await field.press('Enter');
    await card.getByText('A key is one word').waitFor();
    await field.fill('ct_wrong');
    await field.press('Enter');
    await card.getByText('The hub does not know this key').waitFor();

    await field.fill(' ct_engineer ');
    await field.press('Enter');
    await page.locator('[data-name="twin/line/Run"]').waitFor();
    assert.ok(page.url().endsWith('/#/signals?filter=line'), 'the page that was asked for is the one that opens');
    await page.locator('[data-who=engineer] [data-opens=who]').getByText('Maria').waitFor();
    assert.deepEqual(await kept(page), { tab: ['ct_engineer'], device: [] });

    // The tab remembers it over a reload.
    await page.reload();
    await page.locator('[data-link=live]').waitFor();
    assert.ok(!page.url().includes('ct_'));
    assert.deepEqual(said.filter((text) => text.includes('ct_')), []);
    const { asked } = await (await fetch(`${url}/mock/state`)).json();
    const withKey = asked.filter((address) => address.includes('ct_'));
    assert.ok(withKey.every((address) => address.startsWith('/api/v1/live?access_token=')), `only the live channel carries it: ${withKey}`);
  }));

test('a key can be remembered on the device, and forgotten', () =>
  story({ start: () => startMock('--keys') }, async ({ page, url }) => {
    await page.goto(url);
    await page.getByLabel('on this device').check();
    await enterKey(page, 'ct_viewer');
    assert.deepEqual(await kept(page), { tab: [], device: ['ct_viewer'] });
    const other = await page.context().newPage();
    await other.goto(url);
    await other.locator('[data-who=viewer]').waitFor();
    await other.close();

    await page.locator('[data-who] [data-opens=who]').click();
    await page.getByText('remembered on this device').waitFor();
    await page.getByRole('button', { name: 'Forget key' }).click();
    await page.locator('[data-key-card=wanted]').waitFor();
    assert.deepEqual(await kept(page), { tab: [], device: [] });
  }));

test('a key that is revoked while the page is open locks it and says so', () =>
  story({ start: () => startMock('--keys') }, async ({ page, url }) => {
    await page.goto(url);
    await enterKey(page, 'ct_operator');
    await page.locator('[data-client]').first().waitFor();
    await fetch(`${url}/mock/revoke?id=k2`, { method: 'POST' });
    await page.locator('[data-key-card=revoked]').getByText('Your key is no longer valid').waitFor();
    assert.equal(await page.locator('[data-client]').count(), 0);
    assert.equal(await page.locator('[data-banner=lost]').count(), 0, 'it is no lost link');
    assert.deepEqual(await kept(page), { tab: [], device: [] });
    await enterKey(page, 'ct_engineer');
    await page.locator('[data-client]').first().waitFor();
  }));

test('too many wrong keys are told apart from a wrong one', () =>
  story({ start: () => startMock('--keys', '--tries', '2') }, async ({ page, url }) => {
    await page.goto(url);
    const card = page.locator('[data-key-card]');
    const field = card.getByLabel('Key', { exact: true });
    for (const text of ['does not know this key', 'does not know this key', 'Too many wrong keys came from this address']) {
      await field.fill('ct_wrong');
      await field.press('Enter');
      await card.locator('#key-trouble').getByText(text).waitFor();
      await field.fill('');
      await eventually('the word goes with the next letter', async () => (await card.locator('#key-trouble').textContent()) === '');
    }
    await page.reload();
    await page.locator('[data-key-card=too_many]').getByText('for a minute').waitFor();
    await fetch(`${url}/mock/forgive`, { method: 'POST' });
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.locator('[data-key-card=wanted]').waitFor();
    await enterKey(page, 'ct_viewer');
  }));
