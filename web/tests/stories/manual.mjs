import { join } from 'node:path';
import test from 'node:test';
import assert from 'node:assert/strict';
import { runnerImport } from 'vite';
import { violations } from '../axe.mjs';
import { eventually, openLive, startMock, startProject, story } from '../support.mjs';

const mock = (...args) => ({ start: () => startMock(...args) });

/** Opens a route of the page and waits for its article. */
async function openPage(page, url, slug) {
  await page.goto(`${url}/#/manual/${slug}`);
  await page.locator(`[data-article="${slug}"] h1`).waitFor();
}

test('every page of the manual opens with its title, every link in it leads somewhere, and no request leaves the host', () =>
  story(mock(), async ({ page, url }) => {
    const asked = [];
    const refused = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
    await openLive(page, `${url}/#/manual`);
    const listed = await page.locator('.all a').evaluateAll((links) => links.map((link) => ({ route: link.getAttribute('href'), title: link.textContent })));
    assert.ok(listed.length > 30, 'all pages are listed');
    const ids = new Map();
    const links = [];
    for (const { route, title } of listed) {
      const slug = route.replace('#/manual/', '');
      await openPage(page, url, slug);
      assert.equal(await page.locator('article h1').textContent(), title);
      const found = await page.locator('article').evaluate((article) => ({
        ids: [...article.querySelectorAll('[id^=manual-]')].map(({ id }) => id.slice('manual-'.length)),
        links: [...article.querySelectorAll('a')].map((link) => ({ to: link.getAttribute('href'), target: link.target })),
        images: [...article.querySelectorAll('img')].length,
        isWide: document.documentElement.scrollWidth > innerWidth,
      }));
      ids.set(slug, new Set(found.ids));
      links.push(...found.links.map((link) => ({ ...link, from: slug })));
      assert.equal(found.isWide, false, slug);
      await eventually('its pictures are there', () => page.locator('article').evaluate((article) => [...article.querySelectorAll('img')].every((image) => ((image.loading = 'eager'), image.complete && image.naturalWidth > 0))));
    }
    assert.ok(links.length > 300, `${links.length} links`);
    for (const { from, to, target } of links) {
      if (/^https?:/.test(to)) {
        assert.equal(target, '_blank', to);
        continue;
      }
      const { pathname, searchParams } = new URL(to.slice(1), 'http://page');
      const slug = pathname.split('/')[2];
      assert.ok(pathname === '/manual' || ids.has(slug), `${from} leads to ${to}`);
      if (searchParams.has('at')) assert.ok(ids.get(slug).has(searchParams.get('at')), `${from} leads to ${to}`);
    }
    const { host } = new URL(url);
    assert.deepEqual(asked.filter((address) => !address.startsWith('data:') && new URL(address).host !== host), []);
    assert.deepEqual(refused, []);
  }));

test('a word is found while it is typed, and shown in its place, by keyboard alone', () =>
  story(mock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/signals`);
    await page.locator('[role=row][data-name]').first().waitFor();
    await page.getByRole('textbox', { name: 'Filter by name' }).press('?');
    assert.match(page.url(), /#\/signals/, 'in a field it is a letter');
    await page.getByRole('textbox', { name: 'Filter by name' }).fill('');
    await page.locator('[role=grid]').focus();
    await page.keyboard.press('?');
    await page.locator('[data-article=page] #manual-signals').waitFor();
    await eventually('the section is in sight', () => page.locator('#manual-signals').evaluate((heading) => heading.getBoundingClientRect().top < 200 && document.activeElement === heading));
    assert.equal(await page.evaluate(() => document.documentElement.scrollTop), 0, 'the bar stays');

    await page.keyboard.press('/');
    await page.keyboard.type('deadba');
    await page.locator('[data-hit=routes]').first().waitFor();
    await page.locator('[data-hit=routes] mark').first().waitFor();
    assert.match(page.url(), /find=deadba/);
    await page.keyboard.type('nd');
    await page.locator('[data-hits]').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const wanted = await page.evaluate(() => document.activeElement.getAttribute('href'));
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'INPUT', 'back in the field');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('article').waitFor();
    assert.ok(page.url().endsWith(wanted), wanted);
    await eventually('the word is marked', () => page.evaluate(() => CSS.highlights.get('manual-found')?.size > 0));

    await page.keyboard.press('Escape');
    await page.locator('[data-manual]').waitFor();
    const before = page.url();
    await page.keyboard.press('n');
    await eventually('the next page is open', () => page.url() !== before && page.locator('article h1').isVisible());
    await page.goto(`${url}/#/manual?find=nothinghasthisword`);
    await page.getByText('No section has a word that begins so').waitFor();
    await page.goto(`${url}/#/manual/nowhere`);
    await page.getByText('The manual has no page nowhere').waitFor();
  }));

