import type { Lab } from '../lab/model.js';

// A systemd unit that brings a lab's network plane back at boot.

/** How vmnet is called. */
export interface UnitContext {
  /** Absolute paths of Node and of cli.js. */
  readonly command: readonly string[];
  readonly stateDir: string;
}

/** By this first line a unit is known to be ours. */
export const UNIT_MARK = '# Made by vmnet enable; vmnet disable removes it.';

export const unitName = (lab: string) => `vmnet-lab-${lab}.service`;

/**
 * The unit's text. It comes after network-online.target, see systemd.special(7), where addresses are to move: at
 * network.target they need not be there yet. It comes before the daemons that start guests by themselves. What goes wrong
 * with it keeps nothing else from starting.
 */
export function unitText(lab: Lab, { command, stateDir }: UnitContext): string {
  const inherits = lab.bridges.some(bridge => bridge.uplink !== null && bridge.address.mode === 'inherit');
  const target = inherits ? 'network-online.target' : 'network.target';
  const devices = lab.bridges.flatMap(({ uplink }) => (uplink === null ? [] : [deviceUnit(uplink)]));
  const wanted = [...(inherits ? [target] : []), ...devices];
  return [
    UNIT_MARK,
    '[Unit]',
    `Description=Network plane of the vmnet lab ${lab.name}`,
    ...(wanted.length > 0 ? [`Wants=${wanted.join(' ')}`] : []),
    `After=${[target, ...devices].join(' ')}`,
    'Before=libvirtd.service virtqemud.service libvirt-guests.service',
    `RequiresMountsFor=${[stateDir, ...command].map(quoted).join(' ')}`,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `Environment=${quoted(`VMNET_STATE_DIR=${stateDir}`)}`,
    `ExecStart=${[...command, 'boot', lab.name].map((word, i) => (i === 0 ? quoted(word) : argument(word))).join(' ')}`,
    // On a shutdown in the middle, vmnet is told and goes back; a batch that it runs is not cut.
    'KillMode=mixed',
    'TimeoutStartSec=300',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** The unit by which udev tells systemd that a NIC is there; systemd.unit(5), "String escaping". */
export const deviceUnit = (nic: string) => `sys-subsystem-net-devices-${escaped(nic)}.device`;

const escaped = (text: string) =>
  [...Buffer.from(text)]
    .map(byte => String.fromCharCode(byte))
    .map(char =>
      /[A-Za-z0-9:_.]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .join('');

/** One word of a setting: systemd.syntax(7) quoting, with `%` as no specifier. */
const quoted = (word: string) =>
  /^[A-Za-z0-9/:=._-]+$/.test(word)
    ? word
    : `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('%', '%%')}"`;

/** One argument of a command: no variable takes the place of a `$`. */
const argument = (word: string) => quoted(word.replaceAll('$', '$$$$'));
