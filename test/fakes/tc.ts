import type { FakeHost } from './host.js';

/** One line of a `tc -batch`, as far as plans say such lines; any other throws. */
export function runTcLine({ kernel, queues }: FakeHost, line: string): void {
  const [, verb, dev = '', rest = ''] = /^qdisc (replace|add|del) dev (\S+) (.*)$/.exec(line) ?? [];
  if (!kernel.links.some(({ name }) => name === dev)) throw new Error(`Cannot find device "${dev}"`);
  const root = /^root handle ([0-9a-f]{4}:) (tbf|netem) /.exec(rest);
  if (verb === 'replace' && root) {
    queues.set(dev, { dev, handle: root[1] ?? '', kind: root[2] ?? '' });
    return;
  }
  if (verb === 'add' && new RegExp(`^parent ${queues.get(dev)?.handle}1 tbf `).test(rest)) return;
  if (verb === 'del' && rest === 'root' && queues.delete(dev)) return;
  throw new Error(`the fake tc does not know: ${line}`);
}