test('beside what it explains the manual opens in place, and Escape closes it and nothing else', () =>
  story(mock('--plc', '--rails', '--classroom', '--players', '3', '--tls'), async ({ page, url }) => {
    const ask = async (what, says) => {
      const button = page.getByRole('button', { name: `Help: ${what}`, exact: true });
      await button.press('Enter');
      const bubble = page.locator(`[data-help-bubble="${what}"]`);
      await bubble.getByText(says).first().waitFor();
      await bubble.getByRole('link', { name: 'Open in the manual' }).waitFor();
      await page.keyboard.press('Escape');
      await bubble.waitFor({ state: 'detached' });
      assert.equal(await button.evaluate((element) => document.activeElement === element), true, `${what} has the keyboard again`);
    };
    await openLive(page, url);
    await ask('endpoints', 'hub connects to a server by itself');
    await page.locator('[data-clock]').click();
    await ask('the clock', 'Who follows');
    await page.getByRole('dialog', { name: 'Clock of the hub' }).waitFor();
    await page.keyboard.press('Escape');
    for (const [section, what, says] of [
      ['connections', 'the settings of hub', 'stale_after_ms'],
      ['keys', 'keys', 'key'],
      ['certificate', 'the certificate', 'certificate'],
      ['log', 'the log level', 'log'],
      ['audit', 'the audit log', 'audit'],
    ]) {
      await page.goto(`${url}/#/settings/${section}`);
      await ask(what, says);
    }
    await page.goto(`${url}/#/plc`);
    for (const [tab, says] of [['Forces', 'Infeed'], ['Memory', 'power'], ['Timing', 'scan'], ['I/O', 'Modbus'], ['Program', 'download']]) {
      await page.getByRole('tab', { name: tab }).click();
      await ask(`the pane ${tab}`, says);
    }
    await page.goto(`${url}/#/routes`);
    await page.getByRole('button', { name: 'Add route' }).click();
    for (const [what, says] of [['deadband', 'nearer than this'], ['map', 'what they become'], ['invert', 'off becomes on'], ['a stale source', 'keeps its value'], ['from', 'where values come from']]) await ask(what, says);
    await page.locator('[data-side=form]').waitFor();
    await page.goto(`${url}/#/recordings`);
    await ask('the recorder', 'record start');
    await page.getByRole('button', { name: 'Replay lesson' }).click();
    await ask('what a replay says', 'recording');
    await page.goto(`${url}/#/tests`);
    await ask('tests', 'test');
    await page.goto(`${url}/#/classroom`);
    for (const [what, says] of [['the lesson', 'lesson'], ['seats', 'seat'], ['models', 'package'], ['GAMA', 'GAMA'], ['expressions of GAMA', 'sim/'], ['the screen of the monitors', 'monitor']]) await ask(what, says);
  }));

test('a help that does not come says so and is asked for again', () =>
  story(mock(), async ({ page, url }) => {
    await page.route(/\/assets\/page-/, (route) => route.abort());
    await openLive(page, url);
    await page.getByRole('button', { name: 'Help: endpoints' }).click();
    const bubble = page.locator('[data-help-bubble=endpoints]');
    await bubble.getByText('The help did not come').waitFor();
    await bubble.getByRole('button', { name: 'Ask again' }).waitFor();
    await page.goto(`${url}/#/manual/page`);
    await page.getByText('The page page did not come').waitFor();
  }));

test('an operand says what its instructions do, and the program pane explains them all', () =>
  story(mock('--plc'), async ({ page, url }) => {
    await openLive(page, `${url}/#/plc`);
    await page.locator('[data-rung="1"] [data-target="T:0"]').click();
    await page.getByRole('button', { name: 'What does TON do?' }).click();
    const help = page.locator('[data-instruction-help=TON]');
    await help.getByText('Counts milliseconds while it has power').waitFor();
    await eventually('it is in sight', () => help.getByText('timer on delay').isVisible());
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Program' }).click();
    await page.getByText('All instructions and what they do').click();
    const list = page.locator('[data-instructions]');
    await list.getByRole('button', { name: 'SCL', exact: true }).click();
    await list.locator('[data-instruction-help=SCL]').getByText('Carries a number from one range into another').waitFor();
    assert.equal(await list.locator('.members button').count(), 39);
  }));

