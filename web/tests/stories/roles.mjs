import test from 'node:test';
import assert from 'node:assert/strict';
import { enterKey, startMock, story } from '../support.mjs';

test('a viewer sees everything and is offered nothing that changes it', () =>
  story({ start: () => startMock('--keys', '--links', '--problems') }, async ({ page, url }) => {
    await page.goto(`${url}/#/signals?signal=twin%2Fline%2FFaultSwitch`);
    await enterKey(page, 'ct_viewer');
    const detail = page.locator('[data-detail]');
    await detail.getByText('You look on as a viewer').waitFor();
    assert.equal(await detail.locator('form button, form input').count(), 0);

    await page.goto(`${url}/#/`);
    await page.locator('[data-problem]').first().waitFor();
    await page.locator('[data-endpoint=packer]').getByText('waiting to try again').waitFor();
    for (const name of [/Connect/, /Disconnect/, /Import/, /Acknowledge/]) assert.equal(await page.getByRole('button', { name }).count(), 0, String(name));
    await page.getByText('Acknowledging needs the key of an operator').waitFor();

    await page.goto(`${url}/#/settings/connections`);
    await page.locator('[data-setting="realvirtual.line.update_cycle_ms"]').getByText('10', { exact: true }).waitFor();
    assert.equal(await page.locator('[data-section] input, [data-section] select').count(), 0);
    for (const section of ['keys', 'log', 'audit']) {
      await page.goto(`${url}/#/settings/${section}`);
      await page.locator(`[data-section=${section}]`).getByText('This needs the key of an engineer').waitFor();
      // Help changes nothing.
      assert.equal(await page.locator('[data-section] input, [data-section] button:not([aria-label^=Help])').count(), 0);
    }
  }));

test('an operator writes what the key allows, and hears in words why something was not written', () =>
  story({ start: () => startMock('--keys', '--links') }, async ({ page, url }) => {
    await page.goto(`${url}/#/signals?signal=twin%2Fline%2FRecipe`);
    await enterKey(page, 'ct_operator');
    await page.locator('[data-no-write]').getByText('Your key writes only twin/line/SpeedSetpoint.').waitFor();
    await page.goto(`${url}/#/signals?signal=twin%2Fline%2FSpeedSetpoint`);
    await page.getByLabel('New value of').fill('150');
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await page.getByText('Written: 150').waitFor();
    await page.goto(`${url}/#/`);
    await page.locator('[data-endpoint=press]').getByRole('button', { name: 'Disconnect' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /Import/ }).count(), 0, 'importing is for engineers');
    await page.goto(`${url}/#/settings/connections`);
    await page.locator('[data-section]').getByText('You are here as an operator').waitFor();
    assert.equal(await page.locator('[data-section] input, [data-section] select').count(), 0);
  }));

test('a command over a link that is down is refused in words', () =>
  story({ start: () => startMock('--links') }, async ({ page, url }) => {
    await page.goto(`${url}/#/signals?signal=twin%2Fpacker%2FStart`);
    const detail = page.locator('[data-detail]');
    await detail.getByRole('button', { name: 'true' }).click();
    await detail.getByText("Not written: the link 'packer' is down").waitFor();
  }));
