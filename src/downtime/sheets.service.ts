import type { SealingKey } from '../audit/seal.ts';
import { mm, paper, type PaperSize } from '../paper/paper.ts';
import type { BlockWithNumbers } from './block.service.ts';
import { sheetCode } from './statement.ts';

/**
 * The printed kit of a block: a cover with what to do, a list of all numbers with room for the name and label barcodes, and a blank
 * registration form for each number. Every form carries a signed code, so that a copied or altered sheet can be told without the system.
 */
export async function printDowntimeSheets(
  given: BlockWithNumbers,
  { key, now, size = 'A4' }: { key: SealingKey; now: Date; size?: PaperSize },
): Promise<Buffer> {
  const { block, numbers } = given;
  const open = numbers.filter(({ state }) => state === 'OPEN');
  const shown = (each: { mrn: string; checkCharacter: string }) => (each.checkCharacter === '' ? each.mrn : `${each.mrn} / ${each.checkCharacter}`);
  const sheet = await paper({
    title: `Downtime kit ${block.code}`,
    now,
    size,
    head: `Downtime block ${block.code}, desk ${block.desk}`,
    foot: `Valid ${block.validFrom} to ${block.validUntil}`,
  });
  sheet.heading('Downtime kit');
  sheet.fields([
    ['Desk', block.desk],
    ['Block', block.code],
    ['Numbers', `${open.length} of ${numbers.length}`],
    ['First', open[0] ? shown(open[0]) : null],
    ['Last', open.at(-1) ? shown(open.at(-1) as { mrn: string; checkCharacter: string }) : null],
    ['Valid', `${block.validFrom} to ${block.validUntil}`],
    ['Signing key', block.keyId],
  ]);
  sheet.notice('While the system is down', [
    'Take the next form from the top. One form, one person, one number: never use a number twice.',
    'Ask whether the person has been here before, and write an earlier record number down if there is one.',
    'Write in capital letters, dates as day, month in letters, year. Put a barcode label on wristband and papers.',
    'Copy the number with the character behind the stroke. A spoilt form keeps its number: write VOID and the reason across it.',
    'When the system is back, give all forms, used and unused, to the lead of the desk. Every number has to be accounted for.',
  ]);
  sheet.newPage();
  sheet.heading('Who is here');
  await sheet.table(
    [
      { title: '', share: 0.6 },
      { title: 'Number', share: 2.6 },
      { title: 'Name, date of birth', share: 4 },
      { title: 'Arrived', share: 1.3 },
      { title: 'Where, left', share: 2 },
    ],
    open.map((each) => [String(each.place), shown(each), '', '', '']),
    { rowHeight: mm(9) },
  );
  sheet.newPage();
  sheet.heading('Labels for wristband and papers');
  await sheet.table(
    [
      { title: 'Label', share: 1.7 },
      { title: '', share: 1 },
      { title: 'Label', share: 1.7 },
      { title: '', share: 1 },
    ],
    open.map((each) => [{ barcode: each.mrn }, shown(each), { barcode: each.mrn }, shown(each)]),
    { rowHeight: mm(17) },
  );
  for (const each of open) {
    sheet.newPage();
    const { code, desk, validFrom, validUntil } = block;
    await sheet.barcode(sheetCode({ code, desk, mrn: each.mrn, checkCharacter: each.checkCharacter, validFrom, validUntil }, key), {
      kind: 'qr',
      height: mm(32),
      label: '',
      beside: true,
    });
    sheet.heading('Registration while the system is down');
    sheet.text(shown(each), { size: 18, bold: true });
    await sheet.barcode(each.mrn, { height: mm(14) });
    sheet.text(`Sheet ${each.place} of ${numbers.length}`, { size: 9 });
    sheet.space(6);
    sheet.blanks(
      [
        'Family name',
        'Given name',
        'Middle name',
        'Earlier or birth name',
        'Date of birth (day, month in letters, year)',
        'Sex',
        'Telephone',
        'Identity number',
      ],
      { columns: 2, height: mm(13) },
    );
    sheet.blanks(['Street and number', 'Postcode and place'], { columns: 1, height: mm(13) });
    sheet.blanks(['Next of kin, telephone', 'Been here before? Earlier number', 'Arrived (date, time)', 'Registered by'], { columns: 2, height: mm(13) });
    sheet.blanks(['Allergies told', 'Why here', 'Remarks; VOID and why'], { columns: 1, height: mm(13) });
    sheet.text('When the system is back: entered on ______________ by ______________   looked for an earlier chart [  ]', { size: 9 });
  }
  return sheet.pdf();
}
