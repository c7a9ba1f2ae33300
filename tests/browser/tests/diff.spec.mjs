// Reviewing a diff: files, layouts, what was viewed, and comments on lines that the next agent gets.
import { advance, artifact, atGate, createCard, gate, LENS, openCard } from '../card.mjs';
import { expect, test } from '../server.mjs';

const file = (page, path) => artifact(page, 'Diff').locator(`.diff-file[data-path="${path}"]`);

test('files are filtered, coloured, laid out side by side and ticked off', async ({ page, server, complaints }) => {
  const card = await advance(server, await createCard(server, LENS), 'build');
  await openCard(page, server, card);
  const diff = artifact(page, 'Diff');
  await expect(diff).toContainText('3 files, 6 lines added, 1 removed');
  await expect(file(page, 'log/1989.txt')).toContainText('renamed from attic/1989.txt');
  await expect(file(page, 'src/lens.rs').locator('.hl-k').first()).toHaveText('pub');
  await expect(file(page, 'src/lens.rs').locator('.hl-c')).toContainText('How the lens turns.');
  await expect(file(page, 'lib/units.sh').locator('tr.del mark')).toHaveText('500');
  const colour = (selector) => file(page, 'src/lens.rs').locator(selector).first().evaluate((it) => getComputedStyle(it).color);
  expect(await colour('.hl-k')).not.toBe(await colour('.hl-c'));

  await diff.getByRole('searchbox', { name: 'Filter files' }).fill('LENS');
  await expect(file(page, 'lib/units.sh')).toBeHidden();
  await expect(diff.getByRole('list', { name: 'Changed files' }).getByRole('link')).toHaveText([/lens\.rs/]);
  await diff.getByRole('searchbox').fill('nowhere');
  await expect(diff).toContainText('No file matches.');
  await diff.getByRole('searchbox').fill('');

  await diff.getByRole('button', { name: 'Split view' }).click();
  await expect(file(page, 'lib/units.sh').locator('table.split').first()).toBeVisible();
  const pair = file(page, 'lib/units.sh').locator('tr').filter({ has: page.locator('td.del') });
  await expect(pair).toContainText('+ 500');
  await expect(pair).toContainText('+ 501');

  await file(page, 'src/lens.rs').getByRole('checkbox', { name: 'Viewed src/lens.rs' }).check();
  await expect(diff).toContainText('1 of 3 viewed');
  await expect(file(page, 'src/lens.rs').locator('table')).toBeHidden();
  await page.reload();
  await expect(diff).toContainText('1 of 3 viewed');
  await expect(file(page, 'lib/units.sh').locator('table.split').first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test('comments on lines outlive a reload and go to the next agent as one', async ({ page, server, complaints }) => {
  const card = await advance(server, await createCard(server, LENS), 'build');
  await openCard(page, server, card);
  await file(page, 'src/lens.rs').getByRole('button', { name: 'Comment on line 3', exact: true }).click();
  const comment = page.getByRole('textbox', { name: 'Comment on src/lens.rs:3' });
  await expect(comment).toBeFocused();
  await comment.fill('Say which lens.');
  await page.keyboard.press('Escape');
  const line = file(page, 'src/lens.rs').getByRole('button', { name: 'Comment on line 3', exact: true });
  await expect(line).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Comment on src/lens.rs:4' }).fill('Why six?');
  await file(page, 'lib/units.sh').getByRole('button', { name: /^Comment on removed line/ }).click();
  await page.getByRole('textbox', { name: /^Comment on lib\/units.sh:\d+, removed$/ }).fill('gone in a moment');
  await file(page, 'lib/units.sh').getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Comments on lines' })).toContainText('2 comments on lines');
  await page.reload();
  await expect(comment).toHaveValue('Say which lens.');
  await expect(gate(page)).toContainText('Send back takes your 2 comments on lines along.');
  await gate(page).getByLabel('Comment').fill('Nearly there.');
  await page.getByRole('button', { name: 'Send back 2 comments' }).click();
  await expect(page.getByRole('region', { name: 'Comments on lines' })).toHaveCount(0);
  await expect(comment).toHaveCount(0);
  await atGate(server, card, 'build');
  const agents = (await server.api('GET', `/cards/${card.id}/agents`)).items;
  const given = agents.map((agent) => agent.comment).filter(Boolean);
  expect(given).toEqual([
    'Nearly there.\n\n2 comments on lines:\n\n' +
      '`src/lens.rs:3` (Diff v1)\n> `+    let name = "Fresnel";`\n\nSay which lens.\n\n' +
      '`src/lens.rs:4` (Diff v1)\n> `+    seconds * 6 + name.len() as u32`\n\nWhy six?',
  ]);
  expect(complaints).toEqual([]);
});

test('a file that changes again is no longer viewed, one that does not stays so', async ({ page, server }) => {
  const card = await advance(server, await createCard(server, LENS), 'build');
  await openCard(page, server, card);
  for (const path of ['src/lens.rs', 'lib/units.sh']) {
    await file(page, path).getByRole('checkbox').check();
  }
  await server.api('PATCH', `/cards/${card.id}`, { body: LENS.body.replace('Fresnel', 'Argand') });
  await gate(page).getByRole('combobox', { name: 'Send back to' }).selectOption('plan');
  await gate(page).getByRole('button', { name: 'Send back' }).click();
  await atGate(server, card, 'plan');
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'build' });
  await atGate(server, card, 'build');
  await expect(artifact(page, 'Diff')).toContainText('Diff v2');
  await expect(artifact(page, 'Diff')).toContainText('1 of 3 viewed');
  await expect(file(page, 'lib/units.sh').getByRole('checkbox')).toBeChecked();
  await expect(file(page, 'src/lens.rs').getByRole('checkbox')).not.toBeChecked();
});

test('5,000 lines come when their file is opened, and the page goes on answering', async ({ page, server }) => {
  const lines = Array.from({ length: 5000 }, (_, nth) => `let lamp_${nth} = ${nth}; // turn ${nth}`).join('\n');
  const body = `\`\`\`edit src/many.rs\n<<<<<<< SEARCH\n=======\n${lines}\n>>>>>>> REPLACE\n\`\`\`\n`;
  const card = await advance(server, await createCard(server, { title: 'Many lamps', body }), 'build');
  await openCard(page, server, card);
  const many = file(page, 'src/many.rs');
  await expect(many.locator('tr')).toHaveCount(0);
  // The longest the page stood still, in milliseconds.
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  await many.locator('summary').click();
  await expect(many.getByRole('button', { name: 'Comment on line 5000', exact: true })).toBeAttached();
  await many.getByRole('button', { name: 'Comment on line 4990', exact: true }).click();
  await page.getByRole('textbox', { name: 'Comment on src/many.rs:4990' }).fill('The last but ten.');
  await expect(page.getByRole('region', { name: 'Comments on lines' })).toContainText('1 comment on a line');
  expect(await page.evaluate(() => window.longest)).toBeLessThan(2000);
});