test('every setting of the page has its words, its range and its unit', () =>
  story(mock(), async ({ page, url }) => {
    await openLive(page, `${url}/#/settings`);
    await page.locator('[data-words]').first().waitFor();
    assert.equal(await page.locator('[data-setting]:not(:has([data-words]))').count(), 0);
    const stale = page.locator('[data-setting="hub.stale_after_ms"]');
    await stale.getByText('1000…60000 ms').waitFor();
    await page.locator('[data-setting="realvirtual.line.update_cycle_ms"] input[aria-describedby~="words-realvirtual.line.update_cycle_ms"]').waitFor();
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`the manual is accessible in ${colorScheme}, at a desk and on a phone`, () =>
    story({ ...mock('--plc'), context: { colorScheme } }, async ({ page, url }) => {
      await openLive(page, `${url}/#/manual`);
      for (const [width, height] of [[1280, 720], [390, 844]]) {
        await page.setViewportSize({ width, height });
        await page.goto(`${url}/#/manual`);
        await page.locator('.all a').first().waitFor();
        assert.deepEqual(await violations(page), [], 'contents');
        for (const slug of ['project-file', 'routes', 'page', 'instructions']) {
          await openPage(page, url, slug);
          assert.deepEqual(await violations(page), [], slug);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${slug} is not wider than the window`);
        }
        await page.goto(`${url}/#/manual?find=deadband`);
        await page.locator('[data-hit] mark').first().waitFor();
        assert.deepEqual(await violations(page), [], 'hits');
      }
      await page.locator('.folded summary').click();
      await page.locator('.folded').getByRole('link', { name: 'Routes', exact: true }).click();
      await page.locator('[data-article=routes]').waitFor();
      assert.equal(await page.locator('.folded[open]').count(), 0, 'what was chosen is not covered');
      await page.goto(`${url}/#/settings`);
      await page.locator('[data-words]').first().waitFor();
      await page.getByRole('button', { name: 'Help: the settings of hub' }).click();
      await page.locator('[data-help-bubble] h2').waitFor();
      assert.deepEqual(await violations(page), [], 'a bubble');
    }));
}

test('in a narrow window the menu leads to the manual; on paper only the manual is left', () =>
  story({ ...mock(), context: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } }, async ({ page, url }) => {
    await openLive(page, url);
    await page.getByRole('button', { name: /Pages, open is/ }).click();
    await page.getByRole('link', { name: 'Manual', exact: true }).click();
    await page.locator('[data-article=page]').waitFor();
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('header').first().isVisible(), false);
    assert.equal(await page.getByRole('navigation', { name: 'Contents of the manual' }).first().isVisible(), false);
    const { height, text, ground } = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight,
      text: getComputedStyle(document.querySelector('article p')).color,
      ground: getComputedStyle(document.querySelector('.sheet')).backgroundColor,
    }));
    assert.ok(height > 3000, 'all of the page is on paper, not only what is in sight');
    assert.deepEqual([text, ground], ['rgb(22, 32, 42)', 'rgba(0, 0, 0, 0)'], 'dark ink on the paper');
  }));

test('every setting of the real hub is explained, and its default is that of the manual', { skip: !process.env.CROSSTIE_BIN }, () =>
  story(
    {
      start: () =>
        startProject(
          '[[realvirtual]]\nname = "line"\nport = 0\n[[realvirtual]]\nname = "cell"\nrole = "client"\nport = 9\nconnect_on_start = false\n[piplc]\nport = 0\n[[plc]]\nname = "one"\n[[modbus]]\nname = "panel"\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = 0\n[headset]\nport = 0\n',
        ),
    },
    async ({ url }) => {
      const { settings } = await (await fetch(`${url}/api/v1/config`)).json();
      const sections = new Set(settings.map(({ key }) => key.split('.')[0]));
      for (const section of ['project', 'web', 'tls', 'hub', 'record', 'clock', 'realvirtual', 'piplc', 'plc', 'modbus', 'classroom', 'monitor', 'headset', 'gama', 'history']) assert.ok(sections.has(section), section);
      // The page that CROSSTIE_BIN has embedded may be older than what is tested: the tables are read where they stand.
      const root = new URL('../../..', import.meta.url).pathname;
      const read = (name) => runnerImport(join(root, 'web/manual', name), { configFile: false, logLevel: 'error' });
      const [{ module: settingsModule }, { module: compileModule }] = [await read('settings.ts'), await read('compile.ts')];
      const known = settingsModule.settingsOf(compileModule.compileManual(root));
      const wrong = [];
      let compared = 0;
      for (const { key, value, source, live } of settings) {
        const parts = key.split('.');
        const help = known[`${parts[0]}.${parts.at(-1)}`];
        if (help === undefined) wrong.push(`${key} is not explained`);
        else if (help.live !== live) wrong.push(`${key} is ${live ? '' : 'not '}live`);
        else if (source === 'default' && 'value' in help) {
          compared += 1;
          if (JSON.stringify(help.value) !== JSON.stringify(value)) wrong.push(`${key}: the manual says ${JSON.stringify(help.value)}, the hub ${JSON.stringify(value)}`);
        }
      }
      assert.deepEqual(wrong, []);
      assert.ok(compared > 60, `${compared} defaults were compared`);
    },
  ));
