import type { Drivers } from '../../drivers/drivers.js';
import type { HostState } from '../../host/model.js';
import type { Lab } from '../../lab/model.js';
import { checkAddress } from '../checks.js';
import { diagnose, NO_DIAGNOSIS } from '../diagnosis.js';
import type { Check } from '../model.js';
import type { ProveOptions } from '../rounds.js';
import { isUnplugged } from '../unplugged.js';
import { type Scene, troubleWith } from './causes.js';
import { checkMacvtap } from './check.js';
import { nothingSeen } from './evidence.js';
import { type MacvtapProof, proveMacvtaps } from './prove.js';
import { type MacvtapTarget, macvtapTargetsOf } from './targets.js';

const NO_PROOF: MacvtapProof = { evidence: new Map(), frames: [], noCapture: null };

interface Measured extends Pick<MacvtapProof, 'frames' | 'noCapture'> {
  readonly checks: readonly Check[];
  /** Names of devices by their index. */
  readonly devices: ReadonlyMap<number, string>;
}

/** The checks of a lab's macvtaps: all at once, and nothing where it has none. */
export async function verifyMacvtaps(
  lab: Lab,
  before: HostState,
  look: () => Promise<HostState>,
  drivers: Drivers,
  options: ProveOptions & { readonly networkOnly?: boolean },
): Promise<Measured> {
  const all = macvtapTargetsOf(lab, before, options.networkOnly);
  const targets = options.networkOnly ? all : all.filter(({ nic }) => !isUnplugged(nic));
  const names = new Set(before.links.map(({ name }) => name));
  const present = targets.filter(({ tap, uplink }) => names.has(tap) && names.has(uplink));
  const proof = present.length > 0 ? await proveMacvtaps(present, before, drivers, options) : NO_PROOF;
  const host = present.length > 0 ? await look() : before;
  const scenes = targets.map(
    (target): Scene => ({
      target,
      evidence: proof.evidence.get(target) ?? nothingSeen(target),
      host,
      domain:
        target.domain === null
          ? null
          : (host.libvirt?.domains.find(({ name }) => name === target.domain)?.state ?? 'not defined'),
      diagnosis: NO_DIAGNOSIS,
    }),
  );
  const judged = await judge(scenes, names, drivers);
  return {
    checks: scenes.flatMap(({ target, evidence }, i) => [
      checkMacvtap(target, host),
      checkAddress(target, evidence.addresses, withoutDevice(target, host)),
      judged[i] as Check,
    ]),
    frames: proof.frames,
    devices: new Map(targets.length > 0 ? host.links.map(({ index, name }) => [index, name]) : []),
    noCapture: proof.noCapture,
  };
}

/** The kernel gives the device a link-local address of the guest's MAC, which nobody ever reaches: all frames are the guest's. */
const withoutDevice = ({ tap }: MacvtapTarget, host: HostState): HostState => ({
  ...host,
  links: host.links.filter(({ name }) => name !== tap),
});

/** What could have stopped a frame is looked for only where one was stopped. */
async function judge(
  scenes: readonly Scene[],
  names: ReadonlySet<string>,
  drivers: Drivers,
): Promise<Check[]> {
  const first = scenes.map(judgeOne);
  if (!first.some(({ verdict }) => verdict === 'blocked')) return first;
  const devices = scenes.flatMap(({ target }) => [target.tap, target.uplink]).filter(name => names.has(name));
  const diagnosis = await diagnose(devices, [], drivers);
  return scenes.map(scene => judgeOne({ ...scene, diagnosis }));
}

/** `direct` is what remains when every way of being wrong has been ruled out. */
function judgeOne(scene: Scene): Check {
  const { nic } = scene.target;
  const finding = troubleWith(scene) ?? { verdict: 'direct', reason: null, hint: null };
  return { name: 'path', vm: nic.vm, nic: nic.index, ...finding, evidence: scene.evidence };
}
