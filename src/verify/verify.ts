import type { Drivers } from '../drivers/drivers.js';
import type { CapturedFrame } from '../drivers/pcap.js';
import { VmnetError } from '../errors.js';
import { consoleTail } from '../guest/console.js';
import type { HostState } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import type { BridgeSettings } from '../host/ports.js';
import type { Lab } from '../lab/model.js';
import { tableName } from '../lab/names.js';
import { quote } from '../lab/quote.js';
import { consolePath } from '../render/domain.js';
import type { Scene } from './causes/cause.js';
import { checkAddress, checkDomain, checkFdb, checkTap, checkUplink } from './checks.js';
import { diagnose, NO_DIAGNOSIS } from './diagnosis.js';
import { nothingSeen } from './evidence.js';
import { targetsOfDomain } from './foreign.js';
import { checkIsolation } from './isolation/check.js';
import type { SeclusionEvidence } from './isolation/seclusion.js';
import { checkLinks } from './link.js';
import { verifyMacvtaps } from './macvtap/verify.js';
import type { Check } from './model.js';
import { checkNamespace } from './namespace.js';
import { judgePath } from './path.js';
import { type Proof, prove } from './prove.js';
import type { ProveOptions } from './rounds.js';
import { checkForged, checkRules } from './rule-checks.js';
import { checkServices } from './services.js';
import { type Target, targetsOf } from './targets.js';
import { checkTun } from './tun.js';
import { checkUnplugged, isUnplugged } from './unplugged.js';

export interface VerifyOptions extends ProveOptions {
  /** Applied without domains: libvirt is not asked. */
  readonly networkOnly?: boolean;
  /** Are the lab's own rules of nftables those that it asks for? Default: are there any? */
  readonly areLoaded?: (lab: Lab, host: HostState) => boolean;
}

export interface Verified {
  readonly checks: readonly Check[];
  readonly targets: readonly Target[];
  /** All that was captured, in order, with the names of the devices by their index. */
  readonly frames: readonly CapturedFrame[];
  readonly devices: ReadonlyMap<number, string>;
  /** Why nothing could be captured; null where it could. */
  readonly noCapture: string | null;
}

/** Check every VM and prove the path of every NIC, all at once. Changes nothing that outlives the call. */
export async function verifyLab(lab: Lab, drivers: Drivers, options: VerifyOptions): Promise<Verified> {
  const { networkOnly = false } = options;
  const look = () => observeHost(drivers, lab, { networkOnly });
  const before = await look();
  const all = targetsOf(lab, before, networkOnly);
  const targets = networkOnly ? all : all.filter(({ nic }) => !isUnplugged(nic));
  const services = await checkServices(lab, before, drivers, options);
  const { checks, ...seen } = await verifyTargets(targets, before, look, drivers, options);
  const domains = networkOnly ? [] : lab.vms.map(vm => checkDomain(vm, seen.host));
  const namespaces = lab.namespaces.map(namespace => checkNamespace(namespace, lab, seen.host));
  const links = await checkLinks(lab, seen.host, drivers);
  const direct = await verifyMacvtaps(lab, before, look, drivers, options);
  const tuns = lab.tuns.map(tun => checkTun(tun, seen.host));
  const unplugged = networkOnly ? [] : checkUnplugged(lab, seen.host);
  const ruled = await checkPorts(lab, targets, seen.host, drivers, options);
  return {
    ...seen,
    targets,
    frames: [...seen.frames, ...direct.frames],
    devices: new Map([...seen.devices, ...direct.devices]),
    noCapture: seen.noCapture ?? direct.noCapture,
    checks: await Promise.all(
      [
        ...services,
        ...domains,
        ...namespaces,
        ...checks,
        ...unplugged,
        ...direct.checks,
        ...ruled,
        ...links,
        ...tuns,
      ].map(check => withConsole(check, lab, drivers)),
    ),
  };
}

/** The rules on ports: are they there, and do they hold? Nothing is sent where the lab has none. */
async function checkPorts(
  lab: Lab,
  targets: readonly Target[],
  host: HostState,
  drivers: Drivers,
  { passive, areLoaded = hasTable }: VerifyOptions,
): Promise<Check[]> {
  const rules = targets.flatMap(target => checkRules(lab, target, host, areLoaded(lab, host)));
  if (rules.length === 0 || passive) return rules;
  const { sendForged } = await import('./anti-spoof.js');
  const forged = await sendForged(lab.name, targets, host, drivers);
  return [...rules, ...targets.flatMap(target => checkForged(target, forged.get(target)))];
}

