const TAIL_LINES = 12;

/** The last lines of a console, fit for a terminal: without escape sequences and control characters. */
export function consoleTail(text: string | null): string {
  const plain = (text ?? '')
    .replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b./g, '')
    .replace(/[^\n\x20-\x7e]/g, '');
  const lines = plain.split('\n').filter(line => line.trim() !== '');
  return lines
    .slice(-TAIL_LINES)
    .map(line => `  | ${line.slice(0, 160)}`)
    .join('\n');
}
