/** Columns of plain text, padded with spaces, two apart; numbers to the right. Trailing blanks are cut. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows].map(row => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map(row => (row[column] ?? '').length)));
  const numeric = header.map(
    (_, column) =>
      rows.length > 0 && rows.every(row => typeof row[column] === 'number' || row[column] === '-'),
  );
  return cells
    .map(row =>
      row
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
