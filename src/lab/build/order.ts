import type { RawLab } from '../file.js';
import type { Ready, Vm } from '../model.js';
import { waitSeconds } from '../units.js';

type RawVm = NonNullable<RawLab['vms']>[string];
type Order = Pick<Vm, 'dependsOn' | 'ready' | 'readyTimeout' | 'autostart'>;

/** What the file says of it; rules have seen that it can be. */
export function buildOrder({ dependsOn = [], ready, readyTimeout, autostart }: RawVm): Order {
  const seconds = readyTimeout === undefined ? null : waitSeconds(readyTimeout);
  return {
    ...(dependsOn.length === 0 ? {} : { dependsOn: [...new Set(dependsOn)] }),
    ...(ready === undefined ? {} : { ready: ready as Ready }),
    ...(seconds === null ? {} : { readyTimeout: seconds }),
    ...(autostart === undefined ? {} : { autostart }),
  };
}
