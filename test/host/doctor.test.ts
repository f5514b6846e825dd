import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Box } from '../support/box.js';

// The doctor on hosts that lack something, each made so for real, and what it says of each.

let box: Box;

beforeAll(async () => {
  box = await Box.up();
});

afterAll(() => box?.down());

interface Finding {
  readonly id: string;
  readonly subject: string;
  readonly status: string;
  readonly found: string;
  readonly why: string;
  readonly fix: string | null;
}

const findings = (answer: Answer): Finding[] => answer.json.checks;
const one = (answer: Answer, id: string): Finding => {
  const found = findings(answer).find(finding => finding.id === id);
  if (!found) throw new Error(`no finding ${id} in ${answer.stdout}`);
  return found;
};
const faults = (answer: Answer) => findings(answer).filter(({ status }) => status === 'fault');

const lab = (bridge: object = {}) =>
  box.lab({
    name: 'asked',
    bridges: { br0: { uplink: 'eth0', ...bridge } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });

/** Run the doctor where some command has changed the view of the host, for this run alone. */
const doctorAfter = (change: string, ...words: string[]) =>
  box.vmnetIn(['unshare', '--mount', 'sh', '-c', `${change} && exec "$0" "$@"`], 'doctor', ...words);

describe('a host that is in order', () => {
  it('has no faults, with or without a lab, and is not changed', async () => {
    const before = await box.snapshot();
    const plain = await box.vmnet('doctor');
    const asked = await box.vmnet('doctor', await lab());
    for (const answer of [plain, asked]) {
      expect(faults(answer)).toEqual([]);
      expect([answer.code, answer.json.ok, answer.json.command]).toEqual([0, true, 'doctor']);
    }
    expect(asked.json).toMatchObject({ lab: 'asked', changed: 0, steps: [], error: null });
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('has each finding in one shape', async () => {
    for (const finding of findings(await box.vmnet('doctor', await lab()))) {
      expect(Object.keys(finding)).toEqual(['id', 'subject', 'status', 'found', 'why', 'fix']);
      expect(finding.status).toMatch(/^(ok|warning|fault)$/);
      expect(finding.why).toMatch(/\S/);
      if (finding.status === 'fault') expect(finding.fix).toMatch(/\S/);
    }
  });

  it('reads well at 80 columns', async () => {
    const { stdout, stderr } = await box.vmnetText('doctor', await lab());
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ok {7}rights/m);
    expect(stdout).toMatch(/\d+ ok, \d+ warnings?, 0 faults\n$/);
    expect(stdout.split('\n').filter(line => line.length > 80)).toEqual([]);
  });
});

describe("bridged frames in the host's firewall", () => {
  it.each([
    ['nft', 'nft ip table filter, chain FORWARD', 'iptables -I DOCKER-USER -i br0 -o br0 -j ACCEPT'],
    [
      'legacy',
      'iptables-legacy table filter, chain FORWARD',
      'iptables-legacy -I DOCKER-USER -i br0 -o br0 -j ACCEPT',
    ],
  ])('%s: the switch is named, and the chain that drops', async (kind, where, fix) => {
    const program = kind === 'nft' ? 'iptables-nft' : 'iptables-legacy';
    for (const words of ['-N DOCKER-USER', '-I FORWARD -j DOCKER-USER', '-P FORWARD DROP'])
      await box.run(program, ...words.split(' '));
    try {
      const off = await box.vmnet('doctor', await lab());
      expect([one(off, 'bridge-netfilter').status, one(off, 'forward').status]).toEqual(['ok', 'ok']);
      await box.run('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1');
      const on = await box.vmnet('doctor', await lab());
      expect(on.code).toBe(3);
      expect(one(on, 'bridge-netfilter')).toMatchObject({
        status: 'warning',
        found: 'on: bridge-nf-call-iptables',
      });
      expect(faults(on)).toMatchObject([{ id: 'forward', found: expect.stringContaining(where) }]);
      expect(one(on, 'forward').fix).toContain(fix);
      const avoided = await box.vmnet('doctor', await lab({ bridgeNetfilter: 'off' }));
      expect([avoided.code, faults(avoided)]).toEqual([0, []]);
    } finally {
      await box.run('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0');
      for (const words of ['-P FORWARD ACCEPT', '-F', '-X']) await box.run(program, ...words.split(' '));
    }
  });
});

describe('an uplink', () => {
  it('that is not there is a fault, told once', async () => {
    const answer = await box.vmnet('doctor', await lab({ uplink: 'eth7' }));
    expect(answer.code).toBe(3);
    expect(faults(answer)).toMatchObject([{ id: 'uplink', subject: 'eth7' }]);
    expect(one(answer, 'uplink').fix).toContain('eth0');
  });

  it('without carrier is a warning', async () => {
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'down');
    try {
      const answer = await box.vmnet('doctor', await lab());
      expect(one(answer, 'uplink')).toMatchObject({
        status: 'warning',
        found: expect.stringContaining('no carrier'),
      });
      expect(answer.code).toBe(0);
    } finally {
      await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'up');
    }
  });
});

