import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Drivers, makeDrivers } from '../../src/drivers/drivers.js';
import { plainNetwork, type SandboxNic } from '../../src/sandbox/network.js';
import { inSandbox, SANDBOX_ENV, type Sandbox, sandboxDown, sandboxUp } from '../../src/sandbox/sandbox.js';
import { type Snapshot, snapshotDifference, takeSnapshot } from '../../src/sandbox/snapshot.js';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** A program's end. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `vmnet --json` printed, with its exit code. */
export interface Answer extends Ended {
  // biome-ignore lint/suspicious/noExplicitAny: tests look at members of many shapes
  readonly json: any;
}

/** A throw-away host for a test, with a folder for its lab files. */
export class Box {
  private constructor(
    readonly sandbox: Sandbox,
    readonly folder: string,
    private readonly drivers: Drivers,
  ) {}

  static async up(
    nics: readonly SandboxNic[] = [plainNetwork('eth0')],
    options: { readonly ovs?: boolean } = {},
  ): Promise<Box> {
    const drivers = makeDrivers({}, process.env);
    const name = `test-${process.env.VMNET_TEST_RUN}-${Math.random().toString(36).slice(2, 8)}`;
    const sandbox = await sandboxUp(name, { nics, kvm: false, owner: null, ...options }, drivers);
    return new Box(sandbox, await mkdtemp(join(tmpdir(), 'lab-')), drivers);
  }

  async down(): Promise<void> {
    await sandboxDown(this.sandbox.name);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Write a lab file and return its path. */
  async lab(content: object, name = 'lab.json'): Promise<string> {
    const file = join(this.folder, name);
    await writeFile(file, JSON.stringify({ version: 1, ...content }, null, 2));
    return file;
  }

  /** Run a command on the host's side and return what it printed; a failure throws. */
  async run(...words: string[]): Promise<string> {
    return succeed(await start(inSandbox(this.sandbox, 'host', words)), words);
  }

  /** The same on the LAN's side. */
  async lan(...words: string[]): Promise<string> {
    return succeed(await start(inSandbox(this.sandbox, 'lan', words)), words);
  }

  /** The same, whatever its exit code. */
  attempt(side: 'host' | 'lan', ...words: string[]): Promise<Ended> {
    return start(inSandbox(this.sandbox, side, words));
  }

  /** Run `vmnet --json …` on the host; a provision with `--yes`, see {@link withYes}. */
  vmnet(...words: string[]): Promise<Answer> {
    return this.vmnetIn([], ...words);
  }

  /** The same word by word: where vmnet may refuse, as it does for a user without a terminal. */
  vmnetAsIs(...words: string[]): Promise<Answer> {
    return this.#answer([], ...words);
  }

  /** As {@link vmnet}, with variables in its environment. */
  vmnetWith(env: Record<string, string>, ...words: string[]): Promise<Answer> {
    return this.vmnetIn(['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)], ...words);
  }

  /** As {@link vmnet}, behind another command, such as `ip netns exec NAME`. */
  vmnetIn(prefix: readonly string[], ...words: string[]): Promise<Answer> {
    return this.#answer(prefix, ...withYes(words));
  }

  async #answer(prefix: readonly string[], ...words: string[]): Promise<Answer> {
    const command = [...prefix, process.execPath, CLI, '--json', ...words];
    const ended = await start(inSandbox(this.sandbox, 'host', command));
    try {
      return { ...ended, json: JSON.parse(ended.stdout) };
    } catch {
      throw new Error(`vmnet ${words.join(' ')} printed no JSON:\n${ended.stdout}\n${ended.stderr}`);
    }
  }

  /** Run vmnet where it will be killed: it leaves no document. */
  killed(env: Record<string, string>, ...words: string[]): Promise<Ended> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return this.killedIn(['env', ...variables], ...words);
  }

  /** The same behind another command, such as `strace`. */
  killedIn(prefix: readonly string[], ...words: string[]): Promise<Ended> {
    return start(
      inSandbox(this.sandbox, 'host', [...prefix, process.execPath, CLI, '--json', ...withYes(words)]),
    );
  }

  /** Run vmnet as people see it, without a terminal. */
  vmnetText(...words: string[]): Promise<Ended> {
    return start(inSandbox(this.sandbox, 'host', [process.execPath, CLI, ...withYes(words)]));
  }

  snapshot(): Promise<Snapshot> {
    return takeSnapshot(this.sandbox, this.drivers);
  }

  /**
   * What differs from a snapshot, one line each. Looks again for two seconds: the kernel installs the local route of
   * an IPv6 address from a work queue, later than the address.
   */
  async differenceFrom(before: Snapshot): Promise<string[]> {
    const deadline = Date.now() + 2000;
    for (;;) {
      const left = snapshotDifference(before, await this.snapshot());
      if (left.length === 0 || Date.now() > deadline) return left;
      await sleep(100);
    }
  }

  /** How many of three echo requests from the LAN an address answers. */
  async pingFromLan(address: string): Promise<number> {
    const { stdout } = await this.attempt('lan', 'ping', '-c', '3', '-i', '0.2', '-W', '3', address);
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
  }
}

/** Tests have no terminal, and eth0 carries the default route: without a yes, no provision would move it. */
const withYes = (words: readonly string[]) =>
  words.flatMap(word => (word === 'provision' ? [word, '--yes'] : [word]));

function succeed(ended: Ended, words: readonly string[]): string {
  if (ended.code !== 0)
    throw new Error(`${words.join(' ')}: exit ${ended.code}\n${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

function start(words: readonly string[]): Promise<Ended> {
  const [file = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...SANDBOX_ENV },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), stdout, stderr }));
  });
}
