import type { HostState, Manager, Owner } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import { bridgeName, linkNamed, managersOfUplink } from './links.js';
import type { Action, Step } from './model.js';

// The host's network managers take hold of links that they do not know: ours are not theirs.

/** Tell each manager to let the lab's bridges and taps be, before they are there. */
export function planUnmanaged(lab: Lab, host: HostState): Step[] {
  const names = [
    ...lab.bridges.map(bridge => bridgeName(bridge, host)),
    ...nicsOf(lab).map(nic => nic.tap),
    ...lab.links.flatMap(({ ends }) => ends.flatMap(end => (end.namespace === null ? end.name : []))),
    ...lab.tuns.map(tun => tun.name),
  ];
  return host.managers.flatMap(manager => {
    const text = TEXT[manager.name](lab.name, names);
    if (names.length === 0 || manager.text === text) return [];
    return [
      {
        title: `have ${manager.name} let the lab's links be`,
        why: 'it runs, and would take hold of links that it does not know',
        do: [tell(manager, text)],
        undo: [tell(manager, manager.text)],
      },
    ];
  });
}

/** Take our word to the managers back. */
export const removeUnmanaged = (host: HostState): Step[] =>
  host.managers.flatMap(manager =>
    manager.text === null
      ? []
      : [
          {
            title: `take back what ${manager.name} was told`,
            why: 'the links are gone',
            do: [tell(manager, null)],
            undo: [tell(manager, manager.text)],
          },
        ],
  );

const tell = ({ name, path }: Manager, text: string | null): Action => ({
  kind: 'tell',
  path,
  text,
  reload: RELOAD[name],
});

const RELOAD = {
  NetworkManager: ['nmcli', 'general', 'reload', 'conf'],
  'systemd-networkd': ['networkctl', 'reload'],
} as const;

/**
 * NetworkManager.conf(5): a device section of its own leaves the user's `unmanaged-devices` as they are.
 * systemd.network(5): names stand side by side; those of Linux' interfaces hold no blanks, and `*?[` mean patterns.
 */
const TEXT: Readonly<Record<Manager['name'], (lab: string, names: readonly string[]) => string>> = {
  NetworkManager: (lab, names) =>
    `[device-vmnet-${lab}]\nmatch-device=${names.map(name => `interface-name:=${name}`).join(';')}\nmanaged=0\n`,
  'systemd-networkd': (_, names) => `[Match]\nName=${names.join(' ')}\n\n[Link]\nUnmanaged=yes\n`,
};

/** What systemd-networkd does, whether its files are written by hand or by netplan. */
const BY_NETWORKD: readonly Owner['name'][] = ['systemd-networkd', 'netplan'];

/**
 * Who manages the uplinks that are about to become ports, and what may come of it. networkd is told to let a port be;
 * NetworkManager goes on until it starts again.
 */
export const ownerNotes = (lab: Lab, host: HostState): string[] =>
  lab.bridges.flatMap(bridge => {
    const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
    if (!uplink || uplink.master === bridgeName(bridge, host)) return [];
    const isToldOff = host.renewers.some(
      ({ client, on }) => client === 'systemd-networkd' && on === uplink.name,
    );
    return managersOfUplink(host, uplink.name)
      .filter(({ name }) => !(isToldOff && BY_NETWORKD.includes(name)))
      .map(({ name, how, effect }) => `${uplink.name} is looked after by ${name} (${how}): ${effect}`);
  });
