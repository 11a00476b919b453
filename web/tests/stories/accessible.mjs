import test from 'node:test';
import assert from 'node:assert/strict';
import { violations } from '../axe.mjs';
import { enterKey, openLive, startMock, story } from '../support.mjs';

for (const colorScheme of ['light', 'dark']) {
  test(`overview and signals are accessible in ${colorScheme}`, () =>
    story({ context: { colorScheme } }, async ({ page, url }) => {
      await openLive(page, url);
      await page.locator('[data-watch]').first().waitFor();
      await page.locator('[data-client]').first().waitFor();
      assert.deepEqual(await violations(page), []);

      await page.goto(`${url}/#/signals`);
      await page.locator('[role=row][data-name]').first().click();
      await page.locator('[data-detail] form').waitFor();
      assert.deepEqual(await violations(page), []);
    }));

  test(`problems, empty and lost pages are accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--problems'), context: { colorScheme } }, async ({ page, url, hub }) => {
      await openLive(page, url);
      await page.locator('[data-problem]').first().waitFor();
      assert.deepEqual(await violations(page), []);
      await page.getByRole('link', { name: 'Signals', exact: true }).click();
      await page.getByLabel('Filter by name').fill('no such name');
      await page.getByText('passes this filter').waitFor();
      assert.deepEqual(await violations(page), []);
      await page.getByRole('button', { name: 'Clear the filter' }).click();
      await hub.stop();
      await page.locator('[data-banner=lost]').waitFor();
      assert.deepEqual(await violations(page), []);
    }));

  test(`routes, recordings, replay, tests and the clock are accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--rails', '--plc'), context: { colorScheme } }, async ({ page, url }) => {
      await openLive(page, `${url}/#/routes`);
      await page.locator('[data-route]', { hasText: 'CapTorque' }).click();
      await page.locator('[data-error]').waitFor();
      assert.deepEqual(await violations(page), [], 'the fate of a value');
      await page.getByRole('button', { name: 'Add route' }).click();
      const form = page.locator('[data-side=form]');
      await form.getByRole('button', { name: 'Add a line' }).click();
      await form.getByRole('button', { name: 'Add', exact: true }).click();
      await form.locator('[data-trouble=from]').waitFor();
      assert.deepEqual(await violations(page), [], 'the form');
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByRole('textbox', { name: 'Table' }).fill('from,to\na,b\n');
      await page.locator('[data-forecast]').waitFor();
      assert.deepEqual(await violations(page), [], 'an import');
      await page.goto(`${url}/#/recordings`);
      await page.getByRole('button', { name: 'Start recording' }).click();
      await page.locator('[data-recorder=active]').waitFor();
      await fetch(`${url}/mock/rails-lose`, { method: 'POST' });
      await page.locator('[data-loss]').waitFor();
      await page.getByRole('button', { name: 'Replay lesson' }).click();
      assert.deepEqual(await violations(page), [], 'before a replay');
      await page.getByRole('button', { name: 'Start the replay' }).click();
      await page.locator('[data-skipped] summary').click();
      assert.deepEqual(await violations(page), [], 'a replay');
      await page.goto(`${url}/#/tests`);
      await page.getByRole('button', { name: 'Run all' }).click();
      await page.locator('[data-difference]').waitFor();
      assert.deepEqual(await violations(page), [], 'tests');
      await page.locator('[data-clock]').click();
      await page.locator('[data-dialog=clock]').getByRole('radio', { name: /Scaled/ }).check();
      assert.deepEqual(await violations(page), [], 'the clock');
    }));

  test(`the PLC page is accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--plc'), context: { colorScheme } }, async ({ page, url, hub }) => {
      await openLive(page, `${url}/#/plc`);
      await page.locator('[data-instruction][data-on]').first().waitFor();
      assert.deepEqual(await violations(page), []);
      await page.locator('[data-rung="1"] [data-target="T:0"]').click();
      await page.locator('[data-operand] [data-now] .value').waitFor();
      assert.deepEqual(await violations(page), [], 'the menu');
      await page.keyboard.press('Escape');
      for (const tab of ['Memory', 'Program', 'Messages']) {
        await page.getByRole('tab', { name: tab }).click();
        await page.locator('[data-place], [data-program], [data-message]').first().waitFor();
        assert.deepEqual(await violations(page), [], tab);
      }
      await page.getByRole('button', { name: 'Breakpoint at rung 0' }).click();
      await page.locator('[data-plc-state=Paused]').waitFor();
      assert.deepEqual(await violations(page), [], 'paused');
      await hub.stop();
      await page.locator('[data-ladder=old]').waitFor();
      assert.deepEqual(await violations(page), [], 'lost');
    }));

  test(`devices, times and an engine elsewhere are accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--plc-field'), context: { colorScheme } }, async ({ page, url }) => {
      const turn = (word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
      await openLive(page, `${url}/#/plc`);
      await page.getByRole('tab', { name: 'Timing' }).click();
      await page.getByRole('switch').click();
      await page.locator('[data-cost]').first().waitFor();
      await page.locator('[data-cost-of]').first().waitFor();
      assert.deepEqual(await violations(page), [], 'timing');
      await turn('plc-io?state=down');
      await page.getByRole('tab', { name: 'I/O' }).click();
      await page.locator('[data-device=down]').waitFor();
      assert.deepEqual(await violations(page), [], 'devices');
      await turn('plc-io?state=waiting');
      await turn('plc-store?error=the+disk+is+full');
      await page.getByRole('tab', { name: 'Memory' }).click();
      await page.locator('[data-place] [data-driven]').first().waitFor();
      await page.locator('[data-io=waiting]').waitFor();
      await page.locator('[data-retain]').getByText('the disk is full').waitFor();
      assert.deepEqual(await violations(page), [], 'memory');
      await page.getByRole('button', { name: 'New context …' }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(page), [], 'a new context');
      await page.goto(`${url}/#/plc/oven`);
      await page.keyboard.press('Escape');
      for (const color of ['green', 'yellow', 'red']) {
        await turn(`plc-link?color=${color}`);
        await page.locator(`[data-link-facts] [data-plc-link=${color}]`).waitFor();
        assert.deepEqual(await violations(page), [], color);
      }
      await page.goto(`${url}/#/`);
      await page.locator('[data-plc=oven] [data-plc-link=red]').waitFor();
      assert.deepEqual(await violations(page), [], 'overview');
      await turn('plc-none');
      await page.goto(`${url}/#/plc`);
      await page.getByText('There is no PLC context').waitFor();
      assert.deepEqual(await violations(page), [], 'none');
    }));

  test(`the classroom is accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--classroom', '--players', '5', '--practice'), context: { colorScheme } }, async ({ page, url, hub }) => {
      const turn = (word) => fetch(`${url}/mock/${word}`, { method: 'POST' });
      const lesson = (word) => page.locator(`[data-lesson=${word}]`).waitFor();
      await openLive(page, `${url}/#/classroom`);
      await lesson('NONE');
      await page.locator('[data-problems] summary').click();
      await page.locator('[data-package-problem]').first().waitFor();
      assert.deepEqual(await violations(page), []);
      await page.locator('[data-order=launch]').click();
      await lesson('PAUSED');
      await turn('class-player?id=Player_101&doubled=true');
      await turn('class-player?id=Player_103&alive=false');
      await turn('class-player?id=Player_104&connected=false&in_game=false');
      await turn('class-error');
      await page.locator('[data-fault]').waitFor();
      await page.locator('[data-doubled]').waitFor();
      assert.deepEqual(await violations(page), [], 'loaded');
      await page.locator('[data-order=stop]').click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(page), [], 'asked');
      await page.keyboard.press('Escape');
      await turn('class-link?to=waiting');
      await lesson('waiting');
      assert.deepEqual(await violations(page), [], 'away');
      await page.getByRole('link', { name: /^Overview/ }).click();
      await page.locator('[data-peer-gama=waiting]').waitFor();
      assert.deepEqual(await violations(page), [], 'overview');
      await page.getByRole('link', { name: 'Classroom' }).click();
      await lesson('waiting');
      await hub.stop();
      await lesson('old');
      assert.deepEqual(await violations(page), [], 'lost');
    }));

  test(`the key card, links and settings are accessible in ${colorScheme}`, () =>
    story({ start: () => startMock('--keys', '--links', '--tls', '--audit', '3'), context: { colorScheme } }, async ({ page, url }) => {
      await page.goto(url);
      await page.locator('[data-key-card=wanted]').waitFor();
      assert.deepEqual(await violations(page), []);
      await enterKey(page, 'ct_engineer');
      await page.locator('[data-endpoint=packer] [data-failures]').waitFor();
      await page.locator('[data-who] [data-opens=who]').click();
      assert.deepEqual(await violations(page), []);
      for (const [section, shown] of [
        ['connections', '[data-setting]'],
        ['keys', '[data-make-key]'],
        ['certificate', '[data-fingerprint]'],
        ['log', '#log-filter'],
        ['audit', '[data-entry]'],
        ['about', '[data-version]'],
      ]) {
        await page.goto(`${url}/#/settings/${section}`);
        await page.locator(shown).first().waitFor();
        assert.deepEqual(await violations(page), [], section);
      }
      await page.goto(`${url}/#/settings/keys`);
      await page.getByRole('button', { name: 'Revoke the key of Wall screen' }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(page), []);
    }));
}

test('the theme can be chosen and is remembered', () =>
  story({}, async ({ page, url }) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await openLive(page, url);
    const button = page.getByRole('button', { name: /Theme: system/ });
    await button.click();
    const light = await ground();
    await page.getByRole('button', { name: /Theme: light/ }).click();
    const dark = await ground();
    assert.notEqual(light, dark);
    await page.reload();
    await page.getByRole('button', { name: /Theme: dark/ }).waitFor();
    assert.equal(await ground(), dark);
  }));
