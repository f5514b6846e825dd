import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { writeXdpPass } from '../support/xdp.js';

// Rules that name the uplink stop matching once a bridge has its addresses, and what is attached to it gets the guests'
// frames. Flowtables, and tc's actions other than mirred, are left to unit tests: not every kernel has them.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

const lab = () =>
  box.lab({
    name: 'walled',
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });

describe('a host whose firewall names the uplink', () => {
  it.each([
    ['by name', 'iifname "eth0" tcp dport 22 accept'],
    ['by index', 'iif eth0 tcp dport 22 accept'],
    ['in a set', 'oifname { "eth0", "eth9" } drop'],
    ['negated', 'iifname != "eth0" accept'],
  ])('%s: provision refuses and quotes the rule; --yes goes on', async (_, rule) => {
    const file = await lab();
    await box.run('nft', `add table inet wall; add chain inet wall in; add rule inet wall in ${rule}`);
    const before = await box.snapshot();
    const refused = await box.vmnetAsIs('provision', '--network-only', file);
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.message).toMatch(/eth0.*inet table wall, chain in/);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect((await box.vmnet('provision', '--network-only', file)).code).toBe(0);
    expect((await box.vmnetAsIs('provision', '--network-only', file)).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'walled')).code).toBe(0);
    await box.run('nft', 'delete', 'table', 'inet', 'wall');
  });
});

/** What a plan says of the rules about eth0. */
async function told(): Promise<string> {
  const answer = await box.vmnet('plan', '--network-only', await lab());
  return answer.json.error?.message ?? '';
}

const nft = async (script: string) => {
  await box.run('nft', script);
  return () => box.run('nft', 'flush', 'ruleset');
};

const wall = (rules: string) =>
  nft(`add table inet wall
    add chain inet wall other
    add chain inet wall in { type filter hook input priority 0; policy accept; }
    ${rules}`);

const rule = (text: string) => wall(`add rule inet wall in ${text}`);

describe('nftables rules about the uplink', () => {
  it.each([
    ['an accept', () => rule('iifname "eth0" tcp dport 22 accept'), /Would lock out.*: iifname eth0 accept/],
    ['a drop', () => rule('iifname "eth0" counter drop'), /Would let in.*: iifname eth0 drop/],
    ['a drop of all others', () => rule('iifname != "eth0" drop'), /Would lock out.*: iifname != eth0 drop/],
    ['an accept of all others', () => rule('iifname != "eth0" accept'), /Would let in/],
    ['a wildcard', () => rule('iifname "eth*" drop'), /Would let in.*: iifname eth\* drop/],
    ['one of several names', () => rule('iifname { "wg0", "eth0" } accept'), /Would lock out/],
    ['a concatenation', () => rule('iifname . tcp dport { "eth0" . 22, "wg0" . 80 } accept'), /Would lock/],
    ['its second part', () => rule('tcp dport . oifname { 22 . "eth0" } accept'), /: oifname eth0 accept/],
    ['a jump', () => rule('iifname "eth0" jump other'), /Would no longer apply.*: iifname eth0 jump/],
    ['a verdict map', () => rule('iifname vmap { "lo" : accept, "eth0" : drop }'), /Would let in.*eth0 drop/],
    [
      'a verdict map by index',
      () => rule('iif . ip protocol vmap { "eth0" . tcp : accept }'),
      /Would lock out.*: iif eth0 accept/,
    ],
    [
      'a named set',
      () =>
        wall(`add set inet wall nics { type ifname; elements = { "eth0", "wg0" }; }
          add rule inet wall in iifname @nics accept`),
      /Would lock out.*: iifname eth0 \(@nics\) accept/,
    ],
    [
      'a named set with wildcards and counters',
      () =>
        wall(`add set inet wall nics { type ifname; flags interval; counter; elements = { "eth*", "wg0" }; }
          add rule inet wall in iifname @nics drop`),
      /Would let in.*: iifname eth\* \(@nics\) drop/,
    ],
    [
      'a named verdict map',
      () =>
        wall(`add map inet wall by { type ifname : verdict; elements = { "eth0" : accept, "wg0" : drop }; }
          add rule inet wall in iifname vmap @by`),
      /Would lock out.*: iifname eth0 \(@by\) accept/,
    ],
    [
      'a map of marks',
      () => rule('meta mark set iif map { "eth0" : 7 }'),
      /Would no longer apply.*: iif eth0/,
    ],
    [
      'masquerading',
      () =>
        nft(`add table ip nat
          add chain ip nat post { type nat hook postrouting priority 100; }
          add rule ip nat post oifname "eth0" masquerade`),
      /Would no longer apply.*: oifname eth0 masquerade/,
    ],
    [
      'a port of the bridge',
      () =>
        nft(`add table bridge b
          add chain bridge b f { type filter hook forward priority 0; }
          add rule bridge b f iifname "eth0" drop`),
      /Would get the guests' frames as well.*bridge table b, chain f/,
    ],
    [
      'a chain at its ingress',
      () =>
        nft(`add table netdev n
          add chain netdev n i { type filter hook ingress device "eth0" priority 0; }`),
      /Would get the guests' frames as well.*netdev table n, chain i: hook ingress/,
    ],
    [
      'a chain at the egress of several devices',
      () =>
        nft(`add table netdev n
          add chain netdev n e { type filter hook egress devices = { lo, eth0 } priority 0; }`),
      /Would get the guests' frames as well.*chain e: hook egress/,
    ],
    [
      'a chain at its ingress, in an inet table',
      () =>
        nft(`add table inet n
          add chain inet n i { type filter hook ingress device "eth0" priority 0; }`),
      /inet table n, chain i: hook ingress/,
    ],
  ])('%s', async (_, make, expected) => {
    const remove = await make();
    const message = await told();
    await remove();
    expect(message).toMatch(expected);
  });

  it.each([
    ['that name the bridge as well', 'iifname { "eth0", "br0" } accept'],
    ['about other interfaces', 'iifname { "eth1", "wg*" } drop'],
  ])('%s are none', async (_, text) => {
    const remove = await rule(text);
    const message = await told();
    await remove();
    expect(message).toBe('');
  });

  it('come with the worst first, and not without end', async () => {
    const many = (verdict: string) => `add rule inet wall in iifname "eth0" ${verdict}\n`.repeat(4);
    const remove = await wall(many('jump other') + many('drop') + many('accept'));
    const message = await told();
    await remove();
    expect(message).toMatch(
      /Would lock out[^:]*\(4\)(.*eth0 accept){4}.*Would let in[^:]*\(4\)(.*eth0 drop){2}.*no longer apply \(4\).*6 are not shown/,
    );
    expect(message.length).toBeLessThan(1500);
  });
});

