// Runs inside a throw-away host: namespaced endpoints stand in for guests on its bridge br0, and a stimulus asks
// them. Takes a JSON specification as its argument, prints what was seen as JSON. The endpoints end with it.
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDrivers } from '../../dist/drivers/drivers.js';
import { makeStimulus } from '../../dist/verify/stimulus.js';
import { endpoint } from './endpoints.mjs';

/** { endpoints: [{ mac, lab: CIDR[], setup }], taken, passive, wait, rounds, asks, lan, size, end: 'kill' } */
const spec = JSON.parse(process.argv[2]);
const drivers = makeDrivers({ stateDir: '/run/ask-state' }, process.env);

const endpoints = await Promise.all(spec.endpoints.map(endpoint));
await drivers.ip.batch(
  spec.endpoints.flatMap(({ mac }, i) => [
    `link add name t${i} type veth peer name e0 address ${mac} netns ${endpoints[i].child.pid}`,
    `link set dev t${i} addrgenmode none`,
    `link set dev t${i} master br0`,
    `link set dev t${i} up`,
  ]),
);
await Promise.all(
  endpoints.map(({ run }, i) =>
    run(`echo 0 > /proc/sys/net/ipv6/conf/e0/accept_dad\n${spec.endpoints[i].setup}\nip link set e0 up`),
  ),
);
if (spec.wait) await sleep(spec.wait);
const targets = spec.endpoints.map(({ mac, lab }, i) => ({
  nic: { vm: `v${i}`, index: 0, mac, addresses: lab },
  domain: `v${i}`,
  tap: `t${i}`,
  bridge: 'br0',
  uplink: 'eth0',
}));

const links = await drivers.ip.links();
const nameOf = new Map(links.map(link => [link.ifindex, link.ifname]));
const uplink = links.find(link => link.ifname === 'eth0').ifindex;
const capture = await drivers.capture.start({
  filter: `(arp or icmp or icmp6) and (inbound or ifindex ${uplink})`,
});
const learned = async mac =>
  (await drivers.ip.fdb()).filter(entry => entry.mac === mac).map(entry => entry.ifname);

const times = {};
const timed = async (name, work) => {
  const started = performance.now();
  const result = await work();
  times[name] = Math.round(performance.now() - started);
  return result;
};
const stimulus = await timed('make', () =>
  makeStimulus(drivers, targets, new Set(spec.taken ?? ['192.0.2.2']), { passive: spec.passive ?? false }),
);
for (let i = 0; i < (spec.rounds ?? 1); i++) await timed(`all${i}`, () => stimulus.askAll());
for (let i = 0; i < (spec.asks ?? 0); i++)
  await timed(`ask${i}`, () => Promise.all(targets.map(stimulus.ask)));
if (spec.lan) await timed('lan', () => stimulus.askFromLan(targets));
const sizes = spec.size ? await Promise.all(targets.map(target => stimulus.askSize(target, spec.size))) : [];
if (spec.end === 'kill') process.kill(process.pid, 'SIGKILL');
const during = await learned(stimulus.lanMac);
await timed('close', () => stimulus.close());
const frames = await capture.close();
const sum = keep =>
  Object.fromEntries(
    targets.map(({ nic, tap }) => [nic.vm, frames.filter(frame => keep(frame, nic.mac, tap)).length]),
  );

console.log(
  JSON.stringify({
    times,
    noLan: stimulus.noLan(targets[0]),
    lost: capture.lost(),
    tried: targets.map(stimulus.tried),
    seen: targets.map(stimulus.seenAddresses),
    sizes,
    left: sum((frame, mac) => frame.direction === 'out' && frame.ifindex === uplink && frame.mac === mac),
    spoken: frames.filter(({ ifindex }) => nameOf.get(ifindex) === undefined).length,
    fromLan: frames
      .filter(frame => frame.mac === stimulus.lanMac && frame.ifindex === uplink)
      .map(frame => frame.direction),
    learned: [during, await learned(stimulus.lanMac)],
  }),
);
for (const { child } of endpoints) child.stdin.end();
await drivers.close();
