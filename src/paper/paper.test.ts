import { expect, test } from 'vitest';
import { wordsOf } from '../../test/support/pdf-words.ts';
import { mm, paper } from './paper.ts';

const now = new Date('2026-03-01T08:00:00Z');

async function sample(): Promise<Buffer> {
  const sheet = await paper({ title: 'Sheet', now, head: 'Head of the sheet', foot: 'Foot of the sheet' });
  await sheet.barcode('MRN-00001234', { beside: true });
  sheet.text('Ødegård, Ana María');
  sheet.fields([
    ['Name', 'Иванова'],
    ['Nothing', null],
  ]);
  sheet.notice('Allergies', ['Penicillin']);
  await sheet.table(
    [
      { title: 'Number', share: 1 },
      { title: 'Barcode', share: 3 },
    ],
    Array.from({ length: 20 }, (_, index) => [`N${index}`, { barcode: `N${index}` }]),
    { rowHeight: mm(14) },
  );
  sheet.newPage();
  sheet.blanks(['Family name', 'Given name']);
  await sheet.barcode('Иванова', { kind: 'qr', label: '' });
  return sheet.pdf();
}

test('the same content with the same date is the same bytes, and the date is in them', async () => {
  const [first, second] = await Promise.all([sample(), sample()]);
  expect(first.equals(second)).toBe(true);
  expect(first.toString('latin1')).toContain('D:20260301080000Z');
});

test('the text can be read out of the file, page by page, with heads, feet and numbers', async () => {
  const pages = wordsOf(await sample());
  expect(pages).toHaveLength(3);
  expect(pages[0]).toContain('Ødegård, Ana María');
  expect(pages[0]).toContain('Иванова');
  for (const [index, page] of pages.entries()) {
    for (const part of ['Head of the sheet', 'Foot of the sheet', `Page ${index + 1} of 3`]) expect(page).toContain(part);
  }
  // The head of a table comes again on its second page, and no row is on two.
  expect(pages[1]).toContain('Number');
  expect(pages.map((page) => (page.match(/\bN\d+\b/g) ?? []).length).reduce((sum, rows) => sum + rows, 0)).toBe(20);
  expect(pages[2]).toContain('Family name');
});

test('what no font has is said at the foot of its page alone', async () => {
  const sheet = await paper({ title: 'Sheet', now });
  sheet.text('王小明');
  sheet.newPage();
  sheet.text('Ana');
  const [first, second] = wordsOf(await sheet.pdf());
  expect(first).toContain('WangXiaoMing†');
  expect(first).toContain('Not the name as it is written');
  expect(second).not.toContain('†');
});

test('a barcode that no scanner could read is refused', async () => {
  const sheet = await paper({ title: 'Sheet', now });
  await expect(sheet.barcode('Иванова')).rejects.toMatchObject({ code: 'BARCODE_TEXT_INVALID' });
  await expect(sheet.barcode('M'.repeat(90))).rejects.toMatchObject({ code: 'BARCODE_TOO_WIDE' });
  await expect(paper({ title: 'Sheet', now, fonts: [import.meta.filename] })).rejects.toMatchObject({ code: 'FONT_UNREADABLE' });
  await expect(paper({ title: 'Sheet', now, fonts: ['/nowhere.ttf'] })).rejects.toMatchObject({ code: 'FONT_UNREADABLE' });
});
