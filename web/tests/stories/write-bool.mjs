import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, openLive, story } from '../support.mjs';

test('an operator finds the fault switch, throws it, and sees the line stop', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals`);
    const field = page.getByLabel('Filter by name');

    await field.fill('FAULTsw line');
    const rows = page.locator('[role=row][data-name]');
    await eventually('one row is left', async () => (await rows.count()) === 1);
    assert.equal(await rows.getAttribute('data-name'), 'twin/line/FaultSwitch');
    await rows.click();
    const detail = page.locator('[data-detail="twin/line/FaultSwitch"]');
    await detail.getByRole('button', { name: 'true' }).click();
    await detail.getByText('Written: true').waitFor();
    await detail.locator('[data-now]').getByText('true').waitFor();

    await field.fill('line/State');
    await page.locator('[data-name="twin/line/State"]').getByText('Fault').waitFor({ state: 'attached' });

    await detail.getByRole('button', { name: 'false' }).click();
    await detail.getByText('Written: false').waitFor();
  }));

test('a refused value is refused in words and nothing is sent', () =>
  story({}, async ({ page, url }) => {
    await openLive(page, `${url}/#/signals?signal=twin%2Fline%2FSpeedSetpoint`);
    const detail = page.locator('[data-detail="twin/line/SpeedSetpoint"]');
    const field = detail.getByLabel('New value of');
    await field.fill('fast');
    await field.press('Enter');
    await detail.getByText('Not sent: a number such as 42.5 is expected.').waitFor();
    await field.fill('180');
    await field.press('Enter');
    await detail.getByText('Written: 180').waitFor();
    await field.fill('200');
    await field.press('Enter');
    await detail.getByText('Written: 200').waitFor();
  }));
