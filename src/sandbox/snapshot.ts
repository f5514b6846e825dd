import type { Drivers } from '../drivers/drivers.js';
import { inSandbox, type Sandbox } from './sandbox.js';

/** Everything that can be seen of a throw-away host, as comparable lines; made without vmnet's own eyes. */
export type Snapshot = readonly string[];

/** What runs by itself and says nothing: timers, lifetimes, carriers, and counters that a capture leaves. */
const VOLATILE = new Set([
  'valid_life_time',
  'preferred_life_time',
  'operstate',
  'flags_carrier',
  'gc_timer',
  'hello_timer',
  'tentative',
  'nodad',
  'expires',
  'used',
  'handle',
]);

const JSON_SOURCES: Readonly<Record<string, readonly string[]>> = {
  links: ['ip', '-j', '-d', 'address', 'show'],
  routes: ['ip', '-j', '-d', '-4', 'route', 'show', 'table', 'all'],
  routes6: ['ip', '-j', '-d', '-6', 'route', 'show', 'table', 'all'],
  rules: ['ip', '-j', 'rule', 'show'],
  rules6: ['ip', '-6', '-j', 'rule', 'show'],
  neighbours: ['ip', '-j', 'neigh', 'show', 'nud', 'permanent'],
  nexthops: ['ip', '-j', '-d', 'nexthop', 'show'],
  nft: ['nft', '-j', 'list', 'ruleset'],
};

const DOMAINS = ['virsh', '-q', 'list', '--all'];

const TEXT_SOURCES: Readonly<Record<string, readonly string[]>> = {
  files: ['find', '/run', '-not', '-path', '/run/libvirt*', '-not', '-name', 'libvirtd*'],
  processes: [
    'sh',
    '-c',
    'cat /proc/[0-9]*/comm | grep -vx -e cat -e grep -e sh -e ip -e nft -e find -e virsh -e nsenter -e libvirtd -e sleep -e rm -e mknod; true',
  ],
  sysctls: [
    'sh',
    '-c',
    'grep -rs "" /proc/sys/net/bridge /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward; true',
  ],
};

export async function takeSnapshot(sandbox: Sandbox, drivers: Drivers): Promise<Snapshot> {
  const read = async (words: readonly string[]) => {
    const [file = '', ...args] = inSandbox(sandbox, 'host', words);
    return (await drivers.run(file, args)).stdout;
  };
  const json = Object.entries(JSON_SOURCES).map(async ([what, words]) => jsonLines(what, await read(words)));
  // libvirtd answers when it has started up: until then it has programs tell what they can do.
  const answer = read(DOMAINS);
  const text = Object.entries(TEXT_SOURCES).map(async ([what, words]) => {
    await answer;
    return textLines(what, await read(words));
  });
  text.push(answer.then(domains => textLines('domains', domains)));
  return (await Promise.all([...json, ...text])).flat().sort();
}

const textLines = (what: string, text: string) =>
  text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => `${what}: ${line}`);

function jsonLines(what: string, text: string): string[] {
  const parsed = JSON.parse(text.trim() || '[]', (key, value) => (VOLATILE.has(key) ? undefined : value));
  const items: unknown[] = Array.isArray(parsed) ? parsed : parsed.nftables;
  return items.map(item => `${what}: ${JSON.stringify(item)}`);
}

/** Lines that only one of two snapshots has. */
export function snapshotDifference(before: Snapshot, after: Snapshot): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter(line => !now.has(line)).map(line => `missing: ${line}`),
    ...after.filter(line => !old.has(line)).map(line => `left over: ${line}`),
  ];
}
