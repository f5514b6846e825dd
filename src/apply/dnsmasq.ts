import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { findServices, serviceFiles, serviceFolder } from '../host/services.js';
import type { Action, DnsmasqRef } from '../plan/model.js';

type Start = Extract<Action, { readonly kind: 'start-dnsmasq' }>;

/** Start it, and return when it serves. Throws `command-failed` with its own words. */
export async function startDnsmasq({ lab, bridge, digest, config }: Start, drivers: Drivers): Promise<void> {
  const there = await processesFor({ lab, bridge }, drivers);
  if (there.some(service => service.digest === digest)) return;
  const { files, stateDir, kernel, systemd } = drivers;
  const paths = serviceFiles(stateDir, lab, bridge, digest);
  await files.write(paths.config, config);
  const argv = [
    'dnsmasq',
    `--conf-file=${paths.config}`,
    `--dhcp-leasefile=${paths.leases}`,
    `--pid-file=${paths.pid}`,
  ];
  const complaint = (await kernel.hasSystemd())
    ? await systemd.startTransient(unitOf({ lab, bridge }), argv, paths.pid)
    : await started(argv, drivers);
  if (complaint !== null) throw notStarted(bridge, complaint);
}

/** End it and whatever of it is about to start; twice is no error. Its leases stay. */
export async function stopDnsmasq(ref: DnsmasqRef, drivers: Drivers): Promise<void> {
  const { files, kernel, systemd, processes, stateDir } = drivers;
  // First, or systemd would start it again.
  if (await kernel.hasSystemd()) await systemd.stop(unitOf(ref));
  // On its way to the background it is several processes, one after the other.
  for (let tries = 0; tries < MOST_ROUNDS; tries++) {
    const found = await processesFor(ref, drivers);
    if (found.length === 0) break;
    await processes.end(found);
  }
  const folder = serviceFolder(stateDir, ref.lab);
  for (const path of await files.list(folder)) if (isFileOf(ref, path)) await files.remove(path);
  await files.removeIfEmpty(folder);
  await files.removeIfEmpty(dirname(folder));
}

const MOST_ROUNDS = 10;

/** No other program has our config file on its command line; and it is looked at by pid and start time when it is ended. */
const processesFor = async ({ lab, bridge }: DnsmasqRef, drivers: Drivers) =>
  (await findServices(drivers)).filter(service => service.lab === lab && service.bridge === bridge);

/** `BRIDGE.DIGEST.conf` and `BRIDGE.pid`; a bridge may be called `br0.10`, beside a `br0`. */
function isFileOf({ bridge }: DnsmasqRef, path: string): boolean {
  const name = basename(path);
  if (!name.startsWith(`${bridge}.`)) return false;
  return /^(?:[0-9a-f]{16}\.conf|pid(?:\.err)?)$/.test(name.slice(bridge.length + 1));
}

const unitOf = ({ lab, bridge }: DnsmasqRef) => `vmnet-dnsmasq:${lab}:${bridge}.service`;

/** Milliseconds to get ready, on a busy machine. */
const STARTS_WITHIN = 20_000;

/** In a session of its own; it goes to the background when it listens. What it complains of, or null. */
async function started(argv: readonly string[], { processes }: Drivers): Promise<string | null> {
  const child = await processes.start(argv);
  const deadline = performance.now() + STARTS_WITHIN;
  while (child.exitCode() === null && performance.now() < deadline) await sleep(2);
  child.forget();
  if (child.exitCode() === 0) return null;
  return child.output().trim() || `it ended with exit code ${child.exitCode()}`;
}

function notStarted(bridge: string, complaint: string): VmnetError {
  const said =
    complaint
      .split('\n')
      .at(-1)
      ?.replace(/^dnsmasq: /, '') ?? '';
  const busy = /in use/.test(said);
  return new VmnetError(
    'command-failed',
    `dnsmasq does not start on ${bridge}: ${said}`,
    busy
      ? 'Another program serves DNS or DHCP on every address of this host. ss -lunp "sport = :53 or sport = :67" names it; let it listen on its own interfaces only (dnsmasq: bind-dynamic), or write "dhcp": false.'
      : 'vmnet plan shows its config file; what the log of the host has of dnsmasq may tell more.',
  );
}
