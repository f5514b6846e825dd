import { blocked, type Cause, linkOf } from './cause.js';

// Causes on a bridge of Open vSwitch.

const portOf = ({ host, target }: Parameters<Cause>[0], name: string) =>
  host.ovs?.bridges.find(bridge => bridge.name === target.bridge)?.ports.find(port => port.name === name);

export const ovsTap: Cause = scene => trouble(scene, scene.target.tap, 'tap');

export const ovsUplink: Cause = scene =>
  scene.target.uplink === null ? null : trouble(scene, scene.target.uplink, 'uplink');

function trouble(scene: Parameters<Cause>[0], name: string, role: 'tap' | 'uplink') {
  const link = linkOf(scene, name);
  const port = portOf(scene, name);
  const { bridge } = scene.target;
  if (!link)
    return blocked(
      `${role}-missing`,
      `${name} does not exist: ${role === 'tap' ? 'libvirt makes it as the guest starts, so restart that' : 'run vmnet provision again'}`,
    );
  if (!port)
    return blocked(
      `${role}-not-enslaved`,
      `${name} should be a port of ${bridge}, but Open vSwitch has none of that name there; run vmnet provision again`,
    );
  if (port.error !== null)
    return blocked(`${role}-refused`, `Open vSwitch could not open ${name}: ${port.error}`);
  if (!link.up) return blocked(`${role}-down`, `${name} is down: ip link set dev ${name} up`);
  if (link.operState === 'DOWN' || link.operState === 'LOWERLAYERDOWN')
    return blocked(
      `${role}-no-carrier`,
      `${name} has no carrier: look at ${role === 'tap' ? 'the guest' : 'its cable and switch port'}`,
    );
  return null;
}

/** The proof on such a bridge is what was captured at its ports. */
export const ovsUnseen: Cause = ({ evidence }) =>
  evidence.heard === null
    ? {
        verdict: 'unproven',
        reason: 'no-capture',
        hint: 'nothing could be captured, and nftables sees nothing of a bridge of Open vSwitch: apt-get install tcpdump',
      }
    : null;

export const ovsNotSwitched: Cause = ({ evidence, target }) => {
  const { uplink, passed } = evidence;
  if (uplink === null ? passed.forward > 0 : uplink.captured !== null && uplink.captured > 0) return null;
  return blocked(
    'not-forwarded',
    `frames come in through ${target.tap}, but none leaves ${uplink?.name ?? `by another port of ${target.bridge}`}: look at the flows (ovs-ofctl dump-flows ${target.bridge}) and at the VLANs of the ports (ovs-vsctl list Port)`,
  );
};

export const ovsNotToTap: Cause = ({ evidence, target }) =>
  evidence.inbound !== null && evidence.inbound.toTap === 0
    ? blocked(
        'not-forwarded-in',
        `frames for the guest that come in at ${target.uplink} do not leave on ${target.tap}: look at the flows (ovs-ofctl dump-flows ${target.bridge}) and at the VLANs of the ports (ovs-vsctl list Port)`,
      )
    : null;
