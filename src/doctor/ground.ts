import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { buildProbe } from '../guest/build.js';
import { type KvmProof, proveKvm } from '../guest/kvm.js';
import type { HostState } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import type { Lab } from '../lab/model.js';
import type { RenderContext } from '../render/domain.js';
import { machineFor } from '../render/machine.js';

/** What the probes stand on. What several of them need is looked at once, by the first. */
export interface Ground {
  readonly drivers: Drivers;
  readonly lab: Lab | null;
  /** Are we user 0? */
  readonly root: boolean;
  /** KVM, proved by running; null where this user may not open it. */
  kvm(): Promise<KvmProof | null>;
  /** The host as provision sees it, as far as it can be seen. */
  host(): Promise<HostState>;
  /** What guests would be rendered with. */
  prepare(host: HostState): Promise<RenderContext>;
}

export function makeGround(
  drivers: Drivers,
  lab: Lab | null,
  prepare: (lab: Lab, host: HostState) => Promise<RenderContext>,
): Ground {
  return {
    drivers,
    lab,
    root: process.getuid?.() === 0,
    kvm: once(async () => {
      const { error } = await drivers.inspect.device('/dev/kvm');
      if (error === 'EACCES' || error === 'EPERM') return null;
      return proveKvm(drivers, () => buildProbe(drivers), machineFor(process.arch).arch);
    }),
    host: once(() => observe(drivers, lab)),
    prepare: host => prepare(lab as Lab, host),
  };
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
};

/** Without libvirt where it cannot be reached, without records where they cannot be read: others tell of that. */
async function observe(drivers: Drivers, lab: Lab | null): Promise<HostState> {
  const seen = await drivers.records.all().then(
    () => drivers,
    () => ({ ...drivers, records: { ...drivers.records, all: async () => [] } }),
  );
  try {
    return await observeHost(seen, lab);
  } catch (error) {
    if (!(error instanceof VmnetError)) throw error;
    return observeHost(seen, lab, { networkOnly: true });
  }
}
