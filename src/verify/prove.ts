import type { Drivers } from '../drivers/drivers.js';
import { number, object, string } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { HostState } from '../host/model.js';
import { bare } from '../lab/cidr.js';
import { type Counts, counterScript, entryKey, parseCounts } from './counters.js';
import type { PathEvidence } from './model.js';
import { makeStimulus, type Stimulus } from './stimulus.js';
import type { Target } from './targets.js';

export interface ProveOptions {
  /** Milliseconds to wait for guests that have not spoken yet. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/** Count, make the guests speak, look, until every NIC has shown its path or patience ends. */
export async function prove(
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
  options: ProveOptions,
): Promise<Map<Target, PathEvidence>> {
  const table = `vmnet_proof_${process.pid}`;
  const names = new Set(targets.map(target => target.bridge));
  const own = host.links.filter(link => names.has(link.name)).map(link => link.mac);
  const before = await received(drivers);
  const counters = await drivers.nft.own(counterScript(table, hookable(targets, host), own));
  try {
    const stimulus = await makeStimulus(drivers, targets, addressesInUse(targets, host));
    try {
      const counts = await askUntilSeen(targets, table, stimulus, drivers, options);
      const [ports, after] = await Promise.all([learned(drivers), received(drivers)]);
      return new Map(
        targets.map(target => {
          const frames = (after.get(target.tap) ?? 0) - (before.get(target.tap) ?? 0);
          const port = ports.get(`${target.bridge} ${target.nic.mac}`);
          const found = {
            ...nothingSeen(target),
            ...counted(target, counts),
            tap: { name: target.tap, received: frames },
            fdb: port === undefined ? null : { mac: target.nic.mac, port },
            tried: stimulus.tried(target),
          };
          return [target, found] as const;
        }),
      );
    } finally {
      await stimulus.close();
    }
  } finally {
    await counters.close();
  }
}

/** The evidence of a NIC before anything was counted. */
export const nothingSeen = (target: Target): PathEvidence => ({
  ...counted(target, { get: () => 0 }),
  tap: { name: target.tap, received: 0 },
  fdb: null,
  tried: [],
  console: '',
});

/** The egress hook can only be had on an uplink that exists. */
const hookable = (targets: readonly Target[], host: HostState) =>
  targets.map(target =>
    host.links.some(link => link.name === target.uplink) ? target : { ...target, uplink: null },
  );

/** What the stimulus must not borrow: addresses of the lab, of the host, and of its gateways. */
function addressesInUse(targets: readonly Target[], host: HostState): Set<string> {
  const gateways = host.routes.flatMap(route => [route.gateway, ...route.nexthops.map(hop => hop.gateway)]);
  return new Set([
    ...targets.flatMap(({ nic }) => nic.addresses.map(bare)),
    ...host.links.flatMap(link => link.addresses.map(address => address.local)),
    ...gateways.filter(gateway => gateway !== null),
  ]);
}

async function askUntilSeen(
  targets: readonly Target[],
  table: string,
  stimulus: Stimulus,
  drivers: Drivers,
  { patienceMs, signal, tell }: ProveOptions,
): Promise<Counts> {
  const read = async () => parseCounts(table, await drivers.nft.sets());
  const deadline = Date.now() + patienceMs;
  let told = 0;
  for (let round = 1; ; round++) {
    await stimulus.askAll();
    let counts = await read();
    const silent = targets.filter(target => !shown(target, counts));
    if (silent.length > 0) {
      await Promise.all(silent.map(target => stimulus.ask(target)));
      counts = await read();
    }
    const waiting = silent.filter(target => !shown(target, counts) && !stuck(target, counts, round));
    if (waiting.length === 0 || Date.now() > deadline || signal?.aborted) return counts;
    if (!(await anyAlive(waiting, drivers))) return counts;
    if (waiting.length !== told) tell(`${waiting.length} of ${targets.length} NICs not seen yet`);
    told = waiting.length;
  }
}

/** Has the NIC's frame gone all the way? */
function shown(target: Target, counts: Counts): boolean {
  const last = target.uplink === null ? 'bridge_forward' : 'netdev_egress';
  return counts.get('bridge_prerouting', entryKey(target)) > 0 && counts.get(last, target.nic.mac) > 0;
}

/** A frame that entered and did not leave within two rounds will not leave. */
const stuck = (target: Target, counts: Counts, round: number) =>
  round >= 2 && counts.get('bridge_prerouting', entryKey(target)) > 0;

/** Waiting for guests makes sense only as long as one of them runs. */
async function anyAlive(targets: readonly Target[], drivers: Drivers): Promise<boolean> {
  const waited = new Set(targets.map(target => target.domain));
  const domains = await (await drivers.libvirt()).listDomains();
  return domains.some(({ name, state }) => waited.has(name) && state !== 'shutoff' && state !== 'crashed');
}

function counted(
  { nic, uplink, ...target }: Target,
  counts: Counts,
): Pick<PathEvidence, 'bridge' | 'families' | 'hostStack' | 'uplink'> {
  const entry = entryKey({ nic, uplink, ...target });
  return {
    bridge: {
      prerouting: counts.get('bridge_prerouting', entry),
      forward: counts.get('bridge_forward', nic.mac),
      input: counts.get('bridge_input', nic.mac),
    },
    families: { ip: counts.get('bridge_ip', entry), ip6: counts.get('bridge_ip6', entry) },
    hostStack: {
      prerouting: counts.get('inet_prerouting', nic.mac),
      forward: counts.get('inet_forward', nic.mac),
      input: counts.get('inet_input', nic.mac),
      arp: counts.get('arp_input', nic.mac),
    },
    uplink: uplink === null ? null : { name: uplink, egress: counts.get('netdev_egress', nic.mac) },
  };
}

/** Frames received from each link so far: for a tap, what its guest sent. */
async function received(drivers: Drivers): Promise<Map<string, number>> {
  const links = await drivers.ip.links({ stats: true });
  return new Map(
    links.map(json => [parseLink(json).name, number(object(object(json.stats64).rx).packets) ?? 0]),
  );
}

/** Port of each learned MAC, by `BRIDGE MAC`. */
async function learned(drivers: Drivers): Promise<Map<string, string>> {
  const entries = await drivers.ip.fdb();
  return new Map(
    entries
      .filter(entry => string(entry.state) !== 'permanent')
      .map(entry => [`${string(entry.master)} ${string(entry.mac)}`, string(entry.ifname) ?? '']),
  );
}
