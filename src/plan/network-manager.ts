import type { Renewer } from '../host/model.js';
import type { Action } from './model.js';

// NetworkManager is never told to let an active device be: it would take it out of its bridge, take its addresses off and
// set it down (nm-device.c, state UNMANAGED), and that cuts the host off. It learns it when it starts the next time.

/** A device section acts on devices that are new to NetworkManager only, so a reload changes nothing on the uplink. */
const confFile = (uplink: string) => `/run/NetworkManager/conf.d/90-vmnet+${uplink}.conf`;

/**
 * What it has kept of a device that it managed counts more than its configuration (nm-manager.c,
 * `unmanaged_user_explicit`), and it writes that when it ends: so it goes before the next start.
 */
const dropIn = (uplink: string) => `/run/systemd/system/NetworkManager.service.d/vmnet+${uplink}.conf`;

const tell = (path: string, text: string | null, reload: readonly [string, ...string[]]): Action => ({
  kind: 'tell',
  ...{ path, text, reload },
});

const RELOAD = ['nmcli', 'general', 'reload', 'conf'] as const;
const RELOAD_UNITS = ['systemctl', 'daemon-reload'] as const;

/** A NetworkManager that starts again lets the port be. */
export const letPortBe = ({ leases }: Renewer, uplink: string): Action[] => [
  tell(
    confFile(uplink),
    `[device-vmnet+${uplink}]\nmatch-device=interface-name:=${uplink}\nmanaged=0\n`,
    RELOAD,
  ),
  tell(dropIn(uplink), `[Service]\nExecStartPre=-/bin/rm -f ${leases}\n`, RELOAD_UNITS),
];

/** One that has started in the meantime activates its connection again, when the addresses are back. */
export const takePortBack = ({ argv }: Renewer, uplink: string): Action[] => [
  tell(dropIn(uplink), null, RELOAD_UNITS),
  tell(confFile(uplink), null, RELOAD),
  { kind: 'reactivate', dev: uplink, argv },
];
