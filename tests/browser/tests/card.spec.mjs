// A card's page: what is on it, what its agents made, and that it reads without JavaScript and on paper.
import { advance, alive, artifact, atGate, createCard, gate, LENS, openCard } from '../card.mjs';
import { expect, signIn, test } from '../server.mjs';

test('stages, body, artifacts and the commit are told, copied and downloaded', async ({ page, server, context, complaints }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const card = await advance(server, await createCard(server, LENS), 'ship');
  await openCard(page, server, card);
  await expect(page).toHaveTitle(new RegExp(`#${card.number} ${LENS.title} · Slipway`));
  const stages = page.getByRole('list', { name: 'Stages' }).getByRole('listitem');
  await expect(stages).toHaveCount(5);
  await expect(stages.nth(1)).toContainText('Approved by a person');
  await expect(stages.nth(4)).toHaveAttribute('aria-current', 'step');
  await expect(page.getByText('The lamp needs a lens.').first().locator('strong')).toHaveText('lens');
  await expect(artifact(page, 'Plan')).toContainText('Made by the planner (playbook) from the card');
  await expect(artifact(page, 'Diff')).toContainText('Plan v1');

  const commit = artifact(page, 'Commit');
  await expect(commit).toContainText(card.commit);
  await commit.getByRole('button', { name: 'Copy hash' }).click();
  await expect(page.getByRole('status')).toContainText('hash copied.');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(card.commit);
  await artifact(page, 'Diff').getByRole('button', { name: 'Copy Diff v1' }).click();
  await expect(page.getByRole('status')).toContainText('Diff v1 copied.');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('+pub fn turn(seconds: u32) -> u32 {');
  const download = page.waitForEvent('download');
  await artifact(page, 'Diff').getByRole('link', { name: 'Download Diff v1' }).click();
  expect((await download).suggestedFilename()).toBe('changes.diff');
  expect(complaints).toEqual([]);
});

test('versions of a plan are switched and compared, by address and without JavaScript', async ({ page, server, browser, complaints }) => {
  const card = await advance(server, await createCard(server, LENS), 'plan');
  await server.api('PATCH', `/cards/${card.id}`, { body: LENS.body.replace('src/lens.rs', 'src/prism.rs') });
  await openCard(page, server, card);
  await server.api('POST', `/cards/${card.id}/gate`, { decision: 'send_back', comment: 'Call it a prism.' });
  await atGate(server, card, 'plan');
  // The page learns of the new version by itself.
  const plan = artifact(page, 'Plan');
  await expect(plan).toContainText('Plan v2');
  await expect(plan).toContainText('src/prism.rs');
  await plan.getByRole('navigation', { name: 'Versions' }).getByRole('link', { name: 'v1' }).click();
  await expect(plan).toContainText('src/lens.rs');
  await expect(page).toHaveURL(/artifact=.*#artifact-plan$/);
  await plan.getByRole('link', { name: 'v2' }).click();
  await plan.getByRole('link', { name: 'since v1' }).click();
  await expect(plan).toContainText('What changed from v1 to v2.');
  const removed = plan.locator('tr.del').filter({ hasText: 'lens.rs' }).first();
  await expect(removed.locator('mark')).toContainText('lens');
  await expect(plan.locator('tr.add').filter({ hasText: 'prism.rs' }).first()).toBeVisible();
  const compared = page.url();
  await page.reload();
  await alive(page);
  await expect(plan).toContainText('What changed from v1 to v2.');

  const still = await browser.newContext({ javaScriptEnabled: false });
  const paper = await still.newPage();
  await signIn(paper, server);
  await paper.goto(compared);
  await expect(paper.locator('tr.add').filter({ hasText: 'prism.rs' }).first()).toBeVisible();
  await paper.getByRole('article', { name: /^Plan v/ }).getByRole('link', { name: 'v1', exact: true }).click();
  await expect(paper.getByRole('article', { name: 'Plan v1' })).toContainText('src/lens.rs');
  await expect(gate(paper).getByRole('listitem').first()).toBeVisible();
  await expect(paper.getByRole('log')).toContainText('Planner started.');
  await still.close();
  expect(complaints).toEqual([]);
});

test('a decision is one call for the story, and the page keeps its focus and what is typed', async ({ page, server }) => {
  const card = await advance(server, await createCard(server, LENS), 'plan');
  await openCard(page, server, card);
  const comment = gate(page).getByLabel('Comment');
  await comment.fill('Half a th');
  let loads = 0;
  page.on('request', (request) => (loads += request.url().includes('load_story') ? 1 : 0));
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'build' });
  await atGate(server, card, 'build');
  await expect(gate(page)).toContainText('Build · opened');
  await comment.pressSequentially('ought');
  await expect(comment).toHaveValue('Half a thought');
  await expect(comment).toBeFocused();
  await expect(artifact(page, 'Diff')).toBeVisible();
  // The move, and the agent's end: each settles into one call, and a slow agent may make one between.
  expect(loads).toBeLessThanOrEqual(4);
});

test('on paper the story is whole, without controls', async ({ page, server }) => {
  const card = await advance(server, await createCard(server, LENS), 'build');
  await openCard(page, server, card);
  await artifact(page, 'Diff').locator('summary').first().click();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const name of ['Approve', 'Edit', 'Split view', 'Pause']) {
    await expect(page.getByRole('button', { name })).toHaveCount(0);
  }
  await expect(artifact(page, 'Diff').locator('tr.add').first()).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Gate' })).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('light');
});

test('an address of no card says so', async ({ page, server }) => {
  await signIn(page, server);
  const response = await page.goto(`${server.url}/cards/0197c0de-0000-7000-8000-000000000009`);
  expect(response.status()).toBe(404);
  await expect(page.getByRole('heading', { name: 'There is no such card' })).toBeVisible();
  await expect(page).toHaveTitle(/Not found/);
});
