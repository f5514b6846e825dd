import { findIn, logOf } from '../probes.js';

/** What virt-install has to be told of a domain, as a line of together.sh's. */
export function describedIn(xml: string): string {
  const words = [
    /<name>(.*?)</,
    /<memory unit="MiB">(.*?)</,
    /<kernel>(.*?)</,
    /<initrd>(.*?)</,
    /<mac address="(.*?)"/,
    /<target dev="(.*?)"/,
  ].map(pattern => findIn(xml, pattern));
  return [...words, logOf(xml), findIn(xml, /<cmdline>(.*?)</)].join(' ');
}
