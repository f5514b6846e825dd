import type { Link } from '../../host/model.js';
import { blocked, type Cause, linkOf } from './cause.js';

// Causes that the links themselves show.

export const tap: Cause = scene => {
  const { target } = scene;
  return portTrouble(linkOf(scene, target.tap), target.tap, target.bridge, 'tap');
};

export const uplink: Cause = scene => {
  const { target } = scene;
  if (target.uplink === null) return null;
  return portTrouble(linkOf(scene, target.uplink), target.uplink, target.bridge, 'uplink');
};

/** Why a link is no working port of its bridge. */
function portTrouble(link: Link | undefined, name: string, bridge: string, role: 'tap' | 'uplink') {
  const found = (reason: string, hint: string) => blocked(`${role}-${reason}`, hint);
  if (!link) return found('missing', `${name} does not exist; run vmnet provision again`);
  if (link.master !== bridge) {
    const now = link.master === null ? 'it is a port of no bridge' : `it is a port of ${link.master}`;
    return found(
      'not-enslaved',
      `${name} should be a port of ${bridge}, but ${now}; run vmnet provision again`,
    );
  }
  if (!link.up) return found('down', `${name} is down: ip link set dev ${name} up`);
  if (link.operState === 'DOWN' || link.operState === 'LOWERLAYERDOWN')
    return found(
      'no-carrier',
      `${name} has no carrier: look at ${role === 'tap' ? 'the guest' : 'its cable and switch port'}`,
    );
  if (link.portState !== null && link.portState !== 'forwarding')
    return found(
      'not-forwarding',
      `the bridge port ${name} is ${link.portState}: with STP on it takes up to 30 seconds; else bridge link set dev ${name} state 3`,
    );
  return null;
}

/** Two senders with one MAC: the bridge sends each the other's frames. */
export const macOnAnotherPort: Cause = ({ evidence, target }) => {
  const double = evidence.strangers.find(({ port, mac }) => mac === target.nic.mac && port !== target.tap);
  const port =
    double?.port ?? (evidence.fdb && evidence.fdb.port !== target.tap ? evidence.fdb.port : undefined);
  if (port === undefined) return null;
  return blocked(
    'mac-on-another-port',
    `frames from ${target.nic.mac} also come in through ${port}: does another machine use the same MAC, or is there a loop?`,
  );
};

/** The uplink takes no frame of the guest's size. */
export const mtu: Cause = scene => {
  const { target, evidence } = scene;
  const [tapLink, uplinkLink] = [linkOf(scene, target.tap), linkOf(scene, target.uplink)];
  if (tapLink && uplinkLink && uplinkLink.mtu < tapLink.mtu)
    return blocked(
      'mtu',
      `${uplinkLink.name} takes frames of ${uplinkLink.mtu} bytes, the guest may send ${tapLink.mtu}: ip link set dev ${uplinkLink.name} mtu ${tapLink.mtu}, or a smaller "mtu" in the lab file`,
    );
  if (evidence.fullSize === null || evidence.fullSize.left > 0) return null;
  return blocked(
    'mtu',
    `small frames pass, but no answer of ${evidence.fullSize.bytes} bytes with "don't fragment" left ${target.uplink ?? target.bridge}: compare the MTU of guest, tap and uplink`,
  );
};
