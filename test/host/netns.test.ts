import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { linesOfBatches } from '../support/batches.js';
import { Box } from '../support/box.js';
import { killedAt } from '../support/cutting-ip.js';

// Network namespaces as endpoints, on a bridge with an uplink and on direct links.

const LAB = {
  name: 'duo',
  bridges: { br0: { uplink: 'eth0' } },
  namespaces: {
    a: {
      nics: [{ bridge: 'br0', address: ['192.0.2.21/24', 'fd00:db8::21/64'] }],
      routes: [
        { to: 'default', via: '192.0.2.1' },
        { to: 'fd0a::/64', via: 'fd00:db8::1' },
      ],
      sysctls: { 'net.ipv4.ip_forward': '1', 'net.ipv4.ip_local_port_range': '20000  30000' },
    },
    b: { nics: [{ bridge: 'br0', address: '192.0.2.22/24', name: 'lan0', mtu: 1400 }] },
  },
  links: [
    {
      endpoints: [
        { namespace: 'a', name: 'eth1', address: '10.8.0.1/30' },
        { namespace: 'b', name: 'eth1', address: '10.8.0.2/30' },
      ],
      mtu: 9000,
    },
    { endpoints: [{ namespace: 'host', name: 'veth0', address: '10.7.0.1/30' }, 'a:up0'] },
  ],
};

let box: Box;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up();
  before = await box.snapshot();
});

afterAll(() => box?.down());

/** Titles of the steps that a provision would take. */
const stepsOf = async (file: string): Promise<string[]> => {
  const { json } = await box.vmnet('plan', file);
  expect(json.error).toBeNull();
  return json.plan.phases.flatMap(({ steps }: { steps: { title: string }[] }) =>
    steps.map(step => step.title),
  );
};

const exec = (...words: string[]) => box.vmnetText('exec', ...words);

const pings = async (from: string, to: string) =>
  Number(
    /(\d+) received/.exec(
      (await exec(from, '--', 'ping', '-c', '3', '-i', '0.2', '-W', '3', to)).stdout,
    )?.[1] ?? 0,
  );

