import type { Door, OpenDoor } from '../../drivers/doors.js';
import type { Drivers } from '../../drivers/drivers.js';
import { bare } from '../../lab/cidr.js';
import { linkLocal } from '../addresses.js';
import { arpProbe, solicitation } from '../frames.js';
import { claims, parseFrame } from '../packets.js';

/** A NIC of a guest that is waited for. */
export interface WaitedNic {
  /** Name of its tap or macvtap. */
  readonly tap: string;
  readonly mac: string;
  /** CIDRs that the lab says it has. */
  readonly addresses: readonly string[];
  /** Its tap can be asked: a macvtap's frames go out to the wire instead. */
  readonly asked: boolean;
}

/** What was heard at the taps of one guest. */
export interface Ear {
  /** Hear what came since, and ask for addresses that are not confirmed yet. */
  listen(): Promise<void>;
  /** Addresses without prefix that the guest itself has said to have; link-local ones left out. */
  addresses(): string[];
  /** Frames that came from the guest. */
  frames(): number;
  /** How often it asked for a lease. */
  leaseAsked(): number;
  close(): void;
}

/** Milliseconds between questions. */
const ASK_EVERY = 500;

/** Of what a guest may claim to have. */
const MOST_ADDRESSES = 16;

export function makeEar(nics: readonly WaitedNic[], { doors }: Pick<Drivers, 'doors'>): Ear {
  const open = new Map<WaitedNic, OpenDoor>();
  const said = new Set<string>();
  const candidates = new Map(nics.map(nic => [nic, new Set(nic.addresses.map(bare))]));
  let frames = 0;
  let leaseAsked = 0;
  let asked = Number.NEGATIVE_INFINITY;

  const hear = (nic: WaitedNic, bytes: Uint8Array) => {
    const frame = parseFrame(bytes);
    if (frame === null) return;
    const { packet, source } = frame;
    if (source === nic.mac) frames++;
    if (source === nic.mac && packet.kind === 'dhcp' && !packet.reply) leaseAsked++;
    for (const { mac, ip, by } of claims(frame)) {
      if (mac !== nic.mac || ip.startsWith('fe80:')) continue;
      // What a server offers is not taken yet, and a source may be one that the guest forwards.
      const isOwn = source === nic.mac && (by === 'arp' || by === 'nd');
      const known = isOwn ? said : candidates.get(nic);
      if (by !== 'source' && known !== undefined && known.size < MOST_ADDRESSES) known.add(ip);
    }
  };

  const ask = (nic: WaitedNic, door: Door) => {
    // The tap's own MAC: the bridge hands the answers to the host instead of flooding them.
    const own = `fe${nic.mac.slice(2)}`;
    for (const address of candidates.get(nic) ?? []) {
      if (said.has(address)) continue;
      const six = address.includes(':');
      door.send(
        six
          ? solicitation({ mac: own, ip: linkLocal(own) }, address, nic.mac)
          : arpProbe(own, address, nic.mac),
      );
    }
  };

  return {
    async listen() {
      for (const nic of nics) {
        const door = open.get(nic) ?? (await doors.at(nic.tap));
        if (door === null) continue;
        open.set(nic, door);
        for (const bytes of door.heard()) hear(nic, bytes);
      }
      if (performance.now() - asked < ASK_EVERY) return;
      asked = performance.now();
      for (const [nic, door] of open) if (nic.asked) ask(nic, door);
    },
    addresses: () => [...said],
    frames: () => frames,
    leaseAsked: () => leaseAsked,
    close() {
      for (const door of open.values()) door.close();
      open.clear();
    },
  };
}
