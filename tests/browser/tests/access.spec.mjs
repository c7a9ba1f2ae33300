// What assistive technology meets: axe finds nothing serious on any page or dialog, in either theme, wide or
// narrow, and every page's roles and names are what UI and tests promise.
import AxeBuilder from '@axe-core/playwright';

import { column, expect, openBoard, test, tile } from '../server.mjs';

const SERIOUS = ['serious', 'critical'];
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

// What axe finds serious, and finds again: it reads colours one by one, and now and then reads some before and
// some after a theme is switched.
async function lasting(page) {
  const serious = async () => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    return violations.filter(({ impact }) => SERIOUS.includes(impact));
  };
  let found = await serious();
  for (let again = 0; found.length > 0 && again < 2; again++) {
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const still = new Set((await serious()).map(({ id }) => id));
    found = found.filter(({ id }) => still.has(id));
  }
  return found;
}

// What axe has against the page as it stands, at these sizes and in these themes: short enough to read.
async function complaintsOfAxe(page, looks = [[SIZES[0], 'light', 'dark'], [SIZES[1], 'light', 'dark']]) {
  const found = [];
  for (const [size, ...themes] of looks) {
    await page.setViewportSize(size);
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Nothing is looked at half way between two themes.
      await page.evaluate(async () => {
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
        await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
      });
      for (const { id, impact, nodes } of await lasting(page)) {
        const where = nodes.slice(0, 3).map(({ target, failureSummary }) => `${target}: ${failureSummary.split('\n')[1]}`);
        found.push(`${size.width} px, ${colorScheme}: ${impact} ${id}\n  ${where.join('\n  ')}`);
      }
    }
  }
  await page.setViewportSize(SIZES[0]);
  return [...new Set(found)];
}

// Cards at several stages: one at a green gate, one at a red one, one with a diff.
async function busyBoard(server) {
  const { items } = await server.api('GET', '/cards');
  const ids = Object.fromEntries(items.map(({ title, id }) => [title, id]));
  const green = ids['Say good night after ten'];
  const red = ids['Make the lamp shine farther'];
  const built = ids['Tidy the attic'];
  const go = async (card, to) => {
    await server.api('POST', `/cards/${card}/moves`, { to });
    await expect.poll(async () => (await server.api('GET', `/cards/${card}`)).status).toBe('needs_approval');
  };
  await Promise.all([go(green, 'plan'), go(red, 'plan'), go(built, 'plan').then(() => go(built, 'build'))]);
  const [project] = (await server.api('GET', '/projects')).items;
  return { green, red, built, project: project.id };
}

test('axe finds nothing serious on any page', async ({ page, server }) => {
  test.slow();
  const { green, red, built, project } = await busyBoard(server);
  await openBoard(page, server);
  const pages = {
    board: '/',
    'a filtered board without cards': '/?q=nothing-of-this-name',
    'a card at a green gate': `/cards/${green}`,
    'a card at a red gate': `/cards/${red}`,
    'a card with a diff': `/cards/${built}`,
    inbox: '/inbox',
    archive: '/archive',
    projects: '/projects',
    settings: `/projects/${project}`,
    'not found': '/nowhere',
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(server.url + path);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeAttached();
    expect.soft(await complaintsOfAxe(page), name).toEqual([]);
  }
});

test('axe finds nothing serious in any dialog or menu', async ({ page, server }) => {
  test.slow();
  const { red, project } = await busyBoard(server);
  const title = 'Make the lamp shine farther';
  await openBoard(page, server);
  const looks = [[SIZES[0], 'light'], [SIZES[1], 'dark']];
  const check = async (name) => expect.soft(await complaintsOfAxe(page, looks), name).toEqual([]);
  const dialog = page.getByRole('dialog');
  const closed = async () => {
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
  };
  const menuItem = async (item) => {
    await tile(page, 'Plan', title).getByRole('button', { name: `Actions for ${title}` }).click();
    await page.getByRole('menuitem', { name: item }).click();
    await expect(dialog).toBeVisible();
  };

  for (const key of ['c', '?', 'Control+k']) {
    await page.keyboard.press(key);
    await expect(dialog).toBeVisible();
    await check(`the dialog of the key ${key}`);
    await closed();
  }
  for (const item of ['Edit…', 'Send back…', 'Move to Build…']) {
    await menuItem(item);
    await check(item);
    await closed();
  }
  await tile(page, 'Plan', title).getByRole('button', { name: `Actions for ${title}` }).click();
  await check('the move menu');
  await page.keyboard.press('Escape');
  await page.getByLabel(/^Project: /).click();
  await check('the project switcher');

  await page.goto(`${server.url}/projects`);
  await page.getByRole('button', { name: 'Add project' }).click();
  await dialog.getByLabel('Path').fill('/');
  await expect(dialog.getByRole('option').first()).toBeVisible();
  await check('the dialog that adds a project');
  await page.goto(`${server.url}/projects/${project}`);
  await page.getByRole('button', { name: 'Remove project…' }).click();
  await check('the dialog that removes a project');
  expect(red).toBeTruthy();
});