const hasTable = (lab: Lab, host: HostState) => host.tables.some(({ name }) => name === tableName(lab.name));

/** The NICs of one running domain, whoever made it. */
export async function verifyDomain(name: string, drivers: Drivers, options: ProveOptions): Promise<Verified> {
  const libvirt = await drivers.libvirt();
  const uuid = await libvirt.lookupDomainByName(name);
  if (uuid === null)
    throw new VmnetError('usage', `libvirt has no domain ${quote(name)}`, 'virsh list shows those that run.');
  const look = () => observeHost(drivers, null);
  const before = await look();
  const targets = targetsOfDomain(name, await libvirt.domainXml(uuid, {}, { name }), before);
  return { ...(await verifyTargets(targets, before, look, drivers, options)), targets };
}

/** The checks of these NICs alone. */
export async function verifyTargets(
  targets: readonly Target[],
  before: HostState,
  look: () => Promise<HostState>,
  drivers: Drivers,
  options: ProveOptions,
): Promise<Omit<Verified, 'targets'> & { readonly host: HostState }> {
  const bridges = new Set([
    ...before.links.filter(link => link.kind === 'bridge').map(link => link.name),
    ...(before.ovs?.bridges ?? []).map(({ name }) => name),
  ]);
  const present = targets.filter(target => bridges.has(target.bridge));
  const proof = present.length > 0 ? await prove(present, before, drivers, options) : NO_PROOF;
  const host = present.length > 0 ? await look() : before;
  const scenes = targets.map(target => sceneOf(target, proof, host));
  const judged = await judge(scenes, drivers);
  return {
    checks: scenes.flatMap((scene, i) => checksOf(scene, proof.seclusion(scene.target), judged[i])),
    host,
    frames: proof.frames,
    devices: new Map(host.links.map(link => [link.index, link.name])),
    noCapture: proof.noCapture,
  };
}

const NO_SETTINGS: BridgeSettings = { ports: new Map(), calls: new Map() };
const NO_PROOF: Proof = {
  evidence: new Map(),
  seclusion: () => null,
  settings: NO_SETTINGS,
  frames: [],
  noCapture: null,
};

const sceneOf = (target: Target, { evidence, settings }: Proof, host: HostState): Scene => ({
  target,
  evidence: evidence.get(target) ?? nothingSeen(target),
  host,
  domain:
    target.domain === null
      ? null
      : (host.libvirt?.domains.find(({ name }) => name === target.domain)?.state ?? 'not defined'),
  settings,
  diagnosis: NO_DIAGNOSIS,
});

/** What could have stopped a frame is looked for only where one was stopped. */
async function judge(scenes: readonly Scene[], drivers: Drivers): Promise<Check[]> {
  const first = scenes.map(scene => judgePath(scene));
  const trouble = scenes.filter((_, i) => ['blocked', 'leak'].includes(first[i]?.verdict ?? ''));
  if (trouble.length === 0) return first;
  const present = new Set(trouble.flatMap(({ host }) => host.links).map(({ name }) => name));
  const devices = trouble.flatMap(({ target, evidence: { way } }) => [
    target.tap,
    target.uplink ?? '',
    ...(way?.errands ?? []).flatMap(({ left }) => left.map(({ port }) => port)),
  ]);
  const bridges = trouble.flatMap(({ target }) => (target.intent === 'direct' ? [] : [target.bridge]));
  const diagnosis = await diagnose(
    devices.filter(name => present.has(name)),
    bridges,
    drivers,
  );
  return scenes.map(scene => judgePath({ ...scene, diagnosis }));
}

const checksOf = (
  { target, evidence, host, settings }: Scene,
  seclusion: SeclusionEvidence | null,
  path: Check | undefined,
): Check[] => [
  checkTap(target, host, settings),
  ...checkUplink(target, settings),
  checkFdb(target, evidence.fdb?.port ?? null),
  checkAddress(target, evidence.addresses, host),
  ...checkIsolation(target, seclusion, settings),
  ...(path ? [path] : []),
];

/** A silent guest's last words on its console often say why. */
async function withConsole(check: Check, lab: Lab, drivers: Drivers): Promise<Check> {
  if (check.reason !== 'guest-silent') return check;
  const tail = consoleTail(await drivers.files.read(consolePath(drivers.guestDir, lab.name, check.vm)));
  if (tail === '') return check;
  return {
    ...check,
    hint: `${check.hint}\n  Its console ended with:\n${tail}`,
    evidence: { ...check.evidence, console: tail },
  };
}
