// A terminal's text as an SVG, so that the README shows what the command really prints.

const cellWidth = 8.4;
const lineHeight = 18;
const padding = 16;

/** Draws plain or ANSI-coloured text; only bold is kept of the colours. */
export function renderPlanPicture(text: string, command = 'onechart migrate plan'): string {
  const lines = [`$ ${command}`, ...text.split('\n')];
  const plain = (line: string) => line.replaceAll(/\u001b\[[0-9;]*m/g, '');
  const columns = Math.max(...lines.map((line) => plain(line).length));
  const width = Math.ceil(columns * cellWidth + 2 * padding);
  const height = lines.length * lineHeight + 2 * padding;
  const rows = lines.map((line, index) => {
    const bold = index === 0 || line.includes('\u001b[1m') || /^│ (\d{14}_|# )/.test(plain(line));
    const text = plain(line);
    // A fixed length keeps the frame straight whatever monospaced font the reader has.
    return text === ''
      ? ''
      : `<text x="${padding}" y="${padding + (index + 0.75) * lineHeight}" textLength="${(text.length * cellWidth).toFixed(1)}" lengthAdjust="spacingAndGlyphs"${bold ? ' font-weight="bold"' : ''}>${escape(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of ${command}">`,
    '<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>',
    '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#e6e9ed" xml:space="preserve">',
    ...rows.filter((row) => row !== ''),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
