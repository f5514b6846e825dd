import type { Drivers } from '../drivers/drivers.js';
import { number, object, string } from '../host/json.js';
import { parseLink } from '../host/links.js';
import type { HostState } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import type { Lab } from '../lab/model.js';
import { bare } from './addresses.js';
import { checkDomain, checkFdb, checkTap } from './checks.js';
import { type Counts, counterScript, entryKey, parseCounts } from './counters.js';
import type { Check, PathEvidence, Target } from './model.js';
import { judgePath } from './path.js';
import { makeStimulus, type Stimulus } from './stimulus.js';

export interface VerifyOptions {
  /** Milliseconds to wait for guests that have not spoken yet. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/** Check every VM and prove the path of every NIC, all at once. Changes nothing that outlives the call. */
export async function verifyLab(lab: Lab, drivers: Drivers, options: VerifyOptions): Promise<Check[]> {
  const host = await observeHost(drivers, lab);
  const targets = targetsOf(lab, host);
  const present = targets.filter(target =>
    host.links.some(link => link.name === target.bridge && link.kind === 'bridge'),
  );
  const proof = present.length > 0 ? await prove(present, host, drivers, options) : null;
  const after = proof?.host ?? host;
  const alive = new Map(lab.vms.map(vm => [vm.name, checkDomain(vm, host)]));
  return [
    ...alive.values(),
    ...targets.flatMap(target => {
      const evidence = proof?.evidence.get(target) ?? nothingSeen(target);
      return [
        checkTap(target, after),
        checkFdb(target, evidence.fdb?.port ?? null),
        judgePath(target, evidence, { host: after, alive: alive.get(target.nic.vm)?.verdict === 'ok' }),
      ];
    }),
  ];
}

/** Each NIC with the names that its tap and bridge have now. */
export function targetsOf(lab: Lab, host: HostState): Target[] {
  const nameOf = new Map(
    host.links.flatMap(link => link.altnames.map(altname => [altname, link.name] as const)),
  );
  const bridges = new Map(lab.bridges.map(bridge => [bridge.name, bridge]));
  return lab.vms.flatMap(vm =>
    vm.nics.map(nic => {
      const bridge = bridges.get(nic.bridge);
      return {
        nic,
        tap: nameOf.get(nic.altname) ?? nic.tap,
        bridge: nameOf.get(bridge?.altname ?? '') ?? nic.bridge,
        uplink: bridge?.uplink ?? null,
      };
    }),
  );
}

/** What the stimulus must not borrow: addresses of the lab, of the host, and of its gateways. */
function addressesInUse(targets: readonly Target[], host: HostState): Set<string> {
  return new Set([
    ...targets.flatMap(({ nic }) => nic.addresses.map(bare)),
    ...host.links.flatMap(link => link.addresses.map(address => address.local)),
    ...host.routes.flatMap(route =>
      [route.gateway ?? [], ...route.nexthops.map(hop => hop.gateway ?? [])].flat(),
    ),
  ]);
}

interface Proof {
  readonly evidence: ReadonlyMap<Target, PathEvidence>;
  readonly host: HostState;
}

/** Count, make the guests speak, look, until every NIC has shown its path or patience ends. */
async function prove(
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
  options: VerifyOptions,
): Promise<Proof> {
  const table = `vmnet_proof_${process.pid}`;
  const names = new Set(targets.map(target => target.bridge));
  const own = host.links.filter(link => names.has(link.name)).map(link => link.mac);
  const before = await received(drivers);
  const counters = await drivers.nft.own(counterScript(table, hookable(targets, host), own));
  try {
    const stimulus = await makeStimulus(drivers, targets, addressesInUse(targets, host));
    try {
      const counts = await askUntilSeen(targets, table, stimulus, drivers, options);
      const [fdb, after, state] = await Promise.all([
        learned(drivers),
        received(drivers),
        observeHost(drivers, null),
      ]);
      const evidence = targets.map(target => {
        const tap = {
          name: target.tap,
          received: (after.get(target.tap) ?? 0) - (before.get(target.tap) ?? 0),
        };
        const port = fdb.get(`${target.bridge} ${target.nic.mac}`);
        const seen = evidenceOf(target, counts);
        return [
          target,
          {
            ...seen,
            tap,
            fdb: port === undefined ? null : { mac: target.nic.mac, port },
            tried: stimulus.tried(target),
          },
        ] as const;
      });
      return { evidence: new Map(evidence), host: state };
    } finally {
      await stimulus.close();
    }
  } finally {
    await counters.close();
  }
}

/** The egress hook can only be had on an uplink that exists. */
const hookable = (targets: readonly Target[], host: HostState) =>
  targets.map(target =>
    host.links.some(link => link.name === target.uplink) ? target : { ...target, uplink: null },
  );

async function askUntilSeen(
  targets: readonly Target[],
  table: string,
  stimulus: Stimulus,
  drivers: Drivers,
  { patienceMs, signal, tell }: VerifyOptions,
): Promise<Counts> {
  const deadline = Date.now() + patienceMs;
  for (let round = 1; ; round++) {
    await stimulus.askAll();
    let counts = await readCounts(drivers, table);
    let silent = targets.filter(target => !shown(target, counts));
    if (silent.length > 0) {
      await inGroups(silent, ASKED_AT_ONCE, target => stimulus.ask(target));
      counts = await readCounts(drivers, table);
      silent = targets.filter(target => !shown(target, counts));
    }
    // A frame that entered and did not leave within two rounds will not leave.
    const waiting = silent.filter(
      target => round < 2 || counts.get('bridge_prerouting', entryKey(target)) === 0,
    );
    if (waiting.length === 0 || Date.now() > deadline || signal?.aborted) return counts;
    tell(`round ${round}: ${waiting.length} of ${targets.length} NICs not seen yet`);
  }
}

/** Guests asked one by one at the same time; each costs two short processes. */
const ASKED_AT_ONCE = 16;

async function inGroups<T>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(work));
}

/** Has the NIC's frame gone all the way? */
function shown(target: Target, counts: Counts): boolean {
  const last = target.uplink === null ? 'bridge_forward' : 'netdev_egress';
  return counts.get('bridge_prerouting', entryKey(target)) > 0 && counts.get(last, target.nic.mac) > 0;
}

const readCounts = async (drivers: Drivers, table: string) => parseCounts(table, await drivers.nft.sets());

function evidenceOf(
  { nic, uplink, ...target }: Target,
  counts: Counts,
): Omit<PathEvidence, 'tap' | 'fdb' | 'tried'> {
  return {
    bridge: {
      prerouting: counts.get('bridge_prerouting', entryKey({ nic, uplink, ...target })),
      forward: counts.get('bridge_forward', nic.mac),
      input: counts.get('bridge_input', nic.mac),
    },
    families: {
      ip: counts.get('bridge_ip', entryKey({ nic, uplink, ...target })),
      ip6: counts.get('bridge_ip6', entryKey({ nic, uplink, ...target })),
    },
    hostStack: {
      prerouting: counts.get('inet_prerouting', nic.mac),
      forward: counts.get('inet_forward', nic.mac),
      input: counts.get('inet_input', nic.mac),
      arp: counts.get('arp_input', nic.mac),
    },
    uplink: uplink === null ? null : { name: uplink, egress: counts.get('netdev_egress', nic.mac) },
  };
}

const NO_COUNTS: Counts = { get: () => 0 };

const nothingSeen = (target: Target): PathEvidence => ({
  ...evidenceOf(target, NO_COUNTS),
  tap: { name: target.tap, received: 0 },
  fdb: null,
  tried: [],
});

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