test('every page has its roles and names', async ({ page, server }) => {
  const { green, project } = await busyBoard(server);
  await openBoard(page, server);
  await expect(page.getByRole('banner')).toMatchAriaSnapshot(`
    - banner:
      - link "Slipway"
      - group:
        - text: lighthouse
      - link /Needs you \\(\\d+\\)/
      - combobox "Theme":
        - option "System" [selected]
        - option "Light"
        - option "Dark"
  `);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Board" [level=1]
      - search:
        - searchbox "Search cards"
        - combobox "Status"
      - button "New card"
      - region "Backlog":
        - heading [level=2]
        - list:
          - listitem:
            - article
      - region "Plan":
        - heading [level=2]
        - list:
          - listitem:
            - article "Say good night after ten":
              - button "Actions for Say good night after ten"
              - link "Say good night after ten"
      - region "Build"
      - region "Review"
      - region "Ship"
  `);
  await page.goto(`${server.url}/cards/${green}`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Say good night after ten" [level=1]
      - region "Gate":
        - heading "Gate" [level=2]
        - list:
          - listitem
        - textbox "Comment"
        - button "Approve"
        - button "Send back"
      - region "Overview":
        - heading "Overview" [level=2]
      - region "Artifacts":
        - heading "Artifacts" [level=2]
        - article "Plan v1"
      - region "Activity":
        - heading "Activity" [level=2]
        - button "Pause"
        - log "Activity"
  `);
  await page.goto(`${server.url}/inbox`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Inbox" [level=1]
      - list "Inbox":
        - listitem:
          - article:
            - heading [level=2]
        - listitem
        - listitem
  `);
  await page.goto(`${server.url}/archive`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Archive" [level=1]
      - search:
        - searchbox "Search the archive"
        - combobox "Project"
      - list "Archive"
  `);
  await page.goto(`${server.url}/projects`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Projects" [level=1]
      - button "Add project"
      - list:
        - listitem:
          - article "lighthouse":
            - heading "lighthouse" [level=2]:
              - link "lighthouse"
            - text: Trusted
            - link "Needs you (3)"
            - term: Backlog
            - definition: "2"
            - term: Plan
            - definition: "2"
            - term: Build
            - definition: "1"
            - paragraph:
              - link "Board of lighthouse"
              - link "Settings of lighthouse"
  `);
  await page.goto(`${server.url}/projects/${project}`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "lighthouse" [level=1]
      - form "Settings":
        - group "Project":
          - textbox "Name": lighthouse
          - combobox "Base branch": main
          - checkbox /Trusted/ [checked]
        - group "Commands":
          - textbox "Check command": sh tests/run.sh
          - textbox "Set-up command"
          - checkbox "Commands may reach the network"
        - group "Gates":
          - combobox "Plan gate"
          - combobox "Build gate"
          - combobox "Review gate"
          - combobox "Ship gate"
        - group "Landing":
          - combobox "Approving Ship"
          - textbox "Then push to remote"
        - group "Limits":
          - textbox "Agents at once": "4"
        - region "Engines"
        - button "Discard changes" [disabled]
        - button "Save settings" [disabled]
      - region "Remove project":
        - button "Remove project…"
  `);
  await page.goto(`${server.url}/nowhere`);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "There is no such page" [level=1]
      - link "Go to the board"
  `);
  await expect(column(page, 'Backlog')).toHaveCount(0);
});
