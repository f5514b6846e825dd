import { printable, quote } from './quote.js';

/** Where a value is in the lab file: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a lab file. All texts are safe to print on a terminal. */
export interface Problem {
  /** JSON pointer, such as `/vms/web/nics/0/mac`; empty for the file as a whole. */
  readonly path: string;
  /** The same place for people, such as `vms.web.nics[0].mac`. */
  readonly where: string;
  /** From 1; of the value, or of the key where the key is wrong. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly message: string;
  readonly fix: string;
}

/** How rules tell: the place, what is wrong, what to do; `at` points at the key instead of the value. */
export type Report = (path: Path, message: string, fix: string, at?: 'value' | 'key') => void;

/** What stands in the defaults is wrong once, however many VMs or NICs take it. */
export function defaultsOnce(report: Report): Report {
  const told = new Set<string>();
  return (path, message, fix, at) => {
    const key = path.join('/');
    if (path[0] === 'defaults' && told.has(key)) return;
    told.add(key);
    report(path, message, fix, at);
  };
}

/** `/vms/web/nics/0/mac` */
export function pointer(path: Path): string {
  return path.map(part => `/${printable(escaped(String(part)))}`).join('');
}

/** RFC 6901 */
const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** `vms.web.nics[0].mac`; a key that is not a plain word is quoted. */
export function where(path: Path): string {
  return path.reduce<string>((start, part) => {
    if (typeof part === 'number') return `${start}[${part}]`;
    if (!/^[$\w-]{1,63}$/.test(part)) return `${start}[${quote(part)}]`;
    return start === '' ? part : `${start}.${part}`;
  }, '');
}

/** One line: `12:20 vms.web.nics[0].mac: what is wrong; what to do`. */
export function problemLine({ line, column, where, message, fix }: Problem): string {
  return `${line}:${column} ${where === '' ? '' : `${where}: `}${message}; ${fix}`;
}

/** In the order of the file, so that people can work from the top. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
