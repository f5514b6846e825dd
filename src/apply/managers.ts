import type { Drivers } from '../drivers/drivers.js';
import { managerRuns } from '../host/owners.js';
import type { Action } from '../plan/model.js';

type Of<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

/** Whose command it is. */
const MANAGER_OF = { nmcli: 'NetworkManager', networkctl: 'systemd-networkd' } as const;

/**
 * A manager that has ended meanwhile reads its files when it starts again: then it is enough that ours is there, or
 * gone. Going back, it is in any case.
 */
export async function tellManager(
  { path, text, reload }: Of<'tell'>,
  drivers: Drivers,
  { undoing }: { readonly undoing: boolean },
): Promise<void> {
  if (text === null) await drivers.files.remove(path);
  else await drivers.files.write(path, text);
  if (reload === null) return;
  const [program, ...args] = reload;
  try {
    await drivers.run(program, args);
  } catch (error) {
    if (undoing || text === null) return;
    const manager = MANAGER_OF[program as keyof typeof MANAGER_OF];
    if (manager === undefined || (await managerRuns(manager, drivers))) throw error;
  }
}

/**
 * Only where NetworkManager lets the device be: one that never stopped to look after it would take the addresses off
 * for a moment.
 */
export async function reactivate(
  { dev, argv: [program = '', ...args] }: Of<'reactivate'>,
  drivers: Drivers,
  { tell }: { readonly tell: (line: string) => void },
): Promise<void> {
  if (!(await managerRuns('NetworkManager', drivers))) return;
  const show = ['-g', 'GENERAL.STATE', 'device', 'show', dev];
  const { stdout } = await drivers.run(program, show, { allowFailure: true });
  // NM_DEVICE_STATE_UNMANAGED
  if (!stdout.startsWith('10 ')) return;
  const { exitCode, stderr } = await drivers.run(program, args, { allowFailure: true });
  if (exitCode !== 0) tell(`NetworkManager does not look after ${dev} again: ${stderr.trim()}`);
}
