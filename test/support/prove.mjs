// Runs inside a throw-away host: namespaced endpoints stand in for guests on bridges that are there already, and the
// proof is run on them. Takes a JSON specification as its argument, prints the checks as JSON.
import { makeDrivers } from '../../dist/drivers/drivers.js';
import { observeHost } from '../../dist/host/observe.js';
import { explain } from '../../dist/verify/explain.js';
import { intentOf } from '../../dist/verify/intent.js';
import { verifyTargets } from '../../dist/verify/verify.js';
import { endpoint } from './endpoints.mjs';

/** { modes: { BRIDGE: MODE }, uplink, endpoints: [{ mac, bridge, lab: CIDR[], setup, isolated, port }], passive, then } */
const spec = JSON.parse(process.argv[2]);
const drivers = makeDrivers({ stateDir: '/run/prove-state' }, process.env);

const endpoints = await Promise.all(spec.endpoints.map(endpoint));
await drivers.ip.batch(
  spec.endpoints.flatMap(({ mac, bridge, port }, i) => [
    `link add name t${i} type veth peer name e0 address ${mac} netns ${endpoints[i].child.pid}`,
    `link property add dev t${i} altname vmnet.l.v${i}.0`,
    `link set dev t${i} addrgenmode none`,
    `link set dev t${i} master ${bridge}`,
    ...(port ? [`link set dev t${i} type bridge_slave ${port}`] : []),
    `link set dev t${i} up`,
  ]),
);
await Promise.all(
  endpoints.map(({ run }, i) =>
    run(`echo 0 > /proc/sys/net/ipv6/conf/e0/accept_dad\nip link set e0 up\n${spec.endpoints[i].setup}`),
  ),
);
const targets = spec.endpoints.map(({ mac, bridge, lab, isolated = false }, i) => ({
  nic: { vm: `v${i}`, index: 0, bridge, mac, tap: `t${i}`, isolated, addresses: lab },
  domain: null,
  tap: `t${i}`,
  bridge,
  uplink: spec.modes[bridge] === 'bridged' ? (spec.uplink ?? null) : null,
  mode: spec.modes[bridge],
  intent: intentOf(spec.modes[bridge]),
}));
const look = () => observeHost(drivers, null, { networkOnly: true });
const started = performance.now();
const { checks } = await verifyTargets(targets, await look(), look, drivers, {
  patienceMs: 2000,
  passive: spec.passive ?? false,
  signal: null,
  tell: () => {},
});
console.log(
  JSON.stringify({ checks, explained: explain(checks), ms: Math.round(performance.now() - started) }),
);
for (const { child } of endpoints) child.stdin.end();
await drivers.close();
