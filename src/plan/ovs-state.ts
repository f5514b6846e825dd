import type { HostState, OvsBridge } from '../host/model.js';
import type { Bridge } from '../lab/model.js';

// What was seen of Open vSwitch.

export const ovsBridge = (name: string, host: HostState): OvsBridge | undefined =>
  host.ovs?.bridges.find(bridge => bridge.name === name);

/** Where a bridge is switched: as it is, else in the kernel where that can. */
export const datapathOf = ({ name }: Bridge, host: HostState): OvsBridge['datapath'] =>
  ovsBridge(name, host)?.datapath ?? (host.ovs?.kernelDatapath === true ? 'system' : 'netdev');

/** Is the uplink a port of its bridge? */
export const isOvsPort = (bridge: string, port: string, host: HostState) =>
  ovsBridge(bridge, host)?.ports.some(({ name }) => name === port) ?? false;
