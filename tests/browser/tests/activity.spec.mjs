// A card's log: live, pausable, filtered, with older events on request.
import { advance, atGate, createCard, LENS, openCard } from '../card.mjs';
import { expect, test } from '../server.mjs';

const log = (page) => page.getByRole('log', { name: 'Activity' });

test('events come as they happen, each once', async ({ page, server, complaints }) => {
  const card = await createCard(server, LENS);
  await openCard(page, server, card);
  await expect(log(page)).toContainText('Card created.');
  await advance(server, card, 'plan');
  await expect(log(page)).toContainText("Plan's gate opened");
  const lines = await log(page).locator('.log-line').allInnerTexts();
  expect(lines.filter((line) => line.includes('queued'))).toHaveLength(1);
  const words = lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\s*/, ''));
  expect(words.filter((line, nth) => line === words[nth - 1])).toEqual([]);
  expect(complaints).toEqual([]);
});

test('a paused log stands still and says how much is new', async ({ page, server }) => {
  const card = await createCard(server, LENS);
  await openCard(page, server, card);
  await page.getByRole('button', { name: 'Pause' }).click();
  await advance(server, card, 'plan');
  const resume = page.getByRole('button', { name: /^Resume, \d+ new$/ });
  await expect(resume).toBeVisible();
  await expect(log(page).locator('.log-line')).toHaveCount(1);
  await resume.click();
  await expect(log(page)).toContainText('Planner finished.');
});

test('kinds are left out and come back', async ({ page, server }) => {
  const card = await advance(server, await createCard(server, LENS), 'plan');
  await openCard(page, server, card);
  await page.getByRole('group', { name: 'Show' }).getByRole('button', { name: 'Agents' }).click();
  await expect(log(page)).not.toContainText('Planner started.');
  await expect(log(page)).toContainText('Card created.');
  await page.getByRole('group', { name: 'Show' }).getByRole('button', { name: 'Agents' }).click();
  await expect(log(page)).toContainText('Planner started.');
});

test('older events are loaded above those that are read', async ({ page, server }) => {
  const card = await createCard(server, LENS);
  for (let nth = 0; nth < 210; nth++) await server.api('PATCH', `/cards/${card.id}`, { title: `${LENS.title} ${nth}` });
  await openCard(page, server, card);
  await expect(log(page)).not.toContainText('Card created.');
  await page.getByRole('button', { name: 'Load older events' }).click();
  await expect(log(page)).toContainText('Card created.');
  await expect(page.getByRole('button', { name: 'Load older events' })).toHaveCount(0);
  await advance(server, card, 'plan');
  await atGate(server, card, 'plan');
  await expect(log(page)).toContainText("Plan's gate opened");
});
