import { choice, ifname } from './words.js';

/** Keys of a NIC that tell what it hangs on. */
export const macvtapKeys = {
  type: choice(['bridge', 'macvtap'])
    .meta({
      description:
        '"bridge": a tap on one of the bridges of this lab; "macvtap": a MAC of its own on an interface of the host, without a bridge. The host itself cannot reach a guest behind a macvtap.',
      default: 'bridge',
    })
    .optional(),
  uplink: ifname('the name of a network interface, such as "eth0"')
    .describe('Of a macvtap: the interface of the host that it shares. It must not be the port of a bridge.')
    .optional(),
  mode: choice(['bridge', 'vepa', 'private', 'passthru'])
    .meta({
      description:
        'Of a macvtap: how guests on the same uplink reach each other. "bridge": directly; "vepa": by way of a switch that sends frames back (reflective relay); "private": not at all; "passthru": this NIC has the uplink for itself.',
      default: 'bridge',
    })
    .optional(),
};