describe('legacy tables', () => {
  it.each([
    [
      'iptables-legacy',
      '-A INPUT -i eth0 -p tcp --dport 22 -j ACCEPT',
      /Would lock out.*iptables table filter/,
    ],
    ['iptables-legacy', '-A INPUT -i eth+ -j DROP', /Would let in.*-i eth\+ -j DROP/],
    ['iptables-legacy', '-A INPUT ! -i eth0 -j DROP', /Would lock out/],
    ['iptables-legacy', '-A FORWARD -o eth0 -j LOG', /Would no longer apply/],
    ['ip6tables-legacy', '-A INPUT -i eth0 -j DROP', /Would let in.*ip6tables table filter/],
  ])('%s %s', async (program, words, expected) => {
    await box.run(program, ...words.split(' '));
    const message = await told();
    await box.run(program, '-F');
    expect(message).toMatch(expected);
  });
});

describe('what is attached to the uplink', () => {
  const mirror = 'protocol all u32 match u32 0 0 action mirred egress';

  it.each([
    [
      'a filter at its ingress',
      `filter add dev eth0 ingress ${mirror} redirect dev lo`,
      /u32 on eth0, ingress/,
    ],
    [
      'a classifier in BPF at its egress',
      'filter add dev eth0 egress bpf bytecode 1,6\u00a00\u00a00\u00a04294967295 flowid 1:1',
      /bpf on eth0, egress/,
    ],
    [
      'a queue',
      'qdisc add dev eth0 root handle 1: tbf rate 100mbit burst 32k latency 50ms',
      /tc qdisc tbf 1:/,
    ],
    [
      'a filter elsewhere that sends to it',
      `filter add dev other0 ingress ${mirror} mirror dev eth0`,
      /u32 on other0, ingress.*mirred mirror egress to eth0: past the bridge/,
    ],
  ])('%s', async (_, words, expected) => {
    await box.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
    for (const device of ['eth0', 'other0']) await box.run('tc', 'qdisc', 'add', 'dev', device, 'clsact');
    expect(await told()).toBe('');
    await box.run('tc', ...words.split(' ').map(word => word.replaceAll('\u00a0', ' ')));
    const message = await told();
    await box.attempt('host', 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root');
    await box.run('tc', 'qdisc', 'del', 'dev', 'eth0', 'clsact');
    await box.run('ip', 'link', 'del', 'dev', 'other0');
    expect(message).toMatch(/Would get the guests' frames as well/);
    expect(message).toMatch(expected);
  });

  it('an XDP program', async () => {
    const file = await writeXdpPass(box.folder);
    // ip wants a BPF file system, which it finds in /sys/fs unless told; it goes with the mount namespace.
    const attach = `mount -t bpf bpf ${box.folder} && ip link set dev eth0 xdpgeneric obj /dev/stdin sec xdp`;
    await box.run(
      'unshare',
      '-m',
      'sh',
      '-c',
      `TC_BPF_MNT=${box.folder} && export TC_BPF_MNT && exec < ${file} && ${attach}`,
    );
    const message = await told();
    await box.run('ip', 'link', 'set', 'dev', 'eth0', 'xdpgeneric', 'off');
    expect(message).toMatch(/Would get the guests' frames as well.*XDP program pass: generic, id \d+/);
    expect(await told()).toBe('');
  });

  it('matters without addresses that move, too, and not once the uplink is a port', async () => {
    const file = await box.lab({ name: 'walled', bridges: { br0: { uplink: 'other0' } } }, 'bare.json');
    await box.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
    const remove = await rule('iifname "other0" drop');
    expect((await box.vmnet('plan', '--network-only', file)).json.error).toBeNull();
    await box.run(
      'tc',
      'qdisc',
      'add',
      'dev',
      'other0',
      'root',
      'handle',
      '1:',
      'tbf',
      'rate',
      '100mbit',
      'burst',
      '32k',
      'latency',
      '50ms',
    );
    expect((await box.vmnetAsIs('provision', '--network-only', file)).json.error.message).toContain('tbf');
    expect((await box.vmnet('provision', '--network-only', '--yes', file)).json.error).toBeNull();
    const debug = `${box.folder}/debug`;
    const again = await box.vmnet('--debug', debug, 'provision', '--network-only', file);
    expect(again.json.changed).toBe(0);
    const programs = (await box.run('cat', debug))
      .split('\n')
      .filter(line => /^(ip|nft|tc|bridge|\S+-save) /.test(line));
    expect(programs.map(line => line.split(' ')[0])).toEqual(['ip', 'ip']);
    expect((await box.vmnet('destroy', 'walled')).json.error).toBeNull();
    await remove();
    await box.run('ip', 'link', 'del', 'dev', 'other0');
  });
});
