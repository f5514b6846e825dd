import { dirname } from 'node:path';

/** What virt-install has to be told of a domain, as a line of together.sh's, and the folder of its console's log. */
export function parseDomain(xml: string): { line: string; logs: string } {
  const find = (pattern: RegExp) => {
    const found = pattern.exec(xml)?.[1];
    if (found === undefined) throw new Error(`the XML has no ${pattern}:\n${xml}`);
    return found;
  };
  const log = find(/<log file="([^"]+)"/);
  const words = [
    /<name>(.*?)</,
    /<memory unit="MiB">(.*?)</,
    /<kernel>(.*?)</,
    /<initrd>(.*?)</,
    /<mac address="(.*?)"/,
    /<target dev="(.*?)"/,
  ].map(find);
  return { line: [...words, log, find(/<cmdline>(.*?)</)].join(' '), logs: dirname(log) };
}
