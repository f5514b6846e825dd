import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

// As systemd mounts them at /dev/hugepages; here in a namespace of mounts that goes with the script.
const SCRIPT = `set -e
mount -t tmpfs run /run
mkdir /run/huge
mount -t hugetlbfs huge /run/huge
node=$1 cli=$2 name=$3
trap '"$node" "$cli" sandbox down "$name" > /dev/null' EXIT
"$node" "$cli" sandbox up "$name" > /dev/null
"$node" "$cli" sandbox exec "$name" -- virsh --quiet uri
grep -c hugetlbfs /proc/mounts
`;

test('a host that has mounted huge pages: libvirt answers in a sandbox, and the mount stays', async () => {
  const name = `test-${process.env.VMNET_TEST_RUN}-huge`;
  const words = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    SCRIPT,
    'sh',
    process.execPath,
    CLI,
    name,
  ];
  const { stdout } = await promisify(execFile)('unshare', words);
  const [uri, mounts] = stdout.trim().split('\n');
  expect(uri).toBe('qemu:///system');
  expect(Number(mounts)).toBeGreaterThan(0);
});
