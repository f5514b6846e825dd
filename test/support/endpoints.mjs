import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A shell in a network namespace of its own, which ends with our pipe. */
export async function endpoint() {
  const child = spawn('unshare', ['--net', 'sh'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const run = async lines => {
    child.stdin.write(`${lines}\necho done\n`);
    await once(child.stdout, 'data');
  };
  await run('ip link set lo up');
  return { child, run };
}