describe('a lab that does not fit', () => {
  it('has a fault for each thing in its way', async () => {
    await box.run('ip', 'link', 'add', 'name', 'br0', 'type', 'bridge');
    try {
      const answer = await box.vmnet('doctor', await lab());
      expect(answer.code).toBe(3);
      expect(faults(answer)).toMatchObject([{ id: 'lab', found: expect.stringContaining('br0') }]);
    } finally {
      await box.run('ip', 'link', 'del', 'dev', 'br0');
    }
  });

  it('a file that is no lab is told as everywhere else', async () => {
    expect((await box.vmnet('doctor', await box.lab({ name: 'x y' }, 'bad.json'))).code).toBe(2);
  });
});

describe('what is missing', () => {
  it('/dev/net/tun', async () => {
    const answer = await doctorAfter('mount -t tmpfs none /dev/net');
    expect(answer.code).toBe(3);
    expect(faults(answer)).toHaveLength(1);
    expect(one(answer, 'tun')).toMatchObject({
      status: 'fault',
      fix: expect.stringContaining('modprobe tun'),
    });
  });

  it('a device that is another one', async () => {
    const answer = await doctorAfter('mount --bind /dev/null /dev/net/tun');
    expect(one(answer, 'tun')).toMatchObject({ status: 'fault', found: expect.stringContaining('1:3') });
  });

  it('nft, of which nothing is told but that', async () => {
    const hide = 'cp -a /usr/sbin /run/sbin && rm /run/sbin/nft && mount --bind /run/sbin /usr/sbin';
    const answer = await doctorAfter(hide);
    await box.run('rm', '-r', '/run/sbin');
    expect(faults(answer)).toMatchObject([{ id: 'tool-nft' }]);
    expect(one(answer, 'forward').found).toMatch(/^not looked at/);
  });

  it('a state folder that can be written to', async () => {
    const answer = await doctorAfter(
      'mkdir -p /run/vmnet-state && mount -t tmpfs -o ro none /run/vmnet-state',
    );
    expect(one(answer, 'state')).toMatchObject({ status: 'fault', found: expect.stringContaining('EROFS') });
    await box.run('rmdir', '/run/vmnet-state');
  });

  it('libvirtd, and the others are told all the same', async () => {
    const answer = await box.vmnet(
      '--connect',
      'qemu+unix:///system?socket=/run/nobody',
      'doctor',
      await lab(),
    );
    expect(answer.code).toBe(3);
    expect(faults(answer)).toMatchObject([{ id: 'libvirt' }]);
    expect(one(answer, 'libvirt').fix).toContain('systemctl start libvirtd');
    expect(one(answer, 'lab').status).toBe('ok');
    expect(one(answer, 'guests').found).toContain('not looked at');
  });

  it('root', async () => {
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const answer = await box.vmnetIn(nobody, 'doctor');
    expect(answer.code).toBe(0);
    expect(one(answer, 'rights')).toMatchObject({ status: 'warning', fix: 'sudo vmnet doctor' });
    for (const id of ['kernel', 'forward', 'locks'])
      expect(one(answer, id)).toMatchObject({
        status: 'warning',
        found: expect.stringMatching(/^not looked at/),
      });
  });

  it('a capability', async () => {
    const without = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const answer = await box.vmnetIn(without, 'doctor');
    expect(one(answer, 'rights')).toMatchObject({
      status: 'fault',
      found: expect.stringContaining('CAP_NET_ADMIN'),
    });
    expect(answer.code).toBe(3);
  });
});

describe('two networks of the host', () => {
  it('that share a subnet are a warning', async () => {
    await box.run('ip', 'address', 'add', '192.168.122.77/24', 'dev', 'eth0');
    try {
      await box.run('ip', 'link', 'add', 'name', 'virbr0', 'type', 'bridge');
      await box.run('ip', 'address', 'add', '192.168.122.1/24', 'dev', 'virbr0');
      expect(one(await box.vmnet('doctor'), 'subnets')).toMatchObject({
        status: 'warning',
        found: expect.stringContaining('192.168.122.0/24'),
      });
    } finally {
      await box.attempt('host', 'ip', 'link', 'del', 'dev', 'virbr0');
      await box.run('ip', 'address', 'del', '192.168.122.77/24', 'dev', 'eth0');
    }
  });
});

describe('after a run that was killed', () => {
  it('it is told how to bring it to an end', async () => {
    await box.run('mkdir', '-p', '/run/vmnet-state/labs/lost');
    await box.run('sh', '-c', 'echo {} > /run/vmnet-state/labs/lost/pending.json');
    try {
      expect(one(await box.vmnet('doctor'), 'pending')).toMatchObject({
        status: 'warning',
        subject: 'lab lost',
        fix: expect.stringContaining('vmnet recover lost'),
      });
    } finally {
      await box.run('rm', '-r', '/run/vmnet-state');
    }
  });
});

describe('libvirtd', () => {
  it('that was stopped is a fault', async () => {
    // Its life ends here: this comes last.
    await box.run(
      'sh',
      '-c',
      'kill $(cat /run/libvirtd.pid); while [ -e /run/libvirtd.pid ]; do sleep 0.1; done',
    );
    const answer = await box.vmnet('doctor');
    expect(answer.code).toBe(3);
    expect(faults(answer)).toMatchObject([{ id: 'libvirt' }]);
  });
});
