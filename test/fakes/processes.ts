import type { Processes } from '../../src/drivers/processes.js';
import { clientOf } from '../../src/host/dhcp-clients.js';
import type { ServiceState } from '../../src/host/model.js';
import type { FakeHost } from './host.js';

/** DHCP clients of a fake host; each gets its lease as soon as it is started. */
export function fakeProcesses(host: FakeHost, call: (call: string) => Promise<void>): Processes {
  const pidOf = (argv: readonly string[]) =>
    [...argv.join(' ')].reduce((sum, c) => (sum * 31 + (c.codePointAt(0) ?? 0)) % 1_000_000_007, 7);
  const frozen = new Set<number>();
  return {
    named: async comms =>
      [...host.renewers, ...host.dnsmasq.map(argv => ({ client: 'dnsmasq', argv }))]
        .filter(({ client }) => comms.includes(client))
        .map(({ client, argv }) => {
          const pid = pidOf(argv);
          return {
            pid,
            startedAt: '1',
            comm: client,
            argv,
            session: pid,
            root: true,
            frozen: frozen.has(pid),
          };
        }),
    async freeze(processes, still) {
      for (const { pid } of processes) {
        await call(`${still ? 'freeze' : 'thaw'} ${pid}`);
        if (still) frozen.add(pid);
        else frozen.delete(pid);
      }
    },
    async end(processes) {
      for (const { pid } of processes) {
        await call(`end ${pid}`);
        host.renewers = host.renewers.filter(({ argv }) => pidOf(argv) !== pid);
        host.dnsmasq = host.dnsmasq.filter(argv => pidOf(argv) !== pid);
      }
    },
    async start(argv) {
      await call(`start ${argv.join(' ')}`);
      if (argv[0] === 'dnsmasq') {
        host.dnsmasq.push(argv);
        return { output: () => '', exitCode: () => 0, forget: () => {} };
      }
      const client = clientOf(argv);
      if (!client) throw new Error(`fake host: ${argv.join(' ')} is no DHCP client`);
      const { leaseFiles, ...renewer } = client;
      host.renewers.push({ ...renewer, leases: leaseFiles[0] ?? null });
      const [address] = host.kernel.links.find(({ name }) => name === client.on)?.addresses ?? [];
      return {
        output: () => `lease of ${address?.local ?? argv.at(-1)} obtained`,
        exitCode: () => 0,
        forget: () => {},
      };
    },
    listenedTo: async () => [],
  };
}

/** What host/services.ts finds there. */
export const servicesOf = (host: FakeHost): ServiceState[] =>
  host.dnsmasq.flatMap(argv => {
    const path = /^--conf-file=(.*)$/.exec(argv[1] ?? '')?.[1] ?? '';
    const [, lab = '', bridge = '', digest = ''] =
      /\/services\/([^/]+)\/(.+)\.([0-9a-f]{16})\.conf$/.exec(path) ?? [];
    return [{ lab, bridge, digest, config: host.texts.get(path) ?? null }];
  });
