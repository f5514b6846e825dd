import { dirname } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import type { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import type { Link } from '../host/model.js';
import { bridgesIn } from '../host/ovs.js';
import type { Action, LinkRef } from '../plan/model.js';
import { define } from './define.js';
import { startDnsmasq, stopDnsmasq } from './dnsmasq.js';
import { deleteNamespaces, workInside } from './inside.js';
import { reactivate, tellManager } from './managers.js';
import { changeNic, plugNic, unplugNic } from './nics.js';
import { NO_DOMAIN, NOT_RUNNING, unless } from './refusals.js';
import { awaitRenewal } from './renewal.js';
import { freezeRenewer, startRenewer, stopRenewer } from './renewer.js';
import { restoreDomain } from './restore.js';
import { heardFrom } from './routers.js';
import { awaitGuest } from './start.js';

export interface ExecuteOptions {
  /** Going back: go on after a failing line, since a step may have taken effect in part. */
  readonly undoing: boolean;
  /** Ends waits; a batch that runs is never cut. */
  readonly signal: AbortSignal | null;
  readonly tell: (line: string) => void;
}

/** Carry out one action. The same code runs plans forward and undoes them. */
export async function execute(action: Action, drivers: Drivers, options: ExecuteOptions): Promise<void> {
  switch (action.kind) {
    case 'ip':
      return drivers.ip.batch(action.lines, {
        force: options.undoing,
        ...(action.family === undefined ? {} : { family: action.family }),
        ...(action.program === undefined ? {} : { program: action.program }),
      });
    case 'ovs':
      return drivers.ovs.transact(action.commands);
    case 'delete-ovs':
      return deleteOvs(action, drivers);
    case 'tc':
      return drivers.tc.batch(action.lines, { force: options.undoing });
    case 'delete-links':
      return deleteLinks(action.links, drivers, options);
    case 'nft':
      return drivers.nft.apply(action.script, { undoing: options.undoing });
    case 'inside':
      return workInside(action.work, drivers, options.undoing);
    case 'delete-namespaces':
      return deleteNamespaces(action.namespaces, action.folder, drivers, options.undoing);
    case 'iptables':
      return drivers.iptables.restore(action.program, action.script);
    case 'sysctl':
      return writeSysctl(action, drivers, options);
    case 'lro':
      await drivers.run('ethtool', ['-K', action.dev, 'lro', 'on']);
      return;
    case 'routers':
      return heardFrom(action, drivers, options.signal);
    case 'overlay':
      await drivers.images.makeOverlay(action.path, action);
      return give(action, drivers);
    case 'disk':
      await drivers.images.makeEmpty(action.path, action.format, action.sizeMiB);
      return give(action, drivers);
    case 'seed':
      await drivers.seeds.make(action.path, { ...action.files, 'user-data': action.userData.open() });
      return give(action, drivers);
    case 'mark-file':
      await drivers.files.makeFolder(dirname(action.path));
      return drivers.files.write(action.path, '');
    case 'remove-file':
      return drivers.files.remove(action.path);
    case 'start-dnsmasq':
      return startDnsmasq(action, drivers);
    case 'stop-dnsmasq':
      return stopDnsmasq(action, drivers);
    case 'define':
      return define(action, drivers);
    case 'undefine':
      return unless(NO_DOMAIN, async () =>
        (await drivers.libvirt()).undefine(
          action.uuid,
          { nvram: action.keepNvram !== true },
          { name: action.name },
        ),
      );
    case 'autostart':
      return unless(options.undoing ? NO_DOMAIN : [], async () =>
        (await drivers.libvirt()).setAutostart(action.uuid, action.on, { name: action.name }),
      );
    case 'start':
      await drivers.files.makeFolder(dirname(action.console));
      if (action.owner !== undefined) await drivers.files.makeEmptyFor(action.console, action.owner);
      return unless(options.undoing ? NOT_RUNNING : [], async () =>
        (await drivers.libvirt()).create(action.uuid, { name: action.name }),
      );
    case 'await':
      return awaitGuest(action, drivers, options);
    case 'stop':
      return unless(NOT_RUNNING, async () =>
        (await drivers.libvirt()).destroy(action.uuid, {}, { name: action.name }),
      );
    case 'plug':
      return plugNic(action, drivers);
    case 'unplug':
      return unless(options.undoing ? NOT_RUNNING : [], () =>
        unplugNic(action, drivers, options.undoing ? null : options.signal),
      );
    case 'change-nic':
      return changeNic(action, drivers);
    case 'restore-domain':
      return unless(NO_DOMAIN, () => restoreDomain(action, drivers, options.tell));
    case 'mark':
      return unless(options.undoing ? NOT_RUNNING : [], async () =>
        (await drivers.libvirt()).setMetadata(
          action.uuid,
          { uri: action.uri, key: 'vmnet', xml: action.xml },
          { live: true },
          { name: action.name },
        ),
      );
    case 'tell':
      return tellManager(action, drivers, options);
    case 'reactivate':
      return reactivate(action, drivers, options);
    case 'freeze-renewer':
      return freezeRenewer(action, drivers);
    case 'stop-renewer':
      return stopRenewer(action, drivers);
    case 'start-renewer':
      return startRenewer(action, drivers);
    case 'await-renewal':
      return awaitRenewal(action, drivers, options);
    default:
      return action satisfies never;
  }
}

const give = async ({ path, owner }: { path: string; owner?: number }, { files }: Drivers) => {
  if (owner !== undefined) await files.give(path, owner);
};

/** In an undo, the interface whose sysctl it is may be gone, and that is well. */
async function writeSysctl(
  action: { path: string; value: string },
  drivers: Drivers,
  { undoing }: ExecuteOptions,
) {
  if (undoing && (await drivers.kernel.readSysctl(action.path)) === null) return;
  await drivers.kernel.writeSysctl(action.path, action.value);
}

/** Look again whose it is: a bridge of that name may be another's by now. */
async function deleteOvs({ bridge, lab }: { bridge: string; lab: string }, drivers: Drivers): Promise<void> {
  if (!(await drivers.ovs.isThere())) return;
  const found = bridgesIn(await drivers.ovs.dump()).find(({ name }) => name === bridge);
  if (found?.lab === lab) await drivers.ovs.transact([['--if-exists', 'del-br', bridge]]);
}

/** Delete links by their marks; where the host is not as it was seen, those of them that are there. */
async function deleteLinks(
  refs: readonly LinkRef[],
  drivers: Drivers,
  { undoing }: ExecuteOptions,
): Promise<void> {
  const wereSeen = !undoing && refs.every(({ createdAs }) => createdAs === null);
  if (wereSeen && (await areDeleted(refs, drivers))) return;
  const links = (await drivers.ip.links()).map(parseLink);
  const byMark = new Map(links.flatMap(link => link.altnames.map(altname => [altname, link] as const)));
  const byName = new Map(links.map(link => [link.name, link]));
  const names = refs.flatMap(({ altname, createdAs }) => {
    if (byMark.has(altname)) return [altname];
    // Made by us a moment ago, but not marked yet: the plan saw that the name was free.
    const unmarked = createdAs === null ? undefined : byName.get(createdAs);
    return unmarked && isBare(unmarked) ? [unmarked.name] : [];
  });
  await drivers.ip.deleteLinks(names, { undoing });
}

/** False where a line was refused: one may be gone already. */
async function areDeleted(refs: readonly LinkRef[], { ip }: Drivers): Promise<boolean> {
  try {
    await ip.deleteLinks(refs.map(({ altname }) => altname));
    return true;
  } catch (error) {
    if ((error as VmnetError).code === 'command-failed') return false;
    throw error;
  }
}

const isBare = (link: Link) =>
  link.altnames.length === 0 && ['tun', 'bridge', 'veth', 'vlan'].includes(link.kind ?? '');

type Batch = Extract<Action, { kind: 'ip' }>;

const isSameTool = (a: Batch, b: Batch) => a.family === b.family && a.program === b.program;

/** Join neighbouring batches and deletions: one process for a phase, not one for a step. */
export function joined(actions: readonly Action[]): Action[] {
  const result: Action[] = [];
  for (const action of actions) {
    const last = result.at(-1);
    if (action.kind === 'ip' && last?.kind === 'ip' && isSameTool(action, last))
      result[result.length - 1] = { ...last, lines: [...last.lines, ...action.lines] };
    else if (action.kind === 'ovs' && last?.kind === 'ovs')
      result[result.length - 1] = { ...last, commands: [...last.commands, ...action.commands] };
    else if (action.kind === 'tc' && last?.kind === 'tc')
      result[result.length - 1] = { ...last, lines: [...last.lines, ...action.lines] };
    else if (action.kind === 'delete-links' && last?.kind === 'delete-links')
      result[result.length - 1] = { ...last, links: [...last.links, ...action.links] };
    else if (action.kind === 'nft' && last?.kind === 'nft')
      result[result.length - 1] = { ...last, script: last.script + action.script };
    else if (action.kind === 'inside' && last?.kind === 'inside')
      result[result.length - 1] = { ...last, work: [...last.work, ...action.work] };
    else result.push(action);
  }
  return result;
}