describe('a lab of two namespaces', () => {
  let file: string;

  it('is made, proven direct, and its links carry frames both ways', async () => {
    file = await box.lab(LAB);
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toBeNull();
    const told = (name: string) =>
      answer.json.checks
        .filter((check: { name: string }) => check.name === name)
        .map(({ vm, verdict }: Record<string, string>) => [vm, verdict]);
    expect(told('path')).toEqual([
      ['a', 'direct'],
      ['b', 'direct'],
    ]);
    expect(told('namespace')).toEqual([
      ['a', 'ok'],
      ['b', 'ok'],
    ]);
    expect(told('link')).toEqual([
      ['a:eth1 - b:eth1', 'ok'],
      ['host:veth0 - a:up0', 'ok'],
    ]);
    expect(answer.code).toBe(0);
  });

  it('is there by the names that ip-netns(8) shows, marked', async () => {
    expect((await box.run('ip', 'netns')).match(/^duo-\w+/gm)?.sort()).toEqual(['duo-a', 'duo-b']);
    expect(await box.run('ip', '-n', 'duo-a', 'link', 'show', 'lo')).toContain('altname vmnet.duo.a\n');
    expect(await box.run('ip', '-n', 'duo-b', 'link', 'show', 'lan0')).toMatch(/mtu 1400.*vmnet\.duo\.b\.0/s);
  });

  it('talks over the bridge, over the link, and to the LAN', async () => {
    expect(await pings('a', '192.0.2.22')).toBe(3);
    expect(await pings('a', '10.8.0.2')).toBe(3);
    expect(await pings('b', '192.0.2.1')).toBe(3);
    expect(await box.pingFromLan('192.0.2.21')).toBe(3);
    expect(await box.pingFromLan('fd00:db8::21')).toBe(3);
  });

  it('runs commands, whose streams and exit codes are those of the command', async () => {
    expect(await exec('duo/a', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await exec('--lab', 'duo', 'a', '--', 'cat', '/proc/sys/net/ipv4/ip_forward')).stdout).toBe(
      '1\n',
    );
    expect((await exec('a', '--', 'sh', '-c', 'kill -TERM $$')).code).toBe(143);
    const unknown = await exec('aa', '--', 'true');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('did you mean "a"?')]);
    const nothing = await exec('a', '--', 'no-such-program');
    expect([nothing.code, nothing.stderr]).toEqual([
      2,
      expect.stringContaining('no program "no-such-program"'),
    ]);
  });

  it('shows which end belongs to which', async () => {
    const { json } = await box.vmnet('status', 'duo');
    const peers = json.namespaces.flatMap(({ name, nics }: { name: string; nics: { peer: object }[] }) =>
      nics.map(({ peer }) => [name, peer]),
    );
    expect(peers).toMatchObject([
      ['a', { netns: 'duo-a', interface: 'eth0' }],
      ['b', { netns: 'duo-b', interface: 'lan0' }],
    ]);
    const ends = json.links.flatMap((link: { ends: { interface: string; peer: object }[] }) =>
      link.ends.map(end => [end.interface, end.peer]),
    );
    expect(ends).toMatchObject([
      ['eth1', { netns: 'duo-b', interface: 'eth1' }],
      ['eth1', { netns: 'duo-a', interface: 'eth1' }],
      ['veth0', { netns: 'duo-a', interface: 'up0' }],
      ['up0', { netns: null, interface: 'veth0' }],
    ]);
  });

  it('needs no step a second time', async () => {
    expect(await stepsOf(file)).toEqual([]);
    expect((await box.vmnet('provision', '--no-verify', file)).json.changed).toBe(0);
  });

  it('is mended inside and outside', async () => {
    const inA = (...words: string[]) => box.run('ip', '-n', 'duo-a', ...words);
    await inA('address', 'del', '192.0.2.21/24', 'dev', 'eth0');
    await inA('link', 'set', 'dev', 'lo', 'down');
    await inA('-6', 'route', 'del', 'fd0a::/64');
    await box.run('ip', '-n', 'duo-b', 'link', 'set', 'dev', 'eth1', 'mtu', '1400', 'down');
    await box.run('ip', '-n', 'duo-b', 'link', 'set', 'dev', 'lan0', 'address', '02:00:00:00:00:09');
    await box.run('ip', 'netns', 'exec', 'duo-a', 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
    await box.run('ip', 'link', 'set', 'dev', 'veth0', 'down');
    expect((await stepsOf(file)).sort()).toMatchInlineSnapshot(`
      [
        "add address 192.0.2.21/24 to eth0 in duo-a",
        "bring lo up in duo-a (a)",
        "set MAC of lan0 in duo-b",
        "set MTU 9000 of eth1 in duo-b",
        "set net.ipv4.ip_forward to 1 in duo-a",
        "set route to 0.0.0.0/0 via 192.0.2.1 in duo-a",
        "set route to fd0a::/64 via fd00:db8::1 in duo-a",
        "set up of eth1 in duo-b",
        "set up of veth0",
      ]
    `);
    expect((await box.vmnet('provision', file)).code).toBe(0);
    expect(await stepsOf(file)).toEqual([]);
    expect(await pings('a', '10.8.0.2')).toBe(3);
  });

  it('gets back a namespace and a link that are gone', async () => {
    await box.run('ip', 'netns', 'del', 'duo-b');
    await box.run('ip', 'link', 'del', 'dev', 'veth0');
    expect((await box.vmnet('provision', file)).code).toBe(0);
    expect(await stepsOf(file)).toEqual([]);
    expect(await pings('b', '10.8.0.1')).toBe(3);
  });

  it('follows its file: other addresses, routes, names and links', async () => {
    const { a, b } = LAB.namespaces;
    const changed = {
      ...LAB,
      namespaces: {
        a: { ...a, nics: [{ bridge: 'br0', address: '192.0.2.31/24' }], routes: [a.routes[0]] },
        b: { nics: [{ ...b.nics[0], name: 'eth9' }] },
        c: {},
      },
      links: [{ endpoints: [{ namespace: 'a', name: 'eth1', address: '10.8.0.1/30' }, 'c:eth1'] }],
    };
    const other = await box.lab(changed, 'other.json');
    const answer = await box.vmnet('provision', other);
    expect([answer.json.error, answer.code]).toEqual([null, 0]);
    expect(await stepsOf(other)).toEqual([]);
    const addresses = await box.run('ip', '-n', 'duo-a', '-br', '-4', 'address');
    expect(addresses).toContain('192.0.2.31/24');
    expect(addresses).not.toContain('192.0.2.21/24');
    expect(await box.run('ip', '-n', 'duo-a', 'route')).toContain('default via 192.0.2.1');
    expect(await box.run('ip', '-n', 'duo-b', '-br', 'link')).toMatch(/^eth9@/m);
    expect((await box.vmnet('provision', file)).code).toBe(0);
    expect(await stepsOf(file)).toEqual([]);
    expect((await box.run('ip', 'netns')).includes('duo-c')).toBe(false);
  });

  it('is not destroyed while something runs in it, unless that is asked for', async () => {
    const sleeper = exec('b', '--', 'sleep', '300');
    let pid = '';
    for (let tries = 0; tries < 50 && pid === ''; tries++)
      pid = (await box.attempt('host', 'sh', '-c', 'sleep 0.1; ip netns pids duo-b')).stdout.trim();
    const refused = await box.vmnet('destroy', 'duo');
    expect([refused.code, refused.json.error.message]).toEqual([
      1,
      expect.stringContaining(`process ${pid}`),
    ]);
    await box.run('kill', pid);
    expect((await sleeper).code).toBe(143);
  });

  it('leaves the host as it was', async () => {
    expect((await box.vmnet('destroy', 'duo')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a lab without bridges', () => {
  it('of two namespaces on a veth is rehearsed', async () => {
    const { a, b } = { a: {}, b: {} };
    const file = await box.lab({
      name: 'pair',
      namespaces: { a, b },
      links: [{ endpoints: ['a:eth1', 'b:eth1'] }],
    });
    const answer = await box.vmnet('provision', file);
    expect([answer.json.error, answer.code]).toEqual([null, 0]);
    expect(answer.json.checks.map(({ name }: { name: string }) => name)).toEqual([
      'namespace',
      'namespace',
      'link',
    ]);
    // What keeps frames from one end: a filter at the other.
    const filter =
      'add table netdev t; add chain netdev t c { type filter hook ingress device "eth1" priority 0; policy drop; }';
    await box.run('ip', 'netns', 'exec', 'pair-b', 'nft', filter);
    const verified = await box.vmnet('verify', 'pair');
    const failed = verified.json.checks.filter(({ verdict }: { verdict: string }) => verdict !== 'ok');
    expect(failed).toMatchObject([
      {
        name: 'link',
        reason: 'frames-lost',
        evidence: { there: { sent: 3, received: 0 }, back: { received: 3 } },
      },
    ]);
    expect(verified.code).toBe(3);
    expect((await box.vmnet('destroy', 'pair')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('what is not ours', () => {
  it('a namespace of that name is in the way, named, and stays', async () => {
    await box.run('ip', 'netns', 'add', 'duo-a');
    const file = await box.lab(LAB);
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('namespace duo-a of a cannot be made: one of that name exists'),
      hint: expect.stringContaining('ip netns del duo-a'),
    });
    expect((await box.vmnet('destroy', 'duo')).code).toBe(0);
    expect((await box.run('ip', 'netns')).trim()).toBe('duo-a');
    await box.run('ip', 'netns', 'del', 'duo-a');
    await box.run('sh', '-c', 'umount /run/netns; rmdir /run/netns');
  });

  it('a setting that this kernel has not undoes all, and says which', async () => {
    const namespaces = { a: { sysctls: { 'net.ipv4.no_such': '1' } }, b: {} };
    const file = await box.lab({ name: 'odd', namespaces, links: [{ endpoints: ['a:eth1', 'b:eth1'] }] });
    const answer = await box.vmnet('provision', file);
    expect(answer.json.error).toMatchObject({
      message: expect.stringContaining('net.ipv4.no_such of namespace odd-a'),
      hint: expect.stringContaining('as it was'),
    });
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('killed with -9', () => {
  /** Every batch of a plan, those inside last: its lines. */
  async function batches(...words: string[]): Promise<number[]> {
    const { phases } = (await box.vmnet(...words)).json.plan;
    const inside = phases.flatMap(
      ({ steps }: { steps: { do: { kind: string; work?: { lines: string[] }[] }[] }[] }) =>
        steps.flatMap(step => step.do.flatMap(action => action.work ?? []).map(({ lines }) => lines.length)),
    );
    return [...linesOfBatches(phases), ...inside];
  }

  const SMALL = {
    name: 'killed',
    bridges: { br0: {} },
    namespaces: {
      a: { nics: [{ bridge: 'br0', address: '10.6.0.1/24' }], sysctls: { 'net.ipv4.ip_forward': 1 } },
    },
    links: [{ endpoints: ['a:eth1', 'host:veth0'] }],
  };

  it('after each line of each batch, a provision is undone', { timeout: 600_000 }, async () => {
    const file = await box.lab(SMALL, 'killed.json');
    let restored = 0;
    for (const [batch, lines] of (await batches('plan', file)).entries()) {
      // The first lines and the last one of long batches: those between are like them.
      for (const line of [...new Set([0, 1, Math.floor(lines / 2), lines - 1])].filter(it => it < lines)) {
        const where = `batch ${batch + 1}, line ${line}`;
        const end = await box.killed(killedAt(box, batch, line), 'provision', '--no-verify', file);
        expect(end.code, where).not.toBe(0);
        const recovered = await box.vmnet(...(restored % 2 === 0 ? ['recover'] : ['destroy', 'killed']));
        expect(recovered.json.error, where).toBeNull();
        expect(await box.differenceFrom(before), where).toEqual([]);
        restored++;
      }
    }
    expect(restored).toBeGreaterThan(10);
    console.log(`namespaces: ${restored} points tried and restored`);
  });

  it('a destroy is carried on', async () => {
    const file = await box.lab(SMALL, 'killed.json');
    for (const [batch, line] of [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [2, 0],
    ] as const) {
      const where = `batch ${batch + 1}, line ${line}`;
      await box.vmnet('provision', '--no-verify', file);
      await box.killed(killedAt(box, batch, line), 'destroy', 'killed');
      expect((await box.vmnet('destroy', 'killed')).json.error, where).toBeNull();
      expect(await box.differenceFrom(before), where).toEqual([]);
    }
  });
});
